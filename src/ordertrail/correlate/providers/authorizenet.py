"""Authorize.Net: webhooks of payments, and what its reporting API lists of transactions.

Source: https://developer.authorize.net/api/reference/features/webhooks.html and
https://developer.authorize.net/api/reference (getTransactionDetails, getTransactionList). Amounts are in major units of
the account's currency, which no document names: the source's ``currency`` does. A capture of what was authorised keeps
the authorisation's ``transId``; a refund names it as ``refTransId`` in the reporting API, and not in its webhook.
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

_EVENTS: Final = {
    "net.authorize.payment.authorization.created": FactKind.AUTHORISED,
    "net.authorize.payment.authcapture.created": FactKind.CAPTURED,
    "net.authorize.payment.capture.created": FactKind.CAPTURED,
    "net.authorize.payment.priorAuthCapture.created": FactKind.CAPTURED,
    "net.authorize.payment.refund.created": FactKind.REFUNDED,
    "net.authorize.payment.void.created": FactKind.VOIDED,
    "net.authorize.payment.fraud.approved": FactKind.AUTHORISED,
    "net.authorize.payment.fraud.declined": FactKind.FAILED,
}
"""An approval after a review does not say whether the money was also taken: that it is set aside is certain."""
_STATES: Final = {
    "authorizedPendingCapture": FactKind.AUTHORISED,
    "capturedPendingSettlement": FactKind.CAPTURED,
    "authorizedPendingRelease": FactKind.AUTHORISED,
    "pendingSettlement": FactKind.CAPTURED,
    "pendingFinalSettlement": FactKind.CAPTURED,
    "updatingSettlement": FactKind.CAPTURED,
    "settledSuccessfully": FactKind.CAPTURED,
    "refundPendingSettlement": FactKind.REFUNDED,
    "refundSettledSuccessfully": FactKind.REFUNDED,
    "voided": FactKind.VOIDED,
    "expired": FactKind.VOIDED,
    "declined": FactKind.FAILED,
    "generalError": FactKind.FAILED,
    "communicationError": FactKind.FAILED,
    "failedReview": FactKind.FAILED,
    "settlementError": FactKind.CAPTURE_FAILED,
    "returnedItem": FactKind.DISPUTED,
    "chargeback": FactKind.DISPUTED,
    "chargebackReversal": FactKind.DISPUTE_WON,
}
_UNDER_REVIEW: Final = frozenset(
    {"underReview", "FDSPendingReview", "FDSAuthorizedPendingReview", "approvedReview", "couldNotVoid"}
)
_APPROVED: Final = 1
_HELD: Final = 4

# https://developer.authorize.net/api/reference/features/webhooks.html: the history names notifications, and each is
# fetched. It takes no time; how long a history is kept is Authorize.Net's affair.
_ASKING: Final = Asking(
    "https://api.authorize.net",
    (
        Listing(
            "/rest/v1/notifications",
            {"offset": "{offset}", "limit": "{size}"},
            Turn.NUMBER,
            items="/notifications",
            size=1_000,
            time="eventDate",
            each="/rest/v1/notifications/{id}",
            name="notificationId",
        ),
    ),
    credential="basic",
    absent=frozenset({404}),
    every=timedelta(minutes=15),
)


class AuthorizeNet:
    """Implements :class:`~ordertrail.correlate.provider.Provider`."""

    name = "authorizenet"
    signature = "authorizenet"
    asking = _ASKING

    def delivery_id(self, delivery: Delivery) -> str | None:
        """Return the notification's id."""
        return event_id(delivery, name="notificationId")

    def read(self, delivery: Delivery) -> Iterator[Observation]:
        """See the protocol."""
        document = Document.of_json(delivery.body, delivery.source.zone)
        tree = document.tree if isinstance(document.tree, dict) else {}
        if isinstance(tree.get("transactions"), list):
            for part in listed(document, "transactions"):
                yield observed(part, delivery, _transaction)
            return
        yield observed(document, delivery, _read)


def _read(node: Node, delivery: Delivery) -> Iterator[Told]:
    if "eventType" in node:
        yield from _event(node, delivery)
    elif "transaction" in node:
        yield from _transaction(node.child("transaction"), delivery)
    elif "transactionResponse" in node:
        told = (
            "an answer to a request of ours, without a time or an amount; its webhook tells what came of it"
        )
        yield Foreign("answer", told)
    else:
        yield Foreign("document", "no event and no transaction of Authorize.Net's")


def _event(node: Node, delivery: Delivery) -> Iterator[Told]:
    code = node.text("eventType", required=True) or ""
    kind = _EVENTS.get(code)
    if kind is None:
        yield Foreign(code, f"{code} tells of no money of a payment")
        return
    payload, time = node.child("payload"), node.time("eventDate", required=True)
    answer = payload.integer("responseCode")
    if answer == _HELD:
        yield Foreign(code, "it is held for review: no money has moved yet")
        return
    if answer is not None and answer > _APPROVED:
        kind = FactKind.FAILED
    ident = payload.id("id", required=True)
    orders = to_order(delivery, payload.id("invoiceNumber"), payload.id("merchantReferenceId"))
    teller = Teller(delivery, ident, code, (*to_payment(delivery, ident), *orders))
    name = "authAmount" if "authAmount" in payload else "requestedAmount"
    amount = None if kind is FactKind.VOIDED and name not in payload else _amount(payload, name, delivery)
    yield from teller.tell(kind, ident, time, amount)


def _transaction(node: Node, delivery: Delivery) -> Iterator[Told]:
    """Read a transaction of the reporting API."""
    ident, state = node.id("transId", required=True), node.text("transactionStatus", required=True)
    if state is None:
        return
    if state in _UNDER_REVIEW:
        yield Foreign("transaction", f"it is {state}: no money has moved yet")
        return
    kind = _STATES.get(state)
    if kind is None:
        node.fault(Code.UNKNOWN_WORD, "transactionStatus", f"{state!r} is not known here")
        return
    original = node.id("refTransId") or ident
    orders = to_order(delivery, node.id("invoiceNumber"), node.child("order").id("invoiceNumber"))
    payer = node.child("customer").text("email")
    teller = Teller(delivery, original, state, (*to_payment(delivery, original, ident), *orders), payer)
    name = "settleAmount" if "settleAmount" in node else "authAmount"
    time = node.time("submitTimeUTC", required=True)
    yield from teller.tell(kind, ident, time, _amount(node, name, delivery))


def _amount(node: Node, name: str, delivery: Delivery) -> Money | None:
    if delivery.source.currency is None:
        told = f"the documents of Authorize.Net name no currency; set that of {delivery.source}"
        node.fault(Code.MISSING, "", told)
        return None
    return node.money(name, delivery.source.currency, required=True)
