"""What a value in an event may be: null, boolean, integer, text, list, object; money, blob, sealed."""

import re
from collections.abc import Iterator
from typing import Any

from ordertrail.kernel.canonical import MAX_INTEGER
from ordertrail.kernel.errors import Problem
from ordertrail.kernel.money import EXPONENTS

MAX_DEPTH = 16
"""Levels of lists and objects inside one value."""

MAX_IDENTIFIER = 512
"""Characters of the longest id; ids are keys of indexes."""

_NOT_IN_IDENTIFIERS = re.compile(r"[\x00-\x1f\x7f]")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def identifier_problem(text: str) -> str | None:
    """Say what is wrong with an id, or None: ids are opaque, but not empty, endless or invisible."""
    if not text:
        return "is empty"
    if len(text) > MAX_IDENTIFIER:
        return f"has {len(text)} characters; ids have at most {MAX_IDENTIFIER}"
    if not text.isprintable() and _NOT_IN_IDENTIFIERS.search(text):
        return "contains a control character"
    return None


def is_plainly_fine(value: Any) -> bool:
    """Say at a glance that a value has no problems: text, null, an integer, or money. False says nothing."""
    kind = type(value)
    if kind is str or value is None:
        return True
    if kind is int:
        return -MAX_INTEGER <= value <= MAX_INTEGER  # type: ignore[no-any-return]
    if kind is dict and len(value) == 2:
        amount, currency = value.get("amount"), value.get("currency")
        return (
            type(amount) is int
            and -MAX_INTEGER <= amount <= MAX_INTEGER
            and type(currency) is str
            and currency in EXPONENTS
        )
    return False


def value_problems(value: Any, path: str, depth: int = 0) -> Iterator[Problem]:
    """Yield everything that keeps a value out of an event, each with its path."""
    match value:
        case None | bool() | str():
            return
        case int():
            if abs(value) > MAX_INTEGER:
                yield Problem(
                    path, "is beyond 2**53 - 1, which other JSON readers would round; send it as text"
                )
        case float():
            yield Problem(path, "is a float; send integers (money in minor units) or text")
        case dict() | list() if depth == MAX_DEPTH:
            yield Problem(path, f"is nested more than {MAX_DEPTH} levels deep")
        case dict():
            if "currency" in value:
                yield from _money_problems(value, path)
            if "blob" in value:
                yield from _blob_problems(value, path)
            for name, member in value.items():
                yield from value_problems(member, f"{path}.{name}", depth + 1)
        case list() | tuple():
            for number, item in enumerate(value):
                yield from value_problems(item, f"{path}.{number}", depth + 1)
        case _:
            yield Problem(path, f"is {type(value).__name__}, which JSON cannot hold")


def _money_problems(value: dict[str, Any], path: str) -> Iterator[Problem]:
    currency, amount = value["currency"], value.get("amount")
    exponent = EXPONENTS.get(currency) if isinstance(currency, str) else None
    if exponent is None:
        yield Problem(f"{path}.currency", f"{currency!r} is not an ISO 4217 currency in use")
    elif value.get("exponent", exponent) != exponent:
        given = value["exponent"]
        yield Problem(f"{path}.exponent", f"{currency} has {exponent} digits after the point, not {given}")
    if "amount" not in value:
        yield Problem(f"{path}.amount", "is missing; money has an amount in minor units")
    elif isinstance(amount, bool) or not isinstance(amount, int | float):
        # Floats are named by the walk over the members.
        yield Problem(f"{path}.amount", f"must be a whole number of minor units, not {type(amount).__name__}")


def _blob_problems(value: dict[str, Any], path: str) -> Iterator[Problem]:
    blob = value["blob"]
    well_formed = (
        len(value) == 1
        and isinstance(blob, dict)
        and blob.keys() == {"sha256", "length"}
        and isinstance(blob["sha256"], str)
        and _SHA256.fullmatch(blob["sha256"]) is not None
        and type(blob["length"]) is int
        and blob["length"] >= 0
    )
    if not well_formed:
        yield Problem(path, 'a blob reference is {"blob": {"sha256": 64 hex digits, "length": bytes}}')
