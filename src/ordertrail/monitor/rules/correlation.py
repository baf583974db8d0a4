"""Correlations: what pySigma parsed of a rule about several events, as our own."""

from fractions import Fraction

from sigma.correlations import (
    CorrelationConditionAND,
    CorrelationConditionItem,
    CorrelationConditionNOT,
    CorrelationConditionOR,
    SigmaCorrelationCondition,
    SigmaCorrelationConditionOperator,
    SigmaCorrelationRule,
    SigmaCorrelationType,
    SigmaExtendedCorrelationCondition,
    SigmaRuleReference,
)

from ordertrail.kernel.errors import Problem
from ordertrail.monitor.rules.custom import single_field
from ordertrail.monitor.rules.expression import Compare
from ordertrail.monitor.rules.fields import field_named
from ordertrail.monitor.rules.lines import Document
from ordertrail.monitor.rules.rule import (
    DAY,
    LONGEST_SPAN,
    MOST_IN_GROUP,
    About,
    Absent,
    AllOf,
    AnyOf,
    Correlation,
    Here,
    Kind,
    Leg,
    Presence,
    Threshold,
)

MOST_LEGS = 16
"""Rules of the largest correlation."""

_KINDS = {
    SigmaCorrelationType.EVENT_COUNT: Kind.EVENT_COUNT,
    SigmaCorrelationType.VALUE_COUNT: Kind.VALUE_COUNT,
    SigmaCorrelationType.VALUE_SUM: Kind.VALUE_SUM,
    SigmaCorrelationType.VALUE_AVG: Kind.VALUE_AVERAGE,
    SigmaCorrelationType.TEMPORAL: Kind.TEMPORAL,
    SigmaCorrelationType.TEMPORAL_ORDERED: Kind.TEMPORAL_ORDERED,
}
_OPERATORS = {
    SigmaCorrelationConditionOperator.LT: Compare.LESS,
    SigmaCorrelationConditionOperator.LTE: Compare.MOST,
    SigmaCorrelationConditionOperator.GT: Compare.MORE,
    SigmaCorrelationConditionOperator.GTE: Compare.LEAST,
    SigmaCorrelationConditionOperator.EQ: Compare.EQUAL,
    SigmaCorrelationConditionOperator.NEQ: Compare.UNEQUAL,
}
_OF_VALUES = {Kind.VALUE_COUNT, Kind.VALUE_SUM, Kind.VALUE_AVERAGE}
_OF_LEGS = {Kind.TEMPORAL, Kind.TEMPORAL_ORDERED}


def read_correlation(
    document: Document, rule: SigmaCorrelationRule, about: About, problems: list[Problem]
) -> Correlation | None:
    """Return a correlation; None, and why in ``problems``, where it cannot be watched."""
    kind = _KINDS.get(rule.type)
    if kind is None:
        told = rule.type.name.lower()
        known = ", ".join(one.name.lower() for one in _KINDS)
        problems.append(
            document.problem(f"{told} is not watched here; there are {known}", "correlation", "type")
        )
        return None
    before = len(problems)
    span = rule.timespan.seconds * 1_000_000
    if span > LONGEST_SPAN:
        told = f"{rule.timespan.spec} is longer than {LONGEST_SPAN // DAY} days: a window without a bound"
        problems.append(document.problem(told, "correlation", "timespan"))
    presence = _presence(document, rule, kind, problems)
    names = _names(rule, presence)
    threshold, value = _threshold(document, rule, kind, problems)
    if not 1 <= len(names) <= MOST_LEGS:
        problems.append(document.problem(f"asks 1 to {MOST_LEGS} rules", "correlation", "rules"))
    if len(set(names)) < 2 and kind in _OF_LEGS:
        problems.append(document.problem("asks at least two different rules", "correlation", "rules"))
    legs = _legs(document, rule, names, value, problems)
    if len(problems) > before:
        return None
    group = tuple(rule.group_by or ())
    speaks = bool(rule.generate)
    return Correlation(about, kind, legs, group, span, threshold, presence, speaks_for_legs=speaks)


def _names(rule: SigmaCorrelationRule, presence: Presence | None) -> list[str]:
    if rule.rules:
        return [reference.reference for reference in rule.rules]
    condition = rule.condition
    if presence is not None and isinstance(condition, SigmaExtendedCorrelationCondition):
        return condition.get_referenced_rules()
    return []


def _legs(
    document: Document,
    rule: SigmaCorrelationRule,
    names: list[str],
    value: str | None,
    problems: list[Problem],
) -> tuple[Leg, ...]:
    aliases: dict[str, dict[str, str]] = {
        one.alias: {reference.reference: field for reference, field in one.mapping.items()}
        for one in rule.aliases
    }
    for alias, mapping in aliases.items():
        problems += [
            document.problem(f"is not among the rules: {name}", "correlation", "aliases", alias)
            for name in mapping.keys() - set(names)
        ]
    legs = []
    for name in dict.fromkeys(names):
        by = []
        for one in rule.group_by or ():
            field = aliases.get(one, {}).get(name, one)
            try:
                by.append(single_field(field))
            except ValueError as error:
                place = ("aliases", one) if one in aliases else ("group-by", one)
                problems.append(document.problem(str(error), "correlation", *place))
        legs.append(Leg(name, tuple(by), value))
    return tuple(legs)


def _threshold(
    document: Document, rule: SigmaCorrelationRule, kind: Kind, problems: list[Problem]
) -> tuple[Threshold | None, str | None]:
    condition = rule.condition
    place = ("correlation", "condition")
    if kind in _OF_LEGS or not isinstance(condition, SigmaCorrelationCondition):
        return None, None
    value: str | None = None
    scale = 1
    if kind in _OF_VALUES:
        if not isinstance(condition.fieldref, str):
            problems.append(document.problem("names the one field whose values are meant", *place))
            return None, None
        value = condition.fieldref
        try:
            scale = _scale(kind, value)
        except ValueError as error:
            problems.append(document.problem(str(error), *place, "field"))
    elif condition.fieldref is not None:
        problems.append(document.problem("counts events, and no field", *place, "field"))
    number = Fraction(str(condition.count)) * scale
    if kind in {Kind.EVENT_COUNT, Kind.VALUE_COUNT} and not 0 < number < MOST_IN_GROUP:
        problems.append(document.problem(f"counts 1 to {MOST_IN_GROUP - 1:,}", *place))
    return Threshold(_OPERATORS[condition.op], number), value


def _scale(kind: Kind, value: str) -> int:
    """Return by what a rule's number is multiplied. Raises ValueError for a field that is not counted or summed up."""
    if kind is Kind.VALUE_COUNT:
        single_field(value)
        return 1
    field = field_named(value)
    if field.numbers is None:
        raise ValueError(f"{value!r} holds texts; sums are of before., after. and delta. fields")
    return field.scale


def _presence(
    document: Document, rule: SigmaCorrelationRule, kind: Kind, problems: list[Problem]
) -> Presence | None:
    if kind not in _OF_LEGS:
        return None
    condition, place = rule.condition, ("correlation", "condition")
    names = list(dict.fromkeys(reference.reference for reference in rule.rules or ()))
    if isinstance(condition, SigmaExtendedCorrelationCondition):
        if kind is Kind.TEMPORAL_ORDERED:
            problems.append(
                document.problem("of an ordered correlation is that all its rules matched", *place)
            )
            return None
        presence = _tree(condition.parsed)
        if names and (unknown := set(condition.get_referenced_rules()) - set(names)):
            problems.append(document.problem(f"asks rules that are not listed: {sorted(unknown)}", *place))
        if presence.holds(frozenset()):
            problems.append(document.problem("is met where nothing happened at all", *place))
        return presence
    whole = Threshold(_OPERATORS[condition.op], Fraction(str(condition.count)))
    enough = {count for count in range(len(names) + 1) if whole.holds(count)}
    if enough != {len(names)}:
        told = f"is left out or is gte {len(names)}: all of its rules; write 'a and not b' for others"
        problems.append(document.problem(told, *place))
    return AllOf(tuple(Here(name) for name in names))


def _tree(parsed: CorrelationConditionItem | SigmaRuleReference) -> Presence:
    match parsed:
        case SigmaRuleReference():
            return Here(parsed.reference)
        case CorrelationConditionAND():
            return AllOf(tuple(_tree(part) for part in parsed.args))
        case CorrelationConditionOR():
            return AnyOf(tuple(_tree(part) for part in parsed.args))
        case CorrelationConditionNOT():
            return Absent(_tree(parsed.args[0]))
    raise TypeError(f"{type(parsed).__name__} is no part of a condition")
