"""Filters: database, predicate, sentence and spelling say the same; what is no filter is named."""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from ordertrail.adapters.index.database import IndexDatabase
from ordertrail.adapters.index.feeding import SqlIndex
from ordertrail.adapters.index.postgresql import PostgresqlIndex
from ordertrail.adapters.index.searching import SqlSearches
from ordertrail.adapters.index.sqlite import SqliteIndex
from ordertrail.kernel.errors import InputError
from ordertrail.query.filters.grammar import Filter, format_filter, parse_filter
from ordertrail.query.filters.terms import Is, Word
from ordertrail.query.filters.when import When, parse_when
from ordertrail.query.ports import Way
from ordertrail.query.projection import Indexed
from ordertrail.query.tables import PLAIN, events, key_of
from query.generated import BERLIN, EVENTS, FILTERS, NOW, in_sequence, indexed
from servers.databases import empty_database
from servers.postgresql import Server, postgresql_server

__all__ = ["postgresql_server"]

SOAK = os.environ.get("ORDERTRAIL_SOAK") == "1"
UTC_ZONE = ZoneInfo("UTC")
ASKED: Counter[str] = Counter()
"""Filters that were held against each database."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[IndexDatabase]:
    """An empty index of either kind."""
    if request.param == "sqlite":
        with closing(SqliteIndex(tmp_path_factory.mktemp("index") / "index.db")) as found:
            yield found
        return
    with empty_database(request.getfixturevalue("postgresql_server")) as name:
        server: Server = request.getfixturevalue("postgresql_server")
        with closing(PostgresqlIndex(server.url(name), None)) as made:
            yield made


@settings(
    max_examples=2_500 if SOAK else 40,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.function_scoped_fixture,
        HealthCheck.data_too_large,
    ],
)
@given(
    told=st.lists(EVENTS.map(indexed), min_size=1, max_size=8).map(in_sequence),
    filters=st.lists(FILTERS, min_size=4, max_size=10),
)
def test_database_predicate_and_spelling_are_one(
    database: IndexDatabase, told: list[Indexed], filters: list[Filter]
) -> None:
    """What the database finds is what the predicate means, whatever drives it; what is written is read as the same."""
    index = SqlIndex(database)
    index.clear()
    assert index.add("default", 0, len(told), told)
    ASKED[database.name] += len(filters)
    with database.read() as connection:
        for one in filters:
            meant = {key_of(1, event.position) for event in told if one.matches(event)}
            for dialect in (PLAIN, database.dialect):
                assert meant == set(connection.scalars(select(events.c.key).where(one.sql(dialect))))
                for term in one.terms:
                    keys = term.keys(dialect)
                    assert keys is None or meant <= set(connection.scalars(keys))
    for one in filters:
        hits = SqlSearches(database).page(one, 100, None, Way.NEWER)
        assert [hit.event for hit in hits] == sorted(
            (event for event in told if one.matches(event)), key=lambda event: (event.time, event.position)
        )
        again = parse_filter(format_filter(one), NOW, BERLIN)
        assert again == one
        assert again.sentence() == one.sentence()


@pytest.mark.skipif(not SOAK, reason="a long proof; run by make soak")
def test_ten_thousand_filters_were_held_against_each_database() -> None:
    """The long form has asked as much as it promises; run with -s it says how much."""
    print("filters held against each database:", sorted(ASKED.values()))  # noqa: T201 - a report
    assert len(ASKED) == 2
    assert min(ASKED.values()) >= 10_000


@given(st.text(max_size=80) | st.text(alphabet='abc:"\\ -,*>=%.<', max_size=40))
@example("when:9999")
@example("when:last-9999-months")
@example("when:0001..0002")
@example('lowered:"a"b>5')
@example('actor:a"b"')
def test_any_text_is_a_filter_or_is_refused(text: str) -> None:
    """Nothing but InputError comes of a text; what it is read as is written and read again as the same."""
    try:
        found = parse_filter(text, NOW, BERLIN)
    except InputError as error:
        assert error.problems  # noqa: PT017 - it says why
        return
    assert parse_filter(format_filter(found), NOW, BERLIN) == found
    assert parse_filter(format_filter(found.fixed()), NOW, BERLIN) == found.fixed()
    assert found.sentence()


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12"])
@pytest.mark.parametrize("phrase", ["0002", "9998", "..9999-12-29", "0001-01-03..", "9999-12-30T23:59:59.9"])
def test_the_ends_of_the_calendar_can_be_kept_in_a_link(phrase: str, zone: str) -> None:
    """What is a time in a zone is one in every other; what the calendar has no end of is refused."""
    where = ZoneInfo(zone)
    found = parse_filter(f"when:{phrase}", NOW, where)
    assert parse_filter(format_filter(found.fixed()), NOW, where) == found
    for beyond in ("0000", "9999", "9999-12-31"):
        with pytest.raises(InputError, match="is no time"):
            parse_filter(f"when:{beyond}", NOW, where)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "All events"),
        ("cup", "Events with “cup” in them"),
        ("actor:clerk-17 -channel:web,app", "Events by clerk-17, not in channel web or app"),
        ("action:order.*", "Events of the kind order.…"),
        ("lowered:unit_price>20%", "Events that lowered the unit price by more than 20%"),
        ("raised:unit_price>5.00EUR", "Events that raised the unit price by more than 5.00EUR"),
        ("raised:quantity>1.5", "Events that raised the quantity by more than 1.5"),
        ("changed:/lines/2/unit_price", "Events that changed the /lines/2/unit_price"),
        (
            "was:status=paid became:status=open",
            "Events that changed the status from paid, that made the status open",
        ),
        ("is:sensitive is:attempt", "Events that are sensitive, that were attempts"),
        ("when:2026-11-03", "Events from 2026-11-03 00:00 CET until 2026-11-04 00:00 CET"),
        ("ticket:*", "Events for ticket any"),
        ("actor:=clerk*", "Events by clerk*"),
        ("state:cancelled", "Events of an order that is now cancelled"),
        ("value:>=1000EUR", "Events of an order that is worth at least 1000.00EUR"),
    ],
)
def test_sentences(text: str, sentence: str) -> None:
    """A filter is told in English, with its times resolved."""
    assert parse_filter(text, NOW, BERLIN).sentence() == sentence


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("colour:red", "there is no field 'colour'"),
        ("actor:", "has no value"),
        ('"open', "a quote is opened"),
        ("is:odd", "sensitive or attempt"),
        ("when:soon", "is no time"),
        ("when:2026-13", "is no time"),
        ("when:2026-11-03..2026-11-01", "ends before it begins"),
        ("lowered:unit_price>x", "is no margin"),
        ("raised:unit_price>1.001EUR", "digits"),
        ("raised:unit_price>1XXX", "not an ISO 4217 currency"),
        ("changed:unit_price>5", "lowered: and raised:"),
        ("was:status", "status=paid"),
        ("actor:a,,b", "is no list of values"),
        ("value:1000", "followed by >"),
        ("value:>1000", "write its currency"),
        ("cup\0", "no text has"),
        ('""', "an empty text"),
        ("x" * 5_000, "at most"),
        ("x " * 100, "at most"),
    ],
)
def test_what_is_no_filter_is_named(text: str, problem: str) -> None:
    """Each wrong term is named by its place, with what may be written."""
    with pytest.raises(InputError, match=problem):
        parse_filter(text, NOW, BERLIN)


def test_all_wrong_terms_are_named_at_once() -> None:
    """Nobody mends one term to be told of the next."""
    with pytest.raises(InputError) as caught:
        parse_filter("colour:red good when:soon", NOW, BERLIN)
    assert [problem.path for problem in caught.value.problems] == ["terms.0", "terms.2"]


def utc(*parts: int) -> datetime:
    """Return a moment in UTC."""
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("phrase", "start", "end"),
    [
        ("today", utc(2026, 11, 22, 23), utc(2026, 11, 23, 23)),
        ("yesterday", utc(2026, 11, 21, 23), utc(2026, 11, 22, 23)),
        ("this-week", utc(2026, 11, 22, 23), utc(2026, 11, 29, 23)),
        ("last-week", utc(2026, 11, 15, 23), utc(2026, 11, 22, 23)),
        ("last-month", utc(2026, 9, 30, 22), utc(2026, 10, 31, 23)),
        ("this-year", utc(2025, 12, 31, 23), utc(2026, 12, 31, 23)),
        ("last-7-days", utc(2026, 11, 16, 12), utc(2026, 11, 23, 12)),
        ("last-90-minutes", utc(2026, 11, 23, 10, 30), utc(2026, 11, 23, 12)),
        ("last-1-months", utc(2026, 10, 23, 11), utc(2026, 11, 23, 12)),
        ("2026", utc(2025, 12, 31, 23), utc(2026, 12, 31, 23)),
        ("2026-10", utc(2026, 9, 30, 22), utc(2026, 10, 31, 23)),
        ("2026-10-25", utc(2026, 10, 24, 22), utc(2026, 10, 25, 23)),
        ("2026-11-03T14:00", utc(2026, 11, 3, 13), utc(2026, 11, 3, 13, 1)),
        ("2026-11-03T14:00Z", utc(2026, 11, 3, 14), utc(2026, 11, 3, 14, 1)),
        ("2026-11-01..2026-11-02", utc(2026, 10, 31, 23), utc(2026, 11, 2, 23)),
        ("2026-11-01..", utc(2026, 10, 31, 23), None),
        ("..2026-11-01", None, utc(2026, 11, 1, 23)),
        ("2026-11-01..<2026-11-02", utc(2026, 10, 31, 23), utc(2026, 11, 1, 23)),
    ],
)
def test_times(phrase: str, start: datetime | None, end: datetime | None) -> None:
    """Phrases and dates are of the reader's zone, its summer time included; a day of 25 hours is one day."""
    found = parse_when(phrase, NOW, BERLIN)
    assert (found.start, found.end) == (start, end)


def test_a_fixed_filter_means_the_same_tomorrow() -> None:
    """Today, fixed, is this day for ever, in any zone; a phrase is not."""
    today = parse_filter("when:today", NOW, BERLIN)
    later = datetime(2027, 3, 1, tzinfo=UTC)
    kept = parse_filter(format_filter(today.fixed()), later, UTC_ZONE)
    (then,) = kept.terms
    (now,) = today.terms
    assert isinstance(then, When)
    assert isinstance(now, When)
    assert (then.start, then.end) == (now.start, now.end)
    assert parse_filter(format_filter(today), later, UTC_ZONE) != today


def test_terms_are_added_and_removed() -> None:
    """A filter is a value: what is added once is in it once, and what is removed is gone."""
    by = Is("actor", ("clerk-17",))
    assert Filter().with_(by, by).terms == (by,)
    assert Filter((by, Word("x"))).without(by).terms == (Word("x"),)
