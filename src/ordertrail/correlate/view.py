"""One order across systems: lanes by system, what is missing in them, and how far their clocks differ. Pure values.

Each entry has its time as its system told it, and as it was by our clock where the skew of the systems is known. Where
two entries of different systems are nearer to each other than their clocks agree, nobody can say which came first:
:attr:`Entry.unordered` says so, and no page draws an arrow there.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from ordertrail.correlate.facts import Fact, FactKind
from ordertrail.correlate.matching.links import Link, LinkState
from ordertrail.correlate.money import once
from ordertrail.correlate.reconciling.rules import Discrepancy
from ordertrail.correlate.skew import Skew
from ordertrail.kernel.clock import parse_time
from ordertrail.kernel.money import Money
from ordertrail.record.event import Event

OURS = "ours"
"""The lane of what we recorded ourselves."""


class Certainty(StrEnum):
    """How an entry belongs to the order."""

    RECORDED = "recorded"
    """We recorded it of this order."""
    LINKED = "linked"
    """It is of a payment or parcel that is linked to the order."""
    POSSIBLE = "possible"
    """It is of one that may be, and waits for a person."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened. ``by_our_clock`` is what lanes are drawn by."""

    lane: str
    time: str
    by_our_clock: datetime
    what: str
    certainty: Certainty
    outcome: str = "success"
    amount: Money | None = None
    event: str | None = None
    """The id of our event."""
    thing: str | None = None
    """The payment or parcel of a fact."""
    unordered: bool = False
    """Whether it came before or after its neighbour of another lane cannot be told."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that should have been told and was not: what, since when, in which lane."""

    lane: str
    since: str
    missing: str


@dataclass(frozen=True, slots=True)
class Lane:
    """What one system says. ``skew`` is None for our own, and where it cannot be estimated."""

    name: str
    entries: tuple[Entry, ...]
    skew: Skew | None = None


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order across systems. ``entries`` is all of it in one sequence, by our clock."""

    order: str
    lanes: tuple[Lane, ...]
    entries: tuple[Entry, ...]
    gaps: tuple[Gap, ...]
    links: tuple[Link, ...]
    discrepancies: tuple[Discrepancy, ...]


@dataclass(frozen=True, slots=True)
class Across:
    """What a view is made of: our events of an order, its links, and the facts of what is linked."""

    order: str
    events: Sequence[Event]
    links: Sequence[Link]
    facts: Sequence[Fact]
    skews: Mapping[str, Skew]
    discrepancies: Sequence[Discrepancy] = ()
    now: datetime | None = None


def view_of(across: Across) -> OrderView:
    """Put an order's lanes together."""
    entries = sorted(
        (*_of_events(across.events), *_of_facts(across)),
        key=lambda one: (one.by_our_clock, one.lane, one.what),
    )
    told = tuple(_unordered(entries, across.skews))
    names = sorted({one.lane for one in told}, key=lambda name: (name != OURS, name))
    lanes = tuple(
        Lane(name, tuple(one for one in told if one.lane == name), across.skews.get(name)) for name in names
    )
    gaps = tuple(_gaps(across)) if across.now is not None else ()
    return OrderView(across.order, lanes, told, gaps, tuple(across.links), tuple(across.discrepancies))


def _of_events(events: Iterable[Event]) -> Iterator[Entry]:
    for event in events:
        if event.action == "external.fact":
            continue  # it stands in its own lane, as the fact that it tells
        yield Entry(
            OURS,
            event.time,
            parse_time(event.time),
            event.action,
            Certainty.RECORDED,
            event.outcome,
            event=event.id,
        )


def _of_facts(across: Across) -> Iterator[Entry]:
    linked = {link.thing for link in across.links if link.state is LinkState.LINKED}
    possible = {link.thing for link in across.links if link.state is LinkState.PROPOSED}
    for fact in once(across.facts):
        if fact.about not in linked | possible:
            continue
        skew = across.skews.get(fact.system)
        yield Entry(
            fact.system,
            fact.time,
            parse_time(fact.time) if skew is None else skew.corrected(fact.time),
            str(fact.kind),
            Certainty.LINKED if fact.about in linked else Certainty.POSSIBLE,
            "failed" if fact.kind is FactKind.FAILED else "success",
            fact.amount,
            thing=fact.thing,
        )


def _unordered(entries: Sequence[Entry], skews: Mapping[str, Skew]) -> Iterator[Entry]:
    for place, one in enumerate(entries):
        near = entries[max(0, place - 1) : place + 2]
        apart = any(
            other.lane != one.lane
            and abs(other.by_our_clock - one.by_our_clock)
            < _doubt(one.lane, skews) + _doubt(other.lane, skews)
            for other in near
        )
        yield replace(one, unordered=True) if apart else one


def _doubt(lane: str, skews: Mapping[str, Skew]) -> timedelta:
    """Return how far a lane's times may be off by our clock."""
    skew = skews.get(lane)
    if skew is None or not skew.known:
        return timedelta(0) if lane == OURS else timedelta(seconds=1)
    return (skew.high - skew.low) / 2


_FOLLOWS: tuple[tuple[FactKind, frozenset[FactKind], timedelta, str], ...] = (
    (
        FactKind.AUTHORISED,
        frozenset({FactKind.CAPTURED, FactKind.VOIDED, FactKind.FAILED}),
        timedelta(days=7),
        "what was authorised was neither captured nor let go",
    ),
    (
        FactKind.LABEL_MADE,
        frozenset({FactKind.IN_TRANSIT, FactKind.DELIVERED, FactKind.RETURNED, FactKind.EXCEPTION}),
        timedelta(days=4),
        "a label was made, and the carrier never had the parcel",
    ),
    (
        FactKind.IN_TRANSIT,
        frozenset({FactKind.DELIVERED, FactKind.RETURNED}),
        timedelta(days=10),
        "the parcel left, and did not arrive",
    ),
    (
        FactKind.DISPUTED,
        frozenset({FactKind.DISPUTE_WON, FactKind.DISPUTE_LOST}),
        timedelta(days=90),
        "the dispute has not ended",
    ),
)
"""What must follow what, and within what time."""


def _gaps(across: Across) -> Iterator[Gap]:
    by_thing: dict[object, list[Fact]] = {}
    for fact in once(across.facts):
        by_thing.setdefault(fact.about, []).append(fact)
    for facts in by_thing.values():
        kinds = {fact.kind for fact in facts}
        for kind, following, patience, missing in _FOLLOWS:
            last = max((fact.time for fact in facts if fact.kind is kind), default=None)
            if last is None or kinds & following or across.now is None:
                continue
            if across.now - parse_time(last) >= patience:
                yield Gap(facts[0].system, last, missing)
