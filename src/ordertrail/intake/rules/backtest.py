"""A changed rulebook on past traffic, before it goes live: what it would have stopped that enters now, and the reverse.

Each past order is judged by both rulebooks as it came. What became of it says whether the difference would have been
for the better.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ordertrail.intake.rules.narrowing import Past
from ordertrail.intake.rules.record import Ending
from ordertrail.intake.rules.rule import Severity
from ordertrail.intake.rules.rulebook import Rulebook
from ordertrail.intake.rules.validator import judge

_SHOWN = 20
"""Ids of orders that are listed of each difference."""


@dataclass(slots=True)
class Difference:
    """Orders of one ending that the two rulebooks treat differently."""

    count: int = 0
    orders: list[str] = field(default_factory=list)

    def add(self, order: str) -> None:
        """Count an order; the first few are named."""
        self.count += 1
        if len(self.orders) < _SHOWN:
            self.orders.append(order)


@dataclass(slots=True)
class Backtest:
    """What a changed rulebook would have done. ``stopped`` and ``spared`` are by what became of the orders."""

    judged: int = 0
    stopped_by_both: int = 0
    stopped: dict[Ending, Difference] = field(default_factory=dict)
    """Stopped by the changed rulebook alone."""
    spared: dict[Ending, Difference] = field(default_factory=dict)
    """Stopped by the one in force alone."""

    @property
    def false_rejects(self) -> int:
        """By how many more the changed one would stop orders that are all right; below 0: by how many fewer."""
        return _count(self.stopped, Ending.UNCHANGED) - _count(self.spared, Ending.UNCHANGED)

    @property
    def misses(self) -> int:
        """How many orders that had to be mended or were discarded it would have let in."""
        return _count(self.spared, Ending.MENDED) + _count(self.spared, Ending.DISCARDED)


def backtest(in_force: Rulebook, changed: Rulebook, past: Iterable[Past]) -> Backtest:
    """Judge past orders by both rulebooks."""
    result = Backtest()
    for one in past:
        result.judged += 1
        now, then = stops(in_force, one), stops(changed, one)
        if now and then:
            result.stopped_by_both += 1
        elif now or then:
            differences = result.spared if now else result.stopped
            differences.setdefault(one.ending, Difference()).add(one.order.id)
    return result


def stops(rulebook: Rulebook, past: Past) -> bool:
    """Say whether a rulebook rejects or holds an order as it came."""
    return any(
        broken.rule.rule.severity in {Severity.REJECT, Severity.HOLD}
        for broken in judge(rulebook, past.order, past.before, past.same)
    )


def _count(differences: dict[Ending, Difference], ending: Ending) -> int:
    found = differences.get(ending)
    return 0 if found is None else found.count
