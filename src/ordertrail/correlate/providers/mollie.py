"""Mollie: payments, refunds, chargebacks, captures, orders and shipments, as its API answers them.

Source: https://docs.mollie.com/reference/get-payment, .../get-refund, .../get-chargeback, .../get-capture,
.../get-order, .../get-shipment. Amounts are ``{"value": "10.00", "currency": "EUR"}``. A classic webhook only names
what changed (``id=tr_…``) and is not signed: whoever receives it fetches the payment and hands the answer in, so that
what is recorded is what Mollie says, and not what somebody posts.
"""

import re
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
    money_within,
    observed,
    scanned,
    some,
    to_order,
    to_payment,
    to_shipment,
)
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document, Node
from ordertrail.intake.faults import Code
from ordertrail.intake.message import Foreign
from ordertrail.record.event import Link

_FORM: Final = re.compile(rb"id=([A-Za-z0-9_]{1,64})\s*")
_PAYMENT: Final = {
    "paid": (FactKind.CAPTURED, "paidAt"),
    "authorized": (FactKind.AUTHORISED, "authorizedAt"),
    "canceled": (FactKind.VOIDED, "canceledAt"),
    "expired": (FactKind.VOIDED, "expiredAt"),
    "failed": (FactKind.FAILED, "failedAt"),
}
_REFUND: Final = {
    "refunded": FactKind.REFUNDED,
    "processing": FactKind.REFUNDED,
    "failed": FactKind.REFUND_FAILED,
    "canceled": FactKind.REFUND_FAILED,
}
_UNDER_WAY: Final = frozenset({"open", "pending", "queued", "created"})

# https://docs.mollie.com/reference/list-payments, .../list-all-refunds, .../list-all-chargebacks: the newest first, by
# when they were made. A payment may be open for weeks; what is given back of it stands in lists of its own.
_ASKING: Final = Asking(
    "https://api.mollie.com",
    tuple(
        Listing(
            f"/v2/{name}",
            {"limit": "{size}"},
            Turn.ADDRESS,
            at="/_links/next",
            items=f"/_embedded/{name}",
            size=250,
            time="createdAt",
            newest_first=True,
        )
        for name in ("payments", "refunds", "chargebacks")
    ),
    every=timedelta(hours=1),
    overlap=timedelta(days=14),
)


class Mollie:
    """Implements :class:`~ordertrail.correlate.provider.Provider`."""

    name = "mollie"
    signature = "key"
    asking = _ASKING

    def delivery_id(self, delivery: Delivery) -> str | None:  # noqa: ARG002 - an answer is known by its bytes
        """Return None: the same id is named each time that anything changes."""
        return None

    def read(self, delivery: Delivery) -> Iterator[Observation]:
        """See the protocol."""
        named = _FORM.fullmatch(delivery.body)
        if named is not None:
            told = f"it only names {named[1].decode()}; fetch that and hand Mollie's answer in"
            yield Observation("", Foreign("webhook", told))
            return
        document = Document.of_json(delivery.body, delivery.source.zone)
        embedded = document.tree.get("_embedded") if isinstance(document.tree, dict) else None
        names = [name for name, value in (embedded or {}).items() if isinstance(value, list)]
        if "resource" in document.root or not names:
            yield observed(document, delivery, _read)
            return
        for name in names:
            for part in listed(document, "_embedded", name):
                yield observed(part, delivery, _read)


def _read(node: Node, delivery: Delivery) -> Iterator[Told]:
    kind = node.text("resource") or "document"
    entity = node.child("_embedded").child("entity")
    if kind == "event" and "resource" in entity:  # a webhook that carries what it is about
        yield from _read(entity, delivery)
        return
    reader = _READERS.get(kind)
    if reader is None:
        yield Foreign(kind, f"a {kind} of Mollie's tells of no money of a payment")
        return
    yield from reader(node, delivery)


def _payment(node: Node, delivery: Delivery, orders: tuple[Link, ...] = ()) -> Iterator[Told]:
    ident, status = node.id("id", required=True), node.text("status", required=True)
    amount = money_within(node, "amount", "value", "currency")
    created = node.time("createdAt", required=True)
    links = (*to_payment(delivery, ident, node.id("orderId")), *metadata_orders(node, delivery), *orders)
    teller = Teller(delivery, ident, status, links)
    told = _PAYMENT.get(status or "")
    if told is not None:
        kind, name = told
        # What is paid was captured: of a payment that was authorised first, Mollie says how much.
        whole = money_within(node, "amountCaptured", "value", "currency")
        if kind is FactKind.CAPTURED and some(whole):
            yield from teller.tell_total(kind, node.time(name) or created, whole)
        else:
            yield from teller.tell(kind, ident, node.time(name) or created, amount)
    elif status is not None and status not in _UNDER_WAY:
        node.fault(Code.UNKNOWN_WORD, "status", f"{status!r} is not known here")
    else:
        yield Foreign("payment", f"it is {status}: no money has moved yet")
    for name, kind in (("amountRefunded", FactKind.REFUNDED), ("amountChargedBack", FactKind.DISPUTED)):
        back = money_within(node, name, "value", "currency")
        yield from teller.tell_total(kind, node.time("paidAt") or created, back)


def _refund(node: Node, delivery: Delivery) -> Iterator[Told]:
    status = node.text("status", required=True)
    kind = _REFUND.get(status or "")
    if kind is None:
        if status in _UNDER_WAY:
            yield Foreign("refund", f"it is {status}: no money has moved yet")
        elif status is not None:
            node.fault(Code.UNKNOWN_WORD, "status", f"{status!r} is not known here")
        return
    yield from _part(node, delivery, kind, node.time("createdAt", required=True))


def _chargeback(node: Node, delivery: Delivery) -> Iterator[Told]:
    yield from _part(node, delivery, FactKind.DISPUTED, node.time("createdAt", required=True))
    if "reversedAt" in node:
        yield from _part(node, delivery, FactKind.DISPUTE_WON, node.time("reversedAt"))


def _capture(node: Node, delivery: Delivery) -> Iterator[Told]:
    if node.text("status") in {"pending", "failed"}:
        yield Foreign("capture", "it is pending, or failed: no money has moved")
        return
    yield from _part(node, delivery, FactKind.CAPTURED, node.time("createdAt", required=True))


def _part(node: Node, delivery: Delivery, kind: FactKind, time: str | None) -> Iterator[Told]:
    payment = node.id("paymentId")
    ident = node.id("id", required=True)
    links = (*to_payment(delivery, payment, node.id("orderId")), *metadata_orders(node, delivery))
    teller = Teller(delivery, payment or ident, node.text("status") or node.text("resource"), links)
    yield from teller.tell(kind, ident, time, money_within(node, "amount", "value", "currency"))


def _order(node: Node, delivery: Delivery) -> Iterator[Told]:
    """Read an order of Mollie's: the payments within it are what happened."""
    names = (*to_order(delivery, node.id("orderNumber")), *metadata_orders(node, delivery))
    payments = node.child("_embedded").children("payments")
    for payment in payments:
        yield from _payment(payment, delivery, names)
    if not payments:
        status = node.text("status") or "new"
        yield Foreign("order", f"an order of Mollie's that is {status}; its payments tell what was paid")


def _shipment(node: Node, delivery: Delivery) -> Iterator[Told]:
    tracking = node.child("tracking")
    number, ident = tracking.id("code"), node.id("id", required=True)
    if number is None:
        yield Foreign("shipment", "a shipment without a tracking number")
        return
    links = (*to_shipment(delivery, ident), *to_payment(delivery, node.id("orderId")))
    time = node.time("createdAt", required=True)
    yield from scanned(FactKind.LABEL_MADE, delivery, parcel=number, time=time, code="shipment", links=links)


_READERS: Final = {
    "payment": _payment,
    "refund": _refund,
    "chargeback": _chargeback,
    "capture": _capture,
    "order": _order,
    "shipment": _shipment,
}
