"""Writing the index: events, where their orders stand, and the counts, in one transaction with the place read up to."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from ordertrail.adapters.index.database import IndexDatabase
from ordertrail.adapters.index.rows import standings_of
from ordertrail.query.projection import Indexed, OrderStanding
from ordertrail.query.standing import advance
from ordertrail.query.tables import (
    DAY,
    FEW,
    HOUR,
    changes,
    day_counts,
    day_money,
    day_values,
    events,
    ever_counts,
    hour_counts,
    key_of,
    marks,
    order_standings,
    sensitive_hours,
    streams,
)

_STANDING = tuple(field.name for field in fields(OrderStanding))
_standing_row = attrgetter(*_STANDING)


class SqlIndex:
    """Implements :class:`ordertrail.query.ports.Index`."""

    def __init__(self, database: IndexDatabase) -> None:
        self._database = database

    def places(self) -> Mapping[str, int]:
        """See the port."""
        with self._database.read() as connection:
            found = connection.execute(select(streams.c.name, streams.c.next))
            return {row.name: row.next for row in found}

    def add(self, stream: str, start: int, end: int, events: Sequence[Indexed]) -> bool:
        """See the port."""
        with self._database.write() as connection:
            number = self._stream(connection, stream)
            moved = connection.execute(
                update(streams).where(streams.c.number == number, streams.c.next == start).values(next=end)
            )
            if moved.rowcount != 1:
                return False
            self._write(connection, number, events)
        return True

    def clear(self) -> None:
        """See the port."""
        with self._database.write() as connection:
            self._database.clear(connection)

    def settle(self) -> None:
        """See the port."""
        self._database.settle()

    def _stream(self, connection: Connection, stream: str) -> int:
        """Return a stream's number; one that is new gets the next."""
        known = connection.scalar(select(streams.c.number).where(streams.c.name == stream))
        if known is not None:
            return int(known)
        number = int(connection.scalar(select(func.coalesce(func.max(streams.c.number), 0))) or 0) + 1
        connection.execute(insert(streams).values(number=number, name=stream, next=0))
        return number

    def _write(self, connection: Connection, stream: int, new: Sequence[Indexed]) -> None:
        keys = [key_of(stream, one.position) for one in new]
        rows = [
            (
                key, one.stream, one.position, one.id, one.time, one.recorded, one.action, one.outcome,
                one.actor, one.actor_kind, one.subject_kind, one.subject, one.sensitive, one.outcome != "success",
                one.search, one.order, one.number, one.tenant, one.behalf, one.session, one.ip, one.request,
                one.trace, one.channel, one.source, one.ticket,
            )
            for key, one in zip(keys, new, strict=True)
        ]  # fmt: skip
        self._database.insert(connection, events, rows)
        self._database.insert(
            connection,
            changes,
            [
                (
                    key, place, one.path, one.field, one.before, one.after, one.unit,
                    one.before_number, one.after_number, one.delta, one.ratio,
                )
                for key, event in zip(keys, new, strict=True)
                for place, one in enumerate(event.changes)
            ],
        )  # fmt: skip
        self._database.insert(
            connection,
            marks,
            [
                (key, mark.kind, mark.value)
                for key, event in zip(keys, new, strict=True)
                for mark in dict.fromkeys(event.marks)
            ],
        )
        self._database.add_texts(connection, [(key, one.search) for key, one in zip(keys, new, strict=True)])
        _stand(connection, new)
        _count(connection, new)


def _stand(connection: Connection, new: Sequence[Indexed]) -> None:
    """Take the orders of new events on to where they stand now."""
    orders = list(dict.fromkeys((one.order, one.tenant or "") for one in new if one.order is not None))
    known: dict[tuple[str, str], OrderStanding] = dict(standings_of(connection, orders))
    for one in new:
        if one.order is not None:
            order = (one.order, one.tenant or "")
            standing = advance(known.get(order), one)
            if standing is not None:
                known[order] = standing
    _upsert(
        connection, order_standings, _STANDING, [_standing_row(known[order]) for order in orders], add=False
    )


def _count(connection: Connection, new: Iterable[Indexed]) -> None:
    """Add new events to the rollups."""
    by_day: Counter[tuple[Any, ...]] = Counter()
    by_hour: Counter[tuple[Any, ...]] = Counter()
    sensitive: Counter[tuple[Any, ...]] = Counter()
    values: Counter[tuple[Any, ...]] = Counter()
    money: dict[tuple[Any, ...], list[int]] = {}
    for one in new:
        day, hour, tenant = one.time - one.time % DAY, one.time - one.time % HOUR, one.tenant or ""
        by_day[day, one.actor, one.action, one.outcome, tenant, one.sensitive] += 1
        by_hour[hour, one.action, one.outcome, tenant, one.sensitive] += 1
        if one.sensitive:
            sensitive[hour, one.actor, one.action, one.outcome, tenant, True] += 1
        for field in FEW:
            value = getattr(one, field)
            if value is not None:
                values[day, field, value, tenant] += 1
        if one.changes and one.outcome == "success":
            for currency, delta in _moved(one):
                sums = money.setdefault((day, one.actor, one.action, tenant, currency), [0, 0, 0])
                sums[0] += 1
                sums[1 if delta > 0 else 2] += abs(delta)
    ever: Counter[tuple[Any, ...]] = Counter()
    for (_, *what), count in by_day.items():
        ever[tuple(what)] += count
    for table, counted in (
        (ever_counts, ever), (day_counts, by_day), (hour_counts, by_hour), (sensitive_hours, sensitive),
        (day_values, values),
    ):  # fmt: skip
        names = table.columns.keys()
        _upsert(connection, table, names, [(*key, count) for key, count in counted.items()], add=True)
    rows = [(*key, *sums) for key, sums in money.items()]
    _upsert(connection, day_money, day_money.columns.keys(), rows, add=True)


def _moved(event: Indexed) -> list[tuple[str, int]]:
    """Return by how much an event's changes moved money, by currency; what nets to nothing moved none."""
    sums: dict[str, int] = {}
    for change in event.changes:
        if change.unit and change.delta:
            sums[change.unit] = sums.get(change.unit, 0) + change.delta
    return [(currency, delta) for currency, delta in sums.items() if delta]


def _upsert(
    connection: Connection, table: Table, names: Sequence[str], rows: Sequence[tuple[Any, ...]], *, add: bool
) -> None:
    """Write rows: what is there already is added to, or replaced."""
    if not rows:
        return
    kind = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement: Any = kind(table)
    own = [column for column in table.columns if not column.primary_key]
    numbers = {"events", "raised", "lowered"}
    statement = statement.on_conflict_do_update(
        index_elements=list(table.primary_key),
        set_={
            column.name: column + statement.excluded[column.name]
            if add and column.name in numbers
            else statement.excluded[column.name]
            for column in own
        },
    )
    connection.execute(statement, [dict(zip(names, row, strict=True)) for row in rows])
