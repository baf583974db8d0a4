"""What happened while nobody was to be at work: each night, weekend and holiday of a schedule, with its events.

Counted by full hours of UTC, as rollups count: a stretch begins with its first full hour and ends with its last, so
that each number is of a time that can be asked for.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from ordertrail.query.filters.grammar import Filter
from ordertrail.query.ports import Counts
from ordertrail.query.projection import moment_microseconds
from ordertrail.query.questions.usual import Usual, usual_range
from ordertrail.query.span import Span
from ordertrail.query.tables import HOUR

LEAST: Final = 3
"""Other stretches of the same length that it takes to say what is usual: a month has four weekends."""
_ONE_DAY: Final = timedelta(days=1)
_ONE_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class BusinessHours:
    """When people work: from ``begin`` to ``end`` (minutes of the day) on ``days`` (Monday is 0), by a zone's clock."""

    zone: ZoneInfo
    begin: int
    end: int
    days: frozenset[int]


@dataclass(frozen=True, slots=True)
class Closed:
    """A stretch of time outside business hours, its events, and how many stretches as long as it have as a rule."""

    span: Span
    events: int
    usual: Usual | None

    @property
    def above(self) -> bool:
        """Whether there were more than usual."""
        return self.usual is not None and self.events > self.usual.high


def closed_stretches(hours: BusinessHours, span: Span) -> tuple[Span, ...]:
    """Return the stretches of a span that lie outside business hours, in full hours of UTC."""
    found: list[Span] = []
    at = span.start
    for begin, end in (*_open(hours, span), (span.end, span.end)):
        start, until = _ceiled(at), _floored(min(begin, span.end))
        if start < until:
            found.append(Span(start, until, hours.zone))
        at = max(at, end)
    return tuple(found)


def off_hours(counts: Counts, filter_: Filter, span: Span, hours: BusinessHours) -> tuple[Closed, ...]:
    """Return the events that are meant by the stretches in which nobody was to be at work, the oldest first."""
    stretches = closed_stretches(hours, span)
    if not stretches:
        return ()
    starts = [moment_microseconds(one.start) for one in stretches]
    ends = [moment_microseconds(one.end) for one in stretches]
    events = [0] * len(stretches)
    whole = Span(_floored(span.start), _ceiled(span.end), span.zone)
    for begin, number in counts.steps(filter_.with_(whole.term()), HOUR).items():
        place = bisect_right(starts, begin) - 1
        if place >= 0 and begin < ends[place]:
            events[place] += number
    return tuple(
        Closed(one, events[place], _usual(stretches, events, place)) for place, one in enumerate(stretches)
    )


def _usual(stretches: Sequence[Span], events: Sequence[int], place: int) -> Usual | None:
    """Return what is usual among the others that are as long; None where they are too few to say."""
    length = stretches[place].end - stretches[place].start
    others = [
        number
        for other, (one, number) in enumerate(zip(stretches, events, strict=True))
        if other != place and abs(one.end - one.start - length) <= _ONE_HOUR
    ]
    return usual_range(others) if len(others) >= LEAST else None


def _open(hours: BusinessHours, span: Span) -> Iterator[tuple[datetime, datetime]]:
    """Yield business hours, in UTC, from those on that end within a span."""
    day = span.start.astimezone(hours.zone).date() - _ONE_DAY
    while (begin := _at(day, hours.begin, hours.zone)) < span.end:
        end = _at(day, hours.end, hours.zone)
        if day.weekday() in hours.days and end > span.start:
            yield begin, end
        day += _ONE_DAY


def _at(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """Return a minute of a day by a zone's clock; the 1,440th is midnight of the next."""
    here = datetime.combine(day + timedelta(days=minutes // 1_440), time(), zone)
    return (here + timedelta(minutes=minutes % 1_440)).astimezone(UTC)


def _floored(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _ceiled(moment: datetime) -> datetime:
    down = _floored(moment)
    return down if down == moment else down + _ONE_HOUR
