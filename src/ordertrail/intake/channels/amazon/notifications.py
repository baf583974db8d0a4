"""Notifications of orders: what changed, in few words.

https://developer-docs.amazon.com/sp-api/docs/notification-type-values (PayloadVersion 1.0)

``ORDER_CHANGE`` tells an order's state and its items' quantities; ``ORDER_STATUS_CHANGE`` and
``MFN_ORDER_STATUS_CHANGE`` the state alone. ``FULFILLMENT_ORDER_STATUS`` is about an order that the seller gave to
Amazon to fulfil (Multi-Channel Fulfillment): its id is the seller's own. All others are about no order, or, as
``TRANSACTION_UPDATE``, about the seller's account.
"""

from collections.abc import Callable, Iterator

from ordertrail.intake.amendment import Amendment, LineChange
from ordertrail.intake.channels.amazon.orders_v0 import CHANNEL, STATUSES
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document, Node
from ordertrail.intake.message import Foreign, Message
from ordertrail.intake.parts import message_of, order_key, present, said
from ordertrail.orders.fulfilment import Fulfilment
from ordertrail.orders.lines import Period
from ordertrail.orders.model import SourceVersion
from ordertrail.orders.reference import Reference
from ordertrail.orders.returns import Return
from ordertrail.orders.statuses import FulfilmentStatus, OrderStatus, ReturnStatus

_FULFILMENT_ORDERS = {
    "new": OrderStatus.RECEIVED,
    "received": OrderStatus.RECEIVED,
    "planning": OrderStatus.ACCEPTED,
    "processing": OrderStatus.PROCESSING,
    "processed": OrderStatus.PROCESSING,
    "cancelled": OrderStatus.CANCELLED,
    "complete": OrderStatus.FULFILLED,
    "complete_partialled": OrderStatus.PARTIALLY_FULFILLED,
    "completepartialled": OrderStatus.PARTIALLY_FULFILLED,
    "unfulfillable": OrderStatus.ON_HOLD,
    "invalid": OrderStatus.REJECTED,
}
"""FulfillmentOrderStatus."""

_SHIPMENTS = {
    "pending": FulfilmentStatus.UNFULFILLED,
    "processed": FulfilmentStatus.UNFULFILLED,
    "shipped": FulfilmentStatus.FULFILLED,
    "delivered": FulfilmentStatus.DELIVERED,
    "cancelled": FulfilmentStatus.CANCELLED,
    "cancelled_by_fulfiller": FulfilmentStatus.CANCELLED,
    "cancelled_by_seller": FulfilmentStatus.CANCELLED,
}
"""FulfillmentShipmentStatus."""


def notification(delivery: Delivery, document: Document) -> Message:
    """Read a notification of any type."""
    root = document.root
    kind = root.text("NotificationType", required=True) or ""
    known = _KINDS.get(kind)
    if known is None:
        reason = "its type is not one that tells of an order's state, lines or parcels"
        return message_of(document, root, Foreign(kind[:200] or "notification", reason), CHANNEL)
    place, reader, order = known
    payload = root.child("Payload").child(place)
    key = order_key(delivery, payload, order)
    return message_of(document, root, reader(delivery, root, payload, key), CHANNEL, key)


def _order_change(delivery: Delivery, root: Node, payload: Node, key: str | None) -> Amendment:
    summary, trigger = payload.child("Summary"), payload.child("OrderChangeTrigger")
    status = summary.word("OrderStatus", STATUSES, required=True)
    at = trigger.time("TimeOfOrderChange") or root.time("EventTime")
    is_cancelled = status is OrderStatus.CANCELLED
    return Amendment(
        order=key or "",
        channel=delivery.source.channel,
        account=delivery.source.account,
        version=SourceVersion(time=at) if at else None,
        status=status,
        updated=at,
        cancelled=at if is_cancelled else None,
        cancel_reason=trigger.text("ChangeReason") if is_cancelled else None,
        requested_delivery=said(
            Period(start=summary.time("EarliestDeliveryDate"), end=summary.time("LatestDeliveryDate"))
        ),
        changed_lines=tuple(_line_change(one) for one in summary.children("OrderItems")),
    )


def _line_change(item: Node) -> LineChange:
    return LineChange(
        line=item.id("OrderItemId", required=True) or "",
        ordered=item.quantity("Quantity"),
        shipped=item.quantity("QuantityShipped"),
        requested_delivery=said(
            Period(start=item.time("ItemEarliestDeliveryDate"), end=item.time("ItemLatestDeliveryDate"))
        ),
    )


def _status_change(delivery: Delivery, root: Node, payload: Node, key: str | None) -> Amendment:
    at = root.time("EventTime")
    status = payload.word("OrderStatus", STATUSES, required=True)
    return Amendment(
        order=key or "",
        channel=delivery.source.channel,
        account=delivery.source.account,
        version=SourceVersion(time=at) if at else None,
        status=status,
        updated=at,
        cancelled=at if status is OrderStatus.CANCELLED else None,
    )


def _fulfilment_order(delivery: Delivery, root: Node, payload: Node, key: str | None) -> Amendment:
    at = payload.time("StatusUpdatedDateTime") or root.time("EventTime")
    status = payload.word("FulfillmentOrderStatus", _FULFILMENT_ORDERS, required=True)
    return Amendment(
        order=key or "",
        channel=delivery.source.channel,
        account=delivery.source.account,
        version=SourceVersion(time=at) if at else None,
        status=status,
        updated=at,
        cancelled=at if status is OrderStatus.CANCELLED else None,
        fulfilments=tuple(_packages(payload)),
        returns=present([_returned(payload)]),
    )


def _packages(payload: Node) -> Iterator[Fulfilment]:
    """Yield each package of the shipment, and the shipment itself where it has none yet."""
    if "FulfillmentShipment" not in payload:
        return
    shipment = payload.child("FulfillmentShipment")
    number = shipment.id("AmazonShipmentId", required=True) or ""
    status = shipment.word("FulfillmentShipmentStatus", _SHIPMENTS, required=True)
    expected = said(Period(end=shipment.time("EstimatedArrivalDateTime")))
    references = (Reference(system=CHANNEL, kind="shipment", id=number),)
    stands = status or FulfilmentStatus.UNFULFILLED
    packages = shipment.children("FulfillmentShipmentPackages")
    for one in packages:
        package = one.id("PackageNumber", required=True) or ""
        yield Fulfilment(
            id=f"{number}-{package}",
            status=stands,
            carrier=one.text("CarrierCode"),
            tracking_numbers=present([one.id("TrackingNumber")]),
            expected=expected,
            references=references,
        )
    if not packages:
        yield Fulfilment(id=number, status=stands, expected=expected, references=references)


def _returned(payload: Node) -> Return | None:
    """Return what came back. Amazon names the article and not the line: how much of it stays an extension."""
    if "FulfillmentReturnItem" not in payload:
        return None
    item = payload.child("FulfillmentReturnItem")
    sku, at = item.id("SellerSKU", required=True), item.time("ReceivedDateTime", required=True)
    return Return(
        id=f"{sku} {at}",
        status=ReturnStatus.RECEIVED,
        received=at,
        references=(Reference(system=CHANNEL, kind="seller_sku", id=sku or ""),),
    )


_Reader = Callable[[Delivery, Node, Node, str | None], Amendment]
_KINDS: dict[str, tuple[str, _Reader, str]] = {
    "ORDER_CHANGE": ("OrderChangeNotification", _order_change, "AmazonOrderId"),
    "ORDER_STATUS_CHANGE": ("OrderStatusChangeNotification", _status_change, "AmazonOrderId"),
    "MFN_ORDER_STATUS_CHANGE": ("MFNOrderStatusChangeNotification", _status_change, "AmazonOrderId"),
    "FULFILLMENT_ORDER_STATUS": (
        "FulfillmentOrderStatusNotification",
        _fulfilment_order,
        "SellerFulfillmentOrderId",
    ),
}
"""By NotificationType: where in the payload it stands, what reads it, and the field with the order's id."""
