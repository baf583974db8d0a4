"""Saleor's order as a canonical order."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

import msgspec

from ordertrail.intake.channels.saleor.amounts import (
    GROSS,
    NET,
    amount_of,
    has_amount,
    plain,
    price_of,
    repeated,
    tax_amount,
)
from ordertrail.intake.channels.saleor.parcels import parcel_of, return_of
from ordertrail.intake.channels.saleor.payments import payments_of
from ordertrail.intake.delivery import Source
from ordertrail.intake.document import Node
from ordertrail.intake.parts import (
    NOTHING,
    AddressNames,
    added,
    address_of,
    country_of,
    discount_of,
    present,
    said,
    spelled,
)
from ordertrail.kernel.money import Money
from ordertrail.orders.adjustments import Discount, Shipping, Tax
from ordertrail.orders.amounts import Rounding, RoundingMode, RoundingScope, Totals
from ordertrail.orders.exact import shipping_amount
from ordertrail.orders.lines import Item, Line, Price, Quantities
from ordertrail.orders.model import Order, OrderType, SourceVersion
from ordertrail.orders.party import Address, Party
from ordertrail.orders.reference import Note, Reference
from ordertrail.orders.statuses import OrderStatus

NAME = "saleor"

_ROUNDING = Rounding(mode=RoundingMode.HALF_UP, scope=RoundingScope.LINE)

PIECE = "C62"
"""Saleor counts pieces."""

STATUS = {
    "draft": OrderStatus.RECEIVED,
    "unconfirmed": OrderStatus.RECEIVED,
    "unfulfilled": OrderStatus.ACCEPTED,
    "partially fulfilled": OrderStatus.PARTIALLY_FULFILLED,
    "partially_fulfilled": OrderStatus.PARTIALLY_FULFILLED,
    "fulfilled": OrderStatus.FULFILLED,
    "partially_returned": OrderStatus.PARTIALLY_RETURNED,
    "returned": OrderStatus.RETURNED,
    "canceled": OrderStatus.CANCELLED,
    "expired": OrderStatus.CANCELLED,
}
"""``expired`` was never confirmed nor paid in time."""

_DRAFT = "draft"

_ADDRESS = AddressNames(
    street=("street_address_1", "street_address_2"),
    city="city",
    postal_code="postal_code",
    country="country",
    region="country_area",
)
_CAMEL = AddressNames(
    street=("streetAddress1", "streetAddress2"),
    city="city",
    postal_code="postalCode",
    country="country",
    region="countryArea",
)


_NO_FIELD = ""
"""A GraphQL country is an object; its code is read from that."""


def is_whole(order: Node) -> bool:
    """Say whether an order states lines with their quantities and a total."""
    lines = order.tree.get("lines")
    if not (has_amount(order, "total", GROSS) or has_amount(order, "total", NET)) or not isinstance(
        lines, list
    ):
        return False
    return all(isinstance(one, dict) and "quantity" in one for one in lines)


def read_order(holder: Node, order: Node, source: Source, key: str | None) -> Order:
    """Return the order that a document tells of; ``holder`` has what stands beside it, such as its payment."""
    status = order.word("status", STATUS, required=True)
    currency = currency_of(order, source)
    side = GROSS if has_amount(order, "total", GROSS) else NET
    lines = present(_line(node, currency, side) for node in order.children("lines"))
    shipping = present([_shipping(order, currency, side)])
    totals = _totals(order, currency, side)
    discounts = _discounts(order, currency, lines, shipping, totals)
    at = updated_at(holder, order)
    fulfilments = order.children("fulfillments")
    return Order(
        id=key or NOTHING,
        channel=source.channel,
        account=source.account,
        tenant=source.tenant,
        site=_site(order),
        type=OrderType.DRAFT if str(order.tree.get("status")).lower() == _DRAFT else None,
        status=status or OrderStatus.RECEIVED,
        currency=currency or NOTHING,
        tax_included=side == GROSS,
        rounding=_ROUNDING,
        lines=lines,
        totals=totals,
        number=order.id("number"),
        placed=order.time(spelled(order, "created_at")) or order.time("created"),
        updated=at,
        source_version=None if at is None else SourceVersion(time=at),
        buyer=_buyer(order),
        bill_to=_party(order, "billing_address"),
        ship_to=_party(order, "shipping_address"),
        discounts=discounts,
        shipping=shipping,
        payments=tuple(payments_of(holder, order, currency)),
        fulfilments=present(parcel_of(node) for node in fulfilments),
        returns=present(return_of(node) for node in fulfilments),
        references=tuple(_references(order)),
        notes=_notes(order),
    )


def currency_of(order: Node, source: Source) -> str | None:
    """Return the currency of an order: its own, its channel's, or that of its total."""
    for holder, name in ((order, "currency"), *_currencies(order)):
        if name in holder:
            return holder.currency(name)
    return order.currency("currency", source.currency)


def _currencies(order: Node) -> Iterator[tuple[Node, str]]:
    if isinstance(order.tree.get("channel"), dict):
        channel = order.child("channel")
        yield channel, spelled(channel, "currency_code")
    if isinstance(order.tree.get("total"), dict):
        total = order.child("total")
        yield total, "currency"
        for side in (GROSS, NET):
            if isinstance(total.tree.get(side), dict):
                yield total.child(side), "currency"


def updated_at(holder: Node, order: Node) -> str | None:
    """Return when the order was changed last, or else when the webhook was made."""
    changed = order.time(spelled(order, "updated_at"))
    for node in (order, holder):
        if changed is None and isinstance(node.tree.get("meta"), dict):
            changed = node.child("meta").time("issued_at")
    return changed


def _line(node: Node, currency: str | None, side: str) -> Line | None:
    ident, ordered = node.id("id", required=True), node.quantity("quantity", required=True)
    stem = "total" if has_amount(node, "total", side) else "total_price"
    total = amount_of(node, stem, side, currency)
    price = price_of(node, "unit_price", side, currency)
    before = price_of(node, "undiscounted_unit_price", side, currency)
    tax = tax_amount(node, stem, currency)
    other = NET if side == GROSS else GROSS
    repeated(node, stem, other, _other_side(total, tax, side))
    if ident is None or ordered is None:
        return None
    off = _off(before, ordered, total)
    sent = node.quantity(spelled(node, "quantity_fulfilled"))
    taxes = (
        ()
        if tax is None or not tax.amount
        else (Tax(amount=tax, rate=node.percent(spelled(node, "tax_rate"))),)
    )
    return Line(
        id=ident,
        item=Item(
            name=node.text(spelled(node, "product_name")),
            variant=node.text(spelled(node, "variant_name")),
            sku=node.text(spelled(node, "product_sku")),
        ),
        quantities=Quantities(ordered=ordered, shipped=None if sent == "0" else sent),
        unit=PIECE,
        unit_price=price if off is None else before,
        list_price=before if off is None and before != price else None,
        discounts=present([_line_discount(node, off)]),
        taxes=taxes,
        amount=total,
        references=present([_variant(node)]),
    )


def _other_side(amount: Money | None, tax: Money | None, side: str) -> Money | None:
    """Return an amount on the other side of its tax."""
    if amount is None or tax is None:
        return amount
    sign = -1 if side == GROSS else 1
    return Money(amount.amount + sign * tax.amount, amount.currency)


def _off(before: Price | None, ordered: str, total: Money | None) -> Money | None:
    """Return what was taken off a line, if its price before says so in whole minor units."""
    if before is None or total is None:
        return None
    off = before.amount.amount * Fraction(ordered) / Fraction(before.per) - total.amount
    return Money(int(off), total.currency) if off > 0 and off.denominator == 1 else None


def _line_discount(node: Node, off: Money | None) -> Discount | None:
    return None if off is None else discount_of(off, None, node.text(spelled(node, "unit_discount_reason")))


def _variant(node: Node) -> Reference | None:
    name = spelled(node, "product_variant_id")
    ident = node.id(name) if name in node else None
    if ident is None and isinstance(node.tree.get("variant"), dict):
        ident = node.child("variant").id("id")
    return None if ident is None else Reference(system=NAME, kind="variant", id=ident)


def _shipping(order: Node, currency: str | None, side: str) -> Shipping | None:
    amount = amount_of(order, "shipping_price", side, currency)
    if amount is None:
        return None
    gross, net = (amount_of(order, "shipping_price", one, currency) for one in (GROSS, NET))
    tax = 0 if gross is None or net is None else gross.amount - net.amount
    rate = order.percent(spelled(order, "shipping_tax_rate")) if tax else None
    return Shipping(
        id="shipping",
        amount=amount,
        name=order.text(spelled(order, "shipping_method_name")),
        taxes=(Tax(amount=Money(tax, amount.currency), rate=rate),) if tax else (),
    )


def _totals(order: Node, currency: str | None, side: str) -> Totals:
    grand, tax = (
        amount_of(order, "total", side, currency, required=True),
        tax_amount(order, "total", currency),
    )
    lines = amount_of(order, "subtotal", side, currency)
    repeated(order, "total", NET if side == GROSS else GROSS, _other_side(grand, tax, side))
    repeated(order, "undiscounted_total", side, grand)
    if side == NET and grand is not None and tax is not None:
        grand = Money(grand.amount + tax.amount, grand.currency)
    paid = plain(order, "total_charged", currency)
    return Totals(lines=lines, tax=tax, grand_total=grand, paid=paid)


def _discounts(
    order: Node, currency: str | None, lines: Sequence[Line], shipping: Sequence[Shipping], totals: Totals
) -> tuple[Discount, ...]:
    """Return the order's discounts, where its lines do not have them in their amounts already."""
    nodes = order.children("discounts")
    amounts = [plain(node, "amount", currency) for node in nodes]
    off = added(amounts, currency)
    parts = added((line.amount for line in lines), currency)
    if off is None or parts is None or totals.grand_total is None:
        order.unread("discounts")
        return ()
    whole = parts.amount + sum(map(shipping_amount, shipping))
    if whole - off.amount != totals.grand_total.amount:
        order.unread("discounts")
        return ()
    return present(
        discount_of(amount, None, node.text("reason") or node.text("name"))
        for node, amount in zip(nodes, amounts, strict=True)
    )


def _site(order: Node) -> str | None:
    """Return the channel within the shop."""
    if "channel_slug" in order:
        return order.id("channel_slug")
    return order.child("channel").id("slug") if isinstance(order.tree.get("channel"), dict) else None


def _buyer(order: Node) -> Party | None:
    user = order.child("user")
    email = user.text("email") or order.text(spelled(order, "user_email")) or order.text("email")
    for name in (spelled(order, "user_email"), "email"):
        order.same(name, email)
    return said(
        Party(
            id=user.id("id"),
            given_name=user.text(spelled(user, "first_name")),
            family_name=user.text(spelled(user, "last_name")),
            email=email,
        )
    )


def _party(order: Node, name: str) -> Party | None:
    name = spelled(order, name)
    if name not in order:
        return None
    node = order.child(name)
    names = _CAMEL if spelled(node, "postal_code") == "postalCode" else _ADDRESS
    if isinstance(node.tree.get("country"), dict):
        found = address_of(node, replace(names, country=_NO_FIELD)) or Address()
        address = said(msgspec.structs.replace(found, country=country_of(node.child("country"), "code")))
    else:
        address = address_of(node, names)
    return said(
        Party(
            given_name=node.text(spelled(node, "first_name")),
            family_name=node.text(spelled(node, "last_name")),
            organisation=node.text(spelled(node, "company_name")),
            phone=node.text("phone"),
            address=address,
        )
    )


def _references(order: Node) -> Iterator[Reference]:
    for name, kind in (
        ("token", "order_token"),
        ("original", "original_order"),
        ("external_reference", "external"),
    ):
        ident = order.id(spelled(order, name))
        if ident is not None:
            yield Reference(system=NAME, kind=kind, id=ident)


def _notes(order: Node) -> tuple[Note, ...]:
    text = order.text(spelled(order, "customer_note"))
    return () if text is None else (Note(text=text, author="customer"),)
