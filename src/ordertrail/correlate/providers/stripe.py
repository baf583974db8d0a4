"""Stripe: webhooks of events, and lists of events, charges, payment intents, refunds and disputes.

Source: https://docs.stripe.com/api (objects charge, payment_intent, refund, dispute, checkout.session, invoice; event
types), API versions of 2014 to 2026. Amounts are in minor units; MGA has no digits there, ISK and UGX have two
(https://docs.stripe.com/currencies, "Special cases").

An event carries its object as it was then, and is read as that state: whatever the object says has happened is told, by
ids that are always the same. So it does not matter which types of events an account sends, or in which sequence.

===================================  ==================================================================================
object                               tells
===================================  ==================================================================================
``charge``                           captured, authorised, failed; refunds (single ones, else how much in all); voided
``payment_intent``                   captured (as its latest charge), authorised, voided, failed
``refund``                           refunded, refund failed
``dispute``                          disputed; won, lost
``checkout.session``, ``invoice``    what is captured of its payment in all, and the order's name
``invoice_payment``                  what is captured of its payment in all
===================================  ==================================================================================
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
    metadata_orders,
    minor_units,
    observed,
    some,
    to_order,
    to_payment,
)
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document, Node
from ordertrail.intake.message import Foreign
from ordertrail.kernel.money import Money

_EXPONENTS: Final = {"MGA": 0, "ISK": 2, "UGX": 2}
_CLOSED: Final = {
    "won": FactKind.DISPUTE_WON,
    "warning_closed": FactKind.DISPUTE_WON,
    "prevented": FactKind.DISPUTE_WON,
    "charge_refunded": FactKind.DISPUTE_WON,
    "lost": FactKind.DISPUTE_LOST,
}
"""How a dispute ends. What was given back to prevent one, or meanwhile, is told as a refund of its own."""
_INTENT: Final = {
    "succeeded": (FactKind.CAPTURED, "amount_received"),
    "requires_capture": (FactKind.AUTHORISED, "amount_capturable"),
    "canceled": (FactKind.VOIDED, "amount"),
    "requires_payment_method": (FactKind.FAILED, "amount"),
    "requires_source": (FactKind.FAILED, "amount"),
}
"""What each status of a payment intent tells, and which of its amounts; failed only where an error is named."""
_GIVEN_BACK: Final = frozenset({"succeeded", "pending"})
"""States of a refund whose money is no longer ours; one that fails later is told as that."""

# https://docs.stripe.com/api/events/list: 30 days back, the newest first.
_ASKING: Final = Asking(
    "https://api.stripe.com",
    (
        Listing(
            "/v1/events",
            {"created[gte]": "{since_unix}", "limit": "{size}", "starting_after": "{cursor}"},
            Turn.LAST,
            items="/data",
            more="/has_more",
        ),
    ),
)


class Stripe:
    """Implements :class:`~ordertrail.correlate.provider.Provider`."""

    name = "stripe"
    signature = "stripe"
    asking = _ASKING

    def delivery_id(self, delivery: Delivery) -> str | None:
        """Return the event's id."""
        return event_id(delivery, "evt_")

    def read(self, delivery: Delivery) -> Iterator[Observation]:
        """See the protocol."""
        document = Document.of_json(delivery.body, delivery.source.zone)
        if isinstance(document.tree, dict) and document.tree.get("object") == "list":
            parts = list(listed(document, "data"))
        else:
            parts = [document]
        for part in parts:
            yield observed(part, delivery, _read)


def _read(node: Node, delivery: Delivery) -> Iterator[Told]:
    if node.text("object") == "event":
        code, time = node.text("type", required=True), node.time("created", required=True)
        yield from _object(node.child("data").child("object"), delivery, code, time)
    else:
        yield from _object(node, delivery, None, None)


def _object(node: Node, delivery: Delivery, code: str | None, time: str | None) -> Iterator[Told]:
    kind = node.text("object") or "document"
    reader = _READERS.get(kind)
    if reader is None:
        yield Foreign(kind, f"a {kind} of Stripe tells of no payment of an order")
        return
    yield from reader(node, delivery, code or kind, time)


def _charge(node: Node, delivery: Delivery, code: str, time: str | None) -> Iterator[Told]:
    ident, intent = node.id("id", required=True), node.id("payment_intent")
    links = (
        *to_payment(delivery, intent, ident),
        *to_order(delivery, node.id("transfer_group")),
        *metadata_orders(node, delivery),
    )
    payer = node.text("receipt_email") or node.child("billing_details").text("email")
    teller = Teller(delivery, intent or ident, code, links, payer)
    amount, returned = _amount(node, "amount"), _amount(node, "amount_refunded", required=False)
    created = node.time("created", required=True)
    if node.text("status") == "pending":
        yield Foreign("charge", "it is pending: nothing has happened yet")
    elif node.text("status") == "failed" or node.flag("paid") is False:
        yield from teller.tell(FactKind.FAILED, ident, created, amount)
    elif node.flag("captured") is False:
        yield from teller.tell(FactKind.AUTHORISED, ident, created, amount)
        # What was never taken cannot be given back: a refund of it lets it go.
        if some(returned) or code == "charge.expired":
            yield from teller.tell(FactKind.VOIDED, ident, time or created, amount)
    else:
        when = time if code == "charge.captured" else created
        taken = _amount(node, "amount_captured", required=False) or amount
        yield from teller.tell(FactKind.CAPTURED, ident, when, taken)
        yield from _refunds(node, teller, returned, time or created)


def _refunds(node: Node, teller: Teller, returned: Money | None, time: str | None) -> Iterator[Told]:
    """Yield a charge's refunds one by one where all of them are told, else how much they come to."""
    refunds = node.child("refunds")
    if some(returned) and refunds.tree.get("data") and refunds.flag("has_more") is not True:
        for refund in refunds.children("data"):
            yield from _refund(refund, teller.delivery, "refund", None, teller.thing)
    else:
        yield from teller.tell_total(FactKind.REFUNDED, time, returned)


def _refund(
    node: Node, delivery: Delivery, code: str, time: str | None, of: str | None = None
) -> Iterator[Told]:
    ident, charge, intent = node.id("id", required=True), node.id("charge"), node.id("payment_intent")
    created, status = node.time("created", required=True), node.text("status") or "succeeded"
    links = (*to_payment(delivery, intent, charge), *metadata_orders(node, delivery))
    teller, amount = Teller(delivery, intent or of or charge or ident, code, links), _amount(node, "amount")
    if status in _GIVEN_BACK:
        yield from teller.tell(FactKind.REFUNDED, ident, created, amount)
    elif status in {"failed", "canceled"}:
        yield from teller.tell(FactKind.REFUND_FAILED, ident, time or created, amount)
    else:
        yield Foreign("refund", f"it is {status}: no money has moved yet")


def _dispute(node: Node, delivery: Delivery, code: str, time: str | None) -> Iterator[Told]:
    charge, intent = node.id("charge"), node.id("payment_intent")
    ident = node.id("id") or (f"{charge}/dispute" if charge else node.id("id", required=True))
    created, status = node.time("created", required=True), node.text("status", required=True)
    links = (*to_payment(delivery, intent, charge), *metadata_orders(node, delivery))
    teller, amount = Teller(delivery, intent or charge or ident, code, links), _amount(node, "amount")
    yield from teller.tell(FactKind.DISPUTED, ident, created, amount, status)
    closed = _CLOSED.get(status or "")
    if closed is not None:
        yield from teller.tell(closed, ident, time or created, amount, status)


def _intent(node: Node, delivery: Delivery, code: str, time: str | None) -> Iterator[Told]:
    ident, charge = node.id("id", required=True), _latest_charge(node)
    created, status = node.time("created", required=True), node.text("status", required=True)
    links = (
        *to_payment(delivery, ident, charge),
        *to_order(delivery, node.id("transfer_group")),
        *metadata_orders(node, delivery),
    )
    told = _INTENT.get(status or "")
    if told is None or (told[0] is FactKind.FAILED and "last_payment_error" not in node):
        yield Foreign("payment_intent", f"it is {status}: no money has moved yet")
        return
    kind, name = told
    teller = Teller(delivery, ident, code, links, node.text("receipt_email"))
    yield from teller.tell(kind, charge or ident, time or created, _amount(node, name))


def _latest_charge(node: Node) -> str | None:
    latest = node.tree.get("latest_charge")
    if isinstance(latest, str):
        return node.id("latest_charge")
    if isinstance(latest, dict):
        return node.child("latest_charge").id("id")
    charges = node.tree.get("charges")
    return node.child("charges").first("data").id("id") if isinstance(charges, dict) else None


def _settled(node: Node, delivery: Delivery, code: str, time: str | None) -> Iterator[Told]:
    """Read a checkout session or an invoice: it names the order, and says what was paid for it in all."""
    ident, kind = node.id("id"), node.text("object") or "document"
    intent, charge = _reference(node, "payment_intent"), _reference(node, "charge")
    paid = node.text("payment_status") == "paid" or (kind == "invoice" and node.flag("paid") is not False)
    if not paid or (intent or charge) is None or node.text("status") in {"open", "draft", "expired"}:
        yield Foreign(kind, f"a {kind} that is not paid, or that names no payment, moves no money")
        return
    orders = (*to_order(delivery, node.id("client_reference_id")), *metadata_orders(node, delivery))
    payer = node.child("customer_details").text("email") or node.text("customer_email")
    links = (*to_payment(delivery, intent, charge, ident), *orders)
    teller = Teller(delivery, intent or charge, code, links, payer)
    amount = _amount(node, "amount_total" if kind == "checkout.session" else "amount_paid")
    when = time or node.time("created", required=True)
    yield from teller.tell_total(FactKind.CAPTURED, when, amount)


def _invoice_payment(node: Node, delivery: Delivery, code: str, time: str | None) -> Iterator[Told]:
    """Read what was paid of an invoice, which since 2025 names no payment by itself."""
    payment = node.child("payment")
    intent, charge = _reference(payment, "payment_intent"), _reference(payment, "charge")
    if node.text("status") != "paid" or (intent or charge) is None:
        yield Foreign("invoice_payment", "it is not paid, or names no payment: it moves no money of one")
        return
    links = to_payment(delivery, intent, charge, _reference(node, "invoice"))
    paid = node.child("status_transitions").time("paid_at") or time or node.time("created", required=True)
    yield from Teller(delivery, intent or charge, code, links).tell_total(
        FactKind.CAPTURED, paid, _amount(node, "amount_paid")
    )


def _amount(node: Node, name: str, *, required: bool = True) -> Money | None:
    if not required and name not in node:
        return None
    return minor_units(node, name, node.currency("currency"), _EXPONENTS)


def _reference(node: Node, name: str) -> str | None:
    return node.child(name).id("id") if isinstance(node.tree.get(name), dict) else node.id(name)


_READERS: Final = {
    "charge": _charge,
    "refund": _refund,
    "dispute": _dispute,
    "payment_intent": _intent,
    "checkout.session": _settled,
    "invoice": _settled,
    "invoice_payment": _invoice_payment,
}
