"""A published log as an outsider reads it: its files and nothing else, with our own pure parts."""

from pathlib import Path

from ordertrail.kernel.errors import EvidenceError
from ordertrail.ledger.checkpoint import Checkpoint, open_checkpoint
from ordertrail.ledger.hashing import EMPTY_ROOT, leaf_hash, leaf_hashes
from ordertrail.ledger.merkle import MemoryNodes
from ordertrail.ledger.proofs import check_consistency, check_inclusion, prove_consistency, prove_inclusion
from ordertrail.ledger.tiles import BUNDLE, Tile, TileReader, edge_tiles, parse_bundle, tiles_between
from ordertrail.ledger.vkey import parse_vkey

PROBES = 50
"""Entries of which the inclusion is proven, about."""


def read_log(folder: Path) -> Checkpoint:
    """Check a published log by itself; return its largest checkpoint.

    Every ``checkpoint*`` must be signed by all keys of ``keys.txt``, all of them must be of one history, and
    entries, tiles and proofs must lead to the largest. Raises EvidenceError or InputError where they do not.
    """
    log_key, *others = [parse_vkey(line) for line in (folder / "keys.txt").read_text().splitlines()]
    trees = []
    for file in sorted(folder.glob("checkpoint*")):
        opened = open_checkpoint(file.read_bytes(), log_key, others)
        if len(opened.verified) != 1 + len(others):
            raise EvidenceError(f"{file.name} is not signed by every key of keys.txt")
        trees.append(opened.checkpoint)
    top = max(trees, key=lambda tree: tree.size)
    _check_entries(folder, top)
    reader = TileReader(lambda path: _read(folder, path), top.size)
    for tree in trees:
        if tree.size == 0:
            _require(tree.root == EMPTY_ROOT, "the root of the empty tree")
        else:
            proof = prove_consistency(tree.size, top.size, reader)
            check_consistency(tree.size, tree.root, top.size, top.root, proof)
    return top


def _check_entries(folder: Path, top: Checkpoint) -> None:
    """Rebuild the tree from the entries alone, and hold root, tiles and proofs against it."""
    tiles = [*tiles_between(0, top.size), *edge_tiles(top.size)]
    bundles = [tile for tile in tiles if tile.level == BUNDLE]
    entries = [entry for tile in bundles for entry in parse_bundle(_need(folder, tile), tile.width)]
    _require(len(entries) == top.size, "the number of entries")
    hashes = leaf_hashes(entries)
    nodes = MemoryNodes(hashes)
    for tile in tiles:
        if tile.level != BUNDLE:
            first = tile.index * 256
            rebuilt = b"".join(nodes.node(8 * tile.level, first + at) for at in range(tile.width))
            _require(_need(folder, tile) == rebuilt, tile.path)
    reader = TileReader(lambda path: _read(folder, path), top.size)
    for index in range(0, top.size, top.size // PROBES + 1):
        proof = prove_inclusion(index, top.size, reader)
        check_inclusion(index, top.size, leaf_hash(entries[index]), proof, top.root)


def _need(folder: Path, tile: Tile) -> bytes:
    data = _read(folder, tile.path)
    if data is None:
        raise EvidenceError(f"{tile.path} is missing")
    return data


def _read(folder: Path, path: str) -> bytes | None:
    file = folder / path
    return file.read_bytes() if file.exists() else None


def _require(held: bool, what: str) -> None:  # noqa: FBT001 - a condition, as in assert
    if not held:
        raise EvidenceError(f"{what} differs")
