"""What :class:`ordertrail.ledger.ports.EntryReader` promises."""

from threading import Event
from typing import NamedTuple

import pytest

from ordertrail.ledger.ports import DuplicateEventsError, EntryReader, EntryStore
from ordertrail.testing.conformance.entry_store import commit
from ordertrail.testing.conformance.samples import (
    OTHER_STREAM,
    STREAM,
    SampleBatch,
    SampleLog,
    captured,
    several,
)
from ordertrail.testing.conformance.together import at_once


class Committed(NamedTuple):
    """What :class:`EntryReaderSuite` finds in the table."""

    first: SampleBatch
    second: SampleBatch
    elsewhere: SampleBatch


class EntryReaderSuite:
    """Give ``store`` and ``reader``, two views of one table with both sample streams, as yet empty."""

    @pytest.fixture
    def store(self) -> EntryStore:
        """The table as its sequencer uses it."""
        raise NotImplementedError("an entry reader's suite needs a fixture 'store'")

    @pytest.fixture
    def reader(self) -> EntryReader:
        """The table under test."""
        raise NotImplementedError("an entry reader's suite needs a fixture 'reader'")

    @pytest.fixture
    def committed(self, store: EntryStore) -> Committed:
        """Two batches in the first stream and one in the second; order SO-1 is in both, of two tenants."""
        first = SampleLog().then(captured(1, "SO-1"), captured(2), captured(3, "SO-1", tenant="north"))
        second = first.after.then(captured(4, "SO-1"), captured(5, "SO-10"))
        elsewhere = SampleLog().then(captured(6, "SO-1"), captured(7, "SO-2"))
        commit(store, first)
        commit(store, second)
        commit(store, elsewhere, OTHER_STREAM)
        return Committed(first, second, elsewhere)

    def test_an_empty_log_reads_as_empty(self, reader: EntryReader) -> None:
        """Nothing is there, and nothing is wrong with that."""
        assert list(reader.rows(STREAM, 0, 10)) == []
        assert list(reader.batches(STREAM)) == []
        assert list(reader.history("SO-1")) == []
        assert reader.find(captured(1).id) is None
        assert reader.linked(STREAM, [("SO-1\t", 1)]) == {}

    def test_rows_are_those_of_the_range(self, reader: EntryReader, committed: Committed) -> None:
        """As committed, in order, start included, end excluded; what is behind the end is not there."""
        rows = [*committed.first.rows, *committed.second.rows]
        assert list(reader.rows(STREAM, 0, 5)) == rows
        assert list(reader.rows(STREAM, 1, 4)) == rows[1:4]
        assert list(reader.rows(STREAM, 3, 5_000)) == rows[3:]
        assert list(reader.rows(STREAM, 2, 2)) == []

    def test_a_long_range_is_read_whole(self, store: EntryStore, reader: EntryReader) -> None:
        """However the adapter divides it."""
        sample = SampleLog().then(*several(1, 2_500))
        commit(store, sample)
        assert list(reader.rows(STREAM, 0, 2_500)) == sample.rows

    def test_an_event_is_found_by_its_id(self, reader: EntryReader, committed: Committed) -> None:
        """With the stream that it is in."""
        assert reader.find(captured(4).id) == (STREAM, committed.second.rows[0])
        assert reader.find(captured(7).id) == (OTHER_STREAM, committed.elsewhere.rows[1])
        assert reader.find(captured(99).id) is None

    def test_an_orders_history_is_whole_and_in_order(self, reader: EntryReader, committed: Committed) -> None:
        """Of one tenant: by stream and number; no other order whose number begins alike."""
        expected = [
            (STREAM, committed.first.rows[0]),
            (STREAM, committed.second.rows[0]),
            (OTHER_STREAM, committed.elsewhere.rows[0]),
        ]
        assert list(reader.history("SO-1", "")) == expected
        assert list(reader.history("SO-1", "north")) == [(STREAM, committed.first.rows[2])]
        assert list(reader.history("SO-1", "south")) == []

    def test_without_a_tenant_every_tenants_order_is_meant(
        self, reader: EntryReader, committed: Committed
    ) -> None:
        """Each chain in order, stream by stream."""
        found = list(reader.history("SO-1"))
        assert [(stream, row.chain, row.number) for stream, row in found] == [
            (STREAM, "SO-1\t", 1),
            (STREAM, "SO-1\t", 2),
            (STREAM, "SO-1\tnorth", 1),
            (OTHER_STREAM, "SO-1\t", 1),
        ]
        assert committed.first.rows[2] in [row for _, row in found]

    def test_batches_are_those_that_end_later(self, reader: EntryReader, committed: Committed) -> None:
        """As they were committed, in order."""
        both = [committed.first.batch, committed.second.batch]
        assert list(reader.batches(STREAM)) == both
        assert list(reader.batches(STREAM, 2)) == both
        assert list(reader.batches(STREAM, 3)) == both[1:]
        assert list(reader.batches(STREAM, 5)) == []

    def test_linked_entries_are_found_by_their_place(self, reader: EntryReader, committed: Committed) -> None:
        """Index and hash of those that there are."""
        last = committed.second.rows[0]
        places = [("SO-1\t", 2), ("SO-1\t", 3), ("SO-99\t", 1)]
        assert reader.linked(STREAM, places) == {("SO-1\t", 2): (last.index, last.hash)}

    def test_a_batch_that_failed_leaves_nothing_to_read(
        self, store: EntryStore, reader: EntryReader, committed: Committed
    ) -> None:
        """Not one of its rows."""
        with pytest.raises(DuplicateEventsError):
            commit(store, committed.second.after.then(captured(8, "SO-8"), captured(1, "SO-1")))
        assert reader.find(captured(8).id) is None
        assert list(reader.history("SO-8")) == []
        assert len(list(reader.batches(STREAM))) == 2

    def test_nobody_ever_reads_a_part_of_a_batch(self, store: EntryStore, reader: EntryReader) -> None:
        """Rows are there with their batch or not at all."""
        done = Event()

        def write() -> set[int]:
            try:
                log = SampleLog()
                for number in range(12):
                    log = commit(store, log.then(*several(100 * number, 25)))
            finally:
                done.set()
            return set()

        def watch() -> set[int]:
            seen = set()
            while not done.is_set():
                seen.add(len(list(reader.rows(STREAM, 0, 300))))
            return seen | {len(list(reader.rows(STREAM, 0, 300)))}

        _, seen = at_once(write, watch)
        assert isinstance(seen, set)
        assert max(seen) == 300
        assert {count % 25 for count in seen} == {0}
