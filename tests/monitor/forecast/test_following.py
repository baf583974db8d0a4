from monitor.forecast.small import HOUR, happened, indexed, target
from ordertrail.monitor.forecast.fates import courses
from ordertrail.monitor.forecast.following import Followed, Following, known_targets
from ordertrail.monitor.forecast.gathering import Gathering
from ordertrail.monitor.forecast.targets import read_targets, shipped_targets
from ordertrail.monitor.rules.rulebook import Rulebook, shipped_rules
from ordertrail.testing.year import Year

ALERTED = """
[[target]]
name = "alerted"
title = "An alert is raised"
asked = "action:order.*"
horizon = "9d"
breach = {filter = "action:alert.raise"}
"""


def test_a_rule_labels_as_it_finds() -> None:
    """Orders of which a rule finds that a price was changed after approval are those that a filter says so of."""
    by_filter, by_rule = (
        next(one for one in shipped_targets() if one.name == name)
        for name in ("changed_after_approval", "control_breached")
    )
    gathering = Gathering((by_filter, by_rule), Rulebook.of(shipped_rules()))
    for event in indexed(Year(500, 3)):
        gathering.take(event)
    gathering.settle(1 << 62)
    breached = [
        {order for order, truth in zip(examples.orders, examples.truths, strict=True) if truth}
        for examples in gathering.examples.values()
    ]
    assert breached[0] == breached[1]
    assert len(breached[0]) >= 3


def test_a_target_whose_rule_is_not_there_is_left_out() -> None:
    """Without its rule a target cannot be told; the others are."""
    without = known_targets(shipped_targets(), Rulebook.of([]))
    assert {one.name for one in shipped_targets()} - {one.name for one in without} == {"control_breached"}


class Silent:
    """Wants to know nothing."""

    def asked(self, place: int, order: Followed[int]) -> None:
        """See the protocol."""

    def settled(self, place: int, order: Followed[int], settled: object) -> None:
        """See the protocol."""


def test_what_is_not_learned_from_may_still_be_foreseen() -> None:
    """An alert of an order is in no prefix of it, and yet can be what a target foresees."""
    (alerted,) = read_targets(ALERTED)
    events = [happened("order.create"), happened("order.read", hours=1), happened("alert.raise", hours=2)]
    gathering = Gathering((alerted,))
    for event in events:
        gathering.take(event)
    gathering.settle(1 << 62)
    examples = gathering.examples["alerted"]
    assert (examples.truths, examples.delays) == ([True], [2 * HOUR])
    assert not [name for name in examples.values(0) if "order.read" in name]


def test_memory_is_bounded_and_what_is_let_go_is_counted() -> None:
    """Of more orders than may be held, those that moved least lately are let go."""
    following: Following[int] = Following(courses((target(),)), Silent(), most=10)
    for number in range(25):
        following.take(happened("order.create", hours=number, order=f"SO-{number}"))
    following.take(happened("order.approve", hours=25, order="SO-15"))
    following.take(happened("order.create", hours=26, order="SO-25"))
    assert len(following) == 10
    assert following.let_go == 16
    assert following.order(("", "SO-15")) is not None
    assert following.order(("", "SO-16")) is None


def test_orders_that_are_silent_for_long_are_forgotten() -> None:
    """What has not moved for several horizons is no open order any more."""
    following: Following[int] = Following(courses((target(),)), Silent())
    following.take(happened("order.create", order="SO-old"))
    following.take(happened("order.create", hours=24 * 200, order="SO-new"))
    assert following.order(("", "SO-old")) is None
    assert [one.key[1] for one in following.open(0)] == ["SO-new"]


def test_orders_of_two_tenants_are_two_orders() -> None:
    """The same number at two tenants is told apart."""
    gathering = Gathering((target(),))
    for tenant in ("a", "b"):
        event = happened("order.create")
        gathering.take(
            type(event)(**{name: getattr(event, name) for name in event.__slots__} | {"tenant": tenant})
        )
    assert len(gathering.following) == 2
