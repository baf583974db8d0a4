"""Which document of Saleor's a delivery holds, and what becomes of it."""

from collections.abc import Iterator
from typing import Any

from ordertrail.intake.amendment import Amendment
from ordertrail.intake.channels.saleor.order import (
    NAME,
    STATUS,
    is_whole,
    read_order,
    updated_at,
)
from ordertrail.intake.channels.saleor.parcels import parcel_of, return_of
from ordertrail.intake.channels.saleor.payments import transaction_of
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document, Node
from ordertrail.intake.message import Foreign, Message
from ordertrail.intake.parts import message_of, order_key, present, spelled
from ordertrail.orders.model import SourceVersion

_LONGEST = 80
_REQUEST = frozenset({"input", "errorPolicy"})
"""What only requests to Saleor hold."""


class Saleor:
    """Reads what Saleor sends and answers."""

    name = NAME

    def delivery_id(self, delivery: Delivery) -> str | None:  # noqa: ARG002
        """Return None: Saleor gives its deliveries no id, and they are known by their content."""
        return None

    def read(self, delivery: Delivery) -> Iterator[Message]:
        """Yield what a webhook, a notification or an answer of the API tells."""
        for kind, part in _parts(Document.of_json(delivery.body, delivery.source.zone), "unknown"):
            yield _read(kind, part, delivery)


def _parts(document: Document, kind: str) -> Iterator[tuple[str, Document]]:
    """Yield each document of a delivery, and the name of the event or field in which it stands."""
    tree = document.tree
    if isinstance(tree, list):
        for place, one in enumerate(tree):
            yield _type(one, kind), document.part(one, f"/{place}")
        return
    inner = _inner(tree)
    if inner is None:
        yield _type(tree, kind), document
    else:
        name, known = inner
        yield from _parts(document.part(tree[name], f"/{name}"), known)


def _inner(tree: Any) -> tuple[str, str] | None:
    """Return the name of the only thing that is told in an envelope, and what it is."""
    if not isinstance(tree, dict):
        return None
    if "notify_event" in tree and isinstance(tree.get("payload"), dict):
        return "payload", str(tree["notify_event"])
    if isinstance(tree.get("data"), dict) and tree.keys() <= {"data", "errors", "extensions"}:
        return "data", "data"
    if len(tree) == 1:
        name, value = next(iter(tree.items()))
        if isinstance(value, dict) and name not in {"order", "transaction"}:
            return name, name
    return None


def _type(tree: Any, kind: str) -> str:
    """Say what a document is: legacy payloads name their type."""
    names = tree if isinstance(tree, dict) else {}
    named = names.get("type")
    if isinstance(named, str) and "id" in names:
        return named
    return next(iter(names), kind) if kind in {"unknown", "data"} else kind


def _read(kind: str, part: Document, delivery: Delivery) -> Message:
    """Return what a document tells."""
    tree = part.tree if isinstance(part.tree, dict) else {}
    order, transaction = tree.get("order"), tree.get("transaction")
    if tree.keys() & _REQUEST:
        return _foreign(part, kind, "a request to Saleor, not something that it told")
    if kind == "Order" or (isinstance(order, dict) and "id" in order):
        root = part.root
        return _order(part, root, root if kind == "Order" else root.child("order"), delivery)
    if isinstance(transaction, dict) and spelled(part.root.child("transaction"), "order_id") in transaction:
        return _transaction(part, delivery)
    if isinstance(order, dict):
        return _foreign(
            part, kind, "the answer to a change of an order that it does not name: ask for the order's id"
        )
    return _foreign(part, kind, "not a document that tells of an order or its transactions")


def _foreign(part: Document, kind: str, reason: str) -> Message:
    return Message(part.pointer, Foreign(kind[:_LONGEST] or "unknown", reason), part.root)


def _order(part: Document, root: Node, order: Node, delivery: Delivery) -> Message:
    """Return an order, or as much of one as the document holds."""
    key = order_key(delivery, order, "id")
    if is_whole(order) or not _holds_change(order):
        return message_of(part, root, read_order(root, order, delivery.source, key), NAME, key)
    fulfilments = order.children("fulfillments")
    at = updated_at(root, order)
    status = order.word("status", STATUS)
    parcels, returns = present(map(parcel_of, fulfilments)), present(map(return_of, fulfilments))
    content = None
    if key is not None:
        content = Amendment(
            order=key,
            channel=delivery.source.channel,
            account=delivery.source.account,
            version=None if at is None else SourceVersion(time=at),
            status=status,
            fulfilments=parcels,
            returns=returns,
        )
    return message_of(part, root, content, NAME, key)


def _holds_change(order: Node) -> bool:
    """Say whether a document that is no whole order tells of its status or its parcels, and of no line's price."""
    lines = order.tree.get("lines")
    priced = isinstance(lines, list) and any(isinstance(one, dict) and "quantity" in one for one in lines)
    return not priced and ("status" in order or "fulfillments" in order)


def _transaction(part: Document, delivery: Delivery) -> Message:
    """Return a transaction as it stands; what Saleor asks the payment app to do stays an extension."""
    root = part.placed("transaction", "id").root
    node = root.child("transaction")
    key = order_key(delivery, node, spelled(node, "order_id"))
    payment = transaction_of(node, delivery.source.currency)
    changed = node.time(spelled(node, "modified_at"))
    content = None
    if key is not None and payment is not None:
        content = Amendment(
            order=key,
            channel=delivery.source.channel,
            account=delivery.source.account,
            version=None if changed is None else SourceVersion(time=changed),
            payments=(payment,),
        )
    return message_of(part, root, content, NAME, key)
