"""How a filter is looked for: driven by its rarest term's own index, or along time.

A database guesses how many events a term means, and for what an index of texts or a table of changes finds it guesses
badly. So each such term is counted first, only so far as the answer matters: among N events, the page of L along time
costs about L·N/m looks where m are meant, and the page driven by them costs m. They meet at m = √(L·N), and nothing is
counted further than that.
"""

from math import isqrt
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, func, select

from ordertrail.query.filters.fields import FIELDS
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.filters.terms import Attempt, Is, Sensitive, Term
from ordertrail.query.filters.when import When
from ordertrail.query.ports import Way
from ordertrail.query.tables import INDEXED, Dialect, Keys, events, streams

_LEAST = 1_000
Row = TypeVar("Row", bound=tuple[Any, ...])


def driving(connection: Connection, filter_: Filter, dialect: Dialect, limit: int) -> Keys | None:
    """Return the keys that a query for so many events is best driven by; None where it goes along time.

    A single term whose own index runs by time needs no help: the database walks that.
    """
    found_by = [
        term for term in filter_.terms if term.keys(dialect) is not None and not isinstance(term, When)
    ]
    if len(found_by) == 1 and _runs_by_time(found_by[0]):
        return None
    total = int(connection.scalar(select(func.coalesce(func.sum(streams.c.next), 0))) or 0)
    most = max(_LEAST, isqrt(limit * total))
    best: Keys | None = None
    for term in filter_.terms:
        keys = term.keys(dialect)
        if keys is None:
            continue
        found = connection.scalar(select(func.count()).select_from(keys.limit(most).subquery()))
        if found is not None and found < most:
            # A short time is looked through along time, of which it is a range.
            best, most = (None if isinstance(term, When) else keys), found
    return best


def _runs_by_time(term: Term) -> bool:
    """Say whether the index that finds a term's events has them by time, so that the newest are read and no others."""
    if isinstance(term, Sensitive | Attempt):
        return True
    if not isinstance(term, Is) or len(term.values) != 1:
        return False
    whole = term.exact or not term.values[0].endswith("*")
    return whole and FIELDS[term.field].column in INDEXED and not FIELDS[term.field].of_order


def meant(filter_: Filter, dialect: Dialect, keys: Keys | None) -> Select[tuple[int]]:
    """Select the keys of the events that are meant, driven by those keys where there are any."""
    query = select(events.c.key).where(filter_.sql(dialect))
    return query if keys is None else query.where(events.c.key.in_(keys))


def by_time(query: Select[Row], way: Way, *, driven: bool) -> Select[Row]:
    """Return it by time and key; where other keys drive it, so that no index of time is taken for the order's sake."""
    time: ColumnElement[int] = events.c.time + 0 if driven else events.c.time
    key: ColumnElement[int] = events.c.key + 0 if driven else events.c.key
    if way is Way.OLDER:
        return query.order_by(time.desc(), key.desc())
    return query.order_by(time, key)
