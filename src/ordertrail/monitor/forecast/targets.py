"""What is foreseen, declared in TOML: no target is code.

::

    [[target]]
    name = "refund_without_return"
    title = "Money paid back for goods that did not come back"
    asked = "action:payment.capture"          # a filter: from this event on, the forecast is asked at each event
    ends = "action:order.cancel"              # after it, the order's later events cannot breach any more
    horizon = "30d"
    breach = {filter = "action:payment.refund", unless = "action:return.receive"}
    baseline = "lowered:unit_price>20%"       # the base rule: orders that had such an event are the risky ones

    [[target.action]]                         # what may be done, and against which things known of an order
    name = "hold order"
    against = ["count action=order.price.change", "number lowered"]

A breach is told in one of three ways: ``filter`` means an event of the order (``unless`` one came before it that
another filter means), ``rule`` names a rule of the rulebook whose finding is of the order, and ``missing`` means that
no event that the filter means comes ``within`` a span of one that ``after`` means: a service level.

What knows the answer can be left out by name: ``without = ["count channel=dispute-desk"]``.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from ordertrail.kernel.errors import InputError, Problem
from ordertrail.monitor.rules.custom import read_filter, read_span
from ordertrail.monitor.rules.expression import Meant

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
_KNOWN = {
    "name", "title", "asked", "ends", "horizon", "breach", "baseline", "action", "without", "positive",
}  # fmt: skip
_NEEDED = ("name", "title", "asked", "horizon", "breach")
MOST = 64
"""Targets of one declaration."""


@dataclass(frozen=True, slots=True)
class ByFilter:
    """An event that ``breach`` means, if none came before it in the order that ``unless`` means."""

    breach: Meant
    unless: Meant | None = None


@dataclass(frozen=True, slots=True)
class ByRule:
    """A finding of a rule, told at an event of the order."""

    rule: str


@dataclass(frozen=True, slots=True)
class ByAbsence:
    """No event that ``missing`` means within a span (microseconds) of one that ``after`` means."""

    missing: Meant
    after: Meant
    within: int


Breach = ByFilter | ByRule | ByAbsence


@dataclass(frozen=True, slots=True)
class Allowed:
    """An action that may be suggested. ``against`` are beginnings of names of what is known of an order."""

    name: str
    against: tuple[str, ...]

    def answers(self, feature: str) -> bool:
        """Say whether the action is meant against a feature."""
        return feature.startswith(self.against)


@dataclass(frozen=True, slots=True)
class Target:
    """Something that may become of an order. ``horizon`` is in microseconds; ``without`` names features left out.

    ``positive`` is what is done where nothing need be feared, in words; empty where there is no such thing.
    """

    name: str
    title: str
    asked: Meant
    horizon: int
    breach: Breach
    ends: Meant | None = None
    baseline: Meant | None = None
    actions: tuple[Allowed, ...] = ()
    without: tuple[str, ...] = ()
    positive: str = ""


@dataclass(slots=True)
class _Reader:
    """Reads one target's table, and remembers what is wrong with it."""

    path: str
    table: Mapping[str, Any]
    problems: list[Problem]
    _found: dict[str, Any] = field(default_factory=dict)

    def wrong(self, name: str, message: str) -> None:
        self.problems.append(Problem(f"{self.path}.{name}" if name else self.path, message))

    def text(self, name: str) -> str:
        value = self.table.get(name, "")
        if not isinstance(value, str):
            self.wrong(name, "is a text")
            return ""
        return " ".join(value.split())

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.table.get(name, [])
        if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
            self.wrong(name, "is a list of texts")
            return ()
        return tuple(value)

    def filter(self, name: str) -> Meant | None:
        if name not in self.table:
            return None
        try:
            return read_filter(self.table[name])
        except ValueError as error:
            self.wrong(name, str(error))
        except InputError as error:
            for one in error.problems:
                self.wrong(name, str(one))
        return None

    def span(self, name: str) -> int:
        try:
            return read_span(self.table.get(name))
        except ValueError as error:
            self.wrong(name, str(error))
            return 0

    def within(self, name: str, known: set[str]) -> "_Reader":
        value = self.table.get(name)
        if not isinstance(value, dict):
            self.wrong(name, f"is a table of {', '.join(sorted(known))}")
            value = {}
        for stray in sorted(value.keys() - known):
            self.wrong(f"{name}.{stray}", f"is not known; known are {', '.join(sorted(known))}")
        return _Reader(f"{self.path}.{name}", value, self.problems)


def read_targets(text: str) -> tuple[Target, ...]:
    """Read a declaration. Raises InputError naming every problem with its dotted path."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"the declaration of targets is not TOML: {error}") from None
    problems = [Problem(name, "is not known; known is target") for name in data if name != "target"]
    tables = data.get("target", [])
    if not isinstance(tables, list) or not 0 < len(tables) <= MOST:
        raise InputError([*problems, Problem("target", f"must be given 1 to {MOST} times: [[target]]")])
    found = [_target(place, table, problems) for place, table in enumerate(tables)]
    names = [one.name for one in found if one is not None]
    problems += [
        Problem("target", f"{name} is there twice") for name in sorted(set(names)) if names.count(name) > 1
    ]
    if problems:
        raise InputError(problems, meaning="Nothing is foreseen by it.", remedy="Correct what is named.")
    return tuple(one for one in found if one is not None)


@cache
def shipped_targets() -> tuple[Target, ...]:
    """Return the targets that are shipped."""
    return read_targets((files("ordertrail.monitor.forecast") / "targets.toml").read_text())


def _target(place: int, table: object, problems: list[Problem]) -> Target | None:
    path = f"target.{place}"
    if not isinstance(table, dict):
        problems.append(Problem(path, "is a table"))
        return None
    reader = _Reader(path, table, problems)
    for name in sorted(table.keys() - _KNOWN):
        reader.wrong(name, f"is not known; known are {', '.join(sorted(_KNOWN))}")
    for name in _NEEDED:
        if name not in table:
            reader.wrong(name, "is missing")
    name = reader.text("name")
    if not _NAME.fullmatch(name):
        reader.wrong("name", "is small letters, digits and _, and begins with a letter")
    asked, breach = reader.filter("asked"), _breach(reader)
    horizon = reader.span("horizon")
    ends, baseline = reader.filter("ends"), reader.filter("baseline")
    actions, without, positive = _actions(reader), reader.texts("without"), reader.text("positive")
    if asked is None or breach is None:
        return None
    return Target(
        name, reader.text("title"), asked, horizon, breach, ends, baseline, actions, without, positive
    )


def _breach(reader: _Reader) -> Breach | None:
    said = reader.within("breach", {"filter", "unless", "rule", "missing", "after", "within"})
    ways = [name for name in ("filter", "rule", "missing") if name in said.table]
    if len(ways) != 1:
        reader.wrong("breach", "is told by one of filter, rule and missing")
        return None
    match ways[0]:
        case "rule":
            name = said.text("rule")
            return ByRule(name) if name else None
        case "filter":
            meant, unless = said.filter("filter"), said.filter("unless")
            return None if meant is None else ByFilter(meant, unless)
        case _:
            missing, after, within = said.filter("missing"), said.filter("after"), said.span("within")
            if after is None and "after" not in said.table:
                said.wrong("after", "is missing: the event from which on the span counts")
            return None if missing is None or after is None else ByAbsence(missing, after, within)


def _actions(reader: _Reader) -> tuple[Allowed, ...]:
    tables = reader.table.get("action", [])
    if not isinstance(tables, list):
        reader.wrong("action", "is given as [[target.action]]")
        return ()
    found = []
    for place, table in enumerate(tables):
        one = _Reader(
            f"{reader.path}.action.{place}", table if isinstance(table, dict) else {}, reader.problems
        )
        for stray in sorted(one.table.keys() - {"name", "against"}):
            one.wrong(stray, "is not known; known are against, name")
        name, against = one.text("name"), one.texts("against")
        if not name:
            one.wrong("name", "is missing: an action of the catalogue of actions")
        if not against:
            one.wrong("against", "is missing: which things known of an order it is meant against")
        found.append(Allowed(name, against))
    return tuple(found)
