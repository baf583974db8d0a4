"""Questions are answered as a look at every event would: a story of orders, fed into an index."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordertrail.adapters.index.counting import SqlCounts
from ordertrail.adapters.index.feeding import SqlIndex
from ordertrail.adapters.index.relations import SqlRelations
from ordertrail.adapters.index.searching import SqlSearches
from ordertrail.adapters.index.sqlite import SqliteIndex
from ordertrail.kernel.clock import format_time, parse_time
from ordertrail.kernel.errors import InputError, UnavailableError
from ordertrail.ledger.entry import Link, format_entry
from ordertrail.ledger.ports import EntryRow
from ordertrail.query.engines import Engines, NoSegments
from ordertrail.query.entries import SealedEvent, read_entry
from ordertrail.query.feeding import feed, lag
from ordertrail.query.filters.grammar import Filter, parse_filter
from ordertrail.query.filters.terms import Is
from ordertrail.query.ports import Way
from ordertrail.query.projection import Place, microseconds, project
from ordertrail.query.questions.actors import actor_profile
from ordertrail.query.questions.causes import cause_chain
from ordertrail.query.questions.facets import facets
from ordertrail.query.questions.facts import money_by_actor, ranking
from ordertrail.query.questions.fields import field_history
from ordertrail.query.questions.histogram import Step, histogram
from ordertrail.query.questions.neighbours import neighbours
from ordertrail.query.questions.orders import Basis, Knowledge, difference, order_history, state_as_of
from ordertrail.query.questions.reads import who_saw
from ordertrail.query.questions.search import parse_cursor, search
from ordertrail.query.service import Query
from ordertrail.query.span import Span
from ordertrail.record.actions import CATALOGUE
from ordertrail.record.encoding import encode
from ordertrail.record.event import Actor, Cause, Change, Context, Event, Subject
from ordertrail.record.parse import parse_event
from ordertrail.testing.story import order_story

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
"""Orders' stories are told from 20 November 2026 on."""


class StoryLog:
    """Implements the ports that read a log, over events in memory."""

    def __init__(self, events: list[Event]) -> None:
        self.events = events
        self.hidden = 0
        seen: Counter[str | None] = Counter()
        self._numbers = [seen.update([event.subject.order]) or seen[event.subject.order] for event in events]

    def size(self, stream: str) -> int:
        """See the port; ``hidden`` entries are not sealed yet."""
        return len(self.events) - self.hidden if stream == "default" else 0

    def rows(self, stream: str, start: int, end: int) -> Iterator[EntryRow]:
        """See the port."""
        del stream
        for index in range(start, end):
            event = self.events[index]
            number = self._numbers[index]
            link = None if event.subject.order is None else Link(number, bytes(32))
            entry = format_entry(encode(event), index, event.time, bytes(32), link)
            yield EntryRow(index, bytes(16), None, number, bytes(32), bytes(32), entry)

    def history(self, order: str, tenant: str | None = None) -> Iterator[tuple[str, EntryRow]]:
        """See the port."""
        for index, event in enumerate(self.events):
            subject = event.subject
            if subject.order == order and tenant in {None, subject.tenant}:
                yield "default", next(self.rows("default", index, index + 1))


@dataclass(frozen=True, slots=True)
class Asked:
    """A story, and an index of it."""

    log: StoryLog
    index: SqlIndex
    searches: SqlSearches
    counts: SqlCounts

    def meant(self, text: str) -> list[Event]:
        """Return the story's events that a filter means, by time, as the predicate says."""
        told = [project(event, Place("default", 0, event.time)) for event in self.log.events]
        both = zip(self.log.events, told, strict=True)
        return sorted(
            (event for event, one in both if asked(text).matches(one)), key=lambda event: event.time
        )


def asked(text: str) -> Filter:
    """Read a filter."""
    return parse_filter(text, NOW, ZoneInfo("UTC"))


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """The story, fed into an index."""
    events = [parse_event(line, CATALOGUE) for line in order_story()]
    log = StoryLog(events)
    with closing(SqliteIndex(tmp_path_factory.mktemp("index") / "index.db")) as database:
        index = SqlIndex(database)
        feed(index, log, ["default"], CATALOGUE)
        yield Asked(log, index, SqlSearches(database), SqlCounts(database))


def test_feeding_goes_on_where_it_stopped_and_the_lag_is_told(story: Asked, tmp_path: Path) -> None:
    """What is sealed and not indexed is counted and its age told; fed twice, it is there once."""
    log = StoryLog(story.log.events)
    log.hidden = 48
    with closing(SqliteIndex(tmp_path / "index.db")) as database:
        index = SqlIndex(database)
        behind = partial(lag, index, log, ["default", "other"])
        assert feed(index, log, ["default"], CATALOGUE) == 400
        assert behind(lambda: NOW).events == 0
        log.hidden = 0
        first = parse_time(log.events[400].time)
        told = behind(lambda: first + timedelta(seconds=90))
        assert (told.events, told.seconds) == (48, 90.0)
        assert feed(index, log, ["default"], CATALOGUE) == 48
        assert feed(index, log, ["default"], CATALOGUE) == 0
        assert SqlSearches(database).count(Filter(), 1_000) == 448


def test_an_index_of_another_log_is_made_anew(story: Asked, tmp_path: Path) -> None:
    """Where the log is behind the index, as after a backup was restored, nothing of before is found any more."""
    with closing(SqliteIndex(tmp_path / "index.db")) as database:
        index, searches = SqlIndex(database), SqlSearches(database)
        feed(index, story.log, ["default"], CATALOGUE)
        restored = StoryLog(story.log.events[100:200])
        assert feed(index, restored, ["default"], CATALOGUE) == 100
        assert searches.find([story.log.events[0].id]) == []
        assert searches.count(Filter(), 1_000) == 100
        hit = search(searches, Filter(), limit=1).hits[0]
        query = Query(
            index,
            searches,
            SqlCounts(database),
            story.log,
            story.log,
            ["default"],
            CATALOGUE,
            lambda: NOW,
            Engines(SqlCounts(database), SqlRelations(database), NoSegments, ["default"]),
        )
        with pytest.raises(UnavailableError, match="is not the event that the index has"):
            query.read(hit)


@pytest.mark.parametrize("text", ["", "actor:p.novak", "customer called", "is:attempt", "raised:quantity"])
def test_pages_lead_through_all_and_back(story: Asked, text: str) -> None:
    """Older and older to the end, then newer and newer to the beginning: the same events, each once."""
    wanted = [event.id for event in story.meant(text)]
    page = search(story.searches, asked(text), limit=50)
    assert page.newer is None
    down = [*page.hits]
    while page.older is not None:
        page = search(story.searches, asked(text), limit=50, beyond=parse_cursor(str(page.older)))
        down += page.hits
    assert [hit.event.id for hit in reversed(down)] == wanted
    up = [*page.hits]
    while page.newer is not None:
        page = search(story.searches, asked(text), limit=50, beyond=page.newer, way=Way.NEWER)
        up = [*page.hits, *up]
    assert sorted(hit.key for hit in up) == sorted(hit.key for hit in down)


@pytest.mark.parametrize("text", ["x", "1", "1.", "1.2.3", f"1.{1 << 63}", "-1.-1", "\u0661.\u0661"])
def test_a_cursor_of_nobodys_is_refused(text: str) -> None:
    """A place that no page named is named as such."""
    with pytest.raises(InputError, match="no place between pages"):
        parse_cursor(text)


def test_a_page_of_any_length_is_not_given(story: Asked) -> None:
    """A page has a bound."""
    for limit in (0, 1_001):
        with pytest.raises(InputError, match="1 to 1000"):
            search(story.searches, Filter(), limit=limit)


@pytest.mark.parametrize(
    "text", ["", "actor:t.varga channel:web", "customer", "channel:web,edi is:sensitive"]
)
def test_facets_leave_their_own_choice_out(story: Asked, text: str) -> None:
    """Each facet counts what the other terms mean: its own values are alternatives, and those chosen are named."""
    filter_ = asked(text)
    columns = {"kind": "actor_kind", "thing": "subject_kind"}
    for facet in facets(story.counts, filter_):
        own = [term for term in filter_.terms if isinstance(term, Is) and term.field == facet.field]
        others = Filter(tuple(term for term in filter_.terms if term not in own))
        told = [project(one, Place("default", 0, one.time)) for one in story.log.events]
        column = columns.get(facet.field, facet.field)
        counted = Counter(getattr(one, column) for one in told if others.matches(one))
        assert {one.value: one.events for one in facet.tally.values} == counted
        assert facet.chosen == tuple(value for term in own for value in term.values)


@given(
    st.integers(0, 3_000), st.integers(1, 4_000), st.sampled_from(Step),
    st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/New_York"]),
)  # fmt: skip
def test_bars_are_of_the_readers_clock_and_count_every_event_once(
    minutes: int, long: int, step: Step, zone: str
) -> None:
    """Bars meet without gaps, begin where the zone's clock says, and their events are those of the span."""
    start = datetime(2026, 10, 24, 6, tzinfo=UTC) + timedelta(minutes=minutes)
    wide = {Step.MINUTE: 1, Step.QUARTER: 2}.get(step, 10)
    span = Span(start, start + timedelta(minutes=min(long, 990) * wide), ZoneInfo(zone))

    class OneAMinute:
        """Counts one event in each minute, at its 30th second."""

        def steps(self, filter_: Filter, width: int) -> dict[int, int]:
            (term,) = filter_.terms
            counted: Counter[int] = Counter()
            at = span.start.replace(second=30)
            while at < span.end:
                time = microseconds(format_time(at))
                counted[time - time % width] += 1
                at += timedelta(minutes=1)
            assert term.text().startswith("when:")
            return counted

    bars = histogram(OneAMinute(), Filter(), span, step)  # type: ignore[arg-type]
    assert (bars[0].start, bars[-1].end) == (span.start, span.end)
    for one, after in pairwise(bars):
        assert one.end == after.start
        here = after.start.astimezone(span.zone)
        assert here.second == here.microsecond == 0
        if step is not Step.MINUTE:
            assert here.minute % 15 == 0
        if step in {Step.DAY, Step.WEEK, Step.MONTH}:
            assert (here.hour, here.minute) == (0, 0)
    assert [bar.events for bar in bars] == [round((bar.end - bar.start).total_seconds() / 60) for bar in bars]


def test_a_histogram_of_the_story(story: Asked) -> None:
    """Days in Berlin, of a filter that no rollup knows."""
    span = Span(datetime(2026, 11, 19, 23, tzinfo=UTC), datetime(2026, 11, 24, 23, tzinfo=UTC), BERLIN)
    for text in ("", "is:sensitive", "actor:p.novak", "customer"):
        days = Counter(parse_time(one.time).astimezone(BERLIN).date() for one in story.meant(text))
        bars = histogram(story.counts, asked(text), span, Step.DAY)
        assert {bar.start.astimezone(BERLIN).date(): bar.events for bar in bars if bar.events} == days
    with pytest.raises(InputError, match="wider step"):
        histogram(story.counts, Filter(), replace(span, end=NOW + timedelta(days=3_000)), Step.HOUR)
    with pytest.raises(InputError, match="after it begins"):
        histogram(story.counts, Filter(), replace(span, end=span.start), Step.HOUR)


def test_an_actors_profile(story: Asked) -> None:
    """Events, attempts, actions, hours of a week and peers are those of the actor's own events."""
    span = Span(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC), BERLIN)
    theirs = story.meant("actor:t.varga")
    profile = actor_profile(story.counts, "t.varga", span)
    assert profile.events == len(theirs)
    assert profile.attempts == sum(one.outcome != "success" for one in theirs)
    assert {one.value: one.events for one in profile.actions} == Counter(one.action for one in theirs)
    week = Counter(
        (time.weekday(), time.hour) for time in (parse_time(one.time).astimezone(BERLIN) for one in theirs)
    )
    told = {(day, hour): n for day, row in enumerate(profile.hours) for hour, n in enumerate(row) if n}
    assert told == week
    orders = {one.subject.order for one in theirs}
    others = {one.actor.id for one in story.log.events if one.subject.order in orders} - {"t.varga"}
    assert {one.value for one in profile.peers} == others
    assert sum(one.lowered for one in profile.money) > 0


def test_facts_of_the_whole_trail(story: Asked) -> None:
    """Rankings and money add up to the events; a filter that rollups do not know is refused."""
    ranked = ranking(story.counts, asked("action:order.cancel"), ["actor"])
    assert {one.key[0]: one.events for one in ranked} == Counter(
        one.actor.id for one in story.meant("action:order.cancel")
    )
    assert ranked[0].key == ("p.novak",)
    lowering = {one.actor for one in money_by_actor(story.counts, Filter()) if one.lowered}
    assert "t.varga" in lowering
    with pytest.raises(InputError, match="whole days"):
        ranking(story.counts, asked("customer"), ["actor"])


def test_the_changes_of_a_field(story: Asked) -> None:
    """Every change of it, oldest first, with its event."""
    told = field_history(story.searches, "unit_price", Filter())
    wanted = [
        (event.id, change.path)
        for event in story.meant("")
        for change in event.changes
        if change.path.endswith("/unit_price")
    ]
    assert [(one.hit.event.id, one.change.path) for one in told] == wanted
    assert field_history(story.searches, told[0].change.path, Filter(), limit=1)[0] == told[0]


def test_neighbours(story: Asked) -> None:
    """What stands beside an event in time, and what shares its request."""
    events = story.meant("")
    (hit,) = story.searches.find([events[100].id])
    beside = neighbours(story.searches, hit, Filter(), limit=5)
    assert [one.event.id for one in beside.before] == [one.id for one in events[95:100]]
    assert [one.event.id for one in beside.after] == [one.id for one in events[101:106]]
    request = events[100].context.request if events[100].context is not None else None
    same = [
        one.id
        for one in events
        if one.context and one.context.request == request and one.id != events[100].id
    ]
    assert [one.event.id for one in beside.request] == same[:10]


def told_of(changes: list[Change], minute: int, *, outcome: str = "success", at: int | None = None) -> Event:
    """Return an event of order SO-1."""
    return Event(
        id=f"01935f6e-9c1a-7cc2-b0a5-{minute:012x}",
        time=format_time(NOW + timedelta(minutes=minute if at is None else at)),
        action="order.update",
        actor=Actor("clerk-17", "person"),
        subject=Subject("order", "SO-1", "SO-1"),
        outcome=outcome,  # type: ignore[arg-type]
        changes=tuple(changes),
    )


def sealed(events: list[Event]) -> tuple[SealedEvent, ...]:
    """Return an order's history of events, recorded one after the other."""
    recorded = [format_time(NOW + timedelta(days=1, minutes=minute)) for minute in range(len(events))]
    return tuple(
        SealedEvent(event, Place("default", index, recorded[index], index + 1))
        for index, event in enumerate(events)
    )


VALUES = st.none() | st.integers(0, 2) | st.booleans() | st.text("ab", max_size=1)


@given(
    st.lists(st.dictionaries(st.sampled_from(["/a", "/b", "/c"]), VALUES), min_size=1, max_size=8), st.data()
)
def test_a_state_is_told_back_at_every_moment(states: list[dict[str, object]], data: st.DataObject) -> None:
    """Of the changes between states, each state comes back at its moment; their difference is what differs."""
    events = []
    for minute, (old, new) in enumerate(pairwise(states), 1):
        changes = [
            Change(path, **{side: at[path] for side, at in (("before", old), ("after", new)) if path in at})
            for path in sorted(old.keys() | new.keys())
            if path not in old
            or path not in new
            or (type(old[path]), old[path]) != (type(new[path]), new[path])
        ]
        events.append(told_of(changes, minute))
    history = sealed(events)
    touched = {change.path for event in events for change in event.changes}

    def at(minute: int) -> dict[str, object]:
        state = state_as_of(history, "SO-1", NOW + timedelta(minutes=minute, seconds=30))
        assert state.contradictions == ()
        assert state.events == minute
        return {one.place.path: (type(one.value), one.value) for one in state.fields}

    for minute, state in enumerate(states):
        assert at(minute) == {path: (type(value), value) for path, value in state.items() if path in touched}
    one, other = (data.draw(st.integers(0, len(states) - 1)) for _ in range(2))
    moments = [NOW + timedelta(minutes=minute, seconds=30) for minute in (one, other)]
    differs = difference(*(state_as_of(history, "SO-1", moment) for moment in moments))
    before, after = at(one), at(other)
    assert {each.place.path for each in differs} == {
        path for path in before.keys() | after.keys() if before.get(path) != after.get(path)
    }


def test_what_is_not_known_of_a_state_is_said() -> None:
    """Sealed values are hidden, attempts change nothing, what contradicts is named, and each time has its basis."""
    box = {"sealed": {"person": "c-7", "box": "…", "commitment": "…"}}
    history = sealed(
        [
            told_of([Change("/name", after=box), Change("/total", 1, 2)], 1),
            told_of([Change("/total", 2, 9)], 2, outcome="denied"),
            told_of([Change("/total", 3, 4)], 3),
            told_of([Change("/total", 4, 5)], 4, at=-60),
        ]
    )
    state = state_as_of(history, "SO-1", NOW + timedelta(minutes=3))
    known = {one.place.path: one for one in state.fields}
    assert known["/name"].how is Knowledge.HIDDEN
    assert (known["/total"].value, known["/total"].how) == (5, Knowledge.TOLD)
    assert [(one.left, one.found) for one in state.contradictions] == [(2, 3)]
    before = state_as_of(history, "SO-1", NOW + timedelta(hours=12), Basis.RECORDED)
    (only,) = before.fields
    assert (only.value, only.how, before.events) == (1, Knowledge.INFERRED, 0)


def test_who_looked_at_an_order_changed_nothing_of_it() -> None:
    """A reading tells how many events it saw: that is of the reading, and no field of the order."""
    seen = msgspec.structs.replace(told_of([Change("/events", after=12)], 2), action="evidence.read")
    state = state_as_of(
        sealed([told_of([Change("/total", 1, 2)], 1), seen]), "SO-1", NOW + timedelta(minutes=3)
    )
    assert [one.place.path for one in state.fields] == ["/total"]


def test_an_orders_history_is_all_that_happened_to_it(story: Asked) -> None:
    """Of one order, in the sequence in which the trail came to know of it; its last state is what its events say."""
    order = story.log.events[0].subject.order or ""
    history = order_history(story.log, order)
    assert [one.event for one in history] == [one for one in story.log.events if one.subject.order == order]
    state = state_as_of(history, order, NOW)
    status = next(one.value for one in state.fields if one.place.path == "/status")
    (hit,) = story.searches.find([history[-1].event.id])
    assert hit.event.standing is not None
    assert hit.event.standing.status == status


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Asked]:
    """Ten events: the first of a message, the second and third of the first, and so on; and readings of an order."""
    events = []
    for number in range(10):
        cause = (
            Cause("message", "m-1")
            if number == 0
            else Cause("event", f"01935f6e-9c1a-7cc2-b0a5-{(number - 1) // 2:012x}")
        )
        read = number % 2 == 1
        events.append(
            Event(
                id=f"01935f6e-9c1a-7cc2-b0a5-{number:012x}",
                time=format_time(NOW + timedelta(minutes=number)),
                action="order.read" if read else "order.update",
                actor=Actor(f"clerk-{number % 4}", "person", session=f"s-{number % 3}"),
                subject=Subject("order", "SO-1", "SO-1"),
                outcome="denied" if number == 9 else "success",
                context=Context(trace="t-1" if number > 7 else None),
                cause=cause,
            )
        )
    log = StoryLog(events)
    with closing(SqliteIndex(tmp_path / "index.db")) as database:
        index = SqlIndex(database)
        feed(index, log, ["default"], CATALOGUE)
        yield Asked(log, index, SqlSearches(database), SqlCounts(database))


def test_causes_and_effects(chain: Asked) -> None:
    """Back to the message that began it, forward to all that followed, with how many steps it took."""
    (hit,) = chain.searches.find([chain.log.events[1].id])
    told = cause_chain(chain.searches, hit, Filter())
    assert [one.event.position for one in told.causes] == [0]
    assert (told.origin, told.whole) == ("m-1", True)
    assert [(one.hit.event.position, one.depth) for one in told.effects] == [
        (3, 1),
        (4, 1),
        (7, 2),
        (8, 2),
        (9, 2),
    ]
    # Whoever may not see an event does not see it as a cause.
    hidden = cause_chain(chain.searches, hit, asked("-actor:clerk-0"))
    assert (hidden.causes, [one.hit.event.position for one in hidden.effects]) == ((), [3, 7])


def test_who_saw_an_order(chain: Asked) -> None:
    """Readers with how often they read, what they tried in vain, and when."""
    readers = {one.actor: one for one in who_saw(chain.searches, asked("order:SO-1"), CATALOGUE).readers}
    assert {actor: (one.reads, one.denied) for actor, one in readers.items()} == {
        "clerk-1": (2, 1),
        "clerk-3": (2, 0),
    }
    assert readers["clerk-1"].orders == {"SO-1"}
    assert readers["clerk-1"].first < readers["clerk-1"].last


def test_an_entry_is_read_with_its_place(story: Asked) -> None:
    """Event, index, number in its order's chain and time of recording."""
    (row,) = story.log.rows("default", 5, 6)
    read = read_entry("default", row)
    assert read.event == story.log.events[5]
    assert (read.place.position, read.place.stream) == (5, "default")
