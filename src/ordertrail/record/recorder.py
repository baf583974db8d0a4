"""The door: events come in as JSON lines or values, and are in the journal when this returns.

Whatever the source, an event passes the one strict parser, is encoded canonically, and is made to fit an
entry: where it is too long, its largest changed values move into blobs. Nothing is silently dropped: each
line is recorded, known already, or refused with every problem and its place.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec
from msgspec import UNSET

from ordertrail.kernel.errors import InputError, Problem
from ordertrail.kernel.ids import format_id, parse_id
from ordertrail.record.actions import CATALOGUE, Action
from ordertrail.record.chain import chain_name
from ordertrail.record.encoding import encode
from ordertrail.record.event import Change, Event
from ordertrail.record.parse import read_event
from ordertrail.record.ports import Blobs, Captured, Journal

MAX_ENTRY = 65_535
"""Bytes of the longest entry: its length is a uint16 in the bundle (C2SP tlog-tiles, "Log entries")."""

LEDGER_ROOM = 512
"""Bytes kept free for what the sequencer adds beside the event."""

MAX_EVENT = MAX_ENTRY - LEDGER_ROOM

_BLOB_WORTHY = 256
"""Bytes below which moving a value into a blob would gain nothing."""

BATCH = 1_000
"""Events recorded in one durable transaction."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An input that was not recorded: where it stood, and every problem."""

    place: str
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of an input; the four figures add up to what came in."""

    recorded: int = 0
    repeated: int = 0
    refused: tuple[Refused, ...] = ()

    def __add__(self, other: "Recorded") -> "Recorded":
        return Recorded(
            self.recorded + other.recorded, self.repeated + other.repeated, self.refused + other.refused
        )


Arriving = tuple[str, bytes | tuple[Problem, ...]]
"""A place in a source, and the JSON line found there or why there is none."""


class Recorder:
    """Records events of one stream."""

    def __init__(
        self, journal: Journal, blobs: Blobs, stream: str, actions: Mapping[str, Action] = CATALOGUE
    ) -> None:
        self._journal = journal
        self._blobs = blobs
        self._stream = stream
        self._actions = actions

    def record(self, events: Iterable[Event]) -> Recorded:
        """Record event values. Raises InputError, with nothing recorded, if any of them is refused."""
        return self.record_all((f"event {n}", encode(event)) for n, event in enumerate(events))

    def record_all(self, source: Iterable[Arriving]) -> Recorded:
        """Record everything in one transaction, or nothing: raises InputError naming every problem."""
        captured, refused = self._capture(source)
        if refused:
            raise InputError(_prefixed(refused))
        outcome = self._append(captured, whole=True)
        if outcome.refused:
            raise InputError(_prefixed(outcome.refused))
        return outcome

    def record_each(self, source: Iterable[Arriving], batch: int = BATCH) -> Iterator[Recorded]:
        """Record what is good, batch by batch; yield what became of each batch once it is durable."""
        remaining = iter(source)
        while chunk := list(islice(remaining, batch)):
            captured, refused = self._capture(chunk)
            yield self._append(captured) + Recorded(refused=tuple(refused))

    def _capture(self, source: Iterable[Arriving]) -> tuple[list[tuple[str, Captured]], list[Refused]]:
        captured, refused = [], []
        for place, line in source:
            if isinstance(line, tuple):
                refused.append(Refused(place, line))
                continue
            try:
                captured.append((place, self._fit(*read_event(line, self._actions))))
            except InputError as error:
                refused.append(Refused(place, error.problems))
        return captured, refused

    def _fit(self, event: Event, body: bytes) -> Captured:
        if b'"blob":' in body:
            self._require_blobs(event)
        if len(body) > MAX_EVENT:
            event = self._move_to_blobs(event, len(body))
            body = encode(event)
        return Captured(parse_id(event.id), chain_name(event.subject.order, event.subject.tenant), body)

    def _move_to_blobs(self, event: Event, length: int) -> Event:
        """Move the largest changed values into blobs until the event fits an entry."""
        values = {
            (number, side): encode(value)
            for number, change in enumerate(event.changes)
            for side in ("before", "after")
            if (value := getattr(change, side)) is not UNSET
        }
        changes = list(event.changes)
        moved = {}
        for place, data in sorted(values.items(), key=lambda item: -len(item[1])):
            if length <= MAX_EVENT or len(data) < _BLOB_WORTHY:
                break
            reference = {"blob": {"sha256": "0" * 64, "length": len(data)}}
            length -= len(data) - len(encode(reference))
            moved[place] = data
        if length > MAX_EVENT:
            raise InputError(
                f"{len(encode(event)):,} bytes long; an event has at most {MAX_EVENT:,} bytes "
                "beside the changed values that move into blobs"
            )
        for (number, side), data in moved.items():
            blob: Any = {"blob": {"sha256": self._blobs.put(data), "length": len(data)}}
            change = changes[number]
            changes[number] = (
                Change(change.path, blob, change.after)
                if side == "before"
                else Change(change.path, change.before, blob)
            )
        return msgspec.structs.replace(event, changes=tuple(changes))

    def _require_blobs(self, event: Event) -> None:
        """Refuse an event that names a blob which is not kept: its payload could never be shown."""
        problems = [
            Problem(path, f"names blob {name}, which is not stored")
            for path, name in _blob_names(
                [msgspec.to_builtins(change) for change in event.changes], "changes"
            )
            if self._blobs.get(name) is None
        ]
        if problems:
            raise InputError(problems, remedy="Store the blob first, then record the event.")

    def _append(self, captured: Sequence[tuple[str, Captured]], *, whole: bool = False) -> Recorded:
        if not captured:
            return Recorded()
        appended = self._journal.append(self._stream, [event for _, event in captured], whole=whole)
        refused = tuple(
            Refused(place, (Problem("id", f"{format_id(event.id)} is recorded already, with other content"),))
            for place, event in captured
            if event.id in appended.conflicting
        )
        repeated = len(captured) - appended.added - len(refused)
        return Recorded(appended.added, repeated, refused)


def _blob_names(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if "blob" in value and isinstance(value["blob"], dict):
            yield path, value["blob"]["sha256"]
            return
        for name, member in value.items():
            yield from _blob_names(member, f"{path}.{name}")
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _blob_names(item, f"{path}.{number}")


def _prefixed(refused: Iterable[Refused]) -> list[Problem]:
    return [
        Problem(f"{one.place}: {problem.path}" if problem.path else one.place, problem.message)
        for one in refused
        for problem in one.problems
    ]
