"""PayPal: webhooks, and answers of the Orders, Payments and Disputes APIs of both generations.

Source: https://developer.paypal.com/api/rest/webhooks/event-names, https://developer.paypal.com/docs/api/orders/v2,
.../payments/v2, .../payments/v1, .../customer-disputes/v1. Amounts are in major units: ``{"total", "currency"}`` in the
first generation, ``{"value", "currency_code"}`` in the second. A merchant names the order in ``invoice_id``,
``custom_id`` and ``reference_id`` of a purchase unit, or in ``invoice_number`` and ``custom``.
"""

import re
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
from ordertrail.record.event import Link

_STATES: Final[dict[str, dict[str, FactKind]]] = {
    "sale": {
        "completed": FactKind.CAPTURED,
        "partially_refunded": FactKind.CAPTURED,
        "refunded": FactKind.CAPTURED,
        "denied": FactKind.FAILED,
        "reversed": FactKind.CAPTURED,
    },
    "authorization": {
        "authorized": FactKind.AUTHORISED,
        "created": FactKind.AUTHORISED,
        "partially_created": FactKind.AUTHORISED,
        "captured": FactKind.AUTHORISED,
        "partially_captured": FactKind.AUTHORISED,
        "voided": FactKind.VOIDED,
        "expired": FactKind.VOIDED,
        "denied": FactKind.FAILED,
    },
    "capture": {
        "completed": FactKind.CAPTURED,
        "partially_refunded": FactKind.CAPTURED,
        "refunded": FactKind.CAPTURED,
        "declined": FactKind.FAILED,
        "denied": FactKind.FAILED,
        "failed": FactKind.FAILED,
    },
    "refund": {
        "completed": FactKind.REFUNDED,
        "pending": FactKind.REFUNDED,
        "cancelled": FactKind.REFUND_FAILED,
        "failed": FactKind.REFUND_FAILED,
    },
}
"""What each state of a thing tells. What it was before is told by its own webhook."""

_LIST_NAMES: Final = ("payments", "events", "items", "disputes", "webhook_events", "transactions")
_PARENT: Final = re.compile(
    r"/(?:captures|capture|authorizations|authorization|sale|sales)/([A-Z0-9]{8,32})$"
)
_WON: Final = {"RESOLVED_SELLER_FAVOUR", "CANCELED_BY_BUYER", "DENIED"}
_LOST: Final = {"RESOLVED_BUYER_FAVOUR", "RESOLVED_WITH_PAYOUT", "ACCEPTED"}

# https://developer.paypal.com/docs/api/webhooks/v1/#webhooks-events_list
_ASKING: Final = Asking(
    "https://api-m.paypal.com",
    (
        Listing(
            "/v1/notifications/webhooks-events",
            {"start_time": "{since}"},
            Turn.ADDRESS,
            at="/links",
            items="/events",
        ),
    ),
    tokens_at="/v1/oauth2/token",
)


class PayPal:
    """Implements :class:`~ordertrail.correlate.provider.Provider`."""

    name = "paypal"
    signature = "paypal"
    asking = _ASKING

    def delivery_id(self, delivery: Delivery) -> str | None:
        """Return the webhook's id."""
        return event_id(delivery, "WH-")

    def read(self, delivery: Delivery) -> Iterator[Observation]:
        """See the protocol."""
        document = Document.of_json(delivery.body, delivery.source.zone)
        tree = document.tree if isinstance(document.tree, dict) else {}
        listing = next((name for name in _LIST_NAMES if isinstance(tree.get(name), list)), None)
        if listing is None or "id" in tree or "intent" in tree:
            yield observed(document, delivery, _read)
            return
        for part in listed(document, listing):
            yield observed(part, delivery, _read)


def _read(node: Node, delivery: Delivery) -> Iterator[Told]:
    if "event_type" not in node:
        yield from _document(node, delivery)
        return
    event = node.text("event_type", required=True) or ""
    kind, time = (node.text("resource_type") or "").lower(), node.time("create_time", required=True)
    resource = node.child("resource")
    if event.startswith("CUSTOMER.DISPUTE.") or kind == "dispute":
        yield from _dispute(resource, delivery, event, time)
    elif event.endswith((".REFUNDED", ".REVERSED")):
        yield from _given_back(resource, delivery, event, time)
    elif kind in _STATES:
        yield from _thing(resource, delivery, kind, event, time)
    elif kind in {"checkout-order", "checkout_order", "order", "payment"}:
        yield from _document(resource, delivery)
    else:
        yield Foreign(kind or event, f"{event} tells of no money of a payment")


def _document(node: Node, delivery: Delivery) -> Iterator[Told]:
    """Read an order, a payment, or one of what these are made of, as an API answers it."""
    if "name" in node and ("debug_id" in node or "message" in node):
        yield Foreign("error", "an error that PayPal's API answered; nothing happened")
    elif "dispute_id" in node:
        yield from _dispute(node, delivery, "dispute", None)
    elif "purchase_units" in node:
        yield from _order(node, delivery)
    elif "transactions" in node:
        yield from _payment(node, delivery)
    elif "state" in node or "status" in node:
        kind = _kind_of(node)
        if kind is None:
            yield Foreign("document", "no payment, authorization, capture or refund of PayPal's")
        else:
            yield from _thing(node, delivery, kind, kind, None)
    else:
        yield Foreign("document", "a request or an answer in which nothing happens to a payment")


def _kind_of(node: Node) -> str | None:
    if "sale_id" in node or "capture_id" in node or "seller_payable_breakdown" in node:
        return "refund"
    if "valid_until" in node or "expiration_time" in node:
        return "authorization"
    if "seller_receivable_breakdown" in node or "is_final_capture" in node or "final_capture" in node:
        return "capture"
    state = (node.text("state") or "").lower()
    if state in _STATES["authorization"].keys() - _STATES["sale"].keys() - {"created"}:
        return "authorization"
    return "sale" if "parent_payment" in node else None


def _order(node: Node, delivery: Delivery) -> Iterator[Told]:
    """Read an order of the second generation."""
    ident = node.id("id")
    found = False
    for unit in node.children("purchase_units"):
        links = (*to_payment(delivery, ident), *_merchant(unit, delivery))
        payments = unit.child("payments")
        for name, kind in (
            ("authorizations", "authorization"),
            ("captures", "capture"),
            ("refunds", "refund"),
        ):
            for one in payments.children(name):
                found = True
                yield from _thing(one, delivery, kind, kind, None, links, ident)
    if not found:
        yield Foreign("order", "an order of PayPal's for which nothing was paid yet")


def _payment(node: Node, delivery: Delivery) -> Iterator[Told]:
    """Read a payment of the first generation."""
    ident = node.id("id")
    found = False
    for one in node.children("transactions"):
        links = (*to_payment(delivery, ident), *_merchant(one, delivery))
        for related in one.children("related_resources"):
            for kind in _STATES:
                if kind in related:
                    found = True
                    yield from _thing(related.child(kind), delivery, kind, kind, None, links, ident)
    if not found:
        yield Foreign("payment", f"a payment that is {node.text('state') or 'new'}: no money has moved yet")


def _thing(  # noqa: PLR0913, PLR0917 - what is told, by whom, when, of what
    node: Node,
    delivery: Delivery,
    kind: str,
    code: str,
    time: str | None,
    links: tuple[Link, ...] = (),
    payment: str | None = None,
) -> Iterator[Told]:
    state = (node.text("state") or node.text("status") or "").lower()
    told = _STATES[kind].get(state)
    if told is None:
        if state in {"pending", "created", "approved", "in_progress"}:
            yield Foreign(kind, f"a {kind} that is {state}: no money has moved yet")
        else:
            node.fault(
                Code.UNKNOWN_WORD, "state" if "state" in node else "status", f"{state!r} is not known here"
            )
        return
    ident, parents = node.id("id", required=True), _parents(node)
    named = (*links, *to_payment(delivery, *parents, ident), *_merchant(node, delivery))
    when = time or node.time("create_time") or node.time("update_time", required=True)
    teller = Teller(delivery, payment or (parents[0] if parents else ident), code, named)
    yield from teller.tell(told, ident, when, _amount(node))


def _given_back(node: Node, delivery: Delivery, event: str, time: str | None) -> Iterator[Told]:
    """Read a refund or a reversal; some webhooks carry the refund, some the sale with how much came back."""
    ident, parents = node.id("id", required=True), _parents(node)
    of_sale = "sale_id" in node or "capture_id" in node or bool(_refund_links(node))
    whole = not of_sale and "seller_payable_breakdown" not in node
    amount = _amount(node, "refunded_amount") if "refunded_amount" in node else _amount(node)
    if amount is not None and amount.amount < 0:
        amount = Money(-amount.amount, amount.currency)
    links = (*to_payment(delivery, *parents, ident), *_merchant(node, delivery))
    teller = Teller(delivery, parents[0] if parents else ident, event, links)
    # A sale that carries what came back of it is no refund with an id of its own.
    name = f"{ident}/returned" if whole and ident else ident
    yield from teller.tell(FactKind.REFUNDED, name, time, amount)


def _dispute(node: Node, delivery: Delivery, code: str, time: str | None) -> Iterator[Told]:
    ident = node.id("dispute_id", required=True)
    first = node.first("disputed_transactions")
    payment = first.id("seller_transaction_id") or first.id("buyer_transaction_id")
    orders = to_order(delivery, first.id("invoice_number"), first.id("custom"))
    links = (*to_payment(delivery, payment), *orders)
    amount = _amount(node, "dispute_amount")
    created = node.time("create_time") or time or node.time("create_time", required=True)
    outcome = node.child("dispute_outcome").text("outcome_code")
    teller = Teller(delivery, payment or ident, code, links)
    yield from teller.tell(FactKind.DISPUTED, ident, created, amount, node.text("reason"))
    ended = node.time("update_time") or time
    if outcome in _WON:
        yield from teller.tell(FactKind.DISPUTE_WON, ident, ended, amount, outcome)
    elif outcome in _LOST:
        yield from teller.tell(FactKind.DISPUTE_LOST, ident, ended, amount, outcome)


def _amount(node: Node, name: str = "amount") -> Money | None:
    inner = node.child(name)
    if "value" in inner:
        return inner.money(
            "value", inner.currency("currency_code" if "currency_code" in inner else "currency")
        )
    return inner.money("total", inner.currency("currency"), required=True)


def _merchant(node: Node, delivery: Delivery) -> tuple[Link, ...]:
    """Return links to the order as the merchant named it."""
    names = ("invoice_id", "custom_id", "reference_id", "invoice_number", "custom")
    found = (node.id(name) for name in names)
    return to_order(delivery, *(one for one in found if one != "default"))


def _parents(node: Node) -> list[str]:
    """Return the ids of the payment that a thing belongs to, the outermost first."""
    related = node.child("supplementary_data").child("related_ids")
    named = (
        related.id("order_id"),
        node.id("parent_payment"),
        related.id("capture_id"),
        related.id("authorization_id"),
        node.id("sale_id"),
        node.id("capture_id"),
        *_refund_links(node),
    )
    return list(dict.fromkeys(one for one in named if one))


def _refund_links(node: Node) -> list[str]:
    """Return the id of the capture, sale or authorization that the link ``up`` leads to."""
    ups = [one.text("href") or "" for one in node.children("links") if one.text("rel") == "up"]
    return [found[1] for up in ups if (found := _PARENT.search(up))]
