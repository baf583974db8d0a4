"""Correlations find what their definition says, in whatever sequence, however often, and through a restart."""

import os
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.generated import WORLDS, Tick, as_they_come, book, correlations, world
from ordertrail.monitor.rules.fields import field_named
from ordertrail.monitor.rules.reading import read_rules
from ordertrail.monitor.rules.rule import Absent, AllOf, AnyOf, Correlation, Here, Kind, Presence
from ordertrail.monitor.rules.rulebook import Rulebook
from ordertrail.monitor.stream.engine import Engine
from ordertrail.monitor.stream.seen import Finding, Kept
from ordertrail.query.projection import Indexed

SOAK = os.environ.get("ORDERTRAIL_SOAK") == "1"
ENDED = 10**17
IT = read_rules("title: it\nlogsource: {product: ordertrail}\ndetection: {a: {action: a}, condition: a}")[
    0
].about.id
_ACTIONS = {"cancelled": "order.cancel", "opened": "order.read", "refunded": "payment.refund"}

Found = dict[tuple[Any, ...], tuple[frozenset[str], int]]
"""By group and hour: the ids of the events that are named, and the largest number that was measured."""


def naive(rule: Correlation, events: Sequence[Indexed]) -> Found:
    """Evaluate a correlation as its definition reads: at each event, over a window put together anew."""
    found: dict[tuple[Any, ...], tuple[set[str], int]] = {}
    for place, event in enumerate(events):
        for leg in rule.legs:
            if not means(rule, leg.rule, event):
                continue
            group = group_of(rule, event)
            if group is None:
                continue
            window = [
                other
                for other in events[: place + 1]
                if other.time >= event.time - rule.span
                and group_of(rule, other) == group
                and any(means(rule, one.rule, other) for one in rule.legs)
            ]
            told = holds(rule, window)
            if told is not None:
                named, number = told
                bucket = event.time - event.time % rule.about.every
                before = found.get((*group, bucket), (set(), number))
                found[*group, bucket] = (before[0] | set(named), max(before[1], number))
    return {key: (frozenset(named), number) for key, (named, number) in found.items()}


def means(rule: Correlation, leg: str, event: Indexed) -> bool:
    """Say whether a leg means an event, with a value where one is asked for."""
    value = next(one.value for one in rule.legs if one.rule == leg)
    if value is not None and rule.kind is Kind.VALUE_COUNT and not field_named(value).many(event):
        return False
    return event.action == _ACTIONS[leg]


def group_of(rule: Correlation, event: Indexed) -> tuple[str, ...] | None:
    """Return the values of group-by; None where one is missing."""
    values = [getattr(event, name) for name in rule.group]
    if None in values:
        return None
    return (*values, "") if "order" in rule.group else tuple(values)


def holds(rule: Correlation, window: list[Indexed]) -> tuple[list[str], int] | None:
    """Return the ids that are named and the number, where the condition holds at the end of the window."""
    ids = [event.id for event in window]
    if rule.threshold is not None:
        value = rule.legs[0].value
        numbers = [change.after_number or 0 for event in window for change in event.changes]
        number = {
            Kind.EVENT_COUNT: Fraction(len(window)),
            Kind.VALUE_COUNT: Fraction(len({getattr(event, str(value), None) for event in window})),
            Kind.VALUE_SUM: Fraction(sum(numbers)),
            Kind.VALUE_AVERAGE: Fraction(sum(numbers), len(window)),
        }[rule.kind]
        return (ids, int(number)) if rule.threshold.holds(number) else None
    if rule.kind is Kind.TEMPORAL_ORDERED:
        return in_sequence(rule, window)
    assert rule.presence is not None
    legs = {leg.rule for leg in rule.legs if any(event.action == _ACTIONS[leg.rule] for event in window)}
    return (ids, len(legs)) if present(rule.presence, legs) else None


def in_sequence(rule: Correlation, window: list[Indexed]) -> tuple[list[str], int] | None:
    """Return the events of all chains that end with the window, by trying every one."""
    wanted = [_ACTIONS[leg.rule] for leg in rule.legs]
    chains: list[list[int]] = [[]]
    for action in wanted:
        chains = [
            [*chain, place]
            for chain in chains
            for place, event in enumerate(window)
            if event.action == action and (not chain or place > chain[-1])
        ]
    named = {place for chain in chains if chain[-1] == len(window) - 1 for place in chain}
    return ([window[place].id for place in named], len(wanted)) if named else None


def present(presence: Presence, legs: set[str]) -> bool:
    """Evaluate a condition of legs by its words."""
    match presence:
        case Here(leg):
            return leg in legs
        case AllOf(parts):
            return all(present(part, legs) for part in parts)
        case AnyOf(parts):
            return any(present(part, legs) for part in parts)
        case Absent(part):
            return not present(part, legs)
    raise TypeError(presence)


def gathered(findings: Iterable[Finding]) -> Found:
    """Return what alerts would be made of findings."""
    found: dict[tuple[Any, ...], tuple[set[str], int]] = {}
    for one in findings:
        if one.rule != IT:  # a leg that the correlation does not ask speaks for itself
            continue
        named, measure = found.setdefault((*one.key, one.bucket), (set(), one.measure))
        found[*one.key, one.bucket] = (named | {seen.id for seen in one.seen}, max(measure, one.measure))
    return {key: (frozenset(named), number) for key, (named, number) in found.items()}


def run(rules: Rulebook, events: Sequence[Indexed], restart: int | None = None) -> Found:
    """Lead events past the rules; with ``restart``, the engine is made anew of what was kept before that event."""
    engine, findings, kept = Engine(rules), list[Finding](), list[Kept]()
    for place, event in enumerate(events):
        if place == restart:
            taken = engine.taken()
            findings += taken.findings
            kept += taken.kept
            horizons = engine.horizons()
            still = [one for one in kept if one.item.seen.time >= horizons[one.rule]]
            engine = Engine(rules, engine.watermark, reversed(still))
        engine.take(event)
    engine.settle(ENDED)
    return gathered([*findings, *engine.taken().findings])


@settings(max_examples=3_000 if SOAK else 120)
@given(rule=correlations(), ticks=WORLDS)
def test_what_is_found_is_what_the_definition_says(rule: Correlation, ticks: list[Tick]) -> None:
    """The engine's windows, pruned and judged where something changed, find what a look at everything finds."""
    assert run(book(rule), world(ticks)) == naive(rule, world(ticks))


@settings(max_examples=3_000 if SOAK else 120)
@given(rule=correlations(), ticks=WORLDS, data=st.data())
def test_disorder_duplicates_and_a_restart_change_nothing(
    rule: Correlation, ticks: list[Tick], data: st.DataObject
) -> None:
    """Events that come up to ten minutes late, some of them twice, through a restart anywhere: the same is found."""
    come = as_they_come(ticks)
    if come:
        place = data.draw(st.integers(0, len(come) - 1))
        come.insert(data.draw(st.integers(place + 1, min(len(come), place + 3))), come[place])
    restart = data.draw(st.none() | st.integers(0, len(come)))
    assert run(book(rule), come, restart) == run(book(rule), world(ticks))


@settings(max_examples=50)
@given(rule=correlations(), ticks=WORLDS)
def test_state_is_bounded_by_the_span(rule: Correlation, ticks: list[Tick]) -> None:
    """Once the watermark has passed a span, nothing of it is kept."""
    engine = Engine(book(rule))
    for event in world(ticks):
        engine.take(event)
    engine.settle(ENDED)
    assert engine.size == 0
