"""The append-only table of sealed entries, batches and keys."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, exc, func, insert, select

from ordertrail.adapters.sql.database import Database, RangeReader
from ordertrail.adapters.sql.streams import stream_id
from ordertrail.adapters.sql.tables import batch as batch_table
from ordertrail.adapters.sql.tables import entry, signing_key
from ordertrail.adapters.sql.tables import stream as stream_table
from ordertrail.kernel.errors import BusyError, EvidenceError, ForkError, UnavailableError
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


def _between(columns: Sequence[ColumnElement[Any]]) -> Select[Any]:
    """Select of the entries of a ``stream`` those from ``first`` up to ``end``; each is made once, and known again."""
    ours = entry.c.stream == bindparam("stream")
    return (
        select(*columns)
        .where(ours, entry.c.idx >= bindparam("first"), entry.c.idx < bindparam("end"))
        .order_by(entry.c.idx)
    )


_HASHES_BETWEEN = _between((entry.c.hash,))
_ROWS_BETWEEN = _between(_ROW)


class SqlEntries:
    """Implements :class:`ordertrail.ledger.ports.EntryStore` and ``EntryReader``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._layout = database.layout
        self._key = database.layout.key.c

    def head(self, stream: str) -> Head:
        """See the port."""
        with self._database.read() as connection:
            return _head(connection, stream_id(connection, stream))

    def commit(
        self, stream: str, rows: Sequence[EntryRow], batch: Batch, key: KeyPeriod | None = None
    ) -> None:
        """See the port."""
        try:
            self._database.transact(partial(self._commit, stream, rows, batch, key))
        except exc.IntegrityError as error:
            known = self._known(row.id for row in rows)
            if not known:
                # Not duplicates: a caller that left them out and came again would come for ever.
                raise EvidenceError(
                    f"stream {stream}: the rows from {batch.start} to {batch.end} contradict each other "
                    f"or the table: {error.orig}"
                ) from error
            raise DuplicateEventsError(known) from None
        except UnavailableError:
            # Where the connection was lost at the last moment, this may have been committed all the same. Not in a
            # file: what a disk that failed still shows may be gone tomorrow.
            if not (self._database.contended and self._landed(stream, batch)):
                raise

    def _commit(
        self,
        stream: str,
        rows: Sequence[EntryRow],
        batch: Batch,
        key: KeyPeriod | None,
        connection: Connection,
    ) -> None:
        number = stream_id(connection, stream)
        self._database.claim(connection, stream, number)
        size = _size(connection, number)
        if size != batch.start:
            raise ForkError(
                f"stream {stream} has {size} entries; the batch was staged for {batch.start} to {batch.end}",
                meaning="Another process sealed in between; this batch was not written, its events wait.",
                remedy="Nothing is lost. Let one process seal; this one starts over.",
            )
        if rows:  # of a batch whose entries were destroyed there are none
            self._layout.add(connection, number, rows, batch.sealed)
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

    def destroy(self, stream: str, minimum: int) -> int:
        """Delete the entries below an index and give their room back; return how many.

        Whether they may go was found out before. On a server this is for its administrator's connection.
        """

        def work(connection: Connection) -> int:
            return self._layout.destroy(connection, stream_id(connection, stream), minimum)

        gone = self._database.transact(work)
        self._database.reclaim()
        return gone

    def tails(self, stream: str, chains: Iterable[str]) -> dict[str, tuple[int, bytes]]:
        """See the port."""
        found: dict[str, tuple[int, bytes]] = {}
        key = self._key
        with self._database.read() as connection:
            ours = key.stream == stream_id(connection, stream)
            remaining = iter(chains)
            while some := list(islice(remaining, _PARAMETERS)):
                last = (
                    select(key.chain, func.max(key.number).label("number"))
                    .where(ours, key.chain.in_(some))
                    .group_by(key.chain)
                    .subquery()
                )
                tail = and_(key.chain == last.c.chain, key.number == last.c.number)
                query = select(key.chain, key.number, key.hash).join(last, tail).where(ours)
                found.update((chain, (number, hash_)) for chain, number, hash_ in connection.execute(query))
        return found

    def hashes(self, stream: str, start: int, end: int) -> list[bytes]:
        """See the port."""
        with self._database.read() as connection:
            number = stream_id(connection, stream)
            read = self._range_reader(connection, _HASHES_BETWEEN, number, (start, end))
            return [hash_ for (hash_,) in read(start, end)]

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
            read = self._range_reader(connection, _ROWS_BETWEEN, number, (start, end))
            for first in range(start, end, size):
                yield read(first, min(first + size, end))

    def find(self, event: bytes) -> tuple[str, EntryRow] | None:
        """See the port."""
        with self._database.read() as connection:
            row = connection.execute(self._located().where(self._key.event_id == event)).first()
            return None if row is None else (row[0], EntryRow(*row[1:]))

    def history(self, order: str, tenant: str | None = None) -> Iterator[tuple[str, EntryRow]]:
        """See the port."""
        key, prefix = self._key, order + SEPARATOR
        wanted = (
            key.chain == prefix + tenant
            if tenant is not None
            # Every tenant's order of this number: the names that begin with it and the separator.
            else and_(key.chain >= prefix, key.chain < order + chr(ord(SEPARATOR) + 1))
        )
        with self._database.read() as connection:
            streams = connection.scalars(select(stream_table.c.id).order_by(stream_table.c.id)).all()
            for number in streams:
                query = self._located().where(key.stream == number, wanted)
                for row in connection.execute(query.order_by(key.chain, key.number)):
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
        key, found = self._key, {}
        with self._database.read() as connection:
            ours = key.stream == stream_id(connection, stream)
            for place in places:
                chain, number = place
                query = select(key.idx, key.hash).where(ours, key.chain == chain, key.number == number)
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
            return self._layout.strays(connection, stream_id(connection, stream))

    def enforcement_problems(self, *, deep: bool) -> Iterator[str]:
        """See the port."""
        with self._database.read() as connection:
            yield from self._layout.problems(connection, deep=deep)

    def _landed(self, stream: str, batch: Batch) -> bool:
        """Say whether the log holds just this batch; False as well where that cannot be known now.

        Raises BusyError where another process has taken the log over.
        """

        def work(connection: Connection) -> bool:
            number = stream_id(connection, stream)
            # Whatever still commits, over a connection that only we have lost, is waited for.
            self._database.claim(connection, stream, number)
            ours = select(*_BATCH).where(batch_table.c.stream == number, batch_table.c.first == batch.start)
            row = connection.execute(ours).first()
            return row is not None and Batch(*row) == batch

        try:
            return self._database.transact(work)
        except BusyError:
            raise
        except UnavailableError:
            return False

    def _known(self, ids: Iterable[bytes]) -> frozenset[bytes]:
        known: set[bytes] = set()
        with self._database.read() as connection:
            remaining = iter(ids)
            event_id = self._key.event_id
            while some := list(islice(remaining, _PARAMETERS)):
                known.update(connection.scalars(select(event_id).where(event_id.in_(some))))
        return frozenset(known)

    def _range_reader(
        self,
        connection: Connection,
        query: Select[Any],
        number: int,
        bounds: tuple[int, int],
    ) -> RangeReader:
        """Return what reads ranges within bounds, in order: looked for where they should be, and then everywhere."""
        everywhere = self._layout.range_reader(connection, query, number)
        hint = self._layout.within(connection, number, *bounds)
        if not hint:
            return everywhere
        there = self._layout.range_reader(connection, query.where(*hint), number)

        def read(first: int, end: int) -> Sequence[Any]:
            found = there(first, end)
            return found if len(found) == end - first else everywhere(first, end)

        return read

    def _located(self) -> Select[Any]:
        """Select the stream's name and the row of entries, by whatever finds them."""
        located = self._layout.located
        return (
            select(stream_table.c.name, *_ROW)
            .select_from(located)
            .join(stream_table, stream_table.c.id == entry.c.stream)
        )


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
