"""A rule in English: what it looks for, and how long and how much."""

from ordertrail.monitor.rules.rule import (
    Absent,
    AllOf,
    AnyOf,
    Correlation,
    Detection,
    Here,
    Kind,
    Presence,
    Rule,
)

_UNITS = (("day", 86_400_000_000), ("hour", 3_600_000_000), ("minute", 60_000_000), ("second", 1_000_000))


def asked(rule: Rule) -> str:
    """Return what a rule looks for, as a sentence without its end."""
    if isinstance(rule, Detection):
        return f"an event of which {rule.node.words()}"
    return _correlation(rule)


def span_words(span: int) -> str:
    """Return a span of microseconds as people say it: ``15 minutes``."""
    for name, size in _UNITS:
        if span >= size and span % size == 0:
            count = span // size
            return f"{count} {name}{'s' if count > 1 else ''}"
    return f"{span / 1_000_000} seconds"


def _correlation(rule: Correlation) -> str:
    names = " or ".join(leg.rule for leg in rule.legs)
    by = f", by {' and '.join(rule.group)}" if rule.group else ""
    within = f"within {span_words(rule.span)}{by}"
    value = rule.legs[0].value
    limit = "" if rule.threshold is None else rule.threshold.words()
    match rule.kind:
        case Kind.EVENT_COUNT:
            return f"{limit} events of {names} {within}"
        case Kind.VALUE_COUNT:
            return f"{limit} different values of {value} in events of {names} {within}"
        case Kind.VALUE_SUM:
            return f"a sum of {value} that is {limit} in events of {names} {within}"
        case Kind.VALUE_AVERAGE:
            return f"an average of {value} that is {limit} in events of {names} {within}"
        case Kind.TEMPORAL_ORDERED:
            return f"{', then '.join(leg.rule for leg in rule.legs)} {within}"
        case Kind.FIRST:
            return f"an event of {names} with a {value} that none before had, of {limit}, {within}"
        case Kind.TEMPORAL:
            told = "" if rule.presence is None else _presence(rule.presence)
            return f"{told} {within}"


def _presence(presence: Presence) -> str:
    match presence:
        case Here(leg):
            return leg
        case AllOf(parts):
            return " and ".join(map(_presence, parts))
        case AnyOf(parts):
            return f"({' or '.join(map(_presence, parts))})"
        case Absent(part):
            return f"no {_presence(part)}"
    return ""
