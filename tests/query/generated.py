"""Events and filters that meet each other: few values, so that filters find something, and odd ones among them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TypeVar
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from ordertrail.kernel.clock import format_time
from ordertrail.query.filters.changed import Changed, Direction, Margin, Side, Value
from ordertrail.query.filters.fields import FIELDS
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.filters.terms import Attempt, Has, Is, Not, Sensitive, Term, Word
from ordertrail.query.filters.when import When
from ordertrail.query.filters.worth import Compare, Worth
from ordertrail.query.projection import Indexed, OrderStanding, Place, project
from ordertrail.query.standing import advance
from ordertrail.record.event import Actor, Cause, Change, Context, Event, Link, Subject

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")

IDS = st.sampled_from(
    ["a", "ab", "abc", "A", "b:1", "c*", "ä", "ß", "\U0010ffff", "it's", '"', "x y", "%", "_", "-"]
)
NAMES = st.sampled_from(["unit_price", "quantity", "status", "a~1b", "0"])
WORDS = st.sampled_from(
    ["a", "AB", "price", "Straße", "STRASSE", "%", "_", "100", "it's", 'say "no"', "ﬁ", "\\", "when:"]
)
MONEY = st.builds(
    lambda amount, currency: {"amount": amount, "currency": currency},
    st.integers(-300, 300) | st.sampled_from([2**53 - 1, -(2**53) + 1]),
    st.sampled_from(["EUR", "JPY"]),
)
VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-30, 30)
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.sampled_from(["paid", "open", "1.5", "-2", "٣", "1e3", "", "NaN", "999999999999999999999"])
    | MONEY
)


_T = TypeVar("_T")


def _optional(strategy: st.SearchStrategy[_T]) -> st.SearchStrategy[_T | None]:
    return st.none() | strategy


_TOLD = st.builds(Change, st.just("/status"), VALUES, st.sampled_from(["paid", "open", None, 5])) | st.builds(
    Change, st.sampled_from(["/total", "/totals/grand_total"]), VALUES, MONEY
)
CHANGES = _TOLD | st.builds(Change, NAMES.map("/{}".format) | NAMES.map("/lines/1/{}".format), VALUES, VALUES)
CONTEXTS = st.builds(
    Context,
    ip=_optional(st.sampled_from(["203.0.113.7", "203.0.113.70"])),
    request=_optional(IDS),
    trace=_optional(IDS),
    channel=_optional(IDS),
    source=_optional(IDS),
    reason=_optional(WORDS),
    ticket=_optional(IDS),
    tags=st.lists(IDS, max_size=2).map(tuple),
)
TIMES = st.integers(-100, 100).map(
    lambda steps: format_time(NOW + timedelta(hours=steps, microseconds=steps))
)
EVENTS = st.builds(
    Event,
    id=st.uuids().map(str),
    time=TIMES,
    action=st.sampled_from(
        ["order.create", "order.price.change", "order.status.revert", "order.read", "order.cancel"]
    ),
    outcome=st.sampled_from(["success", "denied", "failed", "rolled_back"]),
    actor=st.builds(
        Actor,
        IDS,
        st.sampled_from(["person", "service"]),
        st.lists(IDS, max_size=2).map(tuple),
        _optional(IDS),
        _optional(IDS),
    ),
    subject=st.builds(Subject, st.sampled_from(["order", "order_line"]), IDS, _optional(IDS), _optional(IDS)),
    changes=st.lists(CHANGES, max_size=3).map(tuple),
    context=_optional(CONTEXTS),
    cause=_optional(st.builds(Cause, st.just("event"), IDS)),
    links=st.lists(st.builds(Link, IDS, st.just("order"), IDS), max_size=2).map(tuple),
)

_POSITIONS = count()


def indexed(event: Event) -> Indexed:
    """Return an event as the index has it, at a place of its own."""
    return project(event, Place("default", next(_POSITIONS), format_time(NOW)))


def in_sequence(told: Sequence[Indexed], stream: str = "default") -> list[Indexed]:
    """Return events as those of a log from its first on, each with where its order stands in the end."""
    placed = [replace(one, stream=stream, position=place) for place, one in enumerate(told)]
    known: dict[tuple[str, str], OrderStanding] = {}
    for one in placed:
        if one.order is not None:
            order = (one.order, one.tenant or "")
            standing = advance(known.get(order), one)
            assert standing is not None
            known[order] = standing
    return [
        replace(one, standing=None if one.order is None else known[one.order, one.tenant or ""])
        for one in placed
    ]


MARGINS = (
    st.builds(Margin, st.integers(0, 40_000), st.just(None))
    | st.builds(Margin, st.integers(0, 400), st.sampled_from(["EUR", "JPY"]))
    | st.builds(lambda whole: Margin(whole * 500_000, ""), st.integers(0, 60))
)
MOMENTS = st.integers(-120, 120).map(lambda steps: NOW + timedelta(hours=steps, microseconds=steps))


@st.composite
def intervals(draw: st.DrawFn) -> When:
    """Draw an interval that is written as it is."""
    start, end = draw(_optional(MOMENTS)), draw(_optional(MOMENTS))
    if start is not None and end is not None and end < start:
        start, end = end, start
    if start is None and end is None:
        start = NOW
    return When("", start, end).fixed()


PLAIN_TERMS: st.SearchStrategy[Term] = st.one_of(
    WORDS.map(Word),
    st.builds(
        Is,
        st.sampled_from(sorted(FIELDS)),
        st.lists(
            IDS | IDS.map("{}*".format) | st.sampled_from(["order.*", "person", "success", "203.0.113.7*"]),
            min_size=1,
            max_size=3,
            unique=True,
        ).map(tuple),
        st.booleans(),
    ),
    st.sampled_from(sorted(FIELDS)).map(Has),
    st.just(Sensitive()),
    st.just(Attempt()),
    intervals(),
    st.builds(Worth, st.sampled_from(Compare), st.integers(0, 400), st.sampled_from(["EUR", "JPY"])),
    st.just(Is("state", ("cancelled", "pai*"))),
    st.builds(Changed, NAMES | NAMES.map("/{}".format)),
    st.builds(Changed, NAMES, st.sampled_from([Direction.UP, Direction.DOWN]), _optional(MARGINS)),
    st.builds(
        Value,
        st.sampled_from(Side),
        NAMES,
        st.lists(
            st.sampled_from(["paid", "open", "1.5", "nothing", "yes", "1.00 EUR", "0", ""]),
            min_size=1,
            max_size=2,
            unique=True,
        ).map(tuple),
    ),
)
TERMS = PLAIN_TERMS | PLAIN_TERMS.map(Not)
FILTERS = st.lists(TERMS, max_size=4, unique=True).map(lambda terms: Filter(tuple(terms)))
