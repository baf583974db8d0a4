"""What is taken off and put on: discounts, charges, taxes, shipping.

An adjustment stands where it applies (on a line, on shipping, or on the order as a whole) and **only there**. A channel
that names one discount on the order and again its share on each line is mapped to one of the two, or it would be
counted twice; the sums that it states go into :class:`ordertrail.orders.amounts.Totals`.

Amounts are not negative, as in UBL, where cbc:ChargeIndicator tells an allowance from a charge.
"""

from ordertrail.kernel.money import Money
from ordertrail.orders.part import Part
from ordertrail.orders.words import DecimalText, Id


class Tax(Part, frozen=True):
    """One tax on what it stands beside. schema.org PriceSpecification; UBL cac:TaxSubtotal."""

    amount: Money
    """The tax, in minor units. UBL cbc:TaxAmount."""
    taxable: Money | None = None
    """What it is computed of, without the tax itself. UBL cbc:TaxableAmount."""
    rate: DecimalText | None = None
    """Per cent: ``19`` is 19 %. UBL cac:TaxCategory/cbc:Percent."""
    category: Id | None = None
    """UNCL5305: ``S`` standard, ``Z`` zero, ``E`` exempt, ``AE`` reverse charge. UBL cac:TaxCategory/cbc:ID."""
    name: str | None = None
    """``VAT``, ``State Tax``. UBL cac:TaxScheme/cbc:Name."""
    jurisdiction: str | None = None
    """Who levies it. UBL cac:TaxScheme/cac:JurisdictionRegionAddress."""


class Discount(Part, frozen=True):
    """A reduction. schema.org discount, discountCode; UBL cac:AllowanceCharge with ChargeIndicator false."""

    amount: Money
    """How much is taken off, in minor units, not negative. UBL cbc:Amount."""
    code: str | None = None
    """The coupon. schema.org discountCode."""
    reason: str | None = None
    """UBL cbc:AllowanceChargeReason."""
    rate: DecimalText | None = None
    """Per cent, where it was given so. UBL cbc:MultiplierFactorNumeric."""


class Charge(Part, frozen=True):
    """A fee that is not shipping: handling, gift wrap, duty. UBL cac:AllowanceCharge with ChargeIndicator true."""

    amount: Money
    """How much is put on, in minor units, not negative. UBL cbc:Amount."""
    kind: Id
    """UNCL7161 or a word of the channel: ``duty`` is counted under duties, all else under charges."""
    name: str | None = None
    """UBL cbc:AllowanceChargeReason."""
    taxes: tuple[Tax, ...] = ()
    """UBL cac:AllowanceCharge/cac:TaxTotal."""


class Shipping(Part, frozen=True):
    """What bringing it costs. schema.org DeliveryChargeSpecification; UBL cac:AllowanceCharge with reason code FC."""

    id: Id
    """Of this order's; the channel's own where it has one."""
    amount: Money
    """Before its discounts, in minor units; with tax if the order's prices are. schema.org price."""
    name: str | None = None
    """What the buyer chose. schema.org hasDeliveryMethod; UBL cac:DeliveryTerms/cbc:SpecialTerms."""
    code: str | None = None
    """The channel's code of the method."""
    carrier: str | None = None
    """schema.org carrier; UBL cac:CarrierParty."""
    discounts: tuple[Discount, ...] = ()
    """Taken off shipping."""
    taxes: tuple[Tax, ...] = ()
    """On shipping."""
