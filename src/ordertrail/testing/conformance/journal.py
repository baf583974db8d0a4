"""What :class:`ordertrail.record.ports.Journal` promises."""

import time
from collections.abc import Callable, Sequence
from threading import Event

import pytest

from ordertrail.kernel.errors import UnavailableError
from ordertrail.ledger.ports import EntryStore
from ordertrail.record.ports import Appended, Captured, Journal
from ordertrail.testing.conformance.samples import OTHER_STREAM, STREAM, SampleLog, captured, several
from ordertrail.testing.conformance.together import at_once

Reopen = Callable[[], Journal]

_SOON = 20.0
"""Seconds that nobody waits whom an event wakes."""


def seal(log: EntryStore, events: Sequence[Captured]) -> None:
    """Commit events as the first batch of the stream's log."""
    sealed = SampleLog().then(*events)
    log.commit(STREAM, sealed.rows, sealed.batch)


class JournalSuite:
    """Give ``reopen`` and ``log``; ``unreachable`` if it can be had. The trail has both sample streams."""

    @pytest.fixture
    def reopen(self) -> Reopen:
        """Open the journal once more."""
        raise NotImplementedError("a journal's suite needs a fixture 'reopen'")

    @pytest.fixture
    def journal(self, reopen: Reopen) -> Journal:
        """The journal under test."""
        return reopen()

    @pytest.fixture
    def log(self) -> EntryStore:
        """The log that the journal's events are sealed into."""
        raise NotImplementedError("a journal's suite needs a fixture 'log'")

    @pytest.fixture
    def unreachable(self) -> Journal:
        """A journal whose store cannot be reached."""
        pytest.skip("this journal gives no way to make its store unreachable")

    def test_what_is_appended_is_read_as_it_was_in_its_order(self, journal: Journal) -> None:
        """Bodies are kept to the byte, with id and chain, in the order in which they came."""
        events = [captured(3, "SO-1", text="größer 😀"), captured(1), captured(2, "SO-1", tenant="north")]
        assert journal.append(STREAM, events) == Appended(3)
        assert [row[1:] for row in journal.read(STREAM, 10)] == events

    def test_a_large_body_is_kept_whole(self, journal: Journal) -> None:
        """An event may be as long as an entry."""
        event = captured(1, text="x" * 60_000)
        journal.append(STREAM, [event])
        assert journal.read(STREAM, 1)[0].body == event.body

    def test_nothing_is_appended_by_an_empty_call(self, journal: Journal) -> None:
        """An empty batch is no batch."""
        assert journal.append(STREAM, []) == Appended(0)
        assert journal.read(STREAM, 10) == []

    def test_an_event_that_comes_again_is_not_added_again(self, journal: Journal) -> None:
        """The same id with the same body is reported as repeated; what is new beside it is added."""
        journal.append(STREAM, several(1, 3))
        outcome = journal.append(STREAM, several(2, 3))
        assert outcome == Appended(1, repeated=frozenset({captured(2).id, captured(3).id}))
        assert journal.waiting(STREAM) == 4

    def test_another_body_under_a_known_id_never_overwrites(self, journal: Journal) -> None:
        """It is reported as conflicting; the first stays, and what is new beside it is added."""
        journal.append(STREAM, [captured(1, text="first")])
        outcome = journal.append(STREAM, [captured(1, text="second"), captured(2)])
        assert outcome == Appended(1, conflicting=frozenset({captured(1).id}))
        assert [row.body for row in journal.read(STREAM, 9)] == [
            captured(1, text="first").body,
            captured(2).body,
        ]

    def test_an_id_that_comes_twice_in_one_call_is_added_once(self, journal: Journal) -> None:
        """With two bodies it is conflicting, and neither is added: nobody can say which is meant."""
        assert journal.append(STREAM, [captured(1), captured(1)]).added == 1
        outcome = journal.append(STREAM, [captured(2, text="first"), captured(2, text="second"), captured(3)])
        assert outcome == Appended(1, conflicting=frozenset({captured(2).id}))
        assert [row.body for row in journal.read(STREAM, 9)] == [captured(1).body, captured(3).body]

    def test_a_whole_append_is_all_or_nothing(self, journal: Journal) -> None:
        """Asked for, one conflict keeps everything else of the call out; without one all is added."""
        journal.append(STREAM, [captured(1, text="first")])
        outcome = journal.append(STREAM, [captured(1, text="second"), captured(2)], whole=True)
        assert outcome == Appended(0, conflicting=frozenset({captured(1).id}))
        assert journal.waiting(STREAM) == 1
        assert journal.append(STREAM, [captured(1, text="first"), captured(2)], whole=True).added == 1

    def test_what_the_log_holds_is_not_added_again(self, journal: Journal, log: EntryStore) -> None:
        """Sealed and discarded events are known, with their body, for ever."""
        seal(log, [captured(1), captured(2, "SO-1", text='","ledger":{')])
        again = [captured(1, text="changed"), captured(2, "SO-1", text='","ledger":{'), captured(3)]
        outcome = journal.append(STREAM, again)
        assert outcome == Appended(1, frozenset({captured(2).id}), frozenset({captured(1).id}))
        assert [row.id for row in journal.read(STREAM, 9)] == [captured(3).id]

    def test_an_id_is_known_in_every_stream(self, journal: Journal) -> None:
        """An event belongs to one stream; sent to a second one it is known, and not there."""
        journal.append(STREAM, [captured(1)])
        assert journal.append(OTHER_STREAM, [captured(1)]) == Appended(0, frozenset({captured(1).id}))
        assert journal.read(OTHER_STREAM, 9) == []

    def test_it_tells_which_events_are_durable(self, journal: Journal, log: EntryStore) -> None:
        """Whether they wait or are sealed, in whichever stream; what never came is not among them."""
        journal.append(STREAM, several(1, 2))
        journal.append(OTHER_STREAM, [captured(3)])
        seal(log, [captured(4)])
        asked = [captured(number).id for number in range(1, 7)]
        assert journal.holds(asked) == frozenset(asked[:4])
        assert journal.holds([]) == frozenset()

    def test_it_tells_which_chains_wait(self, journal: Journal) -> None:
        """In one stream, of those asked for; an event of no chain is of none."""
        ours = [captured(1, "SO-1"), captured(2, "SO-2"), captured(3)]
        theirs = captured(4, "SO-3")
        journal.append(STREAM, ours)
        journal.append(OTHER_STREAM, [theirs])
        chain, elsewhere = str(ours[0].chain), str(theirs.chain)
        assert journal.chains(STREAM, [chain, elsewhere, "order/none"]) == frozenset({chain})
        assert journal.chains(STREAM, []) == frozenset()

    def test_streams_are_read_and_counted_apart(self, journal: Journal) -> None:
        """Each stream sees its own events."""
        journal.append(STREAM, several(1, 2))
        journal.append(OTHER_STREAM, several(3, 3))
        assert [row.id for row in journal.read(OTHER_STREAM, 9)] == [event.id for event in several(3, 3)]
        assert (journal.waiting(STREAM), journal.waiting(OTHER_STREAM)) == (2, 3)

    def test_reading_gives_the_oldest_and_takes_nothing_away(self, journal: Journal) -> None:
        """A limit cuts off the newest, and reading again gives the same."""
        journal.append(STREAM, several(1, 5))
        oldest = journal.read(STREAM, 3)
        assert [row.id for row in oldest] == [event.id for event in several(1, 3)]
        assert journal.read(STREAM, 3) == oldest

    def test_only_what_is_discarded_is_forgotten(self, journal: Journal, log: EntryStore) -> None:
        """Rows that the log holds may be discarded with gaps between them, more than once, and none at all."""
        journal.append(STREAM, several(1, 6))
        rows = journal.read(STREAM, 6)
        seal(log, several(1, 6))
        for _ in range(2):
            journal.discard(STREAM, [rows[0], rows[1], rows[4]])
        journal.discard(STREAM, [])
        assert journal.read(STREAM, 9) == [rows[2], rows[3], rows[5]]
        assert journal.waiting(STREAM) == 3

    def test_positions_are_never_given_twice(self, journal: Journal, log: EntryStore) -> None:
        """What comes later is ordered after what was discarded, so a late discard hits nothing new."""
        journal.append(STREAM, several(1, 3))
        gone = journal.read(STREAM, 3)
        seal(log, several(1, 3))
        journal.discard(STREAM, gone)
        journal.append(STREAM, several(4, 3))
        journal.discard(STREAM, gone)
        positions = [row.position for row in gone + journal.read(STREAM, 9)]
        assert positions == sorted(set(positions))
        assert len(positions) == 6

    def test_what_was_appended_is_there_when_it_is_opened_again(
        self, journal: Journal, reopen: Reopen
    ) -> None:
        """Once ``append`` returned, a second opener finds the events, and knows their ids."""
        journal.append(STREAM, several(1, 3, "SO-1"))
        other = reopen()
        assert other.read(STREAM, 9) == journal.read(STREAM, 9)
        assert other.append(STREAM, [captured(1, "SO-1")]).added == 0

    def test_two_that_append_the_same_at_once_add_it_once(self, reopen: Reopen) -> None:
        """Between them each event is added once, and each of them hears of the rest as repeated."""

        def appending(events: list[Captured]) -> Callable[[], Appended]:
            journal = reopen()
            return lambda: journal.append(STREAM, events)

        outcomes = at_once(*(appending(several(first, 40)) for first in (1, 11, 21, 1)))
        added = [outcome.added for outcome in outcomes if isinstance(outcome, Appended)]
        assert len(added) == 4
        assert sum(added) == 60
        assert sorted(row.id for row in reopen().read(STREAM, 99)) == [event.id for event in several(1, 60)]

    def test_nobody_ever_sees_a_part_of_a_call(self, reopen: Reopen) -> None:
        """All new events of one call, or none: whenever one looks, whole calls are there."""
        writer, reader, done = reopen(), reopen(), Event()

        def write() -> set[int]:
            try:
                for call in range(12):
                    writer.append(STREAM, several(100 * call, 25))
            finally:
                done.set()
            return set()

        def watch() -> set[int]:
            seen = set()
            while not done.is_set():
                seen |= {reader.waiting(STREAM), len(reader.read(STREAM, 999))}
            return seen | {reader.waiting(STREAM)}

        _, seen = at_once(write, watch)
        assert isinstance(seen, set)
        assert max(seen) == 300
        assert {count % 25 for count in seen} == {0}

    def test_waiting_ends_at_once_where_something_waits(self, journal: Journal) -> None:
        """However long one would have waited."""
        journal.append(STREAM, [captured(1)])
        began = time.monotonic()
        assert journal.wait(STREAM, _SOON) is True
        assert time.monotonic() - began < _SOON / 2

    def test_waiting_ends_with_the_time(self, journal: Journal) -> None:
        """With nothing to tell, also where another stream's events wait."""
        journal.append(OTHER_STREAM, [captured(1)])
        for seconds in (0.0, 0.15):
            began = time.monotonic()
            assert journal.wait(STREAM, seconds) is False
            assert time.monotonic() - began >= seconds

    def test_an_event_wakes_who_waits_for_it(self, reopen: Reopen, log: EntryStore) -> None:
        """Appended by another opener, again and again; woken, one finds it."""
        writer, sealer = reopen(), reopen()
        for number in range(1, 4):

            def append(number: int = number) -> bool:
                time.sleep(0.1)
                return writer.append(STREAM, [captured(number)]).added == 1

            began = time.monotonic()
            assert at_once(append, lambda: sealer.wait(STREAM, _SOON)) == [True, True]
            assert time.monotonic() - began < _SOON / 2
            rows = sealer.read(STREAM, 9)
            assert rows[-1].id == captured(number).id
        seal(log, several(1, 3))
        sealer.discard(STREAM, rows)
        assert sealer.wait(STREAM, 0.05) is False

    def test_a_store_out_of_reach_is_unavailable(self, unreachable: Journal) -> None:
        """Each method says so by UnavailableError, so that the caller retries."""
        for use in (
            lambda: unreachable.append(STREAM, [captured(1)]),
            lambda: unreachable.read(STREAM, 1),
            lambda: unreachable.waiting(STREAM),
            lambda: unreachable.wait(STREAM, 1),
        ):
            with pytest.raises(UnavailableError):
                use()
