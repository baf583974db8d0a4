"""All events that are meant, page after page, up to a bound."""

from collections.abc import Iterator

from ordertrail.query.filters.grammar import Filter
from ordertrail.query.ports import Cursor, Hit, Searches, Way

_PAGE = 2_000
"""Events of a page: where a filter has to be sorted, each page costs as much as the first."""


def walk(searches: Searches, filter_: Filter, most: int, way: Way = Way.NEWER) -> Iterator[Hit]:
    """Yield the events that are meant, the oldest first; no more than ``most``."""
    beyond: Cursor | None = None
    while most > 0:
        hits = searches.page(filter_, min(_PAGE, most), beyond, way)
        yield from hits
        if len(hits) < min(_PAGE, most):
            return
        most -= len(hits)
        beyond = hits[-1].cursor
