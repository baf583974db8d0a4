"""Times in filters: phrases and dates, resolved to a half-open interval in somebody's zone.

::

    today · yesterday · this-week · last-month · last-7-days · 2026 · 2026-11 · 2026-11-03 · 2026-11-03T14:00
    2026-11-01..2026-11-15 (both days included) · 2026-11-03.. · ..2026-11-03

Weeks begin on Monday (ISO 8601). A phrase keeps its words, and means something else tomorrow; :func:`When.fixed` gives
the interval that it means now.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, true

from ordertrail.query.projection import Indexed, moment_microseconds
from ordertrail.query.tables import PLAIN, Dialect, Keys, all_keys, events

_SPAN = re.compile(r"last-(\d{1,4})-(minutes|hours|days|weeks|months)")
_MOMENT = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[Tt](\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?)?([Zz])?)?)?)?"
)
_UNITS = ("day", "week", "month", "year")
_MONTHS = 12


@dataclass(frozen=True, slots=True)
class When:
    """What happened in an interval; ``start`` is in it and ``end`` is not. ``phrase`` is what was written."""

    phrase: str = field(compare=False)
    start: datetime | None
    end: datetime | None

    def sql(self, dialect: Dialect) -> ColumnElement[bool]:  # noqa: ARG002
        """See :class:`~ordertrail.query.filters.terms.Term`."""
        bounds: list[ColumnElement[bool]] = []
        if self.start is not None:
            bounds.append(events.c.time >= moment_microseconds(self.start))
        if self.end is not None:
            bounds.append(events.c.time < moment_microseconds(self.end))
        return and_(true(), *bounds)

    def keys(self, dialect: Dialect) -> Keys | None:  # noqa: ARG002
        """See the protocol."""
        return all_keys().where(self.sql(PLAIN))

    def matches(self, event: Indexed) -> bool:
        """See the protocol."""
        after = self.start is None or event.time >= moment_microseconds(self.start)
        return after and (self.end is None or event.time < moment_microseconds(self.end))

    def words(self) -> str:
        """See the protocol: the resolved interval, with its zone."""
        if self.start is None:
            return "at any time" if self.end is None else f"before {_told(self.end)}"
        return (
            f"from {_told(self.start)} on"
            if self.end is None
            else f"from {_told(self.start)} until {_told(self.end)}"
        )

    def text(self) -> str:
        """See the protocol."""
        return f"when:{self.phrase}"

    def fixed(self) -> "When":
        """Return the same interval, written so that it means the same tomorrow."""
        start, end = (_spelled(moment) if moment is not None else "" for moment in (self.start, self.end))
        return When(f"{start}..<{end}" if end else f"{start}..", self.start, self.end)


def parse_when(phrase: str, now: datetime, zone: ZoneInfo) -> When:
    """Read a phrase. Raises ValueError, saying what may be written, for any other."""
    here = now.astimezone(zone)
    begin, dots, until = phrase.partition("..")
    if dots:
        excluded = until.startswith("<")
        start = _moment(begin, zone)[0] if begin else None
        last = until.removeprefix("<")
        end = (_moment(last, zone)[0 if excluded else 1]) if last else None
        if start is not None and end is not None and end < start:
            raise ValueError(f"{phrase!r} ends before it begins")
        return When(phrase, start, end)
    found = _phrase(phrase, here) or _moment(phrase, zone)
    return When(phrase, *found)


def _phrase(phrase: str, here: datetime) -> tuple[datetime, datetime] | None:
    if phrase in {"today", "yesterday"}:
        phrase = {"today": "this-day", "yesterday": "last-day"}[phrase]
    which, _, unit = phrase.partition("-")
    if which in {"this", "last"} and unit in _UNITS:
        start = _floor(here, unit)
        return (start, _next(start, unit)) if which == "this" else (_previous(start, unit), start)
    span = _SPAN.fullmatch(phrase)
    if span is None:
        return None
    count, unit = int(span[1]), span[2]
    if unit == "months":
        month = here.year * _MONTHS + here.month - 1 - count
        if month < _MONTHS:
            raise ValueError(f"{phrase!r} begins before the calendar does")
        year, zero = divmod(month, _MONTHS)
        return here.replace(year=year, month=zero + 1, day=min(here.day, 28)), here
    return (here.astimezone(UTC) - timedelta(**{unit: count})).astimezone(here.tzinfo), here


def _moment(text: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the beginning and the end of a year, a month, a day, an hour, a minute, a second or a microsecond."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise ValueError(
            f"{text[:60]!r} is no time; write today, yesterday, this-week, last-month, last-7-days, 2026-11, "
            "2026-11-03, 2026-11-03T14:00, or two of them with .. between"
        )
    year, month, day, hour, minute, second, fraction, utc = found.groups()
    try:
        start = datetime(
            int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0),
            int((fraction or "0").ljust(6, "0")), UTC if utc else zone,
        )  # fmt: skip
        end = _end(start, found)
        for moment in (start, end):
            moment.astimezone(
                UTC
            )  # as it will be spelled and compared; the ends of the calendar have no such
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r} is no time: {error}") from None
    return start, end


def _end(start: datetime, found: re.Match[str]) -> datetime:
    _, month, day, hour, minute, second, fraction, _ = found.groups()
    if fraction is not None:
        return start + timedelta(microseconds=10 ** (6 - len(fraction)))
    for told, unit in ((second, "seconds"), (minute, "minutes"), (hour, "hours")):
        if told is not None:
            return start + timedelta(**{unit: 1})
    return _next(start, "day" if day else "month" if month else "year")


def _floor(here: datetime, unit: str) -> datetime:
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
    match unit:
        case "week":
            return midnight - timedelta(days=midnight.weekday())
        case "month":
            return midnight.replace(day=1)
        case "year":
            return midnight.replace(month=1, day=1)
        case _:
            return midnight


def _next(start: datetime, unit: str) -> datetime:
    match unit:
        case "year":
            return start.replace(year=start.year + 1)
        case "month":
            return _floor(start.replace(day=28) + timedelta(days=4), "month")
        case "week":
            return start + timedelta(days=7)
        case _:
            return start + timedelta(days=1)


def _previous(start: datetime, unit: str) -> datetime:
    return _floor(start - timedelta(days=1), unit)


def _told(moment: datetime) -> str:
    shown = "%Y-%m-%d %H:%M" if not (moment.second or moment.microsecond) else "%Y-%m-%d %H:%M:%S"
    return f"{moment.strftime(shown)} {moment.tzname()}"


def _spelled(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
