"""PostgreSQL keeps the promises of journal and entries, each through the role that it is for."""

from collections.abc import Callable, Iterator

import pytest

from ordertrail.adapters.sql.database import Database
from ordertrail.adapters.sql.dialects.postgresql.connect import Address
from ordertrail.adapters.sql.dialects.postgresql.database import PostgresqlDatabase
from ordertrail.adapters.sql.entries import SqlEntries
from ordertrail.adapters.sql.journal import SqlJournal
from ordertrail.adapters.sql.opening import open_database, sealing_lock
from ordertrail.adapters.sql.streams import add_stream
from ordertrail.ledger.ports import EntryRow, SealingLock
from ordertrail.ledger.rotation import LogIdentity
from ordertrail.testing.conformance.entry_reader import EntryReaderSuite
from ordertrail.testing.conformance.entry_store import EntryStoreSuite
from ordertrail.testing.conformance.journal import JournalSuite
from ordertrail.testing.conformance.samples import OTHER_STREAM, RECORDED, STREAM
from ordertrail.testing.conformance.sealing_lock import SealingLockSuite
from ordertrail.testing.conformance.table_audit import TableAuditSuite
from servers.databases import TrailDatabase, trail_on_postgresql
from servers.postgresql import postgresql_server

__all__ = ["postgresql_server", "trail_on_postgresql"]

OpenAs = Callable[[str], Database]


@pytest.fixture
def open_as(trail_on_postgresql: TrailDatabase) -> Iterator[OpenAs]:
    """Open the trail's database once more, as one of its roles; it has both sample streams."""
    opened = []

    def open_once_more(role: str) -> Database:
        opened.append(open_database(trail_on_postgresql.url(role)))
        return opened[-1]

    for name in (STREAM, OTHER_STREAM):
        identity = LogIdentity(name, f"orders.example.com/{name}", 2_557, RECORDED)
        add_stream(open_once_more("sealer"), identity)
    yield open_once_more
    for database in opened:
        database.close()


@pytest.fixture
def entries(open_as: OpenAs) -> SqlEntries:
    """The trail's table of entries, as its sequencer has it."""
    return SqlEntries(open_as("sealer"))


class TestPostgresqlJournal(JournalSuite):
    """SqlJournal on PostgreSQL, as the sealing role, which may record too."""

    @pytest.fixture
    def reopen(self, open_as: OpenAs) -> Callable[[], SqlJournal]:
        """Open it once more."""
        return lambda: SqlJournal(open_as("sealer"))

    @pytest.fixture
    def log(self, entries: SqlEntries) -> SqlEntries:
        """The log that the journal's events are sealed into."""
        return entries

    @pytest.fixture
    def unreachable(self) -> SqlJournal:
        """Out of reach."""
        return SqlJournal(PostgresqlDatabase(Address("postgresql://nobody@/nothing?host=/nowhere")))


class TestPostgresqlEntryStore(EntryStoreSuite):
    """SqlEntries as the sequencer uses it."""

    @pytest.fixture
    def reopen(self, open_as: OpenAs) -> Callable[[], SqlEntries]:
        """Open it once more."""
        return lambda: SqlEntries(open_as("sealer"))


class TestPostgresqlEntryReader(EntryReaderSuite):
    """SqlEntries for everyone else, as a role that may only read."""

    @pytest.fixture
    def store(self, entries: SqlEntries) -> SqlEntries:
        """As the sequencer uses it."""
        return entries

    @pytest.fixture
    def reader(self, open_as: OpenAs) -> SqlEntries:
        """As everyone else reads it."""
        return SqlEntries(open_as("auditor"))


class TestPostgresqlTableAudit(TableAuditSuite):
    """SqlEntries for the full check, as a role that may only read."""

    @pytest.fixture
    def store(self, entries: SqlEntries) -> SqlEntries:
        """As the sequencer uses it."""
        return entries

    @pytest.fixture
    def audit(self, open_as: OpenAs) -> SqlEntries:
        """As the full check asks it."""
        return SqlEntries(open_as("auditor"))

    @pytest.fixture
    def insert(self, trail_on_postgresql: TrailDatabase) -> Callable[[str, EntryRow], None]:
        """Insert a row past the store."""

        def insert(stream: str, row: EntryRow) -> None:
            trail_on_postgresql.run("SELECT add_month(%s)", f"{RECORDED[:7]}-01")
            trail_on_postgresql.run(
                "INSERT INTO entry SELECT id, %s, %s, %s, %s, %s, %s, %s, %s FROM stream WHERE name = %s",
                *row, f"{RECORDED[:7]}-01", stream,
            )  # fmt: skip

        return insert

    @pytest.fixture
    def weaken(self, trail_on_postgresql: TrailDatabase) -> Callable[[], None]:
        """Switch a trigger off."""

        def weaken() -> None:
            trail_on_postgresql.run("ALTER TABLE entry DISABLE TRIGGER entry_no_change")

        return weaken


class TestPostgresqlLock(SealingLockSuite):
    """The lease on the server."""

    @pytest.fixture
    def reopen(self, open_as: OpenAs) -> Callable[[], SealingLock]:
        """Open it once more, over a database of its own as another process has."""

        def reopen() -> SealingLock:
            lock = sealing_lock(open_as("sealer"), STREAM)
            assert lock is not None
            return lock

        return reopen
