"""What still stands when something is wrong: what the table proves, and what the published tiles prove.

Each copy is asked by itself, and held against the checkpoints that were published or are kept elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.ledger.checkpoint import Checkpoint
from ordertrail.ledger.hashing import leaf_hashes
from ordertrail.ledger.merkle import CompactRange
from ordertrail.ledger.paths import anchor_path
from ordertrail.ledger.pruning import newest_destruction
from ordertrail.ledger.subtree import Span
from ordertrail.ledger.tiles import BUNDLE, TILE_WIDTH, Tile, parse_bundle, parse_tile
from ordertrail.ledger.verify.checkpoints import KeyHistory, read_checkpoint
from ordertrail.ledger.verify.published import Listing
from ordertrail.ledger.verify.source import Source


@dataclass(slots=True)
class Held:
    """The checkpoints kept elsewhere, which outrank all that is here.

    ``strange`` says that one of them was not signed by the keys that are here.
    """

    checkpoints: list[Checkpoint] = field(default_factory=list)
    strange: bool = False

    def bound(self, proven: int, roots: Mapping[int, bytes]) -> int:
        """Return how much of what these roots prove also stands before the checkpoints.

        Where one of them says otherwise, the keys here signed another history, and only what a checkpoint
        kept elsewhere agrees with is proven.
        """
        known = [checkpoint for checkpoint in self.checkpoints if checkpoint.size in roots]
        agreed = [checkpoint.size for checkpoint in known if roots[checkpoint.size] == checkpoint.root]
        if self.strange or len(agreed) < len(known):
            return max(agreed, default=0)
        return proven


def provable_by_table(
    source: Source, listing: Listing, keys: KeyHistory, proven: Span, roots: Mapping[int, bytes]
) -> int:
    """Return how much of what the table's signed roots prove also stands before what was published.

    ``proven`` is the size at which the check began, and the one up to which the table's own checkpoints
    hold. Where the same key published another root, it signed two histories: what they share is proven.
    """
    agreed, end = proven
    for size in listing.anchors:
        if agreed < size <= end:
            signed = _signed_root(source, size, keys)
            if signed is not None and signed != roots[size]:
                return agreed
            agreed = size
    return end


def provable_by_tiles(source: Source, listing: Listing, published: int, keys: KeyHistory, held: Held) -> int:
    """Return the size of the largest published checkpoint to which the published entries add up.

    Reads every bundle up to the first that does not; nothing of the table is used.
    """
    tree, proven, roots = CompactRange(), 0, {}
    for size in sorted({*listing.anchors, published, *(checkpoint.size for checkpoint in held.checkpoints)}):
        if size > tree.end and not _extend(source, tree, size):
            break
        roots[size] = tree.root()
        if _signed_root(source, size, keys) == roots[size]:
            proven = size
    return held.bound(proven, roots)


def _extend(source: Source, tree: CompactRange, size: int) -> bool:
    """Append the published entries up to a size; say whether they are all there and readable."""
    while tree.end < size:
        index, done = divmod(tree.end, TILE_WIDTH)
        width = min(TILE_WIDTH, size - index * TILE_WIDTH)
        data = source.tiles.get(Tile(BUNDLE, index, width).path)
        try:
            if data is None:
                # The partial one may have been dropped for the full one.
                width = TILE_WIDTH
                entries = parse_bundle(source.tiles.get(Tile(BUNDLE, index).path) or b"", width)
            else:
                entries = parse_bundle(data, width)
        except InputError:
            hashes = _destroyed(source, index) if data is None else None
            if hashes is None:
                return False
            tree.append(hashes[done : size - index * TILE_WIDTH])
            continue
        tree.append(leaf_hashes(entries[done : size - index * TILE_WIDTH]))
    return True


def _destroyed(source: Source, index: int) -> list[bytes] | None:
    """Return the hashes of a full bundle that is not there, in a log whose beginning was destroyed."""
    data = source.tiles.get(Tile(0, index).path)
    order = newest_destruction(source.reader, source.log)
    if data is None or order is None or order.minimum <= index * TILE_WIDTH:
        return None
    try:
        return parse_tile(data, TILE_WIDTH)
    except InputError:
        return None


def _signed_root(source: Source, size: int, keys: KeyHistory) -> bytes | None:
    for data in (source.tiles.get(anchor_path(size)), source.published):
        try:
            checkpoint = read_checkpoint(data or b"", keys)
        except EvidenceError:
            continue
        if checkpoint.size == size and checkpoint.origin == source.log.origin:
            return checkpoint.root
    return None
