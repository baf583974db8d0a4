r"""RFC 8785 canonical JSON (JCS), in full and in plain Python.

Object members are sorted by the UTF-16 code units of their names, nothing is spaced, strings escape
only what they must, and numbers are written as ECMAScript writes them::

    >>> canonical({"b": 1.0, "a": [True, None, "€"]})
    b'{"a":[true,null,"\xe2\x82\xac"],"b":1}'

Events hold integers and strings only, so the recording path encodes them with a library a thousand
times faster (:func:`ordertrail.record.encoding.encode`); a property test holds the two equal. This
module is the reference, and what the offline verifier uses where only ``cryptography`` is installed.
"""

import json
import math
from typing import Any

from ordertrail.kernel.errors import InputError

MAX_INTEGER = 2**53 - 1
"""The largest integer that every JSON reader keeps exactly (RFC 8785 section 3.2.2.3, I-JSON)."""

_escape = json.encoder.encode_basestring
"""Escapes quotation mark, backslash and control characters below U+0020, as RFC 8785 section 3.2.2.2."""


def canonical(value: Any) -> bytes:
    """Return the canonical UTF-8 bytes of a JSON value.

    Raises InputError for what JSON or I-JSON cannot hold: NaN, infinities, integers beyond 2**53 - 1,
    lone surrogates, names that are not strings.
    """
    try:
        return _text(value).encode()
    except UnicodeEncodeError:
        raise InputError("a lone surrogate is not Unicode text (RFC 8785 section 3.2.2.2)") from None


def _text(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return _escape(value)
        case int():
            return _integer(value)
        case float():
            return ecmascript_number(value)
        case list() | tuple():
            return "[" + ",".join(map(_text, value)) + "]"
        case dict():
            members = sorted(value.items(), key=_utf16_order)
            return "{" + ",".join(f"{_escape(name)}:{_text(member)}" for name, member in members) + "}"
        case _:
            raise InputError(f"{type(value).__name__} is not a JSON value")


def _utf16_order(member: tuple[Any, Any]) -> bytes:
    name = member[0]
    if not isinstance(name, str):
        raise InputError(f"a member's name must be text, not {type(name).__name__}")
    return name.encode("utf-16-be", "surrogatepass")


def _integer(value: int) -> str:
    if abs(value) > MAX_INTEGER:
        raise InputError(
            f"{value} is beyond 2**53 - 1, which other JSON readers would round; send it as text"
        )
    return str(value)


def ecmascript_number(value: float) -> str:
    """Write a double as ECMAScript's Number::toString does (ECMA-262 section 6.1.6.1.20).

    Python's ``repr`` finds the same shortest digits; only where the point and the exponent go differs.
    """
    if not math.isfinite(value):
        raise InputError(f"{value} is not a JSON number")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    leading = len(whole + fraction) - len(digits)
    point = len(whole) - leading + int(exponent or 0)
    digits = digits.rstrip("0")
    count = len(digits)
    if count <= point <= 21:
        return sign + digits.ljust(point, "0")
    if 0 < point <= 21:
        return sign + digits[:point] + "." + digits[point:]
    if -6 < point <= 0:
        return sign + "0." + "0" * -point + digits
    tail = f"e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return sign + digits[0] + ("." + digits[1:] if count > 1 else "") + tail
