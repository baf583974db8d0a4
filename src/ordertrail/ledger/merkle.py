"""Merkle trees over an append-only list: roots, rows of nodes, and compact ranges.

A node is named by (level, index) and is the hash of the leaves
``[index << level, (index + 1) << level)``; it exists once all of them do, and never changes again.
The root of a tree of any size bags such nodes from right to left (RFC 6962 section 2.1)::

    level 3                 .                    tree of 7 leaves
    level 2         (2,0)                        its nodes at the right edge: (2,0) (1,2) (0,6)
    level 1     (1,0)   (1,1)   (1,2)            root = N((2,0), N((1,2), (0,6)))
    level 0     0   1   2   3   4   5   6

**Compact range.** The leaves ``[begin, end)`` are covered by the fewest nodes that lie wholly inside:
first ever larger ones, then ever smaller ones. That list, about ``2 * log2(end - begin)`` hashes, is all
that is needed to go on appending, and ``fold`` bags it right to left. For ``begin`` 0 the fold is the
RFC 6962 root. A worked example, ``[3, 9)``::

    cover(3, 9)   →  (0,3)  (2,1)  (0,8)         leaves 3 | 4 5 6 7 | 8
    fold          →  N((0,3), N((2,1), (0,8)))

Everything here is arithmetic on hashes: no I/O, no signatures. Proofs are in ``proofs`` and ``subtree``.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol, Self

from ordertrail.kernel.errors import InputError
from ordertrail.ledger.hashing import EMPTY_ROOT, HASH_SIZE, node_hash, parents, parents_of_row


class NodeReader(Protocol):
    """Where proofs read nodes from: tiles, rows of a table, or memory.

    What it returns need not be trusted: a proof made from a wrong node fails its check.
    """

    def node(self, level: int, index: int) -> bytes:
        """Hash of the leaves ``[index << level, (index + 1) << level)``: 32 bytes."""
        ...


def root(leaf_hashes: Sequence[bytes]) -> bytes:
    """Root of the tree over these leaf hashes (RFC 6962 section 2.1)."""
    if not leaf_hashes:
        return EMPTY_ROOT
    row = leaf_hashes
    while len(row) > 1:
        above = parents(row)
        if len(row) & 1:
            # The last node without a partner stands for itself one level up.
            above.append(row[-1])
        row = above
    return row[0]


def levels(leaf_hashes: Sequence[bytes]) -> list[list[bytes]]:
    """All complete nodes: ``levels(…)[level][index]``; the last row has one node (or none of no leaves)."""
    rows = [list(leaf_hashes)]
    while len(rows[-1]) > 1:
        rows.append(parents(rows[-1]))
    return rows


class MemoryNodes:
    """A ``NodeReader`` over leaf hashes held in memory."""

    __slots__ = ("_rows",)

    def __init__(self, leaf_hashes: Sequence[bytes]) -> None:
        self._rows = levels(leaf_hashes)

    def node(self, level: int, index: int) -> bytes:
        """Hash of the leaves ``[index << level, (index + 1) << level)``: 32 bytes."""
        return self._rows[level][index]


class RangeNodes:
    """A ``NodeReader`` over the leaf hashes ``[begin, begin + n)``: every node that lies wholly inside.

    Rows are kept as bytes, hash after hash: of all their nodes few are ever asked for.
    """

    __slots__ = ("_rows", "begin", "end")

    def __init__(self, begin: int, leaf_hashes: Sequence[bytes]) -> None:
        self.begin = begin
        self.end = begin + len(leaf_hashes)
        first, row = begin, b"".join(leaf_hashes)
        self._rows = [(first, row)]
        while len(row) > HASH_SIZE:
            if first & 1:
                # The partner of the first node lies before the range.
                first, row = first + 1, row[HASH_SIZE:]
            first, row = first >> 1, parents_of_row(row)
            self._rows.append((first, row))

    def node(self, level: int, index: int) -> bytes:
        """Hash of the leaves ``[index << level, (index + 1) << level)``: 32 bytes."""
        first, row = self._rows[level]
        at = (index - first) * HASH_SIZE
        if not 0 <= at < len(row):
            raise IndexError(f"node {index} of level {level} is not wholly inside [{self.begin}, {self.end})")
        return row[at : at + HASH_SIZE]

    def row(self, level: int) -> list[bytes]:
        """All whole nodes of a level, from left to right; none where the range is too short or lies askew."""
        if level >= len(self._rows):
            return []
        _, row = self._rows[level]
        return [row[at : at + HASH_SIZE] for at in range(0, len(row), HASH_SIZE)]


def cover(begin: int, end: int) -> Iterator[tuple[int, int]]:
    """The nodes (level, index) of the compact range ``[begin, end)``, from left to right."""
    while begin < end:
        room = (end - begin).bit_length() - 1
        aligned = (begin & -begin).bit_length() - 1 if begin else room
        level = min(room, aligned)
        yield level, begin >> level
        begin += 1 << level


def fold(hashes: Sequence[bytes]) -> bytes:
    """Bag the hashes of a compact range from right to left; of none of them, the empty root."""
    if not hashes:
        return EMPTY_ROOT
    result = hashes[-1]
    for left in hashes[-2::-1]:
        result = node_hash(left, result)
    return result


def range_fold(begin: int, end: int, reader: NodeReader) -> bytes:
    """Fold of the compact range ``[begin, end)``, its nodes read from ``reader``.

    For ``begin`` 0 it is the root of the tree of size ``end``.
    """
    return fold([reader.node(level, index) for level, index in cover(begin, end)])


class CompactRange:
    """The fewest nodes that cover ``[begin, end)``, ready to be appended to.

    With ``begin`` 0 it is the right edge of a log. It is the one mutable thing of this module; ``copy`` it
    to stage an append that may have to be taken back.

    :raises InputError: if ``nodes`` are not as many 32-byte hashes as ``[begin, end)`` takes.
    """

    __slots__ = ("_closed", "_end", "_open", "begin")

    def __init__(self, begin: int = 0, end: int | None = None, nodes: Sequence[bytes] = ()) -> None:
        self.begin = begin
        self._end = begin
        # Left edge: nodes at odd indexes, whose partner lies before begin. They never change.
        self._closed: list[bytes] = []
        # Right edge by level: nodes at even indexes, whose partner is still to come.
        self._open: list[bytes | None] = []
        end = begin if end is None else end
        if not 0 <= begin <= end:
            raise InputError(f"there is no range [{begin}, {end})")
        places = list(cover(begin, end))
        if len(places) != len(nodes):
            raise InputError(f"the range [{begin}, {end}) has {len(places)} nodes, not {len(nodes)}")
        for (level, _), node in zip(places, nodes, strict=True):
            self.append_nodes(level, (node,))

    @property
    def end(self) -> int:
        """Index after the last leaf; of a range that begins at 0, the size of the tree."""
        return self._end

    @property
    def size(self) -> int:
        """Number of leaves in the range."""
        return self._end - self.begin

    @property
    def nodes(self) -> tuple[bytes, ...]:
        """The hashes of ``cover(begin, end)``, from left to right."""
        return (*self._closed, *(node for node in reversed(self._open) if node is not None))

    def append(self, leaf_hashes: Sequence[bytes]) -> None:
        """Append leaf hashes, one after the other; many at once cost little more than their hashing."""
        self.append_nodes(0, leaf_hashes)

    def append_nodes(self, level: int, hashes: Sequence[bytes]) -> None:
        """Append the hashes of perfect subtrees of ``1 << level`` leaves each.

        :raises InputError: if ``end`` is not a multiple of ``1 << level``, or a hash has not 32 bytes.
        """
        if level < 0 or self._end & ((1 << level) - 1):
            raise InputError(f"a subtree of level {level} cannot stand at leaf {self._end}")
        if hashes and set(map(len, hashes)) != {HASH_SIZE}:
            raise InputError(f"a node hash has {HASH_SIZE} bytes")
        index = self._end >> level
        self._end += len(hashes) << level
        row = list(hashes)
        while row:
            if len(self._open) <= level:
                self._open.extend([None] * (level + 1 - len(self._open)))
            partner = self._open[level]
            if partner is not None:
                row.insert(0, partner)
            elif index & 1:
                self._closed.append(row.pop(0))
                index += 1
            self._open[level] = row.pop() if len(row) & 1 else None
            row = parents(row)
            index >>= 1
            level += 1

    def fold(self) -> bytes:
        """Bag the nodes from right to left: one hash that commits to every leaf of the range."""
        return fold(self.nodes)

    def root(self) -> bytes:
        """RFC 6962 root of the tree of size ``end``.

        :raises InputError: if the range does not begin at 0, for then it has none.
        """
        if self.begin:
            raise InputError(f"a range that begins at leaf {self.begin} has no tree root; use fold()")
        return self.fold()

    def copy(self) -> Self:
        """Return an independent range with the same nodes."""
        return type(self)(self.begin, self._end, self.nodes)
