"""Which resource of WooCommerce's a delivery holds, and what becomes of it."""

from collections.abc import Iterator
from typing import Any

import msgspec

from ordertrail.intake.channels.woocommerce.below import BELOW, amendment, order_above
from ordertrail.intake.channels.woocommerce.order import read_order
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document
from ordertrail.intake.message import Foreign, Message
from ordertrail.intake.parts import (
    message_of,
    order_key,
)
from ordertrail.orders.statuses import OrderStatus


class WooCommerce:
    """Reads what WooCommerce sends and answers."""

    name = "woocommerce"

    def delivery_id(self, delivery: Delivery) -> str | None:
        """Return ``X-WC-Webhook-Delivery-ID``, the same for each attempt at one delivery."""
        return delivery.headers.get("x-wc-webhook-delivery-id") or None

    def read(self, delivery: Delivery) -> Iterator[Message]:
        """Yield what a webhook's document, or an answer of the API with one or many resources, tells."""
        if delivery.body.startswith(_PING):
            yield Message("", Foreign("ping", "sent once when a webhook is made"))
            return
        document = Document.of_json(delivery.body, delivery.source.zone)
        topic = delivery.headers.get("x-wc-webhook-topic", "").lower()
        for part in _parts(document):
            yield _read(_kind(part.tree, topic), part, delivery)


_PING = b"webhook_id="


def _parts(document: Document) -> Iterator[Document]:
    """Yield each resource of a document: alone, in a list, in a batch, and each of these in ``data``."""
    tree = document.tree
    if (
        isinstance(tree, dict)
        and isinstance(tree.get("data"), dict | list)
        and "id" not in tree
        and "code" not in tree
    ):
        yield from _parts(document.part(tree["data"], "/data"))
    elif isinstance(tree, dict) and tree and tree.keys() <= _BATCH:
        for name, one in tree.items():
            yield from _parts(document.part(one, f"/{name}"))
    elif isinstance(tree, list):
        for place, one in enumerate(tree):
            yield document.part(one, f"/{place}")
    else:
        yield document


_BATCH = frozenset({"create", "update", "delete"})

_SIGNS = (
    ("error", {"code", "message"}),
    ("error", {"error", "message"}),
    ("webhook", {"delivery_url"}),
    ("refund", {"amount", "reason"}),
    ("refund", {"refunded_by"}),
    ("note", {"note", "customer_note"}),
    ("tracking", {"tracking_number", "tracking_provider"}),
    ("order", {"id", "line_items"}),
    ("order", {"order_key", "status"}),
    ("order", {"id", "status", "currency", "total"}),
)
"""Which fields tell what a resource is; the first that fits."""


def _kind(tree: Any, topic: str) -> str:
    names = set(tree) if isinstance(tree, dict) else set()
    if topic and not topic.startswith("order."):
        return topic
    if topic == "order.deleted" or (topic and names == {"id"}):
        return "deletion"
    known = next((kind for kind, signs in _SIGNS if signs <= names), "")
    return known or ("order" if topic else next(iter(sorted(names)), "unknown") or "unknown")


def _read(kind: str, part: Document, delivery: Delivery) -> Message:
    """Return what a resource tells."""
    channel = WooCommerce.name
    if kind in BELOW:
        part = part.placed(kind, "tracking_id" if kind == "tracking" else "id")
    root = part.root
    if kind == "order":
        key = order_key(delivery, root, "id")
        order = read_order(root, delivery.source, key)
        if order is not None and part.pointer.startswith("/delete/"):
            order = msgspec.structs.replace(order, status=OrderStatus.ARCHIVED)
        return message_of(part, root, order, channel, key)
    if kind == "deletion":
        key = order_key(delivery, root, "id")
        gone = None if key is None else amendment(delivery, key, status=OrderStatus.ARCHIVED)
        return message_of(part, root, gone, channel, key)
    if kind in BELOW:
        key = order_above(root, delivery)
        return message_of(part, root, None if key is None else BELOW[kind](root, delivery, key), channel, key)
    return Message(
        part.pointer, Foreign(kind[:80], "not an order, a refund, a note or a tracking of one"), root
    )
