"""Square: webhooks of payments, refunds and disputes, and what its API lists of them.

Source: https://developer.squareup.com/reference/square (objects Payment, PaymentRefund, Dispute; webhooks). Amounts are
``{"amount": minor units, "currency"}``. A payment names Square's own order in ``order_id``, and the merchant's in
``reference_id``.
"""

from collections.abc import Iterator
from typing import Final

from ordertrail.correlate.asking import Asking, Listing, Turn
from ordertrail.correlate.facts import FactKind
from ordertrail.correlate.observation import Observation
from ordertrail.correlate.providers.reading import (
    Teller,
    Told,
    event_id,
    listed,
    observed,
    to_order,
    to_payment,
)
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document, Node
from ordertrail.intake.faults import Code
from ordertrail.intake.message import Foreign
from ordertrail.kernel.money import Money

_PAYMENT: Final = {
    "APPROVED": FactKind.AUTHORISED,
    "COMPLETED": FactKind.CAPTURED,
    "CANCELED": FactKind.VOIDED,
    "FAILED": FactKind.FAILED,
}
_REFUND: Final = {
    "COMPLETED": FactKind.REFUNDED,
    "REJECTED": FactKind.REFUND_FAILED,
    "FAILED": FactKind.REFUND_FAILED,
}
_UNDER_WAY: Final = frozenset({"PENDING", "APPROVED", "IN_PROGRESS", "IN PROGRESS"})
_DISPUTE: Final[dict[str, FactKind | None]] = {
    "INQUIRY_EVIDENCE_REQUIRED": None,
    "INQUIRY_PROCESSING": None,
    "INQUIRY_CLOSED": FactKind.DISPUTE_WON,
    "EVIDENCE_REQUIRED": None,
    "PROCESSING": None,
    "WAITING_THIRD_PARTY": None,
    "WON": FactKind.DISPUTE_WON,
    "LOST": FactKind.DISPUTE_LOST,
    "ACCEPTED": FactKind.DISPUTE_LOST,
}
_KINDS: Final = ("payment", "refund", "dispute")

# https://developer.squareup.com/reference/square/payments-api/list-payments, .../refunds-api/list-payment-refunds
_CHANGED: Final = {
    "updated_at_begin_time": "{since}",
    "sort_field": "UPDATED_AT",
    "sort_order": "ASC",
    "limit": "{size}",
    "cursor": "{cursor}",
}
# https://developer.squareup.com/reference/square/disputes-api/list-disputes: takes no time.
_ASKING: Final = Asking(
    "https://connect.squareup.com",
    (
        Listing("/v2/payments", _CHANGED, Turn.CURSOR, at="/cursor", items="/payments"),
        Listing("/v2/refunds", _CHANGED, Turn.CURSOR, at="/cursor", items="/refunds"),
        Listing("/v2/disputes", {"cursor": "{cursor}"}, Turn.CURSOR, at="/cursor", items="/disputes"),
    ),
)


class Square:
    """Implements :class:`~ordertrail.correlate.provider.Provider`."""

    name = "square"
    signature = "square"
    asking = _ASKING

    def delivery_id(self, delivery: Delivery) -> str | None:
        """Return the event's id."""
        return event_id(delivery, name="event_id")

    def read(self, delivery: Delivery) -> Iterator[Observation]:
        """See the protocol."""
        document = Document.of_json(delivery.body, delivery.source.zone)
        tree = document.tree if isinstance(document.tree, dict) else {}
        kind = next((one for one in _KINDS if isinstance(tree.get(f"{one}s"), list)), None)
        if kind is None:
            yield observed(document, delivery, _read)
            return
        reader = _READERS[kind]
        for part in listed(document, f"{kind}s"):
            yield observed(part, delivery, lambda node, sent: reader(node, sent, kind))


def _read(node: Node, delivery: Delivery) -> Iterator[Told]:
    holder, code = node, None
    if "event_id" in node:
        code = node.text("type", required=True)
        holder = node.child("data").child("object")
    for kind, reader in _READERS.items():
        if isinstance(holder.tree.get(kind), dict):
            yield from reader(holder.child(kind), delivery, code or kind)
            return
    kind = code or next(iter(holder.names()), "document")
    yield Foreign(kind, f"{kind} of Square's tells of no payment, refund or dispute")


def _payment(node: Node, delivery: Delivery, code: str) -> Iterator[Told]:
    if "id" not in node and "status" not in node:
        yield Foreign("request", "a payment without id and status: what was asked for, and not what happened")
        return
    ident, status = node.id("id", required=True), node.text("status", required=True)
    kind = _PAYMENT.get(status or "")
    if status in {"PENDING", None}:
        yield Foreign("payment", "it is pending: no money has moved yet")
        return
    if kind is None:
        node.fault(Code.UNKNOWN_WORD, "status", f"{status!r} is not known here")
        return
    amount = _money(node, "total_money" if "total_money" in node else "amount_money")
    updated = node.time("updated_at") or node.time("created_at", required=True)
    links = (*to_payment(delivery, ident, node.id("order_id")), *to_order(delivery, node.id("reference_id")))
    teller = Teller(delivery, ident, code, links, node.text("buyer_email_address"))
    yield from teller.tell(kind, ident, updated, amount)
    back = _money(node, "refunded_money") if "refunded_money" in node else None
    yield from teller.tell_total(FactKind.REFUNDED, updated, back)


def _refund(node: Node, delivery: Delivery, code: str) -> Iterator[Told]:
    ident, status = node.id("id", required=True), node.text("status") or "PENDING"
    if status in _UNDER_WAY:
        yield Foreign("refund", f"it is {status.lower()}: no money has moved yet")
        return
    kind = _REFUND.get(status)
    if kind is None:
        node.fault(Code.UNKNOWN_WORD, "status", f"{status!r} is not known here")
        return
    payment = node.id("payment_id")
    time = node.time("updated_at") or node.time("created_at", required=True)
    teller = Teller(delivery, payment or ident, code, to_payment(delivery, payment, node.id("order_id")))
    yield from teller.tell(kind, ident, time, _money(node, "amount_money"))


def _dispute(node: Node, delivery: Delivery, code: str) -> Iterator[Told]:
    ident = node.id("dispute_id") or node.id("id", required=True)
    state = node.text("state", required=True)
    if state is None:
        return
    if state not in _DISPUTE:
        node.fault(Code.UNKNOWN_WORD, "state", f"{state!r} is not known here")
        return
    payment = node.child("disputed_payment").id("payment_id")
    amount = _money(node, "amount_money")
    created = node.time("created_at") or node.time("reported_at", required=True)
    teller = Teller(delivery, payment or ident, code, to_payment(delivery, payment))
    yield from teller.tell(FactKind.DISPUTED, ident, created, amount, state)
    ended = _DISPUTE[state]
    if ended is not None:
        yield from teller.tell(ended, ident, node.time("updated_at") or created, amount, state)


def _money(node: Node, name: str) -> Money | None:
    inner = node.child(name)
    return inner.minor("amount", inner.currency("currency"), required=True)


_READERS: Final = {"payment": _payment, "refund": _refund, "dispute": _dispute}
