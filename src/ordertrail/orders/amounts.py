"""Sums that a source states, and the rule by which it rounds. :mod:`ordertrail.orders.totals` holds them to account."""

from enum import StrEnum

from ordertrail.kernel.money import Money
from ordertrail.orders.adjustments import Tax
from ordertrail.orders.part import Part


class RoundingMode(StrEnum):
    """What becomes of a fraction of a minor unit."""

    HALF_UP = "half_up"
    """A half goes away from zero: what most shops and tax laws do."""
    HALF_EVEN = "half_even"
    """A half goes to the even neighbour: what banks do."""
    DOWN = "down"
    """Every fraction is cut off."""


class RoundingScope(StrEnum):
    """Where fractions are rounded."""

    LINE = "line"
    """Each line's amount and each tax on its own; sums add what was rounded."""
    TOTAL = "total"
    """Sums add exact amounts and are rounded once."""


class Rounding(Part, frozen=True):
    """A channel's rounding rule."""

    mode: RoundingMode
    """What becomes of a fraction."""
    scope: RoundingScope
    """Where."""
    increment: int | None = None
    """Cash rounding: what is payable is a multiple of so many minor units (5 for Swiss francs in cash)."""


class Totals(Part, frozen=True):
    """The sums of an order as its source states them. UBL cac:AnticipatedMonetaryTotal; schema.org Invoice.

    ``grand_total = lines + shipping + charges + duties - discount + rounding``, and ``+ tax`` where prices are without.
    All are in minor units of one currency.
    """

    lines: Money | None = None
    """Sum of line amounts, after line discounts. UBL cbc:LineExtensionAmount."""
    discount: Money | None = None
    """Sum of the discounts on the order as a whole, not negative. UBL cbc:AllowanceTotalAmount; schema.org discount."""
    shipping: Money | None = None
    """Sum of shipping, after its discounts."""
    charges: Money | None = None
    """Sum of the order's charges but duties. UBL cbc:ChargeTotalAmount."""
    duties: Money | None = None
    """Sum of the charges of kind ``duty``."""
    tax: Money | None = None
    """All taxes, included in prices or not. UBL cac:TaxTotal/cbc:TaxAmount."""
    rounding: Money | None = None
    """What was added to make the total payable in cash. UBL cbc:PayableRoundingAmount."""
    grand_total: Money | None = None
    """What is to be paid for it all. UBL cbc:TaxInclusiveAmount; schema.org totalPaymentDue before anything is paid."""
    paid: Money | None = None
    """What was taken so far. UBL cbc:PrepaidAmount."""
    refunded: Money | None = None
    """What was given back so far."""
    due: Money | None = None
    """What is still to be paid; negative where we owe. UBL cbc:PayableAmount; schema.org totalPaymentDue."""
    tax_breakdown: tuple[Tax, ...] = ()
    """The taxes summed by rate or authority: a summary, never added to anything. UBL cac:TaxTotal/cac:TaxSubtotal."""
