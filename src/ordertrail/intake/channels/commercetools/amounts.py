"""Amounts, prices, taxes and discounts as commercetools writes them.

https://docs.commercetools.com/api/types#money: ``centPrecision`` counts minor units; ``highPrecision`` has more digits
in ``preciseAmount``, and then ``centAmount`` is that rounded.
"""

from collections.abc import Iterator
from decimal import Decimal

from ordertrail.intake.document import Node
from ordertrail.intake.faults import Code
from ordertrail.kernel.money import Money, exponent_of
from ordertrail.orders.adjustments import Discount, Tax
from ordertrail.orders.amounts import Rounding, RoundingMode, RoundingScope
from ordertrail.orders.lines import Price
from ordertrail.orders.pricing import price_of

_MODES = {"HalfEven": RoundingMode.HALF_EVEN, "HalfUp": RoundingMode.HALF_UP}
_FINEST = 20


def amount_of(node: Node, name: str, currency: str | None, *, required: bool = False) -> Money | None:
    """Return an amount, which must be of the order's currency."""
    if name not in node and not required:
        return None
    one = node.child(name)
    told = one.currency("currencyCode", currency)
    if told is not None and currency is not None and told != currency:
        one.fault(Code.CONTRADICTION, "currencyCode", f"an amount in {told}, and the order is in {currency}")
    cents = one.minor("centAmount", currency, required=True)
    if one.text("type") == "highPrecision":
        return cents
    digits = one.integer("fractionDigits")
    if digits is not None and currency is not None and digits != exponent_of(currency):
        one.fault(
            Code.CONTRADICTION,
            "fractionDigits",
            f"{currency} has {exponent_of(currency)} digits, not {digits}",
        )
    return cents


def price(node: Node, name: str, currency: str | None) -> Price | None:
    """Return the price of one, of any fineness."""
    cents = amount_of(node, name, currency)
    if cents is None:
        return None
    one = node.child(name)
    if "preciseAmount" not in one:
        return Price(amount=cents, per="1")
    precise = one.integer("preciseAmount")
    digits = one.integer("fractionDigits", required=True)
    if precise is None or digits is None or not 0 <= digits <= _FINEST:
        one.unread("preciseAmount")
        one.unread("fractionDigits")
        return Price(amount=cents, per="1")
    return price_of(f"{Decimal(precise).scaleb(-digits):f}", cents.currency)


def rounding_of(node: Node) -> Rounding:
    """Return the order's rule; commercetools' own default is half even. A mode that is unknown here is kept."""
    mode = _MODES.get(str(node.tree.get("taxRoundingMode")))
    if mode is not None:
        node.text("taxRoundingMode")
    return Rounding(mode=mode or RoundingMode.HALF_EVEN, scope=RoundingScope.LINE)


def included_discounts(node: Node, currency: str | None, times: int = 1) -> Iterator[Discount]:
    """Yield the cart discounts in a discounted price, each taken so many times."""
    for one in node.children("includedDiscounts"):
        amount = amount_of(one, "discountedAmount", currency)
        source = one.child("discount").id("id")
        if amount is not None and amount.amount > 0:
            yield Discount(amount=Money(amount.amount * times, amount.currency), reason=source)
        else:
            one.unread("discountedAmount")


def is_tax_included(nodes: list[Node]) -> bool:
    """Say whether prices are with tax, by the first tax rate that says it."""
    told = (node.child("taxRate").tree.get("includedInPrice") for node in nodes)
    return next((one for one in told if isinstance(one, bool)), False)


def taxes_of(node: Node, currency: str | None, *, included: bool) -> Iterator[Tax]:
    """Yield the tax of a line or of shipping: what its gross is beyond its net."""
    taxed, rate = node.child("taxedPrice"), node.child("taxRate")
    if rate.tree.get("includedInPrice") is included:
        rate.flag("includedInPrice")
    net, gross = amount_of(taxed, "totalNet", currency), amount_of(taxed, "totalGross", currency)
    tax = amount_of(taxed, "totalTax", currency)
    if net is not None and gross is not None:
        told = Money(gross.amount - net.amount, net.currency)
        if tax is not None and tax != told:
            message = f"{tax.amount} is not gross {gross.amount} without net {net.amount}"
            taxed.fault(Code.CONTRADICTION, "totalTax", message)
        yield Tax(
            amount=told,
            taxable=net,
            rate=rate.percent("amount"),
            name=rate.text("name"),
            jurisdiction=rate.text("country"),
        )
