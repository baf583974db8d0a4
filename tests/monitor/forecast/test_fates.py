from hypothesis import given
from hypothesis import strategies as st

from monitor.forecast.small import DAY, HOUR, happened
from ordertrail.monitor.forecast.fates import Course, Fate, Settled
from ordertrail.monitor.forecast.targets import read_targets
from ordertrail.query.projection import Indexed

TEXT = """
[[target]]
name = "refunded"
title = "Refunded without a return"
asked = "action:order.*"
ends = "action:order.complete"
horizon = "2d"
breach = {filter = "action:payment.refund", unless = "action:return.receive"}

[[target]]
name = "late"
title = "Late"
asked = "action:order.*"
horizon = "9d"
breach = {missing = "action:shipment.dispatch", after = "action:order.confirm", within = "1d"}
"""
REFUNDED, LATE = read_targets(TEXT)


def run(target: object, events: list[Indexed], now: float = 1_000.0) -> list[Settled[int]]:
    """Return what is settled of forecasts that are numbered as they are asked, up to so many hours after noon."""
    assert target in {REFUNDED, LATE}
    fate: Fate[int] = Fate(Course(REFUNDED if target is REFUNDED else LATE))
    settled: list[Settled[int]] = []
    asked = 0
    for event in events:
        found, is_asked = fate.take(event)
        settled += found
        if is_asked:
            fate.ask(asked, event.time)
            asked += 1
    return settled + fate.settle(happened("x", hours=now).time)


def test_a_breach_within_the_horizon_is_one_and_later_is_none() -> None:
    """A forecast is of its horizon: what comes after it is no breach of it."""
    events = [
        happened("order.create"),
        happened("order.update", hours=40),
        happened("payment.refund", hours=60),
    ]
    assert [(one.item, one.truth) for one in run(REFUNDED, events)] == [(0, False), (1, True)]
    breach = run(REFUNDED, events)[1]
    assert (breach.delay, breach.known - breach.asked) == (20 * HOUR, 20 * HOUR)


def test_what_excuses_a_breach_comes_before_it() -> None:
    """A refund after the return is none without it; a return after the refund excuses nothing."""
    asked, refund = happened("order.create"), happened("payment.refund", hours=5)
    before = [asked, happened("return.receive", hours=3), refund]
    later = [asked, refund, happened("return.receive", hours=7)]
    assert [one.truth for one in run(REFUNDED, before)] == [False]
    assert [one.truth for one in run(REFUNDED, later)] == [True]


def test_what_ends_an_order_settles_it() -> None:
    """After its end an order cannot breach, and nothing is asked."""
    events = [
        happened("order.create"),
        happened("order.complete", hours=1),
        happened("payment.refund", hours=2),
    ]
    assert [(one.truth, one.known - one.asked) for one in run(REFUNDED, events)] == [(False, HOUR)]


def test_a_service_level_is_breached_by_silence() -> None:
    """What is due and does not come is a breach at the moment it was due, seen or not."""
    events = [happened("order.create"), happened("order.confirm", hours=10)]
    found = run(LATE, events)
    assert [(one.truth, one.delay) for one in found] == [(True, 34 * HOUR), (True, DAY)]
    in_time = [*events, happened("shipment.dispatch", hours=33)]
    assert [one.truth for one in run(LATE, in_time)] == [False, False]


def test_a_breach_before_anything_was_asked_is_none() -> None:
    """What lies before the first forecast was not foreseen by any, and leaves the order open."""
    events = [
        happened("payment.refund"),
        happened("order.create", hours=1),
        happened("payment.refund", hours=2),
    ]
    assert [one.truth for one in run(REFUNDED, events)] == [True]


ACTIONS = st.sampled_from(
    ["order.create", "order.confirm", "payment.refund", "return.receive", "shipment.dispatch"]
)


@given(st.lists(st.tuples(st.integers(0, 200), ACTIONS), max_size=10), st.sampled_from([REFUNDED, LATE]))
def test_every_forecast_is_settled_once_and_none_before_it_was_asked(
    told: list[tuple[int, str]], target: object
) -> None:
    """Each forecast has one truth in the end, known after it was asked and no later than its horizon."""
    events = [happened(action, hours=hours) for hours, action in sorted(told)]
    found = run(target, events)
    assert len({one.item for one in found}) == len(found)
    horizon = (REFUNDED if target is REFUNDED else LATE).horizon
    for one in found:
        assert one.asked <= one.known <= one.asked + horizon
        assert (one.delay >= 0) is one.truth
