"""Holding what is shared against the log, file by file.

1. *Tables*: each reads the same segments, which follow each other from the log's first entry on, each once, and
nothing else. 2. *Tie*: the segment's root lies under a checkpoint that the log's keys signed. 3. *Segment*: as
:mod:`ordertrail.query.segments.checking` says: every file's bytes, the root from the rows' hashes, and deep, every row.
4. *Own*: where the trail still has the same segment, its manifest is the same.

Only the third, deep, finds rows that were changed together with their manifest and their folder's name; the fourth
does as long as nobody changed the trail's own segments too.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ordertrail.kernel.errors import EvidenceError, UnavailableError
from ordertrail.query.segments.building import Source
from ordertrail.query.segments.checking import check
from ordertrail.query.segments.manifest import MANIFEST, Manifest, format_manifest, parse_manifest
from ordertrail.query.segments.ports import Inspection
from ordertrail.query.sharing.ports import Lake, Listing, Proven, Share, share_of
from ordertrail.query.sharing.tie import TIE, parse_tie

Inspecting = Callable[[Path], AbstractContextManager[Inspection]]
"""Opens a folder that holds segments as a trail's own folder does."""


@dataclass(frozen=True, slots=True)
class Grounds:
    """What shared segments are held against: the trees, the log, the trail's own segments, and who looks into files."""

    tree: Proven
    source: Source
    own: Sequence[Manifest]
    inspecting: Inspecting


def check_shared(
    stream: str,
    lake: Lake,
    grounds: Grounds,
    *,
    deep: bool,
    on_entries: Callable[[int], None] = lambda _: None,
) -> Iterator[str]:
    """Yield what is wrong with a log's shared segments, in sentences; nothing where all is as the log says."""
    listings = {table: lake.tables.listing(stream, table) for table in lake.tables.names}
    yield from _table_problems(stream, listings)
    for share in sorted({one for listing in listings.values() for one in listing.shares}):
        where = f"shared segment {share.name} of stream {stream}"
        try:
            for problem in _segment_problems(stream, share, lake, grounds, deep=deep):
                yield f"{where}: {problem}"
        except (EvidenceError, UnavailableError) as error:
            yield f"{where}: {error.message}"
        on_entries(share.end - share.start)


def _segment_problems(
    stream: str, share: Share, lake: Lake, grounds: Grounds, *, deep: bool
) -> Iterator[str]:
    """Fetch a shared segment and say what is wrong with it. Raises EvidenceError where it is none of the log's."""
    with tempfile.TemporaryDirectory(prefix="ordertrail-shared-") as scratch:
        fetched = Path(scratch) / stream / share.name
        lake.files.fetch(stream, share, fetched)
        manifest = _manifest(fetched, stream, share)
        _check_tie(fetched, manifest, grounds.tree)
        fetched.rename(fetched.with_name(manifest.block.name))
        if any(one.block == manifest.block and share_of(one) != share for one in grounds.own):
            yield "the trail's own segment of these entries is another one; share it, or look who changed which"
        with grounds.inspecting(Path(scratch)) as inspection:
            for finding in check(manifest, inspection, grounds.source, deep=deep):
                yield finding.message


def _manifest(folder: Path, stream: str, share: Share) -> Manifest:
    path = folder / MANIFEST
    if not path.exists():
        raise EvidenceError(f"{MANIFEST} is gone")
    manifest = parse_manifest(path.read_bytes())
    if share_of(manifest) != share or manifest.stream != stream:
        raise EvidenceError(f"{MANIFEST} is not the one that its folder is named after")
    return manifest


def _check_tie(folder: Path, manifest: Manifest, tree: Proven) -> None:
    """Check what ties a segment to its log, and take it from among the segment's files."""
    path = folder / TIE
    if not path.exists():
        raise EvidenceError(f"{TIE} is gone")
    tie = parse_tie(path.read_bytes())
    path.unlink()
    if (tie.stream, tie.block, tie.root, tie.manifest) != (
        manifest.stream,
        manifest.block,
        manifest.root,
        sha256(format_manifest(manifest)).digest(),
    ):
        raise EvidenceError(f"{TIE} is of another segment")
    tree.check(tie)


def _table_problems(stream: str, listings: Mapping[str, Listing]) -> Iterator[str]:
    most = max((listing.shares for listing in listings.values()), key=len, default=())
    for table, listing in listings.items():
        where = f"table {table} of stream {stream}"
        for problem in listing.strange:
            yield f"{where}: {problem}"
        for one in sorted(set(most) - set(listing.shares)):
            yield f"{where}: does not read {one.name}, which another table reads"
        for one in sorted(set(listing.shares) - set(most)):
            yield f"{where}: reads {one.name}, which not every table reads"
        end = 0
        for one in sorted(listing.shares):
            if one.start != end:
                kind = "reads entries twice" if one.start < end else "reads nothing of the entries"
                yield f"{where}: {kind} from {min(one.start, end):,} to {max(one.start, end):,}"
            end = max(end, one.end)
