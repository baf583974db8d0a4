"""What events come to together: how many, of how many orders, and the money that their changes moved."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from ordertrail.query.projection import Indexed


@dataclass(slots=True)
class Sums:
    """Sums of events. Amounts are in minor units by currency; only what came about moved any."""

    events: int = 0
    orders: set[tuple[str, str | None]] = field(default_factory=set)
    lowered: Counter[str] = field(default_factory=Counter)
    raised: Counter[str] = field(default_factory=Counter)

    def add(self, event: Indexed) -> None:
        """Add an event."""
        self.events += 1
        if event.order:
            self.orders.add((event.order, event.tenant))
        for change in event.changes if event.outcome == "success" else ():
            if change.unit and change.delta:
                (self.raised if change.delta > 0 else self.lowered)[change.unit] += change.delta


def sums_of(events: Iterable[Indexed]) -> Sums:
    """Return what events come to."""
    sums = Sums()
    for event in events:
        sums.add(event)
    return sums
