"""A column's values on their way into an event: taken as the driver has them, carried as JSON, told as an event can.

An event holds integers and texts, so some values need a form of their own. What cannot be represented is recorded as
such, never dropped and never rounded:

==================  ===================================================================================
in the database     in the event
==================  ===================================================================================
integer, boolean    as they are; an integer beyond 2**53 - 1 as ``{"unrepresentable": "integer", "text": …}``
decimal             text, with the column's digits after the point: ``"12.50"``
money (by policy)   ``{"amount": minor units, "currency": "EUR"}``
float               ``{"unrepresentable": "float", "text": "0.1"}``
date, time          ISO 8601 text; times with a zone in UTC, times without one as they are
JSON                as it is, floats inside it as above
binary              ``{"binary": {"sha256": …, "length": bytes}}``
other types         ``{"unrepresentable": "<type>", "text": …}``
redacted            ``{"redacted": true}``
a text over 16 KiB  ``{"shortened": its first 1,000 characters, "sha256": …, "length": bytes}``
==================  ===================================================================================

Three functions, in the order in which a value meets them: :func:`is_exact` says whether a value that a statement was
given is the one that the database keeps; :func:`carry` makes JSON of a driver's value while the statement runs, as
cheaply as can be; :func:`tell` makes what stands in the event of it, which happens when the outbox is read.
"""

import hashlib
import json
import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation, localcontext
from itertools import chain
from typing import Any
from uuid import UUID

import msgspec

from ordertrail.capture.schema import LiveColumn
from ordertrail.kernel.canonical import MAX_INTEGER
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.money import parse_money
from ordertrail.record.values import MAX_DEPTH

LONG = 16 * 1024
"""Characters from which on a text is shortened."""

_SHOWN = 1_000
_DIGITS = 200_000
"""Digits of the longest decimal of a database: PostgreSQL's has 131,072 before and 16,383 after the point."""

_WHOLE = frozenset({"text", "opaque", "uuid"})
_PLAIN = frozenset({type(None), bool, int, str, Decimal, datetime, date, time, UUID})


def is_exact(column: LiveColumn, value: object, *, dynamic: bool) -> bool:
    """Say whether the database keeps just this driver's value in this column.

    False says only that it may not, and the row is read again. ``dynamic`` is for SQLite, whose columns take any type.
    """
    if value is None:
        return True
    if column.rounds:
        return False
    if column.kind in _EXACT:
        return type(value) in _EXACT[column.kind][dynamic]
    match value:
        case str() if column.kind in {"text", "opaque"}:
            return column.length is None or len(value) <= column.length
        case str():
            return dynamic and column.kind in _TIMES
        case Decimal() if column.kind == "decimal" and not dynamic:
            places = -int(value.as_tuple().exponent) if value.is_finite() else None
            return places is not None and (column.scale is None or places <= column.scale)
        case datetime() | time() if not dynamic:
            return column.kind in _TIMES and (value.tzinfo is not None) == (column.kind == "timestamptz")
    return column.kind == "decimal" and (type(value) is int or (dynamic and type(value) is float))


def exact_types(column: LiveColumn, *, dynamic: bool) -> frozenset[type]:
    """Return the types of which a column keeps each value just as it is given; of others :func:`is_exact` can say."""
    if column.rounds:
        return _NULL
    if column.kind in {"text", "opaque"} and column.length is None:
        return _NULL | {str}
    return _NULL | _EXACT.get(column.kind or "", (_NULL, _NULL))[dynamic]


_NULL: frozenset[type] = frozenset({type(None)})
_TIMES = frozenset({"timestamp", "time", "timestamptz"})
_EXACT: dict[str, tuple[frozenset[type], frozenset[type]]] = {
    "integer": (frozenset({int}), frozenset({int})),
    "boolean": (frozenset({bool}), frozenset({bool, int})),
    "float": (frozenset({float}), frozenset({float})),
    "date": (frozenset({date}), frozenset({str})),
    "uuid": (frozenset({UUID}), frozenset({UUID, str})),
}
"""Types of values that a column of a kind keeps as they are: in PostgreSQL, and in SQLite."""


def carry_rows(rows: Sequence[tuple[Any, ...]]) -> Sequence[Sequence[Any]]:
    """Make rows of driver's values such that :mod:`msgspec` writes them as JSON without loss.

    Integers need no look: a database hands none out that has more than 64 bits.
    """
    seen = set(map(type, chain.from_iterable(rows)))
    if seen <= _PLAIN and (str not in seen or not any(map(_has_long, rows))):
        return rows
    return [[carry(value) for value in row] for row in rows]


def _has_long(row: tuple[Any, ...]) -> bool:
    return any(type(value) is str and len(value) > LONG for value in row)


def carry(value: Any) -> Any:
    """Make one driver's value such that :mod:`msgspec` writes it as JSON without loss."""
    if isinstance(value, str):
        return _shortened(value) if len(value) > LONG else value
    if isinstance(value, bool | Decimal | datetime | date | time | UUID) or value is None:
        return value
    if isinstance(value, int):
        return value if abs(value) <= MAX_INTEGER else _unrepresentable("integer", value)
    if isinstance(value, float):
        return value if math.isfinite(value) else _unrepresentable("float", value)
    if isinstance(value, bytes | bytearray | memoryview):
        data = bytes(value)
        return {"binary": {"sha256": hashlib.sha256(data).hexdigest(), "length": len(data)}}
    if isinstance(value, dict | list):
        return carry_json(value)
    return _unrepresentable(type(value).__name__, value)


def carry_json(value: Any) -> Any:
    """Make a value of a JSON column such that it is told as JSON; SQLite hands it out as text."""
    if isinstance(value, str | bytes):
        try:
            value = json.loads(value)
        except ValueError:
            return carry(value)
    told = _jsonable(value, 0)
    text = msgspec.json.encode(told)
    return {"json": told} if len(text) <= LONG else _shortened(text.decode())


def carry_opaque(value: Any) -> Any:
    """Make the text of a value whose type an event does not know."""
    return value if value is None else carry(str(value))


def carry_money(amount: Any, currency: Any) -> Any:
    """Make an amount whose currency stands in another column."""
    return amount if amount is None else {"money": [str(amount), str(currency)]}


def _jsonable(value: Any, depth: int) -> Any:
    """Return a JSON value with its floats and its depths as an event can hold them."""
    if isinstance(value, dict):
        if depth + 2 >= MAX_DEPTH:
            return _unrepresentable("nesting", json.dumps(value, default=str))
        return {str(name): _jsonable(one, depth + 1) for name, one in value.items()}
    if isinstance(value, list | tuple):
        if depth + 2 >= MAX_DEPTH:
            return _unrepresentable("nesting", json.dumps(value, default=str))
        return [_jsonable(one, depth + 1) for one in value]
    if isinstance(value, float):
        return _unrepresentable("float", value)
    return carry(value)


def _shortened(text: str) -> dict[str, Any]:
    data = text.encode("utf-8", "backslashreplace")
    return {"shortened": text[:_SHOWN], "sha256": hashlib.sha256(data).hexdigest(), "length": len(data)}


def _unrepresentable(kind: str, value: object) -> dict[str, str]:
    text = str(value)
    return {"unrepresentable": kind, "text": text if len(text) <= _SHOWN else text[:_SHOWN] + "…"}


def tell(kind: str, extra: str | int | None, value: Any) -> Any:
    """Return what stands in an event for a carried value of a column of this kind.

    ``extra`` is a decimal's digits after the point, or a money column's currency.
    """
    if value is None or kind in _WHOLE:
        return _told_whole(value)
    if isinstance(value, dict):
        return _told_dict(value)
    match kind:
        case "boolean":
            return bool(value) if value in {0, 1} else _told_whole(value)
        case "decimal":
            return _told_decimal(value, extra)
        case "money" | "minor":
            return _told_money(value, str(extra), minor=kind == "minor")
        case "timestamp" | "timestamptz":
            return _told_moment(value)
    return _told_whole(value)


def _told_whole(value: Any) -> Any:
    """Return a value that needs no form of its own; a float among integers has one."""
    if isinstance(value, float):
        return _unrepresentable("float", repr(value))
    if isinstance(value, int) and abs(value) > MAX_INTEGER:
        return _unrepresentable("integer", value)
    return value


def _told_dict(value: dict[str, Any]) -> Any:
    if value.keys() == {"json"}:
        return value["json"]
    if value.keys() == {"money"}:
        amount, currency = value["money"]
        return _told_money(amount, currency, minor=False)
    if value.keys() == {"redacted"}:
        return {"redacted": True}
    return value


def _told_decimal(value: Any, scale: str | int | None) -> Any:
    try:
        number = Decimal(repr(value) if isinstance(value, float) else str(value))
    except InvalidOperation:
        return _told_whole(value)
    if not number.is_finite():
        return _unrepresentable("decimal", number)
    if isinstance(scale, int):
        with localcontext(prec=_DIGITS):
            exact = round(number, scale)
        # More digits than the column declares: SQLite keeps what it is given.
        number = exact if isinstance(value, float) or exact == number else number
    return f"{number:f}"


def _told_money(value: Any, currency: str, *, minor: bool) -> Any:
    if minor and isinstance(value, int):
        return {"amount": value, "currency": currency}
    text = repr(value) if isinstance(value, float) else str(value)
    try:
        money = parse_money(text, currency)
    except ValueError:
        return _unrepresentable("money", f"{text} {currency}")
    if abs(money.amount) > MAX_INTEGER:
        return _unrepresentable("money", f"{text} {currency}")
    return {"amount": money.amount, "currency": money.currency}


def _told_moment(value: Any) -> Any:
    """Return a time in its one spelling: UTC where it has a zone, and as it is where it has none."""
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return _told_whole(value)
    if moment.tzinfo is not None:
        return format_time(moment.astimezone(UTC))
    return moment.isoformat(timespec="microseconds")
