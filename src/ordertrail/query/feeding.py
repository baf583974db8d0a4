"""Feeding the index from the log: from where it stopped, batch by batch, until nothing is left.

One function, three steps. *If we stop* after reading or projecting, nothing has happened; the third, adding, is one
transaction with the new place in it. So the next start calls the same function, and a second feeder at the same time
only finds that it came too late.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ordertrail.kernel.clock import Clock
from ordertrail.query.entries import read_entry
from ordertrail.query.ports import Index, LogReader
from ordertrail.query.projection import microseconds, moment_microseconds, project
from ordertrail.record.actions import Action

BATCH = 4_096
"""Entries that are added in one transaction."""

_MUCH = 100_000
"""Events after which the database looks at what it holds."""


@dataclass(frozen=True, slots=True)
class Lag:
    """How far the index is behind the log: sealed entries that it has not, and the age of the oldest of them."""

    events: int
    seconds: float


def feed(
    index: Index,
    log: LogReader,
    streams: Sequence[str],
    actions: Mapping[str, Action],
    on_batch: Callable[[int], None] = lambda _: None,
) -> int:
    """Bring the index up to where the log is now; return how many entries were read.

    An index that is ahead of the log is of another one, such as before a backup was restored: it is made anew.
    Raises EvidenceError at an entry that cannot be read: the index ends before it.
    """
    fed = 0
    places = index.places()
    if any(place > (log.size(stream) if stream in streams else 0) for stream, place in places.items()):
        index.clear()
    for stream in streams:
        size = log.size(stream)
        start = index.places().get(stream, 0)
        while start < size:
            end = min(start + BATCH, size)
            sealed = [read_entry(stream, row) for row in log.rows(stream, start, end)]
            events = [project(one.event, one.place, actions) for one in sealed]
            if index.add(stream, start, end, events):
                fed += end - start
                on_batch(end - start)
                start = end
            else:
                start = index.places().get(stream, 0)
    if fed >= _MUCH:
        index.settle()
    return fed


def lag(index: Index, log: LogReader, streams: Sequence[str], clock: Clock) -> Lag:
    """Say how far the index is behind."""
    places = index.places()
    behind, oldest = 0, None
    for stream in streams:
        place, size = places.get(stream, 0), log.size(stream)
        behind += max(0, size - place)
        if place < size:
            for row in log.rows(stream, place, place + 1):
                recorded = read_entry(stream, row).place.recorded
                oldest = recorded if oldest is None else min(oldest, recorded)
    if oldest is None:
        return Lag(behind, 0.0)
    return Lag(behind, max(0, moment_microseconds(clock()) - microseconds(oldest)) / 1e6)
