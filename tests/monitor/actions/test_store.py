"""The store of suggestions keeps its promises on SQLite and on PostgreSQL, and in a file of the form before."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.actions.told import AT, DAY, forecast
from ordertrail.adapters.monitor.board import SqlBoard
from ordertrail.adapters.monitor.database import STATE
from ordertrail.adapters.monitor.suggestions import SqlSuggestions
from ordertrail.adapters.state import open_file, open_server
from ordertrail.monitor.actions.ports import SuggestionQuery, SuggestionStore
from ordertrail.testing.conformance.suggestions import SuggestionStoreSuite
from servers.databases import empty_database
from servers.postgresql import Server, postgresql_server

__all__ = ["postgresql_server"]


class TestFile(SuggestionStoreSuite):
    """A file of SQLite."""

    @pytest.fixture
    def reopen(self, tmp_path: Path) -> Iterator[Callable[[], SuggestionStore]]:
        """Open the same file."""
        with ExitStack() as stack:
            yield lambda: SqlSuggestions(
                stack.enter_context(closing(open_file(tmp_path / "watch.db", STATE)))
            )


class TestServer(SuggestionStoreSuite):
    """A schema on PostgreSQL."""

    @pytest.fixture
    def reopen(self, postgresql_server: Server) -> Iterator[Callable[[], SuggestionStore]]:
        """Open the same schema."""
        with empty_database(postgresql_server) as name, ExitStack() as stack:
            yield lambda: SqlSuggestions(
                stack.enter_context(closing(open_server(postgresql_server.url(name), None, STATE)))
            )


def test_the_board_has_the_newest_forecast_of_each_order_at_risk(
    tmp_path: Path, postgresql_server: Server
) -> None:
    """The riskiest first; a later forecast takes the place of an earlier one, never the other way round."""
    with empty_database(postgresql_server) as name:
        for opened in (
            open_file(tmp_path / "watch.db", STATE),
            open_server(postgresql_server.url(name), None, STATE),
        ):
            with closing(opened) as database:
                board = SqlBoard(database)
                low, high = forecast("SO-1", 0.4), forecast("SO-2", 0.9)
                board.put([low, high], [])
                assert board.riskiest(AT, None, 10) == [high, low]
                assert board.riskiest(AT, None, 1) == [high]
                assert board.riskiest(AT, frozenset({"north"}), 10) == []
                assert board.riskiest(AT + 31 * DAY, None, 10) == []
                other = replace(low, target="late")
                board.put([other], [])
                assert board.riskiest(AT, None, 1, "late") == [other]
                assert board.riskiest(AT, None, 10, "unheard-of") == []
                board.put([], [other])
                later = replace(forecast("SO-1", 0.95), at=AT + DAY)
                board.put([later], [])
                board.put([low], [low])
                assert board.riskiest(AT, None, 10) == [later, high]
                board.put([], [replace(later, at=AT + 2 * DAY)])
                assert board.riskiest(AT, None, 10) == [high]


def test_a_file_of_the_form_before_gets_suggestions(tmp_path: Path) -> None:
    """A watch that an older release made is opened, keeps its alerts, and can keep suggestions."""
    open_file(tmp_path / "watch.db", STATE).close()
    with closing(sqlite3.connect(tmp_path / "watch.db")) as connection:
        connection.executescript(
            "DROP TABLE suggestion; DROP TABLE suggestion_transition; DROP TABLE forecast; PRAGMA user_version=1;"
            "INSERT INTO watch_place VALUES ('default', 7);"
        )
    with closing(open_file(tmp_path / "watch.db", STATE)) as database:
        assert SqlSuggestions(database).find(SuggestionQuery()) == []
    with closing(sqlite3.connect(tmp_path / "watch.db")) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (STATE.form,)
        assert connection.execute("SELECT * FROM watch_place").fetchall() == [("default", 7)]
