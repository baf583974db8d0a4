"""What is known of an order: its history, its state as of any moment, and what differs between two moments.

An order's state is put together of its changes, in the sequence of its chain: there nothing can be left out unseen. A
field that had not changed yet at a moment had what its first change after it says was there before. What is not known
is said: values that are sealed or kept as a document, and places where two changes that follow each other disagree.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from msgspec import UNSET

from ordertrail.kernel.clock import parse_time
from ordertrail.ledger.ports import EntryRow
from ordertrail.query.entries import SealedEvent, read_entry
from ordertrail.query.questions.reads import is_reading
from ordertrail.record.event import Change, Subject


class OrderReader(Protocol):
    """The part of :class:`ordertrail.ledger.ports.EntryReader` that knows orders."""

    def history(self, order: str, tenant: str | None = None) -> Iterator[tuple[str, EntryRow]]:
        """Yield the entries of an order, each with its stream, by stream and number."""


class Basis(StrEnum):
    """Which time counts: when something happened, or when the trail came to know of it."""

    HAPPENED = "happened"
    RECORDED = "recorded"


class Knowledge(StrEnum):
    """How a field's value is known."""

    TOLD = "told"
    """The last change before the moment says so."""
    INFERRED = "inferred"
    """The first change after the moment says that it was so before."""
    HIDDEN = "hidden"
    """There is a value; it is personal and sealed, or a document that is kept beside the log."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A field of a thing of the order."""

    kind: str
    id: str
    path: str


@dataclass(frozen=True, slots=True)
class Known:
    """What a field was at a moment, and the event that says so."""

    place: Place
    value: Any
    how: Knowledge
    event: str


@dataclass(frozen=True, slots=True)
class Contradiction:
    """An event says that a field was something else before it than what the event before had made it."""

    place: Place
    left: Any
    found: Any
    event: str


@dataclass(frozen=True, slots=True)
class StateAsOf:
    """An order as of a moment: fields that were there, by place; and what its events disagree about until then."""

    order: str
    moment: datetime
    events: int
    fields: tuple[Known, ...]
    contradictions: tuple[Contradiction, ...]


@dataclass(frozen=True, slots=True)
class Differs:
    """A field that was one thing at a moment and another at a later one; None where it was not there."""

    place: Place
    before: Known | None
    after: Known | None


def order_history(reader: OrderReader, order: str, tenant: str | None = None) -> tuple[SealedEvent, ...]:
    """Return all that happened to an order, as the trail came to know it.

    Raises EvidenceError at an entry that cannot be read.
    """
    told = [read_entry(stream, row) for stream, row in reader.history(order, tenant)]
    return tuple(sorted(told, key=lambda one: (one.place.recorded, one.place.stream, one.place.position)))


def state_as_of(
    history: Sequence[SealedEvent], order: str, moment: datetime, basis: Basis = Basis.HAPPENED
) -> StateAsOf:
    """Put an order's state together as it was just after a moment. ``history`` is of one order of one tenant."""
    known: dict[Place, Known] = {}
    gone: set[Place] = set()
    wrong: list[Contradiction] = []
    events = 0
    later: list[tuple[Place, Change, str]] = []
    for one in history:
        if one.event.outcome != "success":
            continue
        past = parse_time(one.event.time if basis is Basis.HAPPENED else one.place.recorded) <= moment
        events += past
        for place, change in _changes(one):
            if not past:
                later.append((place, change, one.event.id))
                continue
            wrong += _contradicted(known.get(place), place, change, one.event.id)
            known.pop(place, None)
            if change.after is UNSET:
                gone.add(place)
            else:
                gone.discard(place)
                known[place] = _known(place, change.after, Knowledge.TOLD, one.event.id)
    for place, change, event in later:
        if place not in known and place not in gone:
            if change.before is UNSET:
                gone.add(place)
            else:
                known[place] = _known(place, change.before, Knowledge.INFERRED, event)
    return StateAsOf(order, moment, events, tuple(known[place] for place in sorted(known)), tuple(wrong))


def difference(before: StateAsOf, after: StateAsOf) -> tuple[Differs, ...]:
    """Return the fields that differ between two states; of hidden values it is known that something changed them."""
    old, new = ({one.place: one for one in state.fields} for state in (before, after))
    return tuple(
        Differs(place, old.get(place), new.get(place))
        for place in sorted(old.keys() | new.keys())
        if not _same(old.get(place), new.get(place))
    )


def _changes(one: SealedEvent) -> Iterable[tuple[Place, Change]]:
    """Return what an event changed of the order. What a reading tells is of the reading: how many events it saw."""
    if is_reading(one.event.action):
        return ()
    subject = one.event.subject
    return ((_place(subject, change.path), change) for change in one.event.changes)


def _place(subject: Subject, path: str) -> Place:
    """Return which field a path means. An event about a line may spell it from its order on."""
    if subject.kind == "order_line" and subject.order is not None and path.startswith("/lines/"):
        return Place("order", subject.order, path)
    return Place(subject.kind, subject.id, path)


def _known(place: Place, value: Any, how: Knowledge, event: str) -> Known:
    return Known(place, value, Knowledge.HIDDEN if _is_hidden(value) else how, event)


def _is_hidden(value: Any) -> bool:
    return isinstance(value, dict) and len(value) == 1 and ("sealed" in value or "blob" in value)


def _contradicted(known: Known | None, place: Place, change: Change, event: str) -> Iterator[Contradiction]:
    if known is None or change.before is UNSET or _is_hidden(change.before) or known.how is Knowledge.HIDDEN:
        return
    if type(known.value) is not type(change.before) or known.value != change.before:
        yield Contradiction(place, known.value, change.before, event)


def _same(one: Known | None, other: Known | None) -> bool:
    if one is None or other is None:
        return one is other
    return type(one.value) is type(other.value) and bool(one.value == other.value)
