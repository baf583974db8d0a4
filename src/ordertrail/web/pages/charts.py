"""Histograms as the server draws them: geometry in a box of 1000 by 100, each bar a link to what it counts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ordertrail.kernel.clock import format_time
from ordertrail.kernel.numbers import count
from ordertrail.query.questions.histogram import Bar, Step
from ordertrail.query.span import Span
from ordertrail.web.pages.reading import Reading

_WIDE: Final = 1_000.0
_HIGH: Final = 100.0
_LEAST: Final = 2.0
"""The height of a bar of one event among millions: it is seen."""

_STEPS: Final = (
    (timedelta(hours=3), Step.MINUTE),
    (timedelta(days=2), Step.QUARTER),
    (timedelta(days=8), Step.HOUR),
    (timedelta(days=200), Step.DAY),
    (timedelta(days=1_200), Step.WEEK),
)


@dataclass(frozen=True, slots=True)
class DrawnBar:
    """A bar: where it stands, what it says, and where its events are."""

    label: str
    events: int
    shown: str
    href: str
    x: str
    y: str
    width: str
    inner: str
    height: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A histogram. ``href`` has WHEN where a term of time is to stand; times are RFC 3339."""

    title: str
    bars: tuple[DrawnBar, ...]
    first: str
    last: str
    note: str
    start: str
    end: str
    href: str


def step_for(span: Span) -> Step:
    """Return a step that gives a span no more bars than a screen tells apart."""
    length = span.end - span.start
    return next((step for most, step in _STEPS if length <= most), Step.MONTH)


def when_of(start: datetime, end: datetime) -> str:
    """Return an interval as a term of a filter."""
    return f"when:{format_time(start)}..<{format_time(end)}"


def draw(
    bars: tuple[Bar, ...], span: Span, step: Step, reading: Reading, link: Callable[[str], str]
) -> Chart:
    """Draw a histogram. ``link`` makes the address of the events of a term of time."""
    peak = max((bar.events for bar in bars), default=0)
    whole = (span.end - span.start) / timedelta(microseconds=1)
    drawn = []
    for bar in bars:
        x = (bar.start - span.start) / timedelta(microseconds=1) / whole * _WIDE
        width = (bar.end - bar.start) / timedelta(microseconds=1) / whole * _WIDE
        height = max(_LEAST, bar.events / peak * (_HIGH - 4)) if bar.events else 0.0
        drawn.append(
            DrawnBar(
                _label(bar.start, step, reading),
                bar.events,
                count(bar.events, "event"),
                link(when_of(bar.start, bar.end)),
                f"{x:.2f}",
                f"{_HIGH - height:.2f}",
                f"{width:.2f}",
                f"{max(width - min(width * 0.18, 2.0), 0.6):.2f}",
                f"{height:.2f}",
            )
        )
    total = sum(bar.events for bar in bars)
    return Chart(
        f"{count(total, 'event')} by {_NAMES[step]}, {reading.span(span.start, span.end)}",
        tuple(drawn),
        _label(span.start, step, reading),
        _label(span.end, step, reading),
        f"by {_NAMES[step]}, at most {peak:,}",
        format_time(span.start),
        format_time(span.end),
        link("WHEN"),
    )


_NAMES: Final = {
    Step.MINUTE: "minute",
    Step.QUARTER: "quarter of an hour",
    Step.HOUR: "hour",
    Step.DAY: "day",
    Step.WEEK: "week",
    Step.MONTH: "month",
}


def _label(moment: datetime, step: Step, reading: Reading) -> str:
    here = moment.astimezone(reading.zone)
    if step is Step.MONTH:
        return reading.month(here)
    if step in {Step.DAY, Step.WEEK}:
        return reading.day(here)
    return f"{reading.day(here)}, {here:%H:%M} {here.tzname()}"
