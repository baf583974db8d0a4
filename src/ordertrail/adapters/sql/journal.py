"""The journal in a SQL table: captured events that wait to be sealed."""

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select

from ordertrail.adapters.sql.database import Database
from ordertrail.adapters.sql.streams import stream_id
from ordertrail.adapters.sql.tables import entry, outbox
from ordertrail.record.ports import Appended, Captured, JournalRow

_PARAMETERS = 500
"""Values in one IN list; SQLite's own limit was 999 for long."""

_BODY_AT = len(b'{"event":')


class _OvertakenError(Exception):
    """Events that were new when we looked had come and gone into the log by the time that we added them."""


class SqlJournal:
    """Implements :class:`ordertrail.record.ports.Journal`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, stream: str, events: Sequence[Captured], *, whole: bool = False) -> Appended:
        """See the port."""
        first_of: dict[bytes, Captured] = {}
        conflicting = set()
        for event in events:
            known = first_of.setdefault(event.id, event)
            if known.body != event.body:
                conflicting.add(event.id)
        work = partial(self._append, stream, first_of, frozenset(conflicting), whole)
        while True:
            try:
                return self._database.transact(work, racing=True)
            except _OvertakenError:
                continue  # done again, it finds them

    def _append(
        self,
        stream: str,
        first_of: Mapping[bytes, Captured],
        conflicting: frozenset[bytes],
        whole: bool,  # noqa: FBT001 - of the port, bound by name there
        connection: Connection,
    ) -> Appended:
        number = stream_id(connection, stream)
        held = dict(self._held(connection, list(first_of)))
        conflicting |= {id_ for id_, body in held.items() if body != first_of[id_].body}
        keep_out = first_of.keys() if whole and conflicting else held.keys() | conflicting
        new = [event for id_, event in first_of.items() if id_ not in keep_out]
        if new:
            rows = [(number, *event) for event in new]
            self._database.insert_many(connection, outbox, ("stream", "event_id", "chain", "body"), rows)
            if self._database.contended and any(self._in_log(connection, [event.id for event in new])):
                # Between our two looks, somebody else's was appended, sealed and discarded; from here on ours keeps
                # the place in the outbox, so that none can be any more.
                raise _OvertakenError
        return Appended(len(new), frozenset(held.keys() - conflicting), frozenset(conflicting))

    def read(self, stream: str, limit: int) -> list[JournalRow]:
        """See the port."""
        with self._database.read() as connection:
            query = (
                select(outbox.c.position, outbox.c.event_id, outbox.c.chain, outbox.c.body)
                .where(outbox.c.stream == stream_id(connection, stream))
                .order_by(outbox.c.position)
                .limit(limit)
            )
            cursor = connection.execute(query).cursor
            return [] if cursor is None else list(map(JournalRow._make, cursor.fetchall()))

    def discard(self, stream: str, rows: Sequence[JournalRow]) -> None:
        """See the port. Rows of one read are neighbours, so most are discarded as one range."""

        def work(connection: Connection) -> None:
            number = stream_id(connection, stream)
            for low, high in _runs(row.position for row in rows):
                self._database.layout.discard(connection, number, low, high)

        self._database.transact(work, durable=False)

    def waiting(self, stream: str) -> int:
        """See the port."""
        with self._database.read() as connection:
            count = select(func.count()).select_from(outbox)
            return connection.scalar(count.where(outbox.c.stream == stream_id(connection, stream))) or 0

    def holds(self, ids: Sequence[bytes]) -> frozenset[bytes]:
        """See the port."""
        with self._database.read() as connection:
            return frozenset(id_ for id_, _ in self._held(connection, list(ids)))

    def chains(self, stream: str, among: Collection[str]) -> frozenset[str]:
        """See the port."""
        found: set[str] = set()
        remaining = iter(among)
        with self._database.read() as connection:
            number = stream_id(connection, stream)
            waiting = select(outbox.c.chain).where(outbox.c.stream == number).distinct()
            while some := list(islice(remaining, _PARAMETERS)):
                found.update(connection.scalars(waiting.where(outbox.c.chain.in_(some))))
        return frozenset(found)

    def wait(self, stream: str, seconds: float) -> bool:
        """See the port."""
        end = time.monotonic() + seconds
        while True:
            with self._database.read() as connection:
                number = stream_id(connection, stream)
                first = connection.execute(
                    select(outbox.c.position).where(outbox.c.stream == number).limit(1)
                )
                waits = first.first() is not None
            left = end - time.monotonic()
            if waits or left <= 0:
                return waits
            self._database.pause(number, left)

    def _held(self, connection: Connection, ids: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """Yield id and body of the events among these that the journal or the log holds already.

        In this order: what leaves the journal is in the log before.
        """
        waiting = select(outbox.c.event_id, outbox.c.body)
        yield from _among(connection, waiting, outbox.c.event_id, ids)
        yield from self._in_log(connection, ids)

    def _in_log(self, connection: Connection, ids: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """Yield id and body of the events among these that the log holds."""
        layout = self._database.layout
        event_id = layout.key.c.event_id
        sealed = select(event_id, entry.c.entry).select_from(layout.located)
        for id_, data in _among(connection, sealed, event_id, ids):
            yield id_, data[_BODY_AT : data.rindex(b',"ledger":{')]


def _among(
    connection: Connection, query: Select[Any], event_id: ColumnElement[bytes], ids: list[bytes]
) -> Iterator[tuple[bytes, bytes]]:
    """Yield the rows of a query, ids and bodies, whose event is among these."""
    newest = connection.scalar(select(event_id).order_by(event_id.desc()).limit(1)) if ids else None
    if newest is None:
        return
    # Ids begin with the time they were made: what is newer than all that is held cannot be held.
    candidates = (id_ for id_ in ids if id_ <= newest)
    while some := list(islice(candidates, _PARAMETERS)):
        yield from connection.execute(query.where(event_id.in_(some)))


def _runs(positions: Iterable[int]) -> Iterator[tuple[int, int]]:
    low = high = None
    for position in positions:
        if high is not None and position == high + 1:
            high = position
            continue
        if low is not None and high is not None:
            yield low, high
        low = high = position
    if low is not None and high is not None:
        yield low, high
