"""The Order resource.

https://docs.commercetools.com/api/projects/orders#order

| commercetools | here |
|---|---|
| id, orderNumber, purchaseOrderNumber, cart | id, number, references |
| orderState Open, Confirmed, Complete, Cancelled | validated, accepted, completed, cancelled |
| shipmentState Partial, Shipped, Delivered of an order that is open or confirmed | partially fulfilled, fulfilled |
| lineItems, customLineItems | lines; ``price.discounted`` is the price, ``price.value`` then the list price |
| discountedPricePerQuantity, discountOnTotalPrice | discounts of the line, of the order |
| shippingInfo, shipping (mode Multiple) | shipping; its deliveries are fulfilments |
| taxedPrice | the total, tax and its breakdown; without it ``totalPrice``, which has no tax where prices have none |
| paymentInfo, expanded or not | payments; without their transactions they stand where ``paymentState`` says |
| returnInfo | returns, one for each item |

Amounts are rounded by ``taxRoundingMode``, half even unless told. ``HalfDown`` is not known here and kept.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from ordertrail.intake.channels.commercetools.amounts import (
    amount_of,
    included_discounts,
    is_tax_included,
    price,
    rounding_of,
    taxes_of,
)
from ordertrail.intake.channels.commercetools.payments import payments
from ordertrail.intake.delivery import Delivery
from ordertrail.intake.document import Document, Node
from ordertrail.intake.message import Message
from ordertrail.intake.parts import AddressNames, address_of, message_of, order_key, present, said
from ordertrail.kernel.money import Money
from ordertrail.orders.adjustments import Discount, Shipping, Tax
from ordertrail.orders.amounts import Totals
from ordertrail.orders.fulfilment import Fulfilment, LineShare
from ordertrail.orders.lines import Item, Line, Price, Quantities
from ordertrail.orders.model import Order, SourceVersion
from ordertrail.orders.party import Address, Party
from ordertrail.orders.reference import Reference
from ordertrail.orders.returns import Return, ReturnedLine
from ordertrail.orders.statuses import FulfilmentStatus, OrderStatus, ReturnStatus

CHANNEL = "commercetools"

STATES = {
    "Open": OrderStatus.VALIDATED,
    "Confirmed": OrderStatus.ACCEPTED,
    "Complete": OrderStatus.COMPLETED,
    "Cancelled": OrderStatus.CANCELLED,
}
"""orderState."""

SHIPPED = {
    "Partial": OrderStatus.PARTIALLY_FULFILLED,
    "Shipped": OrderStatus.FULFILLED,
    "Delivered": OrderStatus.FULFILLED,
}
"""shipmentState, where it tells more than the orderState."""

_RETURNS = {
    "Advised": ReturnStatus.APPROVED,
    "Returned": ReturnStatus.RECEIVED,
    "BackInStock": ReturnStatus.RECEIVED,
    "Unusable": ReturnStatus.RECEIVED,
}
_ADDRESS = AddressNames(
    street=(), city="city", postal_code="postalCode", country="country", region="region", region_code="state"
)


def read_order(delivery: Delivery, document: Document, sequence: int | None = None) -> Message:
    """Read an order; ``sequence`` is the number of the message in which it came."""
    node = document.root
    key = order_key(delivery, node, "id")
    return message_of(document, node, _order(delivery, node, key, sequence), CHANNEL, key)


def _order(delivery: Delivery, node: Node, key: str | None, sequence: int | None) -> Order:
    currency = node.child("totalPrice").currency("currencyCode", required=True)
    items, extra = node.children("lineItems"), node.children("customLineItems")
    shippings = list(_shipping_infos(node))
    included = is_tax_included([*items, *extra, *(info for _, info in shippings)])
    status = node.word("orderState", STATES, required=True) or OrderStatus.RECEIVED
    is_delivered = node.tree.get("shipmentState") == "Delivered"
    updated = node.time("lastModifiedAt")
    node.text("type")
    return Order(
        id=key or "",
        channel=delivery.source.channel,
        account=delivery.source.account,
        tenant=delivery.source.tenant,
        site=node.child("store").id("key"),
        number=node.id("orderNumber"),
        status=_shipped(node, status),
        currency=currency or "",
        tax_included=included,
        rounding=rounding_of(node),
        placed=node.time("createdAt"),
        updated=updated,
        cancelled=updated if status is OrderStatus.CANCELLED else None,
        source_version=said(SourceVersion(number=sequence, time=updated)),
        buyer=said(Party(id=node.id("customerId"), email=node.text("customerEmail"))),
        ship_to=party(node.child("shippingAddress")),
        bill_to=party(node.child("billingAddress")),
        lines=(
            *(line_item(one, currency, included=included) for one in items),
            *(custom_line(one, currency, included=included) for one in extra),
        ),
        discounts=tuple(included_discounts(node.child("discountOnTotalPrice"), currency)),
        shipping=present(_shipping(name, info, currency, included=included) for name, info in shippings),
        totals=totals(node, currency, included=included, shipped=bool(shippings)),
        payments=tuple(payments(node)),
        fulfilments=tuple(
            delivery_of(one, delivered=is_delivered)
            for _, info in shippings
            for one in info.children("deliveries")
        ),
        returns=tuple(back for one in node.children("returnInfo") for back in returns_of(one)),
        references=_references(node),
    )


def _shipped(node: Node, status: OrderStatus) -> OrderStatus:
    further = SHIPPED.get(str(node.tree.get("shipmentState")))
    if further is None or status not in {OrderStatus.VALIDATED, OrderStatus.ACCEPTED}:
        return status
    node.text("shipmentState")
    return further


def _references(node: Node) -> tuple[Reference, ...]:
    cart = node.child("cart").id("id") if isinstance(node.tree.get("cart"), dict) else None
    found = (
        (CHANNEL, "order_number", node.id("orderNumber")),
        (CHANNEL, "cart", cart),
        ("buyer", "purchase_order", node.id("purchaseOrderNumber")),
    )
    return tuple(Reference(system=system, kind=kind, id=one) for system, kind, one in found if one)


def party(node: Node) -> Party | None:
    """Return who is at an address, which commercetools writes as one."""
    names = present([node.text("streetName"), node.text("streetNumber")])
    address = address_of(node, _ADDRESS)
    street = present([" ".join(names) or None, node.text("additionalStreetInfo")])
    box = node.text("pOBox")
    if address is not None or street or box:
        base = address or Address()
        address = Address(
            street=street,
            box=box,
            city=base.city,
            region=base.region,
            region_code=base.region_code,
            postal_code=base.postal_code,
            country=base.country,
        )
    return said(
        Party(
            given_name=node.text("firstName"),
            family_name=node.text("lastName"),
            organisation=node.text("company"),
            email=node.text("email"),
            phone=node.text("phone"),
            address=address,
        )
    )


def line_item(item: Node, currency: str | None, *, included: bool) -> Line:
    """Return the line of a product."""
    told = item.child("price")
    discounted = told.child("discounted")
    is_reduced = "value" in discounted
    what = Item(name=localized(item, "name"), sku=item.child("variant").text("sku"))
    line = _line(item, what, price(discounted if is_reduced else told, "value", currency), currency, included)
    return replace(
        line,
        list_price=price(told, "value", currency) if is_reduced else None,
        references=_named("product", item.id("productId")),
        gift=item.word("lineItemMode", {"GiftLineItem": True, "Standard": False}) or False,
    )


def custom_line(item: Node, currency: str | None, *, included: bool) -> Line:
    """Return the line of something that is no product."""
    what = Item(name=localized(item, "name"))
    line = _line(item, what, price(item, "money", currency), currency, included)
    return replace(line, references=_named("slug", item.id("slug")))


def _line(item: Node, what: Item, unit_price: Price | None, currency: str | None, included: bool) -> Line:  # noqa: FBT001
    return Line(
        id=item.id("id", required=True) or "",
        item=what,
        quantities=Quantities(ordered=item.quantity("quantity", required=True) or "0"),
        unit="C62",
        unit_price=unit_price,
        amount=amount_of(item, "totalPrice", currency),
        discounts=tuple(_per_quantity(item, unit_price, currency)),
        taxes=tuple(taxes_of(item, currency, included=included)),
    )


def _per_quantity(item: Node, unit_price: Price | None, currency: str | None) -> Iterator[Discount]:
    """Yield the cart discounts of each group of pieces; the price that is left only repeats them."""
    for group in item.children("discountedPricePerQuantity"):
        times = group.integer("quantity", required=True) or 0
        reduced = group.child("discountedPrice")
        found = tuple(included_discounts(reduced, currency, times))
        yield from found
        left = amount_of(reduced, "value", currency)
        taken = sum(one.amount.amount for one in found)
        if (
            left is None
            or unit_price is None
            or unit_price.per != "1"
            or left.amount * times != unit_price.amount.amount * times - taken
        ):
            reduced.unread("value")


def _named(kind: str, number: str | None) -> tuple[Reference, ...]:
    return () if number is None else (Reference(system=CHANNEL, kind=kind, id=number),)


def localized(node: Node, name: str) -> str | None:
    """Return a text in English, or in the first language that it has; the others stay extensions."""
    if isinstance(node.tree.get(name), str):
        return node.text(name)
    texts = node.child(name)
    languages = sorted(texts.names(), key=lambda one: (one != "en", not one.startswith("en"), one))
    return texts.text(languages[0]) if languages else None


def _shipping_infos(node: Node) -> Iterator[tuple[str, Node]]:
    """Yield each way of shipping with its name: the one of the order, or in mode Multiple all of them."""
    if "shippingInfo" in node:
        yield node.id("shippingKey") or "shipping", node.child("shippingInfo")
    for number, one in enumerate(node.children("shipping"), 1):
        yield one.id("shippingKey") or str(number), one.child("shippingInfo")


def _shipping(name: str, info: Node, currency: str | None, *, included: bool) -> Shipping | None:
    amount = amount_of(info, "price", currency)
    reduced = info.child("discountedPrice")
    discounts = tuple(included_discounts(reduced, currency))
    left = amount_of(reduced, "value", currency)
    if left is not None and (
        amount is None or left.amount != amount.amount - sum(one.amount.amount for one in discounts)
    ):
        reduced.unread("value")
    taxes = tuple(taxes_of(info, currency, included=included))
    title = info.text("shippingMethodName")
    code = info.child("shippingMethod").id("id")
    if amount is None:
        return None
    return Shipping(id=name, amount=amount, name=title, code=code, discounts=discounts, taxes=taxes)


def totals(node: Node, currency: str | None, *, included: bool, shipped: bool) -> Totals:
    """Return the order's sums. ``totalPrice`` is with tax only where prices are."""
    stated = amount_of(node, "totalPrice", currency)
    taxed = node.child("taxedPrice")
    if "totalGross" not in taxed:
        if included:
            return Totals(grand_total=stated)
        if shipped:
            node.child("totalPrice").unread("centAmount")
        return Totals(lines=None if shipped else stated)
    gross, net = amount_of(taxed, "totalGross", currency), amount_of(taxed, "totalNet", currency)
    tax = amount_of(taxed, "totalTax", currency)
    if tax is None and gross is not None and net is not None:
        tax = Money(gross.amount - net.amount, gross.currency)
    if stated != (gross if included else net):
        node.child("totalPrice").unread("centAmount")
    return Totals(grand_total=gross, tax=tax, tax_breakdown=tuple(_portions(taxed, currency)))


def _portions(taxed: Node, currency: str | None) -> Iterator[Tax]:
    for one in taxed.children("taxPortions"):
        amount = amount_of(one, "amount", currency, required=True)
        rate, name = one.percent("rate"), one.text("name")
        if amount is not None:
            yield Tax(amount=amount, rate=rate, name=name)


def delivery_of(node: Node, *, delivered: bool = False) -> Fulfilment:
    """Return a delivery: what left in its parcels."""
    numbers: list[str] = []
    carriers: list[str] = []
    for parcel in node.children("parcels"):
        tracking = parcel.child("trackingData")
        if tracking.tree.get("isReturn") is True:
            continue
        if "isReturn" in tracking:
            tracking.flag("isReturn")
        numbers += present([tracking.id("trackingId")])
        carrier = tracking.text("carrier")
        if carrier is not None and carriers and carrier != carriers[0]:
            tracking.unread("carrier")
        carriers += present([carrier])
    lines = tuple(_share(one) for one in node.children("items"))
    return Fulfilment(
        id=node.id("id", required=True) or "",
        status=FulfilmentStatus.DELIVERED if delivered else FulfilmentStatus.FULFILLED,
        lines=lines,
        destination=party(node.child("address")),
        carrier=carriers[0] if carriers else None,
        tracking_numbers=tuple(dict.fromkeys(numbers)),
        shipped=node.time("createdAt"),
    )


def _share(node: Node) -> LineShare:
    line = node.id("id", required=True)
    return LineShare(line=line or "", quantity=node.quantity("quantity", required=True) or "0")


def returns_of(info: Node) -> Iterator[Return]:
    """Yield each item that comes back; commercetools keeps a state of each."""
    at, tracking = info.time("returnDate"), info.id("returnTrackingId")
    for item in info.children("items"):
        status = item.word("shipmentState", _RETURNS, required=True) or ReturnStatus.REQUESTED
        if item.tree.get("paymentState") == "Refunded":
            item.text("paymentState")
            status = ReturnStatus.REFUNDED
        line = ReturnedLine(
            line=_line_of(item) or "",
            quantity=item.quantity("quantity", required=True) or "0",
            reason=item.text("comment"),
            restocked=item.tree.get("shipmentState") == "BackInStock",
        )
        yield Return(
            id=item.id("id", required=True) or "",
            status=status,
            lines=(line,),
            requested=item.time("createdAt"),
            received=at,
            references=_named("return_tracking", tracking),
        )


def _line_of(item: Node) -> str | None:
    name = "customLineItemId" if "customLineItemId" in item else "lineItemId"
    return item.id(name, required=True)
