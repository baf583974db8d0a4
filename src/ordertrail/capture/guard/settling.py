"""What the relay does for the guard on SQLite, before it reads the outbox: what was seen and not told becomes rows.

SQLite can call nobody at a commit. But one transaction writes at a time, and capture's outbox rows take away what they
tell: what stands in ``ordertrail_guard_seen`` when nobody is writing was committed, and nobody recorded it. All of it
is moved in one transaction. *If we stop here*, before that commits, it is still there.

Of who did it SQLite knows nothing: the actor is ``unknown``, and there is no address.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any, Literal, NamedTuple, cast

import msgspec
from sqlalchemy import Connection

from ordertrail.capture.batch import Batch, Shape, Who, encode_batch
from ordertrail.capture.context import UNKNOWN
from ordertrail.capture.guard.tables import ACTION, GuardedColumn, GuardedHop, Told
from ordertrail.capture.outbox.clients import Client
from ordertrail.capture.outbox.ddl import CLIENT
from ordertrail.capture.outbox.writing import write
from ordertrail.capture.schema import quoted
from ordertrail.capture.transaction import ROWS, Entry
from ordertrail.capture.values import carry, carry_json, carry_money, carry_opaque
from ordertrail.kernel.ids import new_id
from ordertrail.record.event import Context
from ordertrail.record.values import MAX_IDENTIFIER

_LITERAL = re.compile(
    r"NULL|[+-]?[0-9][0-9.]*(?:[eE][+-]?[0-9]+)?|[+-]?Inf|X'((?:[0-9A-F]{2})*)'|'((?:[^']|'')*)'"
)
_UNKNOWN_TABLE = Told(kind="row", tag="", private=True, known=(), columns=())
_UNTOLD = (("/row", "redacted", None),)
"""What stands for all columns of rows whose values cannot be read: that they changed."""


class _Seen(NamedTuple):
    place: int
    stated: str
    relation: str
    op: Literal["insert", "update", "delete"]
    subject: str
    order_key: Any
    tenant_key: Any
    before: str | None
    after: str | None

    @property
    def group(self) -> tuple[str, str, str]:
        return self.stated, self.relation, self.op


def settle(connection: Connection) -> int:
    """Move what bypassed the application into the outbox; return how many events that is.

    Takes a connection that is in no transaction, and commits. Without a guard there is nothing to do, nor is there on
    PostgreSQL.
    """
    if connection.dialect.name != "sqlite" or not _has_any(connection):
        connection.rollback()
        return 0
    connection.rollback()
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    done = settle_within(connection)
    connection.commit()
    return done


def settle_within(connection: Connection) -> int:
    """Do so in a transaction that writes already, or is about to; the caller commits."""
    if not _has_guard(connection):
        return 0
    query = (
        "SELECT place, stated, relation, op, subject, order_key, tenant_key, before, after "
        "FROM ordertrail_guard_seen ORDER BY place"
    )
    seen = [_Seen(*row) for row in connection.exec_driver_sql(query)]
    rows = connection.exec_driver_sql("SELECT relation, told FROM ordertrail_guard_table")
    told = {relation: _read_told(text) for relation, text in rows}
    entries = list(_entries(connection, [one for one in seen if one.before != one.after], told))
    done = 0
    if entries:
        client = _client(connection)
        done = write("sqlite", "qmark", partial(_run, connection), client, entries)
    if seen:
        connection.exec_driver_sql("DELETE FROM ordertrail_guard_seen WHERE place <= ?", (seen[-1].place,))
    return done


def _run(connection: Connection, sql: str, given: Sequence[Any]) -> int:
    return connection.exec_driver_sql(sql, tuple(given)).rowcount


def _has_guard(connection: Connection) -> bool:
    query = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN (?, ?)"
    own = ("ordertrail_guard_seen", "ordertrail_guard_table")
    return connection.exec_driver_sql(query, own).scalar() == len(own)


def _has_any(connection: Connection) -> bool:
    query = "SELECT EXISTS (SELECT 1 FROM ordertrail_guard_seen)"
    return _has_guard(connection) and bool(connection.exec_driver_sql(query).scalar())


def _client(connection: Connection) -> Client:
    """Return the guard's client: there is one, for one writes at a time."""
    query = f"SELECT client, counter FROM {CLIENT} WHERE client LIKE 'guard/%'"  # noqa: S608 - constants
    row = connection.exec_driver_sql(query).first()
    return Client(f"guard/{new_id()}") if row is None else Client(row[0], int(row[1]), registered=True)


def _entries(connection: Connection, seen: Sequence[_Seen], told: Mapping[str, Told]) -> Iterator[Entry]:
    """Yield outbox rows: one for the changes of one kind that one statement made in one table, cut at 1,000."""
    transaction = new_id()
    for (stated, relation, op), members in groupby(seen, key=lambda one: one.group):
        changes = list(members)
        table = told.get(relation, _UNKNOWN_TABLE)
        for start in range(0, len(changes), ROWS):
            some = changes[start : start + ROWS]
            sides = [(_image(table.columns, one.before), _image(table.columns, one.after)) for one in some]
            columns = tuple((one.path, one.kind, one.extra) for one in table.columns)
            if not columns or any(_UNREADABLE in pair for pair in sides):
                columns = _UNTOLD
                sides = [_as_untold(one) for one in some]
            rows = [
                (*_placed(connection, one, table, seen), *pair) for one, pair in zip(some, sides, strict=True)
            ]
            tags = ("bypass", table.tag) if table.tag else ("bypass",)
            batch = Batch(
                v=1, id=new_id(), time=f"{stated.removesuffix('Z')}000Z", op=cast("Any", op), outcome="success",
                transaction=transaction, shape=Shape(relation, table.kind, ACTION, columns),
                who=Who(UNKNOWN, Context(channel="database", source="sqlite", tags=tags)), rows=rows,
            )  # fmt: skip
            orders = frozenset(row[1] for row in rows if row[1] is not None)
            yield Entry(encode_batch(batch), len(rows), relation, orders, sensitive=True)


def _read_told(text: str) -> Told:
    try:
        return msgspec.json.decode(text, type=Told)
    except msgspec.MsgspecError:
        return _UNKNOWN_TABLE


def _placed(
    connection: Connection, one: _Seen, table: Told, seen: Sequence[_Seen]
) -> tuple[str, str | None, str | None]:
    """Return a row's subject, order and tenant."""
    order = _reached(connection, one.order_key, table.order, seen)
    tenant = _reached(connection, one.tenant_key, table.tenant, seen)
    return _name(one.subject) or "(new)", order, tenant


_UNREADABLE: list[Any] = [object()]


def _as_untold(one: _Seen) -> tuple[list[Any] | None, list[Any] | None]:
    return (
        None if one.before is None else [{"redacted": 0}],
        None if one.after is None else [{"redacted": 1}],
    )


def _image(columns: Sequence[GuardedColumn], text: str | None) -> list[Any] | None:
    """Return one side of a row, carried as capture carries values; _UNREADABLE where it is not of these columns."""
    if text is None:
        return None
    try:
        row = dict(zip((one.name for one in columns), read_literals(text), strict=True))
    except ValueError:
        return _UNREADABLE
    return [_carried(one, row) for one in columns]


def _carried(column: GuardedColumn, row: Mapping[str, Any]) -> Any:
    value = row[column.name]
    if column.kind == "redacted":
        return None if value is None else {"redacted": value}
    if column.how == "minor" and isinstance(value, int):
        return {"amount": value, "currency": str(row.get(column.currency or ""))}
    if column.how is not None:
        return carry_money(value, row.get(column.currency or ""))
    if column.kind == "json":
        return value if value is None else carry_json(value)
    return carry_opaque(value) if column.kind == "opaque" else carry(value)


def read_literals(text: str) -> list[Any]:
    """Read values that SQLite's ``quote()`` wrote, with commas between them. Raises ValueError for anything else."""
    values: list[Any] = []
    place = 0
    while place < len(text):
        found = _LITERAL.match(text, place)
        end = found.end() if found is not None else -1
        if found is None or not (end == len(text) or (text[end] == "," and end + 1 < len(text))):
            raise ValueError(f"not a list of SQL literals at {place}")
        values.append(_value(found))
        place = end + 1
    return values


def _value(found: re.Match[str]) -> Any:
    word = found[0]
    if word == "NULL":
        return None
    if found[1] is not None:
        return bytes.fromhex(found[1])
    if found[2] is not None:
        return found[2].replace("''", "'")
    return int(word) if word.lstrip("+-").isdecimal() else float(word)


def _reached(
    connection: Connection, start: Any, hops: Sequence[GuardedHop], seen: Sequence[_Seen]
) -> str | None:
    """Return where a path over foreign keys leads today. A parent that is gone, with what it knew, leads nowhere."""
    value = start
    for hop in hops:
        if value is None:
            break
        query = f"SELECT {quoted(hop.column)} FROM {hop.table} WHERE {quoted(hop.key)} = ?"  # noqa: S608 - quoted
        row = connection.exec_driver_sql(query, (value,)).first()
        parents = (one for one in seen if one.relation == hop.relation and one.subject == str(value))
        value = row[0] if row is not None else next((one.order_key for one in parents), None)
    return _name(value)


def _name(value: object) -> str | None:
    if value is None:
        return None
    return "".join(one if one.isprintable() else "\ufffd" for one in str(value))[:MAX_IDENTIFIER] or "(empty)"
