"""A year of trade with breaches whose causes are known: what forecasting is judged by.

Some orders have a trouble of their own: an article runs out, a payment fails and fails again, somebody bargains
about the price. A trouble shows in the order's events, and comes to a breach only where two more things hold, such as a
channel and an amount; most orders that show it are fine, and some breach without any sign. So a rule about one event is
right now and then, and what is right more often has to have learned which things go together::

    year = Year(orders=6_000, seed=7)
    for event in year.events(): ...
    year.troubles["Y-0000042"]      # Trouble.STOCK, and what helps: Trouble.STOCK.remedy

Leaks can be planted, as they come about in real trails: a tag that somebody adds once the end is known (``label``), and
an event that the breach itself writes, a moment before it (``time``).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from heapq import heappop, heappush
from itertools import count
from random import Random

import msgspec

from ordertrail.kernel.clock import parse_time
from ordertrail.record.event import Actor, Change, Event
from ordertrail.testing.fraud.people import (
    APPROVERS,
    CARRIER,
    CLERKS,
    FINANCE,
    PAYMENTS,
    PICKERS,
    SHOP,
    Note,
    Teller,
    money,
    of_line,
    of_order,
    status,
)

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
NEXT = datetime(2027, 1, 1, tzinfo=UTC)
"""When a year begins that comes after one that was learned from."""
DAYS = 365
DAY = 1_440
"""Minutes."""

_LONGEST = timedelta(days=45)
_CHANNELS = ("web", "marketplace", "backoffice", "edi")
_LARGE = 120_000
"""Minor units from which an order is a large one."""


TARGETS = """
[[target]]
name = "cancelled"
title = "It is cancelled"
asked = "action:order.create,order.approve,order.confirm,payment.*,item.*"
ends = "action:shipment.dispatch"
horizon = "30d"
breach = {filter = "action:order.cancel"}
baseline = "action:item.stockout"

[[target.action]]
name = "expedite order"
against = [
  "count action=item.stockout", "last action=item.stockout", "count action=item.reorder", "last action=item.reorder",
]

[[target.action]]
name = "request document"
against = ["count outcome=failed", "last outcome=failed"]

[[target.action]]
name = "require approval"
against = [
  "count action=order.price.change", "last action=order.price.change", "count field=unit_price", "number lowered",
]

[[target]]
name = "changed_after_approval"
title = "Its price is changed after it was approved"
asked = "action:order.approve,order.confirm,item.*"
ends = "action:order.cancel,shipment.dispatch"
horizon = "30d"
breach = {filter = "action:order.price.change"}
baseline = "action:order.price.change"

[[target.action]]
name = "require approval"
against = [
  "count action=order.price.change", "last action=order.price.change", "count field=unit_price", "number lowered",
]

[[target.action]]
name = "expedite order"
against = [
  "count action=item.stockout", "last action=item.stockout", "count action=item.reorder", "last action=item.reorder",
]
"""
"""What is foreseen of the year's orders. The base rules are what somebody would watch who has no model."""


class Trouble(Enum):
    """What is the matter with an order, and which action helps."""

    NONE = ""
    STOCK = "expedite order"
    PAYMENT = "request document"
    BARGAIN = "require approval"

    @property
    def remedy(self) -> str:
        """The action that is right; empty where nothing is the matter."""
        return self.value


@dataclass(slots=True)
class _Order:
    """An order while it is told. ``ripe`` says whether its trouble comes to a breach."""

    name: str
    channel: str
    total: int
    clerk: Actor
    trouble: Trouble
    shown: Trouble
    ripe: bool
    sudden: bool


@dataclass(slots=True)
class Year:
    """A year of so many orders, some ten events each. ``troubles`` is complete once the last event was taken."""

    orders: int
    seed: int = 7
    label_leak: bool = False
    time_leak: bool = False
    begin: datetime = BEGIN
    troubles: dict[str, Trouble] = field(default_factory=dict)

    def events(self) -> Iterator[Event]:
        """Yield the events in the sequence of times."""
        random = Random(self.seed)  # noqa: S311 - a year wants the same numbers every time
        teller, number = Teller(random), count()
        waiting: list[tuple[datetime, int, Event]] = []
        for place in range(self.orders):
            placed = self.begin + timedelta(days=DAYS * (place + random.random()) / self.orders)
            while waiting and waiting[0][0] < placed - _LONGEST:
                yield heappop(waiting)[2]
            for event in self._life(teller, place, placed):
                heappush(waiting, (parse_time(event.time), next(number), event))
        while waiting:
            yield heappop(waiting)[2]

    def _life(self, teller: Teller, place: int, placed: datetime) -> list[Event]:
        order = _drawn(teller.random, place)
        self.troubles[order.name] = order.trouble
        told = list(_told(teller, order, placed, leaks=self.time_leak))
        if self.label_leak and any(event.action == "order.cancel" for event in told):
            told[0] = _tagged(told[0], "lost")
        return told


def _drawn(random: Random, place: int) -> _Order:
    """Draw an order: what it shows, and whether that is what it seems."""
    channel = random.choices(_CHANNELS, (50, 25, 15, 10))[0]
    total = int(10 ** random.uniform(3.3, 6.0))
    shown = random.choices(tuple(Trouble), (64, 16, 12, 8))[0]
    serious = {
        Trouble.NONE: False,
        Trouble.STOCK: channel in {"marketplace", "edi"} or total >= 4 * _LARGE,
        Trouble.PAYMENT: total >= _LARGE,
        Trouble.BARGAIN: channel != "web" and total >= _LARGE // 2,
    }[shown]
    trouble = shown if serious else Trouble.NONE
    ripe = trouble is not Trouble.NONE and random.random() < 0.85
    clerk = random.choice(CLERKS)
    return _Order(f"Y-{place:07}", channel, total, clerk, trouble, shown, ripe, random.random() < 0.01)


def _told(teller: Teller, order: _Order, placed: datetime, *, leaks: bool) -> Iterator[Event]:
    subject, note = of_order(order.name), Note(channel=order.channel)
    created = [Change("/status", after="created"), Change("/total", after=money(order.total))]
    buyer = order.clerk if order.channel == "backoffice" else SHOP
    yield teller.tell(placed, buyer, "order.create", subject, created, note)
    moment = placed
    for event in _payment(teller, order, placed):
        moment = parse_time(event.time)
        yield event
    if order.shown is Trouble.BARGAIN:
        moment = teller.after(moment, 20, 300)
        price = Change("/lines/1/unit_price", money(order.total // 10), money(order.total // 13))
        yield teller.tell(moment, order.clerk, "order.price.change", of_line(order.name), [price])
    moment = teller.after(moment, 60, 600)
    approver = teller.random.choice(APPROVERS)
    yield teller.tell(moment, approver, "order.approve", subject, [status("created", "approved")])
    moment = teller.after(moment, 5, 60)
    yield teller.tell(moment, SHOP, "order.confirm", subject, [status("approved", "confirmed")])
    if order.shown is Trouble.STOCK:
        moment = teller.after(moment, 60, 900)
        yield teller.tell(moment, teller.random.choice(PICKERS), "item.stockout", of_line(order.name))
        moment = teller.after(moment, 30, 300)
        yield teller.tell(moment, SHOP, "item.reorder", of_line(order.name))
    yield from _end(teller, order, moment, leaks=leaks)


def _payment(teller: Teller, order: _Order, placed: datetime) -> Iterator[Event]:
    moment = placed
    if order.shown is Trouble.PAYMENT:
        for _ in range(teller.random.randrange(2, 4)):
            moment = teller.after(moment, 5, 120)
            failed = Note(outcome="failed")
            yield teller.tell(moment, PAYMENTS, "payment.authorize", of_order(order.name), note=failed)
    yield teller.tell(teller.after(moment, 1, 30), PAYMENTS, "payment.authorize", of_order(order.name))


def _end(teller: Teller, order: _Order, moment: datetime, *, leaks: bool) -> Iterator[Event]:
    """Yield how an order ends: cancelled, changed after its approval, or sent, in time or not."""
    subject = of_order(order.name)
    if order.ripe and order.trouble is Trouble.BARGAIN:
        moment = teller.after(moment, DAY, 4 * DAY)
        price = Change("/lines/1/unit_price", money(order.total // 13), money(order.total // 20))
        yield teller.tell(moment, order.clerk, "order.price.change", of_line(order.name), [price])
    elif order.ripe or order.sudden:
        for event in _work(teller, order, moment):
            moment = parse_time(event.time)
            yield event
        moment = teller.after(moment, DAY, 6 * DAY)
        if leaks:
            yield teller.tell(moment - timedelta(milliseconds=5), PAYMENTS, "payment.void", subject)
        cancelled = [status("confirmed", "cancelled")]
        yield teller.tell(moment, order.clerk, "order.cancel", subject, cancelled)
        return
    for event in _work(teller, order, moment):
        moment = parse_time(event.time)
        yield event
    moment = teller.after(moment, 0.2 * DAY, 1.5 * DAY)
    yield teller.tell(moment, CARRIER, "shipment.dispatch", subject, [status("confirmed", "shipped")])
    moment = teller.after(moment, DAY, 3 * DAY)
    yield teller.tell(moment, CARRIER, "shipment.deliver", subject, [status("shipped", "delivered")])
    yield teller.tell(teller.after(moment, 5, 60), SHOP, "order.complete", subject)
    if teller.random.random() < 0.05:
        refunded = Change("/payment/refunded", after=money(order.total // 10))
        finance = teller.random.choice(FINANCE)
        yield teller.tell(teller.after(moment, DAY, 9 * DAY), finance, "payment.refund", subject, [refunded])


def _work(teller: Teller, order: _Order, moment: datetime) -> Iterator[Event]:
    for line in range(1, teller.random.randrange(2, 5)):
        moment = teller.after(moment, 20, 300)
        yield teller.tell(moment, teller.random.choice(PICKERS), "item.pick", of_line(order.name, line))
    moment = teller.after(moment, 1, 30)
    captured = [Change("/captured", after=money(order.total))]
    yield teller.tell(moment, PAYMENTS, "payment.capture", of_order(order.name), captured)


def _tagged(event: Event, tag: str) -> Event:
    assert event.context is not None
    return msgspec.structs.replace(event, context=msgspec.structs.replace(event.context, tags=(tag,)))
