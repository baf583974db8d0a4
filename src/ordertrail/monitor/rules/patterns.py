"""Texts that a rule looks for: whole, by their parts, by a pattern, or as a network.

Sigma compares without regard to case. Here that is the case of ASCII's letters, because Python, SQLite and PostgreSQL
agree about these and about no others. Regular expressions run in time that is linear in the text (RE2). Those that
would not in another engine (a repetition within a repetition) are refused all the same: rules travel.
"""

import ipaddress
import re
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from importlib import import_module
from typing import Any

import re2

_constants: Any = import_module("re._constants")
_parser: Any = import_module("re._parser")
"""Python's own reader of regular expressions: it has no public name."""

LONGEST_EXPRESSION = 1_000
"""Characters of the longest regular expression."""

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_REPEATS = (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT)


class Shape(Enum):
    """How a text is compared."""

    WHOLE = "is"
    BEGINS = "begins with"
    ENDS = "ends with"
    HAS = "has in it"
    PATTERN = "fits"
    NETWORK = "is in the network"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A text that is looked for. ``cased`` minds the case; of a pattern, ``text`` is a regular expression of RE2."""

    shape: Shape
    text: str
    cased: bool = False

    def test(self) -> Callable[[str], bool]:
        """Return what says whether a value is meant."""
        if self.shape is Shape.PATTERN:
            search = _expression(self.text, cased=self.cased).search
            return lambda value: search(value) is not None
        if self.shape is Shape.NETWORK:
            return _within(ipaddress.ip_network(self.text))
        told = self.text if self.cased else lower(self.text)
        compare = _COMPARE[self.shape]
        if self.cased:
            return lambda value: compare(value, told)
        return lambda value: compare(lower(value), told)

    def words(self) -> str:
        """Return it as a part of a sentence."""
        return f"{self.shape.value} “{self.text}”"


def lower(text: str) -> str:
    """Return a text with ASCII's capitals made small, and nothing else changed."""
    return text.lower() if text.isascii() else text.translate(_LOWER)


_COMPARE: dict[Shape, Callable[[str, str], bool]] = {
    Shape.WHOLE: lambda value, told: value == told,
    Shape.BEGINS: lambda value, told: value.startswith(told),
    Shape.ENDS: lambda value, told: value.endswith(told),
    Shape.HAS: lambda value, told: told in value,
}


def regular(text: str, *, cased: bool = True) -> Pattern:
    """Return the pattern of a regular expression. Raises ValueError where it is none, or could run away."""
    if len(text) > LONGEST_EXPRESSION:
        raise ValueError(f"a regular expression has at most {LONGEST_EXPRESSION} characters, not {len(text)}")
    try:
        _expression(text, cased=cased)
    except re2.error as error:
        raise ValueError(f"is no regular expression of RE2: {_said(error)}") from None
    runaway = _runaway(text)
    if runaway is not None:
        raise ValueError(f"is a catastrophic regular expression: {runaway}")
    return Pattern(Shape.PATTERN, text, cased=cased)


def wildcards(parts: list[str | None], *, cased: bool) -> Pattern:
    """Return the pattern of a text with wildcards: None stands for any text, an empty text for any one character."""
    texts = [part for part in parts if part is not None]
    if len(texts) == 1 and texts[0] and len(parts) <= 3:
        shape = {
            (False, False): Shape.WHOLE,
            (False, True): Shape.BEGINS,
            (True, False): Shape.ENDS,
            (True, True): Shape.HAS,
        }[parts[0] is None, parts[-1] is None]
        return Pattern(shape, texts[0], cased)
    told = "".join(
        "(?s:.*)" if part is None else "(?s:.)" if part == "" else re2.escape(part) for part in parts
    )
    # ASCII's letters only, as everywhere here: RE2's own flag would know others too.
    return Pattern(Shape.PATTERN, f"^(?:{told if cased else _either_case(parts)})$", cased=True)


def network(text: str) -> Pattern:
    """Return the pattern of a network in CIDR notation. Raises ValueError where it is none."""
    return Pattern(Shape.NETWORK, str(ipaddress.ip_network(text)))


def _either_case(parts: list[str | None]) -> str:
    def letters(text: str) -> Iterator[str]:
        for one in text:
            if one in string.ascii_letters:
                yield f"[{one.lower()}{one.upper()}]"
            else:
                yield re2.escape(one)

    return "".join(
        "(?s:.*)" if part is None else "(?s:.)" if part == "" else "".join(letters(part)) for part in parts
    )


def _expression(text: str, *, cased: bool) -> Any:
    options = re2.Options()
    options.case_sensitive = cased
    options.log_errors = False
    options.max_mem = 1 << 20
    return re2.compile(text, options)


def _said(error: Exception) -> str:
    told = error.args[0] if error.args else error
    return told.decode(errors="replace") if isinstance(told, bytes) else str(told)


def _within(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> Callable[[str], bool]:
    def test(value: str) -> bool:
        try:
            return ipaddress.ip_address(value) in network
        except ValueError:
            return False

    return test


def _runaway(text: str) -> str | None:
    """Say why a backtracking engine could take exponential time with an expression; None where it could not."""
    try:
        parsed = _parser.parse(text)
    except (re.error, RecursionError, OverflowError):
        return None  # RE2 reads it, in its own way: its own bound on time holds
    return _repeated(parsed, within=False)


def _repeated(parsed: Any, *, within: bool) -> str | None:
    for operation, argument in parsed:
        endless = False
        if operation in _REPEATS:
            _least, most, inner = argument
            endless = most is _constants.MAXREPEAT
            if endless and within:
                return "a repetition without an end stands in another one"
            if endless and _overlapping(inner):
                return "alternatives that may begin alike are repeated without an end"
        for part in _parts(operation, argument):
            found = _repeated(part, within=within or endless)
            if found is not None:
                return found
    return None


def _parts(operation: Any, argument: Any) -> Iterator[Any]:
    if operation in _REPEATS:
        yield argument[2]
    elif operation is _constants.SUBPATTERN:
        yield argument[3]
    elif operation is _constants.BRANCH:
        yield from argument[1]
    elif operation is _constants.ATOMIC_GROUP:
        yield argument


def _overlapping(parsed: Any) -> bool:
    """Say whether what is repeated has alternatives of which two may begin with the same character."""
    for operation, argument in parsed:
        if operation is _constants.BRANCH:
            firsts = [branch[0] if len(branch) else None for branch in argument[1]]
            literals = [one[1] for one in firsts if one is not None and one[0] is _constants.LITERAL]
            if len(literals) != len(firsts) or len(set(literals)) != len(literals):
                return True
        if any(_overlapping(part) for part in _parts(operation, argument)):
            return True
    return False
