"""Sharing segments: from what the tables hold to what the trail's own segments are, one segment after the other.

*If we stop* within a step, the next start calls the same function: what a table reads already is not added again, and
a segment that was placed and is in no table yet is placed again, over the same bytes. ``events`` changes last: what it
has, all tables have.

A segment leaves when a larger one takes its place, when it was made anew, or when its entries were destroyed. In the
first two cases its files stay until the next time, for those who read them just now; in the last they go at once, and
with them the snapshots that had them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ordertrail.query.segments.manifest import Manifest
from ordertrail.query.segments.planning import current
from ordertrail.query.segments.ports import Shelf
from ordertrail.query.sharing.ports import Lake, Listing, Proven, Share, SharedTables, share_of


@dataclass(slots=True)
class Shared:
    """What was done: segments that came, that left, and whose files were removed; and entries now shared, by log."""

    came: list[Manifest] = field(default_factory=list)
    left: list[Share] = field(default_factory=list)
    removed: list[Share] = field(default_factory=list)
    reach: dict[str, int] = field(default_factory=dict)


def share(  # noqa: PLR0913 - each is one thing that sharing needs
    shelf: Shelf,
    lake: Lake,
    tree: Proven,
    streams: Sequence[str],
    *,
    anew: bool = False,
    on_segment: Callable[[Manifest], None] = lambda _: None,
) -> Shared:
    """Bring the tables to where the segments are.

    Raises EvidenceError where a segment is not of the log, or not what was written: neither it nor any after it is
    shared. Raises BusyError where somebody else shares, or makes segments.
    """
    done = Shared()
    with shelf.writing():
        for stream in streams:
            _share_stream(shelf, lake, tree, stream, done, anew=anew, on_segment=on_segment)
    return done


def _share_stream(  # noqa: PLR0913 - each is one thing that sharing needs
    shelf: Shelf,
    lake: Lake,
    tree: Proven,
    stream: str,
    done: Shared,
    *,
    anew: bool,
    on_segment: Callable[[Manifest], None],
) -> None:
    segments = current(shelf.manifests(stream))
    wanted = {} if anew else {share_of(one): one for one in segments}
    _clear(lake, stream, wanted, done)
    for one in segments:
        lacking = [
            name for name in lake.tables.names if share_of(one) not in _read_by(lake.tables, stream, name)
        ]
        if lacking:
            tie = tree.tie(one)
            lake.files.place(one, tie)
            for name in lacking:
                leaving = [each for each in _read_by(lake.tables, stream, name) if each.meets(share_of(one))]
                lake.tables.commit(name, one, tie, leaving)
                _note(done.left, leaving)
            done.came.append(one)
            on_segment(one)
    done.reach[stream] = segments[-1].block.end if segments else 0


def _read_by(tables: SharedTables, stream: str, table: str) -> tuple[Share, ...]:
    return tables.listing(stream, table).shares


def _clear(lake: Lake, stream: str, wanted: dict[Share, Manifest], done: Shared) -> None:
    """Withdraw what no segment stands for any more, and remove the files that waited for this."""
    listings = {table: lake.tables.listing(stream, table) for table in lake.tables.names}
    waiting = {one for listing in listings.values() for one in listing.leaving}
    gone: set[Share] = set()
    for table, listing in listings.items():
        destroyed = _destroyed(listing, wanted)
        if destroyed:
            lake.tables.withdraw(stream, table, destroyed)
            gone.update(destroyed)
    _note(done.left, sorted(gone))
    read = {one for listing in listings.values() for one in listing.shares} - gone
    removable = sorted((waiting | gone) - read)
    if removable:
        for table in lake.tables.names:
            lake.tables.forget(stream, table)
        for one in removable:
            lake.files.remove(stream, one)
        done.removed += removable


def _destroyed(listing: Listing, wanted: dict[Share, Manifest]) -> list[Share]:
    """Return what a table reads of entries that no segment holds."""
    return [one for one in listing.shares if not any(one.meets(other) for other in wanted)]


def _note(known: list[Share], more: Sequence[Share]) -> None:
    known += [one for one in more if one not in known]
