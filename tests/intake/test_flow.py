"""The flow from the door to the order, on both databases: each message comes to what it must, and is told of."""

from collections.abc import Callable

import pytest

from intake.shop import Shop, a_change, an_order, document


def test_an_order_comes_in_with_its_events(shop: Shop) -> None:
    """Sent, acknowledged, accepted; and who, from where and why stands in the events of its rows."""
    assert shop.take(an_order(1)) == {"accepted": 1}
    kept = shop.order(1)
    assert kept == an_order(1)
    events = shop.events()
    created = next(one for one in events if one.action == "order.create")
    assert created.actor.id == "intake"
    assert created.context is not None
    assert (created.context.channel, created.context.source) == ("shop", "shop/main")
    assert created.cause is not None
    assert events[-1].action == "intake.receive"
    assert events[-1].cause is None
    assert events[-1].subject.id == created.cause.id


def test_a_second_delivery_is_a_duplicate(shop: Shop) -> None:
    """By its id and bytes; other bytes under the same id are a delivery of their own, and are told of."""
    first = shop.send(document(an_order(1), delivery="d1"))
    again = shop.send(document(an_order(1), delivery="d1"))
    other = shop.send(document(an_order(2), delivery="d1"))
    assert (again.id, again.reception.value, other.reception.value) == (first.id, "duplicate", "landed")
    assert shop.work() == {"accepted": 2}
    assert shop.told().count("intake.reuse") == 1


def test_what_is_not_proven_is_turned_away(shop: Shop) -> None:
    """A wrong key and none: counted, told of once in a minute, and nothing is kept of it."""
    for key in ("wrong", None, "wrong"):
        assert shop.send(document(an_order(1)), key=key).reception.value == "refused"
    assert shop.work() == {}
    assert shop.told() == ["intake.refuse"]
    assert shop.sources.figures("shop/main", shop.clock()).refused == 3


def test_late_states_are_kept_and_not_applied(shop: Shop) -> None:
    """Whatever the sequence of arrival, the order is as its source made it last."""
    assert shop.take(an_order(1, 3, cents=300)) == {"accepted": 1}
    assert shop.take(an_order(1, 2, cents=200)) == {"late": 1}
    assert shop.take(an_order(1, 3, cents=300), delivery="again") == {"duplicate": 1}
    assert shop.take(an_order(1, 3, cents=301)) == {"held": 1}
    kept = shop.order(1)
    assert kept is not None
    assert kept.totals.grand_total == an_order(1, 3, cents=300).totals.grand_total
    assert [one for one in shop.told() if one != "intake.receive"] == ["intake.late", "intake.hold"]


def test_an_amendment_waits_for_its_order(shop: Shop) -> None:
    """A change that comes first is parked, and applied when the order comes; a gap waits for what fills it."""
    assert shop.take(a_change(1, 2, follows=1, tags=("b",))) == {"parked": 1}
    assert shop.take(a_change(1, 4, follows=3, tags=("d",))) == {"parked": 1}
    assert shop.take(an_order(1)) == {"accepted": 2, "parked": 1}
    assert shop.take(a_change(1, 3, follows=2, tags=("c",))) == {"accepted": 2}
    kept = shop.order(1)
    assert kept is not None
    assert kept.tags == ("b", "c", "d")
    assert shop.told().count("intake.park") == 2


def test_what_waits_too_long_is_a_dead_letter(shop: Shop) -> None:
    """Three days, by default."""
    assert shop.take(a_change(1, 2, follows=1)) == {"parked": 1}
    shop.clock.pass_by(hours=73)
    assert shop.work() == {"dead": 1}
    assert shop.told()[-1] == "intake.dead_letter"


def test_an_illegal_transition_is_refused_and_told(shop: Shop) -> None:
    """What the lifecycle does not allow is an attempt with the outcome denied, held for a person; the order stays."""
    assert shop.take(an_order(1, 1, "processing")) == {"accepted": 1}
    assert shop.take(an_order(1, 2, "cancelled")) == {"held": 1}
    denied = [one for one in shop.events() if one.outcome == "denied"]
    assert [(one.action, one.subject.order) for one in denied] == [("order.cancel", "shop:main:1")]
    kept = shop.order(1)
    assert kept is not None
    assert kept.status == "processing"


def test_one_bad_message_keeps_no_other_out(shop: Shop) -> None:
    """A message that cannot be read is a dead letter by itself; a fault of the channel's own ends its delivery only."""
    shop.send(document(an_order(1), {"nothing": 1}, {"foreign": "cart"}, an_order(2)))
    shop.send(document(an_order(3), {"boom": True}, an_order(4)))
    shop.send(b"{ no json")
    assert shop.work() == {"accepted": 3, "dead": 3, "foreign": 1}
    assert shop.order(4) is None


def test_states_of_one_order_in_one_delivery_are_each_told(shop: Shop) -> None:
    """The trail has every state that was accepted, and not only the last."""
    assert shop.take(an_order(1, 1, cents=100), an_order(1, 2, cents=200), an_order(1, 3, cents=300)) == {
        "accepted": 3
    }
    assert shop.told("order.price").count("order.price.change") >= 2


@pytest.mark.parametrize("size", [1, 7])
def test_a_worker_goes_on_where_another_stopped(shop: Shop, size: int) -> None:
    """A delivery that was half read when its worker ended is read on, and each order is accepted once."""
    shop.send(document(*(an_order(number) for number in range(20))))
    worker = shop.worker(messages=size)
    stopped = _stop_after(shop, 2)
    with pytest.raises(KeyboardInterrupt):
        worker.run()
    stopped()
    assert shop.work() == {}
    shop.clock.pass_by(minutes=2)
    shop.work()
    assert all(shop.order(number) is not None for number in range(20))
    assert shop.told("order.create") == ["order.create"] * 20


def _stop_after(shop: Shop, settlements: int) -> Callable[[], None]:
    """End the worker after so many settlements."""
    inbox, settle, left = shop.inbox, shop.inbox.settle, [settlements]

    def counted(*arguments: object) -> object:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return settle(*arguments)  # type: ignore[arg-type]

    inbox.settle = counted  # type: ignore[assignment, method-assign]

    def undo() -> None:
        inbox.settle = settle  # type: ignore[method-assign]

    return undo
