"""The index keeps what its ports promise, on SQLite and on PostgreSQL; what is damaged or old is made again."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from ordertrail.adapters.index.counting import SqlCounts
from ordertrail.adapters.index.database import IndexDatabase
from ordertrail.adapters.index.feeding import SqlIndex
from ordertrail.adapters.index.postgresql import PostgresqlIndex
from ordertrail.adapters.index.searching import SqlSearches
from ordertrail.adapters.index.sqlite import SqliteIndex
from ordertrail.kernel.errors import ConfigurationError, UnavailableError
from ordertrail.testing.conformance.index import SAMPLES, IndexSuite, Ports
from servers.databases import empty_database
from servers.postgresql import Server, postgresql_server

__all__ = ["postgresql_server"]


def ports_of(database: IndexDatabase) -> Ports:
    """Return the ports of an open index."""
    return Ports(SqlIndex(database), SqlSearches(database), SqlCounts(database))


class TestSqliteIndex(IndexSuite):
    """On a file."""

    @pytest.fixture
    def reopen(self, tmp_path: Path) -> Iterator[Callable[[], Ports]]:
        """Open the file once more."""
        with ExitStack() as stack:
            yield lambda: ports_of(stack.enter_context(closing(SqliteIndex(tmp_path / "index.db"))))


class TestPostgresqlIndex(IndexSuite):
    """On a server."""

    @pytest.fixture
    def reopen(self, postgresql_server: Server) -> Iterator[Callable[[], Ports]]:
        """Connect once more."""
        with empty_database(postgresql_server) as name, ExitStack() as stack:
            url = postgresql_server.url(name)
            yield lambda: ports_of(stack.enter_context(closing(PostgresqlIndex(url, None))))


@pytest.mark.parametrize("damage", ["no database at all" * 100, ""])
def test_a_file_that_is_no_index_is_made_anew(tmp_path: Path, damage: str) -> None:
    """What cannot be read is no loss: the log has it."""
    path = tmp_path / "index.db"
    path.write_text(damage)
    with closing(SqliteIndex(path)) as database:
        assert SqlIndex(database).places() == {}
        assert path.stat().st_mode & 0o777 == 0o600


def test_an_index_of_another_form_is_made_anew(tmp_path: Path) -> None:
    """What an older release fed is dropped, so that no answer mixes two projections."""
    path = tmp_path / "index.db"
    with closing(SqliteIndex(path)) as database:
        SqlIndex(database).add("default", 0, 60, SAMPLES)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 9999")
    with closing(SqliteIndex(path)) as database:
        assert SqlIndex(database).places() == {}


def test_a_file_in_use_is_told_as_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that another keeps out is told that it may try again."""
    monkeypatch.setattr("ordertrail.adapters.index.sqlite._BUSY_SECONDS", 0.01)
    path = tmp_path / "index.db"
    with (
        closing(SqliteIndex(path)) as database,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(UnavailableError, match="locked"):
            SqlIndex(database).add("default", 0, 60, SAMPLES)
        other.execute("ROLLBACK")
        assert SqlIndex(database).add("default", 0, 60, SAMPLES)


def test_an_address_that_is_none_is_told_without_its_password() -> None:
    """Whatever was typed, its password is not repeated."""
    with pytest.raises((ConfigurationError, UnavailableError)) as caught:
        PostgresqlIndex("postgresql://auditor:secret@localhost:1/none", None)
    assert "secret" not in str(caught.value.diagnostics())


def test_a_role_that_may_not_make_the_index_is_told_what_it_needs(postgresql_server: Server) -> None:
    """Retrying would not help: somebody must let it."""
    with empty_database(postgresql_server) as name:
        admin = create_engine(postgresql_server.url(name).replace("postgresql:", "postgresql+psycopg:"))
        with admin.begin() as connection:
            connection.exec_driver_sql(f"CREATE ROLE {name}_reader LOGIN")
        with pytest.raises(ConfigurationError, match="permission denied") as caught:
            PostgresqlIndex(postgresql_server.url(name, f"{name}_reader"), None)
        assert "pg_trgm" in caught.value.remedy
        admin.dispose()
