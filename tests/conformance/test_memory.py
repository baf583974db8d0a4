"""The fakes keep every promise of their ports but durability, which `reopen` cannot ask of them."""

from collections.abc import Callable
from functools import partial

import pytest

from ordertrail.adapters.memory.blobs import MemoryBlobs
from ordertrail.adapters.memory.entries import MemoryEntries
from ordertrail.adapters.memory.journal import MemoryJournal
from ordertrail.adapters.memory.keyring import MemoryKeyRing
from ordertrail.adapters.memory.lock import LockPlace, MemoryLock
from ordertrail.adapters.memory.people import MemoryPeople
from ordertrail.adapters.memory.publication import MemoryPublication
from ordertrail.adapters.memory.tables import MemoryTables
from ordertrail.adapters.memory.tiles import MemoryTiles
from ordertrail.adapters.memory.vault import MemoryVault
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.ledger.ports import EntryRow
from ordertrail.testing.conformance.blind_index import BlindIndexSuite
from ordertrail.testing.conformance.blobs import BlobsSuite
from ordertrail.testing.conformance.entry_reader import EntryReaderSuite
from ordertrail.testing.conformance.entry_store import EntryStoreSuite
from ordertrail.testing.conformance.journal import JournalSuite
from ordertrail.testing.conformance.key_ring import NAME, KeyRingSuite
from ordertrail.testing.conformance.key_store import KeyStoreSuite
from ordertrail.testing.conformance.publication import PublicationSuite
from ordertrail.testing.conformance.samples import OTHER_STREAM, STREAM
from ordertrail.testing.conformance.sealing_lock import SealingLockSuite
from ordertrail.testing.conformance.table_audit import TableAuditSuite
from ordertrail.testing.conformance.tiles import TilesSuite
from ordertrail.testing.conformance.vault import VaultSuite


@pytest.fixture
def tables() -> MemoryTables:
    """A trail's tables."""
    return MemoryTables(STREAM, OTHER_STREAM)


@pytest.fixture
def entries(tables: MemoryTables) -> MemoryEntries:
    """The trail's table of entries, for every role that it plays."""
    return MemoryEntries(tables)


class TestMemoryJournal(JournalSuite):
    """MemoryJournal."""

    @pytest.fixture
    def reopen(self, tables: MemoryTables) -> Callable[[], MemoryJournal]:
        """Open it once more."""
        return partial(MemoryJournal, tables)

    @pytest.fixture
    def log(self, entries: MemoryEntries) -> MemoryEntries:
        """The log that the journal's events are sealed into."""
        return entries

    @pytest.fixture
    def unreachable(self, tables: MemoryTables) -> MemoryJournal:
        """Out of reach."""
        tables.availability.up = False
        return MemoryJournal(tables)


class TestMemoryEntryStore(EntryStoreSuite):
    """MemoryEntries as the sequencer uses it."""

    @pytest.fixture
    def reopen(self, tables: MemoryTables) -> Callable[[], MemoryEntries]:
        """Open it once more."""
        return partial(MemoryEntries, tables)


class TestMemoryEntryReader(EntryReaderSuite):
    """MemoryEntries for everyone else."""

    @pytest.fixture
    def store(self, entries: MemoryEntries) -> MemoryEntries:
        """As the sequencer uses it."""
        return entries

    @pytest.fixture
    def reader(self, entries: MemoryEntries) -> MemoryEntries:
        """As everyone else reads it."""
        return entries


class TestMemoryTableAudit(TableAuditSuite):
    """MemoryEntries for the full check."""

    @pytest.fixture
    def store(self, entries: MemoryEntries) -> MemoryEntries:
        """As the sequencer uses it."""
        return entries

    @pytest.fixture
    def audit(self, entries: MemoryEntries) -> MemoryEntries:
        """As the full check asks it."""
        return entries

    @pytest.fixture
    def insert(self, tables: MemoryTables) -> Callable[[str, EntryRow], None]:
        """Insert a row past the store."""

        def insert(stream: str, row: EntryRow) -> None:
            with tables.stream(stream) as held:
                held.entries[row.index] = row

        return insert

    @pytest.fixture
    def weaken(self, tables: MemoryTables) -> Callable[[], None]:
        """Take a trigger away."""
        return partial(tables.problems.append, "the trigger entry_no_update is missing")


class TestMemoryTiles(TilesSuite):
    """MemoryTiles."""

    @pytest.fixture
    def reopen(self) -> Callable[[], MemoryTiles]:
        """Open it once more."""
        tiles = MemoryTiles()
        return lambda: tiles


class TestMemoryVault(VaultSuite):
    """MemoryVault."""

    @pytest.fixture
    def reopen(self) -> Callable[[], MemoryVault]:
        """Open it once more."""
        vault = MemoryVault()
        return lambda: vault

    @pytest.fixture
    def unreachable(self) -> MemoryVault:
        """Out of reach."""
        vault = MemoryVault()
        vault.availability.up = False
        return vault


class TestMemoryPublication(PublicationSuite):
    """MemoryPublication."""

    @pytest.fixture
    def reopen(self) -> Callable[[], MemoryPublication]:
        """Open it once more."""
        publication = MemoryPublication()
        return lambda: publication


class TestMemoryLock(SealingLockSuite):
    """MemoryLock."""

    @pytest.fixture
    def reopen(self) -> Callable[[], MemoryLock]:
        """Open it once more."""
        return partial(MemoryLock, LockPlace(), "thread 7")


class TestMemoryKeyRing(KeyRingSuite):
    """MemoryKeyRing."""

    @pytest.fixture
    def reopen(self) -> Callable[[], MemoryKeyRing]:
        """Open it once more."""
        ring = MemoryKeyRing(lambda: 1_795_356_130)
        return lambda: ring

    @pytest.fixture
    def cosigned(self) -> MemoryKeyRing:
        """With a further key of this log, and one of another."""
        ring = MemoryKeyRing(lambda: 1_795_356_130)
        ring.create_cosigner(NAME)
        ring.create_cosigner("elsewhere")
        return ring

    @pytest.fixture
    def unreachable(self, ring: MemoryKeyRing) -> Callable[[str], MemoryKeyRing]:
        """Out of reach."""

        def switch_off(_vkey: str) -> MemoryKeyRing:
            ring.availability.up = False
            return ring

        return switch_off


class TestMemoryBlobs(BlobsSuite):
    """MemoryBlobs."""

    @pytest.fixture
    def reopen(self) -> Callable[[], MemoryBlobs]:
        """Open it once more."""
        blobs = MemoryBlobs()
        return lambda: blobs


class TestMemoryKeyStore(KeyStoreSuite):
    """MemoryPeople's keys."""

    @pytest.fixture
    def reopen(self) -> Callable[[], MemoryPeople]:
        """Open it once more."""
        people = MemoryPeople()
        return lambda: people


class TestMemoryBlindIndex(BlindIndexSuite):
    """MemoryPeople's tokens."""

    @pytest.fixture
    def reopen(self) -> Callable[[], MemoryPeople]:
        """Open it once more."""
        people = MemoryPeople()
        return lambda: people


def test_a_stream_that_is_not_there_is_an_error_of_configuration(tables: MemoryTables) -> None:
    """As in a database: nobody records into a stream that nobody seals."""
    with pytest.raises(ConfigurationError):
        MemoryJournal(tables).waiting("absent")
