"""The states of an order, a payment, a fulfilment and a return.

:mod:`ordertrail.orders.lifecycle` says what leads where. An order's own state is orthogonal to what its payments and
shipments do: those have states of their own, and the order's *facets* (:mod:`ordertrail.orders.facets`) are computed.
"""

from enum import StrEnum


class OrderStatus(StrEnum):
    """Where an order stands. schema.org OrderStatus is coarser; :data:`SCHEMA_ORG` has its word for each."""

    RECEIVED = "received"
    QUARANTINED = "quarantined"
    VALIDATED = "validated"
    REJECTED = "rejected"
    ACCEPTED = "accepted"
    ON_HOLD = "on_hold"
    BEING_CHANGED = "being_changed"
    PROCESSING = "processing"
    PARTIALLY_FULFILLED = "partially_fulfilled"
    CANCELLED_REMAINDER = "cancelled_remainder"
    FULFILLED = "fulfilled"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    RETURN_IN_PROGRESS = "return_in_progress"
    PARTIALLY_RETURNED = "partially_returned"
    RETURNED = "returned"
    ARCHIVED = "archived"


class PaymentStatus(StrEnum):
    """Where a payment stands, or all payments of an order together (then ``none`` is: there are none)."""

    NONE = "none"
    PENDING = "pending"
    AUTHORIZED = "authorized"
    PARTIALLY_PAID = "partially_paid"
    PAID = "paid"
    OVERPAID = "overpaid"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    FAILED = "failed"
    VOIDED = "voided"
    EXPIRED = "expired"
    DISPUTED = "disputed"
    CHARGED_BACK = "charged_back"


class FulfilmentStatus(StrEnum):
    """Where a parcel stands, or all of an order together (then ``partial`` is: some of it has left)."""

    UNFULFILLED = "unfulfilled"
    BACKORDERED = "backordered"
    HELD = "held"
    PARTIAL = "partial"
    FULFILLED = "fulfilled"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    READY_FOR_PICKUP = "ready_for_pickup"
    DELIVERED = "delivered"
    EXCEPTION = "exception"
    RETURNED_TO_SENDER = "returned_to_sender"
    CANCELLED = "cancelled"


class ReturnStatus(StrEnum):
    """Where a return stands (then ``none`` is: there is none)."""

    NONE = "none"
    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    RECEIVED = "received"
    REFUNDED = "refunded"
    CANCELLED = "cancelled"


SCHEMA_ORG = {
    OrderStatus.RECEIVED: "OrderProcessing",
    OrderStatus.QUARANTINED: "OrderProblem",
    OrderStatus.VALIDATED: "OrderProcessing",
    OrderStatus.REJECTED: "OrderCancelled",
    OrderStatus.ACCEPTED: "OrderProcessing",
    OrderStatus.ON_HOLD: "OrderProblem",
    OrderStatus.BEING_CHANGED: "OrderProcessing",
    OrderStatus.PROCESSING: "OrderProcessing",
    OrderStatus.PARTIALLY_FULFILLED: "OrderInTransit",
    OrderStatus.CANCELLED_REMAINDER: "OrderInTransit",
    OrderStatus.FULFILLED: "OrderInTransit",
    OrderStatus.COMPLETED: "OrderDelivered",
    OrderStatus.CANCELLED: "OrderCancelled",
    OrderStatus.RETURN_IN_PROGRESS: "OrderReturned",
    OrderStatus.PARTIALLY_RETURNED: "OrderReturned",
    OrderStatus.RETURNED: "OrderReturned",
    OrderStatus.ARCHIVED: "OrderDelivered",
}
"""schema.org's OrderStatus for each of ours, for exports. It has no word for an archive: the nearest stands here."""
