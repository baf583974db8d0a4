"""Tiles above level 0: built again from the tiles below them, and compared as they become full."""

from collections.abc import Iterator

from ordertrail.ledger.merkle import NodeReader, root
from ordertrail.ledger.tiles import TILE_HEIGHT, TILE_WIDTH, Tile
from ordertrail.ledger.verify.published import Listing
from ordertrail.ledger.verify.report import Counts, Finding, Step
from ordertrail.ledger.verify.source import Source


class UpperTiles:
    """The growing edge of levels 1 and up; at most 255 hashes a level are kept."""

    def __init__(self, source: Source, listing: Listing, published: int, counts: Counts) -> None:
        self._source = source
        self._listing = listing
        self._published = published
        self._counts = counts
        self._rows: list[list[bytes]] = []
        self._tiles = 0

    def seed(self, tiles: int, reader: NodeReader) -> None:
        """Begin after so many full tiles of level 0, whose hashes the reader has."""
        self._tiles = tiles
        level, count = 1, tiles
        while count:
            first = count // TILE_WIDTH * TILE_WIDTH
            self._rows.append([reader.node(level * TILE_HEIGHT, index) for index in range(first, count)])
            level, count = level + 1, count >> TILE_HEIGHT

    def add(self, tile_root: bytes, recorded: str) -> Iterator[Finding]:
        """Take the root of the next full tile of level 0, whose last entry was recorded then."""
        self._tiles += 1
        yield from self._push(1, tile_root, recorded)

    def _push(self, level: int, node: bytes, recorded: str) -> Iterator[Finding]:
        if len(self._rows) < level:
            self._rows.append([])
        row = self._rows[level - 1]
        row.append(node)
        index = (self._tiles - 1) >> TILE_HEIGHT * level
        width = len(row)
        if width == TILE_WIDTH:
            tile = Tile(level, index)
            yield from self._compare(tile, row, recorded, required=tile.end <= self._published)
            self._rows[level - 1] = []
            yield from self._push(level + 1, root(row), recorded)
            return
        required = self._listing.partial.get((level, index), {}).get(width)
        if required is not None:
            yield from self._compare(Tile(level, index, width), row, recorded, required=required)

    def _compare(self, tile: Tile, row: list[bytes], recorded: str, *, required: bool) -> Iterator[Finding]:
        found = self._source.tiles.get(tile.path)
        if found is None:
            if required:
                yield Finding(
                    Step.CUSTODY,
                    tile.path,
                    "is missing from the published tree",
                    tile.begin,
                    span=tile.end - tile.begin,
                )
            return
        self._counts.tiles += 1
        expected = b"".join(row)
        if found != expected:
            pairs = enumerate(zip(found, expected, strict=False))
            at = next((n for n, (a, b) in pairs if a != b), min(len(found), len(expected)))
            what = "differs from what the entries imply"
            yield Finding(
                Step.INCLUSION, f"{tile.path} byte {at}", what, tile.begin, span=tile.end - tile.begin
            )
        # What a crash left behind before a checkpoint committed to it may not have its term yet.
        for problem in self._source.custody.problems(tile.path, recorded) if required else ():
            yield Finding(Step.CUSTODY, tile.path, problem, tile.begin, span=tile.end - tile.begin)
