"""The coverage calendar: on which days the trail has events, and on which it has none, week by week."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from ordertrail.kernel.numbers import count
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.questions.facts import by_day
from ordertrail.query.service import Query
from ordertrail.web.pages.addresses import explore_href
from ordertrail.web.pages.reading import read_time

_WEEKS: Final = 26
_WEEK: Final = 7
_NAMES: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, slots=True)
class Day:
    """A day of UTC: what it has in words, how much that is from 0 to 4, and where its events are.

    Of a day before the trail began, or still to come, there is nothing to tell.
    """

    told: str
    level: int
    href: str


@dataclass(frozen=True, slots=True)
class WeekDay:
    """One row of the calendar: a day of the week, in each week."""

    name: str
    days: tuple[Day, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """The calendar: the first days of its weeks (every fourth is told), its rows, and the days without any event."""

    weeks: tuple[str, ...]
    rows: tuple[WeekDay, ...]
    sentence: str
    silent: tuple[str, ...]


def coverage_of(query: Query, now: datetime) -> Coverage:
    """Return the calendar of the last half year, by days of UTC."""
    events: Counter[date] = Counter()
    for one in by_day(query.counts, Filter(), ("outcome",)):
        events[read_time(one.day).date()] += one.events
    today = now.astimezone(UTC).date()
    first = today - timedelta(days=today.weekday() + _WEEK * (_WEEKS - 1))
    begun = min(events, default=today)
    most = max((number for day, number in events.items() if first <= day <= today), default=0)

    def day(at: date) -> Day:
        if not begun <= at <= today:
            return Day("", 0, "")
        number = events[at]
        level = 0 if not number else 1 + min(3, 4 * number // (most + 1))
        return Day(
            f"{at.isoformat()}: {count(number, 'event')}",
            level,
            f"{explore_href(f'when:{at.isoformat()}')}&zone=UTC",
        )

    weeks = [first + timedelta(days=_WEEK * number) for number in range(_WEEKS)]
    rows = tuple(
        WeekDay(name, tuple(day(week + timedelta(days=place)) for week in weeks))
        for place, name in enumerate(_NAMES)
    )
    silent = tuple(one.isoformat() for one in _days(max(first, begun), today) if not events[one])
    told = f"Since {max(first, begun).isoformat()}, by days of UTC: "
    told += f"{count(len(silent), 'day')} without any event." if silent else "every day has events."
    heads = tuple(week.isoformat()[5:] if place % 4 == 0 else "" for place, week in enumerate(weeks))
    return Coverage(heads, rows, told, silent)


def _days(start: date, end: date) -> Iterator[date]:
    for number in range((end - start).days + 1):
        yield start + timedelta(days=number)
