"""Purchase orders of Amazon as a buyer: Vendor Retail Procurement, and Vendor Direct Fulfillment.

https://developer-docs.amazon.com/sp-api/docs/vendor-orders-api-v1-reference,
https://developer-docs.amazon.com/sp-api/docs/vendor-direct-fulfillment-orders-api-v1-reference

| Amazon | here |
|---|---|
| purchaseOrderNumber | id, number |
| purchaseOrderState New, Acknowledged, Closed | received, accepted, completed |
| netCost | the line's price, unless it is by weight (``unitOfMeasure``) |
| orderedQuantity.unitOfMeasure Eaches, Cases | unit EA, XCS; ``unitSize`` (pieces in a case) is an extension |
| acknowledgementStatus, receivingStatus | accepted, cancelled (what was rejected) and delivered of a line |
| deliveryWindow | requested_delivery; ``shipWindow`` is an extension |

Costs are without tax. A line is identified by its number in the order. Amazon states no total of a purchase order.
"""

from collections.abc import Iterator

from ordertrail.intake.amendment import Amendment, LineChange
from ordertrail.intake.channels.amazon.amounts import ROUNDING, amount_of, same_currency
from ordertrail.intake.channels.amazon.orders_v0 import CHANNEL, asin
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document, Node
from ordertrail.intake.faults import Code
from ordertrail.intake.message import Message
from ordertrail.intake.parts import AddressNames, added, address_of, message_of, order_key, present, said
from ordertrail.kernel.clock import canonical_time
from ordertrail.kernel.money import Money
from ordertrail.orders.adjustments import Tax
from ordertrail.orders.amounts import Totals
from ordertrail.orders.fulfilment import Fulfilment
from ordertrail.orders.lines import Item, Line, Period, Price, Quantities
from ordertrail.orders.model import Order, OrderType, SourceVersion
from ordertrail.orders.party import Party, TaxNumber
from ordertrail.orders.payment import Payment
from ordertrail.orders.reference import Note, Reference
from ordertrail.orders.statuses import FulfilmentStatus, OrderStatus, PaymentStatus
from ordertrail.orders.words import CHECKS

STATES = {
    "new": OrderStatus.RECEIVED,
    "acknowledged": OrderStatus.ACCEPTED,
    "closed": OrderStatus.COMPLETED,
    "open": None,
    "accepted": OrderStatus.ACCEPTED,
    "shipped": OrderStatus.FULFILLED,
    "cancelled": OrderStatus.CANCELLED,
}
"""purchaseOrderState, purchaseOrderStatus, orderStatus. An open order stands where its lines say."""

_TYPES = {
    "RegularOrder": None,
    "ConsignedOrder": OrderType.CONSIGNMENT,
    "NewProductIntroduction": None,
    "RushOrder": None,
}
_INCOTERMS = {
    "ExWorks": "EXW",
    "FreeCarrier": "FCA",
    "FreeOnBoard": "FOB",
    "FreeAlongSideShip": "FAS",
    "CarriagePaidTo": "CPT",
    "CostAndFreight": "CFR",
    "CarriageAndInsurancePaidTo": "CIP",
    "CostInsuranceAndFreight": "CIF",
    "DeliveredAtTerminal": "DAT",
    "DeliveredAtPlace": "DAP",
    "DeliverDutyPaid": "DDP",
}
_UNITS = {"eaches": "EA", "each": "EA", "cases": "XCS"}
_CONFIRMED = {
    "ACCEPTED": OrderStatus.ACCEPTED,
    "PARTIALLY_ACCEPTED": OrderStatus.ACCEPTED,
    "REJECTED": OrderStatus.REJECTED,
    "UNCONFIRMED": None,
}


_ADDRESS = AddressNames(
    street=("addressLine1", "addressLine2", "addressLine3"),
    city="city",
    region="stateOrRegion",
    postal_code="postalCode",
    country="countryCode",
)


def purchase_order(delivery: Delivery, document: Document) -> Message:
    """Read a purchase order, or its state where it comes without details."""
    node = document.root
    key = order_key(delivery, node, "purchaseOrderNumber")
    status = node.word("purchaseOrderState", STATES, required=True)
    source = delivery.source
    content: Order | Amendment
    if "orderDetails" in node:
        content = _order(delivery, node, key, status)
    else:
        content = Amendment(order=key or "", channel=source.channel, account=source.account, status=status)
    return message_of(document, node, content, CHANNEL, key)


def _order(delivery: Delivery, node: Node, key: str | None, status: OrderStatus | None) -> Order:
    details = node.child("orderDetails")
    placed = node if "items" in node else details  # Amazon's own examples have them in either place.
    items = placed.children("items")
    currency = _currency(delivery, placed, items, "netCost")
    changes = (details.time("purchaseOrderChangedDate"), details.time("purchaseOrderStateChangedDate"))
    updated = max(present(changes), default=None)
    method = details.text("paymentMethod")
    kind = details.text("purchaseOrderType")
    return Order(
        id=key or "",
        channel=delivery.source.channel,
        account=delivery.source.account,
        tenant=delivery.source.tenant,
        type=details.word("purchaseOrderType", _TYPES),
        number=node.id("purchaseOrderNumber"),
        status=status or OrderStatus.RECEIVED,
        currency=currency or "",
        tax_included=False,
        rounding=ROUNDING,
        placed=details.time("purchaseOrderDate"),
        updated=updated,
        source_version=SourceVersion(time=updated) if updated else None,
        buyer=_party(details.child("buyingParty")),
        seller=_party(details.child("sellingParty")),
        ship_to=_party(details.child("shipToParty")),
        bill_to=_party(details.child("billToParty")),
        requested_delivery=_window(placed, "deliveryWindow"),
        incoterm=details.child("importDetails").word("internationalCommercialTerms", _INCOTERMS),
        priority=kind,
        lines=tuple(_line(item, currency) for item in items),
        totals=Totals(),
        payments=() if method is None else (Payment(id="1", status=PaymentStatus.PENDING, method=method),),
        references=_references(node, ()),
    )


def _references(node: Node, others: tuple[tuple[str, str, str | None], ...]) -> tuple[Reference, ...]:
    found = (("buyer", "purchase_order", node.id("purchaseOrderNumber")), *others)
    return tuple(Reference(system=system, kind=kind, id=one) for system, kind, one in found if one)


def _currency(delivery: Delivery, details: Node, items: list[Node], price: str) -> str | None:
    for item in items:
        if price in item:
            return item.child(price).currency("currencyCode")
    if delivery.source.currency is None:
        details.fault(
            Code.MISSING, "items", f"no item has a {price}, and the source has no currency of its own"
        )
    return delivery.source.currency


def _line(item: Node, currency: str | None) -> Line:
    quantity = item.child("orderedQuantity")
    number = item.text("vendorProductIdentifier")
    is_gtin = number is not None and CHECKS["gtin"](number) is None
    return Line(
        id=item.id("itemSequenceNumber", required=True) or "",
        item=Item(sku=number, gtin=number if is_gtin else None),
        quantities=Quantities(ordered=quantity.quantity("amount", required=True) or "0"),
        unit=quantity.word("unitOfMeasure", _UNITS, required=True) or "",
        unit_price=_price(item, "netCost", currency),
        list_price=_price(item, "listPrice", currency),
        references=asin(item.id("amazonProductIdentifier")),
    )


def _price(item: Node, name: str, currency: str | None) -> Price | None:
    """Return a price for one of the line's unit; one by weight is for something else and is left unread."""
    told = item.tree.get(name)
    if not isinstance(told, dict) or told.get("unitOfMeasure"):
        return None
    cost = item.child(name)
    return cost.price("amount", same_currency(cost, currency), required=True)


def _party(node: Node) -> Party | None:
    address, tax = node.child("address"), node.child("taxInfo")
    return _person(node.id("partyId"), address, tax)


def _person(number: str | None, address: Node, tax: Node) -> Party | None:
    tax_id = tax.id("taxRegistrationNumber")
    scheme = tax.id("taxType") if tax_id else None
    return said(
        Party(
            name=address.text("name"),
            phone=address.text("phone"),
            tax_numbers=() if tax_id is None else (TaxNumber(scheme=scheme or "TAX", id=tax_id),),
            address=address_of(address, _ADDRESS),
            references=() if number is None else (Reference(system=CHANNEL, kind="party", id=number),),
        )
    )


def _window(node: Node, name: str) -> Period | None:
    """Return a window that is written ``start--end``."""
    text = node.text(name)
    if text is None:
        return None
    start, _, end = text.partition("--")
    try:
        return Period(start=canonical_time(start), end=canonical_time(end) if end else None)
    except ValueError as error:
        node.fault(Code.MALFORMED, name, f"{text[:80]!r} is not a window start--end of two times: {error}")
        return None


def purchase_order_status(delivery: Delivery, document: Document) -> Message:
    """Read what became of a purchase order's lines."""
    node = document.root
    key = order_key(delivery, node, "purchaseOrderNumber")
    updated = node.time("lastUpdatedDate")
    lines, confirmed = [], []
    for item in node.children("itemStatus"):
        confirmed.append(item.child("acknowledgementStatus").word("confirmationStatus", _CONFIRMED))
        lines.append(_line_change(item))
    status = node.word("purchaseOrderStatus", STATES, required=True)
    amendment = Amendment(
        order=key or "",
        channel=delivery.source.channel,
        account=delivery.source.account,
        version=SourceVersion(time=updated) if updated else None,
        status=status or _confirmed(confirmed),
        updated=updated,
        changed_lines=tuple(lines),
    )
    return message_of(document, node, amendment, CHANNEL, key)


def _confirmed(lines: list[OrderStatus | None]) -> OrderStatus | None:
    """Return where an open order stands: accepted with its first accepted line, rejected with its last rejected."""
    if OrderStatus.ACCEPTED in lines:
        return OrderStatus.ACCEPTED
    return OrderStatus.REJECTED if lines and set(lines) == {OrderStatus.REJECTED} else None


def _line_change(item: Node) -> LineChange:
    ordered = item.child("orderedQuantity").child("orderedQuantity")
    said_of, received = item.child("acknowledgementStatus"), item.child("receivingStatus")
    return LineChange(
        line=item.id("itemSequenceNumber", required=True) or "",
        ordered=ordered.quantity("amount"),
        accepted=_in_unit(said_of, "acceptedQuantity", ordered),
        cancelled=_in_unit(said_of, "rejectedQuantity", ordered),
        delivered=_in_unit(received, "receivedQuantity", ordered),
        unit_price=_own_price(item),
    )


def _in_unit(node: Node, name: str, ordered: Node) -> str | None:
    """Return a quantity that counts what the ordered one counts; one in another unit is left unread."""
    told = node.tree.get(name)
    keys = ("unitOfMeasure", "unitSize")
    if not isinstance(told, dict) or any(told.get(key) != ordered.tree.get(key) for key in keys):
        return None
    return node.child(name).quantity("amount")


def _own_price(item: Node) -> Price | None:
    if not isinstance(item.tree.get("netCost"), dict):
        return None
    return _price(item, "netCost", item.child("netCost").currency("currencyCode"))


def dropship_order(delivery: Delivery, document: Document) -> Message:
    """Read an order that a vendor sends to Amazon's customer."""
    node = document.root
    key = order_key(delivery, node, "purchaseOrderNumber")
    details = node.child("orderDetails")
    items = details.children("items")
    currency = _currency(delivery, details, items, "netPrice")
    shipment = details.child("shipmentDetails")
    dates = shipment.child("shipmentDates")
    taxes = tuple(_taxes(details.child("taxTotal"), currency))
    message, status = shipment.text("messageToCustomer"), details.word("orderStatus", STATES)
    order = Order(
        id=key or "",
        channel=delivery.source.channel,
        account=delivery.source.account,
        tenant=delivery.source.tenant,
        number=node.id("purchaseOrderNumber"),
        status=status or OrderStatus.RECEIVED,
        currency=currency or "",
        tax_included=False,
        rounding=ROUNDING,
        placed=details.time("orderDate"),
        seller=_party(details.child("sellingParty")),
        ship_to=_flat(details.child("shipToParty")),
        bill_to=_flat(details.child("billToParty")),
        requested_delivery=said(Period(end=dates.time("promisedDeliveryDate"))),
        lines=tuple(_dropship_line(item, currency) for item in items),
        totals=Totals(tax=added((tax.amount for tax in taxes), currency), tax_breakdown=taxes),
        fulfilments=tuple(_planned(details, shipment)),
        references=_references(node, ((CHANNEL, "customer_order", details.id("customerOrderNumber")),)),
        notes=() if message is None else (Note(text=message),),
        gift=bool(shipment.flag("isGift")),
    )
    return message_of(document, node, order, CHANNEL, key)


def _flat(node: Node) -> Party | None:
    """Return a party whose address stands in it without an object of its own."""
    tax = (
        node.child("taxRegistrationDetails")
        if isinstance(node.tree.get("taxRegistrationDetails"), dict)
        else None
    )
    return _person(node.id("partyId"), node, tax or node.child("taxInfo"))


def _planned(details: Node, shipment: Node) -> Iterator[Fulfilment]:
    """Yield the one parcel that a direct order is."""
    service = shipment.text("shipMethod")
    origin = _party(details.child("shipFromParty"))
    if service is not None or origin is not None:
        yield Fulfilment(id="1", status=FulfilmentStatus.UNFULFILLED, service=service, origin=origin)


def _dropship_line(item: Node, currency: str | None) -> Line:
    quantity = item.child("orderedQuantity")
    number = item.text("vendorProductIdentifier")
    is_gtin = number is not None and CHECKS["gtin"](number) is None
    message = item.child("giftDetails").text("giftMessage")
    return Line(
        id=item.id("itemSequenceNumber", required=True) or "",
        item=Item(name=item.text("title"), sku=number, gtin=number if is_gtin else None),
        quantities=Quantities(ordered=quantity.quantity("amount", required=True) or "0"),
        unit=quantity.word("unitOfMeasure", _UNITS, required=True) or "",
        unit_price=_price(item, "netPrice", currency),
        amount=_total(item, currency),
        taxes=tuple(_taxes(item.child("taxDetails"), currency)),
        references=asin(item.id("buyerProductIdentifier")),
        notes=present([message]),
    )


def _total(item: Node, currency: str | None) -> Money | None:
    return amount_of(item, "totalPrice", currency)


def _taxes(node: Node, currency: str | None) -> Iterator[Tax]:
    for one in node.children("taxLineItem"):
        amount = amount_of(one, "taxAmount", currency)
        rate, kind = one.percent("taxRate"), one.text("type")
        if amount is not None:
            taxable = amount_of(one, "taxableAmount", currency)
            yield Tax(amount=amount, taxable=taxable, rate=rate, name=kind)
