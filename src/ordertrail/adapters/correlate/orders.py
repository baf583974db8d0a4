"""Orders as their own tables keep them, read in pages by id; nothing of theirs is ever written here."""

from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import Connection, Engine, inspect, text

from ordertrail.orders.model import Order
from ordertrail.orders.ports import Stored

Read = Callable[[Connection, Sequence[str]], dict[str, Stored]]
"""Reads orders within a transaction that somebody else began."""

_IDS = text("SELECT id FROM orders WHERE id > :after ORDER BY id LIMIT :limit")


class SqlOrderBook:
    """Implements :class:`~ordertrail.correlate.reconciling.ports.OrderBook`.

    A database without order tables has no orders: correlation may begin before anything was taken in.
    """

    def __init__(self, engine: Engine, read: Read) -> None:
        self._engine = engine
        self._read = read

    def page(self, after: str, limit: int) -> Sequence[Order]:
        """See the port."""
        with self._engine.connect() as connection:
            if not inspect(connection).has_table("orders"):
                return ()
            found = connection.scalars(_IDS, {"after": after, "limit": limit})
            return self._orders(connection, list(found))

    def get(self, orders: Iterable[str]) -> Sequence[Order]:
        """See the port."""
        with self._engine.connect() as connection:
            if not inspect(connection).has_table("orders"):
                return ()
            return self._orders(connection, sorted(set(orders)))

    def _orders(self, connection: Connection, ids: Sequence[str]) -> list[Order]:
        known = self._read(connection, ids)
        return [known[one].order for one in ids if one in known]
