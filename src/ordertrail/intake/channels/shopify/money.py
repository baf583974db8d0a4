"""What was done with money, and what came back for it: Shopify's Transaction and Refund.

Source: https://shopify.dev/docs/api/admin-rest/latest/resources/transaction and ``refund``. A payment here is a
gateway: orders name only those (``payment_gateway_names``), and all transactions of one order with one gateway belong
together.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ordertrail.intake.channels.shopify.amounts import agreed
from ordertrail.intake.document import Node
from ordertrail.intake.parts import added, present
from ordertrail.kernel.money import Money
from ordertrail.orders.payment import Payment, Transaction, TransactionKind, TransactionStatus
from ordertrail.orders.reference import Reference
from ordertrail.orders.returns import Return, ReturnedLine
from ordertrail.orders.statuses import PaymentStatus, ReturnStatus

_KIND = {
    "authorization": TransactionKind.AUTHORIZATION,
    "emv_authorization": TransactionKind.AUTHORIZATION,
    "capture": TransactionKind.CAPTURE,
    "sale": TransactionKind.SALE,
    "void": TransactionKind.VOID,
    "refund": TransactionKind.REFUND,
    "change": TransactionKind.REFUND,
}
"""``change`` is cash that went back over the counter."""

_OUTCOME = {
    "success": TransactionStatus.SUCCESS,
    "pending": TransactionStatus.PENDING,
    "awaiting_response": TransactionStatus.PENDING,
    "unknown": TransactionStatus.PENDING,
    "failure": TransactionStatus.FAILURE,
    "error": TransactionStatus.FAILURE,
}

_BEGINS = {
    TransactionKind.AUTHORIZATION: PaymentStatus.AUTHORIZED,
    TransactionKind.CAPTURE: PaymentStatus.PAID,
    TransactionKind.SALE: PaymentStatus.PAID,
    TransactionKind.VOID: PaymentStatus.VOIDED,
    TransactionKind.REFUND: PaymentStatus.PARTIALLY_REFUNDED,
}

_BACK_ON_SHELF = frozenset({"return", "legacy_restock"})
UNNAMED = "unnamed"
"""The payment of an order that names no gateway."""

NEVER_SENT = "cancel"
"""The restock type of what was taken out of the order before it was sent: that is no return."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A transaction, and the gateway through which it went."""

    gateway: str
    transaction: Transaction

    def payment(self) -> Payment:
        """Return the payment as it is where nothing else is known of it."""
        status = _BEGINS.get(self.transaction.kind, PaymentStatus.PENDING)
        if self.transaction.status is TransactionStatus.PENDING:
            status = PaymentStatus.PENDING
        elif self.transaction.status is TransactionStatus.FAILURE:
            status = PaymentStatus.FAILED
        return Payment(id=self.gateway, status=status, gateway=self.gateway)


def transaction_of(node: Node, currency: str | None, known: Collection[str] = ()) -> Moved | None:
    """Return a transaction; its parent only where that is ``known`` to be among the payment's."""
    ident = node.id("id", required=True)
    kind = node.word("kind", _KIND, required=True)
    status = node.word("status", _OUTCOME, required=True)
    unit = node.currency("currency", currency)
    amount = node.rounded("amount", unit, required=True)
    gateway = node.id("gateway") or UNNAMED
    at = node.time("processed_at") or node.time("created_at")
    if ident is None or kind is None or status is None or amount is None:
        return None
    agreed(node, "amount_set", amount)
    parent = node.id("parent_id")
    if parent not in known:
        node.unread("parent_id")
        parent = None
    transaction = Transaction(
        id=ident,
        kind=kind,
        status=status,
        amount=amount,
        at=at,
        reference=node.id("authorization") or node.id("payment_id"),
        parent=parent,
        reason=node.text("error_code"),
    )
    return Moved(gateway, transaction)


def is_return(node: Node) -> bool:
    """Say whether a refund tells of goods that came back, and not of money or of what was never sent."""
    lines = node.tree.get("refund_line_items")
    return isinstance(lines, list) and any(
        isinstance(one, dict) and one.get("restock_type") != NEVER_SENT for one in lines
    )


def return_of(node: Node, lines: Mapping[str, Node], refund: Money | None) -> Return | None:
    """Return what came back, for which this was given back. ``lines`` are the order's by their id."""
    ident = node.id("id", required=True)
    if ident is None:
        return None
    return Return(
        id=ident,
        status=ReturnStatus.RECEIVED if refund is None else ReturnStatus.REFUNDED,
        lines=present(_returned(one, lines) for one in node.children("refund_line_items")),
        refund=refund,
        reason=node.text("note"),
        received=node.time("processed_at") or node.time("created_at"),
        references=present([_reference(node)]),
    )


def given_back(node: Node, currency: str | None) -> Money | None:
    """Return what a refund's transactions gave back in the order's currency; None where they gave nothing."""
    found = [
        amount for one in node.children("transactions") if (amount := _given_back(one, currency)) is not None
    ]
    return added(found, currency)


def _reference(node: Node) -> Reference | None:
    """Return the Return that a refund belongs to, where the shop uses returns."""
    if "return" not in node:
        return None
    ident = node.child("return").id("id")
    return None if ident is None else Reference(system="shopify", kind="return", id=ident)


def _returned(node: Node, lines: Mapping[str, Node]) -> ReturnedLine | None:
    if node.tree.get("restock_type") == NEVER_SENT:
        return None
    line, quantity = node.id("line_item_id", required=True), node.quantity("quantity", required=True)
    if line is None or quantity is None:
        return None
    if line in lines and "line_item" in node:
        node.child("line_item").repeats(lines[line])
    return ReturnedLine(line=line, quantity=quantity, restocked=node.text("restock_type") in _BACK_ON_SHELF)


def _given_back(node: Node, currency: str | None) -> Money | None:
    """Return what a refund's transaction gave back, in the order's currency."""
    if node.tree.get("kind") != "refund" or node.tree.get("status") != "success":
        return None
    if currency is None or not node.same("currency", currency):
        return None
    node.text("kind")
    node.text("status")
    return node.rounded("amount", currency)
