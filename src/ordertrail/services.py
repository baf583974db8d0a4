"""What programs, the command line and pages are handed: a trail, with each room's service under its name."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import msgspec

from ordertrail.kernel.clock import Clock
from ordertrail.kernel.errors import ConfigurationError, EvidenceError, InputError
from ordertrail.kernel.ids import format_id, parse_id
from ordertrail.ledger.checkpoint import SignedCheckpoint
from ordertrail.ledger.ports import EntryRow, KeyPeriod
from ordertrail.ledger.proofs import prove_inclusion
from ordertrail.ledger.rotation import LogIdentity
from ordertrail.ledger.sequencer import BATCH, Log, Sequencer, Step, sequencing
from ordertrail.ledger.tiles import TileReader
from ordertrail.ledger.tlog_proof import TlogProof, check_tlog_proof
from ordertrail.ledger.verify.full import Options, Progress, verify_log
from ordertrail.ledger.verify.report import Report
from ordertrail.ledger.verify.source import OpenSource
from ordertrail.ledger.checkpoint import parse_checkpoint
from ordertrail.ledger.note import parse_note
from ordertrail.ledger.vkey import parse_vkey
from ordertrail.record.actions import Catalogue
from ordertrail.record.event import Actor, Event
from ordertrail.record.recorder import Arriving, Recorded, Recorder

DEFAULT_STREAM = "default"


class LedgerPart(msgspec.Struct, frozen=True):
    """What the sequencer added to an event."""

    index: int
    previous: str
    recorded: str
    order: dict[str, int | str] | None = None


class Entry(msgspec.Struct, frozen=True):
    """A sealed entry, read."""

    event: Event
    ledger: LedgerPart


@dataclass(frozen=True, slots=True)
class Sealed:
    """An entry of the trail: its stream, its row, and what it says."""

    stream: str
    row: EntryRow
    entry: Entry


@dataclass(frozen=True, slots=True)
class Proof:
    """An entry and the file that proves it: offline, to anyone who trusts the log's key."""

    sealed: Sealed
    proof: TlogProof
    checkpoint: SignedCheckpoint


@dataclass(frozen=True, slots=True)
class LogService:
    """One log of a trail."""

    identity: LogIdentity
    log: Log
    recorder: Recorder
    open_source: OpenSource


_decode_entry = msgspec.json.Decoder(Entry).decode


@dataclass(frozen=True, slots=True)
class Trail:
    """An audit trail.

    ::

        trail = ordertrail.open("trail")
        trail.record([event])          # durable when it returns
        trail.seal()                   # sealed in a signed batch, published, anchored
        trail.verify().verdict         # 'All 1 events, recorded from … to …, are intact.'
        trail.prove(event.id)          # an entry and its C2SP tlog-proof
        trail.history("SO-1042")       # the order's life, in order
    """

    location: str
    actions: Catalogue
    clock: Clock
    logs: Mapping[str, LogService]
    close: Callable[[], None]

    def __enter__(self) -> "Trail":
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def log(self, stream: str = DEFAULT_STREAM) -> LogService:
        """Return one log of the trail. Raises ConfigurationError if it has no such stream."""
        try:
            return self.logs[stream]
        except KeyError:
            raise ConfigurationError(
                f"there is no stream {stream!r}; this trail has {', '.join(self.logs)}",
                remedy="Name one of them with --stream.",
            ) from None

    def record(self, events: Iterable[Event], *, stream: str = DEFAULT_STREAM) -> Recorded:
        """Record events: durable when this returns, all or none. Raises InputError naming every problem."""
        return self.log(stream).recorder.record(events)

    def record_lines(
        self, source: Iterable[Arriving], *, stream: str = DEFAULT_STREAM, all_or_nothing: bool = False
    ) -> Iterator[Recorded]:
        """Record JSON lines batch by batch; yield what became of each batch once it is durable."""
        recorder = self.log(stream).recorder
        if all_or_nothing:
            yield recorder.record_all(source)
        else:
            yield from recorder.record_each(source)

    def sequencing(
        self, stream: str = DEFAULT_STREAM, on_step: Callable[[Step], None] | None = None
    ) -> AbstractContextManager[Sequencer]:
        """Hold the sealing lock of a log and hand out its sequencer; it anchors at a clean end."""
        return sequencing(self.log(stream).log, self.clock, on_step)

    def seal(
        self, *, stream: str = DEFAULT_STREAM, limit: int = BATCH, on_batch: Callable[[int], None] | None = None
    ) -> int:
        """Seal everything that waits, and anchor; return how many events were sealed."""
        sealed = 0
        with self.sequencing(stream) as sequencer:
            while batch := sequencer.seal_batch(limit):
                sealed += batch
                if on_batch is not None:
                    on_batch(batch)
        return sealed

    def verify(
        self, options: Options | None = None, *, stream: str = DEFAULT_STREAM, progress: Progress | None = None
    ) -> Report:
        """Check a log in full. What is wrong is in the report, in order, with what is still provable."""
        return verify_log(self.log(stream).open_source, options or Options(), progress)

    def find(self, event_id: str) -> Sealed:
        """Return a sealed event. Raises InputError if the trail has none of this id."""
        try:
            wanted = parse_id(event_id)
        except ValueError as error:
            raise InputError(f"{event_id!r} is {error}") from None
        for service in self.logs.values():
            found = service.log.reader.find(wanted)
            if found is not None:
                return _read(*found)
        raise InputError(
            f"no sealed event has the id {event_id}", remedy="Seal what was recorded with 'ordertrail seal'."
        )

    def history(self, order: str, *, tenant: str | None = None) -> list[Sealed]:
        """Return the life of an order: its entries of all streams, by the time they happened."""
        any_log = next(iter(self.logs.values()))
        items = [_read(stream, row) for stream, row in any_log.log.reader.history(order, tenant)]
        return sorted(items, key=lambda item: (item.entry.event.subject.tenant or "", item.row.index))

    def prove(self, event_id: str) -> Proof:
        """Return an event's entry and its C2SP proof against the newest published checkpoint.

        What is sealed but not yet published is anchored first. The proof is checked before it is handed out.
        """
        sealed = self.find(event_id)
        log = self.log(sealed.stream).log
        published = log.publication.checkpoint()
        if published is None or parse_checkpoint(parse_note(published).text).size <= sealed.row.index:
            with self.sequencing(sealed.stream):
                pass
            published = log.publication.checkpoint()
        if published is None:
            raise EvidenceError(f"stream {sealed.stream} has no published checkpoint")
        size = parse_checkpoint(parse_note(published).text).size
        hashes = prove_inclusion(sealed.row.index, size, TileReader(log.tiles.get, size))
        proof = TlogProof(sealed.row.index, tuple(hashes), published)
        checked = check_tlog_proof(proof, sealed.row.entry, parse_vkey(log.store.keys(log.stream)[-1].vkey))
        return Proof(sealed, proof, checked)

    def keys(self, stream: str = DEFAULT_STREAM) -> Sequence[KeyPeriod]:
        """Return the log's keys, oldest first."""
        log = self.log(stream).log
        return log.store.keys(log.stream)

    def rotate(self, actor: Actor, *, stream: str = DEFAULT_STREAM) -> KeyPeriod:
        """Seal what waits and put a new signing key in force; return it."""
        with self.sequencing(stream) as sequencer:
            return sequencer.rotate(actor)


def _read(stream: str, row: EntryRow) -> Sealed:
    try:
        return Sealed(stream, row, _decode_entry(row.entry))
    except msgspec.MsgspecError as error:
        raise EvidenceError(f"the entry of event {format_id(row.id)} cannot be read: {error}") from None
