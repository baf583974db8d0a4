"""Amounts, taxes and payments as the Fulfillment API writes them: ``{"value": "10.63", "currency": "USD"}``."""

from collections.abc import Iterator
from typing import Final

from ordertrail.intake.document import Node
from ordertrail.intake.faults import Code
from ordertrail.intake.parts import size
from ordertrail.kernel.money import Money
from ordertrail.orders.adjustments import Tax
from ordertrail.orders.amounts import Rounding, RoundingMode, RoundingScope
from ordertrail.orders.payment import Payment, Transaction, TransactionKind, TransactionStatus
from ordertrail.orders.statuses import PaymentStatus

CHANNEL: Final = "ebay"

ROUNDING: Final = Rounding(mode=RoundingMode.HALF_UP, scope=RoundingScope.LINE)
"""eBay rounds each line's amounts, and adds what was rounded."""

_PAYMENTS = {
    "PAID": PaymentStatus.PAID,
    "PENDING": PaymentStatus.PENDING,
    "FAILED": PaymentStatus.FAILED,
}
_REFUNDED = {
    "FULLY_REFUNDED": PaymentStatus.REFUNDED,
    "PARTIALLY_REFUNDED": PaymentStatus.PARTIALLY_REFUNDED,
}
_OUTCOMES = {
    "PAID": TransactionStatus.SUCCESS,
    "REFUNDED": TransactionStatus.SUCCESS,
    "PENDING": TransactionStatus.PENDING,
    "FAILED": TransactionStatus.FAILURE,
}


def amount_of(node: Node, name: str, currency: str | None) -> Money | None:
    """Return an amount, which must be of the order's currency."""
    return same_currency(node.child(name), currency).money("value", currency) if name in node else None


def same_currency(one: Node, currency: str | None) -> Node:
    """Return an amount's node; one in another currency than the order's is a contradiction."""
    told = one.currency("currency", currency)
    if told is not None and currency is not None and told != currency:
        one.fault(Code.CONTRADICTION, "currency", f"an amount in {told}, and the order is in {currency}")
    return one


def line_taxes(item: Node, currency: str | None) -> Iterator[Tax]:
    """Yield the taxes that the seller charges."""
    for one in item.children("taxes"):
        amount = amount_of(one, "amount", currency)
        name = one.text("taxType")
        one.flag("includedInPrice")
        if amount is not None:
            yield Tax(amount=amount, name=name)


def payments(order: Node, currency: str | None) -> tuple[Payment, ...]:
    """Return the payments; refunds are of the first, because eBay does not say of which."""
    summary = order.child("paymentSummary")
    found = summary.children("payments")
    refunded = _REFUNDED.get(str(order.tree.get("orderPaymentStatus")))
    made = []
    for number, one in enumerate(found, 1):
        reference = one.id("paymentReferenceId")
        status = one.word("paymentStatus", _PAYMENTS, required=True) or PaymentStatus.PENDING
        refunds = tuple(_refunds(summary, currency)) if number == 1 else ()
        amount = amount_of(one, "amount", currency)
        at = one.time("paymentDate")
        sale = () if amount is None else (_sale(one, amount, at, reference),)
        made.append(
            Payment(
                id=str(number),
                status=refunded or status if number == 1 else status,
                method=one.text("paymentMethod"),
                reference=reference,
                amount=amount,
                transactions=(*sale, *refunds),
            )
        )
    return tuple(made)


def _sale(node: Node, amount: Money, at: str | None, reference: str | None) -> Transaction:
    return Transaction(
        id="sale",
        kind=TransactionKind.SALE,
        status=node.word("paymentStatus", _OUTCOMES) or TransactionStatus.PENDING,
        amount=amount,
        at=at,
        reference=reference,
    )


def _refunds(summary: Node, currency: str | None) -> Iterator[Transaction]:
    for number, one in enumerate(summary.children("refunds"), 1):
        amount = size(amount_of(one, "amount", currency))
        if amount is None:
            continue
        yield Transaction(
            id=f"refund-{one.id('refundId') or number}",
            kind=TransactionKind.REFUND,
            status=one.word("refundStatus", _OUTCOMES) or TransactionStatus.PENDING,
            amount=amount,
            at=one.time("refundDate"),
            reference=one.id("refundReferenceId"),
        )
