"""Exact sums in minor units, and rounding by a channel's rule. Fractions, never floats."""

from fractions import Fraction

from ordertrail.orders.adjustments import Shipping
from ordertrail.orders.amounts import Rounding, RoundingMode
from ordertrail.orders.lines import Line


def rounded(exact: Fraction | int, rounding: Rounding) -> int:
    """Return whole minor units by the rule's mode."""
    if isinstance(exact, int):
        return exact
    whole, rest = divmod(abs(exact), 1)
    sign = -1 if exact < 0 else 1
    match rounding.mode:
        case RoundingMode.HALF_UP:
            up = rest >= Fraction(1, 2)
        case RoundingMode.HALF_EVEN:
            up = rest > Fraction(1, 2) or (rest == Fraction(1, 2) and whole % 2 == 1)
        case RoundingMode.DOWN:
            up = False
    return sign * (int(whole) + up)


def payable(amount: int, rounding: Rounding) -> int:
    """Return an amount of minor units as it can be paid in cash: a multiple of the rule's increment, if it has one."""
    step = rounding.increment
    return amount if step is None else step * rounded(Fraction(amount, step), rounding)


def charged_quantity(line: Line) -> Fraction | int:
    """Return how much of a line is charged: what was ordered and not cancelled. Returns are refunded instead."""
    ordered, cancelled = line.quantities.ordered, line.quantities.cancelled
    return _number(ordered) if cancelled is None else _number(ordered) - _number(cancelled)


def _number(text: str) -> Fraction | int:
    """Return a decimal text as a number; as an integer where it is one, which is some ten times as fast."""
    return int(text) if text.isdecimal() else Fraction(text)


def line_exact(line: Line) -> Fraction | int | None:
    """Return a line's amount in minor units, not rounded, from its price; None where it has none."""
    price = line.unit_price
    if price is None:
        return None
    goods = price.amount.amount * charged_quantity(line)
    if price.per != "1":
        goods = goods / Fraction(price.per)
    off = sum(discount.amount.amount for discount in line.discounts)
    on = sum(charge.amount.amount for charge in line.charges)
    return goods - off + on


def shipping_amount(shipping: Shipping) -> int:
    """Return what shipping costs after its discounts, in minor units."""
    return shipping.amount.amount - sum(discount.amount.amount for discount in shipping.discounts)


def tax_exact(base: Fraction, rate: str, *, included: bool) -> Fraction:
    """Return the tax of a rate in per cent on a base that has the tax in it, or has not."""
    part = Fraction(rate) / 100
    return base * part / (1 + part) if included else base * part
