"""What the ports of the index promise: feeding, searching and counting say the same as a look at every event."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest

from ordertrail.query.filters.changed import Changed, Direction
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.filters.terms import Attempt, Has, Is, Not, Sensitive, Term, Word
from ordertrail.query.filters.worth import Compare, Worth
from ordertrail.query.ports import Counts, Cursor, Index, Searches, Way
from ordertrail.query.projection import Indexed, IndexedChange, Mark, OrderStanding
from ordertrail.query.standing import advance
from ordertrail.query.tables import DAY, HOUR
from ordertrail.testing.conformance.together import at_once

START = 1_795_000_000_000_000
"""Microseconds since 1970: when the first sample event happened."""

_ACTIONS = ("order.create", "order.price.change", "order.read", "order.cancel")
_ACTORS = ("clerk-17", "clerk-18", "pricing")


@dataclass(frozen=True, slots=True)
class Ports:
    """One index through all its ports."""

    index: Index
    searches: Searches
    counts: Counts


def sample(number: int, stream: str = "default", place: int | None = None) -> Indexed:
    """Return a sample event: every third lowers a price, every fifth is an attempt, hours apart and some at once."""
    action = _ACTIONS[number % 4]
    order = f"SO-{number % 7}"
    amount = 1_000 * (number % 7)
    changed = (
        IndexedChange(
            "/total", "total", "50.00 EUR", f"{amount // 100}.00 EUR", "EUR", 5_000, amount, amount - 5_000
        ),
        IndexedChange("/status", "status", None, "open"),
    )
    return Indexed(
        stream=stream,
        position=number if place is None else place,
        id=f"01935f6e-9c1a-7cc2-b0a5-{number:012x}",
        time=START + (number // 2) * 7 * HOUR,
        recorded=START + number * 7 * HOUR,
        action=action,
        outcome="denied" if number % 5 == 0 else "success",
        actor=_ACTORS[number % 3],
        actor_kind="service" if number % 3 == 2 else "person",
        subject_kind="order",
        subject=order,
        sensitive=action in {"order.price.change", "order.cancel"},
        search=f"{_ACTORS[number % 3]} did {action} strasse 100% of_it {order.lower()}",
        order=order,
        number=number // 7 + 1,
        tenant="north" if number % 7 % 2 else None,
        channel=None if number % 4 == 3 else "web",
        changes=changed if number % 3 == 0 else (),
        marks=(Mark("cause", f"m-{number % 6}"), Mark("tag", "x")) if number % 2 else (),
    )


def standing(events: Sequence[Indexed]) -> list[Indexed]:
    """Return events with where their orders stand after all of them."""
    known: dict[tuple[str | None, str], OrderStanding | None] = {}
    for one in events:
        order = (one.order, one.tenant or "")
        known[order] = advance(known.get(order), one)
    return [replace(one, standing=known[one.order, one.tenant or ""]) for one in events]


SAMPLES = standing([sample(number) for number in range(60)])

TERMS: tuple[Term, ...] = (
    Is("actor", ("clerk-17",)),
    Is("actor", ("clerk*", "pricing")),
    Is("action", ("order.read", "order.cancel")),
    Not(Is("outcome", ("success",))),
    Is("tenant", ("north",)),
    Not(Has("channel")),
    Sensitive(),
    Attempt(),
    Word("STRASSE"),
    Word("100%"),
    Word("%"),
    Word("so-3"),
    Is("state", ("cancelled",)),
    Worth(Compare.LEAST, 3_000, "EUR"),
    Changed("total", Direction.DOWN),
    Is("cause", ("m-1", "m-3")),
    Is("tag", ("x",)),
)


class IndexSuite:
    """Holds for :class:`Index`, :class:`Searches` and :class:`Counts` of one database."""

    @pytest.fixture
    def reopen(self) -> Callable[[], Ports]:
        """Return what opens the same index, empty at first, once more."""
        raise NotImplementedError("an index's suite needs a fixture 'reopen'")

    @pytest.fixture
    def ports(self, reopen: Callable[[], Ports]) -> Ports:
        """The sample events, fed in three ranges with a hole in the last."""
        ports = reopen()
        assert ports.index.add("default", 0, 25, SAMPLES[:25])
        assert ports.index.add("default", 25, 26, SAMPLES[25:26])
        assert ports.index.add("default", 26, 70, SAMPLES[26:])
        return ports

    def test_a_range_is_added_once_and_in_sequence(self, ports: Ports, reopen: Callable[[], Ports]) -> None:
        """What begins elsewhere than at the place is refused whole, and the place is of the last range."""
        assert ports.index.places() == {"default": 70}
        assert not ports.index.add("default", 26, 70, SAMPLES[26:])
        assert not ports.index.add("default", 71, 72, [sample(200, place=71)])
        assert not ports.index.add("other", 1, 2, [sample(200, "other", 1)])
        again = reopen()
        assert again.index.places()["default"] == 70
        assert again.searches.count(Filter(), 1_000) == 60

    def test_of_two_that_feed_the_same_range_one_does(self, reopen: Callable[[], Ports]) -> None:
        """Two feeders at once add a range once, and count it once."""
        one, other = reopen(), reopen()
        told = at_once(
            lambda: one.index.add("default", 0, 60, SAMPLES),
            lambda: other.index.add("default", 0, 60, SAMPLES),
        )
        assert sorted(told, key=str) == [False, True]
        assert sum(day.events for day in one.counts.days(Filter(), ())) == 60

    def test_cleared_and_fed_again_it_is_the_same(self, ports: Ports) -> None:
        """After clear nothing is there; fed anew in other ranges, every page and key is as before."""
        before = ports.searches.page(Filter(), 100, None, Way.OLDER)
        ports.index.clear()
        assert ports.index.places() == {}
        assert ports.searches.page(Filter((Word("straße"),)), 10, None, Way.OLDER) == []
        assert ports.index.add("default", 0, 60, SAMPLES)
        ports.index.settle()
        assert ports.searches.page(Filter(), 100, None, Way.OLDER) == before

    @pytest.mark.parametrize("term", TERMS, ids=lambda term: term.text())
    def test_what_is_found_is_what_is_meant(self, ports: Ports, term: Term) -> None:
        """Pages of any length, either way, put together are just the events that the filter matches, by time."""
        meant = [one for one in SAMPLES if term.matches(one)]
        assert meant
        meant.sort(key=lambda one: (one.time, one.position))
        filter_ = Filter((term,))
        for way in Way:
            found: list[Indexed] = []
            beyond: Cursor | None = None
            while hits := ports.searches.page(filter_, 4, beyond, way):
                found += [hit.event for hit in hits]
                beyond = hits[-1].cursor
            assert found == (meant if way is Way.NEWER else meant[::-1])
        assert ports.searches.count(filter_, 1_000) == len(meant)
        assert ports.searches.count(filter_, 2) == 2

    def test_pages_keep_their_places_while_events_come_in(self, ports: Ports) -> None:
        """What is added between two pages, at whatever time, moves nothing that is beyond the cursor."""
        first = ports.searches.page(Filter(), 10, None, Way.OLDER)
        rest = [hit.key for hit in ports.searches.page(Filter(), 100, first[-1].cursor, Way.OLDER)]
        assert ports.index.add("default", 70, 71, [replace(sample(100, place=70), time=START + 400 * HOUR)])
        assert [hit.key for hit in ports.searches.page(Filter(), 100, first[-1].cursor, Way.OLDER)] == rest

    def test_events_are_found_by_their_ids(self, ports: Ports) -> None:
        """Those that are there, whole."""
        ids = [SAMPLES[3].id, "01935f6e-9c1a-7cc2-b0a5-ffffffffffff", SAMPLES[40].id]
        assert [hit.event for hit in ports.searches.find(ids)] == [SAMPLES[3], SAMPLES[40]]

    def test_orders_stand_where_their_events_say(self, ports: Ports) -> None:
        """Standings are those that the room computes, however the events came in."""
        orders = [(one.order or "", one.tenant or "") for one in SAMPLES[:7]]
        known = ports.searches.standings([*orders, ("SO-0", "south")])
        assert dict(known) == {order: one.standing for order, one in zip(orders, SAMPLES, strict=False)}

    @pytest.mark.parametrize("term", [None, *TERMS], ids=lambda term: "all" if term is None else term.text())
    def test_counts_are_those_of_the_events(self, ports: Ports, term: Term | None) -> None:
        """Tallies and steps, from a rollup or not, are what counting the matching events gives."""
        filter_ = Filter() if term is None else Filter((term,))
        meant = [one for one in SAMPLES if filter_.matches(one)]
        columns = ("action", "actor", "outcome", "actor_kind", "channel", "tenant", "order")
        tallies = ports.counts.tally(filter_, columns, 100, 1_000)
        for column in columns:
            counted = {one.value: one.events for one in tallies[column].values}
            assert counted == Counter(getattr(one, column) for one in meant)
            assert tallies[column].whole
        for width in (DAY, HOUR, HOUR // 4):
            steps = Counter(one.time - one.time % width for one in meant)
            assert ports.counts.steps(filter_, width) == steps

    def test_a_tally_of_too_many_says_so(self, ports: Ports) -> None:
        """Only the newest are looked at, and it is said."""
        tally = ports.counts.tally(Filter((Word("straße"),)), ("order",), 2, 20)["order"]
        assert (tally.events, tally.whole, len(tally.values)) == (20, False, 2)

    def test_rollups_add_up(self, ports: Ports) -> None:
        """Days and money are sums over the events that are meant."""
        filter_ = Filter((Is("actor", ("clerk-17",)),))
        meant = [one for one in SAMPLES if filter_.matches(one)]
        days = {(one.day, *one.key): one.events for one in ports.counts.days(filter_, ("action",))}
        assert days == Counter((one.time - one.time % DAY, one.action) for one in meant)
        lowered = sum(one.lowered for one in ports.counts.money(filter_))
        raised = sum(one.raised for one in ports.counts.money(filter_))
        moved = [
            change.delta
            for one in meant
            if one.outcome == "success"
            for change in one.changes
            if change.delta is not None
        ]
        assert (raised, lowered) == (
            sum(delta for delta in moved if delta > 0),
            -sum(delta for delta in moved if delta < 0),
        )
