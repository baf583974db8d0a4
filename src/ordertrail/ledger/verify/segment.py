"""One stretch of a log, checked by one process: rows, bundles, tiles of level 0, batches, custody.

A segment is a run of whole batches. It reads rows from the tile boundary at or before its first entry, so
that it sees each tile that ends in it whole; the tile that its last entry begins belongs to the next one.
What is compared is compared in bulk, some hundreds of entries at a time (:mod:`ordertrail.ledger.verify.rows`);
only where the bulk differs is each entry looked at, to name the one that is wrong.
"""

import gc
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from ordertrail.kernel.errors import EvidenceError
from ordertrail.ledger.entry import NO_HASH, EntryView, view_entry
from ordertrail.ledger.hashing import leaf_hashes
from ordertrail.ledger.merkle import RangeNodes, cover, fold
from ordertrail.ledger.native import Tails
from ordertrail.ledger.ports import Batch, EntryRow
from ordertrail.ledger.tiles import MAX_ENTRY_SIZE, TILE_HEIGHT, TILE_WIDTH, Tile, TileReader
from ordertrail.ledger.verify.blobs import blob_findings
from ordertrail.ledger.verify.checkpoints import KeyHistory, checkpoint_problem
from ordertrail.ledger.verify.published import Listing
from ordertrail.ledger.verify.report import Counts, Finding, Step
from ordertrail.ledger.verify.rows import Opened, Regular, regular_rows
from ordertrail.ledger.verify.source import Source
from ordertrail.ledger.verify.windows import Window, check_window
from ordertrail.record.chain import SEPARATOR, chain_name

SEGMENT = 32_768
"""Entries of one task, about."""

GROUP = 2 * TILE_WIDTH
"""Rows compared at a time."""

_NO_HASH_HEX = NO_HASH.hex()


@dataclass(frozen=True, slots=True)
class Task:
    """What one process is asked to check.

    ``partial`` names the partial bundles and level-0 tiles of its windows as (window, level, width, required),
    ``published`` is the newest published size; ``last`` says that the log ends here. Entries below ``minimum`` were
    destroyed: their hashes are taken from the tiles.
    """

    start: int
    end: int
    batches: tuple[Batch, ...]
    partial: tuple[tuple[int, int, int, bool], ...]
    published: int
    last: bool
    minimum: int = 0


@dataclass(slots=True)
class Segment:
    """What one process found.

    ``covers`` holds, for each batch, the hashes of the maximal subtrees that cover it; ``tile_roots`` and
    ``tile_times`` the roots of the full tiles of level 0 that end here and when their last entry was recorded.
    """

    start: int
    end: int
    covers: list[list[bytes]] = field(default_factory=list)
    tile_roots: list[bytes] = field(default_factory=list)
    tile_times: list[str] = field(default_factory=list)
    first_recorded: str | None = None
    last_recorded: str | None = None
    counts: Counts = field(default_factory=Counts)
    findings: list[Finding] = field(default_factory=list)
    destroyed: list[Opened] = field(default_factory=list)
    """Entries whose order's previous one must be among those that were destroyed."""


def check_segment(source: Source, task: Task, keys: KeyHistory) -> Segment:
    """Check one segment.

    The garbage collector rests meanwhile: hundreds of thousands of small objects come and go and none of
    them is part of a cycle; looking for one would take a third of the time.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _Checker(source, task, keys).run()
    except EvidenceError as error:  # pages that the database itself cannot read
        span = task.end - task.start
        found = Finding(Step.CUSTODY, "table of entries", str(error), task.start, span=span)
        return Segment(task.start, task.end, findings=[found])
    finally:
        if collecting:
            gc.enable()


class _Checker:
    def __init__(self, source: Source, task: Task, keys: KeyHistory) -> None:
        self._source = source
        self._task = task
        self._keys = keys
        self._base = task.start // TILE_WIDTH * TILE_WIDTH
        self._leaves: list[bytes] = []
        self._tails = Tails()
        self._open: list[Opened] = []
        self._times: list[str] = []
        self._partial: dict[int, list[tuple[int, int, bool]]] = {}
        for index, level, width, required in task.partial:
            self._partial.setdefault(index, []).append((level, width, required))
        self._result = Segment(task.start, task.end)

    def run(self) -> Segment:
        task, result = self._task, self._result
        begin = self._begin_after_destroyed()
        last = self._hash_before(begin)
        recorded = ""
        groups = self._source.rows.row_groups(self._source.log.name, begin, task.end, GROUP)
        for first, rows in zip(range(begin, task.end, GROUP), groups, strict=True):
            end = min(first + GROUP, task.end)
            unbroken = rows if len(rows) == end - first else self._before_hole(rows, first, end)
            if unbroken:
                last, recorded = self._check_rows(unbroken, first, last, recorded)
            if len(unbroken) != end - first:
                break
        self._check_open_chains()
        nodes = RangeNodes(self._base, self._leaves)
        result.tile_roots = nodes.row(TILE_HEIGHT)
        covered = self._base + len(self._leaves)
        for batch in task.batches:
            if batch.end <= covered:
                self._check_batch(batch, nodes)
        first = max(task.start, task.minimum)
        if covered > first:
            result.first_recorded, result.last_recorded = self._times[first - self._base], self._times[-1]
            result.counts.entries = covered - first
        result.counts.batches = len(result.covers)
        return result

    def _begin_after_destroyed(self) -> int:
        """Take the hashes of entries that were destroyed from the tiles; return from where on there are rows."""
        begin = max(self._base, self._task.minimum)
        tiles = TileReader(self._source.tiles.get, self._task.published)
        for window in range(self._base // TILE_WIDTH, begin // TILE_WIDTH):
            self._leaves += tiles.hashes(Tile(0, window))
            self._times += [""] * TILE_WIDTH
            self._result.tile_times.append("")
        return begin

    def _find(
        self, step: Step, where: str, message: str, index: int | None = None, order: str | None = None
    ) -> None:
        # What stands before the segment's first entry is the business of the segment before.
        if index is None or index >= self._task.start:
            self._result.findings.append(Finding(step, where, message, index, order))

    def _hash_before(self, index: int) -> bytes:
        if index == 0:
            return NO_HASH
        if index <= self._task.minimum:
            return TileReader(self._source.tiles.get, self._task.published).node(0, index - 1)
        before = self._source.reader.rows(self._source.log.name, index - 1, index)
        return next((row.hash for row in before), NO_HASH)

    def _before_hole(self, rows: Sequence[EntryRow], first: int, end: int) -> Sequence[EntryRow]:
        """Name the first row that is missing; return those before it, which can still be checked."""
        present = {row[0] for row in rows}
        gone = next(index for index in range(first, end) if index not in present)
        count = end - first - len(present)
        self._find(
            Step.CONTINUITY,
            f"row of entry {gone}",
            f"is missing from the table ({count} missing in rows {first} to {end - 1})",
            gone,
        )
        return rows[: gone - first]

    def _check_rows(
        self, rows: Sequence[EntryRow], first: int, last: bytes, recorded: str
    ) -> tuple[bytes, str]:
        """Check a group of rows against their entries and the published copies; return where they end."""
        regular = regular_rows(rows, first, last, recorded, self._tails)
        if regular is not None:
            leaves, times = regular.leaves, regular.times
            self._open += regular.opened
            recorded = times[-1]
        else:
            leaves, times, recorded = self._locate(rows, first, last, recorded)
        self._leaves += leaves
        self._times += times
        self._check_windows(rows, first, leaves, times, regular)
        return leaves[-1], recorded

    def _locate(
        self, rows: Sequence[EntryRow], first: int, last: bytes, recorded: str
    ) -> tuple[list[bytes], list[str], str]:
        """Name what is wrong with a group of rows; return their leaf hashes and times, and the last of these."""
        entries = [row[-1] for row in rows]
        leaves = leaf_hashes(entries)
        views = self._views(entries, first)
        if views is None:
            return leaves, [""] * len(rows), recorded
        times = [view.ledger.recorded for view in views]
        self._locate_rows(rows, views, leaves, [last, *leaves[:-1]])
        self._locate_time(times, first, recorded)
        self._locate_links(rows, views, leaves, first)
        return leaves, times, times[-1]

    def _views(self, entries: Sequence[bytes], first: int) -> list[EntryView] | None:
        try:
            return [view_entry(entry) for entry in entries]
        except (EvidenceError, RecursionError):  # somebody may have written brackets within brackets
            for index, entry in enumerate(entries, first):
                try:
                    view_entry(entry)
                except (EvidenceError, RecursionError) as error:
                    self._find(Step.CONTENT, f"row of entry {index}", str(error), index)
            return None

    def _locate_rows(
        self,
        rows: Sequence[EntryRow],
        views: Sequence[EntryView],
        leaves: Sequence[bytes],
        expected_previous: Sequence[bytes],
    ) -> None:
        """Name each row that differs from what its entry implies."""
        for raw, view, leaf, before in zip(rows, views, leaves, expected_previous, strict=True):
            row = EntryRow(*raw)
            order = view.event.subject.order
            where = f"row of entry {row.index}"
            if row.hash != leaf:
                self._find(Step.CONTENT, where, "the entry does not hash to the row's hash", row.index, order)
            if row.previous != before or view.ledger.previous != before.hex():
                self._find(Step.CONTINUITY, where, "does not follow the row before it", row.index, order)
            if view.ledger.index != row.index:
                self._find(
                    Step.CONTINUITY, where, f"holds the entry of index {view.ledger.index}", row.index, order
                )
            if view.event.id.replace("-", "") != row.id.hex():
                self._find(Step.CONTENT, where, "is filed under another event's id", row.index, order)

    def _locate_time(self, times: Sequence[str], first: int, before: str) -> None:
        for index, (earlier, later) in enumerate(pairwise((before, *times)), first):
            if later < earlier:
                self._find(Step.TIME, f"entry {index}", f"was recorded at {later}, before {earlier}", index)

    def _locate_links(
        self, rows: Sequence[EntryRow], views: Sequence[EntryView], leaves: Sequence[bytes], first: int
    ) -> None:
        """Name each entry that is not linked to its order's previous entry; note where the chains stand."""
        tails = self._tails
        for index, (row, view, leaf) in enumerate(zip(rows, views, leaves, strict=True), first):
            subject, link = view.event.subject, view.ledger.order
            _, _, chain, number, *_ = row
            where = f"row of entry {index}"
            if chain is None:
                if subject.order is not None or link is not None or number != 0:
                    message = "is not filed under its order"
                    self._find(Step.CONTINUITY, where, message, index, subject.order)
                continue
            if link is None or chain != chain_name(subject.order, subject.tenant) or link.number != number:
                message = "is filed at another place of an order than its entry says"
                self._find(Step.CONTINUITY, where, message, index, subject.order)
                continue
            tail = tails.get(chain)
            if tail is None:
                self._open.append((chain, number, link.previous, index))
            elif tail[0] + 1 != number or tail[1].hex() != link.previous:
                message = f"number {number} of its order does not follow number {tail[0]}"
                self._find(Step.CONTINUITY, f"entry {index}", message, index, subject.order)
            tails[chain] = (number, leaf)

    def _check_open_chains(self) -> None:
        """Check the first entry that each order has here against its last one before the segment's rows."""
        wanted = [(chain, number - 1) for chain, number, _, _ in self._open if number > 1]
        found = self._source.reader.linked(self._source.log.name, wanted) if wanted else {}
        for chain, number, previous, index in self._open:
            before = found.get((chain, number - 1))
            order = chain.split(SEPARATOR)[0]
            if number == 1:
                if previous != _NO_HASH_HEX:
                    self._find(
                        Step.CONTINUITY,
                        f"entry {index}",
                        "is the first of its order and names one before it",
                        index,
                        order,
                    )
            elif before is None and self._task.minimum:
                self._result.destroyed.append((chain, number, previous, index))
            elif before is None or before[0] >= index or before[1].hex() != previous:
                self._find(
                    Step.CONTINUITY,
                    f"entry {index}",
                    f"number {number} of its order does not follow number {number - 1}",
                    index,
                    order,
                )

    def _check_windows(
        self,
        rows: Sequence[EntryRow],
        first: int,
        leaves: Sequence[bytes],
        times: Sequence[str],
        regular: Regular | None,
    ) -> None:
        """Check the published bundles and tiles of level 0 that end in this group of rows, and its blobs."""
        task, source, result = self._task, self._source, self._result
        # By its place, for a row is the driver's own tuple; the entry is the last column.
        entries = [row[-1] for row in rows]
        for at in range(0, len(entries), TILE_WIDTH):
            end = at + TILE_WIDTH
            window = Window((first + at) // TILE_WIDTH, entries[at:end], leaves[at:end], times[at:end])
            if window.full:
                result.tile_times.append(window.times[-1])
            if regular is None and max(map(len, window.entries)) > MAX_ENTRY_SIZE:
                self._locate_too_long(window)
                continue
            if window.full or task.last:
                partial = self._partial.get(window.index, ())
                result.findings += check_window(source, window, partial, task.published, result.counts)
            if regular is None or regular.blobs:
                result.findings += blob_findings(source, window, result.counts, task.start)

    def _locate_too_long(self, window: Window) -> None:
        """Name each entry that no bundle can hold; there is none to compare with the published one."""
        for index, entry in enumerate(window.entries, window.start):
            if len(entry) > MAX_ENTRY_SIZE:
                message = f"has {len(entry):,} bytes; an entry has at most {MAX_ENTRY_SIZE:,}"
                self._find(Step.CONTENT, f"row of entry {index}", message, index)

    def _check_batch(self, batch: Batch, nodes: RangeNodes) -> None:
        """Check a batch's own root and its signed checkpoint; its tree root is checked by the caller."""
        covering = [nodes.node(level, index) for level, index in cover(batch.start, batch.end)]
        self._result.covers.append(covering)

        def find(step: Step, message: str) -> None:
            where, span = f"batch of entries {batch.start} to {batch.end - 1}", batch.end - batch.start
            self._result.findings.append(Finding(step, where, message, batch.start, span=span))

        if fold(covering) != batch.root:
            find(Step.INCLUSION, "its entries do not add up to its root")
        recorded = self._times[batch.end - 1 - self._base]
        if recorded and batch.sealed != recorded:
            find(Step.TIME, f"says it was sealed at {batch.sealed}, its entries at {recorded}")
        origin = self._source.log.origin
        if problem := checkpoint_problem(batch.checkpoint, origin, batch.end, batch.tree_root, self._keys):
            find(*problem)
        self._result.counts.checkpoints += 1


def segments(
    batches: Iterable[Batch], listing: Listing, published: int, entries: int = SEGMENT, minimum: int = 0
) -> Iterator[Task]:
    """Cut a log's batches into tasks of about so many entries each, at gaps too."""
    pending: list[Batch] = []
    for batch in batches:
        full = pending and batch.end - pending[0].start > entries
        if full or (pending and pending[-1].end != batch.start):
            yield _task(pending, listing, published, minimum, last=False)
            pending = []
        pending.append(batch)
    if pending:
        yield _task(pending, listing, published, minimum, last=True)


def _task(pending: Sequence[Batch], listing: Listing, published: int, minimum: int, *, last: bool) -> Task:
    start, end = pending[0].start, pending[-1].end
    windows = listing.windows(start // TILE_WIDTH, end // TILE_WIDTH + 1)
    return Task(start, end, tuple(pending), tuple(windows), published, last, minimum)
