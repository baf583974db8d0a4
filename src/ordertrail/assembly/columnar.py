"""The segments of the trail in a directory: where they are, what they are made of, and who asks them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock

from ordertrail.adapters.columnar.columns import DuckColumns
from ordertrail.adapters.columnar.duck import Bounds, Duck
from ordertrail.adapters.columnar.inspection import DirectoryInspection
from ordertrail.adapters.columnar.shelf import DirectoryShelf
from ordertrail.adapters.sql.database import Database
from ordertrail.adapters.sql.entries import SqlEntries
from ordertrail.adapters.sql.streams import list_streams
from ordertrail.assembly.databases import DATABASE
from ordertrail.assembly.stores import Stores, read_settings
from ordertrail.assembly.trail import no_trail
from ordertrail.kernel.clock import Clock, utc_now
from ordertrail.kernel.errors import EvidenceError, UnavailableError
from ordertrail.ledger.checkpoint_text import Checkpoint
from ordertrail.ledger.recovery import open_published
from ordertrail.ledger.subtree import check_subtree_consistency, prove_subtree_consistency, subtree_root
from ordertrail.ledger.tiles import TileReader
from ordertrail.query.engines import NoSegments
from ordertrail.query.segments.building import Source
from ordertrail.query.segments.manifest import Block, Manifest, format_manifest
from ordertrail.query.segments.planning import Heights, current
from ordertrail.query.segments.ports import Columns, Inspection, PublishedTree, Shelf
from ordertrail.query.sharing.tie import Tie, check_tie
from ordertrail.settings import Settings


class StoredTree:
    """Implements :class:`ordertrail.query.sharing.ports.Proven`, and so ``PublishedTree``, over a trail's trees."""

    def __init__(self, stores: Stores, database: Database) -> None:
        self._stores = stores
        self._entries = SqlEntries(database)
        self._logs = {one.name: one for one in list_streams(database)}
        self._opened: dict[str, tuple[bytes, Checkpoint, TileReader]] = {}

    def size(self, stream: str) -> int:
        """See the port."""
        return self._open(stream)[0].size

    def origin(self, stream: str) -> str:
        """See the port."""
        return self._logs[stream].origin

    def root(self, stream: str, block: Block) -> bytes:
        """See the port."""
        checkpoint, reader = self._open(stream)
        span = (block.start, block.end)
        if block.end > checkpoint.size:
            raise EvidenceError(f"entry {block.end - 1} of stream {stream} is under no published checkpoint")
        node = subtree_root(span, reader)
        proof = prove_subtree_consistency(span, checkpoint.size, reader)
        check_subtree_consistency(span, node, checkpoint.size, checkpoint.root, proof)
        return node

    def tie(self, manifest: Manifest) -> Tie:
        """See :class:`ordertrail.query.sharing.ports.Proven`."""
        stream, block = manifest.stream, manifest.block
        if manifest.origin != self.origin(stream) or self.root(stream, block) != manifest.root:
            raise EvidenceError(
                f"segment {block.name} of stream {stream} is not of this log",
                meaning="It is not shared; the log is untouched.",
                remedy="Make the segments anew with 'ordertrail segments build --anew'.",
            )
        checkpoint, reader = self._open(stream)
        proof = prove_subtree_consistency((block.start, block.end), checkpoint.size, reader)
        digest = sha256(format_manifest(manifest)).digest()
        return Tie(stream, block, manifest.root, digest, self._opened[stream][0], proof)

    def check(self, tie: Tie) -> None:
        """See :class:`ordertrail.query.sharing.ports.Proven`."""
        check_tie(
            tie, open_published(tie.checkpoint, self.origin(tie.stream), self._entries.keys(tie.stream))
        )

    def _open(self, stream: str) -> tuple[Checkpoint, TileReader]:
        note = self._stores.publication(stream).checkpoint()
        if note is None:
            raise EvidenceError(f"stream {stream} has no published checkpoint")
        known = self._opened.get(stream)
        if known is None or known[0] != note:
            identity = self._logs[stream]
            checkpoint = open_published(note, identity.origin, self._entries.keys(stream))
            known = (note, checkpoint, TileReader(self._stores.tiles(identity).get, checkpoint.size))
            self._opened[stream] = known
        return known[1], known[2]


class TrustedSegments:
    """The segments that may be asked: those whose root is in the published tree. Called, they are as they are now."""

    def __init__(
        self, shelf: DirectoryShelf, duck: Duck, tree: PublishedTree, streams: Sequence[str]
    ) -> None:
        self._shelf = shelf
        self._duck = duck
        self._tree = tree
        self._streams = streams
        self._lock = Lock()
        self._seen: object = None
        self._columns: Columns = NoSegments()

    def __call__(self) -> Columns:
        """Return them; whoever asks meanwhile keeps what they have."""
        with self._lock:
            seen = self._shelf.changed(self._streams)
            if seen != self._seen:
                self._columns = self._read()
                self._seen = seen
            return self._columns

    def _read(self) -> Columns:
        found = [
            (one, self._shelf.folder(one))
            for stream in self._streams
            for one in current(m for m in self._shelf.manifests(stream) if self._is_ours(m))
        ]
        return DuckColumns(self._duck, found) if found else NoSegments()

    def _is_ours(self, manifest: Manifest) -> bool:
        """Say whether a segment is of this log; 'segments verify' says why one is not."""
        try:
            return (
                manifest.origin == self._tree.origin(manifest.stream)
                and self._tree.root(manifest.stream, manifest.block) == manifest.root
            )
        except (EvidenceError, UnavailableError):
            return False


@contextmanager
def trusted_segments(
    root: Path, settings: Settings, stores: Stores, log: Database, streams: Sequence[str]
) -> Iterator[TrustedSegments]:
    """Open the segments of a trail to be asked."""
    chosen = settings.segments
    folder = root / chosen.folder
    duck = Duck(folder, Bounds(chosen.threads, chosen.memory, chosen.seconds))
    try:
        yield TrustedSegments(DirectoryShelf(folder, duck), duck, StoredTree(stores, log), streams)
    finally:
        duck.close()


@dataclass(frozen=True, slots=True)
class SegmentWork:
    """What making and checking segments needs."""

    shelf: Shelf
    inspection: Inspection
    source: Source
    streams: Sequence[str]
    heights: Heights


@contextmanager
def open_segments(root: Path, *, clock: Clock = utc_now) -> Iterator[SegmentWork]:
    """Open the segments of the trail in a directory, to be made and checked.

    Raises ConfigurationError where there is no trail.
    """
    settings = read_settings(root)
    if settings.database.url is None and not (root / DATABASE).exists():
        raise no_trail(root)
    stores = Stores(root, settings, clock)
    log = stores.database.open()
    chosen = settings.segments
    duck = Duck(root / chosen.folder, Bounds(chosen.threads, chosen.memory, 24 * 3_600))
    try:
        shelf = DirectoryShelf(root / chosen.folder, duck)
        yield SegmentWork(
            shelf,
            DirectoryInspection(shelf, duck),
            Source(SqlEntries(log), StoredTree(stores, log), settings.actions),
            [one.name for one in list_streams(log)],
            Heights(min(chosen.height, chosen.joined_height), chosen.joined_height),
        )
    finally:
        duck.close()
        log.close()
