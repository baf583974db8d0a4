"""Notifications of orders, and returns.

https://developer.walmart.com/us-marketplace/docs/order-management-event,
https://developer.walmart.com/us-marketplace/reference/getreturns
"""

from ordertrail.intake.amendment import Amendment, LineChange
from ordertrail.intake.channels.walmart.lines import UNITS, nested
from ordertrail.intake.channels.walmart.order import CHANNEL, ROUNDING
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document, Node
from ordertrail.intake.faults import Code
from ordertrail.intake.message import Message
from ordertrail.intake.parts import message_of, order_key, present, said
from ordertrail.orders.amounts import Totals
from ordertrail.orders.lines import Item, Line, Period, Quantities
from ordertrail.orders.model import Order, SourceVersion
from ordertrail.orders.reference import Reference
from ordertrail.orders.returns import Return, ReturnedLine
from ordertrail.orders.statuses import OrderStatus, ReturnStatus

_RETURNS = {
    "INITIATED": ReturnStatus.APPROVED,
    "DELIVERED": ReturnStatus.RECEIVED,
    "COMPLETED": ReturnStatus.REFUNDED,
    "CANCELLED": ReturnStatus.REJECTED,
}
"""currentStatus of a return's lines. A return that was cancelled is nobody's any more."""

_CANCELS = frozenset({"PO_LINE_AUTOCANCELLED", "FRAUD_CANCEL"})


def event(delivery: Delivery, document: Document) -> Message:
    """Read a notification of an order; in ORDER_UPDATES its kind and the order stand one level deeper."""
    root = document.root
    told, payload = root.child("source"), root.child("payload")
    kind, at = told.text("eventType"), told.time("eventTime")
    if kind == "ORDER_UPDATES":
        kind = payload.text("subEventType", required=True)
    order = payload.child("order") if isinstance(payload.tree.get("order"), dict) else payload
    key = order_key(delivery, order, "purchaseOrderId")
    content: Order | Amendment
    if kind == "PO_CREATED":
        content = _created(delivery, order, key, at)
    else:
        content = _changed(delivery, order, key, at, is_cancelled=kind in _CANCELS)
    if kind not in _CANCELS and kind != "PO_CREATED":
        told.unread("eventType")
        payload.unread("subEventType")
    return message_of(document, root, content, CHANNEL, key)


def _quantity(line: Node) -> tuple[str | None, str]:
    quantity = line.child("quantity" if "quantity" in line else "orderLineQuantity")
    name, unit = (
        ("measurementValue", "unitOfMeasure")
        if "measurementValue" in quantity
        else ("amount", "unitOfMeasurement")
    )
    return quantity.quantity(name), quantity.word(unit, UNITS) or "EA"


def _created(delivery: Delivery, order: Node, key: str | None, at: str | None) -> Order:
    """Return a new order, of which Walmart tells no prices yet."""
    customer_order = order.id("customerOrderId")
    return Order(
        id=key or "",
        channel=delivery.source.channel,
        account=delivery.source.account,
        tenant=delivery.source.tenant,
        number=order.id("purchaseOrderId"),
        status=OrderStatus.RECEIVED,
        currency=delivery.source.currency or "USD",
        tax_included=False,
        rounding=ROUNDING,
        placed=order.time("orderDate"),
        updated=at,
        source_version=SourceVersion(time=at) if at else None,
        requested_delivery=said(Period(end=order.time("estimatedDeliveryDate"))),
        lines=tuple(_new_line(one) for one in nested(order, "orderLines", "orderLine")),
        totals=Totals(),
        references=_reference("customer_order", customer_order),
    )


def _new_line(line: Node) -> Line:
    ordered, unit = _quantity(line)
    item = line.child("item") if isinstance(line.tree.get("item"), dict) else line
    return Line(
        id=line.id("lineNumber", required=True) or "",
        item=Item(name=item.text("productName"), sku=item.text("sku")),
        quantities=Quantities(ordered=ordered or "1"),
        unit=unit,
    )


def _changed(
    delivery: Delivery, order: Node, key: str | None, at: str | None, *, is_cancelled: bool
) -> Amendment:
    """Return what an event says of lines: what was cancelled of each; a wish to cancel is kept as an extension."""
    lines = nested(order, "orderLines", "orderLine") if is_cancelled else []
    return Amendment(
        order=key or "",
        channel=delivery.source.channel,
        account=delivery.source.account,
        version=SourceVersion(time=at) if at else None,
        updated=at,
        changed_lines=tuple(_cancelled_line(one) for one in lines),
        references=_reference("customer_order", order.id("customerOrderId")),
    )


def _cancelled_line(line: Node) -> LineChange:
    quantity, _ = _quantity(line)
    return LineChange(line=line.id("lineNumber", required=True) or "", cancelled=quantity or "1")


def _reference(kind: str, number: str | None) -> tuple[Reference, ...]:
    return () if number is None else (Reference(system=CHANNEL, kind=kind, id=number),)


def return_order(delivery: Delivery, document: Document) -> Message:
    """Read a return: its lines name the purchase order, which must be one."""
    node = document.root
    lines = node.children("returnOrderLines")
    first = lines[0] if lines else node
    key = order_key(delivery, first, "purchaseOrderId")
    number = first.tree.get("purchaseOrderId")
    for other in lines[1:]:
        if other.tree.get("purchaseOrderId") != number:
            other.fault(
                Code.CONTRADICTION, "purchaseOrderId", "the lines of one return name two purchase orders"
            )
        other.id("purchaseOrderId")
    total = node.child("totalRefundAmount")
    currency = total.currency("currencyUnit", required=False)
    returned = Return(
        id=node.id("returnOrderId", required=True) or "",
        status=_stands(lines),
        lines=tuple(_returned_line(one) for one in lines),
        refund=total.money("currencyAmount", currency),
        requested=node.time("returnOrderDate"),
        references=_reference("customer_order", node.id("customerOrderId")),
    )
    amendment = Amendment(
        order=key or "",
        channel=delivery.source.channel,
        account=delivery.source.account,
        returns=(returned,),
    )
    return message_of(document, node, amendment, CHANNEL, key)


def _stands(lines: list[Node]) -> ReturnStatus:
    """Return where a return stands: where the line stands that is least far."""
    found = present(line.word("status", _RETURNS) for line in lines)
    sequence = (ReturnStatus.APPROVED, ReturnStatus.RECEIVED, ReturnStatus.REFUNDED, ReturnStatus.REJECTED)
    return min(found, key=sequence.index, default=ReturnStatus.REQUESTED)


def _returned_line(line: Node) -> ReturnedLine:
    quantity = line.child("quantity")
    if "unitOfMeasure" in quantity and quantity.word("unitOfMeasure", UNITS) != "EA":
        quantity.unread("unitOfMeasure")
    return ReturnedLine(
        line=line.id("purchaseOrderLineNumber", required=True) or "",
        quantity=quantity.quantity("measurementValue", required=True) or "0",
        reason=line.text("returnReason"),
    )
