"""What Braintree's GraphQL API finds: transactions, refunds and disputes by when they were made.

Source: https://developer.paypal.com/braintree/graphql/guides/transactions (Search Query) and .../graphql/reference
(Transaction, Refund, Dispute). ``legacyId`` is the id that webhooks name, so that what both tell is one fact.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from ordertrail.correlate.asking import Asking, Listing, Turn
from ordertrail.correlate.facts import FactKind
from ordertrail.correlate.observation import Observation
from ordertrail.correlate.providers.reading import Teller, Told, listed, observed, to_order, to_payment
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document, Node
from ordertrail.intake.faults import Code
from ordertrail.intake.message import Foreign
from ordertrail.kernel.money import Money

_PAID: Final = {
    "AUTHORIZED": FactKind.AUTHORISED,
    "SUBMITTED_FOR_SETTLEMENT": FactKind.CAPTURED,
    "SETTLEMENT_CONFIRMED": FactKind.CAPTURED,
    "SETTLING": FactKind.CAPTURED,
    "SETTLED": FactKind.CAPTURED,
    "VOIDED": FactKind.VOIDED,
    "AUTHORIZATION_EXPIRED": FactKind.VOIDED,
    "PROCESSOR_DECLINED": FactKind.FAILED,
    "GATEWAY_REJECTED": FactKind.FAILED,
    "FAILED": FactKind.FAILED,
    "SETTLEMENT_DECLINED": FactKind.CAPTURE_FAILED,
}
_UNDER_WAY: Final = frozenset({"AUTHORIZING", "SETTLEMENT_PENDING"})
_BACK: Final = {
    FactKind.AUTHORISED: FactKind.REFUNDED,
    FactKind.CAPTURED: FactKind.REFUNDED,
    FactKind.VOIDED: FactKind.REFUND_FAILED,
    FactKind.FAILED: FactKind.REFUND_FAILED,
    FactKind.CAPTURE_FAILED: FactKind.REFUND_FAILED,
}
"""What a refund tells where a transaction of its status would tell the other."""
_DISPUTE: Final[dict[str, FactKind | None]] = {
    "OPEN": None,
    "DISPUTED": None,
    "UNDER_REVIEW": None,
    "WON": FactKind.DISPUTE_WON,
    "LOST": FactKind.DISPUTE_LOST,
    "ACCEPTED": FactKind.DISPUTE_LOST,
    "AUTO_ACCEPTED": FactKind.DISPUTE_LOST,
    "EXPIRED": FactKind.DISPUTE_LOST,
}
_FIELDS: Final = {
    "transactions": "legacyId createdAt status orderId amount { value currencyCode } customer { email }",
    "refunds": "legacyId createdAt status orderId amount { value currencyCode } refundedTransaction { legacyId }",
    "disputes": "legacyId createdAt status amountDisputed { value currencyCode } transaction { legacyId orderId }",
}
_INPUTS: Final = {
    "transactions": "TransactionSearchInput",
    "refunds": "RefundSearchInput",
    "disputes": "DisputeSearchInput",
}


def _listing(name: str) -> Listing:
    found = f"{name}(input: $input, first: 50, after: $after)"
    page = f"pageInfo {{ hasNextPage endCursor }} edges {{ node {{ {_FIELDS[name]} }} }}"
    query = f"query ($input: {_INPUTS[name]}!, $after: String) {{ search {{ {found} {{ {page} }} }} }}"
    made = {"createdAt": {"greaterThanOrEqualTo": "{since}"}}
    within = f"/data/search/{name}"
    return Listing(
        "/graphql",
        turn=Turn.CURSOR,
        at=f"{within}/pageInfo/endCursor",
        items=f"{within}/edges",
        more=f"{within}/pageInfo/hasNextPage",
        posted={"query": query, "variables": {"input": made, "after": "{cursor}"}},
        refused="/errors",
    )


# A transaction is settled within some days of when it was made.
ASKING: Final = Asking(
    "https://payments.braintree-api.com",
    tuple(_listing(name) for name in _FIELDS),
    credential="basic",
    headers={"Braintree-Version": "2019-01-01"},
    every=timedelta(hours=1),
    overlap=timedelta(days=7),
)


def searched(delivery: Delivery) -> Iterator[Observation]:
    """Yield what an answer of a search tells."""
    document = Document.of_json(delivery.body, delivery.source.zone)
    found = False
    for name, reader in _READERS.items():
        for edge in listed(document, "data", "search", name, "edges"):
            found = True
            node: Any = edge.tree.get("node") if isinstance(edge.tree, dict) else None
            yield observed(edge.part(node, f"{edge.pointer}/node"), delivery, reader)
    if not found:
        told = "no transaction, refund or dispute that Braintree found"
        yield Observation("", Foreign("answer", told))


def _transaction(node: Node, delivery: Delivery) -> Iterator[Told]:
    told = _told(node, "transaction")
    if told is None or isinstance(told, Foreign):
        yield from () if told is None else (told,)
        return
    ident = node.id("legacyId", required=True)
    links = (*to_payment(delivery, ident), *to_order(delivery, node.id("orderId")))
    teller = Teller(delivery, ident, node.text("status"), links, node.child("customer").text("email"))
    yield from teller.tell(told, ident, node.time("createdAt", required=True), _amount(node, "amount"))


def _refund(node: Node, delivery: Delivery) -> Iterator[Told]:
    told = _told(node, "refund")
    if told is None or isinstance(told, Foreign):
        yield from () if told is None else (told,)
        return
    ident, payment = node.id("legacyId", required=True), node.child("refundedTransaction").id("legacyId")
    links = (*to_payment(delivery, payment, ident), *to_order(delivery, node.id("orderId")))
    teller = Teller(delivery, payment or ident, node.text("status"), links)
    yield from teller.tell(_BACK[told], ident, node.time("createdAt", required=True), _amount(node, "amount"))


def _dispute(node: Node, delivery: Delivery) -> Iterator[Told]:
    ident, status = node.id("legacyId", required=True), node.text("status", required=True)
    if status is not None and status not in _DISPUTE:
        node.fault(Code.UNKNOWN_WORD, "status", f"{status!r} is not known here")
        return
    transaction = node.child("transaction")
    payment = transaction.id("legacyId")
    links = (*to_payment(delivery, payment), *to_order(delivery, transaction.id("orderId")))
    teller, time = Teller(delivery, payment or ident, status, links), node.time("createdAt", required=True)
    amount = _amount(node, "amountDisputed")
    yield from teller.tell(FactKind.DISPUTED, ident, time, amount)
    ended = _DISPUTE.get(status or "")
    if ended is not None:
        yield from teller.tell(ended, ident, time, amount)


def _told(node: Node, what: str) -> FactKind | Foreign | None:
    """Return what a status tells; None where it is not known, and that is a fault."""
    status = node.text("status", required=True)
    if status in _UNDER_WAY:
        return Foreign(what, f"it is {status.lower()}: no money has moved yet")
    kind = _PAID.get(status or "")
    if kind is None and status is not None:
        node.fault(Code.UNKNOWN_WORD, "status", f"{status!r} is not known here")
    return kind


def _amount(node: Node, name: str) -> Money | None:
    inner = node.child(name)
    return inner.money("value", inner.currency("currencyCode"), required=True)


_READERS: Final = {"transactions": _transaction, "refunds": _refund, "disputes": _dispute}
