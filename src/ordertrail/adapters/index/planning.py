"""How a filter is looked for: driven by its rarest term's own index, or along time.

A database guesses how many events a term means, and for what an index of texts or a table of changes finds it guesses
badly. So each such term is counted first, only so far as the answer matters: among N events, the page of L along time
costs about L·N/m looks where m are meant, and the page driven by them costs m. They meet at m = √(L·N), and nothing is
counted further than that.
"""

from collections.abc import Iterable, Iterator
from math import isqrt
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, func, select

from ordertrail.query.filters.fields import FIELDS
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.filters.terms import Attempt, Is, Sensitive, Term, Word
from ordertrail.query.filters.when import When
from ordertrail.query.ports import Way
from ordertrail.query.projection import fold, moment_microseconds
from ordertrail.query.tables import DAY, HOUR, INDEXED, Dialect, Keys, events, hour_counts, streams

_LEAST = 1_000
_MOST = 16_000
"""Events of a term that are counted: within these bounds what counting costs stays below what it saves."""
_LONGEST_SUMMED = 400 * DAY
"""Microseconds of the longest time whose events the hours' rollup is asked for."""
_MANY = 200_000
"""Events that are read by their keys at most, where no time bounds what is meant."""
_DEARER = 8
"""How many events along time are read in the time of one by its key."""

Row = TypeVar("Row", bound=tuple[Any, ...])


def driving(connection: Connection, filter_: Filter, dialect: Dialect, limit: int) -> Keys | None:
    """Return the keys that a query for so many events is best driven by; None where it goes along time.

    A single term whose own index runs by time needs no help: the database walks that.
    """
    if _is_helped(filter_, dialect):
        return None
    among = _within(connection, filter_)
    return _rarest(connection, filter_.terms, dialect, min(_MOST, max(_LEAST, isqrt(limit * among))))


def _within(connection: Connection, filter_: Filter) -> int:
    """Return about how many events there are in the time that a filter asks for."""
    told = [term for term in filter_.terms if isinstance(term, When)]
    starts = [moment_microseconds(term.start) for term in told if term.start is not None]
    ends = [moment_microseconds(term.end) for term in told if term.end is not None]
    if not (starts and ends and min(ends) - max(starts) <= _LONGEST_SUMMED):
        return int(connection.scalar(select(func.coalesce(func.sum(streams.c.next), 0))) or 0)
    hour, number = hour_counts.c.hour, func.coalesce(func.sum(hour_counts.c.events), 0)
    query = select(number).where(hour > max(starts) - HOUR, hour < min(ends))
    return int(connection.scalar(query) or 0)


def driving_all(connection: Connection, filter_: Filter, dialect: Dialect) -> Keys | None:
    """Return the keys that a query for every event that is meant is best driven by; None where it goes along time.

    An event that is found by its key costs several times what the next one along time costs.
    """
    if _is_helped(filter_, dialect):
        return None
    most = _MANY
    if any(isinstance(term, When) for term in filter_.terms):
        most = min(_MANY, max(_LEAST, _within(connection, filter_) // _DEARER))
    others = [term for term in filter_.terms if not isinstance(term, When)]
    return _rarest(connection, others, dialect, most)


def _is_helped(filter_: Filter, dialect: Dialect) -> bool:
    """Say whether a single term has an index, and that runs by time, so that the database knows what to do."""
    found_by = [
        term for term in filter_.terms if term.keys(dialect) is not None and not isinstance(term, When)
    ]
    return len(found_by) == 1 and _runs_by_time(found_by[0])


def is_narrow(connection: Connection, filter_: Filter, dialect: Dialect, most: int) -> bool:
    """Say whether one term of a filter, or its words together, mean fewer events than ``most``."""
    candidates = (keys for _, keys in _candidates(filter_.terms, dialect))
    return any(_counted(connection, keys, most) < most for keys in candidates)


def _rarest(connection: Connection, terms: Iterable[Term], dialect: Dialect, most: int) -> Keys | None:
    """Return the keys of the term that means the fewest events, where these are fewer than ``most``."""
    best: Keys | None = None
    for is_time, keys in _candidates(terms, dialect):
        found = _counted(connection, keys, most)
        if found < most:
            # A short time is looked through along time, of which it is a range.
            best, most = (None if is_time else keys), found
    return best


def _candidates(terms: Iterable[Term], dialect: Dialect) -> Iterator[tuple[bool, Keys]]:
    """Yield the keys that each term finds by an index, all words together, and whether they are those of a time.

    What is counted soonest comes first: it bounds how far the rest is counted.
    """
    told = list(terms)
    words = [fold(term.needle) for term in told if isinstance(term, Word)]
    others = [term for term in told if not isinstance(term, Word)]
    for term in sorted(others, key=lambda term: not (isinstance(term, When) or _runs_by_time(term))):
        keys = term.keys(dialect)
        if keys is not None:
            yield isinstance(term, When), keys
    keys = dialect.with_texts(words) if words else None
    if keys is not None:
        yield False, keys


def _counted(connection: Connection, keys: Keys, most: int) -> int:
    return int(connection.scalar(select(func.count()).select_from(keys.limit(most).subquery())) or 0)


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
