"""What a channel has and the model has no field for: kept, by its place in the source's document.

A value that an event can hold as it is (:mod:`ordertrail.record.values`: no fractions, no integer beyond 2**53 - 1, no
object that looks like money and is none, no U+0000) is kept so. Any other is kept as its JSON text, in which nothing
is rounded::

    >>> extension_value(["gift"]), extension_value({"weight": Decimal("1.50")})
    (['gift'], {'json': '{"weight":1.50}'})

Read JSON with ``parse_float=Decimal``: a float has lost its digits before it comes here, and is refused.
"""

import json
from decimal import Decimal
from typing import Any

from ordertrail.orders.part import Part
from ordertrail.orders.words import Pointer, Source
from ordertrail.record.values import value_problems

DEPTH = 4
"""Levels that an extension's value stands deep in the events that tell of it; it can be so much less deep itself."""


class Extension(Part, frozen=True):
    """One thing that only this source has. schema.org additionalProperty; UBL ext:UBLExtension."""

    source: Source
    """Whose: ``shopify``."""
    pointer: Pointer
    """Where in its document: a JSON pointer; for EDI ``/BEG/0/3``, for XML the elements' path."""
    value: Any
    """What stands there, made by :func:`extension_value`."""

    @property
    def name(self) -> str:
        """What it is known by within an order: ``shopify/note_attributes/0``."""
        return self.source + self.pointer


def extension_value(value: Any) -> Any:
    """Return what stands in an extension for a JSON value of any kind. Raises ValueError for floats and non-JSON.

    :func:`source_value` gives the value back, digit by digit.
    """
    if _is_wrapped(value) or not _is_clean(value) or any(value_problems(value, "", DEPTH)):
        return {"json": _text(value)}
    return value


def source_value(value: Any) -> Any:
    """Return the JSON value that :func:`extension_value` was given; fractions are Decimal."""
    return json.loads(value["json"], parse_float=Decimal) if _is_wrapped(value) else value


def _is_wrapped(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"json"} and isinstance(value["json"], str)


def _is_clean(value: Any) -> bool:
    """Say whether all texts are Unicode and all values JSON without fractions."""
    match value:
        case str():
            return "\x00" not in value and (
                value.isascii() or not any("\ud800" <= one <= "\udfff" for one in value)
            )
        case list():
            return all(map(_is_clean, value))
        case dict():
            return all(isinstance(name, str) and _is_clean(name) for name in value) and all(
                map(_is_clean, value.values())
            )
        case _:
            return value is None or isinstance(value, bool | int)


def _text(value: Any) -> str:
    """Write JSON in ASCII, decimals digit by digit."""
    match value:
        case Decimal() if value.is_finite():
            text = str(value)
            return text if "." in text or "E" in text else f"{text}E0"
        case None | bool() | int() | str():
            return json.dumps(value)
        case list():
            return "[" + ",".join(map(_text, value)) + "]"
        case dict() if all(isinstance(name, str) for name in value):
            return "{" + ",".join(f"{json.dumps(name)}:{_text(one)}" for name, one in value.items()) + "}"
        case float():
            raise ValueError(
                f"{value!r} is a float: read the source with parse_float=Decimal, so that no digit is lost"
            )
        case _:
            raise ValueError(f"{type(value).__name__} is not a JSON value")
