"""A quarter of trade: orders, the days of staff, and frauds amidst them, in the sequence of times.

::

    quarter = Quarter(events=50_000, seed=7)
    for event in quarter.events(): ...
    quarter.scripted            # complete once the last event was taken: each fraud, and the ids of its events
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from random import Random

from ordertrail.kernel.clock import parse_time
from ordertrail.record.event import Event
from ordertrail.testing.fraud.people import Teller
from ordertrail.testing.fraud.scripts import FRAUDS, Fraud
from ordertrail.testing.fraud.trade import EVENTS_AN_ORDER, day_events, order_events, working

BEGIN = datetime(2026, 7, 1, tzinfo=UTC)
DAYS = 92


@dataclass(frozen=True, slots=True)
class Scripted:
    """A fraud that was scripted, and the ids of its events."""

    fraud: Fraud
    events: frozenset[str]


@dataclass(slots=True)
class Quarter:
    """A quarter of roughly so many events; ``times`` is how often each fraud is scripted."""

    about: int
    seed: int = 7
    times: int = 2
    scripted: list[Scripted] = field(default_factory=list)

    def events(self) -> Iterator[Event]:
        """Yield the events in the sequence of times."""
        random = Random(self.seed)  # noqa: S311 - a quarter wants the same numbers every time
        teller, number = Teller(random), count()
        waiting: list[tuple[datetime, int, Event]] = []
        for begin, events in self._begun(teller):
            while waiting and waiting[0][0] < begin - timedelta(hours=31):
                yield heappop(waiting)[2]
            for event in events:
                heappush(waiting, (parse_time(event.time), next(number), event))
        while waiting:
            yield heappop(waiting)[2]

    def _begun(self, teller: Teller) -> Iterator[tuple[datetime, list[Event]]]:
        """Yield what begins, by when it does: days of staff, orders, frauds."""
        orders = max(1, (self.about - DAYS * 35) // EVENTS_AN_ORDER)
        begins: list[tuple[datetime, int, Fraud | str | int]] = []
        begins += [(BEGIN + timedelta(days=day), day, "day") for day in range(DAYS)]
        for order in range(orders):
            days = DAYS * (order + teller.random.random()) / orders
            begins.append((BEGIN + timedelta(days=days), order, order))
        for place, fraud in enumerate(FRAUDS * self.times):
            day = teller.random.randrange(35, DAYS - 8)
            moment = working(BEGIN + timedelta(days=day), teller.random.random())
            begins.append((moment, place, fraud))
        begins.sort(key=lambda begun: begun[0])
        for moment, place, what in begins:
            match what:
                case Fraud():
                    events = list(what.script(teller, f"FR-{place:04}", moment))
                    self.scripted.append(Scripted(what, frozenset(event.id for event in events)))
                case int():
                    events = list(order_events(teller, what, moment))
                case _:
                    events = list(day_events(teller, moment))
            yield moment, events
