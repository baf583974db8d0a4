"""What :class:`ordertrail.ledger.ports.TableAudit` promises."""

from collections.abc import Callable

import pytest

from ordertrail.ledger.ports import EntryRow, EntryStore, TableAudit
from ordertrail.testing.conformance.entry_store import commit
from ordertrail.testing.conformance.samples import OTHER_STREAM, STREAM, SampleLog, captured, several

Insert = Callable[[str, EntryRow], None]


class TableAuditSuite:
    """Give ``store`` and ``audit``, two views of one table; ``insert`` and ``weaken`` if they can be had."""

    @pytest.fixture
    def store(self) -> EntryStore:
        """The table as its sequencer uses it."""
        raise NotImplementedError("a table audit's suite needs a fixture 'store'")

    @pytest.fixture
    def audit(self) -> TableAudit:
        """The audit under test."""
        raise NotImplementedError("a table audit's suite needs a fixture 'audit'")

    @pytest.fixture
    def insert(self) -> Insert:
        """Insert a row that belongs to no batch, as somebody with access to the store could."""
        pytest.skip("this table gives no way to insert a row past its store")

    @pytest.fixture
    def weaken(self) -> Callable[[], None]:
        """Take away something of what makes the table append-only."""
        pytest.skip("this table gives no way to weaken it")

    def test_the_size_is_where_the_newest_batch_ends(self, store: EntryStore, audit: TableAudit) -> None:
        """Of each stream for itself."""
        log = commit(store, SampleLog().then(*several(1, 3)))
        commit(store, log.then(*several(4, 2)))
        assert (audit.size(STREAM), audit.size(OTHER_STREAM)) == (5, 0)

    def test_a_sound_table_has_no_strays_and_no_problems(self, store: EntryStore, audit: TableAudit) -> None:
        """Empty or not, looked at closely or not."""
        assert audit.strays(STREAM) == 0
        commit(store, SampleLog().then(*several(1, 3)))
        assert audit.strays(STREAM) == 0
        assert list(audit.enforcement_problems(deep=False)) == []
        assert list(audit.enforcement_problems(deep=True)) == []

    def test_a_row_that_nobody_sealed_is_counted(
        self, store: EntryStore, audit: TableAudit, insert: Insert
    ) -> None:
        """In the stream in which it lies, whether that has batches or not."""
        log = commit(store, SampleLog().then(*several(1, 3)))
        insert(STREAM, log.then(captured(4)).rows[0])
        insert(STREAM, log.then(captured(5), captured(6)).rows[1])
        assert audit.strays(STREAM) == 2
        insert(OTHER_STREAM, SampleLog().then(captured(7)).rows[0])
        assert audit.strays(OTHER_STREAM) == 1
        assert audit.size(STREAM) == 3

    def test_a_weakened_table_says_so(self, audit: TableAudit, weaken: Callable[[], None]) -> None:
        """In words, whether looked at closely or not."""
        weaken()
        for deep in (False, True):
            problems = list(audit.enforcement_problems(deep=deep))
            assert problems
            assert all(problems)
