"""Forward from a cause: which orders a session, an actor, a request, a rule or a key touched, and for how much."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ordertrail.kernel.errors import InputError
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.filters.terms import Is
from ordertrail.query.ports import Hit, Searches
from ordertrail.query.questions.walking import walk

MOST: Final = 10_000
"""Events that are followed forward."""

BY: Final = (
    "session",
    "actor",
    "request",
    "trace",
    "cause",
    "link",
    "ticket",
    "source",
    "ip",
    "tag",
    "channel",
)
"""What a blast may be asked by: fields of :data:`ordertrail.query.filters.fields.FIELDS`."""


@dataclass(frozen=True, slots=True)
class Touched:
    """An order that was touched: how often, first and last (microseconds since 1970), and by which actions."""

    order: str
    events: int
    first: int
    last: int
    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Blast:
    """What something touched. ``moved`` is what changes raised and lowered amounts by, by currency, in minor units.

    ``whole`` is False where there were more events than are followed.
    """

    orders: tuple[Touched, ...]
    events: int
    moved: tuple[tuple[str, int], ...]
    whole: bool


def blast(searches: Searches, by: str, value: str, since: int = 0, within: Filter | None = None) -> Blast:
    """Return what everything of one value touched from a moment on (microseconds since 1970), the most touched first.

    Raises InputError for a field that it is not asked by.
    """
    if by not in BY:
        raise InputError(f"a blast is asked by one of {', '.join(BY)}, not by {by[:40]!r}")
    asked = (within or Filter()).with_(Is(by, (value,), exact=True))
    found = list(walk(searches, asked, MOST + 1))
    later = [hit for hit in found[:MOST] if hit.event.time >= since]
    return Blast(_touched(later), len(later), _moved(later), len(found) <= MOST)


def _touched(hits: Iterable[Hit]) -> tuple[Touched, ...]:
    of_order: dict[str, list[Hit]] = {}
    for hit in hits:
        if hit.event.order is not None:
            of_order.setdefault(hit.event.order, []).append(hit)
    touched = [
        Touched(
            order,
            len(own),
            min(hit.event.time for hit in own),
            max(hit.event.time for hit in own),
            tuple(sorted({hit.event.action for hit in own})),
        )
        for order, own in of_order.items()
    ]
    return tuple(sorted(touched, key=lambda one: (-one.events, one.order)))


def _moved(hits: Iterable[Hit]) -> tuple[tuple[str, int], ...]:
    sums: Counter[str] = Counter()
    for hit in hits:
        if hit.event.outcome == "success":
            for change in hit.event.changes:
                if change.delta is not None and change.unit:
                    sums[change.unit] += change.delta
    return tuple(sorted(sums.items()))
