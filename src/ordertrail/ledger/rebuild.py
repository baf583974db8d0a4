"""A log's table rebuilt from its published tree alone: what the vault keeps is enough.

The tree holds every entry (bundles), every checkpoint that was published (anchors) and the statement by which the
log began; an entry tells its own index, time and place in its order, and the keys after the first one stand in
entries of their own. So the table of entries, batches and keys is a function of the tree. It is computed anchor by
anchor, and nothing enters the table that does not add up to a root that the log signed:

1. **Read** the bundles up to the anchor and hash every entry.
2. **Follow**: each entry names its index and the entry before it. (Order by order, the full check does.)
3. **Add up**: the tree over all entries so far has the anchor's root, and the full tiles are those of the tree.
4. **Signature**: a key in force signed the anchor; a key that came in with it was named by the one before.
5. **Commit** the entries as one batch, after the tree's objects were put where they are kept from now on, if that
   is another place. *If we stop here*, the next call goes on from the table's head.

Where the beginning of the log was destroyed (:mod:`ordertrail.ledger.pruning`), the hashes that are left stand for its
entries: batches are rebuilt without rows, and the log must hold the order by which they went.

What was sealed after the newest published checkpoint is not in the tree, and is not rebuilt; what waits in the
journal was never in it. A batch of the rebuilt table reaches from one anchor to the next.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.kernel.ids import parse_id
from ordertrail.ledger.checkpoint import Checkpoint, read_checkpoint
from ordertrail.ledger.edge import Edge
from ordertrail.ledger.entry import NO_HASH, EntryView, view_entry
from ordertrail.ledger.hashing import leaf_hashes
from ordertrail.ledger.merkle import CompactRange
from ordertrail.ledger.paths import IDENTITY, anchor_path, anchor_size, cosignature_of, stamp_of
from ordertrail.ledger.ports import Batch, EntryReader, EntryRow, EntryStore, KeyPeriod, Tiles
from ordertrail.ledger.pruning import newest_destruction
from ordertrail.ledger.recovery import open_published, restore_edge
from ordertrail.ledger.rotation import LogIdentity, check_keys, parse_beginning
from ordertrail.ledger.tiles import BUNDLE, TILE_WIDTH, Tile, TileReader, parse_bundle, parse_path
from ordertrail.record.chain import chain_name

Progress = Callable[[int, int], None]
"""Called with the entries done and all entries."""

_BUNDLES = "tile/entries/"
_ROTATION = b'"action":"key.rotate"'


@dataclass(frozen=True, slots=True)
class Tree:
    """A published tree: its objects, the sizes of its anchors in order, and the newest checkpoint.

    ``attested`` names what others said of the anchors (stamps and cosignatures), by size; ``first`` is the index of the
    first entry of which there is a bundle.
    """

    tiles: Tiles
    anchors: Sequence[int]
    checkpoint: bytes
    attested: Mapping[int, Sequence[str]] = field(default_factory=dict)
    first: int = 0


def list_tree(tiles: Tiles, paths: Iterable[str], checkpoint: bytes) -> Tree:
    """Sort the paths of a tree's objects."""
    anchors: list[int] = []
    attested: dict[int, list[str]] = defaultdict(list)
    bundles: list[int] = []
    for path in paths:
        anchor = anchor_size(path)
        said = stamp_of(path) or cosignature_of(path)
        if anchor is not None:
            anchors.append(anchor)
        elif said is not None:
            attested[said.size].append(path)
        elif path.startswith(_BUNDLES):
            with suppress(InputError):
                bundles.append(parse_path(path).begin)
    return Tree(tiles, sorted(anchors), checkpoint, attested, min(bundles, default=0))


def read_identity(tiles: Tiles) -> tuple[LogIdentity, KeyPeriod]:
    """Return what log a tree is of, and its first key. Raises EvidenceError where it does not tell."""
    statement = tiles.get(IDENTITY)
    if statement is None:
        raise EvidenceError(
            f"the published tree has no object {IDENTITY!r}: it does not say what log it is of",
            meaning="The entries may be whole; the table cannot be rebuilt from the tree alone.",
            remedy="Restore the object from another copy of the tree, or the database from its backup.",
        )
    return parse_beginning(statement)


def rebuild(  # noqa: PLR0913 - each is one thing that rebuilding needs
    log: LogIdentity,
    tree: Tree,
    store: EntryStore,
    reader: EntryReader,
    progress: Progress,
    *,
    into: Tiles | None = None,
) -> Checkpoint:
    """Bring a registered log's table up to the tree's newest checkpoint; return that.

    ``into`` is where the tree's objects are kept from now on, None where they stay. The table may hold a
    beginning of the log already, sealed by the same anchors. Raises EvidenceError naming the first object that is
    missing or does not fit; what was committed before it stands.
    """
    return _Rebuilding(log, tree, store, reader, into).run(progress)


class _Rebuilding:
    def __init__(
        self, log: LogIdentity, tree: Tree, store: EntryStore, reader: EntryReader, into: Tiles | None
    ) -> None:
        self._log = log
        self._tree = tree
        self._store = store
        self._reader = reader
        self._into = into
        self._keys = list(store.keys(log.name))
        head = store.head(log.name)
        self._last = head.last if head.size else NO_HASH
        self._edge = (
            restore_edge(log.name, head, store, reader, tree.tiles)
            if head.size
            else Edge(CompactRange(), [], [])
        )

    def run(self, progress: Progress) -> Checkpoint:
        tree = self._tree
        size = read_checkpoint(tree.checkpoint).size
        if size not in tree.anchors:
            raise EvidenceError(f"{anchor_path(size)} is missing from the published tree")
        self._keep([(IDENTITY, self._keys[0].statement)], self._log.created)
        if 0 in tree.anchors and self._edge.size == 0:
            self._keep([(anchor_path(0), tree.tiles.get(anchor_path(0)) or b"")], self._log.created)
        progress(self._edge.size, size)
        for anchor in tree.anchors:
            if self._edge.size < anchor <= size:
                self._advance(anchor)
                progress(anchor, size)
        newest = open_published(tree.checkpoint, self._log.origin, self._keys)
        if self._edge.root != newest.root:
            raise EvidenceError(f"the published checkpoint of {size:,} entries is not the tree's")
        self._require_ordered(size)
        return newest

    def _require_ordered(self, size: int) -> None:
        """Raise EvidenceError where entries are gone that the log did not order to be destroyed."""
        first = min(self._tree.first, size)
        order = newest_destruction(self._reader, self._log) if first else None
        if first and (order is None or order.minimum < first):
            raise EvidenceError(
                f"the first {first:,} entries are missing from the published tree, and nothing in the log says that "
                "they were destroyed"
            )

    def _advance(self, size: int) -> None:
        """Do the five steps up to one anchor."""
        start = self._edge.size
        note = self._tree.tiles.get(anchor_path(size))
        if note is None:
            raise EvidenceError(f"{anchor_path(size)} is missing from the published tree")
        begin = min(max(start, self._tree.first), size)
        entries = self._entries(begin, size)
        gone = self._destroyed(start, begin)
        hashes = leaf_hashes(entries)
        views = [view_entry(entry) for entry in entries]
        self._last = gone[-1] if gone else self._last
        rows = list(self._rows(entries, hashes, views, begin))
        extension = self._edge.extend([b""] * len(gone) + entries, gone + hashes)
        completed = [one for one in extension.completed if not self._is_destroyed(one[0])]
        for path, data in completed:
            if self._tree.tiles.get(path) != data:
                raise EvidenceError(f"{path} is not what the entries under it imply")
        key = _key_of(entries[-1], size) if entries else None
        if key is not None:
            self._keys.append(key)
            check_keys(self._log, self._keys)
        checkpoint = open_published(note, self._log.origin, self._keys)
        if (checkpoint.size, checkpoint.root) != (size, self._edge.root):
            raise EvidenceError(
                f"the entries up to {size:,} do not add up to {anchor_path(size)}",
                meaning="An entry, a tile or the checkpoint was altered; nothing past the anchor before it is rebuilt.",
                remedy="Restore the tree's objects from another copy, and start over; what was rebuilt is kept.",
            )
        # When what was destroyed was sealed, nothing tells any more: not before the log began.
        sealed = views[-1].ledger.recorded if views else self._log.created
        batch = Batch(start, size, extension.fold, checkpoint.root, sealed, note)
        partial = [one for one in self._edge.partial() if not self._is_destroyed(one[0])]
        self._keep([*completed, *partial, (anchor_path(size), note)], batch.sealed)
        self._keep(self._attestations(size), batch.sealed)
        self._store.commit(self._log.name, rows, batch, key)
        self._last = (gone + hashes)[-1]

    def _destroyed(self, start: int, end: int) -> list[bytes]:
        """Return the hashes of destroyed entries, from the tiles; the anchor's root says if they are right."""
        tiles = TileReader(self._tree.tiles.get, max(self._tree.anchors))
        return [tiles.node(0, index) for index in range(start, end)]

    def _is_destroyed(self, path: str) -> bool:
        """Say whether a path is of a bundle whose entries were destroyed."""
        return path.startswith(_BUNDLES) and parse_path(path).begin < self._tree.first

    def _keep(self, objects: Sequence[tuple[str, bytes]], since: str) -> None:
        if self._into is not None:
            self._into.put(objects, since)

    def _attestations(self, size: int) -> list[tuple[str, bytes]]:
        """Return what others said of the checkpoint of this size."""
        found = ((path, self._tree.tiles.get(path)) for path in self._tree.attested.get(size, ()))
        return [(path, data) for path, data in found if data is not None]

    def _entries(self, start: int, end: int) -> list[bytes]:
        """Return the entries of a range from their bundles."""
        entries: list[bytes] = []
        if start >= end:
            return entries
        for first in range(start // TILE_WIDTH * TILE_WIDTH, end, TILE_WIDTH):
            bundle = self._bundle(first // TILE_WIDTH, min(end - first, TILE_WIDTH))
            entries += bundle[max(start - first, 0) : end - first]
        return entries

    def _bundle(self, index: int, width: int) -> list[bytes]:
        """Return at least the first ``width`` entries of a bundle: from the full one, else from that partial one."""
        for tile in (Tile(BUNDLE, index), Tile(BUNDLE, index, width)):
            data = self._tree.tiles.get(tile.path)
            if data is not None:
                try:
                    return parse_bundle(data, tile.width)
                except InputError as error:
                    raise EvidenceError(f"{tile.path}: {error}") from None
        raise EvidenceError(f"{Tile(BUNDLE, index, width).path} is missing from the published tree")

    def _rows(
        self, entries: Sequence[bytes], hashes: Sequence[bytes], views: Sequence[EntryView], start: int
    ) -> Iterator[EntryRow]:
        """Yield the rows that entries imply; each must name its index and the entry before it."""
        last = self._last
        for index, (entry, hashed, view) in enumerate(zip(entries, hashes, views, strict=True), start):
            if view.ledger.index != index or view.ledger.previous != last.hex():
                raise EvidenceError(f"entry {index} of the published tree does not follow the one before it")
            subject, link = view.event.subject, view.ledger.order
            chain = chain_name(subject.order, subject.tenant)
            number = link.number if link is not None else 0
            try:
                event = parse_id(view.event.id)
            except ValueError as error:
                raise EvidenceError(
                    f"the event of entry {index} of the published tree has an id that is {error}"
                ) from None
            yield EntryRow(index, event, chain, number, last, hashed, entry)
            last = hashed


def _key_of(entry: bytes, size: int) -> KeyPeriod | None:
    """Return the key that an entry brings in for checkpoints of ``size`` and above; None for any other entry.

    Whether the key before it named it is checked by whoever takes it.
    """
    if _ROTATION not in entry:
        return None
    event = json.loads(entry)["event"]
    if event["action"] != "key.rotate":
        return None
    after = {change["path"]: change.get("after") for change in event["changes"]}
    return KeyPeriod(size, str(after.get("/key")), str(after.get("/statement")).encode())
