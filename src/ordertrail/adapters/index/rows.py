"""Rows of the index, read into what the query room hands out."""

from collections.abc import Mapping, Sequence
from dataclasses import fields

from sqlalchemy import Connection, RowMapping, select

from ordertrail.query.ports import Hit
from ordertrail.query.projection import Indexed, IndexedChange, Mark, OrderStanding
from ordertrail.query.tables import changes, marks, order_standings

_MANY = 400
_OWN = tuple(field.name for field in fields(Indexed) if field.name not in {"changes", "marks", "standing"})
_CHANGE = tuple(field.name for field in fields(IndexedChange))


def hits_of(connection: Connection, found: Sequence[RowMapping]) -> list[Hit]:
    """Return events whole, of rows of the table of events, in their sequence."""
    keys = [row["key"] for row in found]
    changed: dict[int, list[IndexedChange]] = {}
    marked: dict[int, list[Mark]] = {}
    for start in range(0, len(keys), _MANY):
        some = keys[start : start + _MANY]
        query = select(changes).where(changes.c.key.in_(some)).order_by(changes.c.key, changes.c.place)
        for row in connection.execute(query).mappings():
            changed.setdefault(row["key"], []).append(IndexedChange(*(row[name] for name in _CHANGE)))
        named = select(marks).where(marks.c.key.in_(some)).order_by(*marks.primary_key)
        for key, kind, value in connection.execute(named):
            marked.setdefault(key, []).append(Mark(kind, value))
    orders = list({(row["order"], row["tenant"] or "") for row in found if row["order"] is not None})
    stand = standings_of(connection, orders)
    return [
        Hit(
            row["key"],
            Indexed(
                **{name: row[name] for name in _OWN},
                changes=tuple(changed.get(row["key"], ())),
                marks=tuple(marked.get(row["key"], ())),
                standing=None if row["order"] is None else stand.get((row["order"], row["tenant"] or "")),
            ),
        )
        for row in found
    ]


def standings_of(
    connection: Connection, orders: Sequence[tuple[str, str]]
) -> Mapping[tuple[str, str], OrderStanding]:
    """Return where orders stand, of those that are known."""
    known: dict[tuple[str, str], OrderStanding] = {}
    wanted = set(orders)
    numbers = list(dict.fromkeys(order for order, _ in orders))
    for start in range(0, len(numbers), _MANY):
        # By number alone: for pairs, SQLite would read the whole table.
        query = select(order_standings).where(order_standings.c.order.in_(numbers[start : start + _MANY]))
        for row in connection.execute(query):
            standing = OrderStanding(*row)
            if (standing.order, standing.tenant) in wanted:
                known[standing.order, standing.tenant] = standing
    return known
