"""Expressions of rules: the Common Expression Language, which can neither loop for ever nor touch anything outside.

Compiled once. What they are about is handed over once for all rules of an order: that is what costs.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import cel

from ordertrail.intake.rules.checks import FUNCTIONS

LONGEST = 2_000
"""Characters of the longest expression."""

NAMES = frozenset({"order", "before", "account", "found"})
"""What an expression may speak of, beside the rule's limit."""

_TEXT = r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')"""
_QUOTED = re.compile(_TEXT)
_LIMIT = re.compile(_TEXT + r"|\blimit\b")
"""A text, or the rule's own number outside of one."""
_FIELD = re.compile(r"\b(?:order|before)\b(?!\s*[!=]=\s*null\b)(?:\.(\w+)|)")
"""Where it speaks of a field of the order, or of the order as a whole."""
_BOUND = re.compile(r"\.(?:all|exists|exists_one|map|filter)\(\s*(\w+)\s*,")
"""Where a macro names the element of a list."""


class UntellableError(Exception):
    """An expression has no value here: a field is absent, kinds do not fit, a number is divided by zero."""


class Facts:
    """What the expressions of one order speak of."""

    __slots__ = ("_context",)

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._context = cel.Context(dict(values))
        for name, function in FUNCTIONS.items():
            self._context.add_function(name, function)

    def of(self, program: Any) -> Any:
        """Return the value of a compiled expression about them. Raises what CEL raises."""
        return program.execute(self._context)


class Expression:
    """One expression of a rule. Raises ValueError, saying what is wrong, for a text that is none.

    ``limit`` is written into it before it is compiled: a context that changes between rules would cost ten times as
    much as the rules: ``source`` is the text with it. ``fields`` are those of the order that it speaks of, None where
    it may be any.
    """

    __slots__ = ("_program", "fields", "source", "text")

    def __init__(self, text: str, limit: int | None = None) -> None:
        if len(text) > LONGEST:
            raise ValueError(f"an expression has at most {LONGEST} characters, and this one {len(text)}")
        self.text = text
        self.source = _LIMIT.sub(lambda found: found[1] or _literal(limit), text)
        self._program = cel.compile(self.source)
        unknown = set(self._program.variables()) - NAMES - {found[1] for found in _BOUND.finditer(text)}
        if unknown:
            names = ", ".join(sorted(NAMES))
            raise ValueError(f"{', '.join(sorted(unknown))} is unknown; rules speak of {names} and limit")
        named = [found[1] for found in _FIELD.finditer(_QUOTED.sub("", text))]
        self.fields = None if None in named else frozenset(named)

    def truth(self, facts: Facts) -> bool:
        """Return whether it is true. Raises UntellableError where it is neither true nor false."""
        value = self.value(facts)
        if not isinstance(value, bool):
            raise UntellableError(f"it is {value!r}, and neither true nor false")
        return value

    def value(self, facts: Facts) -> Any:
        """Return its value. Raises UntellableError where it has none."""
        try:
            return facts.of(self._program)
        except KeyError as error:
            raise UntellableError(f"there is no {error.args[0]}") from None
        except (IndexError, TypeError, ValueError, ArithmeticError, RuntimeError) as error:
            raise UntellableError(str(error).partition(".")[0]) from None


class Together:
    """Conditions asked as one expression: most orders break no rule, and one answer says so.

    Each condition is a pair: when it counts, and what must be true then.
    """

    __slots__ = ("_program",)

    def __init__(self, conditions: Iterable[tuple[Expression, Expression]]) -> None:
        # A line end after each text: it may end in a comment.
        told = (f"(({one.source}\n) ? ({other.source}\n) == true : true)" for one, other in conditions)
        self._program: cel.Program | None
        try:
            self._program = cel.compile(" && ".join(told))
        except ValueError:  # each is an expression; all of them may be more than one can be
            self._program = None

    def hold(self, facts: Facts) -> bool:
        """Return whether all hold for certain. Where one does not, or cannot be told, each is to be asked by itself."""
        try:
            return self._program is not None and facts.of(self._program) is True
        except (LookupError, TypeError, ValueError, ArithmeticError, RuntimeError):
            return False


def _literal(limit: int | None) -> str:
    if limit is None:
        raise ValueError("it speaks of a limit, and the rule has none")
    return f"({limit})"
