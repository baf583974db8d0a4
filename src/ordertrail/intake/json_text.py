"""JSON, read strictly and within bounds: UTF-8, no name twice in an object, no fraction made a float, no bomb."""

import json
from collections import Counter
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from ordertrail.intake.faults import Code, Fault, FaultyError

LARGEST: Final = 64 * 1024 * 1024
"""Bytes of the largest document that is read whole."""

DEEPEST: Final = 64
"""Levels of the deepest."""

MOST: Final = 2_000_000
"""Objects and lists of one document, of which an empty one takes two bytes of text and fifty of memory."""


def json_tree(body: bytes) -> Any:
    """Return the tree of a JSON text; fractions are Decimal. Raises FaultyError for what is none."""
    if len(body) > LARGEST:
        raise FaultyError(
            Fault(Code.TOO_LARGE, "", f"{len(body)} bytes are more than the {LARGEST} that are read")
        )
    data = bytes(body)
    if data.count(b"[") + data.count(b"{") > MOST:
        raise FaultyError(Fault(Code.TOO_LARGE, "", f"it has over {MOST} objects and lists"))
    try:
        tree = json.loads(
            data.decode("utf-8-sig"),
            parse_float=Decimal,
            parse_constant=_refused,
            object_pairs_hook=_once,
        )
    except UnicodeDecodeError as error:
        raise FaultyError(Fault(Code.UNREADABLE, "", f"byte {error.start} is not UTF-8")) from None
    except json.JSONDecodeError as error:
        message = f"line {error.lineno}, column {error.colno}: {error.msg}"
        raise FaultyError(Fault(Code.UNREADABLE, "", f"not JSON: {message}")) from None
    except RecursionError:
        raise FaultyError(Fault(Code.TOO_LARGE, "", "nested too deep to be read")) from None
    except InvalidOperation:
        raise FaultyError(
            Fault(Code.TOO_LARGE, "", "a number has an exponent too large to be read")
        ) from None
    except ValueError as error:
        raise FaultyError(Fault(Code.UNREADABLE, "", f"not JSON: {error}")) from None
    if depth_over(tree, DEEPEST):
        raise FaultyError(Fault(Code.TOO_LARGE, "", f"nested over {DEEPEST} levels deep"))
    return tree


def depth_over(tree: Any, deepest: int) -> bool:
    """Say whether a tree is deeper than so many levels, without going deeper."""
    level = [tree]
    for _ in range(deepest):
        level = [
            below
            for one in level
            if isinstance(one, dict | list)
            for below in (one.values() if isinstance(one, dict) else one)
            if isinstance(below, dict | list)
        ]
        if not level:
            return False
    return True


def _refused(word: str) -> Any:
    raise ValueError(f"{word} is not a number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        raise ValueError(f"the name {twice[:80]!r} stands twice in one object")
    return found
