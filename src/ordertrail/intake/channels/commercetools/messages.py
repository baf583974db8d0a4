"""Messages of orders, and events of Checkout.

https://docs.commercetools.com/api/message-types/order-messages. Each message says what was done, not how the order is
then. What has a place in an order is put there; of any other message of an order everything is kept as extensions, and
the chain of numbers goes on.
"""

from collections.abc import Callable

import msgspec

from ordertrail.intake.amendment import Amendment, LineChange
from ordertrail.intake.channels.commercetools.amounts import amount_of, is_tax_included
from ordertrail.intake.channels.commercetools.order import (
    CHANNEL,
    SHIPPED,
    STATES,
    custom_line,
    delivery_of,
    line_item,
    party,
    read_order,
    returns_of,
    totals,
)
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document, Node
from ordertrail.intake.faults import Code
from ordertrail.intake.message import Message
from ordertrail.intake.parts import message_of, order_key, said
from ordertrail.orders.model import SourceVersion
from ordertrail.orders.payment import Payment
from ordertrail.orders.reference import Reference
from ordertrail.orders.statuses import OrderStatus, PaymentStatus


def order_message(delivery: Delivery, document: Document) -> Message:
    """Read a message of an order."""
    node = document.root
    kind = node.text("type", required=True) or ""
    sequence = node.integer("sequenceNumber", required=True)
    key = order_key(delivery, node.child("resource"), "id")
    if "payloadNotIncluded" in node:
        told = node.child("payloadNotIncluded").text("payloadType")
        message = f"the message {told or kind} came without its payload; the order must be fetched"
        node.fault(Code.MISSING, "payloadNotIncluded", message)
        return message_of(document, node, None, CHANNEL, key)
    if kind in {"OrderCreated", "OrderImported"} and "order" in node and not document.faults:
        return read_order(delivery, document.part(node.tree["order"], "/order"), sequence)
    at = node.time("lastModifiedAt") or node.time("createdAt")
    amendment = Amendment(
        order=key or "",
        channel=delivery.source.channel,
        account=delivery.source.account,
        version=said(SourceVersion(number=sequence, time=at)),
        follows=sequence - 1 if sequence is not None and sequence > 1 else None,
        updated=at,
    )
    reader = _KINDS.get(kind)
    if reader is not None:
        amendment = reader(node, amendment)
    else:
        node.unread("type")
    return message_of(document, node, amendment, CHANNEL, key)


def checkout_event(delivery: Delivery, document: Document) -> Message:
    """Read an event of Checkout: it names a payment's transaction and not its amount."""
    node = document.root
    data = node.child("data")
    key = order_key(delivery, data.child("order"), "id")
    payment, transaction = data.child("payment").id("id"), data.id("transactionId")
    found = (("payment", payment), ("transaction", transaction))
    amendment = Amendment(
        order=key or "",
        channel=delivery.source.channel,
        account=delivery.source.account,
        references=tuple(Reference(system=CHANNEL, kind=kind, id=one) for kind, one in found if one),
    )
    return message_of(document, node, amendment, CHANNEL, key)


def _state(node: Node, amendment: Amendment) -> Amendment:
    status = node.word("orderState", STATES, required=True)
    is_cancelled = status is OrderStatus.CANCELLED
    return msgspec.structs.replace(
        amendment, status=status, cancelled=amendment.updated if is_cancelled else None
    )


def _shipment(node: Node, amendment: Amendment) -> Amendment:
    status = SHIPPED.get(str(node.tree.get("shipmentState")))
    if status is None:
        node.unread("type")
        return amendment
    node.text("shipmentState")
    return msgspec.structs.replace(amendment, status=status)


def _shipping_address(node: Node, amendment: Amendment) -> Amendment:
    return msgspec.structs.replace(amendment, ship_to=party(node.child("address")))


def _billing_address(node: Node, amendment: Amendment) -> Amendment:
    return msgspec.structs.replace(amendment, bill_to=party(node.child("address")))


def _delivery(node: Node, amendment: Amendment) -> Amendment:
    if "delivery" not in node:
        node.unread("type")
        return amendment
    parcel = node.child("parcel")
    parcel.repeats(
        next((one for one in node.child("delivery").children("parcels") if one.tree == parcel.tree), parcel)
    )
    return msgspec.structs.replace(amendment, fulfilments=(delivery_of(node.child("delivery")),))


def _return(node: Node, amendment: Amendment) -> Amendment:
    infos = node.children("returnInfo")
    return msgspec.structs.replace(
        amendment, returns=tuple(one for info in infos for one in returns_of(info))
    )


def _line_added(node: Node, amendment: Amendment) -> Amendment:
    item = node.child("lineItem")
    currency = item.child("totalPrice").currency("currencyCode")
    line = line_item(item, currency, included=is_tax_included([item]))
    return msgspec.structs.replace(amendment, lines=(line,))


def _custom_line_added(node: Node, amendment: Amendment) -> Amendment:
    item = node.child("customLineItem")
    currency = item.child("totalPrice").currency("currencyCode")
    line = custom_line(item, currency, included=is_tax_included([item]))
    return msgspec.structs.replace(amendment, lines=(line,))


def _line_removed(node: Node, amendment: Amendment) -> Amendment:
    """What is left of the line, or nothing of it."""
    line = node.id("lineItemId", required=True) or ""
    left = node.quantity("newQuantity", required=True)
    if left == "0":
        return msgspec.structs.replace(amendment, removed_lines=(line,))
    currency = node.child("newTotalPrice").currency("currencyCode", required=False)
    amount = amount_of(node, "newTotalPrice", currency)
    change = LineChange(line=line, ordered=left, amount=amount)
    return msgspec.structs.replace(amendment, changed_lines=(change,))


def _custom_line_removed(node: Node, amendment: Amendment) -> Amendment:
    line = node.id("customLineItemId", required=True) or ""
    return msgspec.structs.replace(amendment, removed_lines=(line,))


def _payment_added(node: Node, amendment: Amendment) -> Amendment:
    number = node.child("payment").id("id", required=True) or ""
    return msgspec.structs.replace(amendment, payments=(Payment(id=number, status=PaymentStatus.PENDING),))


def _purchase_order(node: Node, amendment: Amendment) -> Amendment:
    number = node.id("purchaseOrderNumber")
    if number is None:
        node.unread("type")
        return amendment
    found = Reference(system="buyer", kind="purchase_order", id=number)
    return msgspec.structs.replace(amendment, references=(found,))


def _edited(node: Node, amendment: Amendment) -> Amendment:
    """The totals after an edit was applied; the edit itself is an extension."""
    after = node.child("result").child("excerptAfterEdit")
    currency = after.child("totalPrice").currency("currencyCode", required=True)
    return msgspec.structs.replace(amendment, totals=totals(after, currency, included=True, shipped=False))


_KINDS: dict[str, Callable[[Node, Amendment], Amendment]] = {
    "OrderStateChanged": _state,
    "OrderShipmentStateChanged": _shipment,
    "OrderShippingAddressSet": _shipping_address,
    "OrderBillingAddressSet": _billing_address,
    "DeliveryAdded": _delivery,
    "ParcelAddedToDelivery": _delivery,
    "ReturnInfoAdded": _return,
    "ReturnInfoSet": _return,
    "OrderLineItemAdded": _line_added,
    "OrderLineItemRemoved": _line_removed,
    "OrderCustomLineItemAdded": _custom_line_added,
    "OrderCustomLineItemRemoved": _custom_line_removed,
    "OrderPaymentAdded": _payment_added,
    "OrderPurchaseOrderNumberSet": _purchase_order,
    "OrderEditApplied": _edited,
}
"""What is put into an order, by the message's type."""
