"""How far the clock of another system is from ours, estimated from what cannot have been otherwise.

A fact that a system tells of one o'clock happened, by our clock, not before what led to it and not after we heard of
it. Each such fact bounds the difference of the clocks from both sides::

    what led to it ≤ its time + offset ≤ when we heard of it

Clocks that run apart, a wrong time zone, and messages that are late make some bounds contradict others. The estimate is
the span on which most agree (K. Marzullo, "Maintaining the Time in a Distributed System", 1984, as NTP uses it): one
liar, or ten, do not move it while more tell the truth.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ordertrail.kernel.clock import parse_time

FARTHEST = timedelta(days=2)
"""How far a clock is thought to be off at most, where only one side is bounded."""


@dataclass(frozen=True, slots=True)
class Sandwich:
    """A fact between two moments of ours: ``after`` led to it, where that is known; at ``heard`` we heard of it."""

    told: str
    heard: str
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Skew:
    """What is to be added to a system's times to have them by our clock: likeliest, least, and most.

    ``agreeing`` of ``samples`` facts are on this span. ``known`` is False where the span is too wide to say anything.
    """

    system: str
    offset: timedelta
    low: timedelta
    high: timedelta
    agreeing: int
    samples: int

    @property
    def known(self) -> bool:
        """Whether both sides are bounded by facts."""
        return self.high - self.low < FARTHEST

    @property
    def matters(self) -> bool:
        """Whether the clocks certainly differ: no offset of the span is nothing."""
        return self.known and (self.low > timedelta(0) or self.high < timedelta(0))

    def corrected(self, time: str) -> datetime:
        """Return a moment of the system's by our clock; as it was told where nothing is known."""
        moment = parse_time(time)
        return moment + self.offset if self.matters else moment


def estimate(system: str, sandwiches: Iterable[Sandwich]) -> Skew | None:
    """Estimate a system's skew; None where there is nothing to estimate it from."""
    spans = [_span(one) for one in sandwiches]
    if not spans:
        return None
    # Where a span ends and another begins at one place both are on it: beginnings come first.
    edges = sorted([(low, 0) for low, _ in spans] + [(high, 1) for _, high in spans])
    best = here = 0
    low = high = edges[0][0]
    for place, (at, ends) in enumerate(edges):
        here += -1 if ends else 1
        if here > best:
            best, low = here, at
            high = next(end for end, ending in edges[place:] if ending)
    return Skew(system, _likeliest(low, high), low, high, best, len(spans))


def _span(one: Sandwich) -> tuple[timedelta, timedelta]:
    told = parse_time(one.told)
    high = parse_time(one.heard) - told
    low = parse_time(one.after) - told if one.after is not None else high - FARTHEST
    return min(low, high), max(low, high)


def _likeliest(low: timedelta, high: timedelta) -> timedelta:
    """Return the offset of a span that is nearest to none; where there is certainly one, the span's middle."""
    if low <= timedelta(0) <= high:
        return timedelta(0)
    return low + (high - low) / 2
