"""A witness that is killed at any moment never forgets what it has cosigned, and never has two faces itself.

``ORDERTRAIL_SOAK=1`` makes it long.
"""

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from ordertrail.adapters.files.witness_state import FileWitnessState
from ordertrail.assembly.witness import create_witness
from ordertrail.ledger.add_checkpoint import parse_size
from ordertrail.ledger.checkpoint import Checkpoint, open_checkpoint
from ordertrail.ledger.note import Note, format_note, parse_note, parse_signature
from ordertrail.ledger.vkey import VerifierKey
from ordertrail.ledger.witness import remembered
from witness.growing import NAME, ORIGIN, GrowingLog

KILLS = 200 if os.environ.get("ORDERTRAIL_SOAK") == "1" else 4
CALLERS = 3
SHARED = 5
"""Entries that the two histories have in common."""

_COMMAND = [str(Path(sys.executable).with_name("ordertrail")), "witness", "serve"]


@contextmanager
def serving(root: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Serve the witness in a process of its own; that, and its URL. It is killed at the end."""
    with subprocess.Popen(
        [*_COMMAND, str(root), "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as child:
        try:
            assert child.stdout is not None
            said = child.stdout.readline()
            yield child, said.split(" ")[4].rstrip(";")
        finally:
            child.kill()


class Caller(threading.Thread):
    """Asks for cosignatures of either history at sizes around the one that it last heard of, until nobody answers."""

    def __init__(
        self, url: str, histories: tuple[GrowingLog, GrowingLog], keys: list[VerifierKey], seed: int
    ) -> None:
        super().__init__()
        self._url, self._histories, self._keys = url, histories, keys
        self._choice = random.Random(seed)
        self.cosigned: list[Checkpoint] = []

    def run(self) -> None:
        """Ask and ask."""
        old = 0
        with httpx.Client(base_url=self._url, timeout=5) as client:
            while True:
                log = self._choice.choice(self._histories)
                size = min(len(log.leaves), max(old, 1) + self._choice.choice((0, 0, 1, 1, 2)))
                try:
                    answer = client.post("/add-checkpoint", content=log.request(old, size))
                except httpx.HTTPError:
                    return
                assert answer.status_code in {200, 409, 422}, answer.text
                if answer.status_code == 409:
                    old = parse_size(answer.content)
                elif answer.status_code == 200:
                    self._take(log, size, answer.content)
                    old = size

    def _take(self, log: GrowingLog, size: int, body: bytes) -> None:
        note = parse_note(log.note(size))
        lines = tuple(map(parse_signature, body.decode().split("\n")[:-1]))
        both = format_note(Note(note.text, note.signatures + lines))
        opened = open_checkpoint(both, log.signer.key, self._keys)
        assert all(opened.by(key) for key in self._keys)
        self.cosigned.append(opened.checkpoint)


def test_killed_at_random_it_keeps_to_one_history(tmp_path: Path) -> None:
    """Under load by those who show it two histories: whatever was cosigned, before and after each death, is one.

    What it remembers never goes back, and is never less than what anybody holds a cosignature of.
    """
    seed = random.randrange(1 << 32)
    choice = random.Random(seed)
    histories = GrowingLog.of(4_000), GrowingLog.of(4_000).fork(SHARED)
    root = tmp_path / "w"
    witness = create_witness(root, NAME, [histories[0].signer.key])
    keys = [signer.key for signer in witness.signers]
    state, latest, roots = FileWitnessState(root / "state"), 0, dict[int, bytes]()
    for death in range(KILLS):
        with serving(root) as (child, url):
            callers = [Caller(url, histories, keys, choice.randrange(1 << 32)) for _ in range(CALLERS)]
            for caller in callers:
                caller.start()
            time.sleep(choice.uniform(0.01, 0.6))
            child.kill()
            for caller in callers:
                caller.join(60)
        now = remembered(ORIGIN, state.latest(ORIGIN))
        told = [one for caller in callers for one in caller.cosigned]
        assert now.size >= max([latest, *(one.size for one in told)]), (seed, death)
        for one in (*told, now):
            assert roots.setdefault(one.size, one.root) == one.root, (seed, death, one.size)
        latest = now.size
    assert latest > SHARED
    assert any(
        all(log.checkpoint(size).root == root for size, root in roots.items() if size) for log in histories
    )
