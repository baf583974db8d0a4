"""SQLite keeps the promises of journal and entries, also when its process is killed."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ordertrail.adapters.sql.dialects.sqlite import SqliteDatabase, create_database
from ordertrail.adapters.sql.entries import SqlEntries
from ordertrail.adapters.sql.journal import SqlJournal
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.ledger.ports import EntryRow
from ordertrail.testing.conformance.entry_reader import EntryReaderSuite
from ordertrail.testing.conformance.entry_store import EntryStoreSuite
from ordertrail.testing.conformance.journal import JournalSuite
from ordertrail.testing.conformance.samples import STREAM
from ordertrail.testing.conformance.table_audit import TableAuditSuite

OpenDatabase = Callable[[], SqliteDatabase]


@pytest.fixture
def entries(open_database: OpenDatabase) -> SqlEntries:
    """The trail's table of entries."""
    return SqlEntries(open_database())


class TestSqlJournal(JournalSuite):
    """SqlJournal on SQLite."""

    @pytest.fixture
    def reopen(self, open_database: OpenDatabase) -> Callable[[], SqlJournal]:
        """Open it once more."""
        return lambda: SqlJournal(open_database())

    @pytest.fixture
    def log(self, entries: SqlEntries) -> SqlEntries:
        """The log that the journal's events are sealed into."""
        return entries

    @pytest.fixture
    def unreachable(self, open_database: OpenDatabase) -> SqlJournal:
        """Out of reach."""
        database = open_database()
        database.path.rename(database.path.with_suffix(".away"))
        return SqlJournal(database)


class TestSqlEntryStore(EntryStoreSuite):
    """SqlEntries as the sequencer uses it."""

    @pytest.fixture
    def reopen(self, open_database: OpenDatabase) -> Callable[[], SqlEntries]:
        """Open it once more."""
        return lambda: SqlEntries(open_database())


class TestSqlEntryReader(EntryReaderSuite):
    """SqlEntries for everyone else, through another connection than the sequencer's."""

    @pytest.fixture
    def store(self, entries: SqlEntries) -> SqlEntries:
        """As the sequencer uses it."""
        return entries

    @pytest.fixture
    def reader(self, open_database: OpenDatabase) -> SqlEntries:
        """As everyone else reads it."""
        return SqlEntries(open_database())


class TestSqlTableAudit(TableAuditSuite):
    """SqlEntries for the full check."""

    @pytest.fixture
    def store(self, entries: SqlEntries) -> SqlEntries:
        """As the sequencer uses it."""
        return entries

    @pytest.fixture
    def audit(self, open_database: OpenDatabase) -> SqlEntries:
        """As the full check asks it."""
        return SqlEntries(open_database())

    @pytest.fixture
    def insert(self, database_path: Path) -> Callable[[str, EntryRow], None]:
        """Insert a row past the store."""

        def insert(stream: str, row: EntryRow) -> None:
            statement = (
                "INSERT INTO entry VALUES ((SELECT id FROM stream WHERE name = ?), ?, ?, ?, ?, ?, ?, ?)"
            )
            _run(database_path, statement, (stream, *row))

        return insert

    @pytest.fixture
    def weaken(self, database_path: Path) -> Callable[[], None]:
        """Take a trigger away."""
        return lambda: _run(database_path, "DROP TRIGGER entry_no_update")


def _run(path: Path, statement: str, parameters: tuple[object, ...] = ()) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement, parameters)
    connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entry SET number = 9",
        "DELETE FROM entry",
        "UPDATE batch SET sealed = ''",
        "DELETE FROM batch",
        "UPDATE signing_key SET vkey = ''",
        "DELETE FROM signing_key",
        "UPDATE stream SET keep_days = 0",
        "DELETE FROM stream",
        "UPDATE outbox SET body = x'00'",
    ],
)
def test_the_table_refuses_to_change_what_it_holds(
    database_path: Path, entries: SqlEntries, statement: str
) -> None:
    """UPDATE and DELETE fail, whoever asks."""
    from ordertrail.testing.conformance.entry_store import FIRST_KEY, commit
    from ordertrail.testing.conformance.samples import SampleLog, captured

    commit(entries, SampleLog().then(captured(1, "SO-1")), key=FIRST_KEY)
    _run(database_path, "INSERT INTO outbox VALUES (1, 1, randomblob(16), NULL, x'7b7d')")
    with pytest.raises(sqlite3.IntegrityError):
        _run(database_path, statement)


_APPENDING = """
import sys
from pathlib import Path
from ordertrail.adapters.sql.dialects.sqlite import SqliteDatabase
from ordertrail.adapters.sql.entries import SqlEntries
from ordertrail.adapters.sql.journal import SqlJournal
from ordertrail.testing.conformance.entry_store import commit
from ordertrail.testing.conformance.samples import STREAM, SampleLog, several

database = SqliteDatabase(Path(sys.argv[1]))
journal, entries, log = SqlJournal(database), SqlEntries(database), SampleLog()
for call in range(10_000):
    journal.append(STREAM, several(1_000_000 + 20 * call, 20))
    log = commit(entries, log.then(*several(20 * call, 20)))
    print(call + 1, flush=True)
"""


def test_what_was_acknowledged_survives_a_kill(database_path: Path, open_database: OpenDatabase) -> None:
    """Killed at any moment, every acknowledged call is there, and of the last one all or nothing."""
    acknowledged = 0
    for patience in (3, 11, 17):
        path = database_path.with_name(f"killed-{patience}.db")
        path.write_bytes(database_path.read_bytes())
        with subprocess.Popen(
            [sys.executable, "-c", _APPENDING, str(path)], stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout is not None
            for line in child.stdout:
                acknowledged = int(line)
                if acknowledged == patience:
                    child.kill()
        database = SqliteDatabase(path)
        waiting = SqlJournal(database).waiting(STREAM)
        table = SqlEntries(database)
        size, rows = table.head(STREAM).size, len(table.hashes(STREAM, 0, 10**6))
        problems = [*table.enforcement_problems(deep=True)]
        database.close()
        assert waiting >= 20 * acknowledged
        assert waiting % 20 == 0
        assert size == rows >= 20 * acknowledged
        assert size % 20 == 0
        assert problems == []
    assert acknowledged >= 17
    assert SqlJournal(open_database()).waiting(STREAM) == 0


def test_a_database_is_private_and_never_made_twice(tmp_path: Path) -> None:
    """Mode 0600 from the first byte on; what exists is not touched."""
    create_database(tmp_path / "new.db")
    assert (tmp_path / "new.db").stat().st_mode & 0o777 == 0o600
    before = (tmp_path / "new.db").read_bytes()
    with pytest.raises(ConfigurationError):
        create_database(tmp_path / "new.db")
    assert (tmp_path / "new.db").read_bytes() == before
