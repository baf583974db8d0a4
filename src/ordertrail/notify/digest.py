"""What goes together: a function of what waits, the time, and what was handed over within the last minute.

Four rules, the first that holds of a message decides:

1. What is critical is never held back by hours or digests.
2. Within quiet hours everything else waits. What waited there goes as one when they end.
3. Where a route gathers a digest, what waits goes as one, so long after the first of it came.
4. The rest goes one by one.

Over all of them, a route hands over at most so many in a minute. Where more would go than there is room for, all of it
goes as one, with a count; where there is no room, it waits for some. So a storm of any length is a bounded number of
messages, and none of what it was about is left out of the count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ordertrail.notify.message import Severity
from ordertrail.notify.routing import Route

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that waits on a route, and since when."""

    id: str
    severity: Severity
    since: datetime


@dataclass(frozen=True, slots=True)
class Gathered:
    """What goes now, each a tuple of ids that go together; and when something may go next, if anything waits."""

    groups: tuple[tuple[str, ...], ...] = ()
    again: datetime | None = None


def gather(route: Route, waiting: Sequence[Waiting], now: datetime, recent: Sequence[datetime]) -> Gathered:
    """Say what goes now. ``recent`` are the times of what was handed over within the last minute."""
    due, later = _due(route, waiting, now)
    if not due:
        return Gathered((), min(later, default=None))
    kept = [one for one in recent if one > now - MINUTE]
    room = route.most_per_minute - len(kept)
    if room <= 0:
        return Gathered((), min([*later, sorted(kept)[-route.most_per_minute] + MINUTE]))
    if len(due) > room:
        due = [[one for group in due for one in group]]
    due.sort(key=lambda group: -max(one.severity for one in group))
    return Gathered(tuple(tuple(one.id for one in group) for group in due), min(later, default=None))


def _due(
    route: Route, waiting: Sequence[Waiting], now: datetime
) -> tuple[list[list[Waiting]], list[datetime]]:
    """Return the groups that may go now, and the times at which others may."""
    critical = [one for one in waiting if one.severity is Severity.CRITICAL]
    rest = [one for one in waiting if one.severity is not Severity.CRITICAL]
    alone = [[one] for one in critical]
    if not rest:
        return alone, []
    if route.quiet is not None and route.quiet.cover(now):
        return alone, [route.quiet.end_after(now)]
    if route.digest:
        held = any(route.is_quiet(one.since) for one in rest)
        ready = min(one.since for one in rest) + route.digest
        return ([*alone, rest], []) if held or ready <= now else (alone, [ready])
    night = [one for one in rest if route.is_quiet(one.since)]
    day = [[one] for one in rest if not route.is_quiet(one.since)]
    return [*alone, *([night] if night else []), *day], []
