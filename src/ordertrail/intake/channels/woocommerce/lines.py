"""Lines, shipping and fees of an order of WooCommerce, with their taxes."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

import msgspec

from ordertrail.intake.channels.woocommerce.pieces import reference_of
from ordertrail.intake.document import Node
from ordertrail.intake.parts import (
    added,
    discount_of,
    gtin_of,
    major,
    present,
    price_each,
)
from ordertrail.kernel.money import Money
from ordertrail.orders.adjustments import Charge, Discount, Shipping, Tax
from ordertrail.orders.lines import Item, Line, Quantities

PIECE = "C62"
"""WooCommerce counts pieces."""


def line_of(node: Node, currency: str | None, rates: Mapping[str, Node], code: str | None) -> Line | None:
    """Return a line; ``code`` is the coupon of what was taken off it, where there is but one."""
    ident, ordered = node.id("id", required=True), node.quantity("quantity", required=True)
    total = node.rounded("total", currency, required=True)
    before = node.rounded("subtotal", currency) or total
    if ident is None or ordered is None or total is None or before is None:
        return None
    off = before.amount - total.amount
    _hold_price(node, total, ordered)
    taxes = taxes_of(node, currency, rates)
    name, above = node.text("name"), node.text("parent_name")
    return Line(
        id=ident,
        item=Item(
            name=above or name,
            variant=name if above else None,
            sku=node.text("sku"),
            gtin=gtin_of(node, "global_unique_id"),
        ),
        quantities=Quantities(ordered=ordered),
        unit=PIECE,
        unit_price=price_each(before, ordered),
        discounts=present([discount_of(Money(off, total.currency), code)]) if off > 0 else (),
        charges=(Charge(amount=Money(-off, total.currency), kind="surcharge"),) if off < 0 else (),
        taxes=taxes,
        amount=total,
        references=present(reference_of(node, f"{kind}_id", kind) for kind in ("product", "variation")),
    )


def _hold_price(node: Node, total: Money, ordered: str) -> None:
    """Count the price of one as read where it is the total divided by the quantity: it is computed so, as a float."""
    price = node.decimal("price")
    if price is None or abs(Fraction(price) * Fraction(ordered) - major(total)) >= Fraction(1, 1000):
        node.unread("price")


def different(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """Return an order's lines without those that are there twice word for word, as WooCommerce 3.4 wrote some."""
    kept: dict[str, Node] = {}
    found = []
    for node in nodes:
        known = kept.setdefault(str(node.tree.get("id")), node)
        if known is not node and known.tree == node.tree:
            node.repeats(known)
        else:
            found.append(node)
    return tuple(found)


def with_parents(lines: Sequence[Line], nodes: Sequence[Node]) -> tuple[Line, ...]:
    """Return the lines, those of bundles and composites with the line that they are part of."""
    ids = {line.id for line in lines}
    parents: dict[str, str] = {}
    for node in nodes:
        for name in ("bundled_by", "composite_parent"):
            parent = str(node.tree.get(name))
            if parent in ids and parent != str(node.tree.get("id")):
                parents[str(node.tree.get("id"))] = node.text(name) or parent
    return tuple(msgspec.structs.replace(line, parent=parents.get(line.id)) for line in lines)


def taxes_of(node: Node, currency: str | None, rates: Mapping[str, Node]) -> tuple[Tax, ...]:
    """Return the taxes on a line, shipping or fee: by rate where these come to the total, else the total alone."""
    total = node.rounded("total_tax", currency)
    found = present(_tax(one, currency, rates) for one in node.children("taxes"))
    if total is None or sum(one.amount.amount for one in found) == total.amount:
        return found
    node.unread("taxes")
    named = found[0].name if len(found) == 1 else None
    return (Tax(amount=total, name=named),)


def _tax(node: Node, currency: str | None, rates: Mapping[str, Node]) -> Tax | None:
    rate = rates.get(str(node.tree.get("id")))
    amount = node.rounded("total", currency)
    if amount is None:
        return None
    if rate is None:
        return Tax(amount=amount)
    node.text("id")
    rate.text("rate_id")
    return Tax(
        amount=amount,
        rate=rate.decimal("rate_percent"),
        name=rate.text("label"),
        jurisdiction=rate.text("rate_code"),
    )


def shipping_of(node: Node, currency: str | None, rates: Mapping[str, Node]) -> Shipping | None:
    """Return a shipping line."""
    ident, total = node.id("id", required=True), node.rounded("total", currency, required=True)
    taxes = taxes_of(node, currency, rates)
    if ident is None or total is None:
        return None
    return Shipping(
        id=ident, amount=total, name=node.text("method_title"), code=node.text("method_id"), taxes=taxes
    )


def fees_of(
    root: Node, currency: str | None, rates: Mapping[str, Node]
) -> tuple[tuple[Charge, ...], tuple[Discount, ...], tuple[Tax, ...]]:
    """Return fees, and those that are negative as discounts, their taxes on the order; gift cards too are discounts."""
    charges: list[Charge] = []
    discounts: list[Discount] = []
    taxes: list[Tax] = []
    for node in root.children("fee_lines"):
        total, on_fee = node.rounded("total", currency, required=True), taxes_of(node, currency, rates)
        if total is None:
            continue
        if total.amount < 0:
            discounts.append(Discount(amount=Money(-total.amount, total.currency), reason=node.text("name")))
            taxes += on_fee
        else:
            charges.append(Charge(amount=total, kind="fee", name=node.text("name"), taxes=on_fee))
    for node in root.children("gift_cards"):
        card = discount_of(node.rounded("amount", currency), node.text("code"), "gift card")
        discounts += present([card])
    return tuple(charges), tuple(discounts), tuple(taxes)


def tax_of_rate(node: Node, currency: str | None) -> Tax | None:
    """Return all tax of one rate, on what is ordered and on shipping."""
    amount = added((node.rounded(name, currency) for name in ("tax_total", "shipping_tax_total")), currency)
    if amount is None:
        return None
    return Tax(
        amount=amount,
        rate=node.decimal("rate_percent"),
        name=node.text("label"),
        jurisdiction=node.text("rate_code"),
    )
