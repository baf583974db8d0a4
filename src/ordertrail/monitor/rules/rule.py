"""A rule, read: what it is about, and what it looks for, in one event or in several.

What it looks for in several events is a *correlation* of other rules, its legs, within a time span that ends at an
event. It is *hot* at an event if its condition holds for what its legs meant in the span up to and with that event, in
the sequence of times, and of ids where times are equal. So whether it is hot at an event depends on what happened, and
not on the sequence in which it came in.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum, StrEnum
from fractions import Fraction
from typing import Protocol

from ordertrail.monitor.rules.expression import Compare, Node

DAY = 86_400_000_000
"""Microseconds."""

LONGEST_SPAN = 92 * DAY
"""Of a correlation, in microseconds: a quarter of a year. What is longer is for a report, not for a watch."""


MOST_IN_GROUP = 2_000
"""Events of one group that a correlation keeps; none asks for as many."""


class Level(IntEnum):
    """How grave a match is, in the words of Sigma."""

    INFORMATIONAL = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


class Control(StrEnum):
    """The control that is at risk where a rule matches."""

    PRICING = "pricing"
    QUANTITY = "quantity"
    LIFECYCLE = "life cycle"
    APPROVAL = "approval"
    DUTIES = "segregation of duties"
    PAYMENT = "payment"
    DELIVERY = "delivery"
    ACCESS = "access"
    PRIVACY = "privacy"
    EVIDENCE = "evidence"


@dataclass(frozen=True, slots=True)
class About:
    """What a person reads of a rule.

    ``by`` are the fields whose values tell one alert from another, ``every`` the microseconds that one alert covers at
    most. ``mapping`` are Sigma's tags: attack.t1098, sox.404. ``text`` is the rule as it was written.
    """

    id: str
    name: str
    title: str
    description: str
    level: Level
    status: str = "experimental"
    control: Control | None = None
    rationale: str = ""
    false_positives: tuple[str, ...] = ()
    playbook: tuple[str, ...] = ()
    mapping: tuple[str, ...] = ()
    by: tuple[str, ...] = ("actor", "order")
    every: int = DAY
    text: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Detection:
    """A rule about one event. ``silent`` is one that only correlations ask."""

    about: About
    node: Node
    silent: bool = False


class Kind(Enum):
    """What a correlation asks of the events in its span."""

    EVENT_COUNT = "event_count"
    VALUE_COUNT = "value_count"
    VALUE_SUM = "value_sum"
    VALUE_AVERAGE = "value_avg"
    TEMPORAL = "temporal"
    TEMPORAL_ORDERED = "temporal_ordered"
    FIRST = "first"
    """Ours: a value that none of the events before had."""


class Presence(Protocol):
    """Which legs must have events in the span."""

    def holds(self, present: frozenset[str]) -> bool:
        """Say whether these legs will do."""

    def rises(self) -> bool:
        """Say whether more events never make it false."""


@dataclass(frozen=True, slots=True)
class Here:
    """A leg has an event."""

    leg: str

    def holds(self, present: frozenset[str]) -> bool:
        """See the protocol."""
        return self.leg in present

    def rises(self) -> bool:
        """See the protocol."""
        return True


@dataclass(frozen=True, slots=True)
class AllOf:
    """All of them hold."""

    parts: tuple[Presence, ...]

    def holds(self, present: frozenset[str]) -> bool:
        """See the protocol."""
        return all(part.holds(present) for part in self.parts)

    def rises(self) -> bool:
        """See the protocol."""
        return all(part.rises() for part in self.parts)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of them holds."""

    parts: tuple[Presence, ...]

    def holds(self, present: frozenset[str]) -> bool:
        """See the protocol."""
        return any(part.holds(present) for part in self.parts)

    def rises(self) -> bool:
        """See the protocol."""
        return all(part.rises() for part in self.parts)


@dataclass(frozen=True, slots=True)
class Absent:
    """It does not hold."""

    part: Presence

    def holds(self, present: frozenset[str]) -> bool:
        """See the protocol."""
        return not self.part.holds(present)

    def rises(self) -> bool:
        """See the protocol."""
        return False


@dataclass(frozen=True, slots=True)
class Leg:
    """A rule that a correlation asks.

    ``by`` are the fields of its events that tell the groups apart, one for each ``group-by`` of the correlation;
    ``value`` is the field that is counted or summed up.
    """

    rule: str
    by: tuple[str, ...]
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Threshold:
    """How much is asked for."""

    compare: Compare
    number: Fraction

    def holds(self, number: Fraction | int) -> bool:
        """Say whether a number will do."""
        return bool(self.compare.holds(number, self.number))

    def rises(self) -> bool:
        """Say whether a larger number always will do where a smaller one does."""
        return self.compare in {Compare.MORE, Compare.LEAST}

    def words(self) -> str:
        """Return it in English."""
        told = self.number.numerator if self.number.denominator == 1 else float(self.number)
        return f"{self.compare.value.removeprefix('is ')} {told:,}"


@dataclass(frozen=True, slots=True)
class Correlation:
    """A rule about several events. ``group`` are the names of the groups' values; ``span`` is in microseconds.

    ``threshold`` is of counts and sums, ``presence`` of which legs are there; of :attr:`Kind.FIRST` the threshold is
    how many events with other values must have come before.
    """

    about: About
    kind: Kind
    legs: tuple[Leg, ...]
    group: tuple[str, ...]
    span: int
    threshold: Threshold | None = None
    presence: Presence | None = None
    silent: bool = False
    speaks_for_legs: bool = field(default=False, repr=False)
    """Whether its legs raise alerts of their own, too (Sigma's ``generate``)."""

    @property
    def waits(self) -> bool:
        """Say whether an event that comes late could take a match away, so that one is told when none can."""
        if self.kind in {Kind.EVENT_COUNT, Kind.VALUE_COUNT}:
            return self.threshold is None or not self.threshold.rises()
        if self.kind is Kind.TEMPORAL:
            return self.presence is None or not self.presence.rises()
        return self.kind is not Kind.TEMPORAL_ORDERED

    @property
    def place(self) -> int:
        """The place of a group's value that is an order or a thing, or -1: such groups are of a tenant."""
        owned = [place for place, name in enumerate(self.group) if name in {"order", "subject"}]
        return owned[0] if owned else -1


Rule = Detection | Correlation


def version(rule: Rule, others: Mapping[str, Rule]) -> str:
    """Return a name of what a rule looks for, with its legs: 16 hex digits that change if it does, and else never."""
    if isinstance(rule, Detection):
        told = repr(rule.node)
    else:
        legs = [version(others[leg.rule], others) for leg in rule.legs]
        parts = (rule.kind, rule.legs, rule.group, rule.span, rule.threshold, rule.presence, legs)
        told = repr(parts)
    return hashlib.sha256(
        f"{rule.about.id}\n{rule.about.by}\n{rule.about.every}\n{told}".encode()
    ).hexdigest()[:16]
