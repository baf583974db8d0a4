"""Orders of the Sell Fulfillment API.

https://developer.ebay.com/api-docs/sell/fulfillment/types/sel:Order (v1.20)

| eBay | here |
|---|---|
| orderId, legacyOrderId, salesRecordReference | id, number, references |
| cancelStatus CANCELED, IN_PROGRESS | cancelled, on hold; it goes before |
| orderFulfillmentStatus FULFILLED, IN_PROGRESS, NOT_STARTED | fulfilled, partially fulfilled, accepted once paid |
| lineItemCost (of all the quantity), appliedPromotions, taxes | the line's price, discounts, taxes |
| deliveryCost of a line | shipping, one for each line, after its discount |
| paymentSummary | payments, with a sale for each and its refunds |
| convertedFromValue of the total | presentment_totals: the total as the buyer saw it |
| fulfillmentStartInstructions | ship_to, requested_delivery, how it is shipped |

Taxes that eBay collects and remits itself are not part of the order's total, and are extensions.
"""

from collections.abc import Iterator

from ordertrail.intake.amendment import Amendment
from ordertrail.intake.channels.ebay.money import (
    CHANNEL,
    ROUNDING,
    amount_of,
    line_taxes,
    payments,
)
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document, Node
from ordertrail.intake.faults import Code
from ordertrail.intake.message import Message
from ordertrail.intake.parts import (
    AddressNames,
    added,
    address_of,
    discount_of,
    message_of,
    order_key,
    present,
    price_each,
    said,
    size,
)
from ordertrail.kernel.money import Money
from ordertrail.orders.adjustments import Charge, Discount, Shipping
from ordertrail.orders.amounts import Totals
from ordertrail.orders.fulfilment import Fulfilment, LineShare
from ordertrail.orders.ids import order_id
from ordertrail.orders.lines import Item, Line, Period, Quantities
from ordertrail.orders.model import Order, SourceVersion
from ordertrail.orders.party import Party, TaxNumber
from ordertrail.orders.reference import Note, Reference
from ordertrail.orders.statuses import FulfilmentStatus, OrderStatus

_CANCELS = {
    "CANCELED": OrderStatus.CANCELLED,
    "IN_PROGRESS": OrderStatus.ON_HOLD,
    "NONE_REQUESTED": None,
}
_FULFILMENTS = {
    "FULFILLED": OrderStatus.FULFILLED,
    "IN_PROGRESS": OrderStatus.PARTIALLY_FULFILLED,
    "NOT_STARTED": None,
}
_UNPAID = frozenset({"PENDING", "FAILED"})
_ADDRESS = AddressNames(
    street=("addressLine1", "addressLine2"),
    city="city",
    region="stateOrProvince",
    postal_code="postalCode",
    country="countryCode",
)


def read_order(delivery: Delivery, document: Document) -> Message:
    """Read an order."""
    node = document.root
    key = order_key(delivery, node, "orderId")
    return message_of(document, node, _order(delivery, node, key), CHANNEL, key)


def _order(delivery: Delivery, node: Node, key: str | None) -> Order:
    summary = node.child("pricingSummary")
    currency = summary.child("total").currency("currency", delivery.source.currency)
    cancel, updated = node.child("cancelStatus"), node.time("lastModifiedDate")
    starts = node.first("fulfillmentStartInstructions")
    step = starts.child("shippingStep")
    items = node.children("lineItems")
    lines = tuple(_line(item, currency) for item in items)
    discounts = tuple(_discounts(summary, lines, currency))
    note = node.text("buyerCheckoutNotes")
    return Order(
        id=key or "",
        channel=delivery.source.channel,
        account=delivery.source.account,
        tenant=delivery.source.tenant,
        site=next(iter(present(item.id("purchaseMarketplaceId") for item in items[:1])), None),
        number=node.id("orderId"),
        status=_status(node, cancel),
        currency=currency or "",
        tax_included=any(
            tax.tree.get("includedInPrice") is True for item in items for tax in item.children("taxes")
        ),
        rounding=ROUNDING,
        placed=node.time("creationDate"),
        updated=updated,
        cancelled=cancel.time("cancelledDate"),
        cancel_reason=cancel.first("cancelRequests").text("cancelReason"),
        source_version=SourceVersion(time=updated) if updated else None,
        buyer=_buyer(node.child("buyer")),
        seller=said(Party(id=node.id("sellerId"))),
        ship_to=_person(step.child("shipTo")),
        deliver_to=_person(starts.child("finalDestinationAddress")),
        requested_delivery=_period(starts),
        lines=lines,
        shipping=tuple(_shippings(items, step, currency)),
        payments=payments(node, currency),
        references=_references(node),
        notes=() if note is None else (Note(text=note, author="customer"),),
        discounts=discounts,
        charges=tuple(_charges(summary, currency)),
        totals=_totals(summary, lines, currency),
        presentment_totals=_shown(summary),
    )


def _status(node: Node, cancel: Node) -> OrderStatus:
    """Return where the order stands: its cancellation goes before its parcels, and they before its payment."""
    cancelled = cancel.word("cancelState", _CANCELS)
    sent = node.word("orderFulfillmentStatus", _FULFILMENTS, required=True)
    paid = node.text("orderPaymentStatus", required=True)
    return cancelled or sent or (OrderStatus.RECEIVED if paid in _UNPAID else OrderStatus.ACCEPTED)


def _references(node: Node) -> tuple[Reference, ...]:
    found = (
        ("order", node.id("orderId")),
        ("legacy_order", node.id("legacyOrderId")),
        ("sales_record", node.id("salesRecordReference")),
    )
    return tuple(Reference(system=CHANNEL, kind=kind, id=one) for kind, one in found if one)


def _buyer(node: Node) -> Party | None:
    registered = node.child("buyerRegistrationAddress")
    tax = node.child("taxIdentifier")
    number = tax.id("taxpayerId")
    scheme = tax.id("taxIdentifierType") if number else None
    person = _person(registered) or Party()
    address = person.address or address_of(node.child("taxAddress"), _ADDRESS)
    return said(
        Party(
            id=node.id("username"),
            name=person.name,
            organisation=person.organisation,
            email=person.email,
            phone=person.phone,
            tax_numbers=() if number is None else (TaxNumber(scheme=scheme or "TAX", id=number),),
            address=address,
        )
    )


def _person(node: Node) -> Party | None:
    return said(
        Party(
            name=node.text("fullName"),
            organisation=node.text("companyName"),
            email=node.text("email"),
            phone=node.child("primaryPhone").text("phoneNumber"),
            address=address_of(node.child("contactAddress"), _ADDRESS),
        )
    )


def _period(node: Node) -> Period | None:
    return said(
        Period(start=node.time("minEstimatedDeliveryDate"), end=node.time("maxEstimatedDeliveryDate"))
    )


def _line(item: Node, currency: str | None) -> Line:
    quantity = item.quantity("quantity", required=True)
    promotions = (_promotion(one, currency) for one in item.children("appliedPromotions"))
    gift = item.child("giftDetails")
    instructions = item.child("lineItemFulfillmentInstructions")
    shipped = None
    if item.tree.get("lineItemFulfillmentStatus") == "FULFILLED":
        item.text("lineItemFulfillmentStatus")
        shipped = quantity
    discounts = present(promotions)
    cost = amount_of(item, "lineItemCost", currency)
    _repeated(item, "discountedLineItemCost", cost, discounts)
    return Line(
        id=item.id("lineItemId", required=True) or "",
        item=Item(name=item.text("title"), sku=item.text("sku"), variant=_variant(item)),
        quantities=Quantities(ordered=quantity or "0", shipped=shipped),
        unit="C62",
        unit_price=price_each(cost, quantity),
        discounts=discounts,
        taxes=tuple(line_taxes(item, currency)),
        requested_delivery=_period(instructions),
        gift=bool(gift.tree),
        references=_item_references(item),
        notes=present([gift.text("message")]),
    )


def _repeated(item: Node, name: str, cost: Money | None, discounts: tuple[Discount, ...]) -> None:
    """Count a line's reduced cost as read where it is the cost without the discounts."""
    if cost is not None and name in item and discounts:
        left = cost.amount - sum(one.amount.amount for one in discounts)
        told = item.child(name)
        if told.same("value", Money(left, cost.currency)):
            told.same("currency", cost.currency)


def _item_references(item: Node) -> tuple[Reference, ...]:
    found = (("item", item.id("legacyItemId")), ("variation", item.id("legacyVariationId")))
    return tuple(Reference(system=CHANNEL, kind=kind, id=one) for kind, one in found if one)


def _variant(item: Node) -> str | None:
    aspects = ((one.text("name"), one.text("value")) for one in item.children("variationAspects"))
    return ", ".join(": ".join(present(aspect)) for aspect in aspects) or None


def _promotion(node: Node, currency: str | None) -> Discount | None:
    return discount_of(
        size(amount_of(node, "discountAmount", currency)),
        code=node.text("promotionId"),
        reason=node.text("description"),
    )


def _shippings(items: list[Node], step: Node, currency: str | None) -> Iterator[Shipping]:
    """Yield what bringing each line costs, or where it costs nothing how it is brought."""
    code, carrier = step.text("shippingServiceCode"), step.text("shippingCarrierCode")
    for item in items:
        cost = item.child("deliveryCost")
        amount, line = amount_of(cost, "shippingCost", currency), item.id("lineItemId")
        parts = (amount, *(amount_of(cost, name, currency) for name in ("handlingCost", "importCharges")))
        whole = added(parts, currency)
        if whole is not None and line is not None:
            yield Shipping(id=line, amount=whole, code=code, carrier=carrier)
    if not any("deliveryCost" in item for item in items):
        step.unread("shippingServiceCode")
        step.unread("shippingCarrierCode")


def _discounts(summary: Node, lines: tuple[Line, ...], currency: str | None) -> Iterator[Discount]:
    """Yield what is taken off the order as a whole: its discount where no line has any, and a negative adjustment."""
    reduced = size(amount_of(summary, "priceDiscount", currency))
    if reduced is not None and reduced.amount and not any(line.discounts for line in lines):
        yield Discount(amount=reduced)
    adjusted = amount_of(summary, "adjustment", currency)
    if adjusted is not None and adjusted.amount < 0:
        yield Discount(amount=Money(-adjusted.amount, adjusted.currency), reason="adjustment")


def _charges(summary: Node, currency: str | None) -> Iterator[Charge]:
    for name in ("adjustment", "fee"):
        amount = amount_of(summary, name, currency)
        if amount is not None and amount.amount > 0:
            yield Charge(amount=amount, kind=name)


def _totals(summary: Node, lines: tuple[Line, ...], currency: str | None) -> Totals:
    """Return the sums as stated; eBay's subtotal is before discounts, and the lines' are after theirs."""
    subtotal = amount_of(summary, "priceSubtotal", currency)
    reduced = size(amount_of(summary, "priceDiscount", currency))
    cost, off = (
        amount_of(summary, "deliveryCost", currency),
        size(amount_of(summary, "deliveryDiscount", currency)),
    )
    if subtotal is not None and reduced is not None and any(line.discounts for line in lines):
        subtotal = Money(subtotal.amount - reduced.amount, subtotal.currency)
    if cost is not None and off is not None:
        cost = Money(cost.amount - off.amount, cost.currency)
    return Totals(
        lines=subtotal,
        shipping=cost,
        tax=amount_of(summary, "tax", currency),
        grand_total=amount_of(summary, "total", currency),
    )


def _shown(summary: Node) -> Totals | None:
    total = summary.child("total")
    currency = total.currency("convertedFromCurrency", required=False)
    return said(Totals(grand_total=total.money("convertedFromValue", currency)))


def shipments(delivery: Delivery, document: Document, order: str | None) -> Message:
    """Read the parcels of an order, which only the path of the request names."""
    node = document.root
    key = None
    if order is None or not order.isprintable():
        node.fault(
            Code.MISSING, "orderId", "no field says of which order it is, nor does the delivery's name"
        )
    else:
        key = order_id(delivery.source.channel, delivery.source.account, order)
    found = node.children("fulfillments") if "fulfillments" in node else [node]
    amendment = Amendment(
        order=key or "",
        channel=delivery.source.channel,
        account=delivery.source.account,
        fulfilments=tuple(_parcel(one) for one in found),
    )
    return message_of(document, node, amendment, CHANNEL, key)


def _parcel(node: Node) -> Fulfilment:
    shares = tuple(
        LineShare(
            line=one.id("lineItemId", required=True) or "",
            quantity=one.quantity("quantity") or "1",
        )
        for one in node.children("lineItems")
    )
    return Fulfilment(
        id=node.id("fulfillmentId", required=True) or "",
        status=FulfilmentStatus.FULFILLED,
        lines=shares,
        carrier=node.text("shippingCarrierCode"),
        tracking_numbers=present([node.id("shipmentTrackingNumber")]),
        shipped=node.time("shippedDate"),
    )


def dispute(delivery: Delivery, document: Document) -> Message:
    """Read a dispute of an order's payment: eBay does not say of which payment, so it is named and kept."""
    node = document.root
    key = order_key(delivery, node, "orderId")
    number = node.id("paymentDisputeId")
    amendment = Amendment(
        order=key or "",
        channel=delivery.source.channel,
        account=delivery.source.account,
        references=() if number is None else (Reference(system=CHANNEL, kind="payment_dispute", id=number),),
    )
    return message_of(document, node, amendment, CHANNEL, key)
