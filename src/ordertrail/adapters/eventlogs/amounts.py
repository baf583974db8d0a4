"""Numbers of event logs: exact decimals in, integers out.

A number is written in ASCII digits with an optional sign, fraction and exponent; the fraction's mark
is the mapping's. Thousands separators are refused: "1.234" means two different things. Money becomes
a whole number of its currency's minor units (ISO 4217), exactly::

    >>> AmountReader("GBP").money("7.65")
    Amount(minor=765, currency='GBP', exact=None)

More digits than the currency has are a problem, unless the mapping chooses how to round. Then the
exact text is handed back beside the rounded amount, so that nothing of the source is lost::

    >>> AmountReader("EUR", rounding="half-even").money("26.85120450862128")
    Amount(minor=2685, currency='EUR', exact='26.85120450862128')

Law: for every decimal of at most the currency's digits, ``minor / 10**digits`` is that decimal.
"""

import re
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from typing import Literal, NamedTuple

from ordertrail.adapters.eventlogs.events import UntranslatableError
from ordertrail.kernel.canonical import MAX_INTEGER
from ordertrail.kernel.money import exponent_of

Rounding = Literal["half-even", "half-up", "down"]

_ROUNDINGS = {"half-even": ROUND_HALF_EVEN, "half-up": ROUND_HALF_UP, "down": ROUND_DOWN}
_LONGEST = 64
_REMEMBERED = 1 << 14
_EXACT = Context(prec=400)
"""Wide enough that no operation on a number of 64 characters and a two-digit exponent is rounded."""


class Amount(NamedTuple):
    """Money in minor units; ``exact`` is the source's text where the amount had to be rounded."""

    minor: int
    currency: str
    exact: str | None


class AmountReader:
    """Reads the numbers of one log as its mapping says."""

    def __init__(
        self, currency: str | None = None, *, rounding: Rounding | None = None, decimal_mark: str = "."
    ) -> None:
        self._currency = currency
        self._digits = 0 if currency is None else exponent_of(currency)
        self._rounding = rounding
        self._mark = decimal_mark
        self._number = re.compile(
            rf"[+-]?\d+(?:{re.escape(decimal_mark)}\d+)?(?:[eE][+-]?\d{{1,2}})?", re.ASCII
        )

        # Prices and quantities repeat: most are read once.
        self.integer = lru_cache(_REMEMBERED)(self._integer)
        """Read a whole number; ``6`` and ``6.0`` both are six."""
        self.money = lru_cache(_REMEMBERED)(self._money)
        """Read an amount of the mapping's currency in minor units."""

    def decimal(self, text: str) -> Decimal:
        """Read a number exactly. Raises UntranslatableError for anything else, NaN included."""
        if len(text) > _LONGEST or not self._number.fullmatch(text):
            raise UntranslatableError(f"{text[:_LONGEST]!r} is not a number")
        return Decimal(text.replace(self._mark, "."))

    def _integer(self, text: str) -> int:
        value = self.decimal(text)
        whole = value.to_integral_value(context=_EXACT)
        if whole != value:
            raise UntranslatableError(f"{text!r} is not a whole number")
        return _fitting(int(whole), text)

    def _money(self, text: str) -> Amount:
        if self._currency is None:
            raise UntranslatableError(f"{text!r} is money, and the mapping names no currency")
        scaled = self.decimal(text).scaleb(self._digits, context=_EXACT)
        minor = scaled.to_integral_value(rounding=_ROUNDINGS[self._rounding or "down"], context=_EXACT)
        exact = None if minor == scaled else text
        if exact is not None and self._rounding is None:
            raise UntranslatableError(
                f"{text} has more than the {self._digits} digits after the point that {self._currency} has; "
                "the mapping may say how to round"
            )
        return Amount(_fitting(int(minor), text), self._currency, exact)


def _fitting(number: int, text: str) -> int:
    """Return the number where every JSON reader keeps it exactly (RFC 8785 section 3.2.2.3)."""
    if abs(number) > MAX_INTEGER:
        raise UntranslatableError(f"{text!r} is beyond 2**53 - 1")
    return number
