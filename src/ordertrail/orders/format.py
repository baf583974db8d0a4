"""An order's JSON: one spelling for each order.

The bytes are RFC 8785 canonical JSON; what is absent is left out. Reading is strict: what :func:`parse_order` accepts,
:func:`format_order` writes again to the same bytes, so that equal orders have equal hashes. :func:`order_of` reads an
order in any other spelling (from a test, a person, an older tool) and refuses what is not one.
"""

import json
from typing import Any, NoReturn

import msgspec

from ordertrail.kernel.errors import InputError, Problem
from ordertrail.orders.model import Order
from ordertrail.orders.problems import order_problems
from ordertrail.record.encoding import encode
from ordertrail.record.shape import shape_problems

LONGEST = 16 * 1024 * 1024
"""Bytes of the longest order that is looked at at all."""

_decode = msgspec.json.Decoder(Order).decode


def format_order(order: Order) -> bytes:
    """Return an order's canonical bytes. Raises InputError for what :func:`parse_order` would refuse."""
    problems = sorted(order_problems(order))
    if problems:
        raise _refusal(problems)
    try:
        return encode(order)
    except UnicodeEncodeError:
        raise InputError("an order holds a lone surrogate, which is not Unicode text") from None


def parse_order(data: bytes) -> Order:
    """Read an order from its canonical bytes. Raises InputError with every problem, each with its path."""
    order = order_of(data)
    again = encode(order)
    if again != data:
        _refuse_spelling(data, again)
    return order


def order_of(data: bytes) -> Order:
    """Read an order from JSON in any spelling. Raises InputError with every problem, each with its path.

    A member that is given twice is read as the last; :func:`parse_order` refuses it.
    """
    if len(data) > LONGEST:
        raise InputError(f"{len(data):,} bytes long; the longest order taken is {LONGEST:,} bytes")
    try:
        order = _decode(data)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
        _refuse_shape(data, error)
    problems = sorted(order_problems(order))
    if problems:
        raise _refusal(problems)
    return order


def _refusal(problems: list[Problem]) -> InputError:
    return InputError(
        problems,
        meaning="This is not an order of the canonical model; nothing was stored or recorded.",
        remedy="Correct what is named; docs/reference/orders.md has every field.",
    )


def _refuse_shape(data: bytes, error: Exception) -> NoReturn:
    """Raise InputError with every problem of the shape, not only the first."""
    try:
        plain = json.loads(data)
    except UnicodeDecodeError as wrong:
        raise _refusal([Problem("", f"is not UTF-8: byte {wrong.start}")]) from None
    except json.JSONDecodeError as wrong:
        raise _refusal([Problem("", f"is not JSON: {wrong.msg} at character {wrong.pos}")]) from None
    except (RecursionError, ValueError):
        raise _refusal([Problem("", "is nested too deeply or holds numbers too long to be read")]) from None
    problems = sorted(shape_problems(plain, Order))
    raise _refusal(problems or [Problem("", f"is not an order: {error}")]) from None


def _refuse_spelling(data: bytes, again: bytes) -> NoReturn:
    """Raise InputError that says where bytes are not the one spelling of the order that they hold."""
    path, what = _difference(json.loads(data), json.loads(again), "") or ("", "")
    if not what:
        place = next(
            (place for place, (one, other) in enumerate(zip(data, again, strict=False)) if one != other),
            min(len(data), len(again)),
        )
        what = (
            f"is not in canonical form from byte {place} on: spaces, the sequence of members, a member given twice, "
            "or an escape"
        )
    raise InputError(
        Problem(path, what),
        meaning="It is an order, but in another spelling than its one; its hash would be another.",
        remedy="Read it with order_of and write it with format_order.",
    )


def _difference(given: Any, canonical: Any, path: str) -> tuple[str, str] | None:
    """Return where and how two JSON values differ first; None where they are equal."""
    prefix = f"{path}." if path else ""
    if isinstance(given, dict) and isinstance(canonical, dict):
        for name, value in given.items():
            if name not in canonical:
                return (
                    prefix + name,
                    "is not part of the canonical form: empty, a default, or not a field here",
                )
            found = _difference(value, canonical[name], prefix + name)
            if found:
                return found
        missing = [name for name in canonical if name not in given]
        return (prefix + missing[0], "is missing") if missing else None
    if isinstance(given, list) and isinstance(canonical, list) and len(given) == len(canonical):
        places = enumerate(zip(given, canonical, strict=True))
        found_all = (_difference(one, other, f"{prefix}{place}") for place, (one, other) in places)
        return next((found for found in found_all if found), None)
    return None if given == canonical else (path, "is not written in its one spelling")
