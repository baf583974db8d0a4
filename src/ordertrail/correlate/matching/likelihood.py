"""How likely it is that a payment that names no order is of one: by its amount, its time and its payer.

Of all orders of just this amount that were placed in the time before, each weighs as much as payments usually come so
long after their orders (:class:`Delays`, stated at first and learned from links that are certain), more where the payer
is the buyer, less where it is somebody else. Against them stands that it is of none of them. A confidence is a weight's
part of all weights: two orders of one amount and one minute share it, and so neither looks certain.

After I. P. Fellegi and A. B. Sunter, "A Theory for Record Linkage", JASA 64 (1969), with one field that must agree.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from ordertrail.correlate.matching.cards import OrderCard
from ordertrail.correlate.matching.links import CERTAIN
from ordertrail.kernel.clock import parse_time

BOUNDS: Final = (-60, 60, 600, 3_600, 21_600, 86_400, 259_200)
"""Seconds after its order was placed: the ends of the bands in which payments are counted."""

BEFORE: Final = timedelta(days=3)
"""How long after its order a payment is looked for."""
AFTER: Final = timedelta(minutes=10)
"""How far the clock of a gateway may be behind that of the orders."""

_STATED: Final = (2, 300, 250, 120, 60, 60, 30, 8)
_NONE: Final = 0.15
"""The weight of an order that is not among them."""
_SAME_PAYER: Final = 40.0
_OTHER_PAYER: Final = 0.05


@dataclass(frozen=True, slots=True)
class Delays:
    """How many payments came how long after their orders, by the bands of :data:`BOUNDS`."""

    counts: tuple[int, ...] = _STATED

    def learned(self, seconds: Sequence[float]) -> "Delays":
        """Return it with the delays of links that are certain counted in."""
        counts = list(self.counts)
        for one in seconds:
            counts[_band(one)] += 1
        return Delays(tuple(counts))

    def weight(self, seconds: float) -> float:
        """Return how usual a delay is, against the most usual one."""
        return self.counts[_band(seconds)] / max(self.counts)


@dataclass(frozen=True, slots=True)
class Likelihood:
    """A card, how likely it is in hundredths of a per cent, and why."""

    card: OrderCard
    confidence: int
    reasons: tuple[str, ...]


def likely(cards: Sequence[OrderCard], time: str, payer: str | None, delays: Delays) -> list[Likelihood]:
    """Weigh orders of a payment's amount against each other, the likeliest first."""
    moment = parse_time(time)
    weighed = []
    for card in cards:
        if card.placed is None:
            continue
        seconds = (moment - parse_time(card.placed)).total_seconds()
        weight = delays.weight(seconds)
        reasons = [f"the order has just this amount, and was placed {_told(seconds)}"]
        if payer is not None and card.payer is not None:
            weight *= _SAME_PAYER if payer == card.payer else _OTHER_PAYER
            reasons.append("its buyer paid" if payer == card.payer else "somebody else than its buyer paid")
        if len(cards) > 1:
            reasons.append(f"{len(cards) - 1} other orders have the same amount")
        weighed.append((weight, card, tuple(reasons)))
    whole = _NONE + sum(weight for weight, _, _ in weighed)
    found = [Likelihood(card, int(CERTAIN * weight / whole), reasons) for weight, card, reasons in weighed]
    return sorted(found, key=lambda one: (-one.confidence, one.card.order))


def _band(seconds: float) -> int:
    return bisect_left(BOUNDS, seconds)


def _told(seconds: float) -> str:
    side = "before" if seconds >= 0 else "after"
    seconds = abs(seconds)
    for size, word in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {word} {side}"
    return f"{int(seconds)} seconds {side}"
