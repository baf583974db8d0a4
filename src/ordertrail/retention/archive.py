"""The archive: ranges of a log as sealed columns, write-once, for the log's term; and what it says of each. Pure.

::

    <stream>/<first entry>-<entry after the last>/manifest.json, events.parquet, …

A range is a whole node of the log's tree, and its manifest names that node's root: what is archived is proven by every
later checkpoint. That it was archived, with the SHA-256 of each file, is an event of the deletion log
(``retention.archive``), so that whoever brings it back knows what it was.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from ordertrail.ledger.tiles import TILE_WIDTH
from ordertrail.record.event import Change, Event

ARCHIVE: Final = "retention.archive"
SUBJECT: Final = "segment"
_NAME: Final = re.compile(r"([0-9]{12,})-([0-9]{12,})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ArchivedFile:
    """A file of a range: its name, its bytes and their SHA-256 in hex."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Archived:
    """A range that was archived: entries ``[start, end)`` of a stream, under this node of its tree, kept till then."""

    stream: str
    name: str
    start: int
    end: int
    root: str
    until: str
    files: tuple[ArchivedFile, ...]
    time: str = ""

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(one.size for one in self.files)

    def changes(self) -> tuple[Change, ...]:
        """Return what its event says."""
        files = [{"name": one.name, "size": one.size, "sha256": one.sha256} for one in self.files]
        return (
            Change("/stream", after=self.stream),
            Change("/start", after=self.start),
            Change("/end", after=self.end),
            Change("/root", after=self.root),
            Change("/until", after=self.until),
            Change("/files", after=files),
        )


def archived_of(event: Event) -> Archived:
    """Read what was archived from its event."""
    said: dict[str, Any] = {change.path.removeprefix("/"): change.after for change in event.changes}
    files = tuple(
        ArchivedFile(str(one["name"]), int(one["size"]), str(one["sha256"])) for one in said["files"]
    )
    stream, _, name = event.subject.id.rpartition("/")
    return Archived(
        stream,
        name,
        int(said["start"]),
        int(said["end"]),
        str(said["root"]),
        str(said["until"]),
        files,
        event.time,
    )


def range_of(path: str) -> tuple[int, int] | None:
    """Return the range that an object of the archive is of; None for one that is of none."""
    found = _NAME.fullmatch(path.split("/")[-2]) if path.count("/") >= 2 else None
    return None if found is None else (int(found[1]), int(found[2]))


def cut_between(minimum: int, ranges: Iterable[tuple[int, int]]) -> int:
    """Return the largest place up to a minimum index, and a multiple of 256, that cuts no archived range in two.

    A range goes as a whole: half of it cannot be destroyed, and must not be read when it is past its term.
    """
    every = sorted(set(ranges), reverse=True)
    while True:
        cut = next((start for start, end in every if start < minimum < end), minimum)
        floor = cut // TILE_WIDTH * TILE_WIDTH
        if floor == minimum:
            return minimum
        minimum = floor
