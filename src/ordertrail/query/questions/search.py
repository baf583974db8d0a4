"""Which events? A page at a time, by time; pages keep their places while new events come in."""

import re
from dataclasses import dataclass

from ordertrail.kernel.errors import InputError
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.ports import Cursor, Hit, Searches, Way

MOST = 1_000
"""Events of the longest page."""

_CURSOR = re.compile(r"(-?\d{1,19})\.(\d{1,19})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Page:
    """Events, the newest first. ``older`` and ``newer`` are where to go on; None where nothing is there now.

    At the newest end ``newest`` is the place from which on what comes later is found.
    """

    hits: tuple[Hit, ...]
    older: Cursor | None
    newer: Cursor | None

    @property
    def newest(self) -> Cursor | None:
        """The place of the newest event of the page."""
        return self.hits[0].cursor if self.hits else None


def search(
    searches: Searches,
    filter_: Filter,
    *,
    limit: int = 100,
    beyond: Cursor | None = None,
    way: Way = Way.OLDER,
) -> Page:
    """Return a page of the events that are meant. Raises InputError for a page that is empty or too long."""
    if not 1 <= limit <= MOST:
        raise InputError(f"a page has 1 to {MOST} events, not {limit}", meaning="Nothing was searched.")
    found = searches.page(filter_, limit + 1, beyond, way)
    more, hits = len(found) > limit, tuple(found[:limit])
    if way is Way.NEWER:
        hits = tuple(reversed(hits))
    ends = (hits[-1].cursor, hits[0].cursor) if hits else (beyond, beyond)
    if way is Way.OLDER:
        back = beyond is not None and bool(searches.page(filter_, 1, ends[1], Way.NEWER))
        return Page(hits, ends[0] if more else None, ends[1] if back else None)
    back = beyond is not None and bool(searches.page(filter_, 1, ends[0], Way.OLDER))
    return Page(hits, ends[0] if back else None, ends[1] if more else None)


def parse_cursor(text: str) -> Cursor:
    """Read the place that a page named. Raises InputError for any other text."""
    found = _CURSOR.fullmatch(text)
    if found is None or max(abs(int(number)) for number in found.groups()) >= 1 << 63:
        raise InputError(
            f"{text[:60]!r} is no place between pages",
            remedy="Take it from the page before, as it stands there.",
        )
    return Cursor(int(found[1]), int(found[2]))
