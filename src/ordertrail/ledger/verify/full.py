"""The full check of one log, in parallel, streaming, from its beginning or from a checkpoint.

Workers check segments (:mod:`ordertrail.ledger.verify.segment`); this module puts their hashes together into
the tree, in order, and holds it against every signed root, every tile above level 0 and every checkpoint that
was published or is kept elsewhere. Memory does not grow with the log: a segment's result is a few kilobytes,
and at most a few segments are under way at once.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from ordertrail.jobs.ports import Work, Workers
from ordertrail.jobs.processes import local_workers
from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.kernel.numbers import count
from ordertrail.ledger.checkpoint import Checkpoint
from ordertrail.ledger.hashing import EMPTY_ROOT
from ordertrail.ledger.merkle import CompactRange, cover, range_fold
from ordertrail.ledger.paths import anchor_path
from ordertrail.ledger.ports import Batch
from ordertrail.ledger.tiles import TILE_WIDTH, TileReader
from ordertrail.ledger.verify.attested import attestation_notes, check_attestations, cosigned_on
from ordertrail.ledger.verify.checkpoints import KeyHistory, checkpoint_problem, read_checkpoint
from ordertrail.ledger.verify.keys import key_history
from ordertrail.ledger.verify.provable import Held, provable_by_table, provable_by_tiles
from ordertrail.ledger.verify.pruned import (
    Pruned,
    add_destroyed_tiles,
    begin_pruned,
    chain_findings,
    find_pruned,
    notes_of,
)
from ordertrail.ledger.verify.published import Listing, list_published
from ordertrail.ledger.verify.report import Finding, Provable, Report, Step
from ordertrail.ledger.verify.segment import SEGMENT, Segment, Task, check_segment, segments
from ordertrail.ledger.verify.source import OpenSource, Source
from ordertrail.ledger.verify.upper import UpperTiles

_PARALLEL_FROM = 2 * SEGMENT
"""Entries below which starting processes would cost more than it gains."""

DEEP_UP_TO = 250_000
"""Entries up to which the database's own index check is part of every full check."""

Progress = Callable[[int, int], None]
"""Called with the entries done and all entries."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to check.

    ``since`` is a checkpoint that this log published, from which on to check; ``elsewhere`` holds checkpoints
    kept outside the trail, each with its name, that the log must extend; ``deep`` also compares the
    database's indexes with its tables (None: where the log is small enough).
    """

    processes: int = 1
    since: bytes | None = None
    elsewhere: Sequence[tuple[str, bytes]] = ()
    deep: bool | None = None
    workers: Workers | None = None
    """Who checks the stretches of the log; None: so many ``processes`` of this machine."""
    on_good: Callable[[bytes], None] | None = None
    """Called with the checkpoint of the newest batch up to which all is well, so that a check can go on there."""


def verify_log(open_source: OpenSource, options: Options, progress: Progress | None = None) -> Report:
    """Check a log. Findings are in the report; only what prevents checking raises."""
    source = open_source()
    try:
        return _FullCheck(source, open_source, options, progress or (lambda _done, _all: None)).run()
    finally:
        source.close()


@dataclass(slots=True)
class _Tree:
    """The tree as the entries imply it, and the signed roots that it must pass through."""

    range: CompactRange
    whole: bool = True
    proven: int = 0
    roots: dict[int, bytes] = field(default_factory=dict)


class _FullCheck:
    def __init__(self, source: Source, open_source: OpenSource, options: Options, progress: Progress) -> None:
        self._source = source
        self._open_source = open_source
        self._options = options
        self._progress = progress
        self._stream = self._source.log.name
        self._size = self._source.audit.size(self._stream)
        self._report = Report(self._stream, self._source.log.origin, self._size, 0)
        self._keys: KeyHistory
        self._tree = _Tree(CompactRange())
        self._held = Held()
        self._pruned: Pruned | None = None

    def run(self) -> Report:
        began = time.perf_counter()
        report, source = self._report, self._source
        self._keys, key_findings = key_history(source)
        self._find(key_findings)
        published = self._published()
        report.published = published.size if published else 0
        listing = list_published(source.custody.paths(), self._size, report.published)
        self._find(listing.findings)
        elsewhere = list(self._elsewhere())
        for size in (*listing.anchors, report.published, *(checkpoint.size for _, checkpoint in elsewhere)):
            self._tree.roots[size] = b""
        self._tree.roots[0] = EMPTY_ROOT
        since = self._begin_since()
        begin = self._begin_pruned(since)
        self._check_segments(listing, since, begin)
        self._check_roots(published, listing, elsewhere, since)
        self._find(check_attestations(source, listing, since, report.attestations))
        self._check_table()
        self._conclude(listing, time.perf_counter() - began)
        return report

    def _find(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self._report.find(finding)

    def _published(self) -> Checkpoint | None:
        """Read the newest published checkpoint."""
        if self._source.published is None:
            if self._size == 0:
                return None  # a log that was only just begun: nothing is sealed, nothing promised
            self._find([Finding(Step.CUSTODY, "checkpoint", "is missing from the published tree")])
            return None
        try:
            published = read_checkpoint(self._source.published, self._keys)
        except EvidenceError as error:
            self._find([Finding(Step.SIGNATURE, "checkpoint", str(error))])
            return None
        if published.size > self._size:
            message = (
                f"{published.size:,} entries were published and the table has {self._size:,}: "
                "the database was rolled back or truncated"
            )
            self._find([Finding(Step.CONTINUITY, "checkpoint", message, self._size)])
        return published

    def _elsewhere(self) -> Iterator[tuple[str, Checkpoint]]:
        """Read the checkpoints kept elsewhere, which this log must extend."""
        for name, data in self._options.elsewhere:
            try:
                checkpoint = read_checkpoint(data, self._keys)
            except EvidenceError as error:
                self._find([Finding(Step.SIGNATURE, name, f"this log's keys did not sign it: {error}")])
                self._held.strange = True
                continue
            if checkpoint.size > self._size:
                message = (
                    f"was signed for {checkpoint.size:,} entries and the trail has {self._size:,}: "
                    "the whole trail was rolled back"
                )
                self._find([Finding(Step.CONTINUITY, name, message, self._size)])
            else:
                self._held.checkpoints.append(checkpoint)
                yield name, checkpoint

    def _begin_since(self) -> int:
        """Begin the tree at the checkpoint to go on from; return its size."""
        if self._options.since is None:
            return 0
        checkpoint = read_checkpoint(self._options.since, self._keys)
        size = checkpoint.size
        if size > min(self._size, self._report.published):
            raise InputError(
                f"the checkpoint to go on from has {size:,} entries, and {self._report.published:,} are published",
                remedy="Check from the beginning, without --since.",
            )
        reader = TileReader(self._source.tiles.get, self._report.published)
        tree = CompactRange(0, size, [reader.node(level, index) for level, index in cover(0, size)])
        if tree.root() != checkpoint.root:
            message = f"the published tiles do not add up to the checkpoint of {size:,} entries"
            self._find([Finding(Step.CONTINUITY, "tiles", message, 0)])
        self._tree = _Tree(tree, proven=size, roots=self._tree.roots)
        self._report.since = size
        return size

    def _begin_pruned(self, since: int) -> int:
        """Begin the tree after entries that were destroyed; return the size from which on there are batches."""
        pruned = self._pruned = find_pruned(self._source, self._report.published)
        if pruned is None:
            return since
        self._report.destroyed = pruned.order.minimum
        self._report.notes += notes_of(self._source, pruned)
        if pruned.start < since:
            return since
        tree, findings = begin_pruned(self._source, pruned, self._keys)
        self._find(findings)
        self._tree.range, self._tree.proven = tree, tree.end
        self._tree.whole = tree.end == pruned.start
        reader = pruned.reader(self._source)
        for size in self._tree.roots if self._tree.whole else ():
            if 0 < size <= pruned.start:
                self._tree.roots[size] = range_fold(0, size, reader)
        return pruned.start

    def _check_segments(self, listing: Listing, since: int, begin: int) -> None:
        report, pruned, opened = self._report, self._pruned, []
        upper = UpperTiles(self._source, listing, report.published, report.counts)
        if pruned is not None and pruned.start == begin:
            self._find(add_destroyed_tiles(self._source, pruned, upper))
        elif since >= TILE_WIDTH:
            upper.seed(since // TILE_WIDTH, TileReader(self._source.tiles.get, report.published))
        batches = self._contiguous(self._source.reader.batches(self._stream, begin), begin)
        minimum = pruned.order.minimum if pruned is not None else 0
        tasks = segments(batches, listing, report.published, minimum=minimum)
        for task, segment in self._run_tasks(tasks):
            opened += segment.destroyed
            self._find(segment.findings)
            report.counts.add(segment.counts)
            report.first_recorded = report.first_recorded or segment.first_recorded
            report.last_recorded = segment.last_recorded or report.last_recorded
            for tile_root, recorded in zip(segment.tile_roots, segment.tile_times, strict=False):
                self._find(upper.add(tile_root, recorded))
            self._grow(task, segment)
            self._progress(task.end - since, self._size - since)
            if self._options.on_good and not report.findings:
                self._options.on_good(task.batches[-1].checkpoint)
        if pruned is not None:
            self._find(chain_findings(self._source, pruned, opened))

    def _contiguous(self, batches: Iterable[Batch], end: int) -> Iterator[Batch]:
        """Pass batches on that are ranges of entries; name the others, and each gap and overlap."""
        for batch in batches:
            where = f"batch of entries {batch.start} to {batch.end - 1}"
            if not 0 <= batch.start < batch.end:
                self._find([Finding(Step.CONTINUITY, where, "is no range of entries", end)])
                continue
            if batch.start != end:
                message = f"begins at {batch.start}, and the batch before it ends at {end}"
                self._find([Finding(Step.CONTINUITY, where, message, end)])
            end = batch.end
            yield batch

    def _grow(self, task: Task, segment: Segment) -> None:
        """Append a segment's subtrees to the tree, and hold its root against each batch's signed root."""
        tree = self._tree
        if task.start != tree.range.end:
            tree.whole = False
        if not tree.whole:
            return
        bad = {
            finding.where for finding in segment.findings if finding.step in {Step.SIGNATURE, Step.INCLUSION}
        }
        # Where rows are missing, the batches before them are covered, and stand.
        tree.whole = len(segment.covers) == len(task.batches)
        for batch, nodes in zip(task.batches, segment.covers, strict=False):
            for (level, _), node in zip(cover(batch.start, batch.end), nodes, strict=True):
                tree.range.append_nodes(level, (node,))
            where = f"batch of entries {batch.start} to {batch.end - 1}"
            grown = tree.range.root()
            if batch.end in tree.roots:
                tree.roots[batch.end] = grown
            if grown != batch.tree_root:
                if tree.proven == batch.start:  # later roots differ because this one does
                    message = (
                        f"the entries up to here do not add up to the signed root of {batch.end:,} entries"
                    )
                    span = batch.end - batch.start
                    self._find([Finding(Step.INCLUSION, where, message, batch.start, span=span)])
            elif where not in bad:
                # Whatever an earlier batch's own row says: this signed root commits to all entries below it.
                tree.proven = batch.end

    def _run_tasks(self, tasks: Iterator[Task]) -> Iterator[tuple[Task, Segment]]:
        processes = self._options.processes
        if self._size < _PARALLEL_FROM or (processes == 1 and self._options.workers is None):
            for task in tasks:
                yield task, check_segment(self._source, task, self._keys)
            return
        work = Work(self._open_source, partial(_check, self._keys), _close)
        yield from (self._options.workers or local_workers(processes)).each(work, tasks)

    def _check_roots(
        self,
        published: Checkpoint | None,
        listing: Listing,
        elsewhere: Sequence[tuple[str, Checkpoint]],
        since: int,
    ) -> None:
        """Hold every published checkpoint, and those kept elsewhere, against the tree."""
        if not self._tree.whole:
            return
        origin, tiles = self._source.log.origin, self._source.tiles
        for size in listing.anchors:
            if since < size or size == 0:
                path = anchor_path(size)
                self._report.counts.checkpoints += 1
                self._find(self._anchor_findings(path, tiles.get(path), size))
        if published is not None and since < published.size <= self._size:
            note, root = self._source.published or b"", self._tree.roots[published.size] or EMPTY_ROOT
            cosigned = cosigned_on(self._source, listing, published.size)
            if problem := checkpoint_problem(note, origin, published.size, root, self._keys, cosigned):
                self._find([Finding(problem[0], "checkpoint", problem[1])])
            if published.size not in listing.anchors:
                self._find(
                    [Finding(Step.CUSTODY, anchor_path(published.size), "is missing from the published tree")]
                )
        self._check_newest(published, listing)
        for name, checkpoint in elsewhere:
            if since < checkpoint.size and self._tree.roots[checkpoint.size] != checkpoint.root:
                message = (
                    f"has another root at {checkpoint.size:,} entries than this trail: history was rewritten"
                )
                self._find([Finding(Step.CONTINUITY, name, message)])

    def _check_newest(self, published: Checkpoint | None, listing: Listing) -> None:
        """Check that the published checkpoint is the newest one kept; a crash may leave it one behind."""
        newer = [size for size in listing.anchors if published is not None and size > published.size]
        if len(newer) == 1:
            self._report.notes.append(
                f"A checkpoint of {newer[0]:,} entries is signed and not yet published, as after a crash; "
                "the next 'ordertrail seal' publishes it. If there was none, the checkpoint was set back."
            )
        elif newer:
            message = f"is older than {len(newer)} checkpoints that are kept: it was set back"
            self._find([Finding(Step.CONTINUITY, "checkpoint", message)])

    def _anchor_findings(self, path: str, data: bytes | None, size: int) -> Iterator[Finding]:
        root = self._tree.roots[size]
        if not root:
            yield Finding(
                Step.CONTINUITY,
                path,
                f"no batch ends at {size:,} entries: it is of another history",
            )
            return
        if data is None:
            yield Finding(Step.CUSTODY, path, "is missing from the published tree", 0, span=max(size, 1))
            return
        if problem := checkpoint_problem(data, self._source.log.origin, size, root, self._keys):
            yield Finding(problem[0], path, problem[1], 0, span=max(size, 1))
        if size > self._report.published:
            return  # begun and not yet published: a crash may have come before its term
        for kept in self._source.custody.problems(path, self._source.log.created):
            yield Finding(Step.CUSTODY, path, kept, 0, span=max(size, 1))

    def _check_table(self) -> None:
        """Check what protects the table: its triggers and schema, and that nothing was slipped in."""
        deep = self._options.deep if self._options.deep is not None else self._size <= DEEP_UP_TO
        try:
            for problem in self._source.audit.enforcement_problems(deep=deep):
                self._find([Finding(Step.CUSTODY, self._source.database_name, problem)])
            if strays := self._source.audit.strays(self._stream):
                message = f"holds {strays} rows that no batch sealed"
                self._find([Finding(Step.CONTINUITY, "table of entries", message, self._size)])
        except EvidenceError as error:  # pages that the database itself cannot read
            self._find([Finding(Step.CUSTODY, self._source.database_name, str(error))])
        if not deep:
            self._report.notes.append(
                "The database's indexes were not compared with its tables; --deep does it."
            )

    def _conclude(self, listing: Listing, seconds: float) -> None:
        report = self._report
        report.seconds = seconds
        report.checkpoint = self._source.published
        if report.findings:
            tree, proven = self._tree, (report.since, self._tree.proven)
            by_table = provable_by_table(self._source, listing, self._keys, proven, tree.roots)
            if tree.whole:
                by_table = self._held.bound(by_table, tree.roots)
            by_tiles = provable_by_tiles(self._source, listing, report.published, self._keys, self._held)
            report.provable = Provable(by_table, by_tiles)
        if unpublished := report.size - report.published:
            report.notes.append(
                f"{count(max(unpublished, 0), 'event')} sealed and under no published checkpoint yet; "
                "'ordertrail seal' publishes it."
            )
        if not (self._options.elsewhere or report.attestations.stamps or report.attestations.cosignatures):
            report.notes.append(
                "Nothing outside this trail was compared: whoever holds all of it, keys included, could have "
                "rolled it back or rewritten it. Keep a checkpoint elsewhere and check with --anchor FILE."
            )
        report.notes += attestation_notes(self._source, report.attestations)


def _check(keys: KeyHistory, source: Source, task: Task) -> Segment:
    """Check a stretch, in whatever process."""
    return check_segment(source, task, keys)


def _close(source: Source) -> None:
    source.close()
