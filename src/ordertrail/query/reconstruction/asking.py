"""The reconstruction itself: from what was asked about, upstream by every bond, nearest and strongest first."""

import heapq
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Final

from ordertrail.kernel.errors import InputError
from ordertrail.query.entries import SealedEvent
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.filters.terms import Attempt, Is, Sensitive
from ordertrail.query.ports import Cursor, Hit, Searches, Way
from ordertrail.query.projection import moment_microseconds
from ordertrail.query.reconstruction.bonds import Reconstruction, Step
from ordertrail.query.reconstruction.ranking import ranked
from ordertrail.query.reconstruction.upstream import Upstream

DEEPEST: Final = 4
"""Steps upstream that are followed."""
MOST: Final = 24
"""Events whose own past is looked into."""
WEAKEST: Final = 0.12
"""How much a way must explain to be followed."""

Read = Callable[[Hit], SealedEvent]


def reconstruct(searches: Searches, read: Read, asked: Hit, within: Filter | None = None) -> Reconstruction:
    """Tell what led to an event, among events that ``within`` means."""
    upstream = Upstream(searches, read, within or Filter())
    steps: dict[tuple[str, str, str], Step] = {}
    order = count()
    front: list[tuple[float, int, int, bool, Hit]] = [(-1.0, next(order), 0, True, asked)]
    looked: set[str] = set()
    whole = True
    while front:
        weight, _, depth, certain, hit = heapq.heappop(front)
        if hit.event.id in looked:
            continue
        if len(looked) >= MOST:
            whole = False
            break
        looked.add(hit.event.id)
        for step in _steps(upstream, hit, -weight, depth, certain=certain):
            key = (step.hit.event.id, step.bond, step.towards)
            known = steps.get(key)
            if known is None or known.strength < step.strength:
                steps[key] = step
            if step.depth < DEEPEST and step.strength >= WEAKEST and step.hit.event.id not in looked:
                heapq.heappush(front, (-step.strength, next(order), step.depth, step.certain, step.hit))
    story = sorted(steps.values(), key=lambda step: (step.hit.cursor, step.depth, step.bond))
    return Reconstruction(asked, tuple(story), ranked(story, asked), whole)


def _steps(upstream: Upstream, hit: Hit, weight: float, depth: int, *, certain: bool) -> Iterator[Step]:
    found = list(upstream.found(hit))
    if depth == 0:
        found += upstream.around(hit)
    for one in found:
        towards = hit.event.id
        yield Step(
            one.hit, one.bond, certain and one.certain, one.reason, depth + 1, towards, weight * one.strength
        )


def of_event(searches: Searches, ident: str, within: Filter | None = None) -> Hit:
    """Return the event of an id. Raises InputError where the index has none that may be seen."""
    found = [hit for hit in searches.find([ident]) if (within or Filter()).matches(hit.event)]
    if not found:
        raise InputError(
            f"there is no event {ident!r} in the index", remedy="Search for it; take its id from there."
        )
    return found[0]


def of_order(searches: Searches, order: str, within: Filter | None = None) -> Hit:
    """Return the event of an order that most wants an explanation: a discrepancy, else what failed, else the last.

    Raises InputError where the order has no event.
    """
    own = (within or Filter()).with_(Is("order", (order,), exact=True))
    tries = (
        own.with_(Is("action", ("reconcile.exception", "alert.raise"), exact=True)),
        own.with_(Attempt()),
        own.with_(Sensitive()),
        own,
    )
    for asked in tries:
        for hit in searches.page(asked, 1, None, Way.OLDER):
            return hit
    raise InputError(f"there is no event of order {order!r} in the index")


def of_time(searches: Searches, moment: datetime, within: Filter | None = None) -> Hit:
    """Return what most wants an explanation in the hour around a moment. Raises InputError where there is nothing."""
    latest = moment_microseconds(moment + timedelta(minutes=30))
    earliest = moment_microseconds(moment - timedelta(minutes=30))
    edge = Cursor(latest, (1 << 63) - 1)
    every = within or Filter()
    for asked in (every.with_(Attempt()), every.with_(Sensitive()), every):
        found = [hit for hit in searches.page(asked, 200, edge, Way.OLDER) if hit.event.time >= earliest]
        if found:
            return _nearest(found, moment_microseconds(moment))
    raise InputError(f"nothing happened in the hour around {moment.isoformat()}")


def _nearest(hits: Sequence[Hit], moment: int) -> Hit:
    return min(hits, key=lambda hit: (abs(hit.event.time - moment), hit.cursor))
