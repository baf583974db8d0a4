"""Amazon: the Selling Partner API's answers and notifications, of sellers and of vendors.

https://developer-docs.amazon.com/sp-api: Orders API v0 and 2026-01-01, Notifications API (PayloadVersion 1.0), Vendor
Retail Procurement Orders v1, Vendor Direct Fulfillment Orders v1 and 2021-12-28.

| document | gives |
|---|---|
| Orders v0 ``getOrder``, ``getOrders`` | an order; without lines, unless ``OrderItems`` stand in it |
| Orders v0 ``getOrderItems`` | an amendment that puts the lines |
| Orders v0 ``getOrderAddress``, ``getOrderBuyerInfo``, ``getOrderItemsBuyerInfo`` | amendments |
| Orders v0 ``getOrderRegulatedInfo`` | an amendment, all of it extensions |
| Orders 2026-01-01 ``getOrder``, ``searchOrders`` | an order, whole |
| ``ORDER_CHANGE``, ``ORDER_STATUS_CHANGE``, ``MFN_ORDER_STATUS_CHANGE`` | an amendment: state, quantities |
| ``FULFILLMENT_ORDER_STATUS`` | an amendment: parcels and what came back (the order is the seller's own: MCF) |
| other notifications, other answers, errors | foreign |
| vendor ``getPurchaseOrder``, ``getPurchaseOrders`` | an order; without ``orderDetails`` an amendment: its state |
| vendor ``getPurchaseOrdersStatus`` | an amendment: what was accepted, rejected and received of each line |
| direct fulfillment ``getOrder``, ``getOrders`` | an order |

Answers come with or without their ``payload``. The id is Amazon's order id (3-7-7) or the purchase order's number.
Notifications come by SQS or EventBridge, without a signature of their own; ``NotificationId`` is the delivery's id.
"""

from collections.abc import Callable, Iterator
from typing import Any

from ordertrail.intake.channels.amazon.notifications import notification
from ordertrail.intake.channels.amazon.orders_2026 import order_2026
from ordertrail.intake.channels.amazon.orders_v0 import order_v0, part_v0
from ordertrail.intake.channels.amazon.vendor import dropship_order, purchase_order, purchase_order_status
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document
from ordertrail.intake.faults import FaultyError
from ordertrail.intake.message import Foreign, Message

_Reader = Callable[[Delivery, Document], Message]

_LISTS: dict[str, _Reader] = {"Orders": order_v0, "ordersStatus": purchase_order_status}


class Amazon:
    """Reads what the Selling Partner API answers and notifies of."""

    name = "amazon"

    def delivery_id(self, delivery: Delivery) -> str | None:
        """Return a notification's id; an answer to a question has none."""
        try:
            metadata = Document.of_json(delivery.body).root.child("NotificationMetadata")
        except FaultyError:
            return None
        return metadata.id("NotificationId")

    def read(self, delivery: Delivery) -> Iterator[Message]:
        """Yield one message for each order of an answer, one for a notification."""
        whole = Document.of_json(delivery.body, delivery.source.zone)
        tree, pointer = whole.tree, ""
        if isinstance(tree, dict) and isinstance(tree.get("payload"), dict | list):
            tree, pointer = tree["payload"], "/payload"
        if isinstance(tree, list):
            yield from _each(delivery, whole, tree, pointer)
            return
        found = _listed(tree)
        if found is not None:
            name, reader = found
            for place, one in enumerate(tree[name]):
                part = whole.part(one, f"{pointer}/{name}/{place}")
                yield (reader or _reader_of(one))(delivery, part)
            return
        if isinstance(tree, dict) and isinstance(tree.get("order"), dict):
            tree, pointer = tree["order"], f"{pointer}/order"
        yield _reader_of(tree)(delivery, whole.part(tree, pointer))


def _each(delivery: Delivery, whole: Document, tree: list[Any], pointer: str) -> Iterator[Message]:
    for place, one in enumerate(tree):
        yield _reader_of(one)(delivery, whole.part(one, f"{pointer}/{place}"))


def _listed(tree: Any) -> tuple[str, _Reader | None] | None:
    """Return the name of the list of orders that an answer has, and what reads them if the list's name says so."""
    if not isinstance(tree, dict):
        return None
    for name in ("Orders", "ordersStatus", "orders"):
        if isinstance(tree.get(name), list):
            return name, _LISTS.get(name)
    return None


def _reader_of(tree: Any) -> _Reader:
    """Return what reads a document, by the fields that only its kind has."""
    if not isinstance(tree, dict):
        return _foreign
    kinds: tuple[tuple[str, _Reader], ...] = (
        ("NotificationType", notification),
        ("OrderStatus", order_v0),
        ("PurchaseDate", order_v0),
        ("AmazonOrderId", part_v0),
        ("OrderItemId", part_v0),
        ("OrderItems", part_v0),
        ("purchaseOrderStatus", purchase_order_status),
        ("itemStatus", purchase_order_status),
        ("orderId", order_2026),
        ("orderItems", order_2026),
    )
    for name, reader in kinds:
        if name in tree:
            return reader
    if "purchaseOrderNumber" in tree or "orderDetails" in tree:
        details = tree.get("orderDetails")
        direct = isinstance(details, dict) and (
            "customerOrderNumber" in details or "shipmentDetails" in details
        )
        return dropship_order if direct else purchase_order
    return _foreign


def _foreign(_: Delivery, document: Document) -> Message:
    tree = document.tree if isinstance(document.tree, dict) else {}
    if "errors" in tree:
        told = Foreign("errors", "the answer tells of an error, and of no order")
    else:
        told = Foreign("unknown", "it is no order, part of one or notification of the Selling Partner API")
    return Message(document.pointer, told, document.root)
