"""The right edge of a log: all that is kept in memory, whatever the log's size.

A log of size *n* is, in tlog-tiles, a row of full tiles at each level and at most one partial tile to the
right of them. The edge holds those partial tiles (at most 255 hashes a level), the entries of the partial
bundle, and nothing else. Appending entries fills tiles; what became full is handed out in the order in
which it must be published, so that a tile is never there before what it commits to::

    entry 255      completes  tile/entries/000, tile/0/000           and is the first hash of tile 1/000
    entry 65,535   completes  tile/entries/255, tile/0/255, tile/1/000
"""

from collections.abc import Sequence
from typing import NamedTuple

from ordertrail.ledger.merkle import CompactRange, RangeNodes, cover, range_fold, root
from ordertrail.ledger.tiles import BUNDLE, TILE_HEIGHT, TILE_WIDTH, Tile, format_bundle

Objects = list[tuple[str, bytes]]
"""Paths and contents, in the order in which they must be published."""


class Extension(NamedTuple):
    """What appending brought: the objects that became full, and the fold of the appended range."""

    completed: Objects
    fold: bytes


class Edge:
    """The partial tiles of a log and its root. ``copy`` it to stage a batch that may have to be dropped."""

    __slots__ = ("_entries", "_rows", "_tree")

    def __init__(self, tree: CompactRange, rows: list[list[bytes]], entries: list[bytes]) -> None:
        self._tree = tree
        self._rows = rows
        self._entries = entries

    @classmethod
    def restore(cls, size: int, rows: Sequence[Sequence[bytes]], entries: Sequence[bytes]) -> "Edge":
        """Rebuild the edge of a log of ``size`` from the hashes of its partial tiles, lowest level first."""
        tree = CompactRange()
        for level in range(len(rows) - 1, -1, -1):
            tree.append_nodes(level * TILE_HEIGHT, rows[level])
        if tree.end != size:
            raise ValueError(f"partial tiles of {tree.end} leaves are not the edge of a log of {size}")
        return cls(tree, [list(row) for row in rows], list(entries))

    @property
    def size(self) -> int:
        """Leaves in the log."""
        return self._tree.end

    @property
    def root(self) -> bytes:
        """The log's root (RFC 6962)."""
        return self._tree.root()

    def copy(self) -> "Edge":
        """Return an independent edge."""
        return Edge(self._tree.copy(), [row.copy() for row in self._rows], self._entries.copy())

    def extend(self, entries: Sequence[bytes], hashes: Sequence[bytes]) -> Extension:
        """Append entries and their leaf hashes. Every node is hashed once, and used wherever it is needed."""
        nodes = RangeNodes(self.size, hashes)
        completed: Objects = []
        taken, size = 0, self.size
        while taken < len(entries):
            index, room = size // TILE_WIDTH, TILE_WIDTH - len(self._entries)
            chunk = hashes[taken : taken + room]
            self._entries += entries[taken : taken + room]
            taken, size = taken + len(chunk), size + len(chunk)
            if len(self._entries) == TILE_WIDTH:
                completed.append((Tile(BUNDLE, index).path, format_bundle(self._entries)))
                self._entries = []
            completed += self._grow(0, chunk, size, nodes)
        for level, index in cover(nodes.begin, nodes.end):
            self._tree.append_nodes(level, (nodes.node(level, index),))
        return Extension(completed, range_fold(nodes.begin, nodes.end, nodes))

    def _grow(self, level: int, hashes: Sequence[bytes], size: int, nodes: RangeNodes) -> Objects:
        """Append to the partial tile of a level; a tile that becomes full is one hash of the level above."""
        if level == len(self._rows):
            self._rows.append([])
        row = self._rows[level]
        row += hashes
        if len(row) < TILE_WIDTH:
            return []
        self._rows[level] = []
        height = TILE_HEIGHT * (level + 1)
        index = (size >> height) - 1
        # A tile that lies wholly in what is appended has its root among the nodes already.
        above = nodes.node(height, index) if index << height >= nodes.begin else root(row)
        return [(Tile(level, index).path, b"".join(row)), *self._grow(level + 1, [above], size, nodes)]

    def partial(self) -> Objects:
        """Return the partial bundle and tiles, as they are at this size."""
        objects: Objects = []
        if self._entries:
            objects.append(
                (Tile(BUNDLE, self.size // TILE_WIDTH, len(self._entries)).path, format_bundle(self._entries))
            )
        for level, row in enumerate(self._rows):
            if row:
                index = self.size >> TILE_HEIGHT * (level + 1)
                objects.append((Tile(level, index, len(row)).path, b"".join(row)))
        return objects
