"""What is published: a listing of the tree's objects, and which of them the checkpoints require."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from ordertrail.kernel.errors import InputError
from ordertrail.ledger.paths import ANCHORS, KEYS, anchor_size
from ordertrail.ledger.tiles import BUNDLE, CHECKPOINT_PATH, Tile, edge_tiles, parse_path
from ordertrail.ledger.verify.report import Finding, Step


@dataclass(slots=True)
class Listing:
    """The published objects that need to be known before the entries are read.

    ``anchors`` are the sizes whose checkpoints were published; ``partial`` maps (level, index) to the widths
    of its partial tiles, each with whether a published checkpoint requires it. Full tiles are not listed:
    which must be there follows from the size.
    """

    anchors: list[int] = field(default_factory=list)
    partial: dict[tuple[int, int], dict[int, bool]] = field(default_factory=lambda: defaultdict(dict))
    findings: list[Finding] = field(default_factory=list)

    def windows(self, first: int, end: int) -> list[tuple[int, int, int, bool]]:
        """Return (window, level, width, required) of the partial bundles and level-0 tiles of these windows."""
        return [
            (index, level, width, required)
            for (level, index), widths in self.partial.items()
            if level in {BUNDLE, 0} and first <= index < end
            for width, required in widths.items()
        ]


def list_published(paths: Iterable[str], size: int, published: int) -> Listing:
    """Sort a listing; name every object that no log of this size has."""
    listing = Listing()
    for path in paths:
        if path in {CHECKPOINT_PATH, KEYS}:
            continue
        if path.startswith(f"{ANCHORS}/"):
            anchor = anchor_size(path)
            if anchor is not None and anchor <= size:
                listing.anchors.append(anchor)
                continue
        else:
            tile = _tile_within(path, size)
            if tile is not None:
                if not tile.is_full:
                    listing.partial[tile.level, tile.index][tile.width] = False
                continue
        listing.findings.append(Finding(Step.CUSTODY, path, "does not belong to this log"))
    listing.anchors.sort()
    for anchor in {*listing.anchors, published}:
        if anchor <= size:
            for tile in edge_tiles(anchor):
                listing.partial[tile.level, tile.index][tile.width] = True
    return listing


def _tile_within(path: str, size: int) -> Tile | None:
    try:
        tile = parse_path(path)
    except InputError:
        return None
    return tile if tile.end <= size else None
