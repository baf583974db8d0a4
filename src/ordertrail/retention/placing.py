"""Events of one class put into the several streams that the class has: each order's always into one of them.

Behind the door of a class's home stream, the placement (:mod:`ordertrail.record.placement`) says in which streams an
order may have begun. The older ones are asked whether they have it; where none has, it begins in the newest.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Final

import msgspec

from ordertrail.record.chain import chain_name
from ordertrail.record.event import Event
from ordertrail.record.placement import Placement
from ordertrail.record.recorder import Arriving, Recorded
from ordertrail.retention.filing import Door

Seated = Callable[[str, Collection[str]], frozenset[str]]
"""Returns those of these chains that have events in a stream, sealed or waiting."""

_read: Final = msgspec.json.Decoder(Event).decode


class PlacingDoor:
    """Implements :class:`ordertrail.retention.filing.Door` for a home stream whose orders begin in several."""

    def __init__(
        self, home: str, doors: Mapping[str, Door], placement: Callable[[], Placement], seated: Seated
    ) -> None:
        self._home = home
        self._doors = doors
        self._placement = placement
        self._seated = seated

    def record(self, events: Iterable[Event]) -> Recorded:
        """See the port: all of a stream or none of it."""
        placed: dict[str, list[Event]] = {}
        known = list(events)
        for event, stream in zip(known, self._streams(known), strict=True):
            placed.setdefault(stream, []).append(event)
        return sum((self._doors[name].record(own) for name, own in placed.items()), Recorded())

    def record_each(self, source: Iterable[Arriving]) -> Iterator[Recorded]:
        """See the port."""
        for name, own in self._placed(source).items():
            yield from self._doors[name].record_each(own)

    def record_all(self, source: Iterable[Arriving]) -> Recorded:
        """See the port: all of a stream or none of it."""
        return sum(
            (self._doors[name].record_all(own) for name, own in self._placed(source).items()), Recorded()
        )

    def _placed(self, source: Iterable[Arriving]) -> dict[str, list[Arriving]]:
        """Return lines by their streams; what cannot be read goes home, where it is refused with the reasons."""
        arriving = list(source)
        events = [_event(line) for _, line in arriving]
        streams = iter(self._streams([event for event in events if event is not None]))
        placed: dict[str, list[Arriving]] = {}
        for one, event in zip(arriving, events, strict=True):
            placed.setdefault(self._home if event is None else next(streams), []).append(one)
        return placed

    def _streams(self, events: list[Event]) -> list[str]:
        """Return the stream of each event: where its order began, else where it begins now."""
        placement = self._placement()
        ways = [placement.way(self._home, event) for event in events]
        chains = [chain_name(event.subject.order, event.subject.tenant) for event in events]
        asked: dict[str, set[str]] = {}
        for way, chain in zip(ways, chains, strict=True):
            for older in way[1:] if chain is not None else ():
                asked.setdefault(older, set()).add(chain or "")
        found = {stream: self._seated(stream, wanted) for stream, wanted in asked.items()}
        return [
            next((older for older in reversed(way) if chain in found.get(older, ())), way[0])
            for way, chain in zip(ways, chains, strict=True)
        ]


def _event(line: object) -> Event | None:
    try:
        return _read(line) if isinstance(line, bytes) else None
    except msgspec.MsgspecError:
        return None
