"""Which document of Magento's a delivery holds, and what becomes of it."""

from collections.abc import Iterator
from typing import Any

from ordertrail.intake.channels.magento.below import BELOW
from ordertrail.intake.channels.magento.lines import NAME
from ordertrail.intake.channels.magento.order import read_order
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document
from ordertrail.intake.faults import FaultyError
from ordertrail.intake.json_text import json_tree
from ordertrail.intake.message import Foreign, Message
from ordertrail.intake.parts import message_of, order_key, spelled

_SIGNS = (
    ("checkout", {"totals", "payment_methods"}),
    ("checkout", {"totals"}),
    ("cart", {"quote_currency_code"}),
    ("creditmemo", {"order_id", "adjustment"}),
    ("creditmemo", {"order_id", "adjustment_negative"}),
    ("creditmemo", {"order_id", "creditmemo_status"}),
    ("shipment", {"order_id", "tracks"}),
    ("shipment", {"order_id", "packages"}),
    ("shipment", {"orderId", "tracks"}),
    ("invoice", {"order_id", "grand_total", "items"}),
    ("invoice", {"order_id", "can_void_flag"}),
    ("shipment", {"entity_id", "order_id", "items"}),
    ("order", {"increment_id", "grand_total"}),
    ("order", {"increment_id", "state"}),
    ("order", {"entity_id", "items", "state"}),
)
"""Which fields tell what a document is; the first that fits."""

_ENVELOPES = (("event", "data", "value"), ("data", "value"), ("event", "data"), ("data", "order"))
"""Where a document stands in an event: as the module hands it over, and in a CloudEvents envelope."""

_OF_SEARCH = frozenset({"total_count", "search_criteria"})

_LONGEST = 80


class Magento:
    """Reads what Magento and Adobe Commerce send and answer."""

    name = NAME

    def delivery_id(self, delivery: Delivery) -> str | None:
        """Return the id of an event: of its header, ``X-Adobe-Delivery-Id``, or of its CloudEvents envelope."""
        given = delivery.headers.get("x-adobe-delivery-id")
        if given:
            return given
        try:
            tree = json_tree(delivery.body)
        except FaultyError:
            return None
        ident = tree.get("id") if isinstance(tree, dict) and "specversion" in tree else None
        return ident[:512] if isinstance(ident, str) and ident else None

    def read(self, delivery: Delivery) -> Iterator[Message]:
        """Yield what an event, or an answer of the API with one or many resources, tells."""
        for part in _parts(Document.of_json(delivery.body, delivery.source.zone)):
            yield _read(part, delivery)


def _parts(document: Document) -> Iterator[Document]:
    """Yield each resource of a document: alone, in an event, in a list, or as the result of a search."""
    tree = document.tree
    if isinstance(tree, list):
        for place, one in enumerate(tree):
            yield document.part(one, f"/{place}")
    elif isinstance(tree, dict) and isinstance(tree.get("items"), list) and tree.keys() & _OF_SEARCH:
        yield from _parts(document.part(tree["items"], "/items"))
    else:
        yield _inside(document)


def _inside(document: Document) -> Document:
    """Return what an event is about, or the document itself."""
    for path in _ENVELOPES:
        tree = document.tree
        for name in path:
            tree = tree.get(name) if isinstance(tree, dict) else None
        if isinstance(tree, dict) and tree:
            return document.part(tree, "".join(f"/{name}" for name in path))
    return document


def _kind(tree: Any) -> str:
    names = set(tree) if isinstance(tree, dict) else set()
    known = next((kind for kind, signs in _SIGNS if signs <= names), "")
    return known or next(iter(sorted(names)), "unknown")[:_LONGEST] or "unknown"


def _read(part: Document, delivery: Delivery) -> Message:
    """Return what a resource tells."""
    kind = _kind(part.tree)
    if kind == "order":
        root = part.root
        key = order_key(delivery, root, "entity_id")
        return message_of(part, root, read_order(root, delivery.source, key), NAME, key)
    if kind in BELOW:
        root = part.placed(kind, "entity_id" if "entity_id" in part.tree else "id").root
        key = order_key(delivery, root, spelled(root, "order_id"))
        return message_of(part, root, None if key is None else BELOW[kind](root, delivery, key), NAME, key)
    reason = "not an order, nor an invoice, a shipment or a credit memo of one"
    return Message(part.pointer, Foreign(kind, reason), part.root)
