"""What binds an event to one before it, and how much that says. Values of a reconstruction."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from ordertrail.query.ports import Hit


class Bond(StrEnum):
    """Why an earlier event is thought to have led to a later one."""

    CAUSE = "cause"
    """The later one names it as its cause."""
    MESSAGE = "message"
    """It brought the message, or began the job, that the later one names as its cause."""
    AGAIN = "again"
    """It is the first of a series of tries of the same thing, of which the later one is another."""
    TWICE = "twice"
    """It is the same message, that had been there before."""
    WROTE = "wrote"
    """It last wrote a value that the later one found."""
    USED = "used"
    """It last wrote a value of the order that things of the later one's kind are made from."""
    NAMED = "named"
    """It last changed a rule, a setting or a key that the later one names."""
    RIGHT = "right"
    """It gave the actor the right, or the means, to do it."""
    SESSION = "session"
    """It began the session in which the later one was done."""
    VERSION = "version"
    """With it the version of the program began to run that did it."""
    REQUEST = "request"
    """It was done in the same request or trace."""
    CLOCK = "clock"
    """With it the clock of the source began to be wrong."""
    AROUND = "around"
    """It changed how everything works, shortly before."""


CERTAIN: Final = frozenset(
    {Bond.CAUSE, Bond.MESSAGE, Bond.WROTE, Bond.NAMED, Bond.SESSION, Bond.REQUEST, Bond.TWICE}
)
"""Bonds that the log itself says. All others are inferred, and shown as such."""

STRENGTH: Final[Mapping[Bond, float]] = MappingProxyType(
    {
        Bond.CAUSE: 0.95,
        Bond.MESSAGE: 0.9,
        Bond.AGAIN: 0.9,
        Bond.TWICE: 0.97,
        Bond.WROTE: 0.95,
        Bond.USED: 0.85,
        Bond.NAMED: 0.97,
        Bond.RIGHT: 0.85,
        Bond.SESSION: 0.8,
        Bond.VERSION: 0.85,
        Bond.REQUEST: 0.6,
        Bond.CLOCK: 0.95,
        Bond.AROUND: 0.3,
    }
)
"""How much of what an event explains passes on to the one before it."""


@dataclass(frozen=True, slots=True)
class Found:
    """An earlier event, what binds it to the later one, and a sentence for a person.

    ``weight`` raises or lowers the bond's strength by what was seen: an address that was never used before.
    """

    hit: Hit
    bond: Bond
    reason: str
    weight: float = 1.0

    @property
    def certain(self) -> bool:
        """Whether the log itself says so."""
        return self.bond in CERTAIN

    @property
    def strength(self) -> float:
        """How much of what the later event explains passes on."""
        return min(1.0, STRENGTH[self.bond] * self.weight)


@dataclass(frozen=True, slots=True)
class Step:
    """An event of a story: how it leads to ``towards``, and how many steps it is from the one that was asked about."""

    hit: Hit
    bond: Bond
    certain: bool
    """All bonds from here to the event that was asked about are certain."""
    reason: str
    depth: int
    towards: str
    """The id of the event that it leads to."""
    strength: float
    """How much of the event that was asked about it explains, by the strongest way."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An event that may be the root: how likely against the others, in hundredths of a per cent, and why."""

    hit: Hit
    confidence: int
    certain: bool
    reasons: tuple[str, ...]
    way: tuple[str, ...]
    """Ids of the events from it to the one that was asked about."""


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """What led to an event. ``story`` is in the sequence of time; ``whole`` is False where it was cut off."""

    asked: Hit
    story: tuple[Step, ...]
    candidates: tuple[Candidate, ...]
    whole: bool

    @property
    def certain(self) -> tuple[Step, ...]:
        """What the log itself says led here."""
        return tuple(step for step in self.story if step.certain)

    @property
    def inferred(self) -> tuple[Step, ...]:
        """What is only likely to have."""
        return tuple(step for step in self.story if not step.certain)
