"""Money: a whole number of minor units and an ISO 4217 currency.

Twelve hundred euro cents are ``Money(1200, "EUR")``; a yen has no minor unit and a Kuwaiti dinar
has a thousand::

    >>> parse_money("12.00", "EUR").amount, parse_money("1200", "JPY").amount, parse_money("1.2", "KWD").amount
    (1200, 1200, 1200)
    >>> format_money(Money(7200, "EUR"))
    '72.00 EUR'

Source: ISO 4217 list one (SIX Financial Information, maintenance agency), currencies in use and the
withdrawn ones that order archives of the last ten years still name.
"""

from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation

_BY_EXPONENT = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: (
        "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD "
        "CAD CDF CHE CHF CHW CNY COP COU CRC CUC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL "
        "GHS GIP GMD GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR "
        "LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB "
        "PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP "
        "SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG ZWL"
    ),
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
EXPONENTS = {code: exponent for exponent, codes in _BY_EXPONENT.items() for code in codes.split()}
"""Digits after the decimal point, by currency code."""


_LONGEST_AMOUNT = 40
# Wide enough for the longest amount: the default context would round away digits that must be refused.
_EXACT = Context(prec=2 * _LONGEST_AMOUNT)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units; negative amounts are credits."""

    amount: int
    currency: str


def exponent_of(currency: str) -> int:
    """Return the currency's digits after the point. Raises ValueError for an unknown code."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise ValueError(f"{currency!r} is not an ISO 4217 currency in use") from None


def parse_money(text: str, currency: str) -> Money:
    """Read a decimal amount exactly.

    Raises ValueError where it has more digits after the point than the currency has: rounding money is
    the sender's decision, never ours.
    """
    exponent = exponent_of(currency)
    if len(text) > _LONGEST_AMOUNT:
        raise ValueError(f"an amount of {len(text)} characters is not an amount")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a decimal number") from None
    # An exponent is short to write and long to work out: 1e999999 has a million digits.
    if not number.is_finite() or abs(number.adjusted()) > _LONGEST_AMOUNT:
        raise ValueError(f"{text!r} is not an amount")
    minor = number.scaleb(exponent, _EXACT)
    if minor != minor.to_integral_value(context=_EXACT):
        raise ValueError(f"{text} has more than the {exponent} digits after the point that {currency} has")
    return Money(int(minor), currency)


def format_money(money: Money) -> str:
    """Write an amount with its currency's digits: ``72.00 EUR``."""
    exponent = exponent_of(money.currency)
    return f"{Decimal(money.amount).scaleb(-exponent):.{exponent}f} {money.currency}"
