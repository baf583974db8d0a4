"""What an action did, as far as outcomes that were logged can say: breaches among the treated and the held out.

Only suggestions that a mandate took up are compared, by what chance assigned them to and not by what was done in the
end (intention to treat): whom people choose to treat differs from whom they do not. The interval of the difference of
the two shares is Newcombe's hybrid score interval (R. G. Newcombe, "Interval estimation for the difference between
independent proportions", Statistics in Medicine 17 (1998), method 10), at 95 per cent.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt
from typing import Final

from ordertrail.kernel.numbers import count
from ordertrail.monitor.actions.suggestion import Arm

_Z: Final = 1.959963984540054
"""The standard normal quantile of 0.975."""


@dataclass(frozen=True, slots=True)
class Tally:
    """So many orders, by the action that was suggested, its target, how they came to be treated, and what became."""

    action: str
    target: str
    arm: Arm
    breached: bool
    orders: int


@dataclass(frozen=True, slots=True)
class Share:
    """How many of some orders breached."""

    breached: int
    orders: int

    @property
    def value(self) -> float:
        """The share, 0 of none."""
        return self.breached / self.orders if self.orders else 0.0

    def interval(self) -> tuple[float, float]:
        """Return Wilson's score interval of the share, at 95 per cent."""
        n, p = self.orders, self.value
        if not n:
            return 0.0, 1.0
        middle = (p + _Z * _Z / (2 * n)) / (1 + _Z * _Z / n)
        half = _Z * sqrt(p * (1 - p) / n + _Z * _Z / (4 * n * n)) / (1 + _Z * _Z / n)
        return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True, slots=True)
class Effect:
    """An action against a target: those treated beside those held out. ``by_hand`` counts outcomes not compared."""

    action: str
    target: str
    treated: Share
    held_out: Share
    by_hand: int

    @property
    def difference(self) -> float:
        """How much smaller the share of breaches is among the treated; below 0, it is greater."""
        return self.held_out.value - self.treated.value

    def interval(self) -> tuple[float, float]:
        """Return the interval of the difference, at 95 per cent."""
        p, q = self.held_out, self.treated
        (low_p, high_p), (low_q, high_q) = p.interval(), q.interval()
        below = sqrt((p.value - low_p) ** 2 + (high_q - q.value) ** 2)
        above = sqrt((high_p - p.value) ** 2 + (q.value - low_q) ** 2)
        return self.difference - below, self.difference + above

    @property
    def sentence(self) -> str:
        """What may be said of it."""
        if not self.held_out.orders or not self.treated.orders:
            known = count(self.treated.orders + self.held_out.orders + self.by_hand, "outcome")
            return f"Nothing can be said of its effect: {known} known, and no group to compare with."
        low, high = (round(100 * one) for one in self.interval())
        figures = (
            f"{self.treated.breached:,} of {self.treated.orders:,} treated orders breached, and "
            f"{self.held_out.breached:,} of {self.held_out.orders:,} held out by chance"
        )
        span = f"95 % interval of the difference: {low:+d} to {high:+d} points"
        if low > 0:
            return f"{figures}: it averts breaches ({span})."
        if high < 0:
            return f"{figures}: it brings breaches about ({span})."
        return f"{figures}: no effect is shown yet ({span})."


def effects(tallies: Iterable[Tally]) -> list[Effect]:
    """Compare the known outcomes of suggestions, by action and target."""
    found: dict[tuple[str, str], dict[Arm, Share]] = {}
    for one in tallies:
        arms = found.setdefault((one.action, one.target), {})
        known = arms.get(one.arm, Share(0, 0))
        arms[one.arm] = Share(known.breached + (one.orders if one.breached else 0), known.orders + one.orders)
    nothing = Share(0, 0)
    return [
        Effect(
            action,
            target,
            arms.get(Arm.TREATED, nothing),
            arms.get(Arm.HELD_OUT, nothing),
            arms.get(Arm.BY_HAND, nothing).orders,
        )
        for (action, target), arms in sorted(found.items())
    ]
