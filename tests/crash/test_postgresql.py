"""A trail on PostgreSQL outlives the server's deaths, and a paused sequencer that wakes up too late does no harm.

The short form kills the server a few times; ``ORDERTRAIL_SOAK=1`` fifty times, told in figures.
"""

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGCONT, SIGSTOP
from threading import Thread

import msgspec
import pytest

from crash.postgresql_writer import INSIDE, Task
from crash.witness import Heard, Witness, hear
from crash.writer import ORIGIN
from ordertrail.kernel.ids import format_id
from ordertrail.services import DEFAULT_STREAM, Trail
from servers.databases import TrailDatabase, trail_database
from servers.postgresql import Server, own_server, postgresql_server
from servers.trails import create_on_postgresql, open_on_postgresql

__all__ = ["postgresql_server"]

_WRITER = Path(__file__).with_name("postgresql_writer.py")
SOAK = os.environ.get("ORDERTRAIL_SOAK") == "1"
KILLS = 50 if SOAK else 3
LEASE = 1.5
"""Seconds; as short as a busy machine's pauses allow."""


class Process:
    """A writer or a sealer, and what it has told so far."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.lines: list[bytes] = []
        self.words: Counter[str] = Counter()
        self.process = subprocess.Popen(
            [sys.executable, str(_WRITER), msgspec.json.encode(task).decode()],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self._listener = Thread(target=self._listen)
        self._listener.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            self.words[line.split()[0].decode()] += 1

    @property
    def told(self) -> bytes:
        """What it has told in whole lines."""
        return b"".join(self.lines)

    def await_word(self, word: str, *, times: int = 1) -> None:
        """Wait until it has told this word so often."""
        end = time.monotonic() + 60
        while self.words[word] < times:
            assert time.monotonic() < end, f"never told {word}: {self.lines[-9:]!r}"
            assert self.process.poll() is None, self.process.stderr and self.process.stderr.read()
            time.sleep(0.005)

    def end(self) -> Heard:
        """Tell it to end, wait until it has, and return what it told."""
        assert self.process.stdin is not None
        assert self.process.stderr is not None
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        errors = self.process.stderr.read()
        self.process.wait(timeout=120)
        self._listener.join()
        self.process.stderr.close()
        assert self.process.returncode == 0, errors.decode()
        heard = hear(self.told)
        assert heard.done
        return heard

    def kill(self) -> None:
        """End it at once, if it has not ended."""
        with suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        self._listener.join()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()


@dataclass(slots=True)
class PostgresqlWitness(Witness):
    """Holds a trail on PostgreSQL against what its writers were told."""

    database: TrailDatabase | None = None
    processes: list[Process] = field(default_factory=list)

    @classmethod
    def of_database(cls, root: Path, database: TrailDatabase) -> "PostgresqlWitness":
        """Create a trail in a database and become its witness."""
        create_on_postgresql(root, ORIGIN, database.url("sealer")).close()
        return cls(root, database=database)

    @property
    def url(self) -> str:
        """The trail's database, for its sealing role."""
        assert self.database is not None
        return self.database.url("sealer")

    def missing(self) -> list[str]:
        """Return the acknowledged events that are neither in the log nor in the journal right now."""
        self.listen()
        acknowledged = set(self.acknowledged)
        assert self.database is not None
        found = self.database.run("SELECT event_id FROM outbox UNION SELECT event_id FROM entry_key")
        return sorted(acknowledged - {format_id(id_) for (id_,) in found if isinstance(id_, bytes)})

    def start(self, **how: object) -> Process:
        """Start a process on the trail."""
        task = msgspec.convert({"root": str(self.root), "url": self.url, **how}, Task)
        self.processes.append(Process(task))
        return self.processes[-1]

    def listen(self) -> None:
        """Take note of what all processes have told so far."""
        for process in self.processes:
            self.hear(process.told)

    def open(self) -> Trail:
        """Open the trail."""
        return open_on_postgresql(self.root, self.url)

    def examine(self) -> None:
        """Hold the trail against what was told, and again once it was sealed."""
        with self.open() as trail:
            self._verify(trail, "straight after")
            trail.seal()
            self._verify(trail, "sealed again")
            self._count(trail)
            self._follow(trail)


@contextmanager
def witnessing(root: Path, server: Server) -> Iterator[PostgresqlWitness]:
    """A trail on a server, whose processes end when this does."""
    with trail_database(server) as database:
        witness = PostgresqlWitness.of_database(root, database)
        try:
            yield witness
        finally:
            for process in witness.processes:
                process.kill()


def test_the_server_killed_under_load(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """SIGKILL to the server and all its processes, again and again, while three record and one seals.

    Nothing that was acknowledged is lost, nothing is doubled, and those who record and seal go on by themselves.
    """
    rng = random.Random(7)
    with own_server("checkpoint_timeout=30s") as server, witnessing(tmp_path / "trail", server) as witness:
        writers = [witness.start(seed=seed) for seed in range(3)]
        sealer = witness.start(seals=True, seed=9)
        for process in witness.processes:
            process.await_word("open")
        for _ in range(KILLS):
            sealed = sealer.words["sealed"]
            sealer.await_word("sealed", times=sealed + 2)
            time.sleep(rng.uniform(0.0, 0.4))
            server.kill()
            server.start()
            assert witness.missing() == []
        failures = [failure for process in (*writers, sealer) for failure in process.end().failures]
        witness.listen()
        witness.examine()
    families = {family for family, *_ in failures}
    assert families <= {"UnavailableError", "BusyError", "ForkError"}, failures
    assert all(all(sentences) for sentences in failures)
    figures = {
        "kills": KILLS,
        "events_acknowledged": len(witness.acknowledged),
        "failures_told": len(failures),
        "lost": 0,
        "doubled": 0,
    }
    if SOAK:
        with capsys.disabled():
            print(f"\n{json.dumps(figures)}")  # noqa: T201 - the report is what the long form is run for


def test_four_writers_and_one_total_order(tmp_path: Path, postgresql_server: Server) -> None:
    """Four processes record at once: nothing is lost, one order holds all, and each one's events are in its own."""
    with witnessing(tmp_path / "trail", postgresql_server) as witness:
        sealer = witness.start(seals=True)
        writers = [witness.start(seed=seed, events=60) for seed in range(4)]
        for writer in writers:
            writer.await_word("ack", times=12)
        told = [writer.end() for writer in writers]
        assert not sealer.end().failures
        witness.listen()
        witness.examine()
        assert all(heard.submitted == heard.acknowledged and not heard.failures for heard in told)
        with witness.open() as trail:
            size = trail.log().log.store.head(DEFAULT_STREAM).size
            rows = list(trail.log().log.reader.rows(DEFAULT_STREAM, 0, size))
        assert [row.index for row in rows] == list(range(size))
        place = {format_id(row.id): row.index for row in rows}
        for writer in writers:
            mine = [
                id_ for line in writer.lines if line.startswith(b"ack") for id_ in line.decode().split()[1:]
            ]
            assert [place[id_] for id_ in mine] == sorted(place[id_] for id_ in mine)


@pytest.mark.parametrize("place", ["STAGE", "COMMIT", INSIDE, "PUBLISH", "DISCARD", "EDGE", "CHECKPOINT"])
def test_a_sequencer_paused_past_its_lease(tmp_path: Path, postgresql_server: Server, place: str) -> None:
    """Stopped at a step, overtaken, and woken: no fork, no double, no older checkpoint; it hears who has taken over."""
    with witnessing(tmp_path / "trail", postgresql_server) as witness:
        writer = witness.start(seed=1)
        old = witness.start(seals=True, seed=2, lease=LEASE, pauses=place, nth=2, once=True)
        old.await_word("paused")
        new = witness.start(seals=True, seed=3, lease=LEASE)
        new.await_word("sealed", times=3)
        with witness.open() as trail:
            between = trail.log().log.publication.checkpoint()
        old.process.send_signal(SIGCONT)
        new.await_word("sealed", times=6)
        failures = old.end().failures
        assert [family for family, *_ in failures] == ["BusyError"], failures
        assert "lost the lock for it" in failures[0][1]
        if place == "COMMIT":
            assert f"to process {new.process.pid} on" in failures[0][1]
        assert not writer.end().failures
        new.end()
        witness.listen()
        assert between is not None
        witness.checkpoints.append(("while the old one slept", between))
        witness.examine()


def test_two_sequencers_that_are_stopped_and_woken_at_random(
    tmp_path: Path, postgresql_server: Server
) -> None:
    """Whichever of two is stopped for longer than its lease, and whenever: the other goes on, and all is whole."""
    rng = random.Random(11)
    with witnessing(tmp_path / "trail", postgresql_server) as witness:
        writer = witness.start(seed=1)
        pair = [witness.start(seals=True, seed=seed, lease=LEASE) for seed in (2, 3)]
        for process in (writer, *pair):
            process.await_word("open")
        for _ in range(20 if SOAK else 3):
            holder = max(pair, key=lambda one: one.words["sealed"])
            other = pair[1 - pair.index(holder)]
            time.sleep(rng.uniform(0.0, 0.5))
            sealed = other.words["sealed"]
            holder.process.send_signal(SIGSTOP)
            other.await_word("sealed", times=sealed + 3)
            holder.process.send_signal(SIGCONT)
        assert not writer.end().failures
        for process in pair:
            assert {family for family, *_ in process.end().failures} <= {"BusyError"}
        witness.listen()
        witness.examine()
