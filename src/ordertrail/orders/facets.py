"""What an order's payments, parcels and returns come to together. Computed from facts, never set by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from ordertrail.orders.exact import charged_quantity
from ordertrail.orders.model import Order
from ordertrail.orders.payment import Transaction, TransactionKind, TransactionStatus
from ordertrail.orders.statuses import FulfilmentStatus, PaymentStatus, ReturnStatus
from ordertrail.orders.totals import computed_totals

_UNDER_WAY = (
    FulfilmentStatus.EXCEPTION,
    FulfilmentStatus.RETURNED_TO_SENDER,
    FulfilmentStatus.OUT_FOR_DELIVERY,
    FulfilmentStatus.READY_FOR_PICKUP,
    FulfilmentStatus.IN_TRANSIT,
    FulfilmentStatus.FULFILLED,
)
"""Of parcels that left, the first of these that one is in is what all are said to be in: trouble first."""

_LEFT = frozenset({*_UNDER_WAY, FulfilmentStatus.DELIVERED, FulfilmentStatus.PARTIAL})
_RETURN_ORDER = (
    ReturnStatus.RECEIVED,
    ReturnStatus.APPROVED,
    ReturnStatus.REQUESTED,
    ReturnStatus.REFUNDED,
    ReturnStatus.REJECTED,
)
"""Of several returns, what still wants something done comes first."""


@dataclass(frozen=True, slots=True)
class Facets:
    """Three states beside the order's own."""

    payment: PaymentStatus
    fulfilment: FulfilmentStatus
    returns: ReturnStatus


def facets_of(order: Order) -> Facets:
    """Return what an order's parts come to."""
    return Facets(payment_facet(order), fulfilment_facet(order), return_facet(order))


def payment_facet(order: Order) -> PaymentStatus:
    """Return the state of all payments together.

    Money that moved in the order's currency decides; where no transactions are named, what payments say of themselves.
    """
    if not order.payments:
        return PaymentStatus.NONE
    if any(payment.status is PaymentStatus.DISPUTED for payment in order.payments):
        return PaymentStatus.DISPUTED
    moves = [one for payment in order.payments for one in payment.transactions]
    done = [one for one in moves if one.status is TransactionStatus.SUCCESS]
    if not done or any(one.amount.currency != order.currency for one in done):
        return _said(order)
    taken = _sum(done, TransactionKind.SALE, TransactionKind.CAPTURE) - _sum(
        done, TransactionKind.CAPTURE_REVERSAL
    )
    back = _sum(done, TransactionKind.REFUND) - _sum(done, TransactionKind.REFUND_REVERSAL)
    charged_back = _sum(done, TransactionKind.CHARGEBACK) - _sum(done, TransactionKind.CHARGEBACK_REVERSAL)
    if charged_back > 0:
        return PaymentStatus.CHARGED_BACK
    if back > 0:
        return PaymentStatus.REFUNDED if back >= taken else PaymentStatus.PARTIALLY_REFUNDED
    return _paid(order, taken) if taken > 0 else _set_aside(order, done)


def _paid(order: Order, taken: int) -> PaymentStatus:
    total = order.totals.grand_total or computed_totals(order).grand_total
    if total is None or taken == total.amount:
        return PaymentStatus.PAID
    return PaymentStatus.OVERPAID if taken > total.amount else PaymentStatus.PARTIALLY_PAID


def _set_aside(order: Order, done: Sequence[Transaction]) -> PaymentStatus:
    let_go = _sum(done, TransactionKind.VOID, TransactionKind.EXPIRY)
    if _sum(done, TransactionKind.AUTHORIZATION) > let_go:
        return PaymentStatus.AUTHORIZED
    if any(one.kind is TransactionKind.VOID for one in done):
        return PaymentStatus.VOIDED
    return PaymentStatus.EXPIRED if let_go else _said(order)


def _said(order: Order) -> PaymentStatus:
    """Return what payments say of themselves: the one thing, or pending where they say several."""
    said = {payment.status for payment in order.payments}
    return said.pop() if len(said) == 1 else PaymentStatus.PENDING


def _sum(done: Sequence[Transaction], *kinds: TransactionKind) -> int:
    return sum(one.amount.amount for one in done if one.kind in kinds)


def fulfilment_facet(order: Order) -> FulfilmentStatus:
    """Return the state of all parcels together.

    While some of what is to be delivered is in no parcel that left, it is ``partial``, or what the parcels wait for.
    """
    live = [one for one in order.fulfilments if one.status is not FulfilmentStatus.CANCELLED]
    states = {one.status for one in live}
    if not states & _LEFT:
        for state in (FulfilmentStatus.BACKORDERED, FulfilmentStatus.HELD):
            if state in states:
                return state
        return FulfilmentStatus.UNFULFILLED
    if not states <= _LEFT or FulfilmentStatus.PARTIAL in states or not _all_left(order):
        return FulfilmentStatus.PARTIAL
    return next((state for state in _UNDER_WAY if state in states), FulfilmentStatus.DELIVERED)


def _all_left(order: Order) -> bool:
    """Say whether parcels that left hold all of every line; parcels that do not say what they hold, hold it all."""
    left = [one for one in order.fulfilments if one.status in _LEFT]
    if any(not one.lines for one in left):
        return True
    sent: dict[str, Fraction] = {}
    for one in left:
        for share in one.lines:
            sent[share.line] = sent.get(share.line, Fraction(0)) + Fraction(share.quantity)
    return all(sent.get(line.id, Fraction(0)) >= charged_quantity(line) for line in order.lines)


def return_facet(order: Order) -> ReturnStatus:
    """Return the state of all returns together: what still wants something done comes first."""
    states = {one.status for one in order.returns}
    return next((state for state in _RETURN_ORDER if state in states), ReturnStatus.NONE)
