"""Who, what and which channel had more events in a day than usual, or fewer: whole days of UTC, from rollups.

Usual is what lies within the fences of Tukey (Exploratory Data Analysis, 1977: beyond the quartiles by one and a half
times their distance) over the days of the same kind before: working days are held against working days, and weekends
against weekends. The fences are never nearer than three standard deviations of a Poisson count, so that three events
where two are usual are no news.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import quantiles
from typing import Final
from zoneinfo import ZoneInfo

from ordertrail.query.filters.grammar import Filter
from ordertrail.query.ports import Counts
from ordertrail.query.projection import moment_microseconds
from ordertrail.query.span import Span

LOOKED: Final = 28
"""Days before a day that it is held against."""
LEAST: Final = 5
"""Days of the same kind that it takes to say what is usual."""
COLUMNS: Final = ("actor", "action", "channel")
_MOST: Final = 200
"""Channels of a day that are looked at."""
_ONE_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5
_ZONE: Final = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Usual:
    """How many events there are as a rule: from ``low`` to ``high``; ``most`` is the most there were, of how many."""

    low: int
    high: int
    most: int
    of: int


@dataclass(frozen=True, slots=True)
class Mover:
    """A value of a column with a day on which it had more or fewer events than usual.

    ``day`` is the day's first moment; ``far`` says how far outside, in widths of the fence: the larger, the farther.
    """

    column: str
    value: str
    day: datetime
    events: int
    usual: Usual
    far: float

    @property
    def above(self) -> bool:
        """Whether there were more than usual."""
        return self.events > self.usual.high


@dataclass(frozen=True, slots=True)
class DayAsked:
    """A day that is asked about, by its first moment; of one that is not over, nothing is said to be too few."""

    start: datetime
    over: bool


def usual_range(before: Sequence[int]) -> Usual:
    """Return what is usual, of two counts or more."""
    lower, middle, upper = quantiles(before, n=4, method="inclusive")
    width = max(1.5 * (upper - lower), 3 * math.sqrt(max(middle, 1.0)))
    return Usual(max(0, math.floor(lower - width)), math.ceil(upper + width), max(before), len(before))


def comparable_days(day: datetime, first: datetime) -> list[datetime]:
    """Return the days of the same kind before a day, from the first whole day of a trail on."""
    earliest = max(day - LOOKED * _ONE_DAY, midnight(first) + _ONE_DAY)
    before = (day - back * _ONE_DAY for back in range(1, LOOKED + 1))
    return [one for one in before if one >= earliest and _is_weekend(one) == _is_weekend(day)]


def movers(counts: Counts, asked: Sequence[DayAsked], first: datetime) -> tuple[Mover, ...]:
    """Return what lay outside its usual range on these days, the farthest first.

    ``first`` is when the trail's first event was. A day with fewer than :data:`LEAST` days to be held against has none.
    """
    told: list[Mover] = []
    for day in asked:
        before = comparable_days(day.start, first)
        if len(before) >= LEAST:
            for column in COLUMNS:
                by_day = _by_day(counts, column, (*before, day.start))
                told += _outside(column, day, by_day, before)
    return tuple(sorted(told, key=lambda one: (-one.far, one.column, one.value)))


def midnight(moment: datetime) -> datetime:
    """Return the first moment of a moment's day of UTC."""
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _is_weekend(day: datetime) -> bool:
    return day.weekday() >= _SATURDAY


def _by_day(counts: Counts, column: str, days: Sequence[datetime]) -> Mapping[str, Mapping[int, int]]:
    """Return the counts of each value of a column, by the day's first microsecond."""
    found: dict[str, dict[int, int]] = defaultdict(dict)
    for value, day, events in (
        _channels(counts, days) if column == "channel" else _rolled(counts, column, days)
    ):
        found[value][day] = events
    return found


def _rolled(counts: Counts, column: str, days: Sequence[datetime]) -> Iterator[tuple[str, int, int]]:
    whole = Filter((_days(min(days), max(days)).term(),))
    for one in counts.days(whole, (column,)):
        yield one.key[0], one.day, one.events


def _channels(counts: Counts, days: Iterable[datetime]) -> Iterator[tuple[str, int, int]]:
    """Yield what the rollup of values knows, which is asked day by day."""
    for day in days:
        tally = counts.tally(Filter((_days(day, day).term(),)), ("channel",), _MOST, 1)["channel"]
        for one in tally.values:
            if one.value is not None:
                yield one.value, moment_microseconds(day), one.events


def _days(first: datetime, last: datetime) -> Span:
    return Span(first, last + _ONE_DAY, _ZONE)


def _outside(
    column: str, day: DayAsked, by_day: Mapping[str, Mapping[int, int]], before: Sequence[datetime]
) -> Iterator[Mover]:
    ticks = [moment_microseconds(one) for one in before]
    for value, known in by_day.items():
        usual = usual_range([known.get(tick, 0) for tick in ticks])
        events = known.get(moment_microseconds(day.start), 0)
        beyond = events - usual.high if events > usual.high else usual.low - events if day.over else 0
        if beyond > 0:
            yield Mover(column, value, day.start, events, usual, beyond / max(1, usual.high - usual.low))
