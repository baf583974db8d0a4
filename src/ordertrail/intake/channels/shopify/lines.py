"""Lines and shipping of a Shopify order, with the discounts and taxes of what is still ordered.

Shopify writes a line as it was ordered: its quantity, discounts and taxes never change. What was taken off by a refund,
a return or an edit stands in ``current_quantity`` and in ``refunds[].refund_line_items[]``, whose ``subtotal`` and
``total_tax`` say how much of the line's discounts and taxes went with it. Where the order states current totals, lines
are told as they are now, and the amounts that no longer hold are kept as extensions.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeVar

import msgspec

from ordertrail.intake.channels.shopify.amounts import agreed, stated
from ordertrail.intake.channels.shopify.money import NEVER_SENT
from ordertrail.intake.document import Node
from ordertrail.intake.parts import added, counted, discount_of, present, shared_out
from ordertrail.kernel.money import Money
from ordertrail.orders.adjustments import Discount, Shipping, Tax
from ordertrail.orders.lines import Item, Line, Price, Quantities
from ordertrail.orders.reference import Reference

_Adjustment = TypeVar("_Adjustment", Discount, Tax)

PIECE = "C62"
"""Shopify counts pieces."""


@dataclass(slots=True)
class Gone:
    """How much of a line was taken off again, and of its amount and tax, in minor units; None where untold."""

    quantity: str = "0"
    subtotal: int | None = 0
    tax: int | None = 0
    returned: str = "0"


@dataclass(slots=True)
class Reading:
    """What the lines of one order are read with, and what is found on the way."""

    currency: str | None
    applications: Sequence[Node]
    """The order's discounts, to which amounts taken off lines refer by number."""
    current: bool
    """Whether the order's totals leave out what was taken off."""
    gone: Mapping[str, Gone]
    sent: Mapping[str, str]
    """How much of each line has left."""
    off: Counter[str] = field(default_factory=Counter)
    """What each discount code took off at first, in minor units; the empty code is all of them."""
    off_shown: int = 0
    """What was taken off shipping, in minor units of the buyer's currency."""


def gone_from(refunds: Iterable[Node], currency: str | None, *, current: bool) -> dict[str, Gone]:
    """Return what refunds took off each line; its amounts stay extensions, for no part of an order states them."""
    found: dict[str, Gone] = {}
    for refund in refunds:
        for node in refund.children("refund_line_items"):
            line, quantity = node.id("line_item_id"), node.quantity("quantity")
            if line is None or quantity is None:
                continue
            gone = found.setdefault(line, Gone())
            gone.quantity = counted(gone.quantity, quantity) or gone.quantity
            if node.text("restock_type") not in {NEVER_SENT, None}:
                gone.returned = counted(gone.returned, quantity) or gone.returned
            if current:
                subtotal, tax = (
                    stated(node, "subtotal", currency).shop,
                    stated(node, "total_tax", currency).shop,
                )
                gone.subtotal = _sum(gone.subtotal, subtotal)
                gone.tax = _sum(gone.tax, tax)
                for name in ("subtotal", "total_tax"):
                    node.unread(name)
                    node.unread(f"{name}_set")
    return found


def _sum(known: int | None, amount: Money | None) -> int | None:
    return None if known is None or amount is None else known + amount.amount


def line_of(node: Node, reading: Reading) -> Line | None:
    """Return a line as it is now."""
    ident, ordered = node.id("id", required=True), node.quantity("quantity", required=True)
    price = _price(node, reading.currency)
    if ident is None or ordered is None:
        return None
    gone = reading.gone.get(ident, Gone())
    left = _left(node, ordered, gone) if reading.current else ordered
    cancelled = counted(ordered, less=left)
    discounts, taxes = _discounts(node, reading), _taxes(node, reading.currency)
    if cancelled not in {None, "0"}:
        share = _Share(ordered, left, gone)
        discounts = _left_of(node, "discount_allocations", discounts, share, _off_gone(price, gone))
        taxes = _left_of(node, "tax_lines", taxes, share, gone.tax)
    title, variant = node.text("title"), node.text("variant_title")
    node.same("name", title, f"{title} - {variant}")
    node.same("admin_graphql_api_id", f"gid://shopify/LineItem/{ident}")
    return Line(
        id=ident,
        item=Item(name=title or node.text("name"), variant=variant, sku=node.text("sku")),
        quantities=Quantities(
            ordered=ordered,
            shipped=reading.sent.get(ident),
            returned=None if gone.returned == "0" else gone.returned,
            cancelled=None if cancelled == "0" else cancelled,
        ),
        unit=PIECE,
        unit_price=price,
        discounts=discounts,
        taxes=taxes,
        references=present(_reference(node, kind) for kind in ("product", "variant")),
    )


def _price(node: Node, currency: str | None) -> Price | None:
    if "price" not in node and "price_set" in node:
        price = node.child("price_set").child("shop_money").price("amount", currency, required=True)
    else:
        price = node.price("price", currency, required=True)
    if price is not None and price.per == "1":
        agreed(node, "price_set", price.amount)
    return price


def _left(node: Node, ordered: str, gone: Gone) -> str:
    """Return how much of a line is still ordered."""
    stated_now = node.quantity("current_quantity")
    left = counted(ordered, less=gone.quantity) if stated_now is None else stated_now
    if left is None or counted(ordered, less=left) is None:
        node.unread("current_quantity")
        return ordered
    return left


def _reference(node: Node, kind: str) -> Reference | None:
    ident = node.id(f"{kind}_id")
    return None if ident is None else Reference(system="shopify", kind=kind, id=ident)


def _discounts(node: Node, reading: Reading) -> tuple[Discount, ...]:
    """Return what was taken off a line or off shipping, each with what the order says of the discount it belongs to."""
    found = present(_allocated(one, reading) for one in node.children("discount_allocations"))
    if not found and node.tree.get("total_discount") not in (None, ""):
        alone = stated(node, "total_discount", reading.currency).shop
        return present([discount_of(alone)])
    total = added((one.amount for one in found), reading.currency)
    if node.same("total_discount", total):
        agreed(node, "total_discount_set", total)
    return found


def _allocated(node: Node, reading: Reading) -> Discount | None:
    amount = stated(node, "amount", reading.currency).shop
    place = node.integer("discount_application_index")
    reading.off[""] += 0 if amount is None else amount.amount
    if place is None or not 0 <= place < len(reading.applications):
        node.unread("discount_application_index")
        return discount_of(amount)
    one = reading.applications[place]
    code = one.text("code")
    if code is not None and amount is not None:
        reading.off[code] += amount.amount
    rate = one.decimal("value") if one.tree.get("value_type") == "percentage" else None
    if rate is not None:
        one.text("value_type")
    return discount_of(amount, code, one.text("title") or one.text("description"), rate)


def _taxes(node: Node, currency: str | None) -> tuple[Tax, ...]:
    return present(tax_of(one, currency) for one in node.children("tax_lines"))


def tax_of(node: Node, currency: str | None) -> Tax | None:
    """Return a tax; its rate is written as a part of one."""
    amount = stated(node, "price", currency, required="price_set" not in node).shop
    if amount is None:
        return None
    return Tax(amount=amount, rate=node.percent("rate"), name=node.text("title"))


@dataclass(frozen=True, slots=True)
class _Share:
    """How much of a line there was, and is left."""

    ordered: str
    left: str
    gone: Gone

    def of(self, total: int, told: int | None) -> int:
        """Return what is left of an amount of the whole line, of which so much is told to have gone."""
        if self.left == "0":
            return 0
        if told is not None and self.gone.quantity == counted(self.ordered, less=self.left):
            return max(0, total - told)
        return int(total * Fraction(self.left) / Fraction(self.ordered))


def _off_gone(price: Price | None, gone: Gone) -> int | None:
    """Return the discount on what went: what it cost less what was given back for it."""
    if price is None or gone.subtotal is None:
        return None
    return int(price.amount.amount * Fraction(gone.quantity) / Fraction(price.per)) - gone.subtotal


def _left_of(
    node: Node, name: str, parts: Sequence[_Adjustment], share: _Share, told: int | None
) -> tuple[_Adjustment, ...]:
    """Return what is left of a line's discounts or taxes; those of the whole line are kept as an extension."""
    if not parts:
        return ()
    node.unread(name)
    amounts = [one.amount.amount for one in parts]
    left = shared_out(share.of(sum(amounts), told), amounts)
    return tuple(
        msgspec.structs.replace(one, amount=Money(amount, one.amount.currency))
        for one, amount in zip(parts, left, strict=True)
        if amount
    )


def shipping_of(node: Node, place: int, reading: Reading) -> Shipping | None:
    """Return a shipping line; one that was taken off again is none, and kept as an extension."""
    if node.tree.get("is_removed") is True:
        return None
    price = stated(node, "price", reading.currency, required="price_set" not in node).shop
    discounts = _discounts(node, reading)
    taxes = _taxes(node, reading.currency)
    if price is None:
        return None
    for one in node.children("discount_allocations"):
        shown = stated(one, "amount", reading.currency).shown
        reading.off_shown += 0 if shown is None else shown.amount
    off = added((one.amount for one in discounts), price.currency)
    paid = Money(price.amount - (0 if off is None else off.amount), price.currency)
    if node.same("discounted_price", paid):
        agreed(node, "discounted_price_set", paid)
    return Shipping(
        id=node.id("id") or f"shipping-{place + 1}",
        amount=price,
        name=node.text("title"),
        code=node.text("code"),
        carrier=node.text("carrier_identifier"),
        discounts=discounts,
        taxes=taxes,
    )
