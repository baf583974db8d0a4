"""A group of consecutive rows, all right: the hot loop of the full check.

Rows that are as the sequencer writes them, and nearly all are, are told from others in bulk, by the native
extension where it is installed. It is stricter than need be: a row that is right and merely unusual, with an
escape in an order's name for example, it leaves to Python. Where something is wrong nothing is said about it
here; the caller looks at each row to name it.
"""

from collections.abc import Sequence
from typing import NamedTuple

from ordertrail.kernel.errors import EvidenceError
from ordertrail.ledger.entry import EntryView, view_entry
from ordertrail.ledger.hashing import leaf_hashes
from ordertrail.ledger.native import Tails, native
from ordertrail.ledger.ports import EntryRow
from ordertrail.ledger.tiles import MAX_ENTRY_SIZE
from ordertrail.record.chain import chain_name

Opened = tuple[str, int, str, int]
"""The first entry of a chain among the rows: chain, number, the hash in hex that it names, index."""


class Regular(NamedTuple):
    """What follows from rows that are all right.

    Their leaf hashes; when they were recorded; the first entries of chains that were not known before; and
    whether any entry may name a blob.
    """

    leaves: list[bytes]
    times: list[str]
    opened: list[Opened]
    blobs: bool


def regular_rows(
    rows: Sequence[EntryRow], first: int, before: bytes, recorded: str, tails: Tails
) -> Regular | None:
    """Check rows from ``first`` on against their entries; None where one is wrong, or may be.

    ``before`` is the hash of the row before them, ``recorded`` when its entry was recorded, ``tails`` where the
    chains stood after it, as far as is known. Where all rows are right, and only there, ``tails`` is moved on.
    """
    if native is not None:
        found = native.check_rows(rows, first, before, recorded, tails)
        if found is not None:
            return Regular(*found)
    return _regular_plainly(rows, first, before, recorded, tails)


def _regular_plainly(
    rows: Sequence[EntryRow], first: int, before: bytes, recorded: str, tails: Tails
) -> Regular | None:
    """Compare whole columns: the fastest that Python can do."""
    indexes, ids, _, _, previous, hashes, entries = zip(*rows, strict=True)
    try:
        views = [view_entry(entry) for entry in entries]
    except (EvidenceError, RecursionError):  # somebody may have written brackets within brackets
        return None
    leaves = leaf_hashes(entries)
    expected_previous = [before, *leaves[:-1]]
    times = [view.ledger.recorded for view in views]
    right = (
        list(hashes) == leaves
        and list(previous) == expected_previous
        and list(indexes) == list(range(first, first + len(rows)))
        and [view.ledger.index for view in views] == list(indexes)
        and "".join([view.ledger.previous for view in views]) == b"".join(expected_previous).hex()
        and "".join([view.event.id for view in views]).replace("-", "") == b"".join(ids).hex()
        and recorded <= times[0]
        and times == sorted(times)
        and max(map(len, entries)) <= MAX_ENTRY_SIZE
    )
    opened = _follow_chains(rows, views, leaves, tails) if right else None
    return None if opened is None else Regular(leaves, times, opened, blobs=True)


def _follow_chains(
    rows: Sequence[EntryRow], views: Sequence[EntryView], leaves: Sequence[bytes], tails: Tails
) -> list[Opened] | None:
    """Follow each entry's link to its order's previous entry, and move ``tails``; None where one does not hold."""
    moved: Tails = {}
    opened: list[Opened] = []
    for (index, _, chain, number, _, _, _), view, leaf in zip(rows, views, leaves, strict=True):
        subject, link = view.event.subject, view.ledger.order
        if chain is None:
            if subject.order is not None or link is not None or number != 0:
                return None
            continue
        if link is None or link.number != number or chain != chain_name(subject.order, subject.tenant):
            return None
        tail = moved.get(chain) or tails.get(chain)
        if tail is None:
            opened.append((chain, number, link.previous, index))
        elif tail[0] + 1 != number or tail[1].hex() != link.previous:
            return None
        moved[chain] = (number, leaf)
    tails.update(moved)
    return opened
