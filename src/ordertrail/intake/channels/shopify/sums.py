"""Sums of a Shopify order: totals now and at first, in the shop's currency and in the buyer's.

``total_price`` and its like tell of the order before anything was taken off or came back, ``current_*`` (since API
version 2020-10) of what remains. ``subtotal_price`` is after discounts; ``total_shipping_price_set`` is before those
on shipping. Discounts stand on lines and shipping (``discount_allocations``, since 2019-01); before that, on the
order.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ordertrail.intake.channels.shopify.amounts import Stated, agreed, stated
from ordertrail.intake.channels.shopify.lines import Reading, tax_of
from ordertrail.intake.document import Node
from ordertrail.intake.parts import added, discount_of, present
from ordertrail.kernel.money import Money
from ordertrail.orders.adjustments import Charge, Discount, Shipping, Tax
from ordertrail.orders.amounts import Rounding, RoundingMode, RoundingScope, Totals
from ordertrail.orders.lines import Line
from ordertrail.orders.totals import DUTY

ROUNDING = Rounding(mode=RoundingMode.HALF_UP, scope=RoundingScope.LINE)


@dataclass(frozen=True, slots=True)
class Sums:
    """What an order states of itself as a whole."""

    totals: Totals
    original: Totals | None
    shown: Totals | None
    discounts: tuple[Discount, ...]
    charges: tuple[Charge, ...]
    taxes: tuple[Tax, ...]


_Pairs = dict[str, Stated]
"""Totals by their name, each in both currencies."""


def sums_of(root: Node, reading: Reading, lines: Sequence[Line], shipping: Sequence[Shipping]) -> Sums:
    """Return an order's sums."""
    currency = reading.currency
    gross, taken_off = (
        stated(root, "total_line_items_price", currency),
        stated(root, "total_discounts", currency),
    )
    on_lines = reading.off[""] or sum(one.amount.amount for line in lines for one in line.discounts)
    rest = 0 if reading.off[""] or taken_off.shop is None else max(0, taken_off.shop.amount - on_lines)
    now = _pairs(root, reading, shipping, current=reading.current)
    _subtotal(now, gross, taken_off, on_lines=on_lines, rest=rest)
    first = _pairs(root, reading, shipping, current=False) if reading.current else None
    if first is not None and first["lines"] == gross and taken_off.shop is not None:
        first["discount"] = taken_off
    taxes = present(tax_of(one, currency) for one in root.children("tax_lines"))
    on_order = _all_of(taxes, now["tax"].shop) and not (_taxed(lines) or _taxed(shipping))
    breakdown = () if on_order else taxes
    _hold(root, reading, (*lines, *shipping), rest)
    return Sums(
        totals=_totals(now, "shop", () if first else breakdown),
        original=None if first is None else _totals(first, "shop", breakdown),
        shown=None if now["grand_total"].shown is None else _totals(now, "shown", ()),
        discounts=_discounts(root, currency, rest),
        charges=tuple(_charges(root, currency, "current" if reading.current else "original")),
        taxes=taxes if on_order else (),
    )


def _pairs(root: Node, reading: Reading, shipping: Sequence[Shipping], *, current: bool) -> _Pairs:
    """Return the totals of one of an order's two states: as it is, or as it was at first."""
    prefix, currency = "current_" if current else "", reading.currency
    charges = _charge_pairs(root, currency, "current" if current else "original")
    duties = charges.pop(DUTY, Stated(None))
    return {
        "lines": stated(root, f"{prefix}subtotal_price", currency),
        "shipping": _shipping(root, reading, shipping, current=current),
        "charges": Stated(
            added((one.shop for one in charges.values()), currency),
            _shown_sum([one.shown for one in charges.values()]),
        ),
        "duties": duties,
        "tax": stated(root, f"{prefix}total_tax", currency),
        "grand_total": stated(root, f"{prefix}total_price", currency, required=True),
        "due": Stated(None)
        if not current and reading.current
        else stated(root, "total_outstanding", currency),
    }


def _totals(pairs: _Pairs, side: str, breakdown: tuple[Tax, ...]) -> Totals:
    return Totals(**{name: getattr(pair, side) for name, pair in pairs.items()}, tax_breakdown=breakdown)


def _subtotal(pairs: _Pairs, gross: Stated, taken_off: Stated, *, on_lines: int, rest: int) -> None:
    """Put what lines come to in the place of the subtotal, which is after all discounts, also those on the whole.

    The examples of Shopify's own documentation state the subtotal before discounts; it then is the sum of all prices,
    and says nothing of what lines come to.
    """
    if rest:
        pairs["discount"] = taken_off if not on_lines else Stated(None)
        pairs["lines"] = gross if not on_lines else Stated(None)
    elif on_lines and pairs["lines"] == gross:
        pairs["lines"] = Stated(None)


def _shipping(root: Node, reading: Reading, shipping: Sequence[Shipping], *, current: bool) -> Stated:
    """Return what shipping comes to; the total of the order as it was is before what was taken off shipping."""
    if current and "current_shipping_price_set" in root:
        return stated(root, "current_shipping_price", reading.currency)
    before = stated(root, "total_shipping_price", reading.currency)
    off = sum(one.amount.amount for part in shipping for one in part.discounts)
    return Stated(_less(before.shop, off), _less(before.shown, reading.off_shown))


def _less(amount: Money | None, off: int) -> Money | None:
    return None if amount is None else Money(amount.amount - off, amount.currency)


def _shown_sum(amounts: Sequence[Money | None]) -> Money | None:
    return added(amounts, next((one.currency for one in amounts if one is not None), None))


def _charge_pairs(root: Node, currency: str | None, which: str) -> _Pairs:
    """Return tips, duties and fees; a tip that is a line is in the subtotal, and duties may be in the prices."""
    charges = {"additional_fee": stated(root, f"{which}_total_additional_fees", currency)}
    if not any("tip" in line for line in root.children("line_items")):
        charges["tip"] = stated(root, "total_tip_received", currency)
    if root.flag("duties_included") is not True:
        charges[DUTY] = stated(root, f"{which}_total_duties", currency)
    return charges


def _charges(root: Node, currency: str | None, which: str) -> Iterator[Charge]:
    for kind, pair in _charge_pairs(root, currency, which).items():
        if pair.shop is not None and pair.shop.amount:
            yield Charge(amount=pair.shop, kind=kind)


def _discounts(root: Node, currency: str | None, rest: int) -> tuple[Discount, ...]:
    """Return what was taken off the order as a whole: by its codes, where they come to all of it."""
    if not rest or currency is None:
        return ()
    codes = root.children("discount_codes")
    amounts = [node.rounded("amount", currency) for node in codes]
    total = added(amounts, currency)
    if total is None or total.amount != rest:
        root.unread("discount_codes")
        return (Discount(amount=Money(rest, currency)),)
    return present(
        discount_of(amount, node.text("code")) for node, amount in zip(codes, amounts, strict=True)
    )


def _hold(root: Node, reading: Reading, parts: Sequence[Line | Shipping], rest: int) -> None:
    """Hold sums that lines come to against what they come to; where they differ, they stay extensions."""
    currency = reading.currency
    now = added((one.amount for part in parts for one in part.discounts), currency)
    if rest == 0 and reading.off[""]:
        first = None if currency is None else Money(reading.off[""], currency)
        if stated(root, "total_discounts", currency).shop != first:
            root.unread("total_discounts")
        for node in root.children("discount_codes"):
            code = str(node.tree.get("code"))
            if currency is not None and node.same("amount", Money(reading.off[code], currency)):
                node.text("code")
    if root.same("current_total_discounts", now):
        agreed(root, "current_total_discounts_set", now)


def _taxed(parts: Sequence[Line] | Sequence[Shipping]) -> bool:
    return any(one.taxes for one in parts)


def _all_of(taxes: Sequence[Tax], total: Money | None) -> bool:
    return total is not None and bool(taxes) and sum(one.amount.amount for one in taxes) == total.amount
