"""Small worlds in which rules meet: few people, few orders, a few hours; and correlations over them, in YAML."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import yaml
from hypothesis import strategies as st

from ordertrail.kernel.clock import format_time
from ordertrail.monitor.rules.reading import read_rules
from ordertrail.monitor.rules.rule import Correlation
from ordertrail.monitor.rules.rulebook import Rulebook
from ordertrail.query.projection import Indexed, Place, project
from ordertrail.record.event import Actor, Change, Context, Event, Subject

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = 60_000_000


@dataclass(frozen=True)
class Tick:
    """An event of a small world, and by how many minutes it comes late."""

    minute: int
    action: str
    actor: str
    order: str | None
    amount: int
    late: int


TICKS = st.builds(
    Tick,
    st.integers(0, 90),
    st.sampled_from(["order.cancel", "order.read", "payment.refund"]),
    st.sampled_from(["a", "b"]),
    st.sampled_from(["SO-1", "SO-2", None]),
    st.integers(-3, 3),
    st.integers(0, 9),
)
WORLDS = st.lists(TICKS, max_size=24)


def indexed(tick: Tick, number: int) -> Indexed:
    """Return an event as the index has it; those of one minute happened at once."""
    moment = format_time(NOON + timedelta(minutes=tick.minute))
    event = Event(
        id=f"01935f6e-9c1a-7cc2-b0a5-{number:012x}",
        time=moment,
        action=tick.action,
        actor=Actor(tick.actor, "person"),
        subject=Subject("order", tick.order or "none", tick.order),
        changes=(Change("/amount", 0, tick.amount),),
        context=Context(channel="web"),
    )
    recorded = format_time(NOON + timedelta(minutes=tick.minute + tick.late))
    return project(event, Place("default", number, recorded))


def world(ticks: Sequence[Tick]) -> list[Indexed]:
    """Return the events of a world in the sequence of times."""
    told = [indexed(tick, number) for number, tick in enumerate(ticks)]
    return sorted(told, key=lambda event: (event.time, event.id))


def as_they_come(ticks: Sequence[Tick]) -> list[Indexed]:
    """Return the events of a world in the sequence in which they come: up to nine minutes late."""
    told = [(tick.minute + tick.late, indexed(tick, number)) for number, tick in enumerate(ticks)]
    return [event for _minute, event in sorted(told, key=lambda one: one[0])]


def detection(name: str, action: str) -> dict[str, Any]:
    """Return a rule about one event."""
    return {
        "title": name,
        "name": name,
        "logsource": {"product": "ordertrail"},
        "detection": {"meant": {"action": action}, "condition": "meant"},
    }


LEGS = [
    detection("cancelled", "order.cancel"),
    detection("opened", "order.read"),
    detection("refunded", "payment.refund"),
]
_NAMES = [leg["name"] for leg in LEGS]
_OPERATORS = st.sampled_from(["gt", "gte", "lt", "lte", "eq", "neq"])
_GROUPS = st.sampled_from([["actor"], ["order"], ["actor", "order"]])
_SPANS = st.sampled_from(["1m", "5m", "15m", "1h"])


@st.composite
def correlations(draw: st.DrawFn) -> Correlation:
    """Draw a correlation of the three legs."""
    kind = draw(
        st.sampled_from(
            ["event_count", "value_count", "value_sum", "value_avg", "temporal", "temporal_ordered"]
        )
    )
    said: dict[str, Any] = {"type": kind, "group-by": draw(_GROUPS), "timespan": draw(_SPANS)}
    said["rules"] = draw(st.lists(st.sampled_from(_NAMES), min_size=2, max_size=3, unique=True))
    number = draw(st.integers(1, 4))
    if kind == "event_count":
        said["condition"] = {draw(_OPERATORS): number}
    elif kind == "value_count":
        said["condition"] = {"field": draw(st.sampled_from(["order", "actor"])), draw(_OPERATORS): number}
    elif kind in {"value_sum", "value_avg"}:
        said["condition"] = {"field": "after.amount", draw(_OPERATORS): number - 2}
    elif kind == "temporal" and draw(st.booleans()):
        said["rules"] = said["rules"][:2]
        one, other = said["rules"]
        said["condition"] = draw(
            st.sampled_from([f"{one} and not {other}", f"{one} or {other}", f"{one} and {other}"])
        )
    rule = {"title": "it", "name": "it", "correlation": said, "custom": {"alert-every": "1h"}}
    return next(one for one in read_rules(yaml.safe_dump_all([*LEGS, rule])) if isinstance(one, Correlation))


def book(rule: Correlation) -> Rulebook:
    """Return the rulebook of a drawn correlation."""
    return Rulebook.of([*read_rules(yaml.safe_dump_all(LEGS)), rule])
