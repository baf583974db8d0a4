"""The events of a trail's logs, one after the other: in the sequence in which they were recorded, across all logs."""

from collections.abc import Iterator, Mapping
from heapq import merge

from ordertrail.query.entries import SealedEvent, read_entry
from ordertrail.query.ports import LogReader
from ordertrail.query.projection import Indexed, project
from ordertrail.record.actions import Action

_CHUNK = 4_096


def sealed_events(
    log: LogReader, starts: Mapping[str, int], ends: Mapping[str, int], actions: Mapping[str, Action]
) -> Iterator[Indexed]:
    """Yield the events of each log from a place on and before another (0, and none, where a log is not named)."""
    streams = [_one(log, stream, starts.get(stream, 0), end) for stream, end in ends.items()]
    for one in merge(*streams, key=lambda one: (one.place.recorded, one.place.stream, one.place.position)):
        yield project(one.event, one.place, actions)


def _one(log: LogReader, stream: str, start: int, end: int) -> Iterator[SealedEvent]:
    for begin in range(start, end, _CHUNK):
        for row in log.rows(stream, begin, min(begin + _CHUNK, end)):
            yield read_entry(stream, row)
