"""A trail that is told by a generator: the n-th entry is always the same, and nothing of it is kept.

Its orders, actors and words are skewed as in a shop: a few clerks and services do most, most orders have a dozen
events, more than a quarter of the events are readings.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from ordertrail.kernel.clock import format_time
from ordertrail.ledger.entry import Link, format_entry
from ordertrail.ledger.ports import EntryRow
from ordertrail.record.encoding import encode
from ordertrail.record.event import Actor, Cause, Change, Context, Event, Subject
from ordertrail.record.event import Link as Elsewhere

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
YEARS = timedelta(days=3 * 365)
EVENTS_AN_ORDER = 12
EVERY = 9_460_800
"""Microseconds between two events: ten million are three years."""
_ACTIONS = (
    ("order.read", 28), ("order.update", 15), ("order.approve", 2), ("order.status.change", 20),
    ("order.line.update", 10),
    ("shipment.update", 8), ("payment.capture", 6), ("order.price.change", 4), ("order.cancel", 2),
    ("payment.refund", 1), ("order.status.revert", 1),
)  # fmt: skip
_REASONS = (
    "customer called",
    "price match promised",
    "wrong address",
    "duplicate",
    "damaged in transit",
    None,
    None,
)
_CHANNELS = ("web", "web", "web", "edi", "marketplace", "backoffice")


class Generated:
    """Implements :class:`ordertrail.query.ports.LogReader`: the n-th entry is always the same."""

    def __init__(self, events: int) -> None:
        self.events = events

    def size(self, stream: str) -> int:
        """See the port."""
        del stream
        return self.events

    def rows(self, stream: str, start: int, end: int) -> Iterator[EntryRow]:
        """See the port."""
        del stream
        for index in range(start, end):
            event = event_of(index)
            link = Link(index // 997 + 1, bytes(32))
            entry = format_entry(encode(event), index, event.time, bytes(32), link)
            yield EntryRow(index, bytes(16), None, 0, bytes(32), bytes(32), entry)


def event_of(index: int) -> Event:
    """Return the n-th event; ten orders are worked on at a time, and time goes on by 9 seconds and a bit an event."""
    draw = random.Random(index)  # noqa: S311 - the same trail each time
    order = f"SO-{100_000 + index // (10 * EVENTS_AN_ORDER) * 10 + draw.randrange(10)}"
    action = draw.choices([name for name, _ in _ACTIONS], [weight for _, weight in _ACTIONS])[0]
    if index % (10 * EVENTS_AN_ORDER) < 10:
        action = "order.create"
        order = f"SO-{100_000 + index // (10 * EVENTS_AN_ORDER) * 10 + index % 10}"
    clerk = int(draw.paretovariate(0.7)) % 2_000
    actor = Actor(f"clerk-{clerk}", "person", ("order.editor",), None, f"s-{clerk}-{index // 2_000}")
    price = draw.randrange(1_000, 200_000)
    return Event(
        id=_id(index),
        time=format_time(NOW - YEARS + timedelta(microseconds=index * EVERY)),
        action=action,
        actor=actor if draw.random() < 0.7 else Actor(f"service-{draw.randrange(12)}", "service"),
        subject=Subject("order", order, order),
        outcome="denied" if draw.random() < 0.01 else "success",
        changes=_changes(action, price, draw),
        context=Context(
            ip=f"10.20.{clerk % 250}.{clerk % 199}", request=f"r-{index // 3:09x}", reason=draw.choice(_REASONS),
            channel=draw.choice(_CHANNELS), source="oms",
        ),
        cause=Cause("event", _id(index - draw.randrange(1, 9))) if index > 9 and draw.random() < 0.2 else None,
        links=(Elsewhere("stripe", "payment_intent", f"pi_{index:09x}"),) if action.startswith("payment") else (),
    )  # fmt: skip


def _id(index: int) -> str:
    return f"01935f6e-9c1a-7cc2-b0a5-{index:012x}"


def _changes(action: str, price: int, draw: random.Random) -> tuple[Change, ...]:
    money = {"amount": price, "currency": "EUR"}
    match action:
        case "order.create":
            return Change("/status", after="received"), Change("/total", after=money)
        case "order.price.change":
            before = {"amount": draw.randrange(1_000, 200_000), "currency": "EUR"}
            return (Change("/lines/1/unit_price", before, money),)
        case "order.status.change":
            return (Change("/status", "received", draw.choice(["accepted", "processing", "fulfilled"])),)
        case "order.cancel":
            return (Change("/status", "accepted", "cancelled"),)
        case "order.update" | "order.line.update":
            return (Change("/note", after=f"gate {price}"),)
        case _:
            return ()
