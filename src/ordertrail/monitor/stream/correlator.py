"""The windows of one correlation, kept while events come in, in whatever sequence.

An item is put where its time says. Only the items that it may change are judged again: itself, and those that follow it
by no more than the span. A correlation whose match a late event could take away (:attr:`Correlation.waits`) is judged
at an item when the watermark has passed it. So what is found is a function of what happened, as long as no event comes
later than the watermark allows.

State is bounded: by the span, behind which items are dropped; by ``MOST_IN_GROUP`` items of one group (as rules know),
and :data:`MOST_ITEMS` of all. What is dropped for want of room is counted, and never silent.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count

from ordertrail.monitor.rules.rule import MOST_IN_GROUP, Correlation, Kind
from ordertrail.monitor.stream.seen import Group, Item
from ordertrail.monitor.stream.window import Hot, judge_of

MOST_ITEMS = 200_000
"""Items of one correlation."""

_SWEEPS = 2
_NEVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Match:
    """A correlation is hot at an item of a group."""

    group: Group
    item: Item
    hot: Hot


@dataclass(slots=True)
class _Window:
    """The items of a group by time; and of those that were told lately, their moments."""

    items: list[Item] = field(default_factory=list)
    moments: list[tuple[int, str]] = field(default_factory=list)


class Correlator:
    """Keeps and judges the windows of a correlation."""

    def __init__(self, rule: Correlation, watermark: int) -> None:
        self.rule = rule
        self.dropped = 0
        """Items that were let go for want of room."""
        self._judge = judge_of(rule)
        self._waits = rule.waits
        self._windows: dict[Group, _Window] = {}
        self._pending: list[tuple[tuple[int, str], int, Group, Item]] = []
        self._turn = count()
        self._size = 0
        self._watermark = watermark
        self._least = _least(rule)
        self._step = max(1, rule.span // _SWEEPS)
        self.due = self._next_due()
        """The watermark from which on :meth:`advance` has something to do."""

    def __len__(self) -> int:
        return self._size

    @property
    def horizon(self) -> int:
        """The time before which nothing is kept: a span before the watermark, in steps of half a span."""
        return (self._watermark - self.rule.span) // self._step * self._step

    def restore(self, group: Group, item: Item) -> None:
        """Take an item back that was kept before a restart."""
        if item.seen.time >= self.horizon and self._insert(group, item) is not None:
            self._wait(group, item)

    def add(self, group: Group, item: Item) -> Iterator[Match]:
        """Put an item where it belongs; yield the matches that this makes sure of."""
        if item.seen.time < self.horizon:
            return
        place = self._insert(group, item)
        if place is None:
            return
        if self._waits and item.seen.time > self._watermark:
            self._wait(group, item)
            return
        if self._size > MOST_ITEMS:
            self.due = self._watermark
        yield from self._judge_from(group, place, until=item.seen.time + self.rule.span)

    def advance(self, watermark: int) -> Iterator[Match]:
        """Say that no event before the watermark comes any more; yield the matches that waited for it."""
        before = self.horizon
        self._watermark = watermark
        while self._pending and self._pending[0][0][0] <= watermark:
            _moment, _turn, group, item = heappop(self._pending)
            window = self._windows.get(group)
            if window is None:
                continue
            place = bisect_left(window.moments, item.moment)
            while place < len(window.items) and window.items[place].leg != item.leg:
                place += 1
            if place < len(window.items) and window.moments[place] == item.moment:
                match = self._match(group, window, place)
                if match is not None:
                    yield match
        if self.horizon != before or self._size > MOST_ITEMS:
            self._sweep()
        self.due = self._next_due()

    def _next_due(self) -> int:
        if not self._size:
            return _NEVER
        sweep = self.horizon + self._step + self.rule.span
        return min(sweep, self._pending[0][0][0]) if self._pending else sweep

    def _insert(self, group: Group, item: Item) -> int | None:
        """Return where an item was put; None where it is there already."""
        window = self._windows.get(group)
        if window is None:
            window = self._windows[group] = _Window()
        moment, items, moments = item.moment, window.items, window.moments
        place = len(items) if not moments or moment > moments[-1] else bisect_left(moments, moment)
        while place < len(items) and moments[place] == moment:
            if items[place].leg == item.leg:
                return None
            if items[place].leg > item.leg:
                break
            place += 1
        items.insert(place, item)
        moments.insert(place, moment)
        if not self._size:
            self.due = moment[0]
        self._size += 1
        if len(items) > MOST_IN_GROUP:
            extra = len(items) // 8
            del items[:extra], moments[:extra]
            self._size -= extra
            self.dropped += extra
            place -= extra
        return max(place, 0)

    def _wait(self, group: Group, item: Item) -> None:
        if self._waits and item.seen.time > self._watermark:
            heappush(self._pending, (item.moment, next(self._turn), group, item))
            self.due = min(self.due, item.seen.time)

    def _judge_from(self, group: Group, place: int, until: int) -> Iterator[Match]:
        window = self._windows[group]
        while place < len(window.items) and window.moments[place][0] <= until:
            if not (self._waits and window.moments[place][0] > self._watermark):
                match = self._match(group, window, place)
                if match is not None:
                    yield match
            place += 1

    def _match(self, group: Group, window: _Window, place: int) -> Match | None:
        item = window.items[place]
        first = bisect_left(window.moments, (item.seen.time - self.rule.span, ""))
        if place + 1 - first < self._least:
            return None
        hot = self._judge(window.items[first : place + 1])
        return None if hot is None else Match(group, item, hot)

    def _sweep(self) -> None:
        """Drop what is behind the horizon, and the oldest where there is too much."""
        horizon = self.horizon
        if self._size > MOST_ITEMS:
            times = sorted(moment[0] for window in self._windows.values() for moment in window.moments)
            horizon = max(horizon, times[len(times) // 8])
        for group in list(self._windows):
            window = self._windows[group]
            extra = bisect_left(window.moments, (horizon, ""))
            if extra:
                if horizon > self.horizon:
                    self.dropped += extra
                del window.items[:extra], window.moments[:extra]
                self._size -= extra
            if not window.items:
                del self._windows[group]


def _least(rule: Correlation) -> int:
    """Return how many items a window must have for a correlation to hold, where more make it hold."""
    if rule.kind in {Kind.EVENT_COUNT, Kind.VALUE_COUNT} and rule.threshold is not None and not rule.waits:
        return max(1, int(rule.threshold.number))
    return len(rule.legs) if rule.kind is Kind.TEMPORAL_ORDERED else 1
