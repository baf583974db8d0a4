"""What a trail's database holds, in memory: one per trail, shared by its journal and its entries."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Condition, RLock

from ordertrail.adapters.memory.availability import Availability
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.ledger.ports import Batch, EntryRow, KeyPeriod
from ordertrail.record.ports import JournalRow

_BODY_AT = len(b'{"event":')


@dataclass(slots=True)
class StreamRows:
    """The rows of one stream; ``entries`` by index, so that a test can make a hole."""

    waiting: list[JournalRow] = field(default_factory=list)
    entries: dict[int, EntryRow] = field(default_factory=dict)
    places: set[tuple[str, int]] = field(default_factory=set)
    batches: list[Batch] = field(default_factory=list)
    keys: list[KeyPeriod] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Where the newest batch ends."""
        return self.batches[-1].end if self.batches else 0

    def between(self, start: int, end: int) -> list[EntryRow]:
        """Return the rows of a range, in order."""
        return [self.entries[index] for index in sorted(self.entries) if start <= index < end]


class MemoryTables:
    """The tables of these streams.

    ``problems`` is what :meth:`MemoryEntries.enforcement_problems` reports: Python keeps nobody from
    changing a list, so a test says what shall be wrong.
    """

    def __init__(self, *streams: str) -> None:
        self.availability = Availability()
        self.problems: list[str] = []
        self.captured: dict[bytes, bytes] = {}
        self.sealed: dict[bytes, tuple[str, EntryRow]] = {}
        self.positions = 0
        self._streams = {name: StreamRows() for name in streams}
        self._lock = RLock()
        self.grown = Condition(self._lock)
        """Told, under the lock, whenever an event came into a journal."""

    @contextmanager
    def every(self) -> Iterator[dict[str, StreamRows]]:
        """All streams, with nobody else at them until the block ends."""
        with self._lock:
            self.availability.require()
            yield self._streams

    @contextmanager
    def stream(self, name: str) -> Iterator[StreamRows]:
        """One stream, as :meth:`every`. Raises ConfigurationError if there is no such stream."""
        with self.every() as streams:
            if name not in streams:
                raise ConfigurationError(f"there is no stream {name!r} in this trail")
            yield streams[name]

    def body(self, event: bytes) -> bytes | None:
        """Return the body that the journal or the log holds for an event's id; None where neither does."""
        if event in self.captured:
            return self.captured[event]
        if event in self.sealed:
            entry = self.sealed[event][1].entry
            return entry[_BODY_AT : entry.rindex(b',"ledger":{')]
        return None
