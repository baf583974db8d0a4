"""Making segments: from where they end up to where the published log does, one step after the other.

*If we stop* within a step, nothing of it is there; after it, the segment is. So the next start calls the same function.
Parts that were joined stay until then, for those who read them just now; readers take the large segment.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ordertrail.kernel.errors import EvidenceError
from ordertrail.ledger.hashing import leaf_hashes
from ordertrail.query.entries import read_entry
from ordertrail.query.ports import LogReader
from ordertrail.query.projection import project
from ordertrail.query.segments.manifest import Block, Manifest, digest_of
from ordertrail.query.segments.planning import Heights, Join, Make, steps, superseded
from ordertrail.query.segments.ports import Leaf, Making, PublishedTree, Shelf
from ordertrail.record.actions import Action

_AT_ONCE = 4_096


@dataclass(frozen=True, slots=True)
class Source:
    """What segments are made of: the log, its published tree, and the words in which its events are told."""

    log: LogReader
    tree: PublishedTree
    actions: Mapping[str, Action]


def build(
    shelf: Shelf,
    source: Source,
    streams: Sequence[str],
    heights: Heights,
    on_segment: Callable[[Manifest], None] = lambda _: None,
) -> int:
    """Make every segment that can be made of what is published; return how many entries were read for them.

    Of a log whose beginning was destroyed there are none: what they had of it goes, and the index answers alone.

    Raises EvidenceError where entries are not what the published tree commits to: nothing is made of these. Raises
    BusyError where another process is at it.
    """
    read = 0
    with shelf.writing():
        for stream in streams:
            if _is_pruned(source, stream):
                for one in shelf.manifests(stream):
                    shelf.drop(stream, one.block)
                continue
            for old in superseded(shelf.manifests(stream)):
                shelf.drop(stream, old.block)
            while True:
                step = next(steps(shelf.manifests(stream), source.tree.size(stream), heights), None)
                if step is None:
                    break
                made, entries = _take(shelf, source, stream, step)
                read += entries
                on_segment(made)
    return read


def _is_pruned(source: Source, stream: str) -> bool:
    """Say whether a log has entries and its first one is gone."""
    return source.tree.size(stream) > 0 and next(iter(source.log.rows(stream, 0, 1)), None) is None


def drop_all(shelf: Shelf, streams: Sequence[str]) -> None:
    """Remove every segment of these logs."""
    with shelf.writing():
        for stream in streams:
            for one in shelf.manifests(stream):
                shelf.drop(stream, one.block)


def _take(shelf: Shelf, source: Source, stream: str, step: Make | Join) -> tuple[Manifest, int]:
    """Take a step; return the segment, and how many entries were read for it.

    Where a part is not what was written, the log says what it was.
    """
    block = step.block
    root = source.tree.root(stream, block)
    making = Making(stream, source.tree.origin(stream), block, root, digest_of(source.actions))
    if isinstance(step, Join):
        try:
            return shelf.join(making, step.parts), 0
        except EvidenceError:
            pass
    return shelf.make(making, leaves_of(source, stream, block)), block.end - block.start


def leaves_of(source: Source, stream: str, block: Block) -> Iterator[Leaf]:
    """Yield the leaves of a block from the log, each hashed anew. Raises EvidenceError where one is not as sealed."""
    for start in range(block.start, block.end, _AT_ONCE):
        rows = list(source.log.rows(stream, start, min(start + _AT_ONCE, block.end)))
        hashes = leaf_hashes([row.entry for row in rows])
        for place, (row, hash_) in enumerate(zip(rows, hashes, strict=True), start):
            if row.index != place:
                raise EvidenceError(f"entry {place} of stream {stream} is missing from the log")
            if row.hash != hash_:
                raise EvidenceError(f"entry {place} of stream {stream} was altered after it was sealed")
            sealed = read_entry(stream, row)
            if sealed.place.position != place:
                raise EvidenceError(
                    f"entry {place} of stream {stream} says that it is {sealed.place.position}"
                )
            yield Leaf(hash_, project(sealed.event, sealed.place, source.actions))
        if len(rows) != min(_AT_ONCE, block.end - start):
            raise EvidenceError(f"entry {start + len(rows)} of stream {stream} is missing from the log")
