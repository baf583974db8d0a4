"""Whatever engine answers, the answer is the same; and it is said which one did, and how far it reaches."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings

from columnar.shelves import columns_of, make, opened
from ordertrail.adapters.index.counting import SqlCounts
from ordertrail.adapters.index.feeding import SqlIndex
from ordertrail.adapters.index.postgresql import PostgresqlIndex
from ordertrail.adapters.index.relations import SqlRelations
from ordertrail.adapters.index.sqlite import SqliteIndex
from ordertrail.kernel.errors import InputError
from ordertrail.query import engines
from ordertrail.query.engines import Engine, Engines, Extent, NoSegments, choose, telling
from ordertrail.query.filters.grammar import Filter, format_filter, parse_filter
from ordertrail.query.projection import Indexed, Place, project
from ordertrail.query.questions.patterns import Bulk, in_bulk, moved_after
from ordertrail.query.rolled import BY_DAY, OF_MONEY, rolled
from ordertrail.query.segments.manifest import Block
from ordertrail.query.tables import DAY, HOUR
from ordertrail.record.actions import CATALOGUE
from ordertrail.record.parse import parse_event
from ordertrail.testing.story import order_story
from query.generated import FILTERS, NOW
from servers.databases import empty_database
from servers.postgresql import Server, postgresql_server

__all__ = ["postgresql_server"]

BLOCKS = (Block(7, 0), Block(6, 2), Block(6, 3))
"""They end in the middle of the story: what follows is in the index alone."""
COLUMNS = ("actor", "outcome", "tenant", "channel")


@dataclass(frozen=True, slots=True)
class Asked:
    """A story through every engine, and through the index alone."""

    events: list[Indexed]
    every: Engines
    alone: Engines


def story(stream: str) -> list[Indexed]:
    """Return the story as the index has it."""
    told = [parse_event(line) for line in order_story()]
    return [project(event, Place(stream, at, event.time), CATALOGUE) for at, event in enumerate(told)]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def asked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """The story in two logs, of the first of which a part is in segments."""
    folder = tmp_path_factory.mktemp("asked")
    with ExitStack() as stack:
        if request.param == "sqlite":
            database: SqliteIndex | PostgresqlIndex = stack.enter_context(
                closing(SqliteIndex(folder / "index.db"))
            )
        else:
            server: Server = request.getfixturevalue("postgresql_server")
            name = stack.enter_context(empty_database(server))
            database = stack.enter_context(closing(PostgresqlIndex(server.url(name), None)))
        events = story("default")
        other = [project_again(one) for one in story("other")[:100]]
        index = SqlIndex(database)
        assert index.add("other", 0, 100, other)
        assert index.add("default", 0, len(events), events)
        shelf, duck = stack.enter_context(opened(folder / "segments"))
        for block in BLOCKS:
            make(shelf, block, events[block.start : block.end])
        counts, relations = SqlCounts(database), SqlRelations(database)
        streams = ["default", "other"]
        yield Asked(
            [*events, *other],
            Engines(counts, relations, lambda: columns_of(shelf, duck), streams),
            Engines(counts, relations, NoSegments, streams),
        )


def project_again(event: Indexed) -> Indexed:
    """Return an event as another of the same kind: it has an id of its own."""
    values = {name: getattr(event, name) for name in Indexed.__slots__}
    return Indexed(**{**values, "id": f"{event.id[:-4]}ffff{event.position:04d}"[-36:]})


@pytest.fixture
def by_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let segments answer whatever they can."""
    monkeypatch.setattr(engines, "NARROW", 0)
    monkeypatch.setattr(engines, "SUMMED", 0)


def filter_of(text: str) -> Filter:
    """Read a filter."""
    return parse_filter(text, NOW, ZoneInfo("UTC"))


QUESTIONS: dict[str, Callable[[Engines, Filter], Any]] = {
    "values": lambda asked, one: asked.tally(one, COLUMNS, 1_000, None),
    "hours": lambda asked, one: dict(asked.steps(one, HOUR)),
    "minutes": lambda asked, one: dict(asked.steps(one, HOUR // 4)),
    "bulk": lambda asked, one: in_bulk(asked, one, Bulk(2), 1_000),
    "bulk in odd intervals": lambda asked, one: in_bulk(asked, one, Bulk(2, 7 * HOUR + 1), 1_000),
    "after approval": lambda asked, one: moved_after(asked, filter_of("action:order.approve"), one, 1_000),
    "after actions of some": lambda asked, one: moved_after(
        asked, filter_of("action:order.c*,order.approve -order:SO-1001 tenant:*"), one, 1_000
    ),
    "after somebody": lambda asked, one: moved_after(asked, filter_of("actor:*"), one, 1_000),
    "after anything": lambda asked, one: moved_after(asked, one, Filter(), 1_000),
}
OVER_ROLLUPS: dict[str, Callable[[Engines, Filter], Any]] = {
    "days": lambda asked, one: asked.days(one, ("actor", "action")),
    "ranked": lambda asked, one: asked.ranked(one, ("actor", "outcome"), 1_000),
    "money": lambda asked, one: asked.money(one),
}
ASKED = (
    "", "actor:p.novak", "action:order.cancel", "action:order.cancel is:sensitive", "customer called", "is:attempt",
    "when:2026-11-20", "when:2026-11-21..", "-channel:web", "tenant:*", "lowered:unit_price>20%", "order:SO-1*",
    "stream:other", "stream:default actor:pricing-service", "state:cancelled", "value:>10EUR",
    "-actor:p.novak when:2026-11-21",
)  # fmt: skip


@pytest.mark.usefixtures("by_segments")
@pytest.mark.parametrize("name", QUESTIONS)
def test_segments_and_index_answer_alike(asked: Asked, name: str) -> None:
    """Segments and the tail that the index has beyond them say what the index says of all; empty answers too."""
    for text in ASKED:
        with telling() as heard:
            told = QUESTIONS[name](asked.every, filter_of(text))
        assert told == QUESTIONS[name](asked.alone, filter_of(text)), text
        now = "state" in text or "value" in text
        rolled_up = name == "hours" and now is False and heard().engines == (Engine.ROLLUP,)
        assert rolled_up or heard().engines == ((Engine.INDEX,) if now else (Engine.SEGMENTS,)), text
        if heard().engines == (Engine.SEGMENTS,):
            assert heard().segments == {"default": 256, "other": 0}


@pytest.mark.usefixtures("by_segments")
@pytest.mark.parametrize("name", OVER_ROLLUPS)
def test_rollups_of_segments_and_index_answer_alike(asked: Asked, name: str) -> None:
    """So do the rollups; a filter that they cannot answer is refused by either."""
    columns = OF_MONEY if name == "money" else BY_DAY
    for text in ASKED:
        one = filter_of(text)
        if rolled(one, columns):
            assert OVER_ROLLUPS[name](asked.every, one) == OVER_ROLLUPS[name](asked.alone, one), text
            continue
        for way in (asked.every, asked.alone):
            with pytest.raises(InputError, match="counted by whole days"):
                OVER_ROLLUPS[name](way, one)


@pytest.mark.usefixtures("by_segments")
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(FILTERS)
def test_any_filter_is_answered_alike(asked: Asked, one: Filter) -> None:
    """Of any filter the values are the same by either way, and as many as the predicate means."""
    told = asked.every.tally(one, COLUMNS, 1_000, None)
    assert told == asked.alone.tally(one, COLUMNS, 1_000, None), format_filter(one)
    if not any(term.text().lstrip("-").startswith(("state", "value")) for term in one.terms):
        assert told["actor"].events == sum(one.matches(event) for event in asked.events)


def test_money_after_approval_is_what_the_story_says(asked: Asked) -> None:
    """Clerk t.varga lowers prices after approval, and nobody else: by what the events say."""
    told = moved_after(asked.every, filter_of("action:order.approve"), Filter())
    assert {one.actor for one in told} == {"t.varga"}
    cut = [
        (event.order, change.delta)
        for event in asked.events
        for change in event.changes
        if event.actor == "t.varga" and change.unit and change.delta and event.action == "order.price.change"
    ]
    assert sum(one.lowered for one in told) == -sum(delta for _, delta in cut)
    assert sum(one.changes for one in told) == len(cut)
    assert all(one.raised == 0 and one.orders <= one.changes for one in told)


def test_who_cancels_in_bulk(asked: Asked) -> None:
    """p.novak cancels in the night, within minutes: one burst, and no other actor has one of three."""
    told = in_bulk(asked.every, filter_of("action:order.cancel is:sensitive"), Bulk(least=3))
    assert [one.actor for one in told] == ["p.novak"]
    assert told[0].largest <= told[0].events
    for bulk in (Bulk(0), Bulk(1, 0)):
        with pytest.raises(InputError, match="bulk is"):
            in_bulk(asked.every, Filter(), bulk)
    with pytest.raises(InputError, match="1 to 1000 rows"):
        moved_after(asked.every, Filter(), Filter(), 0)


@pytest.mark.parametrize(
    ("text", "extent", "in_rollup", "narrow", "engine"),
    [
        ("", Extent(1_000, 0), True, False, Engine.ROLLUP),
        ("", Extent(100_000_000, 0), True, False, Engine.ROLLUP),
        ("", Extent(100_000_000, 99_000_000), True, False, Engine.SEGMENTS),
        ("when:2026-11-20", Extent(100_000_000, 99_000_000), True, False, Engine.ROLLUP),
        ("when:2026", Extent(100_000_000, 99_000_000), True, False, Engine.SEGMENTS),
        ("", Extent(1_000, 99_000_000), True, True, Engine.SEGMENTS),
        ("cup", Extent(1_000, 99_000_000), False, True, Engine.SEGMENTS),
        ("state:paid", Extent(1_000, 99_000_000), False, True, Engine.INDEX),
        ("cup", Extent(100_000_000, 0), False, False, Engine.INDEX),
        ("cup", Extent(100_000_000, 99_000_000), False, True, Engine.INDEX),
        ("cup", Extent(100_000_000, 99_000_000), False, False, Engine.SEGMENTS),
        ("state:paid", Extent(100_000_000, 99_000_000), False, False, Engine.INDEX),
        ("-value:>1EUR", Extent(100_000_000, 99_000_000), False, False, Engine.INDEX),
    ],
)
def test_the_choice(text: str, extent: Extent, in_rollup: bool, narrow: bool, engine: Engine) -> None:  # noqa: FBT001
    """Rollups where they are short, the index where little is meant or only it knows, or has all; segments else."""
    assert choose(filter_of(text), extent, in_rollup=in_rollup, narrow=lambda: narrow) is engine


def test_day_of_the_story_lies_in_the_tail(asked: Asked) -> None:
    """The figures above are of segments and of a tail: neither is empty, and they share a day."""
    days = [event.time // DAY for event in asked.events if event.stream == "default"]
    assert set(days[:256]) & set(days[256:])
