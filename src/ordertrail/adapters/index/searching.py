"""Finding events: pages, counts up to a bound, ids."""

from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, and_, func, or_, select

from ordertrail.adapters.index.database import IndexDatabase
from ordertrail.adapters.index.planning import by_time, meant
from ordertrail.adapters.index.rows import hits_of, standings_of
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.ports import Cursor, Hit, Way
from ordertrail.query.projection import OrderStanding
from ordertrail.query.tables import events


class SqlSearches:
    """Implements :class:`ordertrail.query.ports.Searches`."""

    def __init__(self, database: IndexDatabase) -> None:
        self._database = database

    def page(self, filter_: Filter, limit: int, beyond: Cursor | None, way: Way) -> Sequence[Hit]:
        """See the port: which events, by their keys; then their rows, which are as many as the page is long."""
        dialect = self._database.dialect
        with self._database.read() as connection:
            keys = self._database.planner.driving(connection, filter_, limit)
            query = meant(filter_, dialect, keys)
            if beyond is not None:
                query = query.where(_beyond(beyond, way))
            found = connection.scalars(by_time(query, way, driven=keys is not None).limit(limit)).all()
            rows = {
                row["key"]: row
                for row in connection.execute(select(events).where(events.c.key.in_(found))).mappings()
            }
            return hits_of(connection, [rows[key] for key in found])

    def count(self, filter_: Filter, most: int) -> int:
        """See the port."""
        dialect = self._database.dialect
        with self._database.read() as connection:
            keys = self._database.planner.driving(connection, filter_, most)
            some = meant(filter_, dialect, keys).limit(most).subquery()
            return connection.scalar(select(func.count()).select_from(some)) or 0

    def find(self, ids: Sequence[str]) -> Sequence[Hit]:
        """See the port."""
        with self._database.read() as connection:
            query = select(events).where(events.c.id.in_(ids)).order_by(events.c.time, events.c.key)
            return hits_of(connection, connection.execute(query).mappings().all())

    def standings(self, orders: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], OrderStanding]:
        """See the port."""
        with self._database.read() as connection:
            return standings_of(connection, orders)


def _beyond(cursor: Cursor, way: Way) -> ColumnElement[bool]:
    """Return that an event is beyond a place: a bound of the time first, from which an index can begin."""
    time, key = events.c.time, events.c.key
    if way is Way.OLDER:
        return and_(time <= cursor.time, or_(time < cursor.time, key < cursor.key))
    return and_(time >= cursor.time, or_(time > cursor.time, key > cursor.key))
