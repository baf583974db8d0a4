"""The store of messages and deliveries keeps its promises on SQLite and on PostgreSQL."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from ordertrail.adapters.notify.database import STATE
from ordertrail.adapters.notify.store import SqlNotify
from ordertrail.adapters.state import open_file, open_server
from ordertrail.testing.conformance.notify import NotifyStore, NotifyStoreSuite
from servers.databases import empty_database
from servers.postgresql import Server, postgresql_server

__all__ = ["postgresql_server"]


class TestFile(NotifyStoreSuite):
    """A file of SQLite."""

    @pytest.fixture
    def reopen(self, tmp_path: Path) -> Iterator[Callable[[], NotifyStore]]:
        """Open the same file."""
        with ExitStack() as stack:
            yield lambda: SqlNotify(stack.enter_context(closing(open_file(tmp_path / "notify.db", STATE))))


class TestServer(NotifyStoreSuite):
    """A schema on PostgreSQL."""

    @pytest.fixture
    def reopen(self, postgresql_server: Server) -> Iterator[Callable[[], NotifyStore]]:
        """Open the same schema."""
        with empty_database(postgresql_server) as name, ExitStack() as stack:
            yield lambda: SqlNotify(
                stack.enter_context(closing(open_server(postgresql_server.url(name), None, STATE)))
            )


def test_a_file_is_for_nobody_else(tmp_path: Path) -> None:
    """Messages of routes that allow it hold personal data."""
    open_file(tmp_path / "notify.db", STATE).close()
    assert (tmp_path / "notify.db").stat().st_mode & 0o077 == 0
