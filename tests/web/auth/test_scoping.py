"""Nobody sees beyond their scope, by any question, over a real trail of two tenants."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import product

import pytest

from access.desk import START
from ordertrail.access.principal import Principal, Scope
from ordertrail.assembly import create_trail
from ordertrail.assembly.index import open_query
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import ConfigurationError, InputError
from ordertrail.kernel.ids import new_id
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.filters.terms import Is, Not
from ordertrail.query.ports import Hit, Way
from ordertrail.query.questions.facets import facets
from ordertrail.query.questions.orders import order_history
from ordertrail.query.questions.search import search
from ordertrail.query.service import Query
from ordertrail.record.event import Actor, Change, Context, Event, Subject
from ordertrail.settings import Settings
from ordertrail.web.auth.scoping import may_see, scoped, within

TENANTS = ("acme", "bolt", None)
CHANNELS = ("web", "edi", None)
REGIONS = ("eu", "us", None)

ALL = Scope()
SCOPES = [
    Scope(frozenset({"acme"})),
    Scope(frozenset({"acme", "bolt"})),
    Scope(frozenset()),
    Scope(None, frozenset({"web"})),
    Scope(None, frozenset(), frozenset({"eu"})),
    Scope(frozenset({"acme"}), frozenset({"web"}), frozenset({"eu"})),
    Scope(frozenset({"acme' OR 1=1 --", "*", "ac*"})),
]


def _events() -> Iterator[Event]:
    for number, (tenant, channel, region) in enumerate(product(TENANTS, CHANNELS, REGIONS)):
        yield Event(
            id=new_id(),
            time=format_time(datetime(2026, 11, 22, 10, number, tzinfo=UTC)),
            action="order.price.change",
            actor=Actor(f"clerk-{tenant}", "person"),
            subject=Subject("order", "SO-1", "SO-1", tenant),
            changes=(
                Change(
                    "/total", before={"amount": 1, "currency": "EUR"}, after={"amount": 2, "currency": "EUR"}
                ),
            ),
            context=Context(channel=channel, tags=() if region is None else (f"region:{region}",)),
        )


def _who(scope: Scope) -> Principal:
    return Principal("p-1", "person", "Ana", (), frozenset(), scope)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Query, list[Event]]]:
    """A query over a trail with an order of the same number in every tenant, channel and region."""
    root = tmp_path_factory.mktemp("scoping") / "trail"
    events = list(_events())
    with create_trail(
        root, "shop.example/trail", settings=Settings(immutable=False), clock=lambda: START
    ) as trail:
        trail.record(events)
        trail.seal()
    with ExitStack() as stack:
        query = stack.enter_context(open_query(root, clock=lambda: START))
        query.feed()
        yield query, events


@pytest.mark.parametrize("scope", SCOPES, ids=range(len(SCOPES)))
def test_every_question_stays_within_bounds(house: tuple[Query, list[Event]], scope: Scope) -> None:
    """Search, count, find, facets, histogram, history and the log itself tell of what may be seen, all of it."""
    query, events = house
    bound = scoped(query, _who(scope))
    mine = {event.id for event in events if may_see(scope, event)}
    for filter_ in (
        Filter(),
        Filter((Is("tenant", ("bolt", "acme"), exact=True),)),
        Filter((Not(Is("tenant", ("acme",))),)),
    ):
        meant = {event.id for event in events if event.id in mine and _means(query, filter_, event.id)}
        assert {hit.event.id for hit in search(bound.searches, filter_).hits} == meant
        assert bound.searches.count(filter_, 100) == len(meant)
        assert sum(bound.counts.steps(filter_, 60_000_000).values()) == len(meant)
        for facet in facets(bound.counts, filter_):
            assert facet.tally.events <= len(mine)
            if facet.field == "tenant":
                seen = {event.subject.tenant for event in events if event.id in mine}
                assert {one.value for one in facet.tally.values} <= seen
    assert {hit.event.id for hit in bound.searches.find([event.id for event in events])} == mine
    assert {one.event.id for one in order_history(bound.orders, "SO-1")} == mine
    assert {one.event.id for one in order_history(bound.orders, "SO-1", "bolt")} <= mine
    assert len(list(bound.log.rows("default", 0, bound.log.size("default")))) == len(mine)


def _means(query: Query, filter_: Filter, event: str) -> bool:
    return any(filter_.matches(hit.event) for hit in query.searches.find([event]))


@pytest.mark.parametrize("scope", SCOPES, ids=range(len(SCOPES)))
def test_another_tenants_standing_is_not_told(house: tuple[Query, list[Event]], scope: Scope) -> None:
    """Where an order stands is told to whoever may see an event of it."""
    query, events = house
    asked = [("SO-1", tenant or "") for tenant in TENANTS]
    told = scoped(query, _who(scope)).searches.standings(asked)
    seen = {("SO-1", event.subject.tenant or "") for event in events if may_see(scope, event)}
    assert set(told) == seen


def test_a_hit_of_somebody_else_cannot_be_read(house: tuple[Query, list[Event]]) -> None:
    """Even with the place of an event in the hand (IDOR), its entry is not there."""
    query, _ = house
    foreign = next(hit for hit in search(query.searches, Filter()).hits if hit.event.tenant == "bolt")
    bound = scoped(query, _who(Scope(frozenset({"acme"}))))
    with pytest.raises(Exception, match="is not the event"):
        bound.read(foreign)
    assert query.read(foreign).event.subject.tenant == "bolt"
    assert not bound.searches.page(Filter((Is("id", (foreign.event.id,), exact=True),)), 5, None, Way.OLDER)


def test_counts_by_day_are_of_whole_tenants(house: tuple[Query, list[Event]]) -> None:
    """Told to who may see all of a tenant; refused to who may see some of its channels."""
    query, events = house
    acme = scoped(query, _who(Scope(frozenset({"acme"}))))
    assert sum(one.events for one in acme.counts.days(Filter(), ["actor"])) == len(events) // 3
    assert {one.actor for one in acme.counts.money(Filter())} == {"clerk-acme"}
    part = scoped(query, _who(Scope(frozenset({"acme"}), frozenset({"web"}))))
    for ask in (
        lambda: part.counts.days(Filter(), ["actor"]),
        lambda: part.counts.money(Filter()),
        lambda: part.counts.ranked(Filter(), ["actor"], 5),
    ):
        with pytest.raises(InputError):
            ask()


def test_nothing_is_written_on_behalf_of_who_asks(house: tuple[Query, list[Event]]) -> None:
    """A bound query neither feeds nor drops the index."""
    query, _ = house
    bound = scoped(query, _who(SCOPES[0]))
    for act in (bound.index.clear, bound.index.settle, lambda: bound.index.add("default", 0, 1, ())):
        with pytest.raises(ConfigurationError):
            act()
    assert bound.index.places() == query.index.places()
    assert bound.lag().events == 0


def test_who_sees_everything_asks_the_query_itself(house: tuple[Query, list[Event]]) -> None:
    """Bounds that bind nothing cost nothing."""
    query, _ = house
    assert scoped(query, _who(ALL)) is query


def test_the_index_and_the_log_agree_on_who_sees_what(house: tuple[Query, list[Event]]) -> None:
    """The filter of a scope means the same events as its predicate."""
    query, events = house
    known = {hit.event.id: hit.event for hit in _all(query)}
    for scope in SCOPES:
        for event in events:
            assert within(scope).matches(known[event.id]) == may_see(scope, event)


def _all(query: Query) -> tuple[Hit, ...]:
    return search(query.searches, Filter()).hits
