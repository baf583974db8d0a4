"""What else happened: in the same request, trace or session, by the same actor, and around the same time."""

from collections.abc import Iterable
from dataclasses import dataclass

from ordertrail.query.filters.grammar import Filter
from ordertrail.query.filters.terms import Is
from ordertrail.query.ports import Hit, Searches, Way

_SAME = ("request", "trace", "session")


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Other events beside one, each group by time; ``more`` names the groups that are cut off."""

    request: tuple[Hit, ...]
    trace: tuple[Hit, ...]
    session: tuple[Hit, ...]
    before: tuple[Hit, ...]
    after: tuple[Hit, ...]
    more: frozenset[str]


def neighbours(searches: Searches, hit: Hit, within: Filter, *, limit: int = 20) -> Neighbours:
    """Return what happened beside an event, of what ``within`` means; of each kind the nearest before it and after."""
    groups: dict[str, tuple[Hit, ...]] = {}
    more = set()
    for field in _SAME:
        value = getattr(hit.event, field)
        found: list[Hit] = []
        if value is not None:
            same = within.with_(Is(field, (value,), exact=True))
            for way in Way:
                near = searches.page(same, limit + 1, hit.cursor, way)
                found += near[:limit]
                more |= {field} if len(near) > limit else set()
        groups[field] = _by_time(found)
    before = searches.page(within, limit, hit.cursor, Way.OLDER)
    after = searches.page(within, limit, hit.cursor, Way.NEWER)
    return Neighbours(
        groups["request"], groups["trace"], groups["session"], _by_time(before), tuple(after), frozenset(more)
    )


def _by_time(hits: Iterable[Hit]) -> tuple[Hit, ...]:
    return tuple(sorted(hits, key=lambda one: one.cursor))
