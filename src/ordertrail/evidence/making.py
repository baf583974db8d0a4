"""Making a bundle: one function, numbered steps, each with what is true if the machine stops there.

1. **Gather** entries, proofs, checkpoints, keys, stamps and documents. *If we stop here*, nothing has happened.
2. **Print** the report. *The same.*
3. **List** everything in the manifest. *The same.*
4. **Seal**: an event ``bundle.make`` names the manifest's hash, and is recorded, sealed and published. *If we stop
   here*, the log tells of a bundle that nobody has; it is made again under another id.
5. **Finish**: prove the seal, build the page, write the archive, and check all of it as a stranger would. *If we stop
   here*, as after step 4.

**Why the log seals it, and no key of its own.** A recipient must trust one key only, the log's, which they were given
before. The log's key signs checkpoints and nothing else, by the sequencer and nobody else: whoever makes bundles never
touches it. And a bundle that the log does not tell of cannot be made, by anybody.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ordertrail.evidence import layout
from ordertrail.evidence.archive import format_archive
from ordertrail.evidence.cases import Accounted
from ordertrail.evidence.checking import MADE, BundleChecked, StampReader, check_bundle
from ordertrail.evidence.contents import sealed_fields
from ordertrail.evidence.declarations import declaration, readme
from ordertrail.evidence.gathering import Gathered, LogSource
from ordertrail.evidence.logs import format_hashes
from ordertrail.evidence.manifest import Made, Manifest, format_manifest, list_members, manifest_hash
from ordertrail.evidence.opening import Disclosure, format_disclosures
from ordertrail.evidence.report import Printer, compose
from ordertrail.evidence.samples import Sampled
from ordertrail.evidence.verifier.page import build_page, frame_hash, program
from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.kernel.numbers import count
from ordertrail.ledger.checkpoint import read_checkpoint
from ordertrail.ledger.note import Note, format_note, parse_note
from ordertrail.ledger.ports import EntryRow
from ordertrail.ledger.proofs import prove_consistency, prove_inclusion
from ordertrail.ledger.tiles import TileReader
from ordertrail.ledger.tlog_proof import TlogProof, format_tlog_proof
from ordertrail.ledger.vkey import parse_vkey
from ordertrail.record.actions import Action
from ordertrail.record.event import Actor, Change, Context, Event, Subject
from ordertrail.record.sealing import open_value

if TYPE_CHECKING:
    from ordertrail.record.entry import Entry

#: Events of a bundle at most: two members each, and the rest, within what the archive can count.
MAX_EVENTS = 30_000


class Sealing(Protocol):
    """Puts an event into a log and waits until it is published."""

    def seal(self, event: Event, stream: str) -> EntryRow:
        """Record an event, have it sealed and anchored; return its row.

        Raises UnavailableError where that does not come about in time; the event is recorded all the same.
        """

    def anchor(self, stream: str) -> None:
        """Seal what waits and publish the log up to its end, unless another process is doing just this."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a bundle is to be: its id, what it is of in words, who makes it and why, and what is disclosed."""

    bundle: str
    about: str
    made: Made
    actor: Actor
    sealed_in: str
    disclosures: tuple[Disclosure, ...] = ()
    sample: Sampled | None = None
    accounts: tuple[Accounted, ...] = ()


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that was made: its bytes, its manifest's hash, and what checking it said."""

    id: str
    data: bytes
    manifest: str
    checked: BundleChecked


@dataclass(frozen=True, slots=True)
class Workshop:
    """What bundles are made with."""

    sources: Mapping[str, LogSource]
    printer: Printer
    sealing: Sealing
    stamps: StampReader | None
    actions: Mapping[str, Action]
    progress: Callable[[str], None] = lambda _doing: None


def make_bundle(order: Order, gathered: Sequence[Gathered], workshop: Workshop) -> Bundle:
    """Make a bundle of what was gathered from each log, by stream.

    :raises InputError: if there is no event, too many, or a disclosure is of none.
    :raises EvidenceError: if what was made does not hold.
    """
    events = sum(len(one.entries) for one in gathered)
    if not 1 <= events <= MAX_EVENTS:
        raise InputError(f"a bundle holds from 1 to {MAX_EVENTS:,} events, not {events:,}")
    members: dict[str, bytes] = {}
    for one in gathered:
        members |= one.members
    if order.disclosures:
        members[layout.DISCLOSURES] = format_disclosures(order.disclosures)
    not_proven = tuple(limits(order, gathered))
    workshop.progress("printing the report")
    members |= _papers(order, gathered, not_proven, workshop)
    manifest = Manifest(
        id=order.bundle,
        about=order.about,
        made=order.made,
        sealed_in=order.sealed_in,
        logs=tuple(one.part for one in gathered),
        orders=tuple(part for one in gathered for part in one.orders),
        sample=order.sample,
        not_proven=not_proven,
        page=frame_hash(),
        members=list_members(members),
    )
    members[layout.MANIFEST] = format_manifest(manifest)
    hash_ = manifest_hash(members[layout.MANIFEST])
    workshop.progress("sealing")
    row = workshop.sealing.seal(making_event(order, hash_, events), order.sealed_in)
    members |= prove_seal(row, workshop.sources[order.sealed_in], _size(gathered, order.sealed_in))
    members[layout.PAGE] = build_page(format_archive(members))
    data = format_archive(members)
    workshop.progress("checking")
    keys = [
        parse_vkey(period.vkey)
        for one in gathered
        for period in workshop.sources[one.part.stream].log.store.keys(one.part.stream)
    ]
    return Bundle(order.bundle, data, hash_, check_bundle(data, keys, workshop.stamps))


def making_event(order: Order, manifest: str, events: int) -> Event:
    """Return the event that names a manifest."""
    told = [
        Change("/manifest/sha256", after=manifest),
        Change("/events", after=events),
        Change("/about", after=order.about),
    ]
    for path, value in (("/recipient", order.made.recipient), ("/case", order.made.case)):
        if value is not None:
            told.append(Change(path, after=value))
    if order.made.approved_by is not None:
        told.append(Change("/approved_by", after=order.made.approved_by))
    if order.disclosures:
        told.append(Change("/disclosed", after=len(order.disclosures)))
    return Event(
        id=order.bundle,
        time=order.made.at,
        action=MADE,
        actor=order.actor,
        subject=Subject("bundle", order.bundle),
        changes=tuple(told),
        context=Context(reason=order.made.reason),
    )


def prove_seal(row: EntryRow, source: LogSource, since: int) -> dict[str, bytes]:
    """Prove the entry that names a manifest: the members beside the manifest, but for the page.

    The checkpoint is cut down to the log's own signature. The manifest does not cover it, so that there must be nothing
    in it that a reader without the right key would pass over.
    """
    log = source.log
    note = parse_note(log.publication.checkpoint() or b"")
    tree = read_checkpoint(format_note(note))
    period = next(one for one in reversed(log.store.keys(log.stream)) if one.first <= tree.size)
    key = parse_vkey(period.vkey)
    own = tuple(one for one in note.signatures if (one.name, one.key_id) == (key.name, key.key_id))
    if not own or row.index >= tree.size:
        raise EvidenceError("the published checkpoint is not of the seal, or the log's key did not sign it")
    reader = TileReader(log.tiles.get, tree.size)
    proof = TlogProof(
        row.index, tuple(prove_inclusion(row.index, tree.size, reader)), format_note(Note(note.text, own))
    )
    members = {layout.SEAL: row.entry, layout.SEAL_PROOF: format_tlog_proof(proof)}
    if 0 < since < tree.size:
        members[layout.SEAL_CONSISTENCY] = format_hashes(prove_consistency(since, tree.size, reader))
    return members


def _size(gathered: Sequence[Gathered], stream: str) -> int:
    return next(one.part.size for one in gathered if one.part.stream == stream)


def _papers(
    order: Order, gathered: Sequence[Gathered], not_proven: Sequence[str], workshop: Workshop
) -> dict[str, bytes]:
    """Return what is for people to read, and the program."""
    parts = [one.part for one in gathered]
    stamped = any(name.endswith(".tsr") for one in gathered for name in one.members)
    report = compose(
        bundle=order.bundle,
        about=order.about,
        made=order.made,
        logs=parts,
        orders=[part for one in gathered for part in one.orders],
        entries=[(one.part.stream, entry) for one in gathered for entry in one.entries],
        opened=_opened(order.disclosures, gathered),
        not_proven=not_proven,
        sample=order.sample,
        accounts=order.accounts,
        actions=workshop.actions,
    )
    vkeys = [
        f"{part.origin}: {period.vkey}"
        for part in parts
        for period in workshop.sources[part.stream].log.store.keys(part.stream)
    ]
    return {
        layout.REPORT: workshop.printer.print(report),
        layout.README: readme(order.bundle, order.about, parts, vkeys).encode(),
        layout.DECLARATION: declaration(
            order.bundle, order.about, order.made, parts, stamped=stamped
        ).encode(),
        layout.PROGRAM: program(),
    }


def _opened(disclosures: Sequence[Disclosure], gathered: Sequence[Gathered]) -> dict[tuple[str, str], Any]:
    """Open what is disclosed. Raises InputError for what no event of the bundle has."""
    fields = {
        (entry.event.id, path): sealed
        for one in gathered
        for entry in one.entries
        for path, sealed in sealed_fields(entry.event)
    }
    opened = {}
    for one in disclosures:
        place = (one.event, one.path)
        if place not in fields:
            raise InputError(f"event {one.event} has no sealed field at {one.path}, or is not in the bundle")
        opened[place] = open_value(fields[place], b64decode(one.key), event_id=one.event, path=one.path)
    return opened


def disclosure(event: str, path: str, key: bytes) -> Disclosure:
    """Return what discloses one field."""
    return Disclosure(event, path, b64encode(key).decode())


def limits(order: Order, gathered: Sequence[Gathered]) -> list[str]:
    """Say in sentences what a bundle does not show."""
    said = [
        "That what a person or a system reported is true, and that nothing happened that was never recorded.",
        "That no further event of these orders was recorded after the checkpoint.",
    ]
    for one in gathered:
        if one.part.entries and not any(name.endswith(".tsr") for name in one.members):
            said.append(
                f"When the events of {one.part.origin} were recorded, by any other clock than its operator's: no time "
                "stamp covers them."
            )
        said += one.not_proven
    entries: list[Entry] = [entry for one in gathered for entry in one.entries]
    whole = {(part.order, part.tenant) for one in gathered for part in one.orders}
    single = sum((entry.event.subject.order, entry.event.subject.tenant) not in whole for entry in entries)
    if single:
        said.append(
            f"That there are no others like the {count(single, 'event')} that were chosen one by one."
        )
    fields = sum(1 for entry in entries for _ in sealed_fields(entry.event))
    if fields > len(order.disclosures):
        said.append(
            f"What stands in {count(fields - len(order.disclosures), 'sealed field')}: personal data that this "
            "bundle does not disclose, or that was erased."
        )
    return said
