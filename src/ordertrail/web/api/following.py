"""What has come into the logs lately, looked at once for all who follow: their sizes, and their newest entries, read.

Whoever follows keeps a place in each log and takes what is beyond it, so that nothing is queued for anybody: a slow
reader is behind, and costs nothing.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from starlette.concurrency import run_in_threadpool

from ordertrail.query.entries import SealedEvent, read_entry
from ordertrail.query.feeding import Lag
from ordertrail.query.projection import Indexed, project
from ordertrail.query.questions.standings import with_standings
from ordertrail.query.service import Query

SECONDS: Final = 0.5
"""How old what is known may be."""
TAIL: Final = 2_048
"""Entries of each log that are kept at hand."""
CHUNK: Final = 256
"""Entries that are handed out at once."""

Seen = tuple[SealedEvent, Indexed]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Where the logs stood at a moment; the tail of each ends there. ``at`` is of the monotonic clock."""

    at: float
    sizes: Mapping[str, int]
    recorded: Mapping[str, str | None]
    lag: Lag
    tails: Mapping[str, Sequence[Seen]] = field(repr=False)


class Following:
    """Follows the logs of a trail, for any number of readers in one event loop."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._lock = asyncio.Lock()
        self._known: Snapshot | None = None

    async def look(self) -> Snapshot:
        """Return where the logs stand, a moment old at most. One of many looks, the others wait for it."""
        known = self._known
        if known is not None and time.monotonic() - known.at < SECONDS:
            return known
        async with self._lock:
            known = self._known
            if known is None or time.monotonic() - known.at >= SECONDS:
                known = await run_in_threadpool(self._read, known)
                self._known = known
            return known

    async def since(self, now: Snapshot, stream: str, start: int) -> Sequence[Seen]:
        """Return the next entries of a log from ``start`` on, no more than a chunk; none where there are no more."""
        size = now.sizes[stream]
        if start >= size:
            return ()
        tail = now.tails[stream]
        begin = size - len(tail)
        if start >= begin:
            return tail[start - begin : start - begin + CHUNK]
        return await run_in_threadpool(self._rows, stream, start, min(size, start + CHUNK))

    def _read(self, before: Snapshot | None) -> Snapshot:
        query = self._query
        began = time.monotonic()
        sizes = {stream: query.log.size(stream) for stream in query.streams}
        tails: dict[str, Sequence[Seen]] = {}
        for stream, size in sizes.items():
            kept = () if before is None else before.tails.get(stream, ())
            known = size if before is None else before.sizes.get(stream, size)
            new = self._rows(stream, max(known, size - TAIL), size)
            if size - len(new) != known:
                kept = ()  # more came than are kept
            tails[stream] = (*kept, *new)[-TAIL:]
        recorded = {stream: self._recorded(stream, size, tails[stream]) for stream, size in sizes.items()}
        return Snapshot(began, sizes, recorded, query.lag(), tails)

    def _recorded(self, stream: str, size: int, tail: Sequence[Seen]) -> str | None:
        newest = tail[-1:] or (self._rows(stream, size - 1, size) if size else ())
        return newest[0][0].place.recorded if newest else None

    def _rows(self, stream: str, start: int, end: int) -> Sequence[Seen]:
        """Read entries, with where their orders stand as far as the index knows."""
        query = self._query
        sealed = [read_entry(stream, row) for row in query.log.rows(stream, start, end)]
        events = [project(one.event, one.place, query.actions) for one in sealed]
        return tuple(zip(sealed, with_standings(query.searches, events), strict=True))
