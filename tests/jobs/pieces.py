"""Work for tests: it squares numbers, and what it is told it does to its worker."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from ordertrail.jobs.ports import Work
from ordertrail.kernel.errors import EvidenceError

KILL, FAIL = -1, -2


@dataclass(frozen=True, slots=True)
class Opening:
    """Opens a worker's tools: a folder, in which it notes each piece that it does."""

    folder: Path

    def __call__(self) -> Path:
        """Return the folder."""
        return self.folder


def do(folder: Path, piece: tuple[int, int]) -> int:
    """Square a number; or first, once, kill this very process; or raise."""
    number, what = piece
    with (folder / f"{number}").open("a") as noted:
        noted.write(f"{os.getpid()}\n")
    if what == FAIL:
        raise EvidenceError(f"piece {number} is wrong")
    if what == KILL and (folder / f"{number}").read_text().count("\n") == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    if what == KILL + FAIL:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(what / 1_000 if what > 0 else 0)
    return number * number


def close(_folder: Path) -> None:
    """Close nothing."""


def squares(folder: Path) -> Work[Path, tuple[int, int], int]:
    """Return the work."""
    return Work(Opening(folder), do, close)


def times(folder: Path, number: int) -> int:
    """Return how often a piece was begun."""
    return (folder / f"{number}").read_text().count("\n")
