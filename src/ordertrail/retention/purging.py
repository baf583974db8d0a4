"""Destroying the beginning of a log: found due, asked for, approved, done step by step, and certified.

1. **Lift** what a hold keeps: its entry and its proof go to the hold store, under a legal hold there. *If we stop
   here*, it is lifted once more and is there already.
2. **Order**: an event in the log itself names the minimum index and the root over what goes, sealed and published.
   *If we stop here*, the order is found again; everything is still there and is checked as before.
3. **Rows**: the entries leave the table, in one transaction. *If we stop here*, the full check counts from the hashes
   on, and says that bundles are left.
4. **Vault**: payloads that nothing else names, then the bundle that named them, one after the other, all versions.
   *If we stop here*, the bundles that are left say what is still to go.
5. **Index**: it forgets them. It is no evidence; stopped here, it is told again.
6. **Certificate**: an event in the deletion log. *If we stop here*, no step above finds anything to do, and the
   certificate is written.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from ordertrail.kernel.clock import Clock, format_time, parse_time
from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.kernel.ids import new_id
from ordertrail.ledger.checkpoint import read_checkpoint
from ordertrail.ledger.entry import view_entry
from ordertrail.ledger.merkle import range_fold
from ordertrail.ledger.ports import EntryRow
from ordertrail.ledger.pruning import (
    ACTION,
    MINIMUM,
    ROOT,
    SUBJECT,
    chain_of,
    newest_destruction,
    require_prunable,
)
from ordertrail.ledger.tiles import BUNDLE, TileReader, parse_bundle, parse_path
from ordertrail.ledger.verify.blobs import blob_references
from ordertrail.record.entry import read_entry
from ordertrail.record.event import Actor, Change, Context, Event, Subject
from ordertrail.retention.archive import cut_between, range_of
from ordertrail.retention.certificate import Certificate, Freed
from ordertrail.retention.hold import Hold, Matches, holding
from ordertrail.retention.ports import KeptVault, PrunableLog
from ordertrail.retention.register import Disposal
from ordertrail.vault.keeping import term_of

Progress = Callable[[str, int], None]
"""Called with a step's name and how much of it is done."""

BLOBS = "blobs"
"""The folder, in the hold store, of payloads that lifted entries name."""

_BLOB = b'"blob":{'
_AT_ONCE = 1_024


@dataclass(frozen=True, slots=True)
class Due:
    """What of a log is due: entries from ``begin`` up to ``minimum``, the newest sealed then, and what is held."""

    begin: int
    minimum: int
    newest: str
    root: str
    held: tuple[str, ...]

    @property
    def entries(self) -> int:
        """How many entries would go."""
        return max(self.minimum - self.begin, 0)


def find_due(
    log: PrunableLog,
    due: Callable[[Event], datetime | None],
    now: datetime,
    holds: Sequence[tuple[Hold, Matches]],
) -> Due:
    """Find the longest beginning of a log whose entries are all past their term; nothing is changed.

    ``due`` says from when on an event may go, by its class and by what it was re-filed to; None where nothing says.
    Beneath that is the log's own term, from when an entry was recorded on: for that long the vault has locked it.
    """
    begin, published = begin_of(log), published_size(log)
    end = begin
    for row in rows_of(log, begin, published):
        over = due(read_entry(row.entry).event)
        if over is None or max(over, _locked_until(log, row)) > now:
            break
        end = row.index + 1
    minimum = cut_between(end, archived_ranges(log))
    if minimum <= begin:
        return Due(begin, begin, "", "", ())
    reader = TileReader(log.tiles.get, published)
    held = [event.id for event in _events(log, begin, minimum) if holding(event, holds)] if holds else []
    newest = next(log.reader.batches(log.identity.name, minimum - 1)).sealed
    return Due(begin, minimum, newest, range_fold(0, minimum, reader).hex(), tuple(held))


def archived_ranges(log: PrunableLog) -> list[tuple[int, int]]:
    """Return the ranges of a log that are in the archive."""
    found = map(range_of, log.archive.paths(log.identity.name))
    return [one for one in found if one is not None]


def _locked_until(log: PrunableLog, row: EntryRow) -> datetime:
    return parse_time(view_entry(row.entry).ledger.recorded) + term_of(log.identity.keep_days)


def published_size(log: PrunableLog) -> int:
    """Return how much of a log is published."""
    note = log.publication.checkpoint()
    return 0 if note is None else read_checkpoint(note).size


@dataclass(frozen=True, slots=True)
class Destruction:
    """Does one approved disposal, from whichever step is still to be done."""

    log: PrunableLog
    held: KeptVault
    holds: Sequence[tuple[Hold, Matches]]
    clock: Clock
    progress: Progress = lambda _step, _done: None

    def run(self, disposal: Disposal, approver: str) -> Certificate:
        """Do what is left to do; return the certificate to be written."""
        log = self.log
        require_prunable(disposal.minimum, published_size(log))
        found = TileReader(log.tiles.get, published_size(log))
        if range_fold(0, disposal.minimum, found).hex() != disposal.root:
            raise EvidenceError(
                f"the first {disposal.minimum:,} entries of {log.identity.name} are not those that were to go",
                meaning="Nothing was destroyed.",
                remedy="Run 'ordertrail verify'; then ask for the destruction anew.",
            )
        begun = newest_destruction(log.reader, log.identity)
        if begun is None or begun.minimum < disposal.minimum:
            self._require_due(disposal)
            lifted = self._lift(disposal)
            order = self._order(disposal)
        else:
            lifted, order = self._lifted(disposal.minimum), begun.event
        rows = log.destroyer.destroy(log.identity.name, disposal.minimum)
        self.progress("rows", rows)
        objects, octets = self._empty_vault(disposal.minimum)
        log.forget(log.identity.name, disposal.minimum)
        return Certificate(
            id=disposal.id,
            stream=log.identity.name,
            origin=log.identity.origin,
            minimum=disposal.minimum,
            root=disposal.root,
            order=order,
            policy=disposal.policy,
            requester=disposal.requester,
            approver=approver,
            freed=Freed(rows, objects, octets),
            held=lifted,
            holds_checked=tuple(hold.id for hold, _ in self.holds),
        )

    def _require_due(self, disposal: Disposal) -> None:
        """Raise InputError where the vault keeps any of it for longer: then nothing is begun."""
        now = self.clock()
        for path in _bundles(self.log, disposal.minimum):
            kept = self.log.vault.kept(path)
            if kept is not None and (kept.legal_hold or kept.until is None or kept.until > now):
                until = "beyond any term" if kept.until is None else f"until {format_time(kept.until)}"
                raise InputError(
                    f"{path} is kept {'under a legal hold' if kept.legal_hold else until}",
                    meaning="Nothing was destroyed.",
                    remedy="Ask again when the term is over, or release the hold.",
                )

    def _lift(self, disposal: Disposal) -> int:
        """Put what a hold keeps, with its proof, where it stays until the hold is released; return how many events."""
        lifted = 0
        for event in _events(self.log, begin_of(self.log), disposal.minimum):
            if holding(event, self.holds):
                entry, proof = self.log.prove(event.id)
                objects = list(zip(hold_store_path(event.id), (entry, proof), strict=True))
                objects += [
                    (f"{BLOBS}/{name}", data)
                    for name in blob_names(entry)
                    if (data := self.log.blobs.get(f"{name[:2]}/{name}")) is not None
                ]
                self.held.put(objects, self.clock())
                for path, _ in objects:
                    self.held.hold(path)
                lifted += 1
                self.progress("lifted", lifted)
        return lifted

    def _lifted(self, minimum: int) -> int:
        """Count what was lifted out of this range, by its entries' indices."""
        entries = (self.held.get(path) or b"" for path in self.held.paths("") if path.endswith(".json"))
        indices = (view_entry(entry).ledger.index for entry in entries)
        return sum(index < minimum for index in indices)

    def _order(self, disposal: Disposal) -> str:
        """Put the order of destruction into the log; return its id."""
        event = Event(
            id=new_id(),
            time=format_time(self.clock()),
            action=ACTION,
            actor=Actor(disposal.requester, "person"),
            subject=Subject(SUBJECT, self.log.identity.origin, chain_of(self.log.identity.origin)),
            changes=(
                Change(MINIMUM, after=disposal.minimum),
                Change(ROOT, after=disposal.root),
                Change("/disposal", after=disposal.id),
                Change("/approver", after=disposal.approver or disposal.requester),
                Change("/policy", after=disposal.policy),
            ),
            context=Context(reason=disposal.reason),
        )
        self.log.write([event])
        return event.id

    def _empty_vault(self, minimum: int) -> tuple[int, int]:
        """Delete bundles, and payloads that nothing else names; return how many objects, and of how many bytes."""
        log, now, objects, octets = self.log, self.clock(), 0, 0
        bundles = sorted(_bundles(log, minimum))
        named = {path: _names_in(log.vault, path) for path in bundles}
        wanted = set().union(*named.values())
        kept = _named_from(log, minimum) & wanted if wanted else set()
        for path in bundles:
            for name in named[path] - kept:
                freed = log.blobs.dispose(f"{name[:2]}/{name}", now)
                objects, octets = objects + (freed > 0), octets + freed
            freed = log.vault.dispose(path, now)
            objects, octets = objects + (freed > 0), octets + freed
            self.progress("objects", objects)
        for path in list(log.archive.paths(log.identity.name)):
            span = range_of(path)
            if span is not None and span[1] <= minimum:
                freed = log.archive.dispose(path, now)
                objects, octets = objects + (freed > 0), octets + freed
        return objects, octets


def begin_of(log: PrunableLog) -> int:
    """Return the index of the first entry that is there."""
    before = newest_destruction(log.reader, log.identity)
    if before is None or next(iter(log.reader.rows(log.identity.name, 0, 1)), None) is not None:
        return 0
    return before.minimum


def rows_of(log: PrunableLog, start: int = 0, end: int | None = None) -> Iterator[EntryRow]:
    """Yield the entries of a range that are there, to the log's end where none is told."""
    end = log.size() if end is None else end
    for first in range(start, end, _AT_ONCE):
        yield from log.reader.rows(log.identity.name, first, min(first + _AT_ONCE, end))


def _events(log: PrunableLog, start: int, end: int) -> Iterator[Event]:
    return (read_entry(row.entry).event for row in rows_of(log, start, end))


def _bundles(log: PrunableLog, minimum: int) -> Iterator[str]:
    """Yield the bundles, full and partial, that lie below the minimum index and are there."""
    for path in log.vault.paths("tile/entries"):
        try:
            tile = parse_path(path)
        except InputError:
            continue
        if tile.level == BUNDLE and tile.begin < minimum:
            yield path


def _names_in(vault: KeptVault, path: str) -> set[str]:
    """Return the payloads that a bundle's entries name."""
    data, tile = vault.get(path), parse_path(path)
    if data is None or _BLOB not in data:
        return set()
    return {name for entry in parse_bundle(data, tile.width) for name in blob_names(entry)}


def _named_from(log: PrunableLog, minimum: int) -> set[str]:
    """Return the payloads that entries which remain name."""
    return {name for row in rows_of(log, minimum) for name in blob_names(row.entry)}


def blob_names(entry: bytes) -> Iterable[str]:
    """Return the payloads that an entry names."""
    if _BLOB not in entry:
        return ()
    return [str(name) for name, _ in blob_references(json.loads(entry))]


def hold_store_path(event: str) -> tuple[str, str]:
    """Return where a lifted event's entry and proof lie in the hold store."""
    return f"{event}.json", f"{event}.tlog-proof"
