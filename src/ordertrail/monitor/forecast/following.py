"""Following orders through a stream of events: prefixes, fates, and what is asked and settled, in one walk.

Learning walks the past, scoring walks the present, and both by this: what is asked of an order, with what is known of
it then, cannot differ. Memory is bounded: of more orders than :data:`MOST_OPEN`, those that moved least lately are let
go, and counted.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Generic, Protocol, TypeVar

from ordertrail.monitor.forecast.fates import Course, Fate, Settled
from ordertrail.monitor.forecast.prefixes import Prefix
from ordertrail.monitor.forecast.targets import ByRule, Target
from ordertrail.monitor.forecast.trail import is_seen, observe
from ordertrail.monitor.rules.rulebook import Rulebook
from ordertrail.monitor.stream.engine import Engine
from ordertrail.query.projection import Indexed

MOST_OPEN = 200_000
_SILENT = 4
"""An order that has not moved for so many times the longest horizon is let go."""

Item = TypeVar("Item")
Key = tuple[str, str]
"""Tenant (empty where there is none) and order."""


@dataclass(slots=True)
class Followed(Generic[Item]):
    """An order that is followed: its place in the sequence of beginnings, what is known of it, a fate for each target.

    ``moved`` is the time of its newest event.
    """

    key: Key
    number: int
    fates: tuple[Fate[Item], ...]
    moved: int = 0
    prefix: Prefix = field(default_factory=Prefix)


class Listener(Protocol[Item]):
    """Whoever wants to know what is asked and what became of it."""

    def asked(self, place: int, order: Followed[Item]) -> None:
        """A forecast of an order by the target at a place is asked now; ``order.fates[place].ask`` keeps it."""

    def settled(self, place: int, order: Followed[Item], settled: Sequence[Settled[Item]]) -> None:
        """The truth of forecasts of an order, by the target at a place, is known."""


class Following(Generic[Item]):
    """Orders, followed. Used by one thread."""

    def __init__(
        self,
        courses: Sequence[Course],
        listener: Listener[Item],
        rules: Rulebook | None = None,
        most: int = MOST_OPEN,
    ) -> None:
        self.events = self.let_go = 0
        self._courses, self._listener, self._most = courses, listener, most
        self._orders: OrderedDict[Key, Followed[Item]] = OrderedDict()
        self._waking: list[tuple[int, int, int]] = []
        self._by_number: dict[int, Followed[Item]] = {}
        self._number = 0
        self._longest = _SILENT * max((course.target.horizon for course in courses), default=0)
        self._engines = _engines(courses, rules)

    def __len__(self) -> int:
        return len(self._orders)

    def take(self, event: Indexed) -> None:
        """Take the next event of the stream."""
        self.events += 1
        self._find(event)
        seen, key = is_seen(event), (event.tenant or "", event.order or "")
        if event.order is None or not (seen or key in self._orders):
            return
        self._wake(event.time)
        order = self._order(key, event.time)
        asked = []
        for place, fate in enumerate(order.fates):
            settled, is_asked = fate.take(event)
            self._tell(place, order, settled)
            if is_asked and seen:
                asked.append(place)
        if seen:
            order.prefix.add(observe(event))
        for place in asked:
            self._listener.asked(place, order)
        for place in range(len(order.fates)):
            self._set_alarm(place, order)

    def settle(self, now: int) -> None:
        """Settle what the passing of time settles, up to a moment."""
        self._wake(now)

    def order(self, key: Key) -> Followed[Item] | None:
        """Return an order that is followed."""
        return self._orders.get(key)

    def open(self, place: int) -> Iterator[Followed[Item]]:
        """Yield the orders that may still breach by the target at a place."""
        return (order for order in self._orders.values() if not order.fates[place].over)

    def _order(self, key: Key, time: int) -> Followed[Item]:
        order = self._orders.get(key)
        if order is None:
            fates = tuple(Fate[Item](course) for course in self._courses)
            order = self._orders[key] = Followed(key, self._number, fates)
            self._by_number[self._number] = order
            self._number += 1
        order.moved = max(order.moved, time)
        self._orders.move_to_end(key)
        if len(self._orders) > self._most:
            self._forget(next(iter(self._orders)))
            self.let_go += 1
        oldest = next(iter(self._orders.values()))
        if oldest.moved + self._longest < time:
            self._forget(oldest.key)
        return order

    def _forget(self, key: Key) -> None:
        del self._by_number[self._orders.pop(key).number]

    def _find(self, event: Indexed) -> None:
        for place, engine in self._engines.items():
            engine.take(event)
            for finding in engine.taken().findings:
                order = self._orders.get((finding.at.tenant or "", finding.at.order or ""))
                if order is not None:
                    self._tell(place, order, order.fates[place].breach(finding.at.time))

    def _wake(self, now: int) -> None:
        while self._waking and self._waking[0][0] < now:
            _moment, number, place = heappop(self._waking)
            order = self._by_number.get(number)
            if order is not None:
                self._tell(place, order, order.fates[place].settle(now))
                self._set_alarm(place, order)

    def _set_alarm(self, place: int, order: Followed[Item]) -> None:
        moment = order.fates[place].alarm()
        if moment is not None:
            heappush(self._waking, (moment, order.number, place))

    def _tell(self, place: int, order: Followed[Item], settled: Sequence[Settled[Item]]) -> None:
        if settled:
            self._listener.settled(place, order, settled)


def _engines(courses: Sequence[Course], rules: Rulebook | None) -> Mapping[int, Engine]:
    """Return an engine for each target whose breach is a rule's finding, by its place."""
    engines = {}
    for place, course in enumerate(courses):
        if isinstance(course.target.breach, ByRule) and rules is not None:
            engines[place] = Engine(rules.only(course.target.breach.rule))
    return engines


def known_targets(targets: Sequence[Target], rules: Rulebook) -> tuple[Target, ...]:
    """Return the targets whose rule, where they have one, is in the rulebook."""
    names = {rule.about.name for rule in rules}
    return tuple(
        target for target in targets if not isinstance(target.breach, ByRule) or target.breach.rule in names
    )
