"""Unicommerce (Uniware): sale orders of Indian marketplaces and shops.

https://documentation.unicommerce.com: Get Sale Order (``oms/saleorder/get``), Search Sale Order
(``oms/saleOrder/search``)

| document | gives |
|---|---|
| ``saleOrderDTO``, alone or in its answer | an order |
| an element of a search | an amendment: where the order stands |
| invoices, labels, items, failures | foreign: they name a parcel and not the order |

| Unicommerce | here |
|---|---|
| code, displayOrderCode, channel | id, number and reference, site |
| status CREATED, PENDING_VERIFICATION, PROCESSING | received, on hold, processing |
| status COMPLETE, CANCELLED | completed, cancelled |
| statusCode of items DISPATCHED, DELIVERED while PROCESSING | partially fulfilled, fulfilled |
| an item, which is always one piece | a line; DISPATCHED, DELIVERED and CANCELLED are its quantities |
| sellingPrice, discount | the line's amount after its discount: the price before is their sum |
| shippingCharges, shippingMethodCharges | shipping, one for each line |
| cashOnDeliveryCharges, giftWrapCharges | charges of the line |
| GST: total and percentage of each kind | taxes of the line, within its price |
| shippingPackages | fulfilments, with the items that name them |
| updated | updated, the source's version |

Prices are with tax. Unicommerce states no totals. Vouchers and store credit are extensions: they do not change prices.
"""

from collections.abc import Iterator
from typing import Any

from ordertrail.intake.amendment import Amendment
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document, Node
from ordertrail.intake.message import Foreign, Message
from ordertrail.intake.parts import (
    AddressNames,
    added,
    address_of,
    discount_of,
    message_of,
    order_key,
    present,
    said,
)
from ordertrail.orders.adjustments import Charge, Shipping, Tax
from ordertrail.orders.amounts import Rounding, RoundingMode, RoundingScope, Totals
from ordertrail.orders.fulfilment import Fulfilment, LineShare
from ordertrail.orders.lines import Item, Line, Price, Quantities
from ordertrail.orders.model import Order, SourceVersion
from ordertrail.orders.party import Party, TaxNumber
from ordertrail.orders.payment import Payment
from ordertrail.orders.reference import Reference
from ordertrail.orders.statuses import FulfilmentStatus, OrderStatus, PaymentStatus

_STATUSES = {
    "CREATED": OrderStatus.RECEIVED,
    "PENDING_VERIFICATION": OrderStatus.ON_HOLD,
    "PROCESSING": OrderStatus.PROCESSING,
    "COMPLETE": OrderStatus.COMPLETED,
    "CANCELLED": OrderStatus.CANCELLED,
}
_SENT = frozenset({"DISPATCHED", "DELIVERED"})
_DECIDED = frozenset({*_SENT, "CANCELLED"})
_PARCELS = {
    **dict.fromkeys(
        (
            *("CREATED", "PICKING", "PICKED", "PACKED", "READY_TO_SHIP", "ADDED_TO_MANIFEST", "MANIFESTED"),
            *("PENDING_CUSTOMIZATION", "CUSTOMIZATION_COMPLETE", "PICKING_FOR_INVOICING", "INVOICED"),
        ),
        FulfilmentStatus.UNFULFILLED,
    ),
    "LOCATION_NOT_SERVICEABLE": FulfilmentStatus.HELD,
    "DISPATCHED": FulfilmentStatus.FULFILLED,
    "SHIPPED": FulfilmentStatus.IN_TRANSIT,
    "DELIVERED": FulfilmentStatus.DELIVERED,
    "RETURN_EXPECTED": FulfilmentStatus.EXCEPTION,
    "RETURN_ACKNOWLEDGED": FulfilmentStatus.EXCEPTION,
    "RETURNED": FulfilmentStatus.RETURNED_TO_SENDER,
    "CANCELLED": FulfilmentStatus.CANCELLED,
    "SPLITTED": FulfilmentStatus.CANCELLED,
    "MERGED": FulfilmentStatus.CANCELLED,
}
"""status of a shipping package; one that was split or merged lives on in others."""
_TAXES = (
    ("IGST", "totalIntegratedGst", "integratedGstPercentage"),
    ("UTGST", "totalUnionTerritoryGst", "unionTerritoryGstPercentage"),
    ("SGST", "totalStateGst", "stateGstPercentage"),
    ("CGST", "totalCentralGst", "centralGstPercentage"),
)
_ADDRESS = AddressNames(
    street=("addressLine1", "addressLine2"),
    city="city",
    region_code="state",
    postal_code="pincode",
    country="country",
)
_ROUNDING = Rounding(mode=RoundingMode.HALF_UP, scope=RoundingScope.LINE)
_FOREIGN = (
    ("invoice", "invoice", "an invoice names the parcel that it is for, and not the order"),
    ("invoiceCode", "invoice", "an invoice names the parcel that it is for, and not the order"),
    ("label", "label", "a label is of a parcel, and names no order"),
    ("itemTypeDTO", "item", "an article is no order"),
)


class Unicommerce:
    """Reads sale orders of Unicommerce."""

    name = "unicommerce"

    def delivery_id(self, delivery: Delivery) -> str | None:  # noqa: ARG002
        """Return None: answers have no id."""
        return None

    def read(self, delivery: Delivery) -> Iterator[Message]:
        """Yield one message for each order."""
        whole = Document.of_json(delivery.body, delivery.source.zone)
        tree = whole.tree
        listed = tree.get("elements") if isinstance(tree, dict) else tree
        if isinstance(listed, list):
            place = "/elements" if isinstance(tree, dict) else ""
            for number, one in enumerate(listed):
                yield _read(delivery, whole.part(one, f"{place}/{number}"))
        elif isinstance(tree, dict) and isinstance(tree.get("saleOrderDTO"), dict):
            yield _read(delivery, whole.part(tree["saleOrderDTO"], "/saleOrderDTO"))
        else:
            yield _read(delivery, whole)


def _read(delivery: Delivery, document: Document) -> Message:
    tree = document.tree if isinstance(document.tree, dict) else {}
    if "saleOrderItems" in tree:
        node = document.root
        key = order_key(delivery, node, "code")
        return message_of(document, node, _order(delivery, node, key), Unicommerce.name, key)
    if "displayOrderCode" in tree:
        return _found(delivery, document)
    return Message(document.pointer, _foreign(tree), document.root)


def _foreign(tree: dict[str, Any]) -> Foreign:
    if tree.get("successful") is False:
        return Foreign("errors", "the call failed, and told of no order")
    for sign, kind, reason in _FOREIGN:
        if tree.get(sign) is not None:
            return Foreign(kind, reason)
    return Foreign("unknown", "it is no sale order of Unicommerce's")


def _found(delivery: Delivery, document: Document) -> Message:
    """Read what a search tells of an order."""
    node = document.root
    key = order_key(delivery, node, "code")
    updated, status = node.time("updated"), node.word("status", _STATUSES, required=True)
    amendment = Amendment(
        order=key or "",
        channel=delivery.source.channel,
        account=delivery.source.account,
        version=SourceVersion(time=updated) if updated else None,
        status=status,
        updated=updated,
        number=node.id("displayOrderCode"),
    )
    return message_of(document, node, amendment, Unicommerce.name, key)


def _order(delivery: Delivery, node: Node, key: str | None) -> Order:
    currency = node.currency("currencyCode", delivery.source.currency or "INR")
    items = node.children("saleOrderItems")
    status = node.word("status", _STATUSES, required=True) or OrderStatus.RECEIVED
    updated = node.time("updated")
    addresses = node.children("addresses")
    billing = node.child("billingAddress")
    for one in addresses:
        one.repeats(billing)
    packed: dict[str, list[Node]] = {}
    for item in items:
        packed.setdefault(str(item.tree.get("shippingPackageCode")), []).append(item)
    return Order(
        id=key or "",
        channel=delivery.source.channel,
        account=delivery.source.account,
        tenant=delivery.source.tenant,
        site=node.id("channel"),
        number=node.id("displayOrderCode"),
        status=_status(status, items),
        currency=currency or "",
        tax_included=True,
        rounding=_ROUNDING,
        placed=node.time("displayOrderDateTime") or node.time("created"),
        updated=updated,
        source_version=SourceVersion(time=updated) if updated else None,
        cancelled=updated if status is OrderStatus.CANCELLED else None,
        buyer=_buyer(node),
        bill_to=_party(billing),
        ship_to=_ship_to(items, addresses),
        lines=tuple(_line(item, currency) for item in items),
        shipping=present(_shipping(item, currency) for item in items),
        totals=Totals(),
        payments=_payments(node),
        fulfilments=tuple(_parcel(one, packed) for one in node.children("shippingPackages")),
        references=_references(node, items),
    )


def _status(status: OrderStatus, items: list[Node]) -> OrderStatus:
    """Return where an order stands: one in process goes as far as its items, but for those that are cancelled."""
    states = {_state(item) for item in items} - {"CANCELLED"}
    if status is not OrderStatus.PROCESSING or not states & _SENT:
        return status
    return OrderStatus.FULFILLED if states <= _SENT else OrderStatus.PARTIALLY_FULFILLED


def _state(item: Node) -> str:
    return str(item.tree.get("statusCode"))


def _references(node: Node, items: list[Node]) -> tuple[Reference, ...]:
    found = (
        ("sale_order", node.id("code")),
        ("display_order", node.id("displayOrderCode")),
        *(("replacement_order", item.id("replacementSaleOrderCode")) for item in items),
    )
    made = {Reference(system=Unicommerce.name, kind=kind, id=one): None for kind, one in found if one}
    return tuple(made)


def _buyer(node: Node) -> Party | None:
    number, gst = node.id("customerCode"), node.id("customerGSTIN")
    return said(
        Party(
            id=number,
            email=node.text("notificationEmail"),
            phone=node.text("notificationMobile"),
            tax_numbers=() if gst is None else (TaxNumber(scheme="GST", id=gst),),
        )
    )


def _party(node: Node) -> Party | None:
    return said(
        Party(
            name=node.text("name"),
            email=node.text("email"),
            phone=node.text("phone"),
            address=address_of(node, _ADDRESS),
        )
    )


def _ship_to(items: list[Node], addresses: list[Node]) -> Party | None:
    """Return where the first item goes; an item that goes elsewhere keeps its address's id."""
    wanted = items[0].text("shippingAddressId") if items else None
    for item in items:
        item.same("shippingAddressId", wanted)
    for one in addresses:
        if wanted is not None and one.tree.get("id") is not None and str(one.tree["id"]) == wanted:
            one.id("id")
            return _party(one)
    if items:
        items[0].unread("shippingAddressId")
    return None


def _line(item: Node, currency: str | None) -> Line:
    state = _state(item)
    if state in _DECIDED:
        item.text("statusCode")
    selling, discount = item.money("sellingPrice", currency, required=True), item.money("discount", currency)
    price = added((selling, discount), currency)
    item.same("sellingPriceWithoutTaxesAndDiscount", price)
    charges = present(
        (
            _charge(item, "cashOnDeliveryCharges", "cod", currency),
            _charge(item, "giftWrapCharges", "gift_wrap", currency),
        )
    )
    amount = added((selling, *(one.amount for one in charges)), currency)
    sku = item.text("itemSku")
    item.same("sellerSkuCode", sku)
    variant = ", ".join(present((item.text("color"), item.text("size"))))
    item.same("channelSaleOrderItemCode", item.text("code"))
    return Line(
        id=item.id("code", required=True) or "",
        item=Item(
            name=item.text("itemName"),
            sku=sku,
            variant=variant or None,
            commodity_code=item.text("hsnCode"),
        ),
        quantities=Quantities(
            ordered="1",
            shipped="1" if state in _SENT else None,
            delivered="1" if state == "DELIVERED" else None,
            cancelled="1" if state == "CANCELLED" else None,
        ),
        unit="C62",
        unit_price=None if price is None else Price(amount=price, per="1"),
        list_price=item.price("maxRetailPrice", currency),
        discounts=present([discount_of(discount)]),
        charges=charges,
        taxes=tuple(_taxes(item, currency)),
        amount=None if state == "CANCELLED" else amount,
        gift=bool(item.flag("giftWrap")),
        references=_product(item),
        notes=present([item.text("giftMessage")]),
    )


def _product(item: Node) -> tuple[Reference, ...]:
    number = item.id("channelProductId")
    return () if number is None else (Reference(system=Unicommerce.name, kind="channel_product", id=number),)


def _charge(item: Node, name: str, kind: str, currency: str | None) -> Charge | None:
    amount = item.money(name, currency)
    return Charge(amount=amount, kind=kind) if amount is not None and amount.amount else None


def _taxes(item: Node, currency: str | None) -> Iterator[Tax]:
    for name, total, percentage in _TAXES:
        amount, rate = item.money(total, currency), item.decimal(percentage)
        if amount is not None and (amount.amount or rate not in {None, "0"}):
            yield Tax(amount=amount, rate=rate, name=name)


def _shipping(item: Node, currency: str | None) -> Shipping | None:
    """Return what bringing the item costs; what it costs in all only repeats its parts."""
    parts = (item.money("shippingCharges", currency), item.money("shippingMethodCharges", currency))
    amount = added(parts, currency)
    extra = (
        item.money(name, currency) for name in ("sellingPrice", "cashOnDeliveryCharges", "giftWrapCharges")
    )
    item.same("totalPrice", added((amount, *extra), currency))
    code = item.id("code")
    if amount is None or code is None or not amount.amount:
        return None
    return Shipping(id=code, amount=amount, code=item.text("shippingMethodCode"))


def _payments(node: Node) -> tuple[Payment, ...]:
    """Return cash on delivery, which is all that an order says of its payment."""
    if node.tree.get("cod") is not True:
        return ()
    node.flag("cod")
    return (Payment(id="1", status=PaymentStatus.PENDING, method="COD"),)


def _parcel(node: Node, packed: dict[str, list[Node]]) -> Fulfilment:
    code, status = node.id("code", required=True), node.word("status", _PARCELS, required=True)
    within = [] if code is None else packed.get(code, [])
    for item in within:
        item.text("shippingPackageCode")
        item.same("shippingPackageStatus", node.text("status"))
    invoice = node.id("invoiceCode")
    return Fulfilment(
        id=code or "",
        status=status or FulfilmentStatus.UNFULFILLED,
        lines=tuple(LineShare(line=item.id("code") or "", quantity="1") for item in within),
        carrier=node.text("shippingProvider"),
        service=node.text("shippingMethod"),
        tracking_numbers=present([node.id("trackingNumber")]),
        shipped=node.time("dispatched"),
        delivered=node.time("delivered"),
        references=()
        if invoice is None
        else (Reference(system=Unicommerce.name, kind="invoice", id=invoice),),
    )
