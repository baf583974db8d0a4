"""What hangs below an order of Magento: invoices, shipments and credit memos, each an amendment of it."""

from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any

from ordertrail.intake.amendment import Amendment, Done
from ordertrail.intake.channels.magento.lines import NAME, repeated
from ordertrail.intake.channels.magento.order import PAYMENT
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Node
from ordertrail.intake.parts import present, size, spelled
from ordertrail.kernel.money import Money
from ordertrail.orders.fulfilment import Fulfilment, LineShare
from ordertrail.orders.model import SourceVersion
from ordertrail.orders.payment import Payment, Transaction, TransactionKind, TransactionStatus
from ordertrail.orders.reference import Note, Reference
from ordertrail.orders.returns import Return, ReturnedLine
from ordertrail.orders.statuses import FulfilmentStatus, PaymentStatus, ReturnStatus

_INVOICE = {
    "1": TransactionStatus.PENDING,
    "2": TransactionStatus.SUCCESS,
    "3": TransactionStatus.FAILURE,
}
"""Open, paid, cancelled. Magento\\Sales\\Model\\Order\\Invoice"""

_MEMO = {
    "1": TransactionStatus.PENDING,
    "2": TransactionStatus.SUCCESS,
    "3": TransactionStatus.FAILURE,
}
"""Open, refunded, cancelled. Magento\\Sales\\Model\\Order\\Creditmemo"""


def _amendment(delivery: Delivery, key: str, root: Node, **parts: Any) -> Amendment:
    """Return a change; each also moves the order's own ``updated_at``."""
    at = root.time("updated_at", zone=UTC)
    version = None if at is None else SourceVersion(time=at)
    source = delivery.source
    return Amendment(order=key, channel=source.channel, account=source.account, version=version, **parts)


def _invoice(root: Node, delivery: Delivery, key: str) -> Amendment | None:
    ident, currency, amount = _sum(root, delivery)
    status = root.word("state", _INVOICE) or TransactionStatus.PENDING
    if ident is None:
        return None
    parts: dict[str, Any] = {}
    if amount is not None and currency is not None:
        done = _moved(root, f"invoice-{ident}", TransactionKind.CAPTURE, status, amount)
        parts["transactions"] = (
            Done(payment=PAYMENT, transaction=done, begins=_begun(status, PaymentStatus.PAID)),
        )
    return _amendment(delivery, key, root, references=_named(root, "invoice"), **parts)


def _sum(root: Node, delivery: Delivery) -> tuple[str | None, str | None, Money | None]:
    """Return the id of an invoice or credit memo, its currency, and what it comes to."""
    ident = root.id("entity_id", required=True)
    currency = root.currency("order_currency_code", delivery.source.currency, required=False)
    amount = size(root.rounded("grand_total", currency))
    repeated(root, "grand_total", amount)
    return ident, currency, amount


def _moved(
    root: Node, ident: str, kind: TransactionKind, status: TransactionStatus, amount: Money
) -> Transaction:
    at = root.time("created_at", zone=UTC)
    return Transaction(
        id=ident, kind=kind, status=status, amount=amount, at=at, reference=root.id("transaction_id")
    )


def _begun(status: TransactionStatus, success: PaymentStatus) -> Payment:
    """Return the order's payment as it is where nothing else is known of it."""
    begins = success if status is TransactionStatus.SUCCESS else PaymentStatus.PENDING
    return Payment(id=PAYMENT, status=begins)


def _named(root: Node, kind: str) -> tuple[Reference, ...]:
    number = root.id("increment_id")
    return () if number is None else (Reference(system=NAME, kind=kind, id=number),)


def _shipment(root: Node, delivery: Delivery, key: str) -> Amendment | None:
    ident = root.id("entity_id") or root.id("id", required=True)
    lines = present(_share(node) for node in root.children("items"))
    tracks = root.children("tracks")
    numbers = present(node.id(spelled(node, "track_number")) for node in tracks)
    carrier = next(iter(present(node.text("title") for node in tracks)), None)
    service = next(iter(present(node.text(spelled(node, "carrier_code")) for node in tracks)), None)
    if len(tracks) > 1:
        for node in tracks[1:]:
            node.same("title", carrier)
            node.same(spelled(node, "carrier_code"), service)
    if ident is None:
        return None
    parcel = Fulfilment(
        id=ident,
        status=FulfilmentStatus.FULFILLED,
        lines=lines,
        carrier=carrier,
        service=service,
        tracking_numbers=tuple(dict.fromkeys(numbers)),
        shipped=root.time(spelled(root, "created_at"), zone=UTC),
        references=_named(root, "shipment"),
    )
    return _amendment(delivery, key, root, fulfilments=(parcel,), notes=_notes(root))


def _share(node: Node) -> LineShare | None:
    line = node.id(spelled(node, "order_item_id"), required=True)
    quantity = node.quantity("qty", required=True)
    return None if line is None or quantity is None else LineShare(line=line, quantity=quantity)


def _notes(root: Node) -> tuple[Note, ...]:
    texts = ((node, node.text("comment")) for node in root.children("comments"))
    return tuple(
        Note(text=text, author="staff", at=node.time(spelled(node, "created_at"), zone=UTC))
        for node, text in texts
        if text is not None
    )


def _memo(root: Node, delivery: Delivery, key: str) -> Amendment | None:
    ident, currency, amount = _sum(root, delivery)
    status = root.word("state", _MEMO) or TransactionStatus.SUCCESS
    back = present(_returned(node) for node in root.children("items"))
    if ident is None:
        return None
    parts: dict[str, Any] = {}
    if amount is not None and currency is not None:
        done = _moved(root, f"creditmemo-{ident}", TransactionKind.REFUND, status, amount)
        begins = _begun(status, PaymentStatus.PARTIALLY_REFUNDED)
        parts["transactions"] = (Done(payment=PAYMENT, transaction=done, begins=begins),)
    if back:
        given = status is TransactionStatus.SUCCESS
        parts["returns"] = (
            Return(
                id=ident,
                status=ReturnStatus.REFUNDED if given else ReturnStatus.RECEIVED,
                lines=back,
                refund=amount if given else None,
                references=_named(root, "credit_memo"),
            ),
        )
    else:
        parts["references"] = _named(root, "credit_memo")
    return _amendment(delivery, key, root, notes=_notes(root), **parts)


def _returned(node: Node) -> ReturnedLine | None:
    """Return how much of a line came back; a credit memo also lists lines of which nothing did."""
    line, quantity = node.id("order_item_id", required=True), node.quantity("qty")
    if line is None or quantity in {None, "0"}:
        return None
    return ReturnedLine(line=line, quantity=quantity or "0", restocked=node.flag("back_to_stock") is True)


BELOW: Mapping[str, Callable[[Node, Delivery, str], Amendment | None]] = {
    "invoice": _invoice,
    "shipment": _shipment,
    "creditmemo": _memo,
}
"""What hangs below an order, and what reads it."""
