"""How an order is paid: references to payments, which may be expanded.

https://docs.commercetools.com/api/projects/payments#payment. A transaction of type Charge takes money, whether it was
authorized before or not.
"""

from collections.abc import Iterator

from ordertrail.intake.channels.commercetools.amounts import amount_of
from ordertrail.intake.document import Node
from ordertrail.intake.parts import present
from ordertrail.kernel.money import Money
from ordertrail.orders.payment import Payment, Transaction, TransactionKind, TransactionStatus
from ordertrail.orders.statuses import PaymentStatus

_STATES = {
    "BalanceDue": PaymentStatus.PENDING,
    "Pending": PaymentStatus.PENDING,
    "Failed": PaymentStatus.FAILED,
    "CreditOwed": PaymentStatus.OVERPAID,
    "Paid": PaymentStatus.PAID,
}
"""paymentState of an order."""

_KINDS = {
    "Authorization": TransactionKind.AUTHORIZATION,
    "CancelAuthorization": TransactionKind.VOID,
    "Charge": TransactionKind.CAPTURE,
    "Refund": TransactionKind.REFUND,
    "Chargeback": TransactionKind.CHARGEBACK,
}
_OUTCOMES = {
    "Initial": TransactionStatus.PENDING,
    "Pending": TransactionStatus.PENDING,
    "Success": TransactionStatus.SUCCESS,
    "Failure": TransactionStatus.FAILURE,
}


def payments(order: Node) -> Iterator[Payment]:
    """Yield the payments of an order; those that are not expanded stand where the order's paymentState says."""
    found = order.child("paymentInfo").children("payments")
    stated = order.word("paymentState", _STATES) if any("obj" not in one for one in found) else None
    for one in found:
        one.text("typeId")
        number = one.id("id", required=True) or ""
        if "obj" in one:
            whole = one.child("obj")
            whole.same("id", number)
            yield payment(whole, number)
        else:
            yield Payment(id=number, status=stated or PaymentStatus.PENDING)


def payment(node: Node, number: str) -> Payment:
    """Return a payment with what was done with it."""
    currency = node.child("amountPlanned").currency("currencyCode", required=True)
    planned = amount_of(node, "amountPlanned", currency)
    method = node.child("paymentMethodInfo")
    transactions = tuple(_transaction(one, currency) for one in node.children("transactions"))
    return Payment(
        id=number,
        status=_status(planned, transactions),
        method=method.text("method"),
        gateway=method.id("paymentInterface"),
        reference=node.id("interfaceId"),
        amount=planned,
        transactions=transactions,
    )


def _transaction(node: Node, currency: str | None) -> Transaction:
    return Transaction(
        id=node.id("id", required=True) or "",
        kind=node.word("type", _KINDS, required=True) or TransactionKind.AUTHORIZATION,
        status=node.word("state", _OUTCOMES, required=True) or TransactionStatus.PENDING,
        amount=amount_of(node, "amount", currency, required=True) or Money(0, currency or ""),
        at=node.time("timestamp"),
        reference=node.id("interactionId"),
    )


def _status(planned: Money | None, done: tuple[Transaction, ...]) -> PaymentStatus:
    """Return where a payment stands, of what was done with it with success."""
    sums = dict.fromkeys(TransactionKind, 0)
    for one in done:
        if one.status is TransactionStatus.SUCCESS:
            sums[one.kind] += one.amount.amount
    taken, back = sums[TransactionKind.CAPTURE], sums[TransactionKind.REFUND]
    if sums[TransactionKind.CHARGEBACK]:
        return PaymentStatus.CHARGED_BACK
    if back:
        return PaymentStatus.REFUNDED if back >= taken else PaymentStatus.PARTIALLY_REFUNDED
    if taken:
        due = planned.amount if planned is not None else taken
        if taken > due:
            return PaymentStatus.OVERPAID
        return PaymentStatus.PAID if taken == due else PaymentStatus.PARTIALLY_PAID
    if sums[TransactionKind.VOID]:
        return PaymentStatus.VOIDED
    if sums[TransactionKind.AUTHORIZATION]:
        return PaymentStatus.AUTHORIZED
    failed = present(one for one in done if one.status is TransactionStatus.FAILURE)
    return PaymentStatus.FAILED if failed and len(failed) == len(done) else PaymentStatus.PENDING
