"""What hangs below an order of WooCommerce: refunds, notes and shipment trackings, each an amendment of it."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from ordertrail.intake.amendment import Amendment, Done
from ordertrail.intake.channels.woocommerce.pieces import PAYMENT, moment, note_of, parcel_of, transaction
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Node
from ordertrail.intake.faults import Code
from ordertrail.intake.parts import (
    order_key,
    present,
    size,
)
from ordertrail.orders.ids import order_id
from ordertrail.orders.model import SourceVersion
from ordertrail.orders.payment import Payment, TransactionKind
from ordertrail.orders.returns import Return, ReturnedLine
from ordertrail.orders.statuses import PaymentStatus, ReturnStatus


def order_above(root: Node, delivery: Delivery) -> str | None:
    """Return our id of the order that a refund, a note or a tracking hangs below."""
    if root.tree.get("parent_id") not in (None, 0, "0", ""):
        return order_key(delivery, root, "parent_id")
    for up in root.child("_links").children("up"):
        ident = (up.text("href") or "").rstrip("/").rpartition("/")[2]
        if ident.isascii() and ident.isdigit() and len(ident) <= _LONGEST_NUMBER:
            return order_id(delivery.source.channel, delivery.source.account, ident)
    root.fault(Code.MISSING, "_links", "there is no link up to an order, nor its id in parent_id")
    return None


_LONGEST_NUMBER = 20


def amendment(delivery: Delivery, key: str, **parts: Any) -> Amendment:
    """Return a change of an order of the delivery's account."""
    return Amendment(order=key, channel=delivery.source.channel, account=delivery.source.account, **parts)


def _refund(root: Node, delivery: Delivery, key: str) -> Amendment | None:
    ident, at = root.id("id", required=True), moment(root, "date_created")
    currency = root.currency("currency", delivery.source.currency, required=False)
    amount = None if currency is None else size(root.rounded("amount", currency, required=True))
    lines = present(_returned(node) for node in root.children("line_items"))
    if ident is None:
        return None
    reason = root.text("reason") if lines or amount is not None else None
    back = Return(
        id=ident, status=ReturnStatus.REFUNDED, lines=lines, refund=amount, reason=reason, received=at
    )
    refund = transaction(ident, TransactionKind.REFUND, amount, at, reason)
    begun = Payment(id=PAYMENT, status=PaymentStatus.PARTIALLY_REFUNDED)
    done = () if refund is None else (Done(payment=PAYMENT, transaction=refund, begins=begun),)
    return amendment(
        delivery,
        key,
        version=None if at is None else SourceVersion(time=at),
        returns=(back,) if lines else (),
        transactions=done,
    )


def _returned(node: Node) -> ReturnedLine | None:
    """Return how much of a line came back: a refund's lines count below zero, and name the order's line in metadata."""
    for meta in node.children("meta_data"):
        if meta.tree.get("key") == "_refunded_item_id":
            line, quantity = meta.id("value"), node.decimal("quantity")
            meta.text("key")
            if line is None or quantity in {None, "0"}:
                return None
            return ReturnedLine(line=line, quantity=(quantity or "").removeprefix("-"))
    return None


def _remark(root: Node, delivery: Delivery, key: str) -> Amendment | None:
    """Return a note; ``customer_note`` says that the customer may read it, not who wrote it."""
    at = moment(root, "date_created")
    note = note_of(root.text("note", required=True), root.text("author"), at)
    return None if note is None else amendment(delivery, key, notes=(note,))


def _tracking(root: Node, delivery: Delivery, key: str) -> Amendment | None:
    parcel = parcel_of(root)
    if parcel is None:
        return None
    sent = msgspec.structs.replace(parcel, shipped=root.time("date_shipped"))
    return amendment(delivery, key, fulfilments=(sent,))


BELOW: Mapping[str, Callable[[Node, Delivery, str], Amendment | None]] = {
    "refund": _refund,
    "note": _remark,
    "tracking": _tracking,
}
"""What hangs below an order, and what reads it."""
