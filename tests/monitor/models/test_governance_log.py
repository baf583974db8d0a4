"""The governance log keeps its promises in a directory, on PostgreSQL and in memory; an altered row is refused."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from ordertrail.adapters.memory.governance import MemoryGovernance
from ordertrail.assembly import create_trail
from ordertrail.assembly.governance import open_governance
from ordertrail.kernel.clock import utc_now
from ordertrail.kernel.errors import EvidenceError
from ordertrail.monitor.governance import GovernanceLog
from ordertrail.settings import DatabaseSettings, Settings
from ordertrail.testing.conformance.governance import GovernanceLogSuite, said
from servers.databases import TrailDatabase, trail_on_postgresql
from servers.postgresql import postgresql_server

__all__ = ["postgresql_server", "trail_on_postgresql"]


class TestTrail(GovernanceLogSuite):
    """A log of a trail in a directory."""

    @pytest.fixture
    def reopen(self, tmp_path: Path) -> Iterator[Callable[[], GovernanceLog]]:
        """Open the log of the same trail."""
        create_trail(tmp_path / "trail", "shop.example/log", settings=Settings(immutable=False)).close()
        with ExitStack() as stack:
            yield lambda: stack.enter_context(open_governance(tmp_path / "trail", utc_now))


class TestServer(GovernanceLogSuite):
    """A log of a trail whose entries are on PostgreSQL, as the role that seals."""

    @pytest.fixture
    def reopen(
        self, tmp_path: Path, trail_on_postgresql: TrailDatabase
    ) -> Iterator[Callable[[], GovernanceLog]]:
        """Open the log of the same trail."""
        settings = Settings(immutable=False, database=DatabaseSettings(url=trail_on_postgresql.url()))
        create_trail(tmp_path / "trail", "shop.example/log", settings=settings).close()
        with ExitStack() as stack:
            yield lambda: stack.enter_context(open_governance(tmp_path / "trail", utc_now))


class TestMemory(GovernanceLogSuite):
    """A fake."""

    @pytest.fixture
    def reopen(self) -> Callable[[], GovernanceLog]:
        """Return the same one."""
        log = MemoryGovernance()
        return lambda: log


def test_a_row_that_was_altered_is_not_believed(tmp_path: Path) -> None:
    """Who changes an entry in the database changes no decision: it is not read at all."""
    root = tmp_path / "trail"
    create_trail(root, "shop.example/log", settings=Settings(immutable=False)).close()
    with open_governance(root, utc_now) as log:
        log.write([said(1)])
        with closing(sqlite3.connect(root / "ordertrail.db")) as connection:
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            ).fetchall():
                connection.execute(f"DROP TRIGGER {name}")
            changed = connection.execute(
                "UPDATE entry SET entry = CAST(replace(CAST(entry AS TEXT), 'anna', 'bert') AS BLOB)"
            )
            assert changed.rowcount == 1
            connection.commit()
        with pytest.raises(EvidenceError, match="altered"):
            list(log.events())
