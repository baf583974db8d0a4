"""What stands out over years: who does much of something at once, and who moves money after something was settled."""

from dataclasses import dataclass

from ordertrail.kernel.errors import InputError
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.ports import Analytics, Burst, MovedAfter
from ordertrail.query.tables import HOUR

MOST = 1_000
"""Rows of the longest answer."""


@dataclass(frozen=True, slots=True)
class Bulk:
    """What counts as much at once: ``least`` events or more in an interval of ``width`` microseconds since 1970."""

    least: int = 20
    width: int = HOUR


def in_bulk(analytics: Analytics, filter_: Filter, bulk: Bulk = Bulk(), most: int = 50) -> tuple[Burst, ...]:
    """Return who did most of what is meant in bulk: of ``action:order.cancel is:sensitive`` the bulk cancellers.

    Raises InputError for bounds that make no sense.
    """
    if not 1 <= most <= MOST or bulk.least < 1 or bulk.width < 1:
        raise InputError(
            f"bulk is 1 event or more in 1 microsecond or more, and at most {MOST} are told",
            meaning="Nothing was counted.",
        )
    return tuple(analytics.bursts(filter_, bulk.width, bulk.least, most))


def moved_after(analytics: Analytics, first: Filter, then: Filter, most: int = 200) -> tuple[MovedAfter, ...]:
    """Return who changed money of orders after the first success that ``first`` means, by events that ``then`` means.

    ``action:order.approve`` and no filter: whoever changed prices after approval, and by how much. By currency, the
    most money first. Raises InputError for a number of rows that is none.
    """
    if not 1 <= most <= MOST:
        raise InputError(f"an answer has 1 to {MOST} rows, not {most}", meaning="Nothing was counted.")
    return tuple(analytics.moved_after(first, then, most))
