"""Which orders changed after they were approved, by whom, and by how much money. Pure over the ports of ``query``."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ordertrail.query.filters.grammar import Filter
from ordertrail.query.filters.terms import Is
from ordertrail.query.filters.when import When
from ordertrail.query.ports import Hit, Searches, Way
from ordertrail.query.projection import IndexedChange
from ordertrail.query.questions.walking import walk

MOST: Final = 500
"""Changes that are looked at; of more, the newest, and it is said."""

CHANGING: Final = (
    "order.price.change",
    "order.quantity.change",
    "order.currency.change",
    "order.line.*",
    "order.update",
)
"""Actions that may move an order's money."""


@dataclass(frozen=True, slots=True)
class LateChange:
    """A change of money in an order that had been approved. Times are microseconds since 1970."""

    hit: Hit
    change: IndexedChange
    approved: int


@dataclass(frozen=True, slots=True)
class LateChanges:
    """Changes after approval, the newest first; ``whole`` is False where there were more changes than are looked at."""

    changes: tuple[LateChange, ...]
    whole: bool


def changed_after_approval(searches: Searches, within: Filter) -> LateChanges:
    """Return the successful changes of money that a filter means, of orders that were approved before them."""
    asked = within.with_(Is("action", CHANGING), Is("outcome", ("success",), exact=True))
    hits = list(walk(searches, asked, MOST + 1, Way.OLDER))
    approved: dict[tuple[str, str | None], int | None] = {}
    scope = Filter(tuple(term for term in within.terms if not isinstance(term, When)))
    found = tuple(_late(searches, scope, hits[:MOST], approved))
    return LateChanges(found, len(hits) <= MOST)


def _late(
    searches: Searches, scope: Filter, hits: list[Hit], approved: dict[tuple[str, str | None], int | None]
) -> Iterator[LateChange]:
    for hit in hits:
        event = hit.event
        moved = [change for change in event.changes if change.unit and change.delta]
        if event.order is None or not moved:
            continue
        key = (event.order, event.tenant)
        if key not in approved:
            approved[key] = _approved(searches, scope, event.order, event.tenant)
        first = approved[key]
        if first is not None and first < event.time:
            yield from (LateChange(hit, change, first) for change in moved)


def _approved(searches: Searches, scope: Filter, order: str, tenant: str | None) -> int | None:
    """Return when an order was first approved."""
    own = (Is("tenant", (tenant,), exact=True),) if tenant else ()
    asked = scope.with_(
        Is("order", (order,), exact=True),
        Is("action", ("order.approve",), exact=True),
        Is("outcome", ("success",), exact=True),
        *own,
    )
    hits = searches.page(asked, 1, None, Way.NEWER)
    return hits[0].event.time if hits else None
