"""Times: aware, UTC, microseconds, one spelling.

A time is written ``YYYY-MM-DDTHH:MM:SS.ffffffZ`` (RFC 3339 section 5.6, always six digits of
fraction, always ``Z``), so that text order is time order and equal times are equal bytes::

    >>> format_time(parse_time("2026-11-22T15:02:10.12+01:00"))
    '2026-11-22T14:02:10.120000Z'
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns the current time, aware and UTC. The core never asks the system: a clock is handed in."""

_SPELLINGS = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,6})?(?P<zone>[Zz]|[+-]\d{2}:\d{2})?", re.ASCII
)
_CANONICAL_LENGTH = len("2026-11-22T14:02:10.120000Z")


def utc_now() -> datetime:
    """Return the system's time. The one clock of a running service; tests hand in their own."""
    return datetime.now(UTC)


def format_time(moment: datetime) -> str:
    """Write an aware time in UTC with six digits of fraction. Naive times are a programming error."""
    if moment.tzinfo is None:
        raise ValueError("a naive time has no meaning; give it a zone")
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="microseconds")[:-6] + "Z"


def parse_time(text: str) -> datetime:
    """Read an RFC 3339 time of any offset with at most six digits of fraction.

    Raises ValueError with a sentence for a person: not a time, no zone, or finer than microseconds.
    """
    spelled = _SPELLINGS.fullmatch(text)
    if spelled is None:
        if re.match(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}\.\d{7,}", text, re.ASCII):
            raise ValueError("is finer than microseconds; six digits of fraction are kept, none are cut off")
        raise ValueError("is not an RFC 3339 time such as 2026-11-22T14:02:10.120000Z")
    if spelled["zone"] is None:
        raise ValueError("has no zone; write Z or an offset such as +01:00")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"is not a time that exists: {error}") from None


def canonical_time(text: str) -> str:
    """Return the one spelling of a time given in any that :func:`parse_time` reads. Fast when it is that."""
    if len(text) == _CANONICAL_LENGTH and text[-1] == "Z" and text[10] == "T" and text[19] == ".":
        try:
            return text if datetime.fromisoformat(text).tzinfo is UTC else format_time(parse_time(text))
        except ValueError:
            pass
    return format_time(parse_time(text))
