"""Payments of an order of Saleor: legacy payments, and transactions of payment apps."""

from collections.abc import Iterator

from ordertrail.intake.channels.saleor.amounts import (
    plain,
)
from ordertrail.intake.document import Node
from ordertrail.intake.parts import (
    present,
    spelled,
)
from ordertrail.orders.payment import Payment
from ordertrail.orders.statuses import PaymentStatus

_CHARGE = {
    "none": PaymentStatus.PENDING,
    "not_charged": PaymentStatus.PENDING,
    "pending": PaymentStatus.PENDING,
    "partial": PaymentStatus.PARTIALLY_PAID,
    "partially_charged": PaymentStatus.PARTIALLY_PAID,
    "full": PaymentStatus.PAID,
    "fully_charged": PaymentStatus.PAID,
    "overcharged": PaymentStatus.OVERPAID,
    "partially_refunded": PaymentStatus.PARTIALLY_REFUNDED,
    "fully_refunded": PaymentStatus.REFUNDED,
    "refused": PaymentStatus.FAILED,
    "cancelled": PaymentStatus.VOIDED,
}
_CHARGE.update({word.replace("_", "-"): meaning for word, meaning in _CHARGE.items()})

_TRANSACTION = (
    ("charged", PaymentStatus.PAID),
    ("refunded", PaymentStatus.REFUNDED),
    ("canceled", PaymentStatus.VOIDED),
    ("voided", PaymentStatus.VOIDED),
    ("authorized", PaymentStatus.AUTHORIZED),
)
"""What a transaction's amounts are called, and where it stands if that one is the only one."""


def payments_of(holder: Node, order: Node, currency: str | None) -> Iterator[Payment]:
    """Yield payments; where none is named, one that stands where the order says that it stands."""
    found = False
    for node in (*order.children("payments"), *holder.children("payment")):
        found = True
        yield from present([_payment(node, currency)])
    for node in order.children("transactions"):
        found = True
        yield from present([transaction_of(node, currency)])
    word = "payment_status" if spelled(order, "payment_status") in order else "charge_status"
    status = None if found else order.word(spelled(order, word), _CHARGE)
    if status is not None:
        yield Payment(id="payment", status=status)


def _payment(node: Node, currency: str | None) -> Payment | None:
    """Return a payment; that of a notification has no id."""
    status = node.word(spelled(node, "charge_status"), _CHARGE, required=True)
    unit = node.currency("currency", currency) if "currency" in node else currency
    if status is None:
        return None
    return Payment(
        id=node.id("id") or "payment",
        status=status,
        method=node.text(spelled(node, "payment_method_type")),
        gateway=node.id("gateway"),
        reference=node.id(spelled(node, "psp_reference")),
        amount=plain(node, "total", unit),
    )


def transaction_of(node: Node, currency: str | None) -> Payment | None:
    """Return a transaction item as a payment: what of it is charged, refunded and so on now decides its status.

    Those amounts are kept as extensions, for when and in how many steps it came to them is not told.
    """
    reference = node.id(spelled(node, "psp_reference")) or node.id("reference")
    node.same("reference", reference)
    ident = node.id("id") or reference
    unit = node.currency("currency", currency) if "currency" in node else currency
    amounts = {}
    for word, _ in _TRANSACTION:
        name = f"{word}_value" if f"{word}_value" in node else f"{word}_amount"
        found = plain(node, name, unit)
        amounts[word] = 0 if found is None else found.amount
        if amounts[word]:
            node.unread(spelled(node, name))
    if ident is None:
        node.id("id", required=True)
        return None
    return Payment(
        id=ident,
        status=_standing(amounts),
        method=node.text("type") or node.text("name"),
        reference=reference,
    )


def _standing(amounts: dict[str, int]) -> PaymentStatus:
    """Return where a transaction stands: what is charged was not refunded, so both mean that a part was."""
    if amounts["charged"] > 0 and amounts["refunded"] > 0:
        return PaymentStatus.PARTIALLY_REFUNDED
    return next((status for word, status in _TRANSACTION if amounts[word] > 0), PaymentStatus.PENDING)
