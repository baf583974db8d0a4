"""Cases, custody and bundles are kept as evidence relies on it: in memory, on SQLite, on PostgreSQL, in files."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from ordertrail.adapters.evidence.memory import MemoryCaseBook, MemoryCustodyBook, MemoryShelf
from ordertrail.adapters.evidence.shelf import FileShelf
from ordertrail.adapters.evidence.store import SqlCaseBook, SqlCustodyBook, open_engine
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.testing.conformance.evidence import (
    CaseBookSuite,
    CustodyBookSuite,
    ReopenCases,
    ReopenCustody,
    ReopenShelf,
    ShelfSuite,
)
from servers.databases import empty_database
from servers.postgresql import Server, postgresql_server

__all__ = ["postgresql_server"]

Open = Callable[[], Engine]


@pytest.fixture(params=["sqlite", "postgresql"])
def open_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Open one database again and again; all connections end with the test."""
    opened: list[Engine] = []

    def opening(place: str | Path) -> Open:
        def open_() -> Engine:
            opened.append(open_engine(place))
            return opened[-1]

        return open_

    try:
        if request.param == "sqlite":
            yield opening(tmp_path / "evidence.db")
        else:
            server: Server = request.getfixturevalue("postgresql_server")
            with empty_database(server) as name:
                yield opening(server.url(name))
                while opened:
                    opened.pop().dispose()
    finally:
        for engine in opened:
            engine.dispose()


class TestMemoryCaseBook(CaseBookSuite):
    """The book of cases in memory."""

    @pytest.fixture
    def reopen(self) -> ReopenCases:
        """It is the same each time."""
        book = MemoryCaseBook()
        return lambda: book


class TestSqlCaseBook(CaseBookSuite):
    """The book of cases in SQL."""

    @pytest.fixture
    def reopen(self, open_database: Open) -> ReopenCases:
        """As another process would."""
        return lambda: SqlCaseBook(open_database())


class TestMemoryCustodyBook(CustodyBookSuite):
    """The book of custody in memory."""

    @pytest.fixture
    def reopen(self) -> ReopenCustody:
        """It is the same each time."""
        book = MemoryCustodyBook()
        return lambda: book


class TestSqlCustodyBook(CustodyBookSuite):
    """The book of custody in SQL."""

    @pytest.fixture
    def reopen(self, open_database: Open) -> ReopenCustody:
        """As another process would."""
        return lambda: SqlCustodyBook(open_database())


class TestMemoryShelf(ShelfSuite):
    """The shelf in memory."""

    @pytest.fixture
    def reopen(self) -> ReopenShelf:
        """It is the same each time."""
        shelf = MemoryShelf()
        return lambda: shelf


class TestFileShelf(ShelfSuite):
    """The shelf in a folder."""

    @pytest.fixture
    def reopen(self, tmp_path: Path) -> ReopenShelf:
        """As another process would."""
        return lambda: FileShelf(tmp_path / "bundles")

    def test_a_name_that_leads_elsewhere_is_refused(self, reopen: ReopenShelf, tmp_path: Path) -> None:
        """Only ids name bundles; nothing beside the folder is read or written."""
        for name in ("../outside", "/etc/passwd", "", "a" * 300):
            with pytest.raises(ConfigurationError):
                reopen().put(name, b"x")
            with pytest.raises(ConfigurationError):
                reopen().get(name)
        assert not (tmp_path / "outside.zip").exists()
