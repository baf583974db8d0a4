"""Two days in the life of a small shop, as the JSON lines that ``ordertrail record`` takes.

:func:`order_story` tells what happened to some orders from Friday 20 November 2026, 06:00 UTC, on.
They come in through a web shop, a marketplace, EDI and the back office, in euro, pounds, yen and
Kuwaiti dinar; people with roles and services create, price, approve, confirm, pay, pick, ship and
deliver them. Each order has a fate; the fates follow each other in a fixed cycle of twenty:

============= =================================================================================
plain         placed, paid, shipped, delivered, completed
promotion     the pricing service lowers a price before payment, as it should
fraud         after approval, clerk ``t.varga`` lowers a unit price by 40 %: "customer called"
stockout      an item is missing: hold, reorder, release
night         placed in the evening; ``p.novak`` cancels all of these within minutes, past 2 a.m.
declined      the first payment authorization fails
misdelivered  the first delivery fails
refund        finance refunds a part after delivery
return        the customer sends it back, the warehouse receives it, finance refunds it all
revert        ``l.brandt`` tries to set a delivered order back (denied); a supervisor does it
============= =================================================================================

Besides, the marketplace's connection is down on the second day from 13:00 to 13:40: each of its tries
is an event with the outcome ``failed``. The same arguments tell the same story to the byte, ids
included: a UUIDv7's milliseconds and fraction are the event's own time, its random bits are drawn
from the seed. Worked example::

    >>> next(order_story())[:101]
    b'{"id":"01a1f7b3-bded-7add-9e62-8356012664f6","time":"2026-11-20T06:45:14.349679Z","action":"order.cre'

Money is in minor units, times are RFC 3339 in UTC with six digits of fraction and ``Z``.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import orjson

from ordertrail.kernel.clock import format_time

_OPENING = datetime(2026, 11, 20, 6, tzinfo=UTC)
_NIGHT = _OPENING + timedelta(hours=20, minutes=11)
_OUTAGE = _OPENING + timedelta(days=1, hours=7)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_FATES = (
    "plain", "promotion", "fraud", "night", "return", "plain", "stockout", "night", "revert", "refund",
    "night", "plain", "fraud", "declined", "night", "plain", "misdelivered", "night", "plain", "return",
)  # fmt: skip
_TROUBLE = frozenset({"fraud", "night", "revert"})
_CHANNELS = ("web", "edi", "marketplace", "web", "backoffice", "web", "marketplace", "edi")
_CURRENCIES = {
    "web": ("EUR", "GBP", "EUR"),
    "marketplace": ("EUR", "GBP"),
    "edi": ("JPY", "KWD", "EUR"),
    "backoffice": ("EUR", "KWD", "GBP", "JPY"),
}
_MINOR_UNITS_PER_EURO_CENT = {"EUR": (1, 1), "GBP": (17, 20), "JPY": (8, 5), "KWD": (33, 10)}
_ARTICLES = (
    ("CHAIR-OAK", 12000), ("DESK-ASH", 38900), ("LAMP-BRASS", 7450), ("SHELF-PINE", 15990),
    ("STOOL-BEECH", 5490), ("RUG-WOOL", 24900), ("MIRROR-ROUND", 9900), ("SOFA-LINEN", 89900),
)  # fmt: skip


def _person(identity: str, *roles: str) -> dict[str, Any]:
    return {"id": identity, "kind": "person", "roles": list(roles)}


_CLERKS = (_person("m.okafor", "order.editor"), _person("j.lindqvist", "order.editor"))
_VARGA = _person("t.varga", "order.editor")
_NOVAK = _person("p.novak", "order.editor")
_BRANDT = _person("l.brandt", "order.viewer")
_DELGADO = _person("a.delgado", "order.approver", "supervisor")
_BANERJEE = _person("r.banerjee", "finance")
_SATO = _person("k.sato", "warehouse")
_PAYMENTS = {"id": "payment-gateway", "kind": "service"}
_PRICING = {"id": "pricing-service", "kind": "service"}
_CARRIER = {"id": "carrier-sync", "kind": "service"}
_MARKETPLACE = {"id": "marketplace-sync", "kind": "service"}
_EDI = {"id": "edi-gateway", "kind": "service"}
_SCHEDULER = {"id": "scheduler", "kind": "system"}

_ADDRESSES = {
    "m.okafor": "10.20.1.14", "j.lindqvist": "10.20.1.17", "t.varga": "10.20.1.23",
    "p.novak": "198.51.100.77", "l.brandt": "10.20.1.31", "a.delgado": "10.20.1.5",
    "r.banerjee": "10.20.2.8", "k.sato": "10.20.9.2",
    "payment-gateway": "10.30.0.4", "pricing-service": "10.30.0.7", "carrier-sync": "10.30.0.9",
    "marketplace-sync": "10.30.0.11", "edi-gateway": "10.30.0.12", "scheduler": "10.30.0.2",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Line:
    article: str
    quantity: int
    price: int


@dataclass(frozen=True, slots=True)
class _Order:
    """What an order is before anything happens to it."""

    number: str
    fate: str
    channel: str
    currency: str
    customer: str
    lines: tuple[_Line, ...]
    placed: datetime

    @property
    def total(self) -> int:
        return sum(line.quantity * line.price for line in self.lines)

    @property
    def intent(self) -> dict[str, Any]:
        return {"system": "stripe", "kind": "payment_intent", "id": f"pi_3S{self.number[3:]}Qk"}

    @property
    def tracking(self) -> dict[str, Any]:
        return {"system": "dhl", "kind": "tracking_number", "id": f"00340434{self.number[3:]}0017"}

    def money(self, amount: int) -> dict[str, Any]:
        return {"amount": amount, "currency": self.currency}


def order_story(orders: int = 40, seed: int = 7, *, calm: bool = False) -> Iterator[bytes]:
    """Yield the story's events in the sequence of their times, one JSON object each, without line ends.

    ``orders`` is how many orders are placed, at least 1; ``seed`` varies customers, articles and times. In a ``calm``
    story nobody does what they should not, and nothing is down: those orders are plain ones.
    """
    if orders < 1:
        raise ValueError("a story needs at least one order")
    teller = _Teller(Random(seed))  # noqa: S311 a story wants the same numbers every time, not secret ones
    placed = [_draw_order(teller.random, at) for at in range(orders)]
    if calm:
        placed = [replace(order, fate="plain") if order.fate in _TROUBLE else order for order in placed]
    for order in placed:
        _tell_order(teller, order)
    _tell_night(teller, [order for order in placed if order.fate == "night"])
    if not calm:
        _tell_outage(teller)
    yield from teller.lines()


class _Teller:
    """Collects events in any sequence; writes them in the sequence of their times."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self._events: list[tuple[datetime, dict[str, Any]]] = []

    def after(self, moment: datetime, shortest: float, longest: float) -> datetime:
        """Return a moment some minutes later, down to the microsecond."""
        return moment + timedelta(microseconds=round(self.random.uniform(shortest, longest) * 60_000_000))

    def tell(  # noqa: PLR0913 an event has this many parts
        self,
        moment: datetime,
        actor: dict[str, Any],
        action: str,
        order: _Order,
        *changes: dict[str, Any],
        line: int = 0,
        outcome: str = "success",
        links: tuple[dict[str, Any], ...] = (),
        **context: Any,
    ) -> None:
        """Add one event about an order or, with ``line``, about one of its lines."""
        subject = {"kind": "order", "id": order.number, "order": order.number, "tenant": "main"}
        if line:
            subject |= {"kind": "order_line", "id": f"{order.number}/{line}"}
        address = _ADDRESSES.get(actor["id"]) or f"203.0.113.{int(actor['id'][-3:]) % 254 + 1}"
        event = {
            "action": action,
            "outcome": outcome,
            "actor": actor,
            "subject": subject,
            "changes": list(changes),
            "context": {
                "ip": address,
                "request": f"r-{self.random.getrandbits(32):08x}",
                "channel": order.channel,
            }
            | context,
            "links": list(links),
        }
        self._events.append((moment, {name: value for name, value in event.items() if value}))

    def lines(self) -> Iterator[bytes]:
        """Yield the events as JSON, each with the id that its time and the seed give it."""
        for moment, event in sorted(self._events, key=lambda told: told[0]):
            yield orjson.dumps({"id": self._id(moment), "time": format_time(moment)} | event)

    def _id(self, moment: datetime) -> str:
        milliseconds, rest = divmod((moment - _EPOCH) // timedelta(microseconds=1), 1000)
        fraction = (rest << 12) // 1000
        bits = milliseconds << 80 | 7 << 76 | fraction << 64 | 2 << 62 | self.random.getrandbits(62)
        text = f"{bits:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _draw_order(random: Random, at: int) -> _Order:
    fate = _FATES[at % len(_FATES)]
    channel = _CHANNELS[at % len(_CHANNELS)]
    if fate == "fraud":
        channel = "backoffice"
    elif fate == "night":
        channel = "web"
    choices = _CURRENCIES[channel]
    currency = choices[at // 2 % len(choices)]
    factor, divisor = _MINOR_UNITS_PER_EURO_CENT[currency]
    lines = tuple(
        _Line(article, random.randint(1, 6), price * factor // divisor)
        for article, price in random.sample(_ARTICLES, random.randint(1, 3))
    )
    hours = {"night": (11.5, 16.0), "return": (0.0, 3.0), "revert": (0.5, 4.0)}.get(fate, (0.0, 13.0))
    placed = _OPENING + timedelta(microseconds=round(random.uniform(*hours) * 3_600_000_000))
    if fate in ("plain", "promotion", "stockout") and at % 3 == 0:
        placed += timedelta(days=1) if placed < _OPENING + timedelta(hours=7) else timedelta()
    return _Order(
        f"SO-{5001 + at}", fate, channel, currency, f"customer-{random.randint(3000, 3999)}", lines, placed
    )


def _tell_order(teller: _Teller, order: _Order) -> None:
    """Tell an order's own story; what befalls many orders at once is told elsewhere."""
    clerk = _CLERKS[int(order.number[3:]) % len(_CLERKS)]
    moment, status = _tell_creation(teller, order, clerk), "created"
    if order.fate == "promotion":
        reason = "black friday promotion"
        order = _change_price(teller, order, teller.after(moment, 0.1, 0.4), _PRICING, 90, reason=reason)
    moment = _tell_payment(teller, order, teller.after(moment, 0.5, 3))
    if order.fate == "night":
        return
    if order.channel in ("edi", "backoffice"):
        teller.tell(teller.after(moment, 1, 5), clerk, "order.submit", order, _status("created", "submitted"))
        moment = teller.after(moment, 10, 45)
        status = "approved"
        teller.tell(teller.after(moment, -3, -1), _DELGADO, "order.read", order)
        teller.tell(moment, _DELGADO, "order.approve", order, _status("submitted", status))
    if order.fate == "fraud":
        moment = teller.after(moment, 8, 30)
        teller.tell(teller.after(moment, -4, -1), _VARGA, "order.read", order)
        order = _change_price(teller, order, moment, _VARGA, 60, reason="customer called")
        clerk = _VARGA
    moment = teller.after(moment, 5, 25)
    teller.tell(moment, clerk, "order.confirm", order, _status(status, "confirmed"))
    moment = _tell_warehouse(teller, order, moment)
    moment = _tell_delivery(teller, order, moment)
    _tell_aftermath(teller, order, moment)


def _tell_creation(teller: _Teller, order: _Order, clerk: dict[str, Any]) -> datetime:
    changes = [_status(None, "created"), {"path": "/total", "after": order.money(order.total)}]
    for number, line in enumerate(order.lines, 1):
        changes += [
            {"path": f"/lines/{number}/article", "after": line.article},
            {"path": f"/lines/{number}/quantity", "after": line.quantity},
            {"path": f"/lines/{number}/unit_price", "after": order.money(line.price)},
        ]
    customer = {"id": order.customer, "kind": "person"}
    actor = {"web": customer, "marketplace": _MARKETPLACE, "edi": _EDI, "backoffice": clerk}[order.channel]
    numbers = {"marketplace": ("bazaar", "order_number", f"BZ-77{order.number[3:]}"),
               "edi": ("edi", "message", f"ORDERS-{order.number[3:]}-1")}  # fmt: skip
    links = [{"system": "crm", "kind": "customer", "id": order.customer}]
    if order.channel in numbers:
        links.append(dict(zip(("system", "kind", "id"), numbers[order.channel], strict=True)))
    teller.tell(order.placed, actor, "order.create", order, *changes, links=tuple(links))
    return order.placed


def _tell_payment(teller: _Teller, order: _Order, moment: datetime) -> datetime:
    amount = {"path": "/payment/authorized", "after": order.money(order.total)}
    if order.fate == "declined":
        teller.tell(
            moment, _PAYMENTS, "payment.authorize", order,
            outcome="failed", links=(order.intent,), reason="card_declined: insufficient funds",
        )  # fmt: skip
        moment = teller.after(moment, 3, 12)
    teller.tell(moment, _PAYMENTS, "payment.authorize", order, amount, links=(order.intent,))
    return moment


def _change_price(
    teller: _Teller, order: _Order, moment: datetime, actor: dict[str, Any], percent: int, **context: Any
) -> _Order:
    """Lower the first line's price to so many percent of it; return the order as it is from then on."""
    line = order.lines[0]
    lower = replace(line, price=line.price * percent // 100)
    path = "/lines/1/unit_price"
    change = {"path": path, "before": order.money(line.price), "after": order.money(lower.price)}
    teller.tell(moment, actor, "order.price.change", order, change, line=1, **context)
    return replace(order, lines=(lower, *order.lines[1:]))


def _tell_warehouse(teller: _Teller, order: _Order, moment: datetime) -> datetime:
    if order.fate == "stockout":
        moment = teller.after(moment, 15, 40)
        teller.tell(moment, _SATO, "item.stockout", order, line=1, reason="bin empty")
        teller.tell(teller.after(moment, 1, 3), _SCHEDULER, "order.hold", order, _status("confirmed", "held"))
        teller.tell(teller.after(moment, 4, 9), _SATO, "item.reorder", order, line=1)
        moment = teller.after(moment, 120, 240)
        teller.tell(moment, _SCHEDULER, "order.release", order, _status("held", "confirmed"))
    for number in range(1, len(order.lines) + 1):
        moment = teller.after(moment, 6, 25)
        teller.tell(moment, _SATO, "item.pick", order, line=number)
    captured = {"path": "/payment/captured", "after": order.money(order.total)}
    teller.tell(
        teller.after(moment, 1, 3), _PAYMENTS, "payment.capture", order, captured, links=(order.intent,)
    )
    moment = teller.after(moment, 4, 12)
    teller.tell(moment, _SATO, "shipment.create", order, links=(order.tracking,))
    moment = teller.after(moment, 20, 60)
    change = _status("confirmed", "shipped")
    teller.tell(moment, _CARRIER, "shipment.dispatch", order, change, links=(order.tracking,))
    return moment


def _tell_delivery(teller: _Teller, order: _Order, moment: datetime) -> datetime:
    moment = teller.after(moment, 180, 420)
    if order.fate == "misdelivered":
        teller.tell(
            moment, _CARRIER, "shipment.fail", order,
            outcome="failed", links=(order.tracking,), reason="nobody at home",
        )  # fmt: skip
        moment = teller.after(moment, 120, 240)
    teller.tell(
        moment, _CARRIER, "shipment.deliver", order, _status("shipped", "delivered"), links=(order.tracking,)
    )
    teller.tell(
        teller.after(moment, 5, 15), _SCHEDULER, "order.complete", order, _status("delivered", "completed")
    )
    return moment


def _tell_aftermath(teller: _Teller, order: _Order, moment: datetime) -> None:
    """Tell what follows a delivery: refunds, returns, and status reversions."""
    customer = {"id": order.customer, "kind": "person"}
    moment = teller.after(moment, 20, 90)
    if order.fate == "refund":
        part = order.lines[0].price
        _refund(teller, order, moment, part, reason="scratched on arrival")
    elif order.fate == "return":
        teller.tell(moment, customer, "return.create", order, line=1, reason="does not fit")
        moment = teller.after(moment, 240, 480)
        teller.tell(moment, _SATO, "return.receive", order, line=1, links=(order.tracking,))
        _refund(teller, order, teller.after(moment, 20, 60), order.total, reason="returned complete")
    elif order.fate == "revert":
        back = _status("completed", "confirmed")
        for attempt in range(3):
            moment = teller.after(moment, 1, 3)
            teller.tell(
                moment, _BRANDT, "order.status.revert", order, back,
                outcome="denied", reason=f"role order.viewer may not revert (attempt {attempt + 1})",
            )  # fmt: skip
        teller.tell(
            teller.after(moment, 30, 60), _DELGADO, "order.status.revert", order, back,
            reason="delivered to the neighbour, customer disputes", ticket="HD-2291",
        )  # fmt: skip


def _refund(teller: _Teller, order: _Order, moment: datetime, amount: int, **context: Any) -> None:
    change = {"path": "/payment/refunded", "after": order.money(amount)}
    teller.tell(moment, _BANERJEE, "payment.refund", order, change, links=(order.intent,), **context)


def _tell_night(teller: _Teller, orders: list[_Order]) -> None:
    """One user cancels order after order at night, seconds apart, from an address never seen before."""
    moment = _NIGHT
    for order in sorted(orders, key=lambda order: order.placed):
        moment = teller.after(moment, 0.3, 0.7)
        change = _status("created", "cancelled")
        teller.tell(moment, _NOVAK, "order.cancel", order, change, channel="backoffice", reason="duplicate")
        change = {"path": "/payment/authorized", "before": order.money(order.total)}
        teller.tell(
            teller.after(moment, 0.05, 0.2), _PAYMENTS, "payment.void", order, change, links=(order.intent,)
        )


def _tell_outage(teller: _Teller) -> None:
    """The marketplace cannot be reached; its waiting order is tried again and again, then arrives."""
    order = _Order(
        "SO-4999", "plain", "marketplace", "EUR", "customer-3500", (_Line("LAMP-BRASS", 2, 7450),), _OUTAGE
    )
    link = ({"system": "bazaar", "kind": "order_number", "id": "BZ-774999"},)
    moment, attempts = _OUTAGE, 8
    for attempt in range(1, attempts + 1):
        teller.tell(
            moment, _MARKETPLACE, "order.create", order,
            outcome="failed", links=link, reason=f"channel answered 503 (attempt {attempt})",
        )  # fmt: skip
        moment = teller.after(moment, 4, 5)
    teller.tell(
        moment, _MARKETPLACE, "transfer.fail", order, outcome="failed", links=link, tags=["dead-letter"]
    )
    _tell_order(teller, replace(order, placed=teller.after(moment, 6, 9)))


def _status(before: str | None, after: str) -> dict[str, Any]:
    change: dict[str, Any] = {"path": "/status"}
    if before is not None:
        change["before"] = before
    return change | {"after": after}
