"""The part of a log whose entries were destroyed: what still adds up there, and whether they may be gone.

Of the entries below the minimum index the hashes are left. From them follow, as from the entries before, every tile
above, every root that was signed, and every checkpoint. What is checked in the place of the entries themselves is the
order by which they were destroyed: it is an entry of this log, it names the root that the hashes add up to, and it
came after their term.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from ordertrail.kernel.clock import format_time, parse_time
from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.kernel.numbers import count
from ordertrail.ledger.merkle import CompactRange, cover, range_fold, root
from ordertrail.ledger.ports import Batch
from ordertrail.ledger.pruning import Destruction, newest_destruction
from ordertrail.ledger.tiles import BUNDLE, TILE_WIDTH, Tile, TileReader
from ordertrail.ledger.verify.checkpoints import KeyHistory, checkpoint_problem
from ordertrail.ledger.verify.report import Finding, Step
from ordertrail.ledger.verify.rows import Opened
from ordertrail.ledger.verify.source import Source
from ordertrail.ledger.verify.upper import UpperTiles
from ordertrail.record.chain import SEPARATOR


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was destroyed, and the batch that the minimum index lies in: from its start on there is a tree to grow."""

    order: Destruction
    start: int
    published: int

    def reader(self, source: Source) -> TileReader:
        """Return what reads the hashes."""
        return TileReader(source.tiles.get, self.published)


def find_pruned(source: Source, published: int) -> Pruned | None:
    """Return what was destroyed by an order of the log's own; None where all entries should be there."""
    order = newest_destruction(source.reader, source.log)
    if order is None or order.minimum > published:
        return None
    if next(iter(source.reader.rows(source.log.name, 0, 1)), None) is not None:
        return None  # it was ordered, and not begun: everything is there, and is checked
    batch = next(source.reader.batches(source.log.name, order.minimum), None)
    return None if batch is None else Pruned(order, batch.start, published)


def begin_pruned(source: Source, pruned: Pruned, keys: KeyHistory) -> tuple[CompactRange, list[Finding]]:
    """Return the tree up to the batch in which the minimum index lies, and what is wrong below that."""
    reader, order = pruned.reader(source), pruned.order
    where = f"entries 0 to {order.minimum - 1}"
    try:
        nodes = [reader.node(level, index) for level, index in cover(0, pruned.start)]
        tree = CompactRange(0, pruned.start, nodes)
        findings = list(_batch_findings(source, pruned, keys, reader))
        if range_fold(0, order.minimum, reader) != order.root:
            message = f"what is left of them is not what event {order.event} ordered to be destroyed"
            findings.append(Finding(Step.INCLUSION, where, message, 0, span=order.minimum))
    except EvidenceError as error:
        return CompactRange(), [Finding(Step.CUSTODY, where, str(error), 0, span=order.minimum)]
    return tree, [*findings, *_term_findings(source, order, where)]


def _batch_findings(
    source: Source, pruned: Pruned, keys: KeyHistory, reader: TileReader
) -> Iterator[Finding]:
    """Hold the batches whose entries are gone against the hashes: their own roots, the tree's, and who signed."""
    for batch in _below(source.reader.batches(source.log.name), pruned.start):
        where, span = f"batch of entries {batch.start} to {batch.end - 1}", batch.end - batch.start
        if range_fold(batch.start, batch.end, reader) != batch.root:
            message = "the hashes that are left do not add up to its root"
            yield Finding(Step.INCLUSION, where, message, batch.start, span=span)
        expected = range_fold(0, batch.end, reader)
        if expected != batch.tree_root:
            message = f"the hashes that are left do not add up to the signed root of {batch.end:,} entries"
            yield Finding(Step.INCLUSION, where, message, batch.start, span=span)
        problem = checkpoint_problem(batch.checkpoint, source.log.origin, batch.end, expected, keys)
        if problem is not None:
            yield Finding(problem[0], where, problem[1], batch.start, span=span)


def _below(batches: Iterable[Batch], start: int) -> Iterator[Batch]:
    for batch in batches:
        if batch.end > start:
            return
        yield batch


def _term_findings(source: Source, order: Destruction, where: str) -> Iterator[Finding]:
    """Say whether the newest of what was destroyed was destroyed before its term was over."""
    batch = next(source.reader.batches(source.log.name, order.minimum - 1), None)
    if batch is None:
        return
    try:
        due = parse_time(batch.sealed) + timedelta(days=source.log.keep_days)
        early = parse_time(order.recorded) < due
    except (ValueError, OverflowError):
        yield Finding(Step.TIME, where, "when their term was over cannot be told", 0, span=order.minimum)
        return
    if early:
        message = (
            f"were ordered to be destroyed at {order.recorded}, and their term was over at {format_time(due)}"
        )
        yield Finding(Step.CUSTODY, where, message, 0, span=order.minimum)


def add_destroyed_tiles(source: Source, pruned: Pruned, upper: UpperTiles) -> Iterator[Finding]:
    """Build the tiles above level 0 from the hashes that are left, and compare them as they become full."""
    reader = pruned.reader(source)
    for window in range(pruned.start // TILE_WIDTH):
        try:
            hashes = reader.hashes(Tile(0, window))
        except (EvidenceError, InputError) as error:
            yield Finding(
                Step.CUSTODY, Tile(0, window).path, str(error), window * TILE_WIDTH, span=TILE_WIDTH
            )
            return
        yield from upper.add(root(hashes), "")


def chain_findings(source: Source, pruned: Pruned, opened: Iterable[Opened]) -> Iterator[Finding]:
    """Look for the entries that orders go on from among the hashes of those that were destroyed."""
    wanted = {bytes.fromhex(previous): (chain, number, index) for chain, number, previous, index in opened}
    reader = pruned.reader(source)
    for window in range(pruned.order.minimum // TILE_WIDTH if wanted else 0):
        for leaf in reader.hashes(Tile(0, window)):
            wanted.pop(leaf, None)
    for chain, number, index in wanted.values():
        message = f"number {number} of its order does not follow number {number - 1}"
        yield Finding(Step.CONTINUITY, f"entry {index}", message, index, chain.split(SEPARATOR)[0])


def notes_of(source: Source, pruned: Pruned) -> Iterator[str]:
    """Say what was destroyed, by which order, what is still proven of it, and what is not destroyed yet."""
    order = pruned.order
    yield (
        f"The first {count(order.minimum, 'event')} were destroyed under the order {order.event} of {order.recorded}; "
        "their hashes are kept, and everything that was signed over them still adds up."
    )
    windows = range(order.minimum // TILE_WIDTH)
    left = sum(source.tiles.get(Tile(BUNDLE, window).path) is not None for window in windows)
    if left:
        yield f"{count(left, 'bundle')} of destroyed events is still kept: the destruction is to be gone on with."
