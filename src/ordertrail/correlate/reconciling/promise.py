"""What we said of an order: what it costs, how it is paid, whether it was cancelled, shipped, returned."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ordertrail.kernel.money import Money
from ordertrail.orders.model import Order
from ordertrail.orders.payment import Transaction, TransactionKind, TransactionStatus
from ordertrail.orders.statuses import FulfilmentStatus, OrderStatus, PaymentStatus, ReturnStatus
from ordertrail.orders.totals import computed_totals

PAY_LATER: Final = frozenset(
    {"invoice", "cash", "cash_on_delivery", "cod", "bank_transfer", "purchase_order", "account", "cheque"}
)
"""Methods by which an order is paid after it was delivered."""

_GIVEN_UP: Final = frozenset({OrderStatus.CANCELLED, OrderStatus.REJECTED})
_CUT: Final = frozenset(
    {
        OrderStatus.CANCELLED_REMAINDER,
        OrderStatus.RETURN_IN_PROGRESS,
        OrderStatus.PARTIALLY_RETURNED,
        OrderStatus.RETURNED,
    }
)
_ON_ITS_WAY: Final = frozenset(
    {
        FulfilmentStatus.FULFILLED,
        FulfilmentStatus.IN_TRANSIT,
        FulfilmentStatus.OUT_FOR_DELIVERY,
        FulfilmentStatus.READY_FOR_PICKUP,
        FulfilmentStatus.DELIVERED,
        FulfilmentStatus.EXCEPTION,
    }
)
_HANDED_OVER: Final = _CUT | {
    OrderStatus.PARTIALLY_FULFILLED,
    OrderStatus.FULFILLED,
    OrderStatus.COMPLETED,
    OrderStatus.ARCHIVED,
}
"""States in which we say that the buyer has it, or some of it; what is fetched, or is no parcel at all, has none."""
_PAID: Final = frozenset({PaymentStatus.PAID, PaymentStatus.OVERPAID})


@dataclass(frozen=True, slots=True)
class Parcel:
    """A parcel as we know it: its number, and when it left by our own account."""

    number: str
    shipped: str | None


@dataclass(frozen=True, slots=True)
class Promise:
    """An order as it is held against facts. Times are RFC 3339 in UTC; amounts in minor units of ``currency``."""

    order: str
    tenant: str | None
    currency: str
    total: int | None
    """What it comes to now; None where nobody says."""
    placed: str | None = None
    cancelled: str | None = None
    gave_up: bool = False
    """It was cancelled or rejected."""
    said_paid: int = 0
    """What our own records say was taken."""
    returnable: bool = False
    """Something came back, was cancelled, or became cheaper: a refund has a reason."""
    pay_later: bool = False
    shipped: bool = False
    parcels: tuple[Parcel, ...] = ()
    test: bool = False


def promise_of(order: Order) -> Promise:
    """Return what is promised by an order as it is now."""
    total = order.totals.grand_total or computed_totals(order).grand_total
    return Promise(
        order=order.id,
        tenant=order.tenant,
        currency=order.currency,
        total=None if total is None else total.amount,
        placed=order.placed,
        cancelled=order.cancelled,
        gave_up=order.status in _GIVEN_UP,
        said_paid=_said_paid(order),
        returnable=_returnable(order, total),
        pay_later=_pays_later(order),
        shipped=order.status in _HANDED_OVER or any(one.status in _ON_ITS_WAY for one in order.fulfilments),
        parcels=tuple(
            Parcel(number, one.shipped)
            for one in order.fulfilments
            if one.status is not FulfilmentStatus.CANCELLED
            for number in one.tracking_numbers
        ),
        test=order.test,
    )


def _said_paid(order: Order) -> int:
    """Return what was taken by our own transactions; where there are none, what is said of it as a whole."""
    done = [
        one
        for payment in order.payments
        for one in payment.transactions
        if one.status is TransactionStatus.SUCCESS and one.amount.currency == order.currency
    ]
    if done:
        came = _come_to(done, TransactionKind.SALE, TransactionKind.CAPTURE)
        return came - _come_to(done, TransactionKind.CAPTURE_REVERSAL)
    if order.totals.paid is not None:
        return order.totals.paid.amount
    paid = (one.amount for one in order.payments if one.status in _PAID and one.amount is not None)
    return sum(one.amount for one in paid if one.currency == order.currency)


def _come_to(done: Iterable[Transaction], *kinds: TransactionKind) -> int:
    return sum(one.amount.amount for one in done if one.kind in kinds)


def _returnable(order: Order, total: Money | None) -> bool:
    before = order.original_totals.grand_total if order.original_totals is not None else None
    cheaper = before is not None and total is not None and total.amount < before.amount
    back = any(one.status not in {ReturnStatus.REJECTED, ReturnStatus.CANCELLED} for one in order.returns)
    less = any(line.quantities.cancelled not in {None, "0"} for line in order.lines)
    returned = any(line.quantities.returned not in {None, "0"} for line in order.lines)
    return cheaper or back or less or returned or order.status in _GIVEN_UP | _CUT


def _pays_later(order: Order) -> bool:
    methods = {(one.method or "").strip().casefold().replace(" ", "_") for one in order.payments}
    return bool(methods & PAY_LATER)
