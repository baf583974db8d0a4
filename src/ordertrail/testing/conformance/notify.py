"""What the ports of notifying promise: a message a route once, a parcel that never changes, nothing lost in between."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

import msgspec
import pytest

from ordertrail.kernel.clock import format_time
from ordertrail.notify.digest import Waiting
from ordertrail.notify.message import Message, Severity
from ordertrail.notify.parcel import Delivery, State
from ordertrail.notify.ports import Backlog, DeliveryLog, DeliveryQuery, Outbox, Queue, Queued
from ordertrail.testing.conformance.together import at_once

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


class NotifyStore(Queue, Outbox, DeliveryLog, Protocol):
    """All ports of one database."""


def message(number: int, severity: Severity = Severity.MEDIUM) -> Message:
    """Return a sample message."""
    return Message(
        id=f"01935f6e-9c1a-7cc2-b0a5-{number:012x}",
        at=format_time(NOW + timedelta(seconds=number)),
        severity=severity,
        text=f"A person cancelled order SO-{number} \N{SNOWMAN}",
        action="order.cancel",
        order=f"SO-{number}",
        link=f"https://trail.example/events/{number}",
    )


def ended(delivery: Delivery | None, state: State, at: datetime = NOW) -> Delivery:
    """Return a delivery as an attempt ended it."""
    assert delivery is not None
    return msgspec.structs.replace(
        delivery, state=state, attempts=delivery.attempts + 1, settled=format_time(at), error="no"
    )


class NotifyStoreSuite:
    """Holds for :class:`Queue`, :class:`Outbox` and :class:`DeliveryLog` of one database."""

    @pytest.fixture
    def reopen(self) -> Callable[[], NotifyStore]:
        """Return what opens the same store, empty at first, once more."""
        raise NotImplementedError("a suite needs a fixture 'reopen'")

    @pytest.fixture
    def store(self, reopen: Callable[[], NotifyStore]) -> NotifyStore:
        """Return the store with three messages on one route and one on another."""
        store = reopen()
        queued = [Queued("desk", message(number)) for number in (1, 2, 3)] + [Queued("night", message(1))]
        assert store.take(None, {"default": 10}, queued, NOW)
        return store

    def test_what_is_kept_is_there_again(self, store: NotifyStore, reopen: Callable[[], NotifyStore]) -> None:
        """The place and the messages of each route come back, in the sequence of their ids where times are equal."""
        again = reopen()
        assert again.places() == {"default": 10}
        expected = [Waiting(message(number).id, Severity.MEDIUM, NOW) for number in (1, 2, 3)]
        assert again.waiting("desk", 10) == expected
        assert store.waiting("desk", 2) == expected[:2]
        assert len(again.waiting("night", 10)) == 1

    def test_nothing_is_kept_from_elsewhere(self, store: NotifyStore) -> None:
        """Who reads from another place is told, and neither its messages nor its place are kept."""
        for before in (None, {"default": 9}, {"default": 10, "other": 1}):
            assert not store.take(before, {"default": 99}, [Queued("desk", message(9))], NOW)
        assert store.places() == {"default": 10}
        assert len(store.waiting("desk", 10)) == 3

    def test_of_two_who_read_one_goes_on(self, store: NotifyStore, reopen: Callable[[], NotifyStore]) -> None:
        """Two that keep the same stretch at once: one does."""
        other = reopen()
        told = at_once(
            lambda: store.take({"default": 10}, {"default": 20}, [Queued("desk", message(4))], NOW),
            lambda: other.take({"default": 10}, {"default": 20}, [Queued("desk", message(4))], NOW),
        )
        assert set(told) == {True, False}
        assert len(store.waiting("desk", 10)) == 4

    def test_a_route_gets_a_message_once(self, store: NotifyStore) -> None:
        """The same message again adds nothing: neither while it waits, nor when it went."""
        assert store.take({"default": 10}, {"default": 11}, [Queued("desk", message(1))], NOW)
        assert len(store.waiting("desk", 10)) == 3
        assert store.pack("desk", [message(1).id], "p-1", NOW)
        assert store.take({"default": 11}, {"default": 12}, [Queued("desk", message(1))], NOW)
        assert len(store.waiting("desk", 10)) == 2

    def test_a_parcel_is_made_once(self, store: NotifyStore, reopen: Callable[[], NotifyStore]) -> None:
        """Two that pack the same messages at once: they are in one parcel, which has all of them."""
        ids, other = [message(number).id for number in (1, 2, 3)], reopen()
        made = at_once(
            lambda: store.pack("desk", ids, "p-1", NOW), lambda: other.pack("desk", ids, "p-2", NOW)
        )
        assert sum(one is None for one in made) == 1
        found = store.next("desk")
        assert found is not None
        assert (found.state, found.attempts, found.parcel.count) == (State.READY, 0, 3)
        assert found.parcel in made
        assert store.waiting("desk", 10) == []
        assert store.next("night") is None

    def test_the_oldest_parcel_comes_first_and_stays_as_it_is(self, store: NotifyStore) -> None:
        """A parcel that is tried again is the same, to the last letter; the next comes when it ended."""
        first = store.pack("desk", [message(1).id], "p-1", NOW)
        store.pack("desk", [message(2).id], "p-2", NOW + timedelta(seconds=1))
        tried = store.next("desk")
        assert tried is not None
        assert tried.parcel == first
        later = format_time(NOW + timedelta(minutes=1))
        store.settle(msgspec.structs.replace(tried, attempts=1, due=later, error="down"))
        again = store.next("desk")
        assert again is not None
        assert (again.parcel, again.attempts, again.due, again.error) == (first, 1, later, "down")
        store.settle(ended(again, State.SENT))
        following = store.next("desk")
        assert following is not None
        assert following.parcel.id == "p-2"

    def test_what_ended_lately_is_known(self, store: NotifyStore) -> None:
        """For the bound on what a minute has: of this route, since then."""
        store.pack("desk", [message(1).id], "p-1", NOW)
        assert store.recent("desk", NOW) == []
        store.settle(ended(store.next("desk"), State.SENT, NOW + timedelta(seconds=5)))
        assert store.recent("desk", NOW) == [NOW + timedelta(seconds=5)]
        assert store.recent("desk", NOW + timedelta(seconds=6)) == []
        assert store.recent("night", NOW) == []

    def test_the_dead_can_be_tried_again(self, store: NotifyStore) -> None:
        """Once the trail knows that they were given up: by name, or all; what was sent is not sent again."""
        for number, state in ((1, State.DEAD), (2, State.DEAD), (3, State.SENT)):
            store.pack("desk", [message(number).id], f"p-{number}", NOW)
            store.settle(ended(store.next("desk"), state))
        assert store.revive(None, NOW) == 0
        unrecorded = store.unrecorded(10)
        assert {one.parcel.id for one in unrecorded} == {"p-1", "p-2", "p-3"}
        store.recorded(unrecorded, NOW - timedelta(days=1))
        assert store.unrecorded(10) == []
        assert store.revive(["p-2", "p-3", "p-none"], NOW) == 1
        assert store.revive(None, NOW) == 1
        revived = store.next("desk")
        assert revived is not None
        assert (revived.parcel.id, revived.attempts, revived.settled) == ("p-1", 0, None)
        store.settle(ended(revived, State.SENT))
        assert [one.parcel.id for one in store.unrecorded(10)] == ["p-1"]

    def test_deliveries_are_found_and_old_ones_go(self, store: NotifyStore) -> None:
        """Newest first, by route and state; what was sent and is on record goes after its time, the dead stay."""
        for number, state in ((1, State.DEAD), (2, State.SENT)):
            store.pack("desk", [message(number).id], f"p-{number}", NOW + timedelta(seconds=number))
            store.settle(ended(store.next("desk"), state))
        store.pack("night", [message(1).id], "p-9", NOW)

        def found(**query: object) -> list[str]:
            return [one.parcel.id for one in store.find(DeliveryQuery(**query))]  # type: ignore[arg-type]

        assert found() == ["p-2", "p-1", "p-9"]
        assert found(limit=1) == ["p-2"]
        assert found(route="night") == ["p-9"]
        assert found(state=State.DEAD) == ["p-1"]
        assert store.backlog() == [Backlog("desk", 1, 0, 1), Backlog("night", 0, 1, 0)]
        store.recorded(store.unrecorded(10), NOW + timedelta(days=1))
        assert found() == ["p-1", "p-9"]
