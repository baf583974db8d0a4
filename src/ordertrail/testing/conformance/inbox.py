"""What :class:`ordertrail.intake.ports.Inbox` promises."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from ordertrail.intake.delivery import Way
from ordertrail.intake.ports import Arrival, Claim, Inbox, Outcome, Progress, Settlement, Settling
from ordertrail.intake.states import MessageState
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import UnavailableError
from ordertrail.kernel.ids import new_id
from ordertrail.orders.ports import Put
from ordertrail.orders.statuses import OrderStatus
from ordertrail.testing.conformance.orders import sample_order
from ordertrail.testing.conformance.together import at_once

Reopen = Callable[[], Inbox]

NOW = datetime(2026, 11, 22, 14, tzinfo=UTC)
LEASE = timedelta(seconds=60)
SOURCE = "web/main"


def an_arrival(body: bytes = b"{}", delivery_id: str | None = None, *, again: bool = False) -> Arrival:
    """Return a delivery on its way to disk."""
    sha256 = hashlib.sha256(body).hexdigest()
    time = format_time(NOW)
    return Arrival(
        new_id(), SOURCE, sha256, len(body), body, time, Way.FILE, delivery_id, {"a": "b"}, "f", again
    )


def an_outcome(claim: Claim, number: int = 0, state: MessageState = MessageState.ACCEPTED) -> Outcome:
    """Return what became of a message about the sample order."""
    again_at = format_time(NOW + timedelta(hours=1)) if state is MessageState.PARKED else None
    return Outcome(
        claim.id,
        number,
        claim.source,
        claim.attempt,
        state,
        order=sample_order().id,
        told=OrderStatus.ACCEPTED,
        content=b"kept" if state is MessageState.PARKED else None,
        again_at=again_at,
    )


def a_settlement(claim: Claim, *outcomes: Outcome, put: Put | None = None, done: bool = True) -> Settlement:
    """Return a settlement of one delivery."""
    progress = Progress(claim, claim.progress + len(outcomes), {MessageState.ACCEPTED: len(outcomes)}, done)
    return Settlement(format_time(NOW), (progress,), outcomes, () if put is None else (put,))


class InboxSuite:
    """The tests. A subclass gives the fixtures ``reopen`` (open the same inbox once more) and ``unreachable``."""

    @pytest.fixture
    def inbox(self, reopen: Reopen) -> Inbox:
        """The inbox."""
        return reopen()

    def claimed(self, inbox: Inbox, body: bytes = b"{}") -> Claim:
        """Land a delivery, and claim it."""
        inbox.land([an_arrival(body)])
        (claim,) = inbox.claim(NOW, LEASE, 10)
        return claim

    def test_what_is_landed_is_there_as_it_came(self, reopen: Reopen) -> None:
        """Bytes and all that is known of how they came, for whoever opens the inbox next."""
        arrival = an_arrival(b"\x00\xff body", "d1")
        (landed,) = reopen().land([arrival])
        (claim,) = reopen().claim(NOW, LEASE, 10)
        assert (landed.id, landed.duplicate, landed.reused) == (arrival.id, False, False)
        assert (claim.id, claim.body, claim.source) == (arrival.id, arrival.body, SOURCE)
        assert (claim.received, claim.way, dict(claim.headers), claim.name) == (
            arrival.received,
            Way.FILE,
            {"a": "b"},
            "f",
        )
        assert (claim.progress, claim.attempt, claim.tries) == (0, 1, 1)

    def test_a_delivery_is_known_by_its_id_and_its_bytes(self, inbox: Inbox) -> None:
        """The same of both is a duplicate, within one call too; other bytes under a known id are told."""
        first, same = an_arrival(b"1", "d1"), an_arrival(b"1", "d1")
        assert [one.duplicate for one in inbox.land([first, same])] == [False, True]
        (other,) = inbox.land([an_arrival(b"2", "d1")])
        assert (other.duplicate, other.reused) == (False, True)
        (another,) = inbox.land([an_arrival(b"1", "d2")])
        assert (another.duplicate, another.reused) == (False, False)
        nameless = inbox.land([an_arrival(b"3"), an_arrival(b"3"), an_arrival(b"3", again=True)])
        assert [one.duplicate for one in nameless] == [False, True, False]

    def test_a_claim_is_one_workers_until_its_lease_ends(self, inbox: Inbox) -> None:
        """Then it is the next one's, and what the first does is not kept."""
        first = self.claimed(inbox)
        assert inbox.claim(NOW + LEASE / 2, LEASE, 10) == []
        (second,) = inbox.claim(NOW + LEASE, LEASE, 10)
        assert (second.id, second.attempt, second.tries) == (first.id, 2, 2)
        assert inbox.settle(a_settlement(first, an_outcome(first)), NOW) is Settling.LOST
        assert inbox.settle(a_settlement(second, an_outcome(second)), NOW) is Settling.DONE
        assert inbox.settle(a_settlement(second, an_outcome(second, 1)), NOW) is Settling.LOST
        assert inbox.claim(NOW + 10 * LEASE, LEASE, 10) == []

    def test_many_workers_claim_each_delivery_once(self, reopen: Reopen) -> None:
        """However many ask at once."""
        reopen().land([an_arrival(str(number).encode()) for number in range(40)])

        def claim() -> list[str]:
            inbox, taken = reopen(), []
            while some := inbox.claim(NOW, LEASE, 3):
                taken += [one.id for one in some]
            return taken

        told = at_once(claim, claim, claim, claim)
        taken = [one for some in told if isinstance(some, list) for one in some]
        assert (len(taken), len(set(taken))) == (40, 40)

    def test_one_that_got_no_further_is_claimed_by_itself(self, inbox: Inbox) -> None:
        """Until it gets further: then its tries are forgotten."""
        inbox.land([an_arrival(b"1"), an_arrival(b"2")])
        assert len(inbox.claim(NOW, LEASE, 10)) == 2
        (one,) = inbox.claim(NOW + LEASE, LEASE, 10)
        assert one.tries == 2
        assert inbox.settle(a_settlement(one, an_outcome(one), done=False), NOW + LEASE) is Settling.DONE
        inbox.land([an_arrival(b"3")])
        times = [len(inbox.claim(NOW + 3 * LEASE, LEASE, 10)) for _ in range(3)]
        assert sorted(times) == [0, 1, 2]

    def test_a_settlement_is_kept_whole_or_not_at_all(self, inbox: Inbox) -> None:
        """An order at another version than expected keeps out all that was settled with it."""
        claim, order = self.claimed(inbox), sample_order()
        assert inbox.known([order.id]) == {}
        settlement = a_settlement(claim, an_outcome(claim), put=Put(order), done=False)
        assert inbox.settle(settlement, NOW + LEASE) is Settling.DONE
        known = inbox.known([order.id, "web:main:none"])
        assert list(known) == [order.id]
        assert (known[order.id].stored.order, known[order.id].stored.version) == (order, 1)
        assert known[order.id].told is OrderStatus.ACCEPTED
        held = an_outcome(claim, 1, MessageState.HELD)
        again = a_settlement(claim, an_outcome(claim, 1), put=Put(order))
        assert inbox.settle(again, NOW + LEASE) is Settling.CONFLICT
        assert inbox.settle(a_settlement(claim, held), NOW + LEASE) is Settling.DONE

    def test_progress_outlives_its_worker(self, reopen: Reopen) -> None:
        """Who claims next reads on from there."""
        claim = self.claimed(reopen())
        settlement = a_settlement(claim, an_outcome(claim), an_outcome(claim, 1), done=False)
        assert reopen().settle(settlement, NOW + LEASE) is Settling.DONE
        (next_one,) = reopen().claim(NOW + LEASE, LEASE, 10)
        assert (next_one.progress, dict(next_one.counts)) == (2, {MessageState.ACCEPTED: 2})

    def test_what_is_parked_is_due_when_its_order_moves(self, inbox: Inbox) -> None:
        """Or when its delay has passed; and only one worker has it."""
        claim, order = self.claimed(inbox), sample_order()
        parked = an_outcome(claim, 0, MessageState.PARKED)
        assert inbox.settle(a_settlement(claim, parked), NOW) is Settling.DONE
        assert inbox.claim_waiting(NOW, LEASE, 10) == []
        other = self.claimed(inbox, b"other")
        assert inbox.settle(a_settlement(other, an_outcome(other), put=Put(order)), NOW) is Settling.DONE
        (waiting,) = inbox.claim_waiting(NOW, LEASE, 10)
        assert (waiting.number, waiting.state, waiting.content) == (0, MessageState.PARKED, b"kept")
        assert inbox.claim_waiting(NOW, LEASE, 10) == []
        (later,) = inbox.claim_waiting(NOW + LEASE, LEASE, 10)
        stale = Settlement(format_time(NOW), outcomes=(_taken_up(waiting.claim),))
        assert inbox.settle(stale, NOW) is Settling.LOST
        fresh = Settlement(format_time(NOW), outcomes=(_taken_up(later.claim),))
        assert inbox.settle(fresh, NOW) is Settling.DONE
        assert inbox.claim_waiting(NOW + timedelta(days=9), LEASE, 10) == []

    def test_what_is_put_off_is_due_then(self, inbox: Inbox) -> None:
        """Not before, and the try counts."""
        claim = self.claimed(inbox)
        then = format_time(NOW + timedelta(hours=1))
        off = Settlement(format_time(NOW), (Progress(claim, 0, {}, again_at=then, error="away"),))
        assert inbox.settle(off, NOW) is Settling.DONE
        assert inbox.claim(NOW + timedelta(minutes=59), LEASE, 10) == []
        (again,) = inbox.claim(NOW + timedelta(hours=1), LEASE, 10)
        assert again.tries == 2

    def test_an_inbox_out_of_reach_is_told(self, unreachable: Inbox) -> None:
        """Each call says so."""
        for call in (
            lambda: unreachable.land([an_arrival()]),
            lambda: unreachable.claim(NOW, LEASE, 1),
            lambda: unreachable.known(["web:main:1"]),
        ):
            with pytest.raises(UnavailableError):
                call()


def _taken_up(claim: Claim) -> Outcome:
    return Outcome(claim.id, 0, claim.source, claim.attempt, MessageState.ACCEPTED, taken_up=True)
