"""A log of events in memory, with recorded times of their own, and an index of it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ordertrail.adapters.index.feeding import SqlIndex
from ordertrail.adapters.index.searching import SqlSearches
from ordertrail.adapters.index.sqlite import SqliteIndex
from ordertrail.ledger.entry import Link, format_entry
from ordertrail.ledger.ports import EntryRow
from ordertrail.query.entries import SealedEvent, read_entry
from ordertrail.query.feeding import feed
from ordertrail.query.ports import Hit
from ordertrail.record.actions import CATALOGUE
from ordertrail.record.encoding import encode
from ordertrail.record.event import Event


class MemoryLog:
    """Implements what an index is fed from."""

    def __init__(self, events: Sequence[Event], recorded: Sequence[str]) -> None:
        self.events, self.recorded = events, recorded
        seen: Counter[str | None] = Counter()
        self._numbers = [seen.update([event.subject.order]) or seen[event.subject.order] for event in events]

    def size(self, stream: str) -> int:
        """See the port."""
        return len(self.events) if stream == "default" else 0

    def rows(self, stream: str, start: int, end: int) -> Iterator[EntryRow]:
        """See the port."""
        del stream
        for index in range(start, end):
            event, number = self.events[index], self._numbers[index]
            link = None if event.subject.order is None else Link(number, bytes(32))
            entry = format_entry(encode(event), index, self.recorded[index], bytes(32), link)
            yield EntryRow(index, bytes(16), None, number, bytes(32), bytes(32), entry)


@dataclass(frozen=True, slots=True)
class Indexed:
    """A log and an index of it."""

    log: MemoryLog
    searches: SqlSearches

    def read(self, hit: Hit) -> SealedEvent:
        """Return an event from the log."""
        (row,) = self.log.rows("default", hit.event.position, hit.event.position + 1)
        return read_entry("default", row)

    def hit(self, ident: str) -> Hit:
        """Return an event of the index."""
        (hit,) = self.searches.find([ident])
        return hit


@contextmanager
def indexed(events: Sequence[Event], recorded: Sequence[str], place: Path) -> Iterator[Indexed]:
    """Feed events into an index."""
    log = MemoryLog(events, recorded)
    with closing(SqliteIndex(place)) as database:
        feed(SqlIndex(database), log, ["default"], CATALOGUE)
        yield Indexed(log, SqlSearches(database))
