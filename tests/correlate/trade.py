"""A month of trade with known truth: orders, what gateways and carriers sent of them, and what is wrong with which.

Everything comes as documents of real providers: Stripe events and lists, Adyen notifications, PayPal webhooks, EasyPost
trackers, UPS Track Alerts, AfterShip webhooks. Some are lost (and found in the log that is polled the next day), late,
sent twice, and out of sequence; some payments name no order. The same seed tells the same month.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, ClassVar

from ordertrail.correlate.facts import Thing
from ordertrail.correlate.reconciling.rules import Kind
from ordertrail.intake.delivery import Delivery, Source, Way
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.money import Money
from ordertrail.orders.amounts import Rounding, RoundingMode, RoundingScope, Totals
from ordertrail.orders.fulfilment import Fulfilment
from ordertrail.orders.lines import Item, Line, Quantities
from ordertrail.orders.model import Order
from ordertrail.orders.party import Party
from ordertrail.orders.payment import Payment, Transaction, TransactionKind, TransactionStatus
from ordertrail.orders.returns import Return
from ordertrail.orders.statuses import FulfilmentStatus, OrderStatus, PaymentStatus, ReturnStatus

BEGIN = datetime(2026, 10, 1, tzinfo=UTC)
END = datetime(2026, 12, 15, tzinfo=UTC)
"""When the books are held together: everything that will come has come."""
_SECONDS = 30 * 86_400
WRONG: tuple[Kind, ...] = tuple(Kind)
"""What may be wrong with an order: each rule has its share."""


@dataclass(slots=True)
class Trade:
    """What was made, and the truth about it."""

    orders: list[Order] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    links: dict[Thing, str] = field(default_factory=dict)
    nameless: set[Thing] = field(default_factory=set)
    """Payments that say nothing by which their order could be known for certain."""
    wrong: set[tuple[str, Kind]] = field(default_factory=set)
    captured: dict[tuple[str, str], int] = field(default_factory=dict)
    """What gateways took, by system and currency."""


@dataclass(slots=True)
class _Sale:
    """One order on its way through the month."""

    number: int
    random: Random
    name: str
    order_id: str
    gateway: str
    carrier: str
    currency: str
    total: int
    placed: datetime
    wrong: Kind | None
    names_order: bool
    knows_payment: bool
    payment: str = ""
    parcel: str = ""
    sent: list[tuple[str, datetime, dict[str, Any]]] = field(default_factory=list)
    polled: list[dict[str, Any]] = field(default_factory=list)


def trade(orders: int, seed: int = 9, share: float = 0.03, nameless: float = 0.003) -> Trade:
    """Make a month of so many orders; ``share`` have something wrong with them, ``nameless`` payments name none."""
    random = Random(seed)
    made = Trade()
    for number in range(orders):
        sale = _sale(number, random, share, nameless)
        made.orders.append(_live(sale, made))
        made.deliveries.extend(_delivered(sale, random))
    made.deliveries.sort(key=lambda one: one.received)
    return made


def _sale(number: int, random: Random, share: float, unnamed: float) -> _Sale:
    wrong = WRONG[number % len(WRONG)] if random.random() < share else None
    shop = random.choice(("north", "south"))
    # Numbers of the two shops overlap: an order's name is not enough for a few of them.
    name = f"{'N' if shop == 'north' and number % 50 else ''}{10_000 + number // (1 if number % 50 else 2)}"
    gateway = random.choices(("stripe", "adyen", "paypal"), (5, 3, 2))[0]
    currency = random.choices(("EUR", "USD", "JPY"), (6, 3, 1))[0]
    # A payment that names no order and is of another amount too is known by nobody, whoever looks.
    nameless = random.random() < unnamed and wrong not in {Kind.CAPTURE_DIFFERS, Kind.CURRENCY_MISMATCH}
    names_order = not nameless and (random.random() < 0.8 or number % 50 == 0)
    return _Sale(
        number=number,
        random=random,
        name=name,
        order_id=f"web:{shop}:{5_000_000_000 + number}",
        gateway=gateway,
        carrier=random.choice(("easypost", "ups", "aftership")),
        currency=currency,
        total=random.choice((1990, 2990, 4990, 9900)) if nameless else random.randrange(500, 60_000),
        placed=BEGIN + timedelta(seconds=random.randrange(_SECONDS)),
        wrong=wrong,
        names_order=names_order,
        knows_payment=not nameless and (not names_order or number % 50 == 0 or random.random() < 0.7),
    )


def _live(sale: _Sale, made: Trade) -> Order:
    """Tell an order's life to its gateway and its carrier, and return it as we have it in the end."""
    random, placed = sale.random, sale.placed
    paid = placed + timedelta(seconds=random.randrange(5, 900))
    wrong = sale.wrong
    cancelled: datetime | None = None
    returns: tuple[Return, ...] = ()
    fate = random.random()
    is_cancelled = wrong in {
        Kind.CAPTURED_AFTER_CANCELLATION,
        Kind.CANCELLED_NOT_REFUNDED,
        Kind.SHIPPED_AFTER_CANCELLATION,
    } or (wrong is None and fate < 0.04)
    is_returned = wrong is None and 0.04 <= fate < 0.08
    takes = wrong not in {Kind.DELIVERED_UNPAID, Kind.CAPTURE_UNCONFIRMED}
    if is_cancelled:
        cancelled = placed + timedelta(hours=random.randrange(2, 10))
    gateway = _GATEWAYS[sale.gateway](sale)
    made.links[gateway.thing] = sale.order_id
    if not (sale.names_order or sale.knows_payment):
        made.nameless.add(gateway.thing)
    kept = _take(sale, gateway, paid, cancelled, made) if takes else 0
    if (
        is_cancelled
        and wrong is not Kind.CANCELLED_NOT_REFUNDED
        and wrong is not Kind.CAPTURED_AFTER_CANCELLATION
    ):
        assert cancelled is not None
        gateway.refund(cancelled + timedelta(days=random.randrange(1, 6)), kept)
    ships = (
        not is_cancelled or wrong is Kind.SHIPPED_AFTER_CANCELLATION
    ) and wrong is not Kind.PAID_NOT_SHIPPED
    shipped = (cancelled or placed) + timedelta(hours=random.randrange(12, 60))
    arrived = shipped + timedelta(hours=random.randrange(20, 120))
    if ships:
        _ship(sale, shipped, arrived, made)
    if is_returned:
        back = random.choice((kept, max(1, kept // 3)))
        gateway.refund(arrived + timedelta(days=6), back)
        returns = (Return(id="R1", status=ReturnStatus.REFUNDED, refund=Money(back, sale.currency)),)
    if wrong is Kind.REFUND_UNFOUNDED:
        gateway.refund(arrived + timedelta(days=2), kept // 2)
    elif wrong is Kind.REFUND_EXCEEDS:
        gateway.refund(arrived + timedelta(days=2), kept)
        gateway.refund(arrived + timedelta(days=3), kept // 2)
        returns = (Return(id="R1", status=ReturnStatus.REFUNDED),)
    elif wrong is Kind.DISPUTE_AFTER_DELIVERY:
        gateway.dispute(arrived + timedelta(days=5), kept)
    if wrong is not None:
        made.wrong.add((sale.order_id, wrong))
    if not sale.sent or not any(system == sale.gateway for system, _, _ in sale.sent):
        made.links.pop(gateway.thing, None)
        made.nameless.discard(gateway.thing)
    return _order(sale, cancelled, returns, shipped if ships else None)


def _take(sale: _Sale, gateway: "_Gateway", paid: datetime, cancelled: datetime | None, made: Trade) -> int:
    """Have the money taken, as it should be or not; return what was."""
    amount, currency = sale.total, sale.currency
    if sale.wrong is Kind.CURRENCY_MISMATCH:
        currency = {"EUR": "USD", "USD": "EUR", "JPY": "USD"}[currency]
    elif sale.wrong is Kind.CAPTURE_DIFFERS:
        amount += sale.random.choice((-1, 1, 250, -amount // 2))
    when = paid
    if sale.wrong is Kind.CAPTURED_AFTER_CANCELLATION and cancelled is not None:
        when = cancelled + timedelta(hours=5)
    gateway.capture(when, amount, currency)
    taken = amount
    if sale.wrong is Kind.DOUBLE_CAPTURE:
        gateway.capture(when + timedelta(minutes=2), amount, currency)
        taken += amount
    place = (sale.gateway, currency)
    made.captured[place] = made.captured.get(place, 0) + taken
    return amount


def _ship(sale: _Sale, shipped: datetime, arrived: datetime, made: Trade) -> None:
    carrier = _CARRIERS[sale.carrier]
    sale.parcel = carrier.number(sale)
    made.links[Thing(sale.carrier, "main", "parcel", sale.parcel)] = sale.order_id
    carrier.tell(sale, "label", shipped - timedelta(hours=3))
    carrier.tell(sale, "moving", shipped)
    if sale.wrong is not Kind.CARRIER_SILENCE:
        carrier.tell(sale, "moving", shipped + (arrived - shipped) / 2)
        carrier.tell(sale, "arrived", arrived)


def _order(
    sale: _Sale, cancelled: datetime | None, returns: tuple[Return, ...], shipped: datetime | None
) -> Order:
    total = Money(sale.total, sale.currency)
    says_paid = sale.wrong is not Kind.DELIVERED_UNPAID
    reference = sale.payment if sale.knows_payment else None
    done = TransactionStatus.SUCCESS if says_paid else TransactionStatus.PENDING
    payment = Payment(
        id="p1",
        status=PaymentStatus.PAID if says_paid else PaymentStatus.PENDING,
        gateway=sale.gateway,
        reference=reference,
        amount=total,
        transactions=(Transaction(id="t1", kind=TransactionKind.SALE, status=done, amount=total),),
    )
    parcels: tuple[Fulfilment, ...] = ()
    if sale.parcel:
        parcels = (
            Fulfilment(
                id="f1",
                status=FulfilmentStatus.FULFILLED,
                tracking_numbers=(sale.parcel,),
                shipped=None if shipped is None else format_time(shipped),
            ),
        )
    return Order(
        id=sale.order_id,
        channel="web",
        account=sale.order_id.split(":")[1],
        number=f"#{sale.name}",
        status=OrderStatus.CANCELLED if cancelled is not None else OrderStatus.ACCEPTED,
        currency=sale.currency,
        tax_included=True,
        rounding=Rounding(mode=RoundingMode.HALF_UP, scope=RoundingScope.LINE),
        lines=(
            Line(id="1", item=Item(sku="A"), quantities=Quantities(ordered="1"), unit="C62", amount=total),
        ),
        totals=Totals(grand_total=total),
        placed=format_time(sale.placed),
        cancelled=None if cancelled is None else format_time(cancelled),
        buyer=Party(email=f"buyer{sale.number}@example.test"),
        payments=(payment,),
        fulfilments=parcels,
        returns=returns,
    )


class _Gateway:
    """A gateway tells of one payment."""

    def __init__(self, sale: _Sale) -> None:
        self.sale = sale
        self.captures = 0
        self.refunds = 0
        sale.payment = self.name()
        self.thing = Thing(sale.gateway, "main", "payment", sale.payment)

    def name(self) -> str:
        raise NotImplementedError

    def capture(self, at: datetime, amount: int, currency: str) -> None:
        raise NotImplementedError

    def refund(self, at: datetime, amount: int) -> None:
        raise NotImplementedError

    def dispute(self, at: datetime, amount: int) -> None:
        raise NotImplementedError

    def order(self) -> str | None:
        return self.sale.name if self.sale.names_order else None


class _Stripe(_Gateway):
    def name(self) -> str:
        return f"pi_{self.sale.number:012d}"

    def capture(self, at: datetime, amount: int, currency: str) -> None:
        self.captures += 1
        order = self.order()
        charge = {
            "object": "charge", "id": f"ch_{self.sale.number:010d}_{self.captures}", "amount": amount,
            "amount_captured": amount, "amount_refunded": 0, "captured": True, "currency": currency.lower(),
            "created": int(at.timestamp()), "payment_intent": self.sale.payment, "status": "succeeded", "paid": True,
            "metadata": {} if order is None else {"order_id": order},
            "billing_details": {"email": f"buyer{self.sale.number}@example.test"},
        }  # fmt: skip
        self._send("charge.succeeded", at, charge)

    def refund(self, at: datetime, amount: int) -> None:
        self.refunds += 1
        refund = {
            "object": "refund", "id": f"re_{self.sale.number:010d}_{self.refunds}", "amount": amount,
            "charge": f"ch_{self.sale.number:010d}_1", "payment_intent": self.sale.payment, "status": "succeeded",
            "currency": self.sale.currency.lower(), "created": int(at.timestamp()),
        }  # fmt: skip
        self._send("refund.created", at, refund)

    def dispute(self, at: datetime, amount: int) -> None:
        dispute = {
            "object": "dispute", "id": f"dp_{self.sale.number:010d}", "amount": amount, "reason": "fraudulent",
            "charge": f"ch_{self.sale.number:010d}_1", "payment_intent": self.sale.payment,
            "status": "needs_response", "currency": self.sale.currency.lower(), "created": int(at.timestamp()),
        }  # fmt: skip
        self._send("charge.dispute.created", at, dispute)

    def _send(self, kind: str, at: datetime, thing: dict[str, Any]) -> None:
        event = {
            "object": "event", "id": f"evt_{thing['id']}", "type": kind, "created": int(at.timestamp()),
            "data": {"object": thing},
        }  # fmt: skip
        self.sale.sent.append(("stripe", at, event))


class _Adyen(_Gateway):
    def name(self) -> str:
        return f"ADY{self.sale.number:013d}"

    def capture(self, at: datetime, amount: int, currency: str) -> None:
        self.captures += 1
        if self.captures == 1:
            self._send("AUTHORISATION", at - timedelta(seconds=2), amount, currency, self.sale.payment, None)
        self._send(
            "CAPTURE", at, amount, currency, f"CAP{self.sale.number:011d}{self.captures}", self.sale.payment
        )

    def refund(self, at: datetime, amount: int) -> None:
        self.refunds += 1
        psp = f"REF{self.sale.number:011d}{self.refunds}"
        self._send("REFUND", at, amount, self.sale.currency, psp, self.sale.payment)

    def dispute(self, at: datetime, amount: int) -> None:
        psp = f"CBK{self.sale.number:012d}"
        self._send("CHARGEBACK", at, amount, self.sale.currency, psp, self.sale.payment)

    def _send(  # noqa: PLR0913, PLR0917 - what an item has
        self, code: str, at: datetime, amount: int, currency: str, psp: str, original: str | None
    ) -> None:
        item = {
            "eventCode": code, "success": "true", "pspReference": psp, "eventDate": at.isoformat(),
            "merchantAccountCode": "M", "merchantReference": self.order() or "",
            "amount": {"value": amount, "currency": currency},
        }  # fmt: skip
        if original is not None:
            item["originalReference"] = original
        body = {"live": "true", "notificationItems": [{"NotificationRequestItem": item}]}
        self.sale.sent.append(("adyen", at, body))


class _PayPal(_Gateway):
    def name(self) -> str:
        return f"PPORDER{self.sale.number:010d}"

    def capture(self, at: datetime, amount: int, currency: str) -> None:
        self.captures += 1
        resource = {
            "id": f"CAPT{self.sale.number:010d}{self.captures}", "status": "COMPLETED",
            "amount": self._money(amount, currency), "final_capture": True, "create_time": _zulu(at),
            "supplementary_data": {"related_ids": {"order_id": self.sale.payment}},
        }  # fmt: skip
        self._send("PAYMENT.CAPTURE.COMPLETED", "capture", at, resource)

    def refund(self, at: datetime, amount: int) -> None:
        self.refunds += 1
        up = f"https://api.paypal.com/v2/payments/captures/CAPT{self.sale.number:010d}1"
        resource = {
            "id": f"RFND{self.sale.number:010d}{self.refunds}", "status": "COMPLETED",
            "amount": self._money(amount, self.sale.currency), "create_time": _zulu(at),
            "links": [{"rel": "up", "href": up, "method": "GET"}],
            "supplementary_data": {"related_ids": {"order_id": self.sale.payment}},
        }  # fmt: skip
        self._send("PAYMENT.CAPTURE.REFUNDED", "refund", at, resource)

    def dispute(self, at: datetime, amount: int) -> None:
        resource = {
            "dispute_id": f"PP-D-{self.sale.number}", "create_time": _zulu(at), "reason": "UNAUTHORISED",
            "dispute_amount": self._money(amount, self.sale.currency), "status": "OPEN",
            "disputed_transactions": [{"seller_transaction_id": self.sale.payment}],
        }  # fmt: skip
        self._send("CUSTOMER.DISPUTE.CREATED", "dispute", at, resource)

    def _send(self, kind: str, resource_type: str, at: datetime, resource: dict[str, Any]) -> None:
        order = self.order()
        if order is not None and resource_type == "capture":
            resource["invoice_id"] = order
        event = {
            "id": f"WH-{resource.get('id') or resource['dispute_id']}", "event_type": kind,
            "resource_type": resource_type, "create_time": _zulu(at), "resource": resource,
        }  # fmt: skip
        self.sale.sent.append(("paypal", at, event))

    @staticmethod
    def _money(amount: int, currency: str) -> dict[str, str]:
        value = str(amount) if currency == "JPY" else f"{amount // 100}.{amount % 100:02d}"
        return {"value": value, "currency_code": currency}


_GATEWAYS: dict[str, Callable[[_Sale], _Gateway]] = {"stripe": _Stripe, "adyen": _Adyen, "paypal": _PayPal}


class _EasyPost:
    _WORDS: ClassVar = {"label": "pre_transit", "moving": "in_transit", "arrived": "delivered"}

    def number(self, sale: _Sale) -> str:
        return f"EZ{sale.number:010d}"

    def tell(self, sale: _Sale, what: str, at: datetime) -> None:
        detail = {"status": self._WORDS[what], "datetime": _zulu(at)}
        tracker = {
            "object": "Tracker", "id": f"trk_{sale.number}", "tracking_code": sale.parcel,
            "status": self._WORDS[what], "updated_at": _zulu(at), "tracking_details": [detail],
        }  # fmt: skip
        event = {"object": "Event", "id": f"evt_{sale.number}_{int(at.timestamp())}", "result": tracker}
        sale.sent.append(("easypost", at, event))


class _Ups:
    _WORDS: ClassVar = {"label": ("M", "MP"), "moving": ("I", "DP"), "arrived": ("D", "FS")}

    def number(self, sale: _Sale) -> str:
        return f"1Z{sale.number:016d}"

    def tell(self, sale: _Sale, what: str, at: datetime) -> None:
        kind, code = self._WORDS[what]
        status = {"type": kind, "code": code}
        event = {
            "trackingNumber": sale.parcel, "gmtActivityDate": f"{at:%Y%m%d}", "gmtActivityTime": f"{at:%H%M%S}",
            "activityStatus": status,
        }  # fmt: skip
        sale.sent.append(("ups", at, event))


class _AfterShip:
    _WORDS: ClassVar = {"label": "InfoReceived", "moving": "InTransit", "arrived": "Delivered"}

    def number(self, sale: _Sale) -> str:
        return f"AS {sale.number:09d}"

    def tell(self, sale: _Sale, what: str, at: datetime) -> None:
        checkpoint = {"tag": self._WORDS[what], "checkpoint_time": _zulu(at), "created_at": _zulu(at)}
        tracking = {
            "id": f"as{sale.number}", "tracking_number": sale.parcel, "tag": self._WORDS[what],
            "updated_at": _zulu(at), "checkpoints": [checkpoint],
        }  # fmt: skip
        sale.sent.append(("aftership", at, {"event": "tracking_update", "msg": tracking}))


_CARRIERS: dict[str, Any] = {"easypost": _EasyPost(), "ups": _Ups(), "aftership": _AfterShip()}


def _delivered(sale: _Sale, random: Random) -> Iterator[Delivery]:
    """Yield what arrives of what was sent: some of it lost and found by the poll, some late, some twice."""
    for system, at, body in sale.sent:
        source = Source(system, "main")
        fate = random.random()
        arrives = at + timedelta(seconds=random.randrange(1, 40))
        if fate < 0.02:
            arrives = (at + timedelta(days=1)).replace(hour=3)
            listed = {"object": "list", "data": [body], "has_more": False}
            yield _delivery(source, listed if system == "stripe" else body, arrives, Way.POLL)
            continue
        if fate < 0.07:
            arrives = at + timedelta(seconds=random.randrange(3_600, 3 * 86_400))
        yield _delivery(source, body, arrives, Way.WEBHOOK)
        if fate > 0.97:
            yield _delivery(
                source, body, arrives + timedelta(seconds=random.randrange(1, 90_000)), Way.WEBHOOK
            )


def _delivery(source: Source, body: dict[str, Any], at: datetime, way: Way) -> Delivery:
    return Delivery(source, json.dumps(body).encode(), format_time(at), way)


def _zulu(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
