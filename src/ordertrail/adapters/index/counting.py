"""Counting events: from a rollup where it has all that a filter asks for, else from the events, the newest first."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, func, select

from ordertrail.adapters.index.database import IndexDatabase
from ordertrail.adapters.index.planning import by_time, meant
from ordertrail.query import statements
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.ports import Counted, DayCount, MoneyMoved, Ranked, Statement, Tally, Way
from ordertrail.query.rolled import (
    BY_DAY,
    OF_MONEY,
    OF_VALUES,
    asks_for_times,
    floor,
    mapped,
    over,
    require_rolled,
    rolled,
    rollup_of_steps,
)
from ordertrail.query.tables import FEW, day_counts, day_values, events, ever_counts, hour_counts


class SqlCounts:
    """Implements :class:`ordertrail.query.ports.Counts`."""

    def __init__(self, database: IndexDatabase) -> None:
        self._database = database

    def tally(
        self, filter_: Filter, columns: Sequence[str], most: int, looked: int | None
    ) -> Mapping[str, Tally]:
        """See the port."""
        with self._database.read() as connection:
            told: dict[str, Tally] = {}
            for column in columns:
                known = _from_rollup(connection, filter_, column)
                if known is not None:
                    told[column] = _tally(known, most, whole=True)
            rest = [column for column in columns if column not in told]
            if rest and looked is None:
                told |= self._every(connection, filter_, rest, most)
            elif rest and looked is not None:
                told |= self._newest(connection, filter_, rest, most, looked)
            return {column: told[column] for column in columns}

    def steps(self, filter_: Filter, width: int) -> Mapping[int, int]:
        """See the port."""
        with self._database.read() as connection:
            known = rollup_of_steps(filter_, width)
            if known is None:
                dialect = self._database.dialect
                query: Statement = statements.steps(filter_, dialect, width)
                keys = self._database.planner.driving_all(connection, filter_)
                if keys is not None:
                    query = query.where(events.c.key.in_(keys))
            else:
                table, time = known
                start = floor(time, width)
                query = (
                    select(start, func.sum(table.c.events)).where(over(filter_, table, time)).group_by(start)
                )
            return {int(begin): int(count) for begin, count in connection.execute(query)}

    def days(self, filter_: Filter, columns: Sequence[str]) -> Sequence[DayCount]:
        """See the port."""
        require_rolled(filter_, BY_DAY)
        with self._database.read() as connection:
            rows = connection.execute(statements.counts_by_day(filter_, columns)).all()
        told = [DayCount(int(row[0]), tuple(row[1:-1]), int(row[-1])) for row in rows]
        return sorted(told, key=lambda one: (one.day, one.key))

    def money(self, filter_: Filter) -> Sequence[MoneyMoved]:
        """See the port."""
        require_rolled(filter_, OF_MONEY)
        with self._database.read() as connection:
            rows = connection.execute(statements.money_by_day(filter_)).all()
        told = [MoneyMoved(*row[:4], *(int(number) for number in row[4:])) for row in rows]
        return sorted(told, key=lambda one: (one.day, one.actor, one.action, one.currency))

    def ranked(self, filter_: Filter, columns: Sequence[str], most: int) -> Sequence[Ranked]:
        """See the port."""
        require_rolled(filter_, BY_DAY)
        with self._database.read() as connection:
            rows = connection.execute(statements.ranked(filter_, columns, most)).all()
        return statements.ranked_of(rows)

    def _newest(
        self, connection: Connection, filter_: Filter, columns: Sequence[str], most: int, looked: int
    ) -> dict[str, Tally]:
        """Count over the newest events that are meant; all of them, where they are no more than ``looked``."""
        dialect = self._database.dialect
        keys = self._database.planner.driving(connection, filter_, looked)
        query = meant(filter_, dialect, keys).with_only_columns(*(events.c[column] for column in columns))
        newest = by_time(query, Way.OLDER, driven=keys is not None).limit(looked + 1)
        rows = connection.execute(newest).all()
        whole = len(rows) <= looked
        counted = [Counter(column) for column in zip(*rows[:looked], strict=True)]
        return {
            column: _tally(counts, most, whole=whole)
            for column, counts in zip(columns, counted or [Counter[Any]()] * len(columns), strict=True)
        }

    def _every(
        self, connection: Connection, filter_: Filter, columns: Sequence[str], most: int
    ) -> dict[str, Tally]:
        """Count over all events that are meant."""
        dialect = self._database.dialect
        keys = self._database.planner.driving_all(connection, filter_)
        told = {}
        for column in columns:
            query = statements.values(filter_, dialect, column)
            rows = connection.execute(query if keys is None else query.where(events.c.key.in_(keys)))
            told[column] = _tally(Counter({name: int(count) for name, count in rows}), most, whole=True)
        return told


def _from_rollup(connection: Connection, filter_: Filter, column: str) -> Counter[str | None] | None:
    """Return the counts of a column's values, None where no rollup has them."""
    if column in BY_DAY - {"sensitive"} and rolled(filter_, BY_DAY):
        table = day_counts if asks_for_times(filter_) else ever_counts
        value, told = mapped(table, column), over(filter_, table, day_counts.c.day)
    elif column in FEW and rolled(filter_, OF_VALUES):
        table, value = day_values, day_values.c.value
        told = over(filter_, table, day_values.c.day) & (day_values.c.field == column)
    else:
        return None
    query = select(value, func.sum(table.c.events)).where(told).group_by(value)
    counts: Counter[str | None] = Counter({name: int(count) for name, count in connection.execute(query)})
    if table is day_values and events.c[column].nullable:
        every = select(func.sum(hour_counts.c.events)).where(over(filter_, hour_counts, hour_counts.c.hour))
        none = int(connection.scalar(every) or 0) - counts.total()
        if none > 0:
            counts[None] = none
    return counts


def _tally(counts: Counter[Any], most: int, *, whole: bool) -> Tally:
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0] or ""))
    return Tally(tuple(Counted(*item) for item in ranked[:most]), counts.total(), whole)
