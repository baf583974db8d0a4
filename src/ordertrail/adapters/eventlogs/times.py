"""Times of event logs: many spellings in, one spelling out, and no zone ever guessed.

What is read (``pattern`` absent): ISO 8601 extended dates and times, with ``T`` or a space between,
seconds and a fraction optional, ``Z`` or an offset optional (``+01:00``, ``+0100``, or ``+01`` as PostgreSQL
writes it). With a ``pattern``: what :meth:`datetime.datetime.strptime` reads with it. What comes out is the
kernel's spelling::

    >>> TimeReader(zone="Europe/London").read("2011-07-26 10:13:00")
    Moment(text='2011-07-26T09:13:00.000000Z', milliseconds=1311671580000)

Four things are never decided silently:

- A naive time is a problem unless the mapping names the zone it was written in.
- An hour that the zone's clocks skipped (spring) does not exist: always a problem.
- An hour that they showed twice (autumn) is a problem unless ``ambiguous`` says "earlier" or "later".
- A fraction finer than microseconds is a problem unless it is zeros or ``finer`` says "cut".

Implausible years are kept: BPI Challenge 2019 has real events of 1948.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from ordertrail.adapters.eventlogs.events import UntranslatableError
from ordertrail.kernel.clock import format_time

Ambiguous = Literal["problem", "earlier", "later"]
Finer = Literal["problem", "cut"]

_ISO = re.compile(
    r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(:\d{2})?(?:[.,](\d{1,12}))?([Zz]|[+-]\d{2}(?::?\d{2})?)?", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_DIGITS_KEPT = 6
_REMEMBERED = 1 << 14
"""Times are read once where they repeat: neighbouring events of a log share most of theirs."""


class Moment(NamedTuple):
    """A time as the trail writes it, and its milliseconds since 1970, rounded down."""

    text: str
    milliseconds: int


class TimeReader:
    """Reads the times of one log as its mapping says."""

    def __init__(
        self,
        *,
        zone: str | None = None,
        pattern: str | None = None,
        ambiguous: Ambiguous = "problem",
        finer: Finer = "problem",
    ) -> None:
        self._zone = None if zone is None else ZoneInfo(zone)
        self._pattern = pattern
        self._ambiguous = ambiguous
        self._finer = finer
        self.read = lru_cache(_REMEMBERED)(self._read)
        """Read one time. Raises UntranslatableError with a sentence for a person."""

    def _read(self, text: str) -> Moment:
        written = self._parse_iso(text) if self._pattern is None else self._parse_pattern(text)
        try:
            aware = (self._place(written, text) if written.tzinfo is None else written).astimezone(UTC)
        except OverflowError:
            raise UntranslatableError(f"{text!r} in UTC is outside the years 1 to 9999") from None
        return Moment(format_time(aware), (aware - _EPOCH) // _MILLISECOND)

    def _parse_pattern(self, text: str) -> datetime:
        try:
            return datetime.strptime(text, self._pattern or "")  # noqa: DTZ007 the zone is placed by _place
        except ValueError:
            raise UntranslatableError(f"{text!r} is not a time written as {self._pattern}") from None

    def _parse_iso(self, text: str) -> datetime:
        parts = _ISO.fullmatch(text)
        if parts is None:
            raise UntranslatableError(f"{text!r} is not an ISO 8601 date and time")
        date, minutes, seconds, fraction, offset = parts.groups()
        if fraction and fraction[_DIGITS_KEPT:].strip("0") and self._finer == "problem":
            raise UntranslatableError(
                f"{text!r} is finer than microseconds; the mapping may say time.finer = 'cut'"
            )
        micro = (fraction or "")[:_DIGITS_KEPT].ljust(_DIGITS_KEPT, "0")
        try:
            return datetime.fromisoformat(
                f"{date}T{minutes}{seconds or ':00'}.{micro}{(offset or '').upper()}"
            )
        except ValueError as error:
            raise UntranslatableError(f"{text!r} is not a time that exists: {error}") from None

    def _place(self, naive: datetime, text: str) -> datetime:
        """Give a naive time the zone that the mapping names, where that names one moment."""
        if self._zone is None:
            raise UntranslatableError(f"{text!r} has no zone, and the mapping names none (time.zone)")
        earlier, later = (naive.replace(tzinfo=self._zone, fold=fold) for fold in (0, 1))
        if earlier.utcoffset() == later.utcoffset():
            return earlier
        if earlier.astimezone(UTC).astimezone(self._zone).replace(tzinfo=None, fold=0) != naive:
            raise UntranslatableError(
                f"{text!r} does not exist in {self._zone.key}: its clocks skipped that hour"
            )
        if self._ambiguous == "problem":
            raise UntranslatableError(
                f"{text!r} happened twice in {self._zone.key}; the mapping may say time.ambiguous = 'earlier'"
            )
        return earlier if self._ambiguous == "earlier" else later
