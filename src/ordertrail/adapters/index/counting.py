"""Counting events: from a rollup where it has all that a filter asks for, else from the events, the newest first."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, func, select
from sqlalchemy.sql.visitors import replacement_traverse

from ordertrail.adapters.index.database import IndexDatabase
from ordertrail.adapters.index.planning import by_time, driving, meant
from ordertrail.kernel.errors import InputError
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.ports import Counted, DayCount, MoneyMoved, Tally, Way
from ordertrail.query.rolled import rolled
from ordertrail.query.tables import (
    DAY,
    FEW,
    HOUR,
    PLAIN,
    day_counts,
    day_money,
    day_values,
    events,
    hour_counts,
    sensitive_hours,
)

_BY_DAY = frozenset({"actor", "action", "outcome", "tenant", "sensitive"})
_BY_HOUR = frozenset({"action", "outcome", "tenant", "sensitive"})
_OF_MONEY = frozenset({"actor", "action", "tenant"})
_OF_VALUES = frozenset({"tenant"})


class SqlCounts:
    """Implements :class:`ordertrail.query.ports.Counts`."""

    def __init__(self, database: IndexDatabase) -> None:
        self._database = database

    def tally(self, filter_: Filter, columns: Sequence[str], most: int, looked: int) -> Mapping[str, Tally]:
        """See the port."""
        with self._database.read() as connection:
            told: dict[str, Tally] = {}
            for column in columns:
                known = _from_rollup(connection, filter_, column)
                if known is not None:
                    told[column] = _tally(known, most, whole=True)
            rest = [column for column in columns if column not in told]
            if rest:
                told |= self._newest(connection, filter_, rest, most, looked)
            return {column: told[column] for column in columns}

    def steps(self, filter_: Filter, width: int) -> Mapping[int, int]:
        """See the port."""
        with self._database.read() as connection:
            table, time = _of_time(filter_, width)
            if table is None:
                dialect = self._database.dialect
                start = _floor(events.c.time, width)
                keys = driving(connection, filter_, dialect, _MANY)
                query = select(start, func.count()).where(filter_.sql(dialect)).group_by(start)
                if keys is not None:
                    query = query.where(events.c.key.in_(keys))
            else:
                start = _floor(time, width)
                query = (
                    select(start, func.sum(table.c.events)).where(_over(filter_, table, time)).group_by(start)
                )
            return {int(begin): int(count) for begin, count in connection.execute(query)}

    def days(self, filter_: Filter, columns: Sequence[str]) -> Sequence[DayCount]:
        """See the port."""
        _require(filter_, _BY_DAY)
        day = day_counts.c.day
        by = [day_counts.c[name] for name in columns]
        query = (
            select(day, *by, func.sum(day_counts.c.events))
            .where(_over(filter_, day_counts, day))
            .group_by(day, *by)
            .order_by(day, *by)
        )
        with self._database.read() as connection:
            return [
                DayCount(int(row[0]), tuple(row[1:-1]), int(row[-1])) for row in connection.execute(query)
            ]

    def money(self, filter_: Filter) -> Sequence[MoneyMoved]:
        """See the port."""
        _require(filter_, _OF_MONEY)
        own = day_money.c
        by = (own.day, own.actor, own.action, own.currency)
        sums = (func.sum(own.events), func.sum(own.raised), func.sum(own.lowered))
        query = select(*by, *sums).where(_over(filter_, day_money, own.day)).group_by(*by).order_by(*by)
        with self._database.read() as connection:
            return [
                MoneyMoved(*row[:4], *(int(number) for number in row[4:]))
                for row in connection.execute(query)
            ]

    def _newest(
        self, connection: Connection, filter_: Filter, columns: Sequence[str], most: int, looked: int
    ) -> dict[str, Tally]:
        """Count over the newest events that are meant; all of them, where they are no more than ``looked``."""
        dialect = self._database.dialect
        keys = driving(connection, filter_, dialect, looked)
        query = meant(filter_, dialect, keys).with_only_columns(*(events.c[column] for column in columns))
        newest = by_time(query, Way.OLDER, driven=keys is not None).limit(looked + 1)
        rows = connection.execute(newest).all()
        whole = len(rows) <= looked
        counted = [Counter(column) for column in zip(*rows[:looked], strict=True)]
        return {
            column: _tally(counts, most, whole=whole)
            for column, counts in zip(columns, counted or [Counter[Any]()] * len(columns), strict=True)
        }


_MANY = 200_000
"""Events that are read by their keys rather than along time, when all that are meant are counted."""


def _from_rollup(connection: Connection, filter_: Filter, column: str) -> Counter[str | None] | None:
    """Return the counts of a column's values, None where no rollup has them."""
    if column in _BY_DAY - {"sensitive"} and rolled(filter_, _BY_DAY):
        table, time, value = day_counts, day_counts.c.day, _mapped(day_counts, column)
        told = _over(filter_, table, time)
    elif column in FEW and rolled(filter_, _OF_VALUES):
        table, time, value = day_values, day_values.c.day, day_values.c.value
        told = _over(filter_, table, time) & (day_values.c.field == column)
    else:
        return None
    query = select(value, func.sum(table.c.events)).where(told).group_by(value)
    counts: Counter[str | None] = Counter({name: int(count) for name, count in connection.execute(query)})
    if table is day_values and events.c[column].nullable:
        every = select(func.sum(hour_counts.c.events)).where(_over(filter_, hour_counts, hour_counts.c.hour))
        none = int(connection.scalar(every) or 0) - counts.total()
        if none > 0:
            counts[None] = none
    return counts


def _tally(counts: Counter[Any], most: int, *, whole: bool) -> Tally:
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0] or ""))
    return Tally(tuple(Counted(*item) for item in ranked[:most]), counts.total(), whole)


def _of_time(filter_: Filter, width: int) -> tuple[Table | None, ColumnElement[int]]:
    """Return the smallest rollup that counts by intervals of this width, and its column of times."""
    if width % HOUR == 0 and rolled(filter_, _BY_HOUR, HOUR):
        return hour_counts, hour_counts.c.hour
    if width % HOUR == 0 and rolled(filter_, _BY_DAY, HOUR) and _only_sensitive(filter_):
        return sensitive_hours, sensitive_hours.c.hour
    if width % DAY == 0 and rolled(filter_, _BY_DAY):
        return day_counts, day_counts.c.day
    return None, events.c.time


def _floor(time: ColumnElement[int], width: int) -> ColumnElement[int]:
    """Return the beginning of a time's interval; databases round to zero, and there were times before 1970."""
    return time - (time % width + width) % width


def _only_sensitive(filter_: Filter) -> bool:
    return any(term.text() == "is:sensitive" for term in filter_.terms)


def _require(filter_: Filter, columns: frozenset[str]) -> None:
    if not rolled(filter_, columns):
        asked = ", ".join(sorted(columns))
        raise InputError(
            f"this is counted by whole days of UTC and by {asked}; the filter asks for something else",
            meaning="Nothing was counted.",
            remedy="Leave the other terms out, and write times as when:2026-11-01..2026-11-30 with zone UTC.",
        )


def _over(filter_: Filter, table: Table, time: ColumnElement[int]) -> ColumnElement[bool]:
    """Return what a filter says of events, of a rollup that has all that it asks for."""

    def replaced(element: Any, **_: Any) -> Any:
        if element is events.c.time:
            return time
        for column in events.columns:
            if element is column:
                return _mapped(table, column.name)
        return None

    return replacement_traverse(filter_.sql(PLAIN), {}, replaced)


def _mapped(table: Table, column: str) -> Any:
    """Return a rollup's column; where events have no tenant, rollups have an empty one."""
    if column == "attempt":
        return table.c.outcome != "success"
    own = table.c[column]
    return func.nullif(own, "") if column == "tenant" else own
