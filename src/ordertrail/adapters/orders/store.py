"""Orders in SQL tables, through SQLAlchemy Core: SQLite and PostgreSQL alike.

Writing an order touches just the rows that differ, and of them just the columns that do, so that capture, switched on
for the same engine, tells what changed and nothing else. ``put_order`` and ``get_order`` work within a transaction that
somebody else began: intake accepts an order in one transaction with all that belongs to it.

Optimistic concurrency is one statement, the first that writes: ``UPDATE orders SET version = n + 1 … WHERE version =
n``. It takes the row's lock, so that of two writers the second finds the version gone and changes nothing.
*If we stop* anywhere before the commit, the database rolls all of it back.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Table, and_, delete, exc, func, insert, select, update

from ordertrail.adapters.orders.rows import Key, Row, Rows, key_of, order_from, rows_of
from ordertrail.adapters.orders.tables import metadata, order_references, order_totals, orders
from ordertrail.adapters.state import create_tables
from ordertrail.kernel.errors import EvidenceError, UnavailableError
from ordertrail.orders.format import format_order
from ordertrail.orders.model import Order
from ordertrail.orders.ports import NOTHING, Put, Stored
from ordertrail.orders.reference import Reference
from ordertrail.record.encoding import encode

_PARTS = tuple(table for table in metadata.sorted_tables if table is not orders)


def create_order_tables(engine: Engine) -> None:
    """Create the tables that are not there yet."""
    with _translated():
        create_tables(engine, metadata)


class SqlOrders:
    """Implements :class:`ordertrail.orders.ports.Orders` on a database that has the tables. Threads may share one."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, order_id: str) -> Stored | None:
        """See the port."""
        with _translated(), self._engine.connect() as connection:
            return get_order(connection, order_id)

    def put(self, order: Order, expected: int) -> int | None:
        """See the port."""
        with _translated():
            try:
                with self._engine.begin() as connection:
                    return put_order(connection, order, expected)
            except exc.IntegrityError:
                # Of two that create the same order, one finds the other's row when it writes its own.
                with self._engine.connect() as connection:
                    if expected == NOTHING and _version(connection, order.id) is not None:
                        return None
                raise

    def find(self, reference: Reference) -> list[str]:
        """See the port."""
        named = order_references.c
        query = select(named.order_id).where(
            named.system == reference.system, named.kind == reference.kind, named.id == reference.id
        )
        with _translated(), self._engine.connect() as connection:
            return sorted(connection.scalars(query))


def get_order(connection: Connection, order_id: str) -> Stored | None:
    """Return an order as a transaction sees it, None where there is none.

    Raises UnavailableError where others write to the order each time that it is read; within a transaction of
    REPEATABLE READ nobody can.
    """
    for _ in range(_TRIES):
        version = _version(connection, order_id)
        if version is None:
            return None
        rows = _read(connection, order_id)
        if version == _version(connection, order_id):
            found = {table: list(by_key.values()) for table, by_key in rows.items()}
            return Stored(order_from(found), version)
    raise UnavailableError(f"order {order_id} changes faster than it can be read")


def put_order(connection: Connection, order: Order, expected: int) -> int | None:
    """Keep an order within a transaction; as :meth:`ordertrail.orders.ports.Orders.put`.

    Raises sqlalchemy's IntegrityError where another transaction creates the same order at the same time; the
    transaction is then lost, and whoever began it begins again.
    """
    format_order(order)
    version = expected + 1
    new = rows_of(order, version)
    (row,) = new.pop(orders).values()
    if expected == NOTHING:
        if _version(connection, order.id) is not None:
            return None
        connection.execute(insert(orders), row)
        _write(connection, {}, new)
        return version
    known = connection.execute(select(orders).where(orders.c.id == order.id)).mappings().first()
    changed = {"version": version} if known is None else _changed(dict(known), row)
    ours = and_(orders.c.id == order.id, orders.c.version == expected)
    if connection.execute(update(orders).where(ours).values(changed)).rowcount != 1:
        return None
    old = _read(connection, order.id)
    old.pop(orders)
    _write(connection, old, new)
    return version


class OrderRows:
    """Many orders at once, within a transaction that somebody else began. Holds nothing; all are alike."""

    def get(self, connection: Connection, order_ids: Sequence[str]) -> dict[str, Stored]:
        """Return those of these orders that are there; one that is written to meanwhile is read by itself."""
        found: dict[str, Stored] = {}
        for start in range(0, len(order_ids), _MANY):
            some = order_ids[start : start + _MANY]
            versions = _versions(connection, some)
            rows = _read_many(connection, list(versions))
            for order_id, version in _versions(connection, list(versions)).items():
                if version == versions[order_id]:
                    found[order_id] = Stored(order_from(rows[order_id]), version)
                elif (stored := get_order(connection, order_id)) is not None:
                    found[order_id] = stored
        return found

    def put(self, connection: Connection, puts: Sequence[Put]) -> bool:
        """Keep orders that were checked; False where one is not at the version expected.

        Each table's new rows go in by one statement, so that capture writes one batch for them. All is done in the
        sequence of the orders' ids: of two that put the same orders one waits for the other, and none in a circle. When
        this returns False, the transaction is to be rolled back.
        """
        added: dict[Table, list[Row]] = {}
        for one in sorted(puts, key=lambda put: put.order.id):
            version = NOTHING if one.before is None else one.before.version
            new = rows_of(one.order, version + 1)
            if one.before is None:
                for table, by_key in new.items():
                    added.setdefault(table, []).extend(by_key.values())
            elif not _replace(connection, one.before, new):
                return False
        try:
            for table in metadata.sorted_tables:
                if table in added:
                    connection.execute(insert(table), added[table])
        except exc.IntegrityError:
            return False
        return True

    def sums(
        self, connection: Connection, channel: str, account: str, begin: str, end: str
    ) -> tuple[int, dict[str, int]]:
        """Return how many orders of an account were placed in a time, and their totals by currency in minor units."""
        theirs = and_(
            orders.c.channel == channel,
            orders.c.account == account,
            orders.c.placed >= begin,
            orders.c.placed < end,
        )
        count = connection.scalar(select(func.count()).select_from(orders).where(theirs)) or 0
        total = order_totals.c
        query = (
            select(total.currency, func.sum(total.grand_total))
            .join(orders, orders.c.id == total.order_id)
            .where(theirs, total.kind == "totals", total.grand_total.is_not(None))
            .group_by(total.currency)
        )
        return count, {currency: int(amount) for currency, amount in connection.execute(query)}


_MANY = 500
"""Orders that are read by one statement."""


def _versions(connection: Connection, order_ids: Sequence[str]) -> dict[str, int]:
    query = select(orders.c.id, orders.c.version).where(orders.c.id.in_(order_ids))
    return {row.id: row.version for row in connection.execute(query)} if order_ids else {}


def _read_many(
    connection: Connection, order_ids: Sequence[str]
) -> dict[str, dict[Table, list[Mapping[str, Any]]]]:
    """Return all rows of orders that are there, by order and table."""
    found: dict[str, dict[Table, list[Mapping[str, Any]]]] = {order_id: {} for order_id in order_ids}
    if not order_ids:
        return found
    for table in (orders, *_PARTS):
        column = table.c.id if table is orders else table.c.order_id
        for row in connection.execute(select(table).where(column.in_(order_ids))).mappings():
            found[row[column.name]].setdefault(table, []).append(dict(row))
    return found


def _replace(connection: Connection, before: Stored, new: Rows) -> bool:
    """Write what differs between an order as it was read and as it is to be; False where it was not so any more."""
    old = rows_of(before.order, before.version)
    (old_row,), (row,) = old.pop(orders).values(), new.pop(orders).values()
    ours = and_(orders.c.id == before.order.id, orders.c.version == before.version)
    if connection.execute(update(orders).where(ours).values(_changed(old_row, row))).rowcount != 1:
        return False
    _write(connection, old, new)
    return True


_TRIES = 5
"""How often a read is begun again that somebody wrote into."""


def _version(connection: Connection, order_id: str) -> int | None:
    version: int | None = connection.scalar(select(orders.c.version).where(orders.c.id == order_id))
    return version


def _read(connection: Connection, order_id: str) -> Rows:
    """Return all rows of an order that is there."""
    rows: Rows = {orders: {}}
    for table in (orders, *_PARTS):
        column = table.c.id if table is orders else table.c.order_id
        for found in connection.execute(select(table).where(column == order_id)).mappings():
            row = dict(found)
            rows.setdefault(table, {})[key_of(table, row)] = row
    return rows


def _write(connection: Connection, old: Rows, new: Rows) -> None:
    """Make the rows of the parts what they are to be, by as few statements as do it."""
    for table in _PARTS:
        before, after = old.get(table, {}), new.get(table, {})
        for key in before.keys() - after.keys():
            connection.execute(delete(table).where(_is(table, key)))
        for key in before.keys() & after.keys():
            changed = _changed(before[key], after[key])
            if changed:
                connection.execute(update(table).where(_is(table, key)).values(changed))
        added = [row for key, row in after.items() if key not in before]
        if added:
            connection.execute(insert(table), added)


def _changed(before: Mapping[str, Any], after: Row) -> Row:
    return {name: value for name, value in after.items() if not _same(before[name], value)}


def _same(one: Any, other: Any) -> bool:
    """Say whether two values are the same JSON: Python takes True for 1, also deep inside."""
    if isinstance(one, dict | list) or isinstance(other, dict | list):
        return encode([one]) == encode([other])
    return type(one) is type(other) and bool(one == other)


def _is(table: Table, key: Key) -> Any:
    return and_(*(column == value for column, value in zip(table.primary_key, key, strict=True)))


@contextmanager
def _translated() -> Iterator[None]:
    """Tell the driver's errors in our own words."""
    try:
        yield
    except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError) as error:
        raise UnavailableError(f"the database of orders cannot be used now: {error.args[0]}") from error
    except exc.IntegrityError as error:
        raise EvidenceError(
            f"the tables of orders contradict each other: {error.args[0]}",
            meaning="Something else than this program wrote to them, or to others that refer to them.",
            remedy="See what the trail has of these rows: 'ordertrail history' with the order's id.",
        ) from error
