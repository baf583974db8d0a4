"""Lines of an order of Magento. All amounts are without tax, with the tax beside them."""

from collections.abc import Sequence

import msgspec

from ordertrail.intake.document import Node
from ordertrail.intake.parts import added, discount_of, present
from ordertrail.kernel.money import Money
from ordertrail.orders.adjustments import Discount, Tax
from ordertrail.orders.lines import Item, Line, Price, Quantities
from ordertrail.orders.reference import Reference

NAME = "magento"

PIECE = "C62"
"""Magento counts pieces where a shop does not say otherwise, and never says what."""

_COUNTED = (("shipped", "qty_shipped"), ("returned", "qty_returned"))


def line_of(node: Node, currency: str | None, code: str | None) -> Line | None:
    """Return a line; ``code`` is the coupon of the order."""
    ident, ordered = node.id("item_id", required=True), node.quantity("qty_ordered", required=True)
    price, total = node.price("price", currency), node.rounded("row_total", currency)
    if ident is None or ordered is None:
        return None
    discounts = discounts_of(node, "", currency, code)
    taxes = taxes_of(node, "tax_amount", currency, node.decimal("tax_percent"))
    for name, amount in (("price", _money(price)), ("row_total", total)):
        repeated(node, name, amount)
    counted = {name: node.quantity(field) for name, field in _COUNTED}
    return Line(
        id=ident,
        item=Item(name=node.text("name"), sku=node.text("sku")),
        quantities=Quantities(
            ordered=ordered, **{name: amount for name, amount in counted.items() if amount not in {None, "0"}}
        ),
        unit=PIECE,
        parent=node.id("parent_item_id"),
        unit_price=price,
        list_price=_list_price(node, currency, price),
        discounts=discounts,
        taxes=taxes,
        references=present(
            [_reference(node, "product_id", "product"), _reference(node, "quote_item_id", "quote_item")]
        ),
    )


def _money(price: Price | None) -> Money | None:
    return price.amount if price is not None and price.per == "1" else None


def _list_price(node: Node, currency: str | None, price: Price | None) -> Price | None:
    """Return what it would cost without an offer; the same as the price says nothing new."""
    listed = node.price("original_price", currency)
    repeated(node, "original_price", _money(listed))
    return None if listed == price else listed


def _reference(node: Node, name: str, kind: str) -> Reference | None:
    ident = node.id(name)
    return None if ident in {None, "0"} else Reference(system=NAME, kind=kind, id=ident or "")


def discounts_of(node: Node, stem: str, currency: str | None, code: str | None) -> tuple[Discount, ...]:
    """Return what was taken off, without tax: Magento counts the tax in it apart, where prices are with tax."""
    amount = node.rounded(f"{stem}discount_amount", currency)
    names = (f"{stem}discount_tax_compensation_amount", f"{stem}discount_tax_compensation_amnt")
    tax = added((node.rounded(name, currency) for name in names), currency)
    repeated(node, f"{stem}discount_amount", amount)
    for name in names:
        repeated(node, name, tax)
    if amount is None or not amount.amount:
        return ()
    rate = node.decimal("discount_percent")
    net = Money(abs(amount.amount) - (0 if tax is None else tax.amount), amount.currency)
    return present([discount_of(net, code, None, None if rate == "0" else rate)])


def taxes_of(node: Node, name: str, currency: str | None, rate: str | None = None) -> tuple[Tax, ...]:
    """Return the tax that a field states, nothing where it is zero."""
    amount = node.rounded(name, currency)
    repeated(node, name, amount)
    return () if amount is None or not amount.amount else (Tax(amount=amount, rate=rate),)


def repeated(node: Node, name: str, amount: Money | None) -> None:
    """Count an amount in the shop's own currency as read where that is the order's and it says the same."""
    if amount is not None:
        node.same(f"base_{name}", amount)


def charged_once(lines: Sequence[Line], nodes: Sequence[Node], subtotal: Money | None) -> tuple[Line, ...]:
    """Return lines of which those cost nothing whose price is in their bundle's or in their parts', as the sum says."""
    parents = {line.parent for line in lines if line.parent}
    if subtotal is None or not parents:
        return tuple(lines)
    wholes = [line for line in lines if line.parent is None]
    parts = [line for line in lines if line.id not in parents]
    amounts = {str(node.tree.get("item_id")): node.rounded("row_total", subtotal.currency) for node in nodes}
    for counted in (lines, wholes, parts):
        total = added((amounts.get(line.id) for line in counted), subtotal.currency)
        if total == subtotal:
            kept = {line.id for line in counted}
            by_id = {str(node.tree.get("item_id")): node for node in nodes}
            return tuple(line if line.id in kept else _free(line, by_id[line.id]) for line in lines)
    return tuple(lines)


def _free(line: Line, node: Node) -> Line:
    """Return a line whose amounts stand in another's; they are kept as an extension."""
    for name in ("price", "row_total", "discount_amount", "tax_amount", "tax_percent", "original_price"):
        node.unread(name)
        node.unread(f"base_{name}")
    if line.unit_price is None:
        return line
    nothing = Price(amount=Money(0, line.unit_price.amount.currency), per="1")
    return msgspec.structs.replace(line, unit_price=nothing, list_price=None, discounts=(), taxes=())
