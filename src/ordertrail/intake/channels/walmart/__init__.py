"""Walmart Marketplace and Drop Ship Vendors: purchase orders in JSON and XML, returns, and notifications.

https://developer.walmart.com/us-marketplace/reference (Orders API v3, Returns API v3, Notifications V1); the Canadian
marketplace answers in XML with the same names, the Mexican one in JSON with some of its own.

| document | gives |
|---|---|
| ``order``, ``list.elements.order``: all answers of the Orders API | an order |
| notification ``PO_CREATED``, alone or of ``ORDER_UPDATES`` | an order without prices, in US dollars |
| notifications ``PO_LINE_AUTOCANCELLED``, ``FRAUD_CANCEL``, ``INTENT_TO_CANCEL`` | an amendment |
| ``returnOrders`` | an amendment for each: the return |
| ``orderCancellation``, ``orderShipment``, ``orderRefund`` | foreign: they are what a seller asks |
| other notifications, subscriptions, errors | foreign |

The id is the purchase order's (``purchaseOrderId``): one customer's order (``customerOrderId``) may be several. A
notification's ``eventId`` is the delivery's id.
"""

from collections.abc import Iterator
from typing import Any

from ordertrail.intake.channels.walmart.events import event, return_order
from ordertrail.intake.channels.walmart.order import CHANNEL, read_order
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document
from ordertrail.intake.faults import FaultyError
from ordertrail.intake.message import Foreign, Message
from ordertrail.intake.xml import is_xml, xml_tree

_REQUESTS = (
    *("orderCancellation", "orderShipment", "orderRefund", "orderFulfillment", "orderAcknowledge"),
    *("shipments", "packages"),
)
_ORDER_EVENTS = frozenset(
    {"PO_CREATED", "PO_LINE_AUTOCANCELLED", "INTENT_TO_CANCEL", "FRAUD_CANCEL", "ORDER_UPDATES"}
)


class Walmart:
    """Reads what Walmart answers and notifies of."""

    name = CHANNEL

    def delivery_id(self, delivery: Delivery) -> str | None:
        """Return a notification's id; an answer to a question has none."""
        if is_xml(delivery.body):
            return None
        try:
            root = Document.of_json(delivery.body).root
        except FaultyError:
            return None
        return root.child("source").id("eventId") if isinstance(root.tree.get("source"), dict) else None

    def read(self, delivery: Delivery) -> Iterator[Message]:
        """Yield one message for each order, return or notification."""
        if is_xml(delivery.body):
            whole = Document(xml_tree(delivery.body), delivery.source.zone, markup=True)
        else:
            whole = Document.of_json(delivery.body, delivery.source.zone)
        tree = whole.tree if isinstance(whole.tree, dict) else {}
        source = tree.get("source")
        if isinstance(source, dict) and str(source.get("eventType")) in _ORDER_EVENTS:
            yield event(delivery, whole)
            return
        is_told = False
        for one, pointer in _orders(tree):
            is_told = True
            yield read_order(delivery, whole.part(one, pointer))
        returns = tree.get("returnOrders")
        for number, one in enumerate(returns if isinstance(returns, list) else []):
            is_told = True
            yield return_order(delivery, whole.part(one, f"/returnOrders/{number}"))
        if not is_told:
            yield Message("", _foreign(tree), whole.root)


def _orders(tree: dict[str, Any]) -> Iterator[tuple[Any, str]]:
    """Yield each order of an answer and where it stands."""
    if "purchaseOrderId" in tree:
        yield tree, ""
    listed = tree.get("list")
    for around, place in ((tree, ""), (listed, "/list"), (_within(listed, "elements"), "/list/elements")):
        for name in ("order", "orders"):
            found = _within(around, name)
            if isinstance(found, list):
                yield from ((one, f"{place}/{name}/{number}") for number, one in enumerate(found))
            elif isinstance(found, dict):
                yield found, f"{place}/{name}"


def _within(tree: Any, name: str) -> Any:
    return tree.get(name) if isinstance(tree, dict) else None


def _foreign(tree: dict[str, Any]) -> Foreign:
    for name in _REQUESTS:
        if name in tree:
            return Foreign(name, "it is what a seller asks of Walmart, and not what became of it")
    source = tree.get("source")
    told = tree.get("eventType", source.get("eventType") if isinstance(source, dict) else None)
    if isinstance(told, str) and told:
        return Foreign(told[:200], "a notification of what is no order, or a subscription to some")
    if "events" in tree:
        return Foreign("subscriptions", "it lists subscriptions or types of notifications")
    if "errors" in tree or "error" in tree:
        return Foreign("errors", "the answer tells of an error, and of no order")
    if "returnOrderId" in tree:
        return Foreign("refund", "it names a return and the customer's order, and not the purchase order")
    return Foreign("unknown", "it is no order, return or notification of Walmart's")
