"""Razorpay: webhooks of payments, refunds and disputes, and the entities and collections that its API answers.

Source: https://razorpay.com/docs/webhooks/payloads and https://razorpay.com/docs/api (entities payment, refund,
dispute). Amounts are in minor units, times in Unix seconds. A merchant names the order in ``notes``; ``order_id`` is
Razorpay's own.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from ordertrail.correlate.asking import Asking, Listing, Turn
from ordertrail.correlate.facts import FactKind
from ordertrail.correlate.observation import Observation
from ordertrail.correlate.providers.reading import (
    Teller,
    Told,
    listed,
    metadata_orders,
    minor_units,
    observed,
    to_payment,
)
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document, Node
from ordertrail.intake.faults import Code
from ordertrail.intake.message import Foreign

_PAYMENT: Final = {
    "authorized": FactKind.AUTHORISED,
    "captured": FactKind.CAPTURED,
    "refunded": FactKind.CAPTURED,
    "failed": FactKind.FAILED,
}
_DISPUTE: Final[dict[str, FactKind | None]] = {
    "open": None,
    "under_review": None,
    "won": FactKind.DISPUTE_WON,
    "lost": FactKind.DISPUTE_LOST,
    "closed": FactKind.DISPUTE_WON,
}

# https://razorpay.com/docs/api/payments/fetch-all-payments, .../refunds/fetch-all: by when they were made. What is
# authorised is captured, or given back, within some days.
_ASKING: Final = Asking(
    "https://api.razorpay.com",
    tuple(
        Listing(
            f"/v1/{name}",
            {"from": "{since_unix}", "count": "{size}", "skip": "{offset}"},
            Turn.NUMBER,
            items="/items",
        )
        for name in ("payments", "refunds")
    ),
    credential="basic",
    every=timedelta(minutes=15),
    overlap=timedelta(days=7),
)


class Razorpay:
    """Implements :class:`~ordertrail.correlate.provider.Provider`."""

    name = "razorpay"
    signature = "razorpay"
    asking = _ASKING

    def delivery_id(self, delivery: Delivery) -> str | None:
        """Return the event's id, which stands in a header."""
        return delivery.headers.get("x-razorpay-event-id")

    def read(self, delivery: Delivery) -> Iterator[Observation]:
        """See the protocol."""
        document = Document.of_json(delivery.body, delivery.source.zone)
        if isinstance(document.tree, dict) and document.tree.get("entity") == "collection":
            for part in listed(document, "items"):
                yield observed(part, delivery, _entity)
            return
        yield observed(document, delivery, _read)


def _read(node: Node, delivery: Delivery) -> Iterator[Told]:
    if node.text("entity") != "event" and "payload" not in node:
        yield from _entity(node, delivery)
        return
    code, time = node.text("event"), node.time("created_at")
    payload, found = node.child("payload"), False
    for name, reader in _READERS.items():
        if name in payload:
            found = True
            yield from reader(payload.child(name).child("entity"), delivery, code or name, time)
    if not found:
        yield Foreign(code or "event", f"{code} of Razorpay's tells of no payment, refund or dispute")


def _entity(node: Node, delivery: Delivery) -> Iterator[Told]:
    kind = node.text("entity") or "document"
    reader = _READERS.get(kind)
    if reader is None:
        yield Foreign(kind, f"a {kind} of Razorpay's tells of no payment, refund or dispute")
        return
    yield from reader(node, delivery, kind, None)


def _payment(node: Node, delivery: Delivery, code: str, time: str | None) -> Iterator[Told]:
    ident, status = node.id("id", required=True), node.text("status", required=True)
    created, currency = node.time("created_at", required=True), node.currency("currency")
    if status == "created":
        yield Foreign("payment", "it is created: no money has moved yet")
        return
    kind = _PAYMENT.get(status or "")
    if kind is None:
        if status is not None:
            node.fault(Code.UNKNOWN_WORD, "status", f"{status!r} is not known here")
        return
    links = (*to_payment(delivery, ident, node.id("order_id")), *metadata_orders(node, delivery, "notes"))
    teller = Teller(delivery, ident, code, links, node.text("email"))
    yield from teller.tell(kind, ident, created, minor_units(node, "amount", currency))
    if "amount_refunded" in node:
        yield from teller.tell_total(
            FactKind.REFUNDED, time or created, minor_units(node, "amount_refunded", currency)
        )


def _refund(node: Node, delivery: Delivery, code: str, time: str | None) -> Iterator[Told]:
    ident, payment = node.id("id", required=True), node.id("payment_id")
    failed = node.text("status") == "failed"
    links = (*to_payment(delivery, payment), *metadata_orders(node, delivery, "notes"))
    amount = minor_units(node, "amount", node.currency("currency"))
    created = node.time("created_at", required=True)
    teller = Teller(delivery, payment or ident, code, links)
    if failed:
        yield from teller.tell(FactKind.REFUND_FAILED, ident, time or created, amount)
    else:
        yield from teller.tell(FactKind.REFUNDED, ident, created, amount)


def _dispute(node: Node, delivery: Delivery, code: str, time: str | None) -> Iterator[Told]:
    ident, payment = node.id("id", required=True), node.id("payment_id")
    status, created = node.text("status", required=True), node.time("created_at", required=True)
    amount = minor_units(node, "amount", node.currency("currency"))
    if status is None:
        return
    if status not in _DISPUTE:
        node.fault(Code.UNKNOWN_WORD, "status", f"{status!r} is not known here")
        return
    teller = Teller(delivery, payment or ident, code, to_payment(delivery, payment))
    yield from teller.tell(FactKind.DISPUTED, ident, created, amount, node.text("reason_code"))
    ended = _DISPUTE[status]
    if ended is not None:
        yield from teller.tell(ended, ident, time or created, amount, status)


_READERS: Final = {"payment": _payment, "refund": _refund, "dispute": _dispute}
