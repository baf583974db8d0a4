"""When to try again: exponential, with full jitter and a cap. The attempt stands in the store, and outlives processes.

The wait before attempt *n + 1* is drawn evenly from 0 to ``min(longest, first * 2 ** (n - 1))`` ("full jitter": Marc
Brooker, Exponential Backoff And Jitter, AWS Architecture Blog, 2015). Those who failed together do not come together.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

Draw = Callable[[float, float], float]
"""Draws evenly from an interval; tests hand in their own."""

LONGEST_ASKED = timedelta(days=1)
"""However long another side says that it is not to be asked."""

_MOST_SECONDS = 10**9
_DOUBLINGS = 40
"""More would overflow a float long before they meant anything."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait, and how often to try."""

    first: timedelta = timedelta(seconds=1)
    """The longest wait after the first failure."""
    longest: timedelta = timedelta(minutes=15)
    """The longest wait of all."""
    attempts: int = 10
    """So many in all; then it is given up."""

    def is_spent(self, attempt: int) -> bool:
        """Say whether an attempt that failed was the last."""
        return attempt >= self.attempts

    def ceiling(self, attempt: int) -> timedelta:
        """Return the longest wait after so many attempts."""
        doubled = self.first.total_seconds() * 2.0 ** min(max(attempt - 1, 0), _DOUBLINGS)
        return timedelta(seconds=min(self.longest.total_seconds(), doubled))

    def wait(self, attempt: int, draw: Draw = random.uniform) -> timedelta:
        """Return the wait after so many attempts."""
        return timedelta(seconds=draw(0.0, self.ceiling(attempt).total_seconds()))


def asked_wait(said: str, now: datetime) -> timedelta | None:
    """Return how long a ``Retry-After`` asks to wait, a day at most: RFC 9110 has seconds, or a date; else None."""
    if said.isascii() and said.isdecimal():
        return min(timedelta(seconds=min(int(said), _MOST_SECONDS)), LONGEST_ASKED)
    try:
        at = parsedate_to_datetime(said)
    except (TypeError, ValueError):
        return None
    aware = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return min(max(aware - now, timedelta(0)), LONGEST_ASKED)
