"""Amounts as Saleor writes them.

``total_gross_amount`` in legacy payloads is ``total { gross { amount } }`` in GraphQL.
"""

from ordertrail.intake.document import Node
from ordertrail.intake.parts import spelled
from ordertrail.kernel.money import Money
from ordertrail.orders.lines import Price

GROSS, NET = "gross", "net"


def has_amount(node: Node, stem: str, side: str) -> bool:
    """Say whether a node states an amount on one side of tax."""
    if f"{stem}_{side}_amount" in node:
        return True
    held = node.tree.get(spelled(node, stem))
    return (
        isinstance(held, dict) and isinstance(held.get(side), dict) and held[side].get("amount") is not None
    )


def amount_of(
    node: Node, stem: str, side: str, currency: str | None, *, required: bool = False
) -> Money | None:
    """Return an amount on one side of tax."""
    holder, name = _place(node, stem, side)
    if holder is None:
        return node.rounded(name, currency, required=required)
    holder.same("currency", currency)
    return holder.rounded(name, currency, required=required)


def price_of(node: Node, stem: str, side: str, currency: str | None) -> Price | None:
    """Return a price on one side of tax."""
    holder, name = _place(node, stem, side)
    if holder is None:
        return node.price(name, currency)
    holder.same("currency", currency)
    return holder.price(name, currency)


def tax_amount(node: Node, stem: str, currency: str | None) -> Money | None:
    """Return the tax in an amount: as stated, or what gross is above net."""
    for name in (f"{stem}_tax_amount", "tax_amount"):
        if name in node:
            return node.rounded(name, currency)
    held = node.tree.get(spelled(node, stem))
    if isinstance(held, dict) and isinstance(held.get("tax"), dict):
        return node.child(spelled(node, stem)).child("tax").rounded("amount", currency)
    if not (has_amount(node, stem, GROSS) and has_amount(node, stem, NET)):
        return None
    gross, net = amount_of(node, stem, GROSS, currency), amount_of(node, stem, NET, currency)
    return None if gross is None or net is None else Money(gross.amount - net.amount, gross.currency)


def repeated(node: Node, stem: str, side: str, known: Money | None) -> None:
    """Count the other side of an amount as read where it says what is known."""
    if not has_amount(node, stem, side):
        return
    holder, name = _place(node, stem, side)
    if holder is None:
        node.same(name, known)
    elif holder.same(name, known) and known is not None:
        holder.same("currency", known.currency)


def _place(node: Node, stem: str, side: str) -> tuple[Node | None, str]:
    """Return what holds an amount, None for the node itself, and by which name."""
    flat = f"{stem}_{side}_amount"
    if flat in node or not isinstance(node.tree.get(spelled(node, stem)), dict):
        return None, flat
    return node.child(spelled(node, stem)).child(side), "amount"


def plain(node: Node, name: str, currency: str | None) -> Money | None:
    """Return an amount that has no sides: a text or number in legacy payloads, ``{ amount }`` in GraphQL."""
    name = spelled(node, name)
    if not isinstance(node.tree.get(name), dict):
        return node.rounded(name, currency)
    holder = node.child(name)
    holder.same("currency", currency)
    return holder.rounded("amount", currency)
