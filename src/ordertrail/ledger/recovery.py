"""Where a log stands when a sequencer starts, rebuilt from what is durable, and whether it may go on.

The head comes from the database, the tiles from the published tree, and each is held against the other:
the edge must have the head's root, and the newest published checkpoint must lie on the head's own past.
"""

from collections.abc import Sequence

from ordertrail.kernel.errors import EvidenceError, ForkError
from ordertrail.ledger.checkpoint import Checkpoint, parse_checkpoint
from ordertrail.ledger.edge import Edge
from ordertrail.ledger.merkle import root
from ordertrail.ledger.note import parse_note, verify_note
from ordertrail.ledger.ports import EntryReader, EntryStore, Head, KeyPeriod, Tiles
from ordertrail.ledger.tiles import TILE_HEIGHT, TILE_WIDTH, Tile, TileReader, parse_tile
from ordertrail.ledger.vkey import parse_vkey


def restore_edge(stream: str, head: Head, store: EntryStore, reader: EntryReader, tiles: Tiles) -> Edge:
    """Rebuild the right edge of a log at a size whose full tiles are published.

    Reads at most 65,536 hashes from the table and 255 tiles a level above, whatever the log's size.
    Raises EvidenceError where they do not add up to ``head.root``.
    """
    level_1 = (head.size >> 2 * TILE_HEIGHT) << 2 * TILE_HEIGHT
    recent = store.hashes(stream, level_1, head.size)
    gone = head.size - level_1 - len(recent)
    if (
        gone
    ):  # of entries that were destroyed the hashes stay, in the tiles; the root says whether they are right
        published = TileReader(tiles.get, head.size)
        recent = [published.node(0, index) for index in range(level_1, level_1 + gone)] + recent
    full = len(recent) // TILE_WIDTH * TILE_WIDTH
    rows = [
        recent[full:],
        [root(recent[at : at + TILE_WIDTH]) for at in range(0, full, TILE_WIDTH)],
    ]
    level = 2
    while head.size >> level * TILE_HEIGHT:
        count = head.size >> level * TILE_HEIGHT
        first = count // TILE_WIDTH * TILE_WIDTH
        rows.append([_tile_root(tiles, level - 1, index) for index in range(first, count)])
        level += 1
    entries = [row.entry for row in reader.rows(stream, head.size - len(rows[0]), head.size)]
    if len(entries) != len(rows[0]):
        raise EvidenceError(f"stream {stream}: rows of the entry table are missing at its end")
    try:
        edge = Edge.restore(head.size, rows, entries)
    except ValueError as error:
        raise EvidenceError(f"stream {stream}: rows of the entry table are missing: {error}") from None
    if edge.root != head.root:
        raise EvidenceError(
            f"stream {stream}: table and tiles do not add up to the root at {head.size:,} entries",
            meaning="An entry, a row or a tile was altered; nothing more is signed on top of it.",
            remedy="Run 'ordertrail verify'; it names the first wrong thing and what is still provable.",
        )
    return edge


def _tile_root(tiles: Tiles, level: int, index: int) -> bytes:
    path = Tile(level, index).path
    data = tiles.get(path)
    if data is None:
        raise EvidenceError(f"{path} is missing from the published tree")
    return root(parse_tile(data, TILE_WIDTH))


def open_published(note: bytes, origin: str, keys: Sequence[KeyPeriod]) -> Checkpoint:
    """Read a published checkpoint that must be signed by a key of this log.

    Raises EvidenceError where it is not a checkpoint of this log, or none of its keys signed it.
    """
    parsed = parse_note(note)
    verify_note(parsed, [parse_vkey(period.vkey) for period in keys])
    checkpoint = parse_checkpoint(parsed.text)
    if checkpoint.origin != origin:
        raise EvidenceError(
            f"the published checkpoint is of {checkpoint.origin!r}, and this log is {origin!r}"
        )
    return checkpoint


def require_extension(stream: str, head: Head, published: Checkpoint, reader: EntryReader) -> None:
    """Raise ForkError unless the published checkpoint lies on the head's own past."""
    if published.size > head.size:
        raise ForkError(
            f"stream {stream}: the published checkpoint has {published.size:,} entries, "
            f"the database only {head.size:,}: the database was rolled back"
        )
    if published.size == 0:
        return
    batch = next(reader.batches(stream, published.size - 1), None)
    if batch is None or batch.end != published.size or batch.tree_root != published.root:
        raise ForkError(
            f"stream {stream}: the published checkpoint of {published.size:,} entries "
            "is not one that this database ever sealed: history forked"
        )
