"""The journal in memory."""

from collections.abc import Collection, Sequence

from ordertrail.adapters.memory.tables import MemoryTables
from ordertrail.record.ports import Appended, Captured, JournalRow


class MemoryJournal:
    """Implements :class:`ordertrail.record.ports.Journal`, but for durability."""

    def __init__(self, tables: MemoryTables) -> None:
        self._tables = tables

    def append(self, stream: str, events: Sequence[Captured], *, whole: bool = False) -> Appended:
        """See the port."""
        new: dict[bytes, Captured] = {}
        repeated, conflicting = set(), set()
        with self._tables.stream(stream) as rows:
            for event in events:
                held = self._tables.body(event.id)
                if held is None:
                    held = new.setdefault(event.id, event).body
                else:
                    repeated.add(event.id)
                if held != event.body:
                    conflicting.add(event.id)
            keep_out = new.keys() if whole and conflicting else conflicting
            new = {id_: event for id_, event in new.items() if id_ not in keep_out}
            first = self._tables.positions + 1
            rows.waiting += [
                JournalRow(position, *event) for position, event in enumerate(new.values(), first)
            ]
            self._tables.positions += len(new)
            self._tables.captured.update((event.id, event.body) for event in new.values())
            self._tables.grown.notify_all()
        return Appended(len(new), frozenset(repeated - conflicting), frozenset(conflicting))

    def read(self, stream: str, limit: int) -> list[JournalRow]:
        """See the port."""
        with self._tables.stream(stream) as rows:
            return rows.waiting[:limit]

    def discard(self, stream: str, rows: Sequence[JournalRow]) -> None:
        """See the port."""
        asked = {row.position for row in rows}
        with self._tables.stream(stream) as held:
            for row in held.waiting:
                if row.position in asked:
                    del self._tables.captured[row.id]
            held.waiting = [row for row in held.waiting if row.position not in asked]

    def waiting(self, stream: str) -> int:
        """See the port."""
        with self._tables.stream(stream) as rows:
            return len(rows.waiting)

    def holds(self, ids: Sequence[bytes]) -> frozenset[bytes]:
        """See the port."""
        with self._tables.every():
            return frozenset(id_ for id_ in ids if self._tables.body(id_) is not None)

    def chains(self, stream: str, among: Collection[str]) -> frozenset[str]:
        """See the port."""
        with self._tables.stream(stream) as rows:
            return frozenset(row.chain for row in rows.waiting if row.chain is not None).intersection(among)

    def wait(self, stream: str, seconds: float) -> bool:
        """See the port."""
        with self._tables.stream(stream) as rows:
            return self._tables.grown.wait_for(lambda: bool(rows.waiting), seconds)
