"""What drives a query is counted once, and again only where what is remembered no longer answers."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, event

from ordertrail.adapters.index.feeding import SqlIndex
from ordertrail.adapters.index.sqlite import SqliteIndex
from ordertrail.query.filters.changed import Changed
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.filters.terms import Sensitive, Word
from ordertrail.query.tables import streams
from ordertrail.testing.conformance.index import SAMPLES

FILTER = Filter((Changed("unit_price"), Word("customer"), Sensitive()))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteIndex]:
    """An index of the samples."""
    with closing(SqliteIndex(tmp_path / "index.db")) as opened:
        SqlIndex(opened).add("default", 0, 60, SAMPLES)
        yield opened


@contextmanager
def counting(connection: Connection) -> Iterator[list[str]]:
    """Collect the statements that count a term's events."""
    told: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "count(" in statement:
            told.append(statement)

    event.listen(connection, "before_cursor_execute", note)
    yield told
    event.remove(connection, "before_cursor_execute", note)


def test_a_term_is_counted_once_for_all_that_asks_for_it(database: SqliteIndex) -> None:
    """A page, its count and its chart go the same way without counting again."""
    with database.read() as connection:
        with counting(connection) as first:
            way = database.planner.driving(connection, FILTER, 50)
        with counting(connection) as again:
            same = database.planner.driving(connection, FILTER, 50)
            database.planner.driving_all(connection, FILTER)
            database.planner.is_narrow(connection, Filter((Sensitive(),)), 10)
    assert first
    assert not again
    assert way is not None
    assert str(same) == str(way)


def test_what_was_counted_up_to_a_bound_does_not_answer_a_higher_one(database: SqliteIndex) -> None:
    """Of a term with at least so many events it is not known how many there are."""
    with database.read() as connection:
        assert not database.planner.is_narrow(connection, Filter((Sensitive(),)), 1)
        assert database.planner.is_narrow(connection, Filter((Sensitive(),)), 10_000)
        assert not database.planner.is_narrow(connection, Filter((Sensitive(),)), 1)


def test_an_index_that_has_grown_is_counted_again(database: SqliteIndex) -> None:
    """So that a term that was rare does not drive what it no longer should."""
    with database.read() as connection:
        database.planner.driving(connection, FILTER, 50)
    with database.write() as connection:
        connection.execute(streams.update().values(next=streams.c.next * 2))
    with database.read() as connection, counting(connection) as told:
        database.planner.driving(connection, FILTER, 50)
    assert told


def test_only_so_many_terms_are_remembered(database: SqliteIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was counted longest ago is counted again."""
    monkeypatch.setattr("ordertrail.adapters.index.planning._REMEMBERED", 2)
    with database.read() as connection:
        for word in ("one", "two", "three"):
            database.planner.is_narrow(connection, Filter((Word(word),)), 100)
        with counting(connection) as told:
            database.planner.is_narrow(connection, Filter((Word("three"),)), 100)
            assert not told
            database.planner.is_narrow(connection, Filter((Word("one"),)), 100)
        assert len(told) == 1
