r"""Decimal numbers as text: quantities, rates, base quantities. One spelling each, never a float.

``-?(0|[1-9][0-9]*)(\.[0-9]*[1-9])?``, no ``-0``, at most 40 characters: ``1.5``, ``12``, ``-3``, ``0.001``; and not
``1.50``, ``+1``, ``.5``, ``1e3``. Equal numbers are equal texts, so that a changed spelling is not a changed order::

    >>> canonical_decimal("1.50"), canonical_decimal("1E3")
    ('1.5', '1000')
"""

import re
from decimal import Decimal, InvalidOperation

LONGEST = 40
"""Characters of the longest decimal."""

_CANONICAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]*[1-9])?", re.ASCII)


def decimal_problem(text: str) -> str | None:
    """Say what is wrong with a decimal's spelling, or None."""
    if len(text) <= LONGEST and text != "-0" and _CANONICAL.fullmatch(text):
        return None
    return (
        f"{text[:LONGEST]!r} is not a decimal in canonical form, such as 1.5 "
        f"(no exponent, no plus sign, no zeros at the end, at most {LONGEST} characters)"
    )


def parse_decimal(text: str) -> Decimal:
    """Read a decimal in canonical form. Raises ValueError with a sentence for a person."""
    problem = decimal_problem(text)
    if problem is not None:
        raise ValueError(problem)
    return Decimal(text)


def format_decimal(number: Decimal) -> str:
    """Write a decimal in canonical form. Raises ValueError for NaN, infinities, and over 40 characters."""
    if not number.is_finite():
        raise ValueError(f"{number} is not a number")
    if abs(number.adjusted()) > LONGEST and number:
        raise ValueError(f"{number} has more than {LONGEST} digits")
    text = f"{number:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    text = "0" if text in {"-0", ""} else text
    if len(text) > LONGEST:
        raise ValueError(f"{number} has more than {LONGEST} digits")
    return text


def canonical_decimal(text: str) -> str:
    """Return the one spelling of a decimal in any that Python reads. Raises ValueError."""
    if len(text) > 2 * LONGEST:
        raise ValueError(f"a number of {len(text)} characters is not a quantity or a rate")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a decimal number") from None
    return format_decimal(number)
