"""Order products of BigCommerce as lines. All amounts are read without tax, and the tax beside them."""

from ordertrail.intake.document import Node
from ordertrail.intake.parts import gtin_of, present
from ordertrail.kernel.money import Money
from ordertrail.orders.adjustments import Tax
from ordertrail.orders.lines import Item, Line, Quantities
from ordertrail.orders.reference import Reference

NAME = "bigcommerce"

PIECE = "C62"
"""BigCommerce counts pieces."""


def line_of(node: Node, currency: str | None) -> Line | None:
    """Return a line; without a currency its amounts are left unread."""
    ident, ordered = node.id("id", required=True), node.quantity("quantity", required=True)
    if ident is None or ordered is None:
        return None
    total = None if currency is None else node.rounded("total_ex_tax", currency)
    price = None if currency is None else node.price("price_ex_tax", currency)
    taxes = taxes_of(node, "total_tax", currency)
    repeated(node, "total", total, taxes)
    name = node.text("name")
    for other in ("name_customer", "name_merchant"):
        node.same(other, name)
    sent, back = node.quantity("quantity_shipped"), node.quantity("quantity_refunded")
    return Line(
        id=ident,
        item=Item(name=name, variant=_options(node), sku=node.text("sku"), gtin=gtin_of(node, "upc")),
        quantities=Quantities(
            ordered=ordered, shipped=None if sent == "0" else sent, returned=None if back == "0" else back
        ),
        unit=PIECE,
        parent=_parent(node),
        unit_price=price,
        taxes=taxes,
        amount=total,
        references=present(reference_of(node, f"{kind}_id", kind) for kind in ("product", "variant")),
    )


def taxes_of(node: Node, name: str, currency: str | None) -> tuple[Tax, ...]:
    """Return the tax that a field states, nothing where it is zero."""
    amount = None if currency is None else node.rounded(name, currency)
    return () if amount is None or not amount.amount else (Tax(amount=amount),)


def repeated(node: Node, stem: str, amount: Money | None, taxes: tuple[Tax, ...]) -> None:
    """Count as read what only repeats an amount without tax and its tax: with tax, or as the shop enters prices."""
    if amount is None:
        return
    gross = Money(amount.amount + sum(tax.amount.amount for tax in taxes), amount.currency)
    node.same(f"{stem}_inc_tax", gross)
    node.same(f"base_{stem}", amount, gross)


def reference_of(node: Node, name: str, kind: str, system: str = NAME) -> Reference | None:
    """Return what an id refers to; 0 and the empty text refer to nothing."""
    ident = node.id(name)
    return None if ident in {None, "0"} else Reference(system=system, kind=kind, id=ident or "")


def _parent(node: Node) -> str | None:
    """Return the product of which this is a part: a bundle's."""
    parent = node.id("parent_order_product_id")
    return None if parent in {None, "0"} else parent


def _options(node: Node) -> str | None:
    """Return what the shopper chose."""
    chosen = present(option.text("display_value") for option in node.children("product_options"))
    return ", ".join(chosen) or None
