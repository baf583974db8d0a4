"""Braintree: webhooks of transactions and disputes (a signed form around XML, or that XML itself), and its searches.

Source: https://developer.paypal.com/braintree/docs/reference/general/webhooks. The form's ``bt_payload`` is base64 of
``<notification>`` with a ``kind``, a ``timestamp`` and a subject. Amounts are in major units; a transaction that names
no currency is of the source's. A merchant names the order in ``order-id``. What its GraphQL API finds is read by
:mod:`ordertrail.correlate.providers.braintree_search`.
"""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from ordertrail.correlate.facts import FactKind
from ordertrail.correlate.observation import Observation
from ordertrail.correlate.providers.braintree_search import ASKING, searched
from ordertrail.correlate.providers.reading import (
    Teller,
    Told,
    observed,
    to_order,
    to_payment,
    without_nil,
)
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document, Node
from ordertrail.intake.faults import Code, Fault, FaultyError
from ordertrail.intake.message import Foreign
from ordertrail.intake.xml import xml_tree
from ordertrail.kernel.money import Money

_TRANSACTIONS: Final = {
    "transaction_settled": FactKind.CAPTURED,
    "transaction_disbursed": FactKind.CAPTURED,
    "transaction_settlement_declined": FactKind.CAPTURE_FAILED,
    "refund_failed": FactKind.REFUND_FAILED,
    "local_payment_funded": FactKind.CAPTURED,
    "local_payment_completed": FactKind.CAPTURED,
    "local_payment_expired": FactKind.VOIDED,
    "subscription_charged_successfully": FactKind.CAPTURED,
    "subscription_charged_unsuccessfully": FactKind.FAILED,
}
_STATES: Final = {
    "authorized": FactKind.AUTHORISED,
    "submitted_for_settlement": FactKind.CAPTURED,
    "settlement_confirmed": FactKind.CAPTURED,
    "settling": FactKind.CAPTURED,
    "settled": FactKind.CAPTURED,
    "voided": FactKind.VOIDED,
    "authorization_expired": FactKind.VOIDED,
    "processor_declined": FactKind.FAILED,
    "gateway_rejected": FactKind.FAILED,
    "failed": FactKind.FAILED,
    "settlement_declined": FactKind.CAPTURE_FAILED,
}
_UNDER_WAY: Final = frozenset({"authorizing", "settlement_pending"})
_DISPUTES: Final[dict[str, FactKind | None]] = {
    "dispute_opened": None,
    "dispute_under_review": None,
    "dispute_disputed": None,
    "dispute_won": FactKind.DISPUTE_WON,
    "dispute_lost": FactKind.DISPUTE_LOST,
    "dispute_accepted": FactKind.DISPUTE_LOST,
    "dispute_auto_accepted": FactKind.DISPUTE_LOST,
    "dispute_expired": FactKind.DISPUTE_LOST,
}
_FORM: Final = re.compile(rb"\s*(?:bt_signature|bt_payload)=")
_PAYLOAD: Final = re.compile(rb"(?:^|[&\n])bt_payload=([^&]*)")


class Braintree:
    """Implements :class:`~ordertrail.correlate.provider.Provider`."""

    name = "braintree"
    signature = "braintree"
    asking = ASKING

    def delivery_id(self, delivery: Delivery) -> str | None:  # noqa: ARG002 - a notification has none
        """Return None: a notification has no id; its bytes are it."""
        return None

    def read(self, delivery: Delivery) -> Iterator[Observation]:
        """See the protocol."""
        if delivery.body.lstrip()[:1] == b"{":
            yield from searched(delivery)
            return
        body = _payload(delivery.body) if _FORM.match(delivery.body) else delivery.body
        tree = without_nil(xml_tree(body.strip()))
        yield observed(Document(tree, delivery.source.zone, markup=True), delivery, _read)


def _payload(form: bytes) -> bytes:
    """Return the XML of a form. Raises FaultyError for a form without one."""
    found = _PAYLOAD.findall(form)
    try:
        # Base64 in a form is seldom escaped as it should be: its plus signs and its line ends may stand as they are.
        (payload,) = found
        return b64decode(re.sub(r"\s", "", unquote(payload.decode("ascii"))), validate=True)
    except (UnicodeDecodeError, ValueError, Base64Error):
        raise FaultyError(Fault(Code.UNREADABLE, "/bt_payload", "is no base64 of one payload")) from None


def _read(node: Node, delivery: Delivery) -> Iterator[Told]:
    if "notification" not in node:
        name = next(iter(node.names()), "document")
        inner = node.child(name)
        if name == "transaction":
            yield from _transaction(inner, delivery, None, inner.time("created-at"))
        elif name == "dispute":
            yield from _dispute(inner, delivery, f"dispute_{inner.text('status')}", inner.time("updated-at"))
        else:
            yield Foreign(name, f"a {name} of Braintree's tells of no transaction or dispute")
        return
    notification = node.child("notification")
    kind, time = notification.text("kind", required=True) or "", notification.time("timestamp", required=True)
    subject = notification.child("subject")
    holder = _holder(subject)
    if kind in _DISPUTES:
        yield from _dispute(subject.child("dispute"), delivery, kind, time)
    elif kind in _TRANSACTIONS and holder is not None:
        yield from _transaction(holder, delivery, kind, time)
    elif kind == "local_payment_reversed":
        yield Foreign(kind, "it names a payment that was reversed, and no amount; the refund tells how much")
    else:
        yield Foreign(kind, f"{kind} of Braintree's tells of no money of a payment")


def _holder(subject: Node) -> Node | None:
    """Return the transaction that a notification is about."""
    if "transaction" in subject:
        return subject.child("transaction")
    for name in subject.names():
        inner = subject.tree.get(name)
        if isinstance(inner, dict) and isinstance(inner.get("transaction"), dict):
            return subject.child(name).child("transaction")
        if isinstance(inner, dict) and isinstance(inner.get("transactions"), dict):
            return subject.child(name).child("transactions").first("transaction")
    return None


def _transaction(node: Node, delivery: Delivery, kind: str | None, time: str | None) -> Iterator[Told]:
    ident, status = node.id("id", required=True), node.text("status")
    refunded = node.id("refunded-transaction-id") or node.id("refunded-transaction-fk")
    told = _TRANSACTIONS.get(kind or "") or _STATES.get(status or "")
    if told is None and status in _UNDER_WAY:
        yield Foreign("transaction", f"it is {status}: no money has moved yet")
        return
    if told is None:
        node.fault(Code.UNKNOWN_WORD, "status", f"{status!r} is not known here")
        return
    if told is FactKind.CAPTURED and (node.text("type") == "credit" or refunded is not None):
        told = FactKind.REFUNDED
    amount = _amount(node, "amount", delivery)
    orders = to_order(delivery, node.id("order-id"), node.id("purchase-order-number"))
    payer = node.child("customer").text("email")
    links = (*to_payment(delivery, refunded, ident), *orders)
    teller = Teller(delivery, refunded or ident, kind or status, links, payer)
    yield from teller.tell(told, ident, time or node.time("created-at", required=True), amount)


def _dispute(node: Node, delivery: Delivery, kind: str, time: str | None) -> Iterator[Told]:
    if kind not in _DISPUTES and kind != "dispute_open":
        node.fault(Code.UNKNOWN_WORD, "status", f"{kind!r} is not known here")
        return
    ident, transaction = node.id("id", required=True), node.child("transaction")
    payment = transaction.id("id")
    amount = _amount(node, "amount-disputed" if "amount-disputed" in node else "amount", delivery)
    orders = to_order(delivery, transaction.id("order-id"))
    teller = Teller(delivery, payment or ident, kind, (*to_payment(delivery, payment), *orders))
    opened = node.time("created-at") or node.time("received-date") or time
    yield from teller.tell(FactKind.DISPUTED, ident, opened, amount, node.text("reason"))
    ended = _DISPUTES.get(kind)
    if ended is not None:
        yield from teller.tell(ended, ident, time, amount)


def _amount(node: Node, name: str, delivery: Delivery) -> Money | None:
    currency = node.currency("currency-iso-code", delivery.source.currency, required=False)
    if currency is None and name in node and not node.faults:
        told = f"the transaction names no currency; set that of {delivery.source}"
        node.fault(Code.MISSING, "currency-iso-code", told)
    return node.money(name, currency, required=True)
