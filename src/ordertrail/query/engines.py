"""Which engine answers a question: rollups of the index, its events, or the segments and what they have not yet.

:func:`choose` is the one place where that is decided, from what the question asks and how much there is:

=========================== ==========================================================================
the index's rollups         have all that is asked for, and are not too long to be summed
the index's events          few events are meant; or there are no segments; or it is asked how an order
                            stands now, which only the index knows
segments                    all else: they are read up to where they reach, and the index from there on;
                            and whatever they can answer while the index is being made and has less
=========================== ==========================================================================

An answer from segments is complete: it is of the same events as the index's would be.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from ordertrail.kernel.errors import UnavailableError
from ordertrail.query import statements
from ordertrail.query.beyond import Beyond
from ordertrail.query.filters.grammar import Filter, join
from ordertrail.query.filters.when import When
from ordertrail.query.ports import (
    Burst,
    Counted,
    Counts,
    DayCount,
    IndexRelations,
    MoneyMoved,
    MovedAfter,
    Ranked,
    Rows,
    Statement,
    Tally,
)
from ordertrail.query.rolled import BY_DAY, OF_MONEY, require_rolled, rolled, rollup_of_steps
from ordertrail.query.segments.ports import Columns, Tail
from ordertrail.query.segments.pruning import is_answerable
from ordertrail.query.tables import PLAIN, Dialect

NARROW = 20_000
"""Events up to which the index reads them one by one sooner than segments are scanned."""

SUMMED = 5_000_000
"""Events of a trail up to which the index's rollups by day are summed over all time."""


_TAIL, _MOVES = "tail", "tail_moves"
_NO_TAILS: Mapping[str, Tail] = MappingProxyType({})


SHORT = timedelta(days=200)
"""The longest time over which rollups by day of a larger trail are summed."""


class Engine(StrEnum):
    """What answered a question."""

    ROLLUP = "rollup"
    INDEX = "index"
    SEGMENTS = "segments"


@dataclass(frozen=True, slots=True)
class Reach:
    """Which engines answered; and up to where in each log segments did, the index from there on."""

    engines: tuple[Engine, ...] = ()
    segments: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Extent:
    """How much there is: events that the index has, and how many of them are in segments too."""

    indexed: int
    segmented: int


def choose(filter_: Filter, extent: Extent, *, in_rollup: bool, narrow: Callable[[], bool]) -> Engine:
    """Return the engine for a question about what a filter means.

    ``in_rollup`` says whether a rollup of the index has all that is asked for; ``narrow``, asked only where it matters,
    whether few events are meant.
    """
    own = Engine.ROLLUP if in_rollup else Engine.INDEX
    if not extent.segmented or not is_answerable(filter_):
        return own
    if extent.indexed < extent.segmented:
        return Engine.SEGMENTS
    if in_rollup:
        return own if extent.indexed <= SUMMED or _is_short(filter_) else Engine.SEGMENTS
    return own if narrow() else Engine.SEGMENTS


def _is_short(filter_: Filter) -> bool:
    return any(
        isinstance(term, When)
        and term.start is not None
        and term.end is not None
        and term.end - term.start <= SHORT
        for term in filter_.terms
    )


_told: ContextVar[list[tuple[Engine, Mapping[str, int]]] | None] = ContextVar("told", default=None)


@contextmanager
def telling() -> Iterator[Callable[[], Reach]]:
    """Hear which engines answer what is asked meanwhile; call what is yielded afterwards."""
    heard: list[tuple[Engine, Mapping[str, int]]] = []
    token = _told.set(heard)
    try:
        yield lambda: Reach(
            tuple(dict.fromkeys(engine for engine, _ in heard)),
            {stream: place for _, reach in heard for stream, place in reach.items()},
        )
    finally:
        _told.reset(token)


class Engines:
    """Implements :class:`ordertrail.query.ports.Counts` and ``Analytics`` by the engine that suits each question."""

    def __init__(
        self, counts: Counts, index: IndexRelations, segments: Callable[[], Columns], streams: Sequence[str]
    ) -> None:
        self._counts = counts
        self._index = index
        self._segments = segments
        self._streams = streams

    def tally(
        self, filter_: Filter, columns: Sequence[str], most: int, looked: int | None
    ) -> Mapping[str, Tally]:
        """See the port: what looks at the newest events only is asked of the index."""
        if looked is not None:
            _tell(Engine.ROLLUP if rolled(filter_, BY_DAY) else Engine.INDEX, {})
            return self._counts.tally(filter_, columns, most, looked)
        chosen = self._choose(filter_, in_rollup=False)
        if chosen is None:
            return self._counts.tally(filter_, columns, most, None)
        beyond = filter_.with_(chosen.beyond)
        told = {}
        for name in columns:
            sealed = chosen.columns.run(statements.values(filter_, chosen.dialect, name), filter_)
            late = self._index.run(statements.values(beyond, self._index.dialect, name))
            told[name] = _tally(_added(sealed, late), most)
        return told

    def steps(self, filter_: Filter, width: int) -> Mapping[int, int]:
        """See the port."""
        chosen = self._choose(filter_, in_rollup=rollup_of_steps(filter_, width) is not None)
        if chosen is None:
            return self._counts.steps(filter_, width)
        beyond = filter_.with_(chosen.beyond)
        sealed = chosen.columns.run(statements.steps(filter_, chosen.dialect, width), filter_)
        late = self._index.run(statements.steps(beyond, self._index.dialect, width))
        return {int(start): count for start, count in _added(sealed, late).items()}

    def days(self, filter_: Filter, columns: Sequence[str]) -> Sequence[DayCount]:
        """See the port."""
        require_rolled(filter_, BY_DAY)
        chosen = self._choose(filter_, in_rollup=True)
        if chosen is None:
            return self._counts.days(filter_, columns)
        sums: Counter[tuple[Any, ...]] = Counter()
        sealed = chosen.columns.run(statements.counts_by_day(filter_, columns), filter_)
        for row in (*sealed, *self._late_days(filter_, chosen, columns)):
            sums[tuple(row[:-1])] += int(row[-1])
        return [DayCount(int(key[0]), tuple(key[1:]), sums[key]) for key in sorted(sums)]

    def money(self, filter_: Filter) -> Sequence[MoneyMoved]:
        """See the port."""
        require_rolled(filter_, OF_MONEY)
        chosen = self._choose(filter_, in_rollup=True)
        if chosen is None:
            return self._counts.money(filter_)
        beyond = filter_.with_(chosen.beyond)
        late = self._index.run(statements.money_rows(beyond.sql(self._index.dialect)))
        sealed = chosen.columns.run(statements.money_by_day(filter_), filter_)
        sums: dict[tuple[Any, ...], list[int]] = {}
        for row in (*sealed, *((*row[:3], *row[4:]) for row in late)):
            known = sums.setdefault(tuple(row[:4]), [0, 0, 0])
            for place, number in enumerate(row[4:]):
                known[place] += int(number)
        return [MoneyMoved(*key, *sums[key]) for key in sorted(sums)]

    def ranked(self, filter_: Filter, columns: Sequence[str], most: int) -> Sequence[Ranked]:
        """See the port."""
        require_rolled(filter_, BY_DAY)
        chosen = self._choose(filter_, in_rollup=True)
        if chosen is None:
            return self._counts.ranked(filter_, columns, most)
        names, numbers = ("day", *columns, "events"), frozenset({"day", "events"})
        late = Tail(names, numbers, self._late_days(filter_, chosen, columns))
        asked = statements.ranked(filter_, columns, most, _TAIL)
        return statements.ranked_of(chosen.columns.run(asked, filter_, {_TAIL: late}))

    def bursts(self, filter_: Filter, width: int, least: int, most: int) -> Sequence[Burst]:
        """See the port."""
        chosen = self._choose(filter_)
        own = self._index.dialect
        if chosen is None:
            rows = statements.burst_rows(filter_, own, width)
            return statements.bursts_of(self._index.run(statements.bursts(rows, least, most)))
        late = self._index.run(statements.burst_rows(filter_.with_(chosen.beyond), own, width))
        tail = Tail(statements.BURST, frozenset({"start", "events"}), late)
        rows = statements.burst_rows(filter_, chosen.dialect, width)
        asked = statements.bursts(rows, least, most, _TAIL)
        return statements.bursts_of(chosen.columns.run(asked, filter_, {_TAIL: tail}))

    def moved_after(self, first: Filter, then: Filter, most: int) -> Sequence[MovedAfter]:
        """See the port."""
        own = self._index.dialect
        chosen = self._choose(join((first, then)))
        if chosen is None:
            rows = statements.occasion_rows(first, own), statements.move_rows(then, own)
            return statements.moved_of(self._index.run(statements.moved_after(*rows, most)))
        late = (
            self._index.run(statements.occasion_rows(first.with_(chosen.beyond), own)),
            self._index.run(statements.move_rows(then.with_(chosen.beyond), own)),
        )
        tails = {
            _TAIL: Tail(statements.OCCASION, frozenset({"time"}), late[0]),
            _MOVES: Tail(statements.MOVE, frozenset({"time", "delta"}), late[1]),
        }
        dialect = chosen.dialect
        rows = statements.first_occasion_rows(first, dialect), statements.netted_move_rows(then, dialect)
        # What one filter does not need of the segments the other may: none is left out.
        asked = statements.moved_after(*rows, most, (_TAIL, _MOVES))
        return statements.moved_of(chosen.columns.run(asked, Filter(), tails))

    def _choose(self, filter_: Filter, *, in_rollup: bool | None = None) -> "_Chosen | None":
        """Choose an engine, and tell it; None where it is the index's. With no ``in_rollup`` the index is slow."""
        columns = self._segments()
        reach = dict.fromkeys(self._streams, 0) | dict(columns.reach())
        engine = choose(
            filter_,
            Extent(self._index.size(), sum(reach.values())),
            in_rollup=bool(in_rollup),
            narrow=lambda: in_rollup is not None and self._index.is_narrow(filter_, NARROW),
        )
        _tell(engine, reach if engine is Engine.SEGMENTS else {})
        return _Chosen(columns, Beyond(tuple(reach.items()))) if engine is Engine.SEGMENTS else None

    def _late_days(self, filter_: Filter, chosen: "_Chosen", columns: Sequence[str]) -> list[tuple[Any, ...]]:
        """Count what is in no segment yet by day and columns."""
        beyond = filter_.with_(chosen.beyond)
        rows = self._index.run(statements.day_rows(beyond.sql(self._index.dialect)))
        places = [statements.DAY_ROW.index(name) for name in ("day", *columns)]
        return [(*(row[place] for place in places), int(row[-1])) for row in rows]


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Segments as they are at one moment, and what is not in them."""

    columns: Columns
    beyond: Beyond

    @property
    def dialect(self) -> Dialect:
        return self.columns.dialect


class NoSegments:
    """Implements :class:`ordertrail.query.segments.ports.Columns` where there are no segments."""

    dialect = PLAIN

    def reach(self) -> Mapping[str, int]:
        """See the port."""
        return {}

    def run(self, statement: Statement, about: Filter, tails: Mapping[str, Tail] = _NO_TAILS) -> Rows:
        """See the port: nobody asks."""
        del statement, about, tails
        raise UnavailableError("there are no segments", remedy="Make them with 'ordertrail segments build'.")


def _tell(engine: Engine, reach: Mapping[str, int]) -> None:
    heard = _told.get()
    if heard is not None:
        heard.append((engine, reach))


def _added(*answers: Sequence[Sequence[Any]]) -> Counter[Any]:
    counts: Counter[Any] = Counter()
    for rows in answers:
        for value, count in rows:
            counts[value] += int(count)
    return counts


def _tally(counts: Counter[Any], most: int) -> Tally:
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0] or ""))
    return Tally(tuple(Counted(*item) for item in ranked[:most]), counts.total(), whole=True)
