"""Detections: what pySigma parsed of a rule about one event, as a tree of our own conditions."""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule
from sigma.types import (
    CompareOperators,
    Placeholder,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaRegularExpressionFlag,
    SigmaString,
    SpecialChars,
)

from ordertrail.kernel.errors import InputError, Problem
from ordertrail.monitor.rules.custom import read_filter
from ordertrail.monitor.rules.expression import All, Compare, Either, Meant, Node, Not, Number, Present, Text
from ordertrail.monitor.rules.fields import RuleField, field_named
from ordertrail.monitor.rules.lines import Document
from ordertrail.monitor.rules.patterns import Pattern, Shape, network, regular, wildcards
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.filters.terms import Word
from ordertrail.query.projection import LARGEST

MOST_PARTS = 2_000
"""Conditions of the largest rule: a list of so many values is for a list that a rule need not hold."""

FILTER = "filter"
"""The name of what is no field, but terms of the grammar of filters."""

_COMPARE = {
    CompareOperators.LT: Compare.LESS,
    CompareOperators.LTE: Compare.MOST,
    CompareOperators.GT: Compare.MORE,
    CompareOperators.GTE: Compare.LEAST,
    CompareOperators.NEQ: Compare.UNEQUAL,
}


def read_detection(document: Document, rule: SigmaRule, problems: list[Problem]) -> Node | None:
    """Return what a rule asks of an event; None, and why in ``problems``, where it cannot be asked."""
    conditions = rule.detection.parsed_condition
    reader = _Reader(document, problems)
    nodes = []
    for condition in conditions:
        try:
            nodes.append(reader.node(condition.parsed))
        except SigmaError as error:
            problems.append(document.blamed(str(error), "detection", "condition"))
        except RecursionError:
            problems.append(document.problem("is nested too deeply", "detection", "condition"))
    if problems or not nodes:
        return None
    return nodes[0] if len(nodes) == 1 else Either(tuple(nodes))


class _Reader:
    """Turns a parsed condition into nodes, and collects what cannot be turned, with its line."""

    def __init__(self, document: Document, problems: list[Problem]) -> None:
        self._document = document
        self._problems = problems
        self._parts = 0

    def node(self, parsed: Any) -> Node:
        """Return a parsed part as a node."""
        self._parts += 1
        if self._parts == MOST_PARTS:
            self._problems.append(
                self._document.problem(f"has more than {MOST_PARTS:,} conditions", "detection")
            )
        if self._parts >= MOST_PARTS:
            return All(())
        match parsed:
            case ConditionAND():
                return All(tuple(self.node(part) for part in parsed.args))
            case ConditionOR():
                return _merged([self.node(part) for part in parsed.args])
            case ConditionNOT():
                return Not(self.node(parsed.args[0]))
            case ConditionFieldEqualsValueExpression():
                return self._told(parsed.field, lambda: _condition(parsed.field, parsed.value))
            case ConditionValueExpression():
                return self._told(None, lambda: _keyword(parsed.value))
        raise SigmaError(f"{type(parsed).__name__} is no condition that is known here")

    def _told(self, field: str | None, read: Callable[[], Node]) -> Node:
        try:
            return read()
        except ValueError as error:
            self._blame(field, str(error))
        except InputError as error:
            for problem in error.problems:
                self._blame(field, problem.message)
        return All(())

    def _blame(self, field: str | None, message: str) -> None:
        path: Sequence[str] = ("detection",)
        if field is not None:
            found = (one for one in self._document.lines if _names(one, field))
            path = next(found, path)
        problem = self._document.problem(message, *path)
        if problem not in self._problems:
            self._problems.append(problem)


def _names(path: tuple[str, ...], field: str) -> bool:
    return len(path) > 2 and path[0] == "detection" and path[-1].split("|")[0] == field


def _merged(parts: list[Node]) -> Node:
    """Return parts of which any may hold; patterns of one field are looked for together."""
    texts: dict[str, list[Pattern]] = {}
    others: list[Node] = []
    for part in parts:
        if isinstance(part, Text):
            texts.setdefault(part.field, []).extend(part.patterns)
        else:
            others.append(part)
    told = [Text(field, tuple(dict.fromkeys(patterns))) for field, patterns in texts.items()]
    nodes = (*told, *others)
    return nodes[0] if len(nodes) == 1 else Either(nodes)


def _condition(name: str, value: Any) -> Node:
    if name == FILTER:
        if not isinstance(value, SigmaString):
            raise ValueError("filter takes texts: terms of the grammar of filters, without modifiers")
        return read_filter(value.original)
    field = field_named(name)
    match value:
        case SigmaExpansion():
            return _merged([_condition(name, one) for one in value.values])
        case SigmaExists():
            return Present(name) if value.exists else Not(Present(name))
        case SigmaNull():
            return Not(Present(name))
        case SigmaNumber() if field.numbers is not None:
            return Number(name, Compare.EQUAL, _number(field, value))
        case SigmaCompareExpression():
            return Number(name, _COMPARE[value.op], _number(field, value.number))
        case _:
            return Text(name, (_pattern(name, value),))


def _pattern(name: str, value: Any) -> Pattern:
    if name.startswith("delta."):
        raise ValueError(f"{name!r} is a number; compare it with |gt, |gte, |lt or |lte")
    match value:
        case SigmaString():
            return _text(value)
        case SigmaRegularExpression():
            return _regular(value)
        case SigmaCIDRExpression():
            return network(value.cidr)
        case SigmaBool():
            return Pattern(Shape.WHOLE, "yes" if value.boolean else "no")
        case SigmaNumber():
            return Pattern(Shape.WHOLE, str(value.number))
    told = type(value).__name__.removeprefix("Sigma")
    raise ValueError(f"{name!r} is compared by a modifier that is not known here ({told})")


def _text(value: SigmaString) -> Pattern:
    cased = isinstance(value, SigmaCasedString)
    parts = list(_parts(value))
    if not parts:
        return Pattern(Shape.WHOLE, "", cased)
    return wildcards(parts, cased=cased)


def _parts(value: SigmaString) -> Iterator[str | None]:
    for part in value.s:
        match part:
            case SpecialChars.WILDCARD_MULTI:
                yield None
            case SpecialChars.WILDCARD_SINGLE:
                yield ""
            case Placeholder():
                raise ValueError(f"%{part.name}% stands for what nobody says here; write the values")
            case _:
                yield str(part)


def _regular(value: SigmaRegularExpression) -> Pattern:
    text = value.regexp.original
    flags = {
        SigmaRegularExpressionFlag.MULTILINE: "m",
        SigmaRegularExpressionFlag.DOTALL: "s",
    }
    said = "".join(letter for flag, letter in flags.items() if flag in value.flags)
    cased = SigmaRegularExpressionFlag.IGNORECASE not in value.flags
    return regular(f"(?{said}){text}" if said else text, cased=cased)


def _number(field: RuleField, value: SigmaNumber) -> int:
    if field.numbers is None:
        raise ValueError(
            f"{field.name!r} holds texts; numbers are in after.FIELD, before.FIELD and delta.FIELD"
        )
    scaled = Decimal(str(value.number)) * field.scale
    if scaled != scaled.to_integral_value() or abs(scaled) > LARGEST:
        unit = "minor units are whole" if field.scale == 1 else "six digits after the point are kept"
        raise ValueError(f"{value.number} is finer or larger than what {field.name!r} holds: {unit}")
    return int(scaled)


def _keyword(value: Any) -> Node:
    if isinstance(value, SigmaNumber):
        return Meant(Filter((Word(str(value.number)),)))
    if not isinstance(value, SigmaString):
        raise ValueError("a keyword is a text; other values need the name of a field")  # noqa: TRY004
    texts = [part for part in _parts(value) if part]
    if not texts or any(part == "" for part in _parts(value)):
        raise ValueError("a keyword is a text, with * at most; ? and an empty text mean nothing here")
    nodes = tuple(Meant(Filter((Word(text),))) for text in texts)
    return nodes[0] if len(nodes) == 1 else All(nodes)
