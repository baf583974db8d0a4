"""When? Counts by intervals of somebody's zone: minutes, hours, days, weeks or months.

Rollups count by hours of UTC. A day of any zone begins at a quarter of an hour of UTC, most at a full one: the
intervals are put together of the widest steps that all of them begin with.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from ordertrail.kernel.errors import InputError
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.ports import Counts
from ordertrail.query.projection import MICRO, moment_microseconds
from ordertrail.query.span import Span
from ordertrail.query.tables import DAY, HOUR

MOST = 1_000
"""Bars of the longest histogram."""

_WIDTHS = (DAY, HOUR, HOUR // 4, 60 * MICRO)


class Step(StrEnum):
    """How wide a bar is."""

    MINUTE = "minute"
    QUARTER = "quarter"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


_EVEN = {
    Step.MINUTE: timedelta(minutes=1),
    Step.QUARTER: timedelta(minutes=15),
    Step.HOUR: timedelta(hours=1),
}


@dataclass(frozen=True, slots=True)
class Bar:
    """An interval in UTC, which begins where the zone's clock says, its end not in it; and the events in it."""

    start: datetime
    end: datetime
    events: int


def histogram(counts: Counts, filter_: Filter, span: Span, step: Step) -> tuple[Bar, ...]:
    """Count the events that are meant in a span; the first and the last bar are cut off at its ends.

    Raises InputError where there would be more than :data:`MOST` bars, or none.
    """
    if span.end <= span.start:
        raise InputError("a histogram ends after it begins", meaning="Nothing was counted.")
    edges: list[datetime] = []
    for edge in _edges(span, step):
        if len(edges) > MOST:
            raise InputError(f"there would be more than {MOST} bars; take a wider step than a {step}")
        edges.append(edge)
    ticks = [moment_microseconds(edge) for edge in edges]
    width = next((one for one in _WIDTHS if all(tick % one == 0 for tick in ticks[1:-1])), 1)
    sums = [0] * (len(edges) - 1)
    for begin, events in counts.steps(filter_.with_(span.term()), width).items():
        sums[max(0, bisect_right(ticks, begin) - 1)] += events
    return tuple(Bar(one, after, events) for one, after, events in zip(edges, edges[1:], sums, strict=False))


def _edges(span: Span, step: Step) -> Iterator[datetime]:
    """Yield where bars begin, and the end, in UTC: times of one zone are compared by its clock, which goes back."""
    end = span.end.astimezone(UTC)
    edge = span.start.astimezone(UTC)
    while edge < end:
        yield edge
        edge = _after(edge.astimezone(span.zone), step).astimezone(UTC)
    yield end


def _after(here: datetime, step: Step) -> datetime:
    """Return the next beginning of a step after a moment, in its zone."""
    if step in _EVEN:
        wide = int(_EVEN[step] / timedelta(microseconds=1))
        offset = here.utcoffset() or timedelta()
        local = moment_microseconds(here) + int(offset / timedelta(microseconds=1))
        return (here.astimezone(UTC) + timedelta(microseconds=wide - local % wide)).astimezone(here.tzinfo)
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    match step:
        case Step.WEEK:
            return midnight + timedelta(days=7 - midnight.weekday())
        case Step.MONTH:
            return (midnight.replace(day=28) + timedelta(days=4)).replace(day=1)
        case _:
            return midnight + timedelta(days=1)
