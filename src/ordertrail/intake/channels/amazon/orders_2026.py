"""Orders API 2026-01-01: one document tells an order with its items, packages and money.

https://developer-docs.amazon.com/sp-api/reference/orders-2026-01-01

| Amazon | here |
|---|---|
| orderId, orderAliases, associatedOrders, fulfillmentOrders | id, number, references |
| fulfillment.fulfillmentStatus | status; it must be asked for (``includedData=FULFILLMENT``) |
| an item's breakdowns ITEM, DISCOUNT, TAX, GIFT_WRAP, COD_FEE, OTHER | the line's amount, discounts, taxes, charges |
| its SHIPPING, and its DISCOUNT and TAX of subtype SHIPPING | shipping, one for each line |
| packages | fulfilments, with the carrier's state |
| tax.taxRegistrations of the BUYER | the buyer's tax numbers |

Here taxes are always apart: an item's ``proceedsTotal`` is the sum of its breakdowns, and its tax is one of them.
"""

from collections.abc import Iterator

from ordertrail.intake.channels.amazon.amounts import ROUNDING, amount_of, currency_of, same_currency
from ordertrail.intake.channels.amazon.orders_v0 import CHANNEL, asin, payment_status
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document, Node
from ordertrail.intake.message import Message
from ordertrail.intake.parts import (
    AddressNames,
    added,
    address_of,
    discount_of,
    message_of,
    order_key,
    present,
    said,
    size,
)
from ordertrail.kernel.money import Money
from ordertrail.orders.adjustments import Charge, Discount, Shipping, Tax
from ordertrail.orders.amounts import Totals
from ordertrail.orders.fulfilment import Fulfilment, LineShare
from ordertrail.orders.lines import Item, Line, Period, Price, Quantities
from ordertrail.orders.model import Order, OrderType, SourceVersion
from ordertrail.orders.party import Address, Party, TaxNumber
from ordertrail.orders.payment import Payment
from ordertrail.orders.reference import Reference
from ordertrail.orders.statuses import FulfilmentStatus, OrderStatus

STATUSES = {
    "PENDING_AVAILABILITY": OrderStatus.RECEIVED,
    "PENDING": OrderStatus.RECEIVED,
    "UNSHIPPED": OrderStatus.ACCEPTED,
    "PARTIALLY_SHIPPED": OrderStatus.PARTIALLY_FULFILLED,
    "SHIPPED": OrderStatus.FULFILLED,
    "CANCELLED": OrderStatus.CANCELLED,
    "UNFULFILLABLE": OrderStatus.ON_HOLD,
}
"""fulfillment.fulfillmentStatus."""

_PACKAGES = {
    "PENDING": FulfilmentStatus.UNFULFILLED,
    "SHIPPED": FulfilmentStatus.FULFILLED,
    "IN_TRANSIT": FulfilmentStatus.IN_TRANSIT,
    "DELIVERED": FulfilmentStatus.DELIVERED,
    "CANCELLED": FulfilmentStatus.CANCELLED,
    "UNDELIVERABLE": FulfilmentStatus.EXCEPTION,
}
"""packageStatus.status."""

_DETAILS = {
    "OUT_FOR_DELIVERY": FulfilmentStatus.OUT_FOR_DELIVERY,
    "RETURNED_TO_SELLER": FulfilmentStatus.RETURNED_TO_SENDER,
    "LOST": FulfilmentStatus.EXCEPTION,
    "DAMAGED": FulfilmentStatus.EXCEPTION,
    "REJECTED_BY_BUYER": FulfilmentStatus.EXCEPTION,
}
"""packageStatus.detailedStatus, where it tells more than the status."""

_CHARGES = ("GIFT_WRAP", "COD_FEE", "OTHER")
_REPLACED = "REPLACEMENT_ORIGINAL_ID"


_ADDRESS = AddressNames(
    street=("addressLine1", "addressLine2", "addressLine3"),
    city="city",
    region="stateOrRegion",
    postal_code="postalCode",
    country="countryCode",
)


def order_2026(delivery: Delivery, document: Document) -> Message:
    """Read an order."""
    node = document.root
    key = order_key(delivery, node, "orderId")
    return message_of(document, node, _order(delivery, node, key), CHANNEL, key)


def _order(delivery: Delivery, node: Node, key: str | None) -> Order:
    fulfilment, proceeds = node.child("fulfillment"), node.child("proceeds")
    status = fulfilment.word("fulfillmentStatus", STATUSES, required=True)
    marketplace = node.child("salesChannel").id("marketplaceId")
    currency = currency_of(proceeds, delivery, marketplace, "grandTotal")
    updated = node.time("lastUpdatedTime")
    items = [_Item(one, currency) for one in node.children("orderItems")]
    associated = node.children("associatedOrders")
    replaced = any(one.text("associationType") == _REPLACED for one in associated)
    return Order(
        id=key or "",
        channel=delivery.source.channel,
        account=delivery.source.account,
        tenant=delivery.source.tenant,
        site=marketplace,
        type=OrderType.REPLACEMENT if replaced else None,
        number=node.id("orderId"),
        status=status or OrderStatus.RECEIVED,
        currency=currency or "",
        tax_included=False,
        rounding=ROUNDING,
        placed=node.time("createdTime"),
        updated=updated,
        source_version=SourceVersion(time=updated) if updated else None,
        cancelled=updated if status is OrderStatus.CANCELLED else None,
        buyer=_buyer(node),
        ship_to=_party(node.child("recipient").child("deliveryAddress")),
        requested_delivery=_window(fulfilment, "deliverByWindow"),
        priority=fulfilment.text("fulfillmentServiceLevel"),
        lines=tuple(item.line() for item in items),
        shipping=present(item.shipping() for item in items),
        totals=_totals(proceeds, currency),
        payments=_payments(node.child("payment"), status, currency),
        fulfilments=tuple(_package(one) for one in node.children("packages")),
        references=tuple(_references(node)),
        tags=node.texts("programs"),
    )


class _Item:
    """An item while it is read: its money is told once and stands on its line and in the order's shipping."""

    def __init__(self, node: Node, currency: str | None) -> None:
        self._node, self._currency = node, currency
        self._id = node.id("orderItemId", required=True) or ""
        self._proceeds = node.child("proceeds")
        self._amounts: dict[str, Money | None] = {}
        self._parts: dict[str, list[tuple[str, Money]]] = {"TAX": [], "DISCOUNT": []}
        for one in self._proceeds.children("breakdowns"):
            kind = one.text("type", required=True) or ""
            amount = amount_of(one, "subtotal", currency)
            self._amounts[kind] = added([self._amounts.get(kind), amount], currency)
            if kind in self._parts and amount is not None:
                self._parts[kind] += _parts(one, amount, currency)
        total = added(self._amounts.values(), currency)
        if "proceedsTotal" in self._proceeds:
            told = self._proceeds.child("proceedsTotal")
            if told.same("amount", total):
                same_currency(told, currency)

    def line(self) -> Line:
        """Return the item's line."""
        node, product = self._node, self._node.child("product")
        fulfilment = node.child("fulfillment")
        ordered = node.quantity("quantityOrdered", required=True)
        gift = fulfilment.child("packing").child("giftOption")
        discounts = tuple(self._discounts(shipping=False))
        charges = tuple(self._charges())
        return Line(
            id=self._id,
            item=Item(name=product.text("title"), sku=product.text("sellerSku")),
            quantities=Quantities(ordered=ordered or "0", shipped=fulfilment.quantity("quantityFulfilled")),
            unit="C62",
            unit_price=self._price(product.child("price"), ordered),
            amount=self._amount(discounts, charges),
            discounts=discounts,
            charges=charges,
            taxes=tuple(self._taxes(shipping=False)),
            requested_delivery=_window(fulfilment.child("shipping"), "scheduledDeliveryWindow"),
            gift=bool(gift.tree),
            references=asin(product.id("asin")),
            notes=present([gift.text("giftMessage")]),
        )

    def shipping(self) -> Shipping | None:
        """Return what bringing the item costs."""
        amount = self._amounts.get("SHIPPING")
        discounts, taxes = tuple(self._discounts(shipping=True)), tuple(self._taxes(shipping=True))
        if amount is None and not discounts and not taxes:
            return None
        return Shipping(
            id=self._id, amount=amount or Money(0, self._currency or ""), discounts=discounts, taxes=taxes
        )

    def _price(self, node: Node, ordered: str | None) -> Price | None:
        if "unitPrice" in node:
            told = node.child("unitPrice")
            return told.price("amount", same_currency(told, self._currency), required=True)
        amount = self._amounts.get("ITEM")
        return None if amount is None or ordered in {None, "0"} else Price(amount=amount, per=ordered or "1")

    def _amount(self, discounts: tuple[Discount, ...], charges: tuple[Charge, ...]) -> Money | None:
        """Return what the item's breakdowns come to without shipping and tax."""
        goods = self._amounts.get("ITEM")
        if goods is None:
            return None
        on = sum(one.amount.amount for one in charges) - sum(one.amount.amount for one in discounts)
        return Money(goods.amount + on, goods.currency)

    def _charges(self) -> Iterator[Charge]:
        for kind in _CHARGES:
            amount = self._amounts.get(kind)
            if amount is not None:
                yield Charge(amount=amount, kind=kind.lower())

    def _discounts(self, *, shipping: bool) -> Iterator[Discount]:
        promotions = [one.text("promotionId") for one in self._node.child("promotion").children("breakdowns")]
        for kind, amount in self._parts["DISCOUNT"]:
            if (kind == "SHIPPING") == shipping:
                found = discount_of(size(amount), code=" ".join(present(promotions)) or None)
                yield from () if found is None else (found,)
        if not self._parts["DISCOUNT"]:
            for one in self._node.child("promotion").children("breakdowns"):
                one.unread("promotionId")

    def _taxes(self, *, shipping: bool) -> Iterator[Tax]:
        for kind, amount in self._parts["TAX"]:
            if (kind == "SHIPPING") == shipping:
                yield Tax(amount=amount, name=kind.lower() or None)


def _parts(one: Node, subtotal: Money, currency: str | None) -> list[tuple[str, Money]]:
    """Return a subtotal by subtypes, and as a whole where those are not given or are not all of it."""
    details = one.children("detailedBreakdowns")
    found = []
    for detail in details:
        amount = amount_of(detail, "value", currency)
        if amount is not None:
            found.append((detail.text("subtype") or "", amount))
    if found and sum(amount.amount for _, amount in found) == subtotal.amount:
        return found
    one.unread("detailedBreakdowns")
    return [("", subtotal)]


def _totals(proceeds: Node, currency: str | None) -> Totals:
    by_kind = {}
    for one in proceeds.children("breakdowns"):
        kind = one.text("type", required=True) or ""
        amount = amount_of(one, "subtotal", currency)
        if kind in {"SHIPPING", "TAX"} and kind not in by_kind:
            by_kind[kind] = amount
        else:
            one.unread("type")
            one.unread("subtotal")
    return Totals(
        grand_total=amount_of(proceeds, "grandTotal", currency),
        shipping=by_kind.get("SHIPPING"),
        tax=by_kind.get("TAX"),
    )


def _buyer(node: Node) -> Party | None:
    buyer = node.child("buyer")
    company = buyer.text("buyerCompanyName")
    numbers = []
    for one in node.child("tax").children("taxRegistrations"):
        if one.tree.get("entityType") != "BUYER" or "taxRegistrationNumber" not in one:
            continue
        one.text("entityType")
        scheme = one.id("taxRegistrationType") or "TAX"
        numbers.append(TaxNumber(scheme=scheme, id=one.id("taxRegistrationNumber") or ""))
        if company is None:
            company = one.text("legalName")
        else:
            one.same("legalName", company)
    return said(
        Party(
            name=buyer.text("buyerName"),
            email=buyer.text("buyerEmail"),
            organisation=company,
            tax_numbers=tuple(numbers),
        )
    )


def _party(node: Node) -> Party | None:
    return said(
        Party(
            name=node.text("name"),
            organisation=node.text("companyName"),
            phone=node.text("phone"),
            address=_address(node),
        )
    )


def _address(node: Node) -> Address | None:
    return address_of(node, _ADDRESS)


def _window(node: Node, name: str) -> Period | None:
    window = node.child(name)
    return said(Period(start=window.time("earliestDateTime"), end=window.time("latestDateTime")))


def _payments(node: Node, status: OrderStatus | None, currency: str | None) -> tuple[Payment, ...]:
    return tuple(
        Payment(
            id=str(number),
            status=payment_status(status),
            method=one.text("paymentMethod"),
            gateway=one.id("acquirerId"),
            reference=one.id("authorizationCode"),
            amount=amount_of(one, "paymentAmount", currency),
        )
        for number, one in enumerate(node.children("paymentExecutions"), 1)
    )


def _package(node: Node) -> Fulfilment:
    told = node.child("packageStatus")
    status = told.word("status", _PACKAGES, required=True) or FulfilmentStatus.UNFULFILLED
    detail = _DETAILS.get(str(told.tree.get("detailedStatus")))
    if detail is not None:
        told.text("detailedStatus")
    number = node.id("trackingNumber")
    return Fulfilment(
        id=node.id("packageReferenceId", required=True) or "",
        status=detail or status,
        lines=tuple(_share(one) for one in node.children("packageItems")),
        origin=_party(node.child("shipFromAddress")),
        carrier=node.text("carrier"),
        service=node.text("shippingService"),
        tracking_numbers=present([number]),
        shipped=node.time("shipTime"),
    )


def _share(node: Node) -> LineShare:
    line = node.id("orderItemId", required=True)
    return LineShare(line=line or "", quantity=node.quantity("quantity", required=True) or "0")


def _references(node: Node) -> Iterator[Reference]:
    found = [("order", node.id("orderId"))]
    found += [(_kind(one, "aliasType"), one.id("aliasId")) for one in node.children("orderAliases")]
    found += [(_kind(one, "associationType"), one.id("orderId")) for one in node.children("associatedOrders")]
    found += [
        ("fulfillment_order", one.id("fulfillmentOrderId")) for one in node.children("fulfillmentOrders")
    ]
    made = {Reference(system=CHANNEL, kind=kind, id=number): None for kind, number in found if number}
    yield from made
    purchase = node.child("buyer").id("buyerPurchaseOrderNumber")
    if purchase is not None:
        yield Reference(system="buyer", kind="purchase_order", id=purchase)


def _kind(node: Node, name: str) -> str:
    return (node.id(name, required=True) or "").lower()
