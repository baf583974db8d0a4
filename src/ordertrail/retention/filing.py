"""Events put into the streams of their classes as they arrive: a class is a stream, and its term is the vault's.

What was captured passes one door. Behind it the policy in force says of which class an event is, and the event goes to
the log of that name. An id is in the trail once, in whichever log: an event that comes again after the policy changed
adds nothing. A changed policy is of force for what arrives from then on.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Final, Protocol

import msgspec

from ordertrail.kernel.errors import InputError, Problem, UnavailableError
from ordertrail.record.actions import CATALOGUE, Action
from ordertrail.record.event import Event
from ordertrail.record.parse import read_event
from ordertrail.record.recorder import BATCH, Arriving, Recorded
from ordertrail.retention.policy import Policy

_read: Final = msgspec.json.Decoder(Event).decode


class Door(Protocol):
    """Records events of one stream (:class:`ordertrail.record.recorder.Recorder`)."""

    def record(self, events: Iterable[Event]) -> Recorded:
        """Record events: all, or none."""

    def record_each(self, source: Iterable[Arriving]) -> Iterator[Recorded]:
        """Record what is good, batch by batch."""

    def record_all(self, source: Iterable[Arriving]) -> Recorded:
        """Record everything, or nothing: raises InputError naming every problem."""


class FilingDoor:
    """Records each event in the stream of its class, those of a stream in the sequence in which they came.

    ``policy`` is asked at each call, so that a policy that comes into force is followed from the next batch on. Where
    it names a stream that has no door, nothing is recorded: in another stream an event could be let go of too early.
    """

    def __init__(
        self,
        doors: Mapping[str, Door],
        rest: str,
        policy: Callable[[], Policy | None],
        actions: Mapping[str, Action] = CATALOGUE,
    ) -> None:
        """Take the doors by their streams, and the stream of what the policy says nothing about."""
        self._doors = doors
        self._rest = rest
        self._policy = policy
        self._actions = actions

    def record(self, events: Iterable[Event]) -> Recorded:
        """Record events, all of a stream or none of it. Raises InputError where one of them is refused."""
        policy, filed = self._policy(), dict[str, list[Event]]()
        for event in events:
            filed.setdefault(self._stream(policy, event), []).append(event)
        return sum((self._doors[name].record(own) for name, own in filed.items()), Recorded())

    def record_each(self, source: Iterable[Arriving]) -> Iterator[Recorded]:
        """Record what is good, batch by batch; yield what became of each, stream by stream."""
        remaining = iter(source)
        while batch := list(islice(remaining, BATCH)):
            for name, own in self._filed(batch).items():
                yield from self._doors[name].record_each(own)

    def _filed(self, source: Iterable[Arriving]) -> dict[str, list[Arriving]]:
        """Return lines by the streams of their classes."""
        policy, filed = self._policy(), dict[str, list[Arriving]]()
        for place, line in source:
            stream = self._rest if policy is None else self._stream_of(policy, line)
            filed.setdefault(stream, []).append((place, line))
        return filed

    def record_all(self, source: Iterable[Arriving]) -> Recorded:
        """Record everything, or nothing: raises InputError naming every problem.

        Every line is read before the first is recorded. *If we stop between two streams*, or one of the others knows an
        id with other content, what was recorded stays; the same lines sent again add nothing twice.
        """
        filed = self._filed(source)
        if len(filed) > 1:
            self._require_readable(one for own in filed.values() for one in own)
        return sum((self._doors[name].record_all(own) for name, own in filed.items()), Recorded())

    def _stream_of(self, policy: Policy, line: object) -> str:
        """Return the stream of a line; what cannot be read is refused by the door of the rest, with the reasons."""
        if not isinstance(line, bytes):
            return self._rest
        try:
            event = _read(line)
        except msgspec.MsgspecError:
            try:
                event = read_event(line, self._actions)[0]  # one that is completed where it is recorded
            except InputError:
                return self._rest
        return self._stream(policy, event)

    def _stream(self, policy: Policy | None, event: Event) -> str:
        name = self._rest if policy is None else policy.class_of(event).name
        if name not in self._doors:
            raise UnavailableError(
                f"the policy in force files into {name}, and this trail has no such stream",
                meaning="Nothing was recorded; what was captured waits where it is.",
                remedy="Put the policy in force once more with 'ordertrail retention policy'; that begins the stream.",
            )
        return name

    def _require_readable(self, lines: Iterable[Arriving]) -> None:
        """Raise InputError, naming every problem with its place, unless all lines are events."""
        problems: list[Problem] = []
        for place, line in lines:
            found = () if isinstance(line, bytes) else line
            if isinstance(line, bytes):
                try:
                    read_event(line, self._actions)
                except InputError as error:
                    found = error.problems
            problems += [Problem(f"{place}: {one.path}" if one.path else place, one.message) for one in found]
        if problems:
            raise InputError(problems)
