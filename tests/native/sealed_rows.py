"""Rows as the sequencer writes them, for any events."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from ordertrail.kernel.canonical import canonical
from ordertrail.ledger.edge import Edge
from ordertrail.ledger.entry import NO_HASH
from ordertrail.ledger.merkle import CompactRange
from ordertrail.ledger.native import Tails
from ordertrail.ledger.ports import EntryRow
from ordertrail.ledger.staging import stage
from ordertrail.record.chain import chain_name
from ordertrail.record.ports import JournalRow

texts = st.text(st.characters(codec="utf-8"), max_size=12)
plain = st.text("abcXYZ-0189 äö€😀", max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@dataclass
class Group:
    """Consecutive rows, and all that the rows before them leave behind."""

    rows: list[EntryRow]
    before: bytes = NO_HASH
    recorded: str = ""
    tails: Tails = field(default_factory=dict)


def events(orders: st.SearchStrategy[str] = plain) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Events of a few orders and tenants, with any members besides."""
    subject = st.fixed_dictionaries(
        {"id": texts},
        optional={"order": st.sampled_from(["SO-1", "SO-2"]) | orders, "tenant": plain, "kind": texts},
    )
    event = st.fixed_dictionaries({"subject": subject}, optional={"changes": values, "zeta": values})
    return st.lists(event, min_size=1, max_size=12)


def seal(some: Sequence[dict[str, Any]], batch: int = 5) -> Group:
    """Seal events in batches, each with a time of its own."""
    rows: list[EntryRow] = []
    edge, last, tails = Edge(CompactRange(), [], []), NO_HASH, dict[str, tuple[int, bytes]]()
    for start in range(0, len(some), batch):
        journal = []
        for number, event in enumerate(some[start : start + batch], start):
            id_ = UUID(int=number + 2**100)
            subject = event["subject"]
            chain = chain_name(subject.get("order"), subject.get("tenant"))
            journal.append(JournalRow(number, id_.bytes, chain, canonical(event | {"id": str(id_)})))
        staged = stage(journal, edge, last, tails, f"2026-11-22T14:02:{start:02d}.000000Z")
        rows += staged.rows
        tails |= staged.tails
        edge, last = staged.edge, staged.last
    return Group(rows)
