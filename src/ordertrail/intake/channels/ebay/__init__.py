"""eBay: orders by the Sell Fulfillment API (JSON) and by the Trading API (XML).

https://developer.ebay.com/api-docs/sell/fulfillment/resources/order/methods/getOrders,
https://developer.ebay.com/devzone/xml/docs/reference/ebay/GetOrders.html

| document | gives |
|---|---|
| Fulfillment ``getOrder``, ``getOrders`` | an order |
| Fulfillment ``getShippingFulfillment(s)`` with its path as the delivery's name | an amendment: parcels |
| a payment dispute of an order | an amendment that names it |
| Trading ``GetOrders``, ``GetOrderTransactions``, a notification in SOAP | an order for each ``Order`` |
| failures, other notifications and answers | foreign |

An order has the same id by either API: the Fulfillment API's ``orderId`` is the Trading API's ``ExtendedOrderID``, and
with newer versions its ``OrderID`` too. A notification's ``notificationId`` is the delivery's id.
"""

import re
from collections.abc import Iterator
from typing import Any

from ordertrail.intake.channels.ebay.fulfillment import dispute, read_order, shipments
from ordertrail.intake.channels.ebay.money import CHANNEL
from ordertrail.intake.channels.ebay.trading import trading_order
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document
from ordertrail.intake.faults import FaultyError
from ordertrail.intake.message import Foreign, Message
from ordertrail.intake.xml import is_xml, xml_tree

_NAMESPACES = ("urn:ebay:apis:eBLBaseComponents",)
_PATH = re.compile(r"/order/(?P<order>[^/?#]+)/shipping_fulfillment")


class Ebay:
    """Reads what eBay answers and notifies of."""

    name = CHANNEL

    def delivery_id(self, delivery: Delivery) -> str | None:
        """Return a notification's id; an answer to a question has none."""
        if is_xml(delivery.body):
            return None
        try:
            root = Document.of_json(delivery.body).root
        except FaultyError:
            return None
        told = root.tree.get("notification")
        return root.child("notification").id("notificationId") if isinstance(told, dict) else None

    def read(self, delivery: Delivery) -> Iterator[Message]:
        """Yield one message for each order of an answer."""
        if is_xml(delivery.body):
            return _read_xml(delivery)
        return _read_json(delivery)


def _read_json(delivery: Delivery) -> Iterator[Message]:
    whole = Document.of_json(delivery.body, delivery.source.zone)
    tree = whole.tree
    orders = tree.get("orders") if isinstance(tree, dict) else tree
    if isinstance(orders, list):
        place = "/orders" if isinstance(tree, dict) else ""
        for number, one in enumerate(orders):
            yield _message(delivery, whole.part(one, f"{place}/{number}"))
        return
    yield _message(delivery, whole)


def _message(delivery: Delivery, document: Document) -> Message:
    tree = document.tree if isinstance(document.tree, dict) else {}
    if "paymentDisputeId" in tree:
        return dispute(delivery, document)
    if "fulfillments" in tree or "fulfillmentId" in tree:
        path = _PATH.search(delivery.name)
        return shipments(delivery, document, path["order"] if path else None)
    if "orderId" in tree or "lineItems" in tree or "orderFulfillmentStatus" in tree:
        return read_order(delivery, document)
    return Message(document.pointer, _foreign(tree), document.root)


def _foreign(tree: dict[str, Any]) -> Foreign:
    if "errors" in tree:
        return Foreign("errors", "the answer tells of an error, and of no order")
    metadata = tree.get("metadata")
    if isinstance(metadata, dict) and isinstance(metadata.get("topic"), str):
        return Foreign(
            metadata["topic"][:200] or "notification", "a notification of a topic that is about no order"
        )
    return Foreign("unknown", "it is no order, parcel or dispute of eBay's")


def _read_xml(delivery: Delivery) -> Iterator[Message]:
    tree = xml_tree(delivery.body, _NAMESPACES)
    whole = Document(tree, delivery.source.zone, markup=True)
    name, answer, pointer = _answer(tree)
    found = list(_orders(answer, pointer))
    for order, place in found:
        yield trading_order(delivery, whole.part(order, place))
    if found:
        return
    is_failed = isinstance(answer, dict) and str(answer.get("Ack")) in {"Failure", "PartialFailure"}
    reason = (
        "the call failed, and told of no order"
        if is_failed
        else "no Order stands in it; a sale alone is told again with its order by GetOrders"
    )
    yield Message("", Foreign(name[:200] or "unknown", reason), whole.root)


def _answer(tree: dict[str, Any]) -> tuple[str, Any, str]:
    """Return the answer's name, the answer and where it stands: at the root, or in the body of a SOAP envelope."""
    name, answer = next(iter(tree.items()))
    pointer = f"/{name}"
    if name == "Envelope" and isinstance(answer, dict):
        body = answer.get("Body")
        names = [one for one in body if one[0] not in "@#{"] if isinstance(body, dict) else []
        if isinstance(body, dict) and names:
            return names[0], body[names[0]], f"{pointer}/Body/{names[0]}"
    return name, answer, pointer


def _orders(answer: Any, pointer: str) -> Iterator[tuple[Any, str]]:
    """Yield each order of an answer and where it stands: in its list, alone, or in each transaction."""
    if not isinstance(answer, dict):
        return
    for around, within in (("OrderArray", "Order"), ("TransactionArray", "Transaction")):
        holder = answer.get(around)
        found = holder.get(within) if isinstance(holder, dict) else None
        for number, one in enumerate(found if isinstance(found, list) else [found]):
            place = f"{pointer}/{around}/{within}" + (f"/{number}" if isinstance(found, list) else "")
            contained = one.get("ContainingOrder") if isinstance(one, dict) else None
            if within == "Order" and isinstance(one, dict):
                yield one, place
            elif isinstance(contained, dict) and "TransactionArray" in contained:
                yield contained, f"{place}/ContainingOrder"
    if isinstance(answer.get("Order"), dict):
        yield answer["Order"], f"{pointer}/Order"
