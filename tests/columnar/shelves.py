"""Segments of events that tests make up, without a log: their leaf hashes are whatever hashes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from ordertrail.adapters.columnar.columns import DuckColumns
from ordertrail.adapters.columnar.duck import Bounds, Duck
from ordertrail.adapters.columnar.shelf import DirectoryShelf
from ordertrail.ledger.merkle import root as tree_root
from ordertrail.query.projection import Indexed
from ordertrail.query.segments.manifest import Block, Manifest
from ordertrail.query.segments.ports import Leaf, Making

ORIGIN = "shop.example/log"
WORDS = "0" * 64


@contextmanager
def opened(folder: Path, bounds: Bounds | None = None) -> Iterator[tuple[DirectoryShelf, Duck]]:
    """Open a shelf."""
    duck = Duck(folder, bounds or Bounds())
    try:
        yield DirectoryShelf(folder, duck), duck
    finally:
        duck.close()


def leaves_of(events: Sequence[Indexed]) -> list[Leaf]:
    """Return leaves of events."""
    return [Leaf(sha256(event.id.encode()).digest(), event) for event in events]


def make(shelf: DirectoryShelf, block: Block, events: Sequence[Indexed], stream: str = "default") -> Manifest:
    """Make a segment of events, as many as the block has leaves."""
    leaves = leaves_of(events)
    making = Making(stream, ORIGIN, block, tree_root([leaf.hash for leaf in leaves]), WORDS)
    with shelf.writing():
        return shelf.make(making, leaves)


def columns_of(shelf: DirectoryShelf, duck: Duck, streams: Sequence[str] = ("default",)) -> DuckColumns:
    """Return all segments of a shelf, to be asked."""
    return DuckColumns(
        duck, [(one, shelf.folder(one)) for stream in streams for one in shelf.manifests(stream)]
    )
