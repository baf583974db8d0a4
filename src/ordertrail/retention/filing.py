"""Events put into the streams of their classes as they arrive: a class is a stream, and its term is the vault's.

What was captured passes one door. Behind it the policy in force says of which class an event is, and the event goes to
the log of that name. An id is in the trail once, in whichever log: an event that comes again after the policy changed
adds nothing. A changed policy is of force for what arrives from then on.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, Protocol

import msgspec

from ordertrail.kernel.errors import UnavailableError
from ordertrail.record.event import Event
from ordertrail.record.recorder import Arriving, Recorded
from ordertrail.retention.policy import Policy

_read: Final = msgspec.json.Decoder(Event).decode


class Door(Protocol):
    """Records events of one stream (:class:`ordertrail.record.recorder.Recorder`)."""

    def record(self, events: Iterable[Event]) -> Recorded:
        """Record events: all, or none."""

    def record_each(self, source: Iterable[Arriving]) -> Iterator[Recorded]:
        """Record what is good, batch by batch."""


class FilingDoor:
    """Records each event in the stream of its class, those of a stream in the sequence in which they came.

    ``policy`` is asked at each call, so that a policy that comes into force is followed from the next batch on. Where
    it names a stream that began after the trail was opened, nothing is recorded until the trail is opened anew: in
    another stream an event could be let go of too early.
    """

    def __init__(self, doors: Mapping[str, Door], rest: str, policy: Callable[[], Policy | None]) -> None:
        """Take the doors by their streams, and the stream of what the policy says nothing about."""
        self._doors = doors
        self._rest = rest
        self._policy = policy

    def record(self, events: Iterable[Event]) -> Recorded:
        """Record events, all of a stream or none of it. Raises InputError where one of them is refused."""
        policy, filed = self._policy(), dict[str, list[Event]]()
        for event in events:
            filed.setdefault(self._stream(policy, event), []).append(event)
        return sum((self._doors[name].record(own) for name, own in filed.items()), Recorded())

    def record_each(self, source: Iterable[Arriving]) -> Iterator[Recorded]:
        """Record what is good; yield what became of it, stream by stream."""
        policy = self._policy()
        if policy is None:
            yield from self._doors[self._rest].record_each(source)
            return
        filed: dict[str, list[Arriving]] = {}
        for place, line in source:
            filed.setdefault(self._stream_of(policy, line), []).append((place, line))
        for name, own in filed.items():
            yield from self._doors[name].record_each(own)

    def _stream_of(self, policy: Policy, line: object) -> str:
        """Return the stream of a line; what cannot be read is refused by the door of the rest, with the reasons."""
        try:
            return self._stream(policy, _read(line)) if isinstance(line, bytes) else self._rest
        except msgspec.MsgspecError:
            return self._rest

    def _stream(self, policy: Policy | None, event: Event) -> str:
        name = self._rest if policy is None else policy.class_of(event).name
        if name not in self._doors:
            raise UnavailableError(
                f"the stream {name} began after this trail was opened",
                meaning="Nothing was recorded; what was captured waits where it is.",
                remedy="Open the trail again; a service in the background does so by itself.",
            )
        return name
