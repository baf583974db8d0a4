"""Which document of Shopify's a delivery is, and what becomes of it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ordertrail.intake.amendment import Amendment, Done, Seen
from ordertrail.intake.channels.shopify.money import Moved, is_return, return_of, transaction_of
from ordertrail.intake.channels.shopify.order import read_order
from ordertrail.intake.channels.shopify.parcels import fulfilment_of, sighting_of
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document, Node
from ordertrail.intake.message import Foreign, Message
from ordertrail.intake.parts import added, message_of, order_key, present
from ordertrail.orders.model import SourceVersion
from ordertrail.orders.payment import TransactionKind, TransactionStatus
from ordertrail.orders.reference import Note
from ordertrail.orders.statuses import OrderStatus

_TOPICS = {
    "orders/edited": "order_edit",
    "orders/delete": "deletion",
    "orders/risk_assessment_changed": "risk",
    "orders/": "order",
    "refunds/": "refund",
    "order_transactions/": "transaction",
    "fulfillments/": "fulfillment",
    "fulfillment_events/": "fulfillment_event",
}
"""How a topic begins, and what its document is; the first that fits."""

_PLURAL = {
    "orders": "order",
    "refunds": "refund",
    "transactions": "transaction",
    "fulfillments": "fulfillment",
    "fulfillment_events": "fulfillment_event",
}

_SIGNS = (
    ("order", {"line_items", "financial_status"}),
    ("order", {"order_number", "currency"}),
    ("refund", {"refund_line_items", "order_id"}),
    ("fulfillment_event", {"fulfillment_id", "happened_at"}),
    ("fulfillment", {"order_id", "tracking_company"}),
    ("transaction", {"order_id", "kind", "gateway"}),
    ("order_edit", {"order_edit"}),
)
"""Which fields tell what a bare document is, where no topic does."""

_FOREIGN = {
    "draft_order": "a draft is no order yet; completed, it comes as one",
    "checkout": "a checkout is no order yet; completed, it comes as one",
    "fulfillment_order": "a plan of what is to be sent from where; the parcels come as fulfillments",
    "dispute": "a dispute of Shopify Payments",
    "risk": "an estimate of an order's risk",
    "payout": "a payout of Shopify Payments",
    "balance": "a balance of Shopify Payments",
    "tender_transaction": "a posting of Shopify's accounts; the order's transactions come by themselves",
    "event": "an entry of the shop's own log",
    "webhook": "a subscription to webhooks",
}


_LONGEST_KIND = 80


class Shopify:
    """Reads what Shopify sends and answers."""

    name = "shopify"

    def delivery_id(self, delivery: Delivery) -> str | None:
        """Return ``X-Shopify-Webhook-Id``, the same for each attempt at one delivery."""
        return delivery.headers.get("x-shopify-webhook-id") or None

    def read(self, delivery: Delivery) -> Iterator[Message]:
        """Yield what a webhook's document, or an answer of the API with one or many resources, tells."""
        document = Document.of_json(delivery.body, delivery.source.zone)
        for kind, part in _parts(document, delivery.headers.get("x-shopify-topic", "").lower()):
            yield _read(kind, part, delivery)


def _parts(document: Document, topic: str) -> Iterator[tuple[str, Document]]:
    """Yield each resource of a document, and what it is."""
    name, inner = _enveloped(document.tree)
    base = f"/{name}" if name else ""
    if not isinstance(inner, list):
        yield _kind(name, inner, topic), document.part(inner, base)
        return
    for place, one in enumerate(inner):
        yield (
            _kind(_PLURAL.get(name, name.removesuffix("s")), one, topic),
            document.part(one, f"{base}/{place}"),
        )


def _enveloped(tree: Any) -> tuple[str, Any]:
    """Return the name and the content of an answer's only resource; the empty name for a document without envelope."""
    if isinstance(tree, dict):
        inner = {name: one for name, one in tree.items() if isinstance(one, dict | list)}
        if len(inner) == 1 and not tree.keys() & {"id", "order_id"}:
            return next(iter(inner.items()))
    return "", tree


def _kind(name: str, tree: Any, topic: str) -> str:
    """Say what a resource is: by its envelope, by the webhook's topic, or by its fields."""
    names = set(tree) if isinstance(tree, dict) else set()
    if name:
        return "payout posting" if name == "transaction" and "payout_id" in names else name
    for start, kind in _TOPICS.items():
        if topic.startswith(start):
            return kind
    if topic:
        return topic
    return (
        next((kind for kind, signs in _SIGNS if signs <= names), next(iter(tree), "") if names else "")
        or "unknown"
    )


def _read(kind: str, part: Document, delivery: Delivery) -> Message:
    """Return what a resource tells."""
    if kind in _AMENDING:
        part = part.placed(kind)
    root = part.root
    if kind == "order":
        key = order_key(delivery, root, "id")
        return message_of(part, root, read_order(root, delivery.source, key), Shopify.name, key)
    if kind in _AMENDING:
        key = order_key(delivery, root, _AMENDING[kind][0])
        content = None if key is None else _AMENDING[kind][1](root, delivery, key)
        return message_of(part, root, content, Shopify.name, key)
    reason = _FOREIGN.get(kind, "not a document that tells of an order, a refund, a payment or a parcel")
    return Message(part.pointer, Foreign(kind[:_LONGEST_KIND], reason), root)


def _amendment(delivery: Delivery, key: str, at: str | None, **parts: Any) -> Amendment:
    """Return a change that was made at a time: every one of them also moves the order's own ``updated_at``."""
    source = delivery.source
    version = None if at is None else SourceVersion(time=at)
    return Amendment(order=key, channel=source.channel, account=source.account, version=version, **parts)


def _refund(root: Node, delivery: Delivery, key: str) -> Amendment | None:
    nodes = root.children("transactions")
    currency = delivery.source.currency or next(
        (found for node in nodes if (found := node.currency("currency", required=False))), None
    )
    moved = present(transaction_of(node, currency) for node in nodes)
    given = [one.transaction for one in moved if one.transaction.kind is TransactionKind.REFUND]
    refund = added(
        (
            one.amount
            for one in given
            if one.status is TransactionStatus.SUCCESS and one.amount.currency == currency
        ),
        currency,
    )
    returned = return_of(root, {}, refund) if is_return(root) else None
    note = None if returned is not None else root.text("note")
    at = root.time("processed_at") or root.time("created_at")
    root.id("id", required=True)
    return _amendment(
        delivery,
        key,
        at,
        returns=present([returned]),
        transactions=tuple(
            Done(payment=one.gateway, transaction=one.transaction, begins=one.payment()) for one in moved
        ),
        notes=() if note is None else (Note(text=note, at=at),),
    )


def _transaction(root: Node, delivery: Delivery, key: str) -> Amendment | None:
    moved = transaction_of(root, delivery.source.currency)
    if moved is None:
        return None
    return _amendment(delivery, key, moved.transaction.at, transactions=(_done(moved),))


def _done(moved: Moved) -> Done:
    return Done(payment=moved.gateway, transaction=moved.transaction, begins=moved.payment())


def _fulfilment(root: Node, delivery: Delivery, key: str) -> Amendment | None:
    parcel = fulfilment_of(root, {})
    at = root.time("updated_at") or root.time("created_at")
    return None if parcel is None else _amendment(delivery, key, at, fulfilments=(parcel,))


def _sighting(root: Node, delivery: Delivery, key: str) -> Amendment | None:
    parcel, seen = root.id("fulfillment_id", required=True), sighting_of(root)
    if parcel is None or seen is None:
        return None
    at = root.time("updated_at") or root.time("created_at")
    return _amendment(delivery, key, at, sightings=(Seen(fulfilment=parcel, sighting=seen),))


def _edit(root: Node, delivery: Delivery, key: str) -> Amendment:
    """Return the note of an edit; by how much lines grew or shrank, the order itself says as it comes."""
    at, note = root.time("created_at"), root.text("staff_note")
    notes = () if note is None else (Note(text=note, author="staff", at=at),)
    return _amendment(delivery, key, at, notes=notes)


def _deletion(_: Node, delivery: Delivery, key: str) -> Amendment:
    """Return the end of an order: Shopify deletes only orders that are closed or cancelled."""
    return _amendment(delivery, key, None, status=OrderStatus.ARCHIVED)


_AMENDING: Mapping[str, tuple[str, Callable[[Node, Delivery, str], Amendment | None]]] = {
    "refund": ("order_id", _refund),
    "transaction": ("order_id", _transaction),
    "fulfillment": ("order_id", _fulfilment),
    "fulfillment_event": ("order_id", _sighting),
    "order_edit": ("order_id", _edit),
    "deletion": ("id", _deletion),
}
"""By what a document is: the field of the order's id, and what reads the rest."""
