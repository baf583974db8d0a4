"""Dates and times of EDI: X12 elements 373 and 337 with the time codes 623, EDIFACT C507 with the formats 2379."""

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final

from ordertrail.kernel.clock import format_time

_CENTURY = 70
"""Years of two digits from here on are of the last century (X12.6 and ISO 9735 leave it to the partners)."""
_NAMED_ZONES = {
    "ET": -5, "ES": -5, "ED": -4, "CT": -6, "CS": -6, "CD": -5, "MT": -7, "MS": -7, "MD": -6, "PT": -8, "PS": -8,
    "PD": -7, "AT": -9, "AS": -9, "AD": -8, "HT": -10, "HS": -10, "HD": -9, "TT": -4, "TS": -4, "TD": -3, "GM": 0,
    "UT": 0,
}  # fmt: skip
_LENGTHS = {6: "%Y%m%d", 8: "%Y%m%d", 10: "%Y%m%d%H%M", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
_SHORT: Final = frozenset({6, 10})
"""Lengths with a year of two digits."""
_SHORT_WITH_SECONDS = "202"
_ODD = {"2": "%d%m%Y", "3": "%m%d%Y", "4": "%d%m%Y", "8": "%y%m%d"}
"""Formats with the day or the month first; years of two digits are filled up beforehand."""
_ZONED = {"205", "303", "304"}
_RANGES = {"711": 8, "713": 10, "717": 6, "718": 8, "719": 12}
"""Formats of a range, and the digits of each of its ends."""
_MONTH, _WEEK, _SHORT_WEEK, _YEAR = "610", "616", "615", "602"


def x12_time(date: str, clock: str | None, code: str | None, zone: tzinfo) -> str:
    """Return a moment in UTC from CCYYMMDD or YYMMDD, a time of day and its code. Raises ValueError for what is none.

    ``ET`` and its like are taken as standard time, as their neighbours ES and ED tell the halves of the year apart.
    Codes of no zone (``LT``, local) and no code mean the account's zone.
    """
    if not (date.isascii() and date.isdigit() and len(date) in {6, 8}):
        raise ValueError("is not a date of the form CCYYMMDD or YYMMDD")
    time = clock or "0000"
    if not (time.isascii() and time.isdigit() and len(time) in {4, 6, 7, 8}):
        raise ValueError("has no time of the form HHMM, HHMMSS or with a fraction")
    seconds, fraction = (time[4:6] or "00"), time[6:]
    moment = datetime.strptime(_filled(date) + time[:4] + seconds, "%Y%m%d%H%M%S")  # noqa: DTZ007
    moment += timedelta(seconds=0, microseconds=int(fraction.ljust(6, "0")) if fraction else 0)
    return _written(moment, _zone_of(code, zone))


def _zone_of(code: str | None, zone: tzinfo) -> tzinfo:
    if code in _NAMED_ZONES:
        return timezone(timedelta(hours=_NAMED_ZONES[code]))
    if code is not None and code.isascii() and code.isdigit() and 1 <= int(code) <= 24:
        # 01 to 12 are hours before UTC, 13 to 24 are 12 to 1 hours behind it.
        return timezone(timedelta(hours=int(code) if int(code) <= 12 else int(code) - 25))
    return zone


def edifact_period(text: str, form: str | None, zone: tzinfo) -> tuple[str, str]:
    """Return the two ends of what a DTM says, in UTC; of a moment both are the same. Raises ValueError.

    The digits count where a partner's format code says otherwise, as ``199910060000`` with 102.
    """
    if form in _RANGES:
        digits = text.replace("-", "")
        half = _RANGES[form] if len(digits) == 2 * _RANGES[form] else len(digits) // 2
        return _moment(digits[:half], zone), _moment(digits[half:], zone)
    if form in {_MONTH, _WEEK, _SHORT_WEEK, _YEAR}:
        return _span(text, form, zone)
    if form in _ODD:
        filled = text[:4] + _filled(text[4:] + "0101")[:4] if len(text) == 6 and form != "8" else text
        moment = datetime.strptime(filled, _ODD[form])  # noqa: DTZ007
        return (_written(moment, zone),) * 2
    if form in _ZONED:
        return (_zoned(text, form, zone),) * 2
    if form == _SHORT_WITH_SECONDS and len(text) == 12:
        return (_moment(_filled(text[:6]) + text[6:], zone),) * 2
    return (_moment(text, zone),) * 2


def _moment(digits: str, zone: tzinfo) -> str:
    if not (digits.isascii() and digits.isdigit() and len(digits) in _LENGTHS):
        raise ValueError("is not a date or time of a form that is known")
    filled = _filled(digits[:6]) + digits[6:] if len(digits) in _SHORT else digits
    return _written(datetime.strptime(filled, _LENGTHS[len(digits)]), zone)  # noqa: DTZ007


def _span(text: str, form: str, zone: tzinfo) -> tuple[str, str]:
    """Return the first and the last day of a month, a week (ISO 8601) or a year."""
    if not (text.isascii() and text.isdigit()):
        raise ValueError("is not a period of a form that is known")
    if form == _SHORT_WEEK:
        text = _filled(text + "01")[:4] + text[2:]
    if form in {_WEEK, _SHORT_WEEK}:
        first = datetime.fromisocalendar(int(text[:4]), int(text[4:]), 1)
        last = first + timedelta(days=6)
    else:
        month = int(text[4:]) if form == _MONTH else 1
        first = datetime(int(text[:4]), month, 1)  # noqa: DTZ001
        months = 1 if form == _MONTH else 12
        after = first.year * 12 + first.month - 1 + months
        last = datetime(after // 12, after % 12 + 1, 1) - timedelta(days=1)  # noqa: DTZ001
    return _written(first, zone), _written(last, zone)


def _zoned(text: str, form: str, zone: tzinfo) -> str:
    """Return a moment with its zone behind it: 303 and 304 name it (UTC, GMT, Z or hours), 205 gives its distance."""
    digits = 14 if form == "304" else 12
    stamp, name = text[:digits], text[digits:].strip()
    if name in {"UTC", "GMT", "Z", "ZZZ"}:
        return _moment(stamp, UTC)
    hours = name.replace(":", "").lstrip("+")
    if hours.lstrip("-").isdigit() and len(hours.lstrip("-")) in {1, 2, 3, 4}:
        plain = hours.lstrip("-")
        minutes = int(plain) * 60 if len(plain) <= 2 else int(plain[:-2]) * 60 + int(plain[-2:])
        return _moment(stamp, timezone(timedelta(minutes=-minutes if hours.startswith("-") else minutes)))
    return _moment(stamp, zone)


def _filled(date: str) -> str:
    """Return a date of six digits with its century."""
    if len(date) != 6:
        return date
    return ("19" if int(date[:2]) >= _CENTURY else "20") + date


def _written(moment: datetime, zone: tzinfo) -> str:
    return format_time(moment.replace(tzinfo=zone).astimezone(UTC))
