"""What the sections share: a folder on a disk, the sizes of this run, the logs built so far, other processes."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

_LEAD = 0.2
"""Seconds between telling processes when to begin and that instant."""


class JobError(Exception):
    """A process of the benchmark failed; what it said last is the message."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much a run measures."""

    sealed: int = 100_000
    sealed_small: int = 20_000
    latency_seconds: float = 20
    proofs: int = 2_000
    small: int = 100_000
    log: int = 1_000_000
    huge: int = 0
    peers: int = 100_000
    rounds: int = 3
    peer_rounds: int = 2
    peer_seconds: float = 30

    @property
    def in_memory(self) -> tuple[int, ...]:
        """Sizes of the logs whose peak memory is compared."""
        return tuple(size for size in (self.small, self.log, self.huge) if size)


DEFAULT = Sizes()
FULL = Sizes(huge=10_000_000)
QUICK = Sizes(
    sealed=20_000, sealed_small=3_000, latency_seconds=5, proofs=500,
    small=20_000, log=100_000, peers=10_000, rounds=1, peer_rounds=1, peer_seconds=3,
)  # fmt: skip


def scaled(sizes: Sizes, share: float) -> Sizes:
    """Return a share of these sizes, each large enough to be measured at all."""

    def some(count: int) -> int:
        return max(600, int(count * share)) if count else 0

    return Sizes(
        sealed=some(sizes.sealed), sealed_small=some(sizes.sealed_small), proofs=max(20, int(sizes.proofs * share)),
        latency_seconds=max(0.5, sizes.latency_seconds * share), small=some(sizes.small), log=some(sizes.log),
        huge=some(sizes.huge), peers=some(sizes.peers), rounds=1, peer_rounds=1,
        peer_seconds=sizes.peer_seconds,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Built:
    """A trail that was filled and sealed, and what that took."""

    root: Path
    entries: int
    seconds: float
    peak_mib: float


@dataclass(slots=True)
class Workshop:
    """One run: where it works and how much it measures; ``say`` tells what is under way."""

    folder: Path
    sizes: Sizes
    say: Callable[[str], None]
    _logs: dict[int, Built] = field(default_factory=dict)
    _made: int = 0

    def place(self, name: str) -> Path:
        """Return a path in the folder that nothing has had yet."""
        self._made += 1
        return self.folder / f"{self._made:03d}-{name}"

    def log(self, entries: int) -> Built:
        """Return a sealed log of so many entries: built the first time, the same one afterwards."""
        if entries not in self._logs:
            self.say(f"building a log of {entries:,} entries")
            root = self.place(f"log-{entries}")
            told = self.run("build", root=str(root), events=entries, batch=1_000, ready_made=False)
            self._logs[entries] = Built(root, entries, told["record"] + told["seal"], told["peak_mib"])
        return self._logs[entries]

    def run(self, job: str, environment: Mapping[str, str] | None = None, **arguments: Any) -> dict[str, Any]:
        """Run a job in a process of its own; return what it says. Raises JobError.

        ``environment`` is what it finds beside, or instead of, the environment that we have.
        """
        process = _start(job, arguments, environment)
        try:
            return _outcome(job, process)
        finally:
            process.kill()
            process.wait()

    def run_beside(self, jobs: Sequence[tuple[str, Mapping[str, Any]]]) -> list[dict[str, Any]]:
        """Run jobs at the same time, begun at one instant, each in a process of its own. Raises JobError."""
        processes = [_start(job, arguments) for job, arguments in jobs]
        try:
            for (job, _), process in zip(jobs, processes, strict=True):
                if process.stdout is None or process.stdout.readline() != "ready\n":
                    _outcome(job, process)
            instant = time.monotonic() + _LEAD
            for process in processes:
                if process.stdin is not None:
                    process.stdin.write(f"{instant!r}\n")
                    process.stdin.flush()
            return [_outcome(job, process) for (job, _), process in zip(jobs, processes, strict=True)]
        finally:
            for process in processes:
                process.kill()
                process.wait()


def _start(
    job: str, arguments: Mapping[str, Any], environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "bench.jobs", job, json.dumps(arguments)],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _outcome(job: str, process: subprocess.Popen[str]) -> dict[str, Any]:
    out, complaints = process.communicate()
    if process.returncode:
        last = complaints.strip().splitlines()[-1:] or ["no word"]
        raise JobError(f"{job} ended with status {process.returncode}: {last[0]}")
    told: dict[str, Any] = json.loads(out)
    return told
