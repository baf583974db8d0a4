"""What writers were told while they lived, and whether the trail keeps every word of it after their death."""

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import msgspec

from crash.writer import ORIGIN, Plan, event_of
from ordertrail.assembly import create_trail, open_trail
from ordertrail.kernel.ids import format_id, new_id
from ordertrail.ledger.checkpoint import open_checkpoint
from ordertrail.ledger.paths import anchor_path
from ordertrail.ledger.verify.full import Options
from ordertrail.ledger.vkey import parse_vkey
from ordertrail.services import DEFAULT_STREAM, Trail
from ordertrail.settings import Settings

_WRITER = Path(__file__).with_name("writer.py")

DEADLY = (-signal.SIGKILL, -signal.SIGALRM)
"""How a writer that was killed ends: by our SIGKILL, or by its timer, for which it has no handler."""


@dataclass(slots=True)
class Heard:
    """What a writer told."""

    submitted: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)
    failures: list[list[str]] = field(default_factory=list)
    done: bool = False


def start(plan: Plan) -> subprocess.Popen[bytes]:
    """Start a writer."""
    command = [sys.executable, str(_WRITER), msgspec.json.encode(plan).decode()]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    )


def await_line(writer: subprocess.Popen[bytes], word: str) -> bytes:
    """Read a writer's lines up to the one of this word, unless it ends before; return them."""
    assert writer.stdout is not None
    lines = b""
    while line := writer.stdout.readline():
        lines += line
        if line == f"{word}\n".encode():
            break
    return lines


def kill_after(writer: subprocess.Popen[bytes], seconds: float) -> bytes:
    """Kill a writer so long after this; return what it told meanwhile."""
    time.sleep(seconds)
    writer.kill()
    return end_of(writer)[0]


def end_of(writer: subprocess.Popen[bytes]) -> tuple[bytes, str]:
    """Wait for a writer's end; return what it told and its standard error."""
    told, errors = writer.communicate(timeout=120)
    return told, errors.decode(errors="replace")


def hear(told: bytes) -> Heard:
    """Read what a writer told; a last line that its death tore was never told."""
    heard = Heard()
    for line in told.decode().split("\n")[:-1]:
        word, *rest = line.split(" ")
        if word == "submit":
            heard.submitted.update(rest)
        elif word == "ack":
            heard.acknowledged.update(rest)
        elif word == "failed":
            heard.failures.append(json.loads(line.removeprefix("failed ")))
        elif word == "done":
            heard.done = True
    return heard


@dataclass(slots=True)
class Witness:
    """Holds one trail, over many deaths, against what its writers were told."""

    root: Path
    submitted: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)
    checkpoints: list[tuple[str, bytes]] = field(default_factory=list)
    deaths: int = 0

    @classmethod
    def of_new_trail(cls, root: Path, sealed: int = 0, settings_file: Path | None = None) -> "Witness":
        """Create a trail, with so many events sealed, and become its witness."""
        ids = [new_id() for _ in range(sealed)]
        settings = Settings(immutable=False) if settings_file is None else None
        with create_trail(root, ORIGIN, settings=settings, settings_file=settings_file) as trail:
            trail.record(map(event_of, ids))
            trail.seal()
        return cls(root, set(ids), set(ids))

    def hear(self, told: bytes) -> Heard:
        """Take note of what a writer told."""
        heard = hear(told)
        self.submitted |= heard.submitted
        self.acknowledged |= heard.acknowledged
        return heard

    @property
    def unanswered(self) -> tuple[str, ...]:
        """What was submitted and never acknowledged: a good client submits it again."""
        return tuple(sorted(self.submitted - self.acknowledged))

    def examine(self) -> None:
        """Hold the trail against what was told: as death left it, and again once it was sealed."""
        self.deaths += 1
        with open_trail(self.root) as trail:
            self._verify(trail, "straight after")
            trail.seal()
            self._verify(trail, "sealed again")
            self._count(trail)
            self._follow(trail)

    def examine_copy(self) -> None:
        """Examine a copy, so that the trail itself stays as death left it and the next writer recovers it."""
        with tempfile.TemporaryDirectory(dir=self.root.parent) as folder:
            copy = Path(folder) / "copy"
            # By another process: closing a database file drops all locks that this one has on it (fcntl(2)).
            subprocess.run(["cp", "-a", str(self.root), str(copy)], check=True)
            Witness(copy, self.submitted, self.acknowledged, list(self.checkpoints)).examine()
        self.deaths += 1

    def _verify(self, trail: Trail, when: str) -> None:
        """All is intact, and extends each checkpoint that was ever seen published."""
        log = trail.log().log
        published = log.publication.checkpoint()
        assert published is not None, f"{when}: no checkpoint is published"
        if not self.checkpoints or self.checkpoints[-1][1] != published:
            self.checkpoints.append((f"checkpoint {len(self.checkpoints)}", published))
        report = trail.verify(Options(elsewhere=self.checkpoints))
        assert report.intact, f"{when}: {[str(finding) for finding in report.findings]}"

    def _count(self, trail: Trail) -> None:
        """Every acknowledged event is in the log, none twice, and none that nobody submitted."""
        log = trail.log().log
        size = log.store.head(DEFAULT_STREAM).size
        rows = list(log.reader.rows(DEFAULT_STREAM, 0, size))
        rotations = {row.id for row in rows if b'"action":"key.rotate"' in row.entry}
        found = Counter(format_id(row.id) for row in rows if row.id not in rotations)
        lost = sorted(self.acknowledged - found.keys())
        assert not lost, f"{len(lost)} acknowledged events are lost: {lost[0]} to {lost[-1]}"
        assert [id_ for id_, times in found.items() if times > 1] == []
        assert not found.keys() - self.submitted, "the log has events that nobody submitted"
        assert size == len(rows) == len(found) + len(rotations)
        assert len(rotations) == len(trail.keys()) - 1
        assert log.journal.waiting(DEFAULT_STREAM) == 0

    def _follow(self, trail: Trail) -> None:
        """An outsider, who has only what is published, can check the checkpoint and follow each rotation."""
        source = trail.log().open_source()
        try:
            in_force = (source.published_keys or b"").decode().split("\n")[0]
            assert in_force == trail.keys()[-1].vkey
            opened = open_checkpoint(source.published or b"", parse_vkey(in_force))
            assert opened.checkpoint.size == trail.log().log.store.head(DEFAULT_STREAM).size
            for old, new in pairwise(trail.keys()):
                bridge = source.tiles.get(anchor_path(new.first)) or b""
                for vkey in (old.vkey, new.vkey):
                    assert open_checkpoint(bridge, parse_vkey(vkey)).checkpoint.size == new.first
        finally:
            source.close()
