"""A circuit breaker for each source: where its deliveries fail one after the other, they rest, and some try again.

::

    closed --(failures in a row)--> open --(a while)--> half-open --(success)--> closed
                                      ^------------------(failure)-----'

Only what is nobody's message's fault counts: a store that is away, a rule that asks somewhere and gets no answer. What
cannot be read is a dead letter at once and breaks nothing. Deliveries are still taken in meanwhile: a source that is
told "not now" too often stops sending for good (WooCommerce after five times), and what has landed is not lost.

The state is kept in the store, so that all workers share it; each change of it is an event.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from ordertrail.kernel.clock import format_time, parse_time


class Circuit(StrEnum):
    """Whether a source's deliveries are worked on."""

    CLOSED = "closed"
    """Yes."""
    OPEN = "open"
    """No, until its time has come."""
    HALF_OPEN = "half-open"
    """Those that a worker claims next, to see."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """A source's breaker. ``until`` is when an open one lets somebody try; ``opened`` counts openings in a row."""

    circuit: Circuit = Circuit.CLOSED
    failures: int = 0
    opened: int = 0
    until: str | None = None
    reason: str | None = None

    def seen(self, now: datetime) -> "Breaker":
        """Return the breaker as it is now: an open one whose time has come is half-open."""
        if self.circuit is Circuit.OPEN and (self.until is None or parse_time(self.until) <= now):
            return replace(self, circuit=Circuit.HALF_OPEN)
        return self

    def admits(self, now: datetime) -> bool:
        """Say whether a delivery may be worked on now."""
        return self.seen(now).circuit is not Circuit.OPEN


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How many failures in a row open a breaker, and for how long; twice as long each time in a row, up to the cap."""

    failures: int = 5
    rest: timedelta = timedelta(seconds=30)
    longest: timedelta = timedelta(minutes=30)

    def failed(self, breaker: Breaker, now: datetime, reason: str) -> Breaker:
        """Return the breaker after one more failure."""
        seen = breaker.seen(now)
        failures = seen.failures + 1
        if seen.circuit is Circuit.OPEN or (seen.circuit is Circuit.CLOSED and failures < self.failures):
            return replace(seen, failures=failures, reason=reason)
        rest = min(self.longest, self.rest * 2 ** min(seen.opened, 20))
        return Breaker(Circuit.OPEN, failures, seen.opened + 1, format_time(now + rest), reason)


WHOLE = Breaker()
"""A breaker after a success: closed, and nothing remembered."""
