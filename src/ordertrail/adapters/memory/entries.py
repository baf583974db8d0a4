"""The append-only table of sealed entries, batches and keys, in memory."""

from collections.abc import Iterable, Iterator, Sequence

from ordertrail.adapters.memory.tables import MemoryTables, StreamRows
from ordertrail.kernel.errors import EvidenceError, ForkError
from ordertrail.ledger.entry import NO_HASH
from ordertrail.ledger.hashing import EMPTY_ROOT
from ordertrail.ledger.ports import Batch, DuplicateEventsError, EntryRow, Head, KeyPeriod
from ordertrail.record.chain import SEPARATOR


class MemoryEntries:
    """Implements :class:`ordertrail.ledger.ports.EntryStore`, ``EntryReader`` and ``TableAudit``.

    All but durability; and that nothing is ever changed rests on nobody doing it.
    """

    def __init__(self, tables: MemoryTables) -> None:
        self._tables = tables

    def head(self, stream: str) -> Head:
        """See the port."""
        with self._tables.stream(stream) as held:
            if not held.batches:
                return Head(0, EMPTY_ROOT, NO_HASH)
            newest = held.batches[-1]
            last = held.entries.get(newest.end - 1)
            return Head(newest.end, newest.tree_root, NO_HASH if last is None else last.hash)

    def commit(
        self, stream: str, rows: Sequence[EntryRow], batch: Batch, key: KeyPeriod | None = None
    ) -> None:
        """See the port. Everything is checked before anything is changed."""
        with self._tables.stream(stream) as held:
            if batch.start != held.size:
                raise ForkError(
                    f"stream {stream} has {held.size} entries; "
                    f"the batch was staged for {batch.start} to {batch.end}",
                    meaning="Another process sealed in between; this batch was not written, its events wait.",
                    remedy="Nothing is lost. Let one process seal; this one starts over.",
                )
            known = frozenset(row.id for row in rows if row.id in self._tables.sealed)
            if known:
                raise DuplicateEventsError(known)
            places = _places(rows)
            _require_new_rows(held, rows, places)
            held.entries.update((row.index, row) for row in rows)
            held.places.update(places)
            self._tables.sealed.update((row.id, (stream, row)) for row in rows)
            held.batches.append(batch)
            if key is not None:
                held.keys.append(key)

    def tails(self, stream: str, chains: Iterable[str]) -> dict[str, tuple[int, bytes]]:
        """See the port."""
        asked = set(chains)
        with self._tables.stream(stream) as held:
            ordered = sorted(held.entries.values(), key=lambda row: row.number)
            return {row.chain: (row.number, row.hash) for row in ordered if row.chain in asked and row.chain}

    def hashes(self, stream: str, start: int, end: int) -> list[bytes]:
        """See the port."""
        with self._tables.stream(stream) as held:
            return [row.hash for row in held.between(start, end)]

    def keys(self, stream: str) -> list[KeyPeriod]:
        """See the port."""
        with self._tables.stream(stream) as held:
            return sorted(held.keys, key=lambda key: key.first)

    def rows(self, stream: str, start: int, end: int) -> Iterator[EntryRow]:
        """See the port."""
        with self._tables.stream(stream) as held:
            found = held.between(start, end)
        yield from found

    def find(self, event: bytes) -> tuple[str, EntryRow] | None:
        """See the port."""
        with self._tables.every():
            return self._tables.sealed.get(event)

    def history(self, order: str, tenant: str | None = None) -> Iterator[tuple[str, EntryRow]]:
        """See the port."""
        prefix = order + SEPARATOR
        with self._tables.every() as streams:
            found = [
                (name, row)
                for name, held in streams.items()
                for row in sorted(held.entries.values(), key=lambda row: (row.chain or "", row.number))
                if row.chain is not None
                and (row.chain.startswith(prefix) if tenant is None else row.chain == prefix + tenant)
            ]
        yield from found

    def batches(self, stream: str, start: int = 0) -> Iterator[Batch]:
        """See the port."""
        with self._tables.stream(stream) as held:
            found = [batch for batch in held.batches if batch.end > start]
        yield from found

    def linked(
        self, stream: str, places: Iterable[tuple[str, int]]
    ) -> dict[tuple[str, int], tuple[int, bytes]]:
        """See the port."""
        asked = set(places)
        with self._tables.stream(stream) as held:
            rows = ((row.chain, row) for row in held.entries.values())
            return {
                (chain, row.number): (row.index, row.hash)
                for chain, row in rows
                if chain is not None and (chain, row.number) in asked
            }

    def size(self, stream: str) -> int:
        """See the port."""
        with self._tables.stream(stream) as held:
            return held.size

    def strays(self, stream: str) -> int:
        """See the port."""
        with self._tables.stream(stream) as held:
            return sum(not 0 <= index < held.size for index in held.entries)

    def enforcement_problems(self, *, deep: bool) -> Iterator[str]:
        """See the port; ``deep`` or not, there is nothing to look at but what a test put there."""
        del deep
        yield from list(self._tables.problems)


def _places(rows: Sequence[EntryRow]) -> list[tuple[str, int]]:
    return [(row.chain, row.number) for row in rows if row.chain is not None]


def _require_new_rows(held: StreamRows, rows: Sequence[EntryRow], places: list[tuple[str, int]]) -> None:
    """Raise EvidenceError where rows take each other's place, or that of a row which is there."""
    sound = (
        len({row.id for row in rows}) == len({row.index for row in rows}) == len(rows)
        and len(set(places)) == len(places)
        and held.places.isdisjoint(places)
        and held.entries.keys().isdisjoint(row.index for row in rows)
    )
    if not sound:
        raise EvidenceError("the rows of the batch contradict each other or the table")
