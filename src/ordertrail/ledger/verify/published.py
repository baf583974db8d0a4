"""What is published: a listing of the tree's objects, and which of them the checkpoints require."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from ordertrail.kernel.errors import InputError
from ordertrail.ledger.paths import (
    ANCHORS,
    IDENTITY,
    KEYS,
    Attestation,
    anchor_size,
    cosignature_of,
    stamp_of,
)
from ordertrail.ledger.tiles import BUNDLE, CHECKPOINT_PATH, Tile, edge_tiles, parse_path
from ordertrail.ledger.verify.report import Finding, Step


@dataclass(slots=True)
class Listing:
    """The published objects that need to be known before the entries are read.

    ``anchors`` are the sizes whose checkpoints were published; ``partial`` maps (level, index) to the widths
    of its partial tiles, each with whether a published checkpoint requires it. Full tiles are not listed:
    which must be there follows from the size. ``stamps`` and ``cosignatures`` are what others said of anchors,
    by path; ``identity`` says whether the log's first statement is there.
    """

    anchors: list[int] = field(default_factory=list)
    partial: dict[tuple[int, int], dict[int, bool]] = field(default_factory=lambda: defaultdict(dict))
    stamps: dict[str, Attestation] = field(default_factory=dict)
    cosignatures: dict[str, Attestation] = field(default_factory=dict)
    identity: bool = False
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
        if path == IDENTITY:
            listing.identity = True
            continue
        if _is_attestation(listing, path, size):
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


def _is_attestation(listing: Listing, path: str, size: int) -> bool:
    """Put what others said of a checkpoint of this log's into the listing."""
    for found, kept in ((stamp_of(path), listing.stamps), (cosignature_of(path), listing.cosignatures)):
        if found is not None and found.size <= size:
            kept[path] = found
            return True
    return False


def _tile_within(path: str, size: int) -> Tile | None:
    try:
        tile = parse_path(path)
    except InputError:
        return None
    return tile if tile.end <= size else None
