"""Prices from decimals, without loss: digits finer than a minor unit become a larger base quantity.

::

    >>> price_of("0.1234", "EUR")
    Price(amount=Money(amount=1234, currency='EUR'), per='100')
    >>> price_of("12.00", "EUR")
    Price(amount=Money(amount=1200, currency='EUR'), per='1')
"""

from decimal import Context, Decimal, InvalidOperation

from ordertrail.kernel.canonical import MAX_INTEGER
from ordertrail.kernel.money import Money, exponent_of
from ordertrail.orders.decimals import LONGEST, format_decimal
from ordertrail.orders.lines import Price

_EXACT = Context(prec=4 * LONGEST)


def price_of(text: str, currency: str, per: str = "1") -> Price:
    """Make the price of ``per`` units from a decimal amount of the currency, of any number of digits.

    Raises ValueError for what is not a number, an unknown currency, and an amount that no integer of JSON holds.
    """
    exponent = exponent_of(currency)
    if len(text) > LONGEST:
        raise ValueError(f"an amount of {len(text)} characters is not a price")
    try:
        minor, base = Decimal(text).scaleb(exponent, _EXACT), Decimal(per)
    except InvalidOperation:
        raise ValueError(f"{text!r} per {per!r} is not a price") from None
    if not minor.is_finite() or not base.is_finite() or base <= 0:
        raise ValueError(f"{text!r} per {per!r} is not a price")
    finer = -min(int(minor.normalize(_EXACT).as_tuple().exponent), 0)
    amount = int(minor.scaleb(finer, _EXACT)) if minor else 0
    if abs(amount) > MAX_INTEGER:
        raise ValueError(f"{text} {currency} has more digits than a price can have here")
    return Price(
        amount=Money(amount, currency), per=format_decimal(base.scaleb(finer if minor else 0, _EXACT))
    )
