"""How a filter is looked for: driven by its rarest term's own index, or along time.

A database guesses how many events a term means, and for what an index of texts or a table of changes finds it guesses
badly. So each such term is counted first, only so far as the answer matters: among N events, the page of L along time
costs about L·N/m looks where m are meant, and the page driven by them costs m. They meet at m = √(L·N), and nothing is
counted further than that.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from math import isqrt
from threading import Lock
from typing import Any, NamedTuple, TypeVar

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

_REMEMBERED = 512
"""Terms whose numbers are remembered; the one counted longest ago is forgotten first."""
_GROWN = 1.25
"""An index that grew by this since a term was counted may have other proportions: the term is counted again."""

Row = TypeVar("Row", bound=tuple[Any, ...])
_Candidate = Term | tuple[str, ...]
"""A term that an index finds, or all folded words of a filter together."""


class _Known(NamedTuple):
    """How many events were found, by looking for no more than ``most``, in an index of ``size`` entries."""

    found: int
    most: int
    size: int

    def answers(self, most: int, size: int) -> bool:
        """Say whether it also tells how many there are up to another bound, in the index as it is now."""
        counted_far_enough = self.found < self.most or most <= self.most
        return counted_far_enough and self.size <= size <= self.size * _GROWN


class Planner:
    """Chooses what a query is driven by, and remembers how many events each term meant when it was counted last.

    A page, its count, its chart and its facets all ask for the same terms. What is remembered may have grown since: it
    chooses a way, and every way has the same answer. May be used by several threads.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._counts: OrderedDict[_Candidate, _Known] = OrderedDict()
        self._lock = Lock()

    def driving(self, connection: Connection, filter_: Filter, limit: int) -> Keys | None:
        """Return the keys that a query for so many events is best driven by; None where it goes along time.

        A single term whose own index runs by time needs no help: the database walks that.
        """
        if self._is_helped(filter_):
            return None
        among = _within(connection, filter_)
        return self._rarest(connection, filter_.terms, min(_MOST, max(_LEAST, isqrt(limit * among))))

    def driving_all(self, connection: Connection, filter_: Filter) -> Keys | None:
        """Return the keys that a query for every event that is meant is best driven by; None where it goes along time.

        An event that is found by its key costs several times what the next one along time costs.
        """
        if self._is_helped(filter_):
            return None
        most = _MANY
        if any(isinstance(term, When) for term in filter_.terms):
            most = min(_MANY, max(_LEAST, _within(connection, filter_) // _DEARER))
        others = [term for term in filter_.terms if not isinstance(term, When)]
        return self._rarest(connection, others, most)

    def is_narrow(self, connection: Connection, filter_: Filter, most: int) -> bool:
        """Say whether one term of a filter, or its words together, mean fewer events than ``most``."""
        size = indexed(connection)
        candidates = self._candidates(filter_.terms)
        return any(self._counted(connection, meant, keys, most, size) < most for meant, keys in candidates)

    def _is_helped(self, filter_: Filter) -> bool:
        """Say whether a single term has an index, and that runs by time, so that the database knows what to do."""
        found_by = [
            term
            for term in filter_.terms
            if term.keys(self._dialect) is not None and not isinstance(term, When)
        ]
        return len(found_by) == 1 and _runs_by_time(found_by[0])

    def _rarest(self, connection: Connection, terms: Iterable[Term], most: int) -> Keys | None:
        """Return the keys of the term that means the fewest events, where these are fewer than ``most``."""
        best: Keys | None = None
        size = indexed(connection)
        for meant, keys in self._candidates(terms):
            found = self._counted(connection, meant, keys, most, size)
            if found < most:
                # A short time is looked through along time, of which it is a range.
                best, most = (None if isinstance(meant, When) else keys), found
        return best

    def _candidates(self, terms: Iterable[Term]) -> Iterator[tuple[_Candidate, Keys]]:
        """Yield each term that an index finds, and all words together, with the keys that it finds.

        What is counted soonest comes first: it bounds how far the rest is counted.
        """
        told = list(terms)
        words = tuple(fold(term.needle) for term in told if isinstance(term, Word))
        others = [term for term in told if not isinstance(term, Word)]
        for term in sorted(others, key=lambda term: not (isinstance(term, When) or _runs_by_time(term))):
            keys = term.keys(self._dialect)
            if keys is not None:
                yield term, keys
        keys = self._dialect.with_texts(words) if words else None
        if keys is not None:
            yield words, keys

    def _counted(self, connection: Connection, meant: _Candidate, keys: Keys, most: int, size: int) -> int:
        """Return how many events there are of those keys, up to ``most``, in an index of so many entries."""
        with self._lock:
            known = self._counts.get(meant)
        if known is None or not known.answers(most, size):
            found = int(connection.scalar(select(func.count()).select_from(keys.limit(most).subquery())) or 0)
            known = _Known(found, most, size)
            with self._lock:
                self._counts[meant] = known
                self._counts.move_to_end(meant)
                if len(self._counts) > _REMEMBERED:
                    self._counts.popitem(last=False)
        return min(known.found, most)


def _within(connection: Connection, filter_: Filter) -> int:
    """Return about how many events there are in the time that a filter asks for."""
    told = [term for term in filter_.terms if isinstance(term, When)]
    starts = [moment_microseconds(term.start) for term in told if term.start is not None]
    ends = [moment_microseconds(term.end) for term in told if term.end is not None]
    if not (starts and ends and min(ends) - max(starts) <= _LONGEST_SUMMED):
        return indexed(connection)
    hour, number = hour_counts.c.hour, func.coalesce(func.sum(hour_counts.c.events), 0)
    query = select(number).where(hour > max(starts) - HOUR, hour < min(ends))
    return int(connection.scalar(query) or 0)


def indexed(connection: Connection) -> int:
    """Return how many entries were read into the index."""
    return int(connection.scalar(select(func.coalesce(func.sum(streams.c.next), 0))) or 0)


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
