"""What a text in an order may be: the kinds that fields are annotated with, and what each refuses.

To a type checker all of them are ``str``. :mod:`ordertrail.orders.problems` reads the annotations.
"""

import re
from collections.abc import Callable, Mapping
from typing import Annotated

from ordertrail.kernel.clock import canonical_time
from ordertrail.kernel.money import EXPONENTS
from ordertrail.orders.decimals import decimal_problem
from ordertrail.record.values import identifier_problem

Id = Annotated[str, "id"]
"""An opaque id: 1 to 512 characters, no control characters."""

Time = Annotated[str, "time"]
"""RFC 3339 in UTC with six digits of fraction: ``2026-11-22T14:02:10.120000Z``."""

DecimalText = Annotated[str, "decimal"]
"""A decimal in canonical form: ``1.5``. :mod:`ordertrail.orders.decimals`."""

Amount = Annotated[str, "amount"]
"""A decimal in canonical form that is not negative: a quantity."""

Currency = Annotated[str, "currency"]
"""ISO 4217, three capital letters."""

Country = Annotated[str, "country"]
"""ISO 3166-1 alpha-2, two capital letters."""

Unit = Annotated[str, "unit"]
"""UN/ECE Recommendation 20 (and 21, with an X before): ``C62`` is one piece, ``KGM`` a kilogram."""

Gtin = Annotated[str, "gtin"]
"""GS1 Global Trade Item Number: 8, 12, 13 or 14 digits with their check digit."""

Gln = Annotated[str, "gln"]
"""GS1 Global Location Number: 13 digits with their check digit."""

Sscc = Annotated[str, "sscc"]
"""GS1 Serial Shipping Container Code: 18 digits with their check digit."""

Pointer = Annotated[str, "pointer"]
"""A JSON pointer (RFC 6901), not empty: ``/note_attributes/0``."""

Source = Annotated[str, "source"]
"""The name of a source: as an id, without a slash, so that it can stand before a pointer."""

_COUNTRY = re.compile(r"[A-Z]{2}")
_UNIT = re.compile(r"[0-9A-Z]{2,3}")
_POINTER = re.compile(r"(/([^~/]|~[01])*)+")


def _time_problem(text: str) -> str | None:
    try:
        spelled = canonical_time(text)
    except ValueError as error:
        return f"{text[:40]!r} {error}"
    return None if spelled == text else f"{text!r} must be written {spelled}"


def _amount_problem(text: str) -> str | None:
    if text.startswith("-"):
        return f"{text[:40]!r} is negative; what goes back is a return, a cancellation or a credit"
    return decimal_problem(text)


def _currency_problem(text: str) -> str | None:
    return None if text in EXPONENTS else f"{text[:40]!r} is not an ISO 4217 currency in use"


def _country_problem(text: str) -> str | None:
    return None if _COUNTRY.fullmatch(text) else f"{text[:40]!r} is not an ISO 3166-1 alpha-2 code such as DE"


def _unit_problem(text: str) -> str | None:
    if _UNIT.fullmatch(text):
        return None
    return (
        f"{text[:40]!r} is not a unit code of UN/ECE Recommendation 20 such as C62 (piece) or KGM (kilogram)"
    )


def _pointer_problem(text: str) -> str | None:
    if _POINTER.fullmatch(text):
        return None
    return f"{text[:80]!r} is not a JSON pointer such as /note_attributes/0 (RFC 6901)"


def _source_problem(text: str) -> str | None:
    return "has a slash; a source's name has none" if "/" in text else identifier_problem(text)


def gs1_problem(text: str, name: str, *lengths: int) -> str | None:
    """Say what is wrong with a GS1 key, or None.

    The check digit is the last: digits before it are weighted 3 and 1 in turn from the right, and the sum with it is a
    multiple of ten (GS1 General Specifications, section 7.9.1).
    """
    if not (text.isascii() and text.isdigit() and len(text) in lengths):
        return f"{text[:40]!r} is not a {name}: {' or '.join(map(str, lengths))} digits"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(text)))
    return f"{text} is not a {name}: its check digit is wrong" if total % 10 else None


CHECKS: Mapping[str, Callable[[str], str | None]] = {
    "id": identifier_problem,
    "time": _time_problem,
    "decimal": decimal_problem,
    "amount": _amount_problem,
    "currency": _currency_problem,
    "country": _country_problem,
    "unit": _unit_problem,
    "gtin": lambda text: gs1_problem(text, "GTIN", 8, 12, 13, 14),
    "gln": lambda text: gs1_problem(text, "GLN", 13),
    "sscc": lambda text: gs1_problem(text, "SSCC", 18),
    "pointer": _pointer_problem,
    "source": _source_problem,
}
"""By the kind of a text: what says what is wrong with one, or None."""
