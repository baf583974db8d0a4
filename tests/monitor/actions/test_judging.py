"""What became of an order is told by the target's own declaration, within its horizon, and by nothing else."""

from collections.abc import Iterable

import msgspec
import pytest

from ordertrail.kernel.clock import format_time, parse_time
from ordertrail.kernel.ids import new_id
from ordertrail.monitor.actions.judging import Judge
from ordertrail.monitor.alerts.why import happened
from ordertrail.monitor.forecast.targets import read_targets
from ordertrail.query.projection import Indexed, Place, project
from ordertrail.record.actions import CATALOGUE
from ordertrail.record.event import Actor, Event, Subject
from ordertrail.testing.conformance.suggestions import suggestion

HOUR = 3_600_000_000
DAY = 24 * HOUR
SINCE = 1_795_392_000_000_000

TARGETS = """
[[target]]
name = "cancelled"
title = "It is cancelled"
asked = "action:order.*"
ends = "action:order.complete"
horizon = "10d"
breach = {filter = "action:order.cancel"}

[[target]]
name = "refunded"
title = "Paid back without a return"
asked = "action:order.*"
horizon = "10d"
breach = {filter = "action:payment.refund", unless = "action:return.receive"}

[[target]]
name = "late"
title = "Not sent in time"
asked = "action:order.*"
horizon = "10d"
breach = {missing = "action:shipment.dispatch", after = "action:order.confirm", within = "3d"}

[[target]]
name = "found"
title = "A rule finds it"
asked = "action:order.*"
horizon = "10d"
breach = {rule = "status_reversion"}
"""


def event(action: str, days: float) -> Indexed:
    """Return an event of the order, so many days after the forecast."""
    time = format_time(parse_time(happened(SINCE + int(days * DAY))))
    made = Event(
        id=new_id(),
        time=time,
        action=action,
        actor=Actor("shop", "service"),
        subject=Subject("order", "SO-1", order="SO-1"),
    )
    return project(made, Place("default", 0, time), CATALOGUE)


@pytest.mark.parametrize(
    ("target", "events", "breached"),
    [
        ("cancelled", [("order.create", -1), ("order.cancel", 9)], True),
        ("cancelled", [("order.create", -1), ("order.cancel", 11)], False),
        ("cancelled", [("order.cancel", -1)], False),
        ("cancelled", [("order.create", -1), ("order.complete", 1), ("order.cancel", 2)], False),
        ("cancelled", [], False),
        ("refunded", [("order.create", -1), ("payment.refund", 2)], True),
        ("refunded", [("order.create", -1), ("return.receive", 1), ("payment.refund", 2)], False),
        ("refunded", [("order.create", -2), ("return.receive", -1), ("payment.refund", 2)], False),
        ("late", [("order.confirm", -1), ("shipment.dispatch", 1)], False),
        ("late", [("order.confirm", -1), ("shipment.dispatch", 3)], True),
        ("late", [("order.confirm", -1)], True),
        ("late", [("order.confirm", 9)], False),
        ("found", [("order.status.revert", 2)], True),
        ("found", [("order.status.revert", 12)], False),
        ("gone", [("order.cancel", 2)], None),
    ],
)
def test_an_order_is_judged_by_its_target(
    target: str, events: list[tuple[str, float]], *, breached: bool | None
) -> None:
    """A breach counts from the forecast on and up to its horizon; what came before, or after an end, does not."""
    told = [event(action, days) for action, days in events]

    def found(rule: str, order: str, tenant: str | None) -> Iterable[int]:
        assert (rule, order, tenant) == ("status_reversion", "SO-1", None)
        return [one.time for one in told]

    judge = Judge.of(read_targets(TARGETS), lambda _order, _tenant: reversed(told), found)
    one = msgspec.structs.replace(
        suggestion(2), order="SO-1", tenant=None, target=target, ends=happened(SINCE + 10 * DAY)
    )
    assert judge(one) is breached
