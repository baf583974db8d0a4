"""Shopware 6: orders of the Admin API, their parts, and webhooks of apps.

https://developer.shopware.com/docs/guides/integrations-api/, https://shopware.stoplight.io/docs/admin-api (6.4 to 6.7)

| document | gives |
|---|---|
| ``order`` entities, one or a list under ``data``, with whatever associations were asked for | an order each |
| a webhook with the order in its payload (``checkout.order.placed``, ``state_enter.…``) | an order |
| a list of line items, deliveries or transactions of one order | an amendment |
| a webhook of an entity (``order.written``) | foreign: it says which fields changed, and not what they are |
| other entities, errors | foreign |

Answers must be plain (``Accept: application/json``); in the JSON:API form an order is scattered and is refused. The
order's id is the entity's; lists of its parts name it as ``orderId``, or the delivery's name does (the request's path:
``/api/order/{id}/line-items``). Amounts carry no currency: it is that of the association ``currency``, or the source's.
States of a shop's own are told by options of the account (``status.packed = "processing"``). A webhook's
``source.eventId`` is the delivery's id.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from ordertrail.intake.channels.shopware.order import read_order
from ordertrail.intake.channels.shopware.parts_of_order import CHANNEL, deliveries, line_items, transactions
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document
from ordertrail.intake.faults import Code, Fault, FaultyError
from ordertrail.intake.message import Faulty, Foreign, Message

_PATH = re.compile(r"/order/(?P<order>[0-9A-Za-z-]+)/")

_PartsReader = Callable[[Delivery, Document, str | None], Message]


class Shopware:
    """Reads orders of Shopware 6."""

    name = CHANNEL

    def delivery_id(self, delivery: Delivery) -> str | None:
        """Return a webhook's id; an answer to a question has none."""
        try:
            root = Document.of_json(delivery.body).root
        except FaultyError:
            return None
        return root.child("source").id("eventId") if isinstance(root.tree.get("source"), dict) else None

    def read(self, delivery: Delivery) -> Iterator[Message]:
        """Yield one message for each order, or one for the parts of an order."""
        whole = Document.of_json(delivery.body, delivery.source.zone)
        tree, pointer = _entities(whole.tree)
        if not isinstance(tree, list):
            yield _read_one(delivery, whole.part(tree, pointer))
            return
        reader = _parts_reader(tree) if pointer == "/data" else None
        if reader is not None:
            path = _PATH.search(delivery.name)
            yield reader(delivery, whole, path["order"] if path else None)
            return
        for number, one in enumerate(tree):
            yield _read_one(delivery, whole.part(one, f"{pointer}/{number}"))


def _entities(tree: Any) -> tuple[Any, str]:
    """Return an answer's entity or entities and where they stand; of a webhook the order in its payload."""
    if not isinstance(tree, dict):
        return tree, ""
    pointer = ""
    for name in ("data", "payload", "order"):
        if isinstance(tree, dict) and isinstance(tree.get(name), dict | list) and not _is_order(tree):
            tree, pointer = tree[name], f"{pointer}/{name}"
    return tree, pointer


def _is_order(tree: Any) -> bool:
    return isinstance(tree, dict) and bool({"orderNumber", "orderCustomer", "orderDateTime"} & tree.keys())


def _parts_reader(tree: list[Any]) -> _PartsReader | None:
    """Return what reads a list of parts of one order, by the fields of the first."""
    first = tree[0] if tree and isinstance(tree[0], dict) else {}
    if _is_order(first):
        return None
    if {"shippingOrderAddress", "shippingCosts", "shippingOrderAddressId"} & first.keys():
        return deliveries
    if "paymentMethodId" in first and "amount" in first:
        return transactions
    return line_items if "quantity" in first and ("unitPrice" in first or "price" in first) else None


def _read_one(delivery: Delivery, document: Document) -> Message:
    tree = document.tree if isinstance(document.tree, dict) else {}
    if tree.get("type") == "order" and "attributes" in tree:
        message = (
            "it is in the JSON:API form; ask with Accept: application/json, which has the order in one piece"
        )
        fault = Fault(Code.UNREADABLE, document.pointer, message)
        return Message(document.pointer, Faulty((fault,)), document.root)
    if _is_order(tree) or tree.get("apiAlias") == "order":
        return read_order(delivery, document)
    return Message(document.pointer, _foreign(tree), document.root)


def _foreign(tree: dict[str, Any]) -> Foreign:
    if "errors" in tree:
        return Foreign("errors", "the answer tells of an error, and of no order")
    if "entity" in tree and "operation" in tree:
        return Foreign(
            f"{tree['entity']}.written"[:200], "it says that an entity changed, and not how it is now"
        )
    kind = tree.get("apiAlias")
    if isinstance(kind, str) and kind:
        return Foreign(kind[:200], "an entity that is no order and no part of one")
    return Foreign("unknown", "it is no order of Shopware's, and no part of one")
