"""What :class:`ordertrail.ledger.ports.EntryStore` promises."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ordertrail.kernel.errors import ForkError, OrderTrailError
from ordertrail.ledger.hashing import EMPTY_ROOT
from ordertrail.ledger.ports import DuplicateEventsError, EntryStore, Head, KeyPeriod
from ordertrail.testing.conformance.samples import (
    OTHER_STREAM,
    STREAM,
    SampleBatch,
    SampleLog,
    captured,
    several,
)
from ordertrail.testing.conformance.together import at_once

Reopen = Callable[[], EntryStore]

FIRST_KEY = KeyPeriod(0, "log+00000000+first", b"")
NEXT_KEY = KeyPeriod(3, "log+00000001+next", b"the first names the next")


def commit(
    store: EntryStore, sample: SampleBatch, stream: str = STREAM, key: KeyPeriod | None = None
) -> SampleLog:
    """Commit a sample batch; return the log as it then stands."""
    store.commit(stream, sample.rows, sample.batch, key)
    return sample.after


def head_of(log: SampleLog) -> Head:
    """Return the head that a store must have with this log in it."""
    return Head(log.edge.size, log.edge.root, log.last)


class EntryStoreSuite:
    """Give ``reopen``. The trail has both sample streams, without entries and without keys."""

    @pytest.fixture
    def reopen(self) -> Reopen:
        """Open the table once more."""
        raise NotImplementedError("an entry store's suite needs a fixture 'reopen'")

    @pytest.fixture
    def store(self, reopen: Reopen) -> EntryStore:
        """The table under test."""
        return reopen()

    def test_an_empty_log_stands_at_zero(self, store: EntryStore) -> None:
        """Size 0, the empty root, no last hash; no keys, tails or hashes."""
        assert store.head(STREAM) == Head(0, EMPTY_ROOT, bytes(32))
        assert store.keys(STREAM) == []
        assert store.tails(STREAM, ["SO-1\t"]) == {}
        assert store.hashes(STREAM, 0, 10) == []

    def test_a_batch_moves_the_head(self, store: EntryStore) -> None:
        """Size, root and last hash are the newest batch's."""
        log = commit(store, SampleLog().then(*several(1, 3)))
        assert store.head(STREAM) == head_of(log)
        log = commit(store, log.then(captured(4)))
        assert store.head(STREAM) == head_of(log)

    def test_hashes_are_those_of_the_range(self, store: EntryStore) -> None:
        """In order, start included, end excluded."""
        sample = SampleLog().then(*several(1, 6))
        commit(store, sample)
        hashes = [row.hash for row in sample.rows]
        assert store.hashes(STREAM, 0, 6) == hashes
        assert store.hashes(STREAM, 2, 5) == hashes[2:5]
        assert store.hashes(STREAM, 5, 5) == []

    def test_tails_are_each_chains_last_entry(self, store: EntryStore) -> None:
        """Chains without an entry are left out, however many are asked for."""
        log = commit(store, SampleLog().then(captured(1, "SO-1"), captured(2, "SO-2"), captured(3, "SO-1")))
        log = commit(store, log.then(captured(4, "SO-1", tenant="north"), captured(5)))
        assert log.tails["SO-1\t"][0] == 2
        assert store.tails(STREAM, [*log.tails, *(f"SO-{n}\t" for n in range(10, 1_500))]) == log.tails

    def test_keys_come_oldest_first(self, store: EntryStore) -> None:
        """A batch may bring in a key."""
        log = commit(store, SampleLog().then(*several(1, 2)), key=FIRST_KEY)
        commit(store, log.then(captured(3)), key=NEXT_KEY)
        assert store.keys(STREAM) == [FIRST_KEY, NEXT_KEY]

    def test_streams_stand_apart(self, store: EntryStore) -> None:
        """Each log has its own head, tails, hashes and keys."""
        log = commit(store, SampleLog().then(*several(1, 3, "SO-1")), key=FIRST_KEY)
        other = commit(store, SampleLog().then(captured(9, "SO-1")), OTHER_STREAM)
        assert (store.head(STREAM), store.head(OTHER_STREAM)) == (head_of(log), head_of(other))
        assert store.tails(OTHER_STREAM, ["SO-1\t"]) == other.tails
        assert store.hashes(OTHER_STREAM, 0, 9) == [other.last]
        assert store.keys(OTHER_STREAM) == []

    @pytest.mark.parametrize("start", [0, 2, 4, 7])
    def test_a_batch_that_does_not_start_at_the_end_is_a_fork(self, store: EntryStore, start: int) -> None:
        """Before the end or behind it, ForkError, and nothing is written: the sequencer was overtaken."""
        log = commit(store, SampleLog().then(*several(1, 3)))
        sample = log.then(captured(8))
        shift = start - 3
        rows = [row._replace(index=row.index + shift) for row in sample.rows]
        with pytest.raises(ForkError):
            store.commit(STREAM, rows, replace(sample.batch, start=start, end=start + 1), NEXT_KEY)
        assert store.head(STREAM) == head_of(log)
        assert store.keys(STREAM) == []

    def test_the_same_batch_twice_is_a_fork(self, store: EntryStore) -> None:
        """A sequencer that does not know that its commit succeeded learns it."""
        sample = SampleLog().then(*several(1, 3))
        commit(store, sample)
        with pytest.raises(ForkError):
            commit(store, sample)
        assert store.hashes(STREAM, 0, 9) == [row.hash for row in sample.rows]

    def test_known_events_are_named_and_nothing_is_written(self, store: EntryStore) -> None:
        """DuplicateEventsError holds exactly the known ids; entries, batch and key stay out together."""
        log = commit(store, SampleLog().then(*several(1, 3, "SO-1")))
        with pytest.raises(DuplicateEventsError) as caught:
            commit(
                store, log.then(captured(7, "SO-7"), captured(2, "SO-1"), captured(3, "SO-1")), key=NEXT_KEY
            )
        assert caught.value.ids == {captured(2).id, captured(3).id}
        assert store.head(STREAM) == head_of(log)
        assert store.keys(STREAM) == []
        assert store.tails(STREAM, ["SO-7\t", "SO-1\t"]) == log.tails
        assert len(store.hashes(STREAM, 0, 9)) == 3

    def test_after_duplicates_the_rest_can_be_committed(self, store: EntryStore) -> None:
        """What the sequencer does next: the same batch without the events that are known."""
        log = commit(store, SampleLog().then(captured(1)))
        with pytest.raises(DuplicateEventsError):
            commit(store, log.then(captured(1), captured(2)))
        assert store.head(STREAM) == head_of(log)
        log = commit(store, log.then(captured(2)))
        assert store.head(STREAM) == head_of(log)

    def test_an_event_is_known_in_every_stream(self, store: EntryStore) -> None:
        """Ids are unique in the trail, not only in a log."""
        commit(store, SampleLog().then(captured(1)))
        with pytest.raises(DuplicateEventsError) as caught:
            commit(store, SampleLog().then(captured(1), captured(2)), OTHER_STREAM)
        assert caught.value.ids == {captured(1).id}
        assert store.head(OTHER_STREAM).size == 0

    def test_rows_that_contradict_each_other_are_refused_whole(self, store: EntryStore) -> None:
        """Not as duplicates without ids, with which a sequencer would try for ever."""
        sample = SampleLog().then(captured(1, "SO-1"), captured(2, "SO-1"))
        first, second = sample.rows
        for crooked in (second._replace(id=first.id), second._replace(number=first.number)):
            with pytest.raises(OrderTrailError) as caught:
                store.commit(STREAM, [first, crooked], sample.batch)
            assert not isinstance(caught.value, DuplicateEventsError)
            assert store.head(STREAM).size == 0
            assert store.hashes(STREAM, 0, 9) == []

    def test_what_was_committed_is_there_when_it_is_opened_again(
        self, store: EntryStore, reopen: Reopen
    ) -> None:
        """Once ``commit`` returned, a second opener finds entries, batch and key."""
        log = commit(store, SampleLog().then(*several(1, 3, "SO-1")), key=FIRST_KEY)
        other = reopen()
        assert other.head(STREAM) == head_of(log)
        assert other.keys(STREAM) == [FIRST_KEY]
        assert other.tails(STREAM, ["SO-1\t"]) == log.tails

    def test_of_two_that_seal_at_once_one_is_fenced_off(self, reopen: Reopen) -> None:
        """Exactly one batch is written, whole; all others hear ForkError."""
        samples = [SampleLog().then(*several(100 * writer, 20)) for writer in range(4)]
        stores = [reopen() for _ in samples]

        def sealing(store: EntryStore, sample: SampleBatch) -> Callable[[], SampleLog]:
            return lambda: commit(store, sample)

        outcomes = at_once(*map(sealing, stores, samples))
        winners = [outcome for outcome in outcomes if isinstance(outcome, SampleLog)]
        assert len(winners) == 1
        assert [type(outcome) for outcome in outcomes if outcome not in winners] == [ForkError] * 3
        assert reopen().head(STREAM) == head_of(winners[0])
        assert len(reopen().hashes(STREAM, 0, 99)) == 20
