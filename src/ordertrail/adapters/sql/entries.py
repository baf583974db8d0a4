"""The append-only table of sealed entries, batches and keys."""

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise

from sqlalchemy import Connection, Select, and_, bindparam, exc, func, insert, select

from ordertrail.adapters.sql.database import Database, insert_many, schema_differences
from ordertrail.adapters.sql.streams import stream_id
from ordertrail.adapters.sql.tables import batch as batch_table
from ordertrail.adapters.sql.tables import entry, signing_key
from ordertrail.adapters.sql.tables import stream as stream_table
from ordertrail.kernel.errors import EvidenceError, ForkError
from ordertrail.ledger.entry import NO_HASH
from ordertrail.ledger.hashing import EMPTY_ROOT
from ordertrail.ledger.ports import Batch, DuplicateEventsError, EntryRow, Head, KeyPeriod
from ordertrail.record.chain import SEPARATOR

_PARAMETERS = 500
_FETCH = 1_024
_ROW = (
    entry.c.idx,
    entry.c.event_id,
    entry.c.chain,
    entry.c.number,
    entry.c.previous,
    entry.c.hash,
    entry.c.entry,
)
_BATCH = (
    batch_table.c.first, batch_table.c.size, batch_table.c.root,
    batch_table.c.tree_root, batch_table.c.sealed, batch_table.c.checkpoint,
)  # fmt: skip


_RANGE = (
    select(*_ROW)
    .where(
        entry.c.stream == bindparam("stream"),
        entry.c.idx >= bindparam("first"),
        entry.c.idx < bindparam("end"),
    )
    .order_by(entry.c.idx)
)


class SqlEntries:
    """Implements :class:`ordertrail.ledger.ports.EntryStore` and ``EntryReader``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def head(self, stream: str) -> Head:
        """See the port."""
        with self._database.read() as connection:
            return _head(connection, stream_id(connection, stream))

    def commit(
        self, stream: str, rows: Sequence[EntryRow], batch: Batch, key: KeyPeriod | None = None
    ) -> None:
        """See the port."""
        with self._database.write() as connection:
            number = stream_id(connection, stream)
            size = _size(connection, number)
            if size != batch.start:
                raise ForkError(
                    f"stream {stream} has {size} entries; the batch was staged for {batch.start} to {batch.end}",
                    meaning="Another process sealed in between; this batch was not written, its events wait.",
                    remedy="Nothing is lost. Let one process seal; this one starts over.",
                )
            try:
                insert_many(connection, insert(entry), [(number, *row) for row in rows])
            except exc.IntegrityError as error:
                connection.rollback()
                known = self._known(row.id for row in rows)
                if not known:
                    # Not duplicates: a caller that left them out and came again would come for ever.
                    raise EvidenceError(
                        f"stream {stream}: the rows from {batch.start} to {batch.end} contradict each other "
                        f"or the table: {error.orig}"
                    ) from error
                raise DuplicateEventsError(known) from None
            connection.execute(
                insert(batch_table).values(
                    stream=number, first=batch.start, size=batch.end, root=batch.root,
                    tree_root=batch.tree_root, sealed=batch.sealed, checkpoint=batch.checkpoint,
                )
            )  # fmt: skip
            if key is not None:
                connection.execute(
                    insert(signing_key).values(
                        stream=number, first=key.first, vkey=key.vkey, statement=key.statement
                    )
                )

    def tails(self, stream: str, chains: Iterable[str]) -> dict[str, tuple[int, bytes]]:
        """See the port."""
        found: dict[str, tuple[int, bytes]] = {}
        with self._database.read() as connection:
            ours = entry.c.stream == stream_id(connection, stream)
            remaining = iter(chains)
            while some := list(islice(remaining, _PARAMETERS)):
                last = (
                    select(entry.c.chain, func.max(entry.c.number).label("number"))
                    .where(ours, entry.c.chain.in_(some))
                    .group_by(entry.c.chain)
                    .subquery()
                )
                tail = and_(entry.c.chain == last.c.chain, entry.c.number == last.c.number)
                query = select(entry.c.chain, entry.c.number, entry.c.hash).join(last, tail).where(ours)
                found.update((chain, (number, hash_)) for chain, number, hash_ in connection.execute(query))
        return found

    def hashes(self, stream: str, start: int, end: int) -> list[bytes]:
        """See the port."""
        with self._database.read() as connection:
            query = select(entry.c.hash).where(
                entry.c.stream == stream_id(connection, stream), entry.c.idx >= start, entry.c.idx < end
            )
            return list(connection.scalars(query.order_by(entry.c.idx)))

    def keys(self, stream: str) -> list[KeyPeriod]:
        """See the port."""
        with self._database.read() as connection:
            query = select(signing_key.c.first, signing_key.c.vkey, signing_key.c.statement).where(
                signing_key.c.stream == stream_id(connection, stream)
            )
            return [KeyPeriod(*row) for row in connection.execute(query.order_by(signing_key.c.first))]

    def rows(self, stream: str, start: int, end: int) -> Iterator[EntryRow]:
        """See the port."""
        for rows in self.row_groups(stream, start, end):
            yield from map(EntryRow._make, rows)

    def row_groups(
        self, stream: str, start: int, end: int, size: int = _FETCH
    ) -> Iterator[Sequence[EntryRow]]:
        """Yield the rows of each range of ``size`` as the driver's own tuples, in one read transaction.

        They are EntryRows but for their class: at hundreds of thousands a second its making would show.
        """
        with self._database.read() as connection:
            number = stream_id(connection, stream)
            sql = str(_RANGE.compile(connection))
            for first in range(start, end, size):
                cursor = connection.exec_driver_sql(sql, (number, first, min(first + size, end))).cursor
                yield cursor.fetchall() if cursor is not None else []

    def find(self, event: bytes) -> tuple[str, EntryRow] | None:
        """See the port."""
        with self._database.read() as connection:
            row = connection.execute(_with_stream().where(entry.c.event_id == event)).first()
            return None if row is None else (row[0], EntryRow(*row[1:]))

    def history(self, order: str, tenant: str | None = None) -> Iterator[tuple[str, EntryRow]]:
        """See the port."""
        prefix = order + SEPARATOR
        wanted = (
            entry.c.chain == prefix + tenant
            if tenant is not None
            # Every tenant's order of this number: the names that begin with it and the separator.
            else and_(entry.c.chain >= prefix, entry.c.chain < order + chr(ord(SEPARATOR) + 1))
        )
        with self._database.read() as connection:
            streams = connection.scalars(select(stream_table.c.id).order_by(stream_table.c.id)).all()
            for number in streams:
                query = _with_stream().where(entry.c.stream == number, wanted)
                for row in connection.execute(query.order_by(entry.c.chain, entry.c.number)):
                    yield row[0], EntryRow(*row[1:])

    def batches(self, stream: str, start: int = 0) -> Iterator[Batch]:
        """See the port."""
        with self._database.read() as connection:
            query = select(*_BATCH).where(
                batch_table.c.stream == stream_id(connection, stream), batch_table.c.size > start
            )
            for row in connection.execute(query.order_by(batch_table.c.first)):
                yield Batch(*row)

    def linked(
        self, stream: str, places: Iterable[tuple[str, int]]
    ) -> dict[tuple[str, int], tuple[int, bytes]]:
        """See the port."""
        found = {}
        with self._database.read() as connection:
            ours = entry.c.stream == stream_id(connection, stream)
            for place in places:
                chain, number = place
                query = select(entry.c.idx, entry.c.hash).where(
                    ours, entry.c.chain == chain, entry.c.number == number
                )
                row = connection.execute(query).first()
                if row is not None:
                    found[place] = (row.idx, row.hash)
        return found

    def size(self, stream: str) -> int:
        """See the port."""
        with self._database.read() as connection:
            return _size(connection, stream_id(connection, stream))

    def strays(self, stream: str) -> int:
        """See the port."""
        with self._database.read() as connection:
            number = stream_id(connection, stream)
            rows = select(func.count()).select_from(entry)
            ours = entry.c.stream == number
            strays = connection.scalar(rows.where(ours, entry.c.idx >= _size(connection, number))) or 0
            strays += connection.scalar(rows.where(ours, entry.c.idx < 0)) or 0
            # Rows of streams that are not registered lie between and beyond those that are.
            ids = [-math.inf, *sorted(connection.scalars(select(stream_table.c.id))), math.inf]
            for low, high in pairwise(ids):
                between = rows.where(entry.c.stream > low, entry.c.stream < high)
                strays += connection.scalar(between) or 0
            return strays

    def enforcement_problems(self, *, deep: bool) -> Iterator[str]:
        """See the port."""
        with self._database.read() as connection:
            yield from schema_differences(connection)
            if not deep:
                return
            for (line,) in connection.exec_driver_sql("PRAGMA integrity_check(20)").all():
                if line != "ok":
                    yield f"the database file is damaged: {line}"

    def _known(self, ids: Iterable[bytes]) -> frozenset[bytes]:
        known: set[bytes] = set()
        with self._database.read() as connection:
            remaining = iter(ids)
            while some := list(islice(remaining, _PARAMETERS)):
                known.update(connection.scalars(select(entry.c.event_id).where(entry.c.event_id.in_(some))))
        return frozenset(known)


def _with_stream() -> Select[tuple]:  # type: ignore[type-arg]
    return select(stream_table.c.name, *_ROW).join(stream_table, stream_table.c.id == entry.c.stream)


def _size(connection: Connection, number: int) -> int:
    return connection.scalar(select(func.max(batch_table.c.size)).where(batch_table.c.stream == number)) or 0


def _head(connection: Connection, number: int) -> Head:
    newest = connection.execute(
        select(batch_table.c.size, batch_table.c.tree_root)
        .where(batch_table.c.stream == number)
        .order_by(batch_table.c.size.desc())
        .limit(1)
    ).first()
    if newest is None:
        return Head(0, EMPTY_ROOT, NO_HASH)
    size, tree_root = newest.size, newest.tree_root
    last = connection.scalar(select(entry.c.hash).where(entry.c.stream == number, entry.c.idx == size - 1))
    return Head(size, tree_root, last if last is not None else NO_HASH)
