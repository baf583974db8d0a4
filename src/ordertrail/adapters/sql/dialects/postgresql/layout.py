"""Where entries lie on PostgreSQL: a partition a month, and one table of keys that finds them."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import psycopg
from sqlalchemy import (
    ColumnElement,
    Connection,
    Date,
    FromClause,
    Select,
    Table,
    and_,
    exc,
    literal_column,
    select,
    text,
)

from ordertrail.adapters.sql.database import RangeReader
from ordertrail.adapters.sql.dialects.postgresql.audit import problems
from ordertrail.adapters.sql.dialects.postgresql.tables import entry_key
from ordertrail.adapters.sql.tables import batch, entry
from ordertrail.ledger.ports import EntryRow

_ENTRY = ("stream", "idx", "event_id", "chain", "number", "previous", "hash", "entry", "month")
_TYPES = {
    "stream": "int4", "idx": "int8", "event_id": "bytea", "chain": "text", "number": "int8", "previous": "bytea",
    "hash": "bytea", "entry": "bytea", "body": "bytea", "month": "date",
}  # fmt: skip
_MONTH: ColumnElement[date] = literal_column("entry.month", Date)

_ADD_KEYS = text(
    "INSERT INTO entry_key (stream, idx, event_id, chain, number, hash, month)"
    " SELECT stream, idx, event_id, chain, number, hash, month FROM entry"
    " WHERE stream = :stream AND idx >= :start AND idx < :end AND month = :month"
)
_STRAYS = text(
    # Each month's entries lie between where its first batch begins and its last one ends. Months are compared as text:
    # what somebody wrote into a batch may be none.
    "WITH sealed AS ("
    " SELECT stream, left(sealed, 7) AS month, min(first) AS first, max(size) AS size FROM batch GROUP BY 1, 2)"
    " SELECT count(*) FROM entry LEFT JOIN sealed"
    " ON sealed.stream = entry.stream AND sealed.month = to_char(entry.month, 'YYYY-MM')"
    " WHERE (sealed.size IS NULL OR idx < sealed.first OR idx >= sealed.size)"
    " AND (entry.stream = :stream OR NOT EXISTS (SELECT FROM stream WHERE stream.id = entry.stream))"
)


_AS_OWNER = text("SELECT format('SET LOCAL ROLE %I', current_database() || '_owner')")
PARTITIONS = text(
    "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
    " WHERE inhparent = 'ordertrail.entry'::regclass ORDER BY relname"
)


class PostgresqlLayout:
    """Implements :class:`ordertrail.adapters.sql.database.Layout`."""

    key: Table = entry_key
    located: FromClause = entry_key.join(
        entry,
        and_(
            entry.c.stream == entry_key.c.stream, entry.c.idx == entry_key.c.idx, entry_key.c.month == _MONTH
        ),
    )

    def add(self, connection: Connection, stream: int, rows: Sequence[EntryRow], recorded: str) -> None:
        """See the protocol. The keys are made of the entries, by the server."""
        month = month_of(recorded)
        connection.execute(text("SELECT add_month(:month)"), {"month": month})
        copy_rows(connection, "entry", _ENTRY, [(stream, *row, month) for row in rows])
        span = {"stream": stream, "start": rows[0].index, "end": rows[-1].index + 1, "month": month}
        connection.execute(_ADD_KEYS, span)

    def within(
        self, connection: Connection, stream: int, start: int, end: int
    ) -> Sequence[ColumnElement[bool]]:
        """See the protocol: the months in which the batches of the range were sealed."""
        ours = select(batch.c.sealed).where(batch.c.stream == stream)
        first = connection.scalar(ours.where(batch.c.size > start).order_by(batch.c.size).limit(1))
        last = connection.scalar(ours.where(batch.c.first < end).order_by(batch.c.first.desc()).limit(1))
        try:
            return (month_of(first or "") <= _MONTH, month_of(last or "") >= _MONTH)
        except ValueError:
            return ()  # a batch that is not there, or was tampered with, tells nothing

    def range_reader(self, connection: Connection, query: Select[Any], stream: int) -> RangeReader:
        """See the protocol."""

        def read(first: int, end: int) -> Sequence[Any]:
            cursor = connection.execute(query, {"stream": stream, "first": first, "end": end}).cursor
            return [] if cursor is None else cursor.fetchall()

        return read

    def discard(self, connection: Connection, stream: int, low: int, high: int) -> None:
        """See the protocol. The sealing role may delete nothing; a function that may sees to it that all is sealed."""
        query = text("SELECT discard(:stream, :low, :high)")
        connection.execute(query, {"stream": stream, "low": low, "high": high})

    def destroy(self, connection: Connection, stream: int, minimum: int) -> int:
        """See the protocol. The guards are put up again before anything is committed."""
        months = connection.scalars(PARTITIONS).all()
        connection.exec_driver_sql(connection.scalar(_AS_OWNER))
        guarded = [
            ("entry_key", "entry_key_no_change"),
            *((name, "entry_no_change") for name in ("entry", *months)),
        ]
        for name, guard in guarded:
            connection.exec_driver_sql(f'ALTER TABLE ordertrail."{name}" DISABLE TRIGGER {guard}')
        span = {"stream": stream, "minimum": minimum}
        connection.execute(
            text("DELETE FROM ordertrail.entry_key WHERE stream = :stream AND idx < :minimum"), span
        )
        gone = connection.execute(
            text("DELETE FROM ordertrail.entry WHERE stream = :stream AND idx < :minimum"), span
        )
        for name, guard in guarded:
            connection.exec_driver_sql(f'ALTER TABLE ordertrail."{name}" ENABLE TRIGGER {guard}')
        return gone.rowcount

    def strays(self, connection: Connection, stream: int) -> int:
        """See the protocol."""
        return connection.scalar(_STRAYS, {"stream": stream}) or 0

    def problems(self, connection: Connection, *, deep: bool) -> Iterator[str]:
        """See the protocol."""
        yield from problems(connection, deep=deep)


def month_of(recorded: str) -> date:
    """Return the first day of the month of an RFC 3339 time."""
    return date.fromisoformat(f"{recorded[:7]}-01")


def copy_rows(
    connection: Connection, table: str, columns: Sequence[str], rows: Sequence[tuple[object, ...]]
) -> None:
    """Insert rows by COPY in its binary format, which nothing has to read twice. Raises IntegrityError."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError(f"{driver!r} is not a connection of psycopg")
    names = ", ".join(columns)
    statement = f"COPY {table} ({names}) FROM STDIN (FORMAT BINARY)"
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types([_TYPES[column] for column in columns])
            for row in rows:
                copy.write_row(row)
    except psycopg.IntegrityError as error:
        raise exc.IntegrityError(statement, None, error) from error
