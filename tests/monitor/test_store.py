"""The store of watching keeps its promises on SQLite and on PostgreSQL."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from ordertrail.adapters.monitor.database import STATE
from ordertrail.adapters.monitor.store import SqlMonitor
from ordertrail.adapters.state import open_file, open_server
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.testing.conformance.monitor import MonitorStore, MonitorStoreSuite
from servers.databases import empty_database
from servers.postgresql import Server, postgresql_server

__all__ = ["postgresql_server"]


class TestFile(MonitorStoreSuite):
    """A file of SQLite."""

    @pytest.fixture
    def reopen(self, tmp_path: Path) -> Iterator[Callable[[], MonitorStore]]:
        """Open the same file."""
        with ExitStack() as stack:
            yield lambda: SqlMonitor(stack.enter_context(closing(open_file(tmp_path / "watch.db", STATE))))


class TestServer(MonitorStoreSuite):
    """A schema on PostgreSQL."""

    @pytest.fixture
    def reopen(self, postgresql_server: Server) -> Iterator[Callable[[], MonitorStore]]:
        """Open the same schema."""
        with empty_database(postgresql_server) as name, ExitStack() as stack:
            yield lambda: SqlMonitor(
                stack.enter_context(closing(open_server(postgresql_server.url(name), None, STATE)))
            )


def test_a_file_is_for_nobody_else(tmp_path: Path) -> None:
    """Who reads alerts reads what people did."""
    open_file(tmp_path / "watch.db", STATE).close()
    assert (tmp_path / "watch.db").stat().st_mode & 0o077 == 0


def test_a_newer_file_is_left_alone(tmp_path: Path) -> None:
    """An older release does not write into what it does not know."""
    import sqlite3

    open_file(tmp_path / "watch.db", STATE).close()
    with closing(sqlite3.connect(tmp_path / "watch.db")) as connection:
        connection.execute("PRAGMA user_version=99")
    with pytest.raises(ConfigurationError, match="form 99"):
        open_file(tmp_path / "watch.db", STATE)
