"""A directory in which files are dropped, by SFTP or else: which of them are whole, and where they go.

A file is whole where its size and time have rested for a while, or nobody could tell it from one that is being written.
Names that begin with a dot or end as unfinished uploads do are left alone.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

UNFINISHED = (".filepart", ".part", ".partial", ".tmp", ".upload", ".crdownload")
"""Ends of names under which programs upload before they rename."""

DONE, FAILED = "done", "failed"


@dataclass(frozen=True, slots=True)
class Dropped:
    """What became of a dropped file."""

    file: Path
    delivery: str | None
    outcome: str


class Drops:
    """The files of one directory."""

    def __init__(self, directory: Path, rest: float) -> None:
        self._directory = directory
        self._rest = rest
        self._seen: dict[Path, tuple[tuple[int, int], float]] = {}

    def resting(self) -> Iterator[Path]:
        """Yield files whose size and time have rested since an earlier look, oldest first."""
        now, found = time.monotonic(), {}
        for file in self._directory.iterdir():
            if file.name.startswith(".") or file.name.endswith(UNFINISHED) or not file.is_file():
                continue
            status = file.stat()
            mark = (status.st_size, status.st_mtime_ns)
            known = self._seen.get(file)
            found[file] = known if known is not None and known[0] == mark else (mark, now)
        self._seen = found
        for file, (_, since) in sorted(found.items(), key=lambda one: (one[1][0][1], one[0])):
            if now - since >= self._rest and self._quiet_for(file) >= self._rest:
                yield file

    def moved(self, file: Path, delivery: str | None, *, failed: bool) -> Dropped:
        """Move a file that was landed; one of its name that is there already is kept beside it."""
        folder = self._directory / (FAILED if failed else DONE)
        folder.mkdir(exist_ok=True)
        target = folder / file.name
        if target.exists():
            target = folder / f"{file.name}.{delivery or time.time_ns()}"
        file.rename(target)
        self._seen.pop(file, None)
        return Dropped(file, delivery, folder.name)

    @staticmethod
    def _quiet_for(file: Path) -> float:
        """Return the seconds since a file was written last, by the file system's clock."""
        try:
            return time.time() - file.stat().st_mtime
        except FileNotFoundError:
            return -1.0
