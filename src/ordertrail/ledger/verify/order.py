"""One order's history: each entry proven by the published checkpoint, and nothing missing between two of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ordertrail.kernel.errors import EvidenceError
from ordertrail.ledger.checkpoint import Checkpoint
from ordertrail.ledger.entry import NO_HASH, view_entry
from ordertrail.ledger.hashing import leaf_hash
from ordertrail.ledger.merkle import NodeReader
from ordertrail.ledger.ports import EntryRow
from ordertrail.ledger.proofs import check_inclusion, prove_inclusion


@dataclass(frozen=True, slots=True)
class Standing:
    """How a set of entries stands: how many are proven by the published checkpoint, and what is wrong."""

    proven: int
    problems: tuple[str, ...]

    def __add__(self, other: "Standing") -> "Standing":
        return Standing(self.proven + other.proven, self.problems + other.problems)


def check_order(rows: Sequence[EntryRow], checkpoint: Checkpoint, reader: NodeReader) -> Standing:
    """Check the entries that one log holds of an order, in the log's order; of several tenants, each chain."""
    problems = list(_chain_problems(rows))
    published = [row for row in rows if row.index < checkpoint.size]
    unproven = list(_inclusion_problems(published, checkpoint, reader))
    return Standing(len(published) - len(unproven), (*problems, *unproven))


def _chain_problems(rows: Sequence[EntryRow]) -> Iterator[str]:
    tails: dict[str | None, tuple[int, bytes]] = {}
    for row in rows:
        number, previous = tails.get(row.chain, (0, NO_HASH))
        link = view_entry(row.entry).ledger.order
        if link is None or link.number != number + 1 or link.previous != previous.hex():
            yield f"entry {row.index:,} does not follow number {number} of the order"
        tails[row.chain] = (row.number, row.hash)


def _inclusion_problems(
    rows: Sequence[EntryRow], checkpoint: Checkpoint, reader: NodeReader
) -> Iterator[str]:
    for row in rows:
        try:
            proof = prove_inclusion(row.index, checkpoint.size, reader)
            check_inclusion(row.index, checkpoint.size, leaf_hash(row.entry), proof, checkpoint.root)
        except EvidenceError as error:
            yield f"entry {row.index:,} is not proven: {error}"
