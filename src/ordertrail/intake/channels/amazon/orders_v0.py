"""Orders API v0: an order's head, its items, its buyer and its address come in answers of their own.

https://developer-docs.amazon.com/sp-api/docs/orders-api-v0-reference

| Amazon | here |
|---|---|
| AmazonOrderId | id, number; SellerOrderId, ReplacedOrderId, PurchaseOrderNumber are references |
| OrderStatus | status, and of the payment: Pending is not yet authorized |
| LastUpdateDate | updated, the source's version |
| EarliestDeliveryDate, LatestDeliveryDate | requested_delivery |
| ItemPrice (of all the quantity), PromotionDiscount, GiftWrapPrice, CODFee | the line's price, discounts, charges |
| ShippingPrice, ShippingDiscount, ShippingTax | shipping, one for each line |

Prices are without tax in the United States and Canada, with it elsewhere. ``PromotionDiscountTax`` and
``ShippingDiscountTax`` are kept as extensions: Amazon does not say whether ``ItemTax`` is before or after them.
"""

from ordertrail.intake.amendment import Amendment, LineChange
from ordertrail.intake.channels.amazon.amounts import (
    MARKETPLACES,
    ROUNDING,
    UNTAXED,
    amount_of,
    currency_of,
)
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document, Node
from ordertrail.intake.message import Message
from ordertrail.intake.parts import (
    AddressNames,
    address_of,
    discount_of,
    message_of,
    order_key,
    present,
    price_each,
    said,
    size,
)
from ordertrail.orders.adjustments import Charge, Discount, Shipping, Tax
from ordertrail.orders.amounts import Totals
from ordertrail.orders.lines import Item, Line, Period, Quantities
from ordertrail.orders.model import Order, OrderType, SourceVersion
from ordertrail.orders.party import Party, TaxNumber
from ordertrail.orders.payment import Payment
from ordertrail.orders.reference import Reference
from ordertrail.orders.statuses import OrderStatus, PaymentStatus

CHANNEL = "amazon"

STATUSES = {
    "pendingavailability": OrderStatus.RECEIVED,
    "upcoming": OrderStatus.RECEIVED,
    "upcomingorder": OrderStatus.RECEIVED,
    "pending": OrderStatus.RECEIVED,
    "waiting": OrderStatus.RECEIVED,
    "unshipped": OrderStatus.ACCEPTED,
    "shipping": OrderStatus.ACCEPTED,
    "partiallyshipped": OrderStatus.PARTIALLY_FULFILLED,
    "shipped": OrderStatus.FULFILLED,
    "invoiceunconfirmed": OrderStatus.FULFILLED,
    "canceled": OrderStatus.CANCELLED,
    "cancelled": OrderStatus.CANCELLED,
    "unfulfillable": OrderStatus.ON_HOLD,
}
"""OrderStatus, and the words that MFN_ORDER_STATUS_CHANGE has for the same states."""

_COLLECTED = frozenset({"COD", "CVS"})
"""Paid when it is delivered, or in a shop: not authorized before."""


_ADDRESS = AddressNames(
    street=("AddressLine1", "AddressLine2", "AddressLine3"),
    city="City",
    region="StateOrRegion",
    postal_code="PostalCode",
    country="CountryCode",
)


def payment_status(status: OrderStatus | None) -> PaymentStatus:
    """Return where the payment stands: Amazon says that of an order's own state (reference, OrderStatus)."""
    if status is OrderStatus.CANCELLED:
        return PaymentStatus.VOIDED
    return PaymentStatus.PENDING if status is OrderStatus.RECEIVED else PaymentStatus.AUTHORIZED


def order_v0(delivery: Delivery, document: Document) -> Message:
    """Read an order's head, with its items where a connector put them into it."""
    node = document.root
    key = order_key(delivery, node, "AmazonOrderId")
    return message_of(document, node, _order(delivery, node, key), CHANNEL, key)


def _order(delivery: Delivery, node: Node, key: str | None) -> Order:
    status = node.word("OrderStatus", STATUSES, required=True)
    marketplace = node.id("MarketplaceId")
    currency = currency_of(node, delivery, marketplace, "OrderTotal")
    updated = node.time("LastUpdateDate")
    items = node.children("OrderItems")
    return Order(
        id=key or "",
        channel=delivery.source.channel,
        account=delivery.source.account,
        tenant=delivery.source.tenant,
        site=marketplace,
        type=OrderType.REPLACEMENT if node.flag("IsReplacementOrder") else None,
        number=node.id("AmazonOrderId"),
        status=status or OrderStatus.RECEIVED,
        currency=currency or "",
        tax_included=marketplace in MARKETPLACES and marketplace not in UNTAXED,
        rounding=ROUNDING,
        placed=node.time("PurchaseDate"),
        updated=updated,
        source_version=SourceVersion(time=updated) if updated else None,
        cancelled=updated if status is OrderStatus.CANCELLED else None,
        buyer=_buyer(node),
        ship_to=recipient(node.child("ShippingAddress")),
        requested_delivery=said(
            Period(start=node.time("EarliestDeliveryDate"), end=node.time("LatestDeliveryDate"))
        ),
        priority=node.text("ShipmentServiceLevelCategory"),
        lines=tuple(_line(item, currency) for item in items),
        shipping=present(_shipping(item, currency) for item in items),
        totals=Totals(grand_total=amount_of(node, "OrderTotal", currency)),
        payments=_payments(node, status, currency),
        references=_references(node),
    )


def part_v0(delivery: Delivery, document: Document) -> Message:
    """Read an answer about one side of an order: items, buyer, address, what the law asks of it."""
    node = document.root
    key = order_key(delivery, node, "AmazonOrderId")
    items = node.children("OrderItems")
    priced = [item for item in items if "QuantityOrdered" in item]
    currency = _items_currency(priced) or delivery.source.currency
    amendment = Amendment(
        order=key or "",
        channel=delivery.source.channel,
        account=delivery.source.account,
        buyer=_buyer(node),
        ship_to=recipient(node.child("ShippingAddress")),
        lines=tuple(_line(item, currency) for item in priced),
        changed_lines=present(_gift(item) for item in items if "QuantityOrdered" not in item),
        shipping=present(_shipping(item, currency) for item in priced),
        references=_references(node),
    )
    return message_of(document, node, amendment, CHANNEL, key)


def _items_currency(items: list[Node]) -> str | None:
    for item in items:
        for name in ("ItemPrice", "ItemTax", "PromotionDiscount", "ShippingPrice"):
            if name in item:
                return item.child(name).currency("CurrencyCode")
    return None


def _line(item: Node, currency: str | None) -> Line:
    ordered = item.quantity("QuantityOrdered", required=True)
    price = amount_of(item, "ItemPrice", currency)
    extra = item.child("BuyerInfo") if "BuyerInfo" in item else item
    return Line(
        id=item.id("OrderItemId", required=True) or "",
        item=Item(name=item.text("Title"), sku=item.text("SellerSKU")),
        quantities=Quantities(ordered=ordered or "0", shipped=item.quantity("QuantityShipped")),
        unit="C62",
        unit_price=price_each(price, ordered),
        amount=price if ordered == "0" else None,
        discounts=present(
            [
                _promotion(item, currency),
                discount_of(size(amount_of(item, "CODFeeDiscount", currency))),
            ]
        ),
        charges=present(
            [
                _charge(extra, "GiftWrapPrice", "gift_wrap", "GiftWrapTax", currency),
                _charge(item, "CODFee", "cod", "", currency),
            ]
        ),
        taxes=present([_tax(item, "ItemTax", currency)]),
        requested_delivery=said(
            Period(start=item.time("ScheduledDeliveryStartDate"), end=item.time("ScheduledDeliveryEndDate"))
        ),
        gift=bool(item.flag("IsGift")),
        references=asin(item.id("ASIN")),
        notes=present([extra.text("GiftMessageText")]),
    )


def asin(number: str | None) -> tuple[Reference, ...]:
    """Return an item's number in Amazon's catalogue."""
    return () if number is None else (Reference(system=CHANNEL, kind="asin", id=number),)


def _tax(node: Node, name: str, currency: str | None) -> Tax | None:
    amount = amount_of(node, name, currency)
    return None if amount is None else Tax(amount=amount)


def _promotion(item: Node, currency: str | None) -> Discount | None:
    amount = size(amount_of(item, "PromotionDiscount", currency))
    if amount is None or not amount.amount:
        return None
    return discount_of(amount, code=" ".join(item.texts("PromotionIds")) or None)


def _charge(node: Node, name: str, kind: str, tax: str, currency: str | None) -> Charge | None:
    amount = amount_of(node, name, currency)
    taxes = present([_tax(node, tax, currency)]) if tax else ()
    return None if amount is None else Charge(amount=amount, kind=kind, taxes=taxes)


def _shipping(item: Node, currency: str | None) -> Shipping | None:
    amount = amount_of(item, "ShippingPrice", currency)
    discount = discount_of(size(amount_of(item, "ShippingDiscount", currency)))
    taxes = present([_tax(item, "ShippingTax", currency)])
    line = item.id("OrderItemId")
    if amount is None or line is None:
        return None
    return Shipping(id=line, amount=amount, discounts=present([discount]), taxes=taxes)


def _gift(item: Node) -> LineChange | None:
    line = item.id("OrderItemId", required=True)
    message = item.text("GiftMessageText")
    return None if line is None else LineChange(line=line, notes=present([message]))


def _buyer(node: Node) -> Party | None:
    info = node.child("BuyerInfo") if "BuyerInfo" in node else node
    tax = info.child("BuyerTaxInfo")
    numbers = (_tax_number(one) for one in tax.children("TaxClassifications"))
    return said(
        Party(
            name=info.text("BuyerName"),
            email=info.text("BuyerEmail"),
            organisation=tax.text("CompanyLegalName"),
            tax_numbers=present(numbers),
        )
    )


def _tax_number(node: Node) -> TaxNumber | None:
    number = node.id("Value")
    return None if number is None else TaxNumber(scheme=node.id("Name", required=True) or "", id=number)


def recipient(node: Node) -> Party | None:
    """Return who gets it, from a v0 address."""
    return said(
        Party(
            name=node.text("Name"),
            organisation=node.text("CompanyName"),
            phone=node.text("Phone"),
            address=address_of(node, _ADDRESS),
        )
    )


def _payments(node: Node, status: OrderStatus | None, currency: str | None) -> tuple[Payment, ...]:
    """Return how it is paid: each execution with its amount, else the method alone."""
    method = node.text("PaymentMethod")
    stands = PaymentStatus.PENDING if method in _COLLECTED else payment_status(status)
    executions = node.children("PaymentExecutionDetail")
    if executions:
        return tuple(
            Payment(
                id=str(number),
                status=stands,
                method=one.text("PaymentMethod"),
                amount=amount_of(one, "Payment", currency),
            )
            for number, one in enumerate(executions, 1)
        ) + (() if method is None else (Payment(id="0", status=stands, method=method),))
    details = ", ".join(node.texts("PaymentMethodDetails"))
    told = f"{method}: {details}" if method and details else method or details
    return (Payment(id="1", status=stands, method=told),) if told else ()


def _references(node: Node) -> tuple[Reference, ...]:
    info = node.child("BuyerInfo") if "BuyerInfo" in node else node
    found = (
        (CHANNEL, "order", node.id("AmazonOrderId")),
        (CHANNEL, "seller_order", node.id("SellerOrderId")),
        (CHANNEL, "replaced_order", node.id("ReplacedOrderId")),
        ("buyer", "purchase_order", info.id("PurchaseOrderNumber")),
    )
    return tuple(Reference(system=system, kind=kind, id=one) for system, kind, one in found if one)
