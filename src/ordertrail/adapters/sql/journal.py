"""The journal in a SQL table: captured events that wait to be sealed."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from sqlalchemy import Connection, delete, func, insert, select

from ordertrail.adapters.sql.database import Database, insert_many
from ordertrail.adapters.sql.streams import stream_id
from ordertrail.adapters.sql.tables import entry, outbox
from ordertrail.record.ports import Appended, Captured, JournalRow

_PARAMETERS = 500
"""Values in one IN list; SQLite's own limit was 999 for long."""

_BODY_AT = len(b'{"event":')


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
        with self._database.write() as connection:
            number = stream_id(connection, stream)
            held = dict(_held(connection, list(first_of)))
            conflicting |= {id_ for id_, body in held.items() if body != first_of[id_].body}
            keep_out = first_of.keys() if whole and conflicting else held.keys() | conflicting
            new = [event for id_, event in first_of.items() if id_ not in keep_out]
            if new:
                columns = insert(outbox).values(stream=None, event_id=None, chain=None, body=None)
                insert_many(connection, columns, [(number, *event) for event in new])
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
        with self._database.write(durable=False) as connection:
            number = stream_id(connection, stream)
            ours = outbox.c.stream == number
            for low, high in _runs(row.position for row in rows):
                connection.execute(delete(outbox).where(ours, outbox.c.position.between(low, high)))

    def waiting(self, stream: str) -> int:
        """See the port."""
        with self._database.read() as connection:
            count = select(func.count()).select_from(outbox)
            return connection.scalar(count.where(outbox.c.stream == stream_id(connection, stream))) or 0


def _held(connection: Connection, ids: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Yield id and body of the events among these that the journal or the log holds already."""
    if not ids:
        return
    for table, column in ((outbox, outbox.c.body), (entry, entry.c.entry)):
        newest = connection.scalar(select(func.max(table.c.event_id)))
        if newest is None:
            continue
        # Ids begin with the time they were made: what is newer than all that is held cannot be held.
        candidates = (id_ for id_ in ids if id_ <= newest)
        while some := list(islice(candidates, _PARAMETERS)):
            for id_, data in connection.execute(
                select(table.c.event_id, column).where(table.c.event_id.in_(some))
            ):
                yield id_, data if table is outbox else data[_BODY_AT : data.rindex(b',"ledger":{')]


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
