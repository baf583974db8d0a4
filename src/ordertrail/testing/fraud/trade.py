"""What happens all day: orders are placed, approved, paid, picked, shipped, sent back; people sign in and read.

Much of it looks like fraud from afar: prices are lowered a little, refunds follow returns or have a ticket, addresses
are changed by customers, passwords are mistyped. None of it is.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from ordertrail.record.event import Actor, Change, Event, Subject
from ordertrail.testing.fraud.people import (
    APPROVERS,
    CARRIER,
    CLERKS,
    FINANCE,
    PAYMENTS,
    PICKERS,
    PRICING,
    SHOP,
    STAFF,
    Note,
    Teller,
    money,
    of_line,
    of_order,
    status,
)

EVENTS_AN_ORDER = 10
"""Roughly."""

_WEB = Note(channel="web")


def order_events(teller: Teller, number: int, placed: datetime) -> Iterator[Event]:
    """Yield the life of an order, in the sequence of times."""
    order = f"SO-{number:07}"
    if teller.random.random() < 0.3:
        yield from _by_clerk(teller, order, placed)
    else:
        yield from _by_web(teller, order, placed)


def day_events(teller: Teller, midnight: datetime) -> Iterator[Event]:
    """Yield what staff do on a day beside orders: they sign in, some of them at the second try."""
    if midnight.weekday() == 6:
        return
    for actor in STAFF:
        moment = midnight + timedelta(hours=6.5 + 2 * teller.random.random())
        account = Subject("account", actor.id)
        if teller.random.random() < 0.1:
            failed = Note(outcome="failed")
            yield teller.tell(moment, actor, "access.signin.fail", account, note=failed)
            moment = teller.after(moment, 0.2, 1)
        yield teller.tell(moment, actor, "access.signin", account)


def _by_web(teller: Teller, order: str, placed: datetime) -> Iterator[Event]:
    random = teller.random
    customer = Actor(f"customer-{random.randrange(40_000):05}", "person")
    total = random.randrange(1_500, 60_000)
    yield teller.tell(placed, customer, "order.create", of_order(order), _created(total), _WEB)
    if random.random() < 0.1:
        lower = Change("/lines/1/unit_price", money(total), money(total * 9 // 10))
        yield teller.tell(
            teller.after(placed, 0.1, 0.5), PRICING, "order.price.change", of_line(order), [lower]
        )
    moment = teller.after(placed, 0.6, 3)
    if random.random() < 0.03:
        cancelled = teller.after(moment, 5, 60)
        yield teller.tell(moment, PAYMENTS, "payment.authorize", of_order(order))
        yield teller.tell(
            cancelled, customer, "order.cancel", of_order(order), [status("created", "cancelled")], _WEB
        )
        return
    yield teller.tell(moment, PAYMENTS, "payment.authorize", of_order(order))
    if random.random() < 0.03:
        moved = Change("/shipping_address/line1", "Old Street 1", "New Street 2")
        moment = teller.after(moment, 1, 20)
        yield teller.tell(moment, customer, "order.update", of_order(order), [moved], _WEB)
    yield from _fulfilled(teller, order, moment, total, customer)


def _by_clerk(teller: Teller, order: str, placed: datetime) -> Iterator[Event]:
    random = teller.random
    clerk = random.choice(CLERKS)
    placed = working(placed, random.random())
    total = random.randrange(5_000, 700_000)
    yield teller.tell(placed, clerk, "order.create", of_order(order), _created(total))
    moment = placed
    if random.random() < 0.15:
        moment = teller.after(moment, 2, 10)
        lower = Change("/lines/1/unit_price", money(9_000), money(9_000 * random.randrange(85, 99) // 100))
        note = Note(reason="agreed with the customer")
        yield teller.tell(moment, clerk, "order.price.change", of_line(order), [lower], note)
    if random.random() < 0.08:
        moment = teller.after(moment, 2, 10)
        changed = Change("/lines/1/quantity", 10, random.choice([8, 9, 11, 12, 20]))
        yield teller.tell(moment, clerk, "order.quantity.change", of_line(order), [changed])
    moment = teller.after(moment, 3, 30)
    approver = random.choice(APPROVERS)
    yield teller.tell(teller.after(moment, -2, -1), approver, "order.read", of_order(order))
    yield teller.tell(moment, approver, "order.approve", of_order(order), [status("created", "approved")])
    if random.random() < 0.015:
        moment = teller.after(moment, 2, 30)
        cancelled = [status("approved", "cancelled")]
        yield teller.tell(moment, clerk, "order.cancel", of_order(order), cancelled)
        return
    if random.random() < 0.01:
        moment = teller.after(moment, 2, 30)
        moved = Change("/shipping_address/line1", "Old Street 1", "New Street 2")
        note = Note(ticket=f"HD-{random.randrange(99_999)}")
        yield teller.tell(moment, clerk, "order.update", of_order(order), [moved], note)
    yield from _fulfilled(teller, order, moment, total, clerk)


def _fulfilled(teller: Teller, order: str, moment: datetime, total: int, buyer: Actor) -> Iterator[Event]:
    random = teller.random
    subject = of_order(order)
    moment = teller.after(moment, 2, 10)
    yield teller.tell(moment, SHOP, "order.confirm", subject, [status("created", "confirmed")])
    for line in range(1, random.randrange(2, 4)):
        moment = teller.after(moment, 4, 20)
        yield teller.tell(moment, random.choice(PICKERS), "item.pick", of_line(order, line))
    moment = teller.after(moment, 1, 5)
    yield teller.tell(moment, PAYMENTS, "payment.capture", subject, [Change("/captured", after=money(total))])
    moment = teller.after(moment, 5, 30)
    yield teller.tell(moment, CARRIER, "shipment.dispatch", subject, [status("confirmed", "shipped")])
    reader = random.choice(CLERKS)
    moment = teller.after(moment, 60, 300)
    if random.random() < 0.7:
        yield teller.tell(moment, reader, "order.read", subject)
    moment = teller.after(moment, 600, 3_000)
    yield teller.tell(moment, CARRIER, "shipment.deliver", subject, [status("shipped", "delivered")])
    moment = teller.after(moment, 5, 10)
    yield teller.tell(moment, SHOP, "order.complete", subject, [status("delivered", "completed")])
    yield from _afterwards(teller, order, moment, total, buyer)


def _afterwards(teller: Teller, order: str, moment: datetime, total: int, buyer: Actor) -> Iterator[Event]:
    random = teller.random
    subject = of_order(order)
    fate = random.random()
    refunded = Change("/payment/refunded", after=money(total))
    finance = random.choice(FINANCE)
    if fate < 0.05:
        moment = teller.after(moment, 1_000, 8_000)
        yield teller.tell(moment, buyer, "return.create", subject, note=_WEB)
        moment = teller.after(moment, 2_000, 6_000)
        yield teller.tell(moment, random.choice(PICKERS), "return.receive", subject)
        moment = working(teller.after(moment, 60, 600), random.random())
        yield teller.tell(moment, finance, "payment.refund", subject, [refunded])
    elif fate < 0.06:
        moment = working(teller.after(moment, 1_000, 5_000), random.random())
        note = Note(ticket=f"HD-{random.randrange(99_999)}", reason="goodwill")
        part = Change("/payment/refunded", after=money(total // 10))
        yield teller.tell(moment, finance, "payment.refund", subject, [part], note)
    elif fate < 0.061:
        moment = working(teller.after(moment, 1_000, 5_000), random.random())
        note = Note(ticket=f"HD-{random.randrange(99_999)}", reason="delivered to the neighbour")
        back = [status("completed", "confirmed")]
        yield teller.tell(moment, random.choice(APPROVERS), "order.status.revert", subject, back, note)


def _created(total: int) -> list[Change]:
    return [
        Change("/status", after="created"),
        Change("/total", after=money(total)),
        Change("/lines/1/quantity", after=10),
        Change("/lines/1/unit_price", after=money(total // 10)),
    ]


def working(moment: datetime, part: float) -> datetime:
    """Return a moment of a working day, from 7 to 15 o'clock, not before this one's day; ``part`` says when."""
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    here = midnight + timedelta(seconds=int((7 + 8 * part) * 3_600))
    if here < moment:
        here += timedelta(days=1)
    while here.weekday() > 4:
        here += timedelta(days=1)
    return here
