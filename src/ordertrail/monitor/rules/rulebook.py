"""The rules of a trail together: those that are shipped, and its own.

Correlations ask other rules by their names or ids, across files; a rulebook holds that each is there, that none asks
itself in a circle, and that none would answer itself.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Self

from ordertrail.kernel.errors import InputError, Problem
from ordertrail.monitor.rules.expression import Form
from ordertrail.monitor.rules.lines import MEANING, REMEDY
from ordertrail.monitor.rules.reading import read_rules
from ordertrail.monitor.rules.rule import (
    Absent,
    AllOf,
    AnyOf,
    Correlation,
    Detection,
    Here,
    Leg,
    Presence,
    Rule,
    version,
)
from ordertrail.record.actions import CATALOGUE

MOST_RULES = 2_000
"""Rules of the largest rulebook."""

RAISED = "alert.raise"
"""The action of the event by which the trail learns of an alert. Rules see it only as legs of correlations."""

_DEEPEST = 4


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Rules, those that are asked before those that ask them."""

    rules: tuple[Rule, ...]

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> Self:
        """Put rules together. Raises InputError naming every rule that cannot stand among the others."""
        given = list(rules)
        problems: list[Problem] = []
        known = _known(given, problems)
        resolved = [_resolved(rule, known, problems) for rule in given]
        if len(given) > MOST_RULES:
            problems.append(Problem("", f"there are more than {MOST_RULES:,} rules"))
        ordered = [] if problems else _in_sequence(resolved, problems)
        if problems:
            raise InputError(problems, meaning=MEANING, remedy=REMEDY)
        asked = {leg.rule for rule in ordered if isinstance(rule, Correlation) for leg in rule.legs}
        loud = {
            leg.rule
            for rule in ordered
            if isinstance(rule, Correlation) and rule.speaks_for_legs
            for leg in rule.legs
        }
        told = tuple(
            replace(rule, silent=True) if rule.about.name in asked - loud else rule for rule in ordered
        )
        problems += [
            Problem(rule.about.name, f"would answer itself: each alert is a {RAISED}")
            for rule in told
            if isinstance(rule, Detection) and not rule.silent and _is_about_alerts(rule)
        ]
        if problems:
            raise InputError(problems, meaning=MEANING, remedy=REMEDY)
        return cls(told)

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules)

    @property
    def loud(self) -> list[Rule]:
        """The rules that raise alerts."""
        return [rule for rule in self.rules if not rule.silent]

    def find(self, name: str) -> Rule:
        """Return a rule by its name or id. Raises InputError where there is none."""
        for rule in self.rules:
            if name in {rule.about.name, rule.about.id}:
                return rule
        raise InputError(
            f"there is no rule {name[:80]!r}", remedy="See which there are with 'ordertrail watch rules'."
        )

    def versions(self) -> Mapping[str, str]:
        """Return what each rule looks for as a short text, by the rule's name."""
        named = {rule.about.name: rule for rule in self.rules}
        return {name: version(rule, named) for name, rule in named.items()}

    def only(self, *names: str) -> "Rulebook":
        """Return these rules and what they ask, and no others."""
        named = {rule.about.name: rule for rule in self.rules}
        wanted: set[str] = set()

        def take(name: str) -> None:
            wanted.add(name)
            rule = named[name]
            if isinstance(rule, Correlation):
                for leg in rule.legs:
                    take(leg.rule)

        for name in names:
            take(self.find(name).about.name)
        chosen = tuple(
            replace(rule, silent=False) if rule.about.name in names else replace(rule, silent=True)
            for rule in self.rules
            if rule.about.name in wanted
        )
        return Rulebook(chosen)


@cache
def shipped_rules() -> tuple[Rule, ...]:
    """Return the rules that every trail has."""
    folder = files("ordertrail.monitor.rules") / "shipped"
    texts = sorted((one.name, one.read_text()) for one in folder.iterdir() if one.name.endswith(".yml"))
    return tuple(rule for _name, text in texts for rule in read_rules(text))


def _is_about_alerts(rule: Detection) -> bool:
    """Say whether a rule can mean the events of new alerts, and no others."""
    others = (rule.node.of(Form(action)).maybe for action in CATALOGUE if action != RAISED)
    return rule.node.of(Form(RAISED)).maybe and not any(others)


def _known(rules: list[Rule], problems: list[Problem]) -> dict[str, str]:
    """Return the names of the rules, by name and by id."""
    known: dict[str, str] = {}
    for rule in rules:
        for one in {rule.about.name, rule.about.id}:
            if one in known:
                problems.append(Problem(rule.about.name, f"{one} is the name or id of two rules"))
            known[one] = rule.about.name
    return known


def _resolved(rule: Rule, known: Mapping[str, str], problems: list[Problem]) -> Rule:
    """Return a rule with its legs by name."""
    if isinstance(rule, Detection):
        return rule
    missing = [leg.rule for leg in rule.legs if leg.rule not in known]
    problems += [Problem(rule.about.name, f"asks the rule {name!r}, which is not there") for name in missing]
    if missing:
        return rule
    legs = tuple(Leg(known[leg.rule], leg.by, leg.value) for leg in rule.legs)
    presence = None if rule.presence is None else _renamed(rule.presence, known)
    return replace(rule, legs=legs, presence=presence)


def _renamed(presence: Presence, known: Mapping[str, str]) -> Presence:
    match presence:
        case Here(leg):
            return Here(known.get(leg, leg))
        case AllOf(parts):
            return AllOf(tuple(_renamed(part, known) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(_renamed(part, known) for part in parts))
        case Absent(part):
            return Absent(_renamed(part, known))
    return presence


def _in_sequence(rules: list[Rule], problems: list[Problem]) -> list[Rule]:
    """Return rules with those that are asked first."""
    named = {rule.about.name: rule for rule in rules}
    placed: dict[str, Rule] = {}

    def place(rule: Rule, asking: tuple[str, ...]) -> None:
        name = rule.about.name
        if name in asking or len(asking) > _DEEPEST:
            why = "asks itself" if name in asking else f"is asked through more than {_DEEPEST} correlations"
            problems.append(Problem(name, f"{why}: {' → '.join((*asking, name))}"))
            return
        if name in placed:
            return
        if isinstance(rule, Correlation):
            for leg in rule.legs:
                place(named[leg.rule], (*asking, name))
        placed[name] = rule

    for rule in rules:
        if problems:
            break
        place(rule, ())
    return list(placed.values())
