"""How grave an alert is: the rule's level, the control that is at risk, and the money at risk.

The control sets a least: where evidence itself may be gone, or one person did what two must do, nothing is trivial.
Money lifts it: an amount that the settings call large by one step, ten times that by two.
"""

from collections.abc import Mapping, Sequence

from ordertrail.monitor.rules.rule import Control, Level
from ordertrail.monitor.stream.seen import Moved

_LEAST = {
    Control.EVIDENCE: Level.HIGH,
    Control.DUTIES: Level.HIGH,
    Control.ACCESS: Level.MEDIUM,
    Control.APPROVAL: Level.MEDIUM,
    Control.PRIVACY: Level.MEDIUM,
}

DUE_SECONDS = {
    Level.CRITICAL: 4 * 3_600,
    Level.HIGH: 24 * 3_600,
    Level.MEDIUM: 3 * 86_400,
    Level.LOW: 7 * 86_400,
    Level.INFORMATIONAL: 30 * 86_400,
}
"""Seconds in which somebody should have decided."""

LARGE = {"EUR": 100_000, "USD": 100_000, "GBP": 100_000, "CHF": 100_000, "JPY": 15_000_000}
"""Amounts that are large, in minor units, where the settings say nothing else; other currencies lift nothing."""


def severity(
    level: Level, control: Control | None, money: Sequence[Moved], large: Mapping[str, int]
) -> Level:
    """Return how grave an alert is."""
    least = Level.INFORMATIONAL if control is None else _LEAST.get(control, Level.INFORMATIONAL)
    steps = 0
    for currency, amount in money:
        bound = large.get(currency)
        if bound is not None and amount >= bound:
            steps = max(steps, 2 if amount >= 10 * bound else 1)
    return Level(min(Level.CRITICAL, max(level, least) + steps))


def needs_two(level: Level) -> bool:
    """Say whether an alert of this severity is closed by two people."""
    return level >= Level.HIGH
