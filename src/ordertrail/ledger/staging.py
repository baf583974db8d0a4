"""Staging a batch: pure arithmetic from captured events to rows, roots and tiles."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ordertrail.ledger.edge import Edge, Objects
from ordertrail.ledger.entry import NO_HASH, Link, format_entry
from ordertrail.ledger.hashing import leaf_hash
from ordertrail.ledger.ports import EntryRow
from ordertrail.record.ports import JournalRow

Tail = tuple[int, bytes]
"""The number and hash of an order's last entry."""


@dataclass(frozen=True, slots=True)
class Staged:
    """A batch that is computed and not yet signed; nothing of it is visible to anyone."""

    rows: list[EntryRow]
    root: bytes
    edge: Edge
    objects: Objects
    tails: dict[str, Tail]

    @property
    def last(self) -> bytes:
        """Hash of the batch's last entry."""
        return self.rows[-1].hash


def stage(
    captured: Sequence[JournalRow], edge: Edge, last: bytes, tails: Mapping[str, Tail], recorded: str
) -> Staged:
    """Number, link and hash events, and extend a copy of the edge by them.

    ``last`` is the hash of the log's last entry, ``tails`` where each chain of the batch stands.
    """
    rows: list[EntryRow] = []
    moved: dict[str, Tail] = {}
    start = edge.size
    for index, event in enumerate(captured, start):
        link = None
        if event.chain is not None:
            number, previous = moved.get(event.chain) or tails.get(event.chain) or (0, NO_HASH)
            link = Link(number + 1, previous)
        entry = format_entry(event.body, index, recorded, last, link)
        hashed = leaf_hash(entry)
        if event.chain is not None and link is not None:
            moved[event.chain] = (link.number, hashed)
        rows.append(EntryRow(index, event.id, event.chain, link.number if link else 0, last, hashed, entry))
        last = hashed
    hashes = [row.hash for row in rows]
    extended = edge.copy()
    extension = extended.extend([row.entry for row in rows], hashes)
    return Staged(rows, extension.fold, extended, extension.completed, moved)
