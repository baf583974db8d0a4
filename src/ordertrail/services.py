"""What programs, the command line and pages are handed: a trail, with each room's service under its name."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from ordertrail.kernel.clock import Clock, format_time
from ordertrail.kernel.errors import BusyError, ConfigurationError, EvidenceError, InputError
from ordertrail.kernel.ids import format_id, new_id, parse_id
from ordertrail.ledger.attestation import Attested, Attestors, attest
from ordertrail.ledger.checkpoint import SignedCheckpoint
from ordertrail.ledger.following import Tell, follow
from ordertrail.ledger.hashing import leaf_hash
from ordertrail.ledger.ports import EntryRow, KeyPeriod
from ordertrail.ledger.proofs import prove_inclusion
from ordertrail.ledger.rotation import LogIdentity
from ordertrail.ledger.sequencer import BATCH, Cadence, Log, Sequencer, Step, sequencing
from ordertrail.ledger.tiles import TileReader
from ordertrail.ledger.tlog_proof import TlogProof, check_tlog_proof
from ordertrail.ledger.verify.full import Options, Progress, verify_log
from ordertrail.ledger.verify.order import Standing, check_order
from ordertrail.ledger.verify.report import Report
from ordertrail.ledger.verify.source import OpenSource
from ordertrail.ledger.vkey import parse_vkey
from ordertrail.ledger.witnessing import Incident
from ordertrail.record.actions import Catalogue
from ordertrail.record.entry import Entry, read_entry
from ordertrail.record.event import Actor, Context, Event, Subject
from ordertrail.record.recorder import Arriving, Recorded, Recorder
from ordertrail.record.sealing import Sealer
from ordertrail.status import StreamStatus, published_checkpoint, stream_status
from ordertrail.vault.ports import Vault

if TYPE_CHECKING:  # each is an extra's, or is opened only where it is asked for
    from ordertrail.access.service import Access
    from ordertrail.correlate.service import Correlate
    from ordertrail.evidence.desk import Desk
    from ordertrail.intake.service import Intake
    from ordertrail.monitor.actions.service import Actions
    from ordertrail.monitor.models.registry import Models
    from ordertrail.monitor.service import Monitor
    from ordertrail.notify.service import Notify
    from ordertrail.query.service import Query
    from ordertrail.retention.service import Retention
    from ordertrail.takeout.ports import Takeouts
    from ordertrail.views.ports import Views

DEFAULT_STREAM = "default"


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
    vault: Vault
    open_source: OpenSource
    key_encrypted: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Trail:
    """An audit trail.

    ::

        trail = ordertrail.open("trail")
        trail.record([event])          # durable when it returns
        trail.seal()                   # sealed in a signed batch, published, anchored
        trail.verify().verdict         # 'The one event, recorded at …, is intact.'
        trail.prove(event.id)          # an entry and its C2SP tlog-proof
        trail.history("SO-1042")       # the order's life, in order
    """

    location: str
    actions: Catalogue
    clock: Clock
    cadence: Cadence
    attestors: Attestors
    logs: Mapping[str, LogService]
    open_sealer: Callable[[], Sealer]
    close: Callable[[], None]

    def __enter__(self) -> Self:
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
        return sequencing(self.log(stream).log, self.clock, on_step, self.cadence)

    def seal(
        self,
        *,
        stream: str = DEFAULT_STREAM,
        limit: int = BATCH,
        on_batch: Callable[[int], None] | None = None,
    ) -> int:
        """Seal everything that waits, and anchor; return how many events were sealed."""
        sealed = 0
        with self.sequencing(stream) as sequencer:
            while batch := sequencer.seal_batch(limit):
                sealed += batch
                if on_batch is not None:
                    on_batch(batch)
        return sealed

    def attest(self, *, stream: str = DEFAULT_STREAM) -> Attested | None:
        """Have the newest published checkpoint stamped and cosigned; return what came of it, None where nobody is.

        What a witness remembers otherwise is put on record as an incident.
        """
        if not self.attestors:
            return None
        log = self.log(stream).log
        attested = attest(log.tiles, log.publication, self.attestors, format_time(self.clock()))
        self._record_incidents(attested.incidents, stream)
        with suppress(BusyError), self.sequencing(stream) as sequencer:  # whoever seals publishes it
            sequencer.publish_cosigned(attested.note)
        return attested

    def follow(
        self,
        stop: Callable[[], bool],
        tell: Tell = lambda _sealed, _attested: None,
        *,
        stream: str = DEFAULT_STREAM,
    ) -> None:
        """Seal what comes, as it comes, anchor at the cadence and have anchors attested, until ``stop`` says so."""
        told: set[str] = set()

        def heard(sealed: int, attested: Attested | None) -> None:
            if attested is not None:
                new = [one for one in attested.incidents if str(one) not in told]
                told.update(map(str, new))
                self._record_incidents(new, stream)
            tell(sealed, attested)

        follow(self.log(stream).log, self.clock, self.cadence, self.attestors, stop, heard)

    def _record_incidents(self, incidents: Iterable[Incident], stream: str) -> None:
        origin = self.log(stream).identity.origin
        events = [
            Event(
                id=new_id(),
                time=format_time(self.clock()),
                action="log.incident",
                actor=Actor("ordertrail", "system"),
                subject=Subject("log", origin),
                context=Context(reason=str(incident), tags=("incident", incident.kind.value)),
            )
            for incident in incidents
        ]
        if events:
            self.record(events, stream=stream)

    def verify(
        self,
        options: Options | None = None,
        *,
        stream: str = DEFAULT_STREAM,
        progress: Progress | None = None,
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
                sealed = _read(*found)
                if leaf_hash(sealed.row.entry) != sealed.row.hash:
                    raise EvidenceError(f"the entry of event {event_id} was altered after it was sealed")
                return sealed
        raise InputError(
            f"no sealed event has the id {event_id}", remedy="Seal what was recorded with 'ordertrail seal'."
        )

    def history(self, order: str, *, tenant: str | None = None) -> list[Sealed]:
        """Return the life of an order: its entries of all streams, in the order in which they were recorded."""
        any_log = next(iter(self.logs.values()))
        items = [_read(stream, row) for stream, row in any_log.log.reader.history(order, tenant)]
        return sorted(
            items,
            key=lambda item: (
                item.entry.event.subject.tenant or "",
                item.entry.ledger.recorded,
                item.row.index,
            ),
        )

    def standing(self, items: Sequence[Sealed]) -> Standing:
        """Prove each entry of an order's history, and that nothing is missing between them."""
        standing = Standing(0, ())
        for stream in dict.fromkeys(item.stream for item in items):
            log = self.log(stream).log
            checkpoint = published_checkpoint(log)[1]
            rows = [item.row for item in items if item.stream == stream]
            standing += check_order(rows, checkpoint, TileReader(log.tiles.get, checkpoint.size))
        return standing

    def status(self) -> list[StreamStatus]:
        """Say where each log of the trail stands."""
        return [
            stream_status(service.identity, service.log, service.vault, self.attestors, service.key_encrypted)
            for service in self.logs.values()
        ]

    def prove(self, event_id: str) -> Proof:
        """Return an event's entry and its C2SP proof against the newest published checkpoint.

        What is sealed but not yet published is anchored first. The proof is checked before it is handed out.
        """
        sealed = self.find(event_id)
        log = self.log(sealed.stream).log
        checkpoint = published_checkpoint(log)[1]
        if checkpoint.size <= sealed.row.index:
            with self.sequencing(sealed.stream) as sequencer:
                checkpoint = sequencer.anchor()
        size, note = checkpoint.size, log.publication.checkpoint() or b""
        hashes = prove_inclusion(sealed.row.index, size, TileReader(log.tiles.get, size))
        proof = TlogProof(sealed.row.index, tuple(hashes), note)
        # The key in force at that size: a new one may be in force whose checkpoint is not published yet.
        key = next(period for period in reversed(log.store.keys(log.stream)) if period.first <= size)
        checked = check_tlog_proof(proof, sealed.row.entry, parse_vkey(key.vkey))
        return Proof(sealed, proof, checked)

    def personal(self) -> Sealer:
        """Return what seals, opens, finds and discloses personal values; the store of keys is made at first use."""
        return self.open_sealer()

    def erase(self, person: str, actor: Actor, reason: str, *, stream: str = DEFAULT_STREAM) -> bool:
        """Erase a person: put it on record who asked and why, then destroy the person's key and tokens.

        Their sealed values can never be opened again, in no copy; no entry changes and every proof stands.
        Return whether there was a key. If the machine stops in between, erase again: the key is still there.
        """
        event = Event(
            id=new_id(),
            time=format_time(self.clock()),
            action="person.erase",
            actor=actor,
            subject=Subject("person", person),
            context=Context(reason=reason),
        )
        sealer = self.personal()
        if not sealer.knows(person):
            return False
        self.record([event], stream=stream)
        return sealer.erase(person)

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
        return Sealed(stream, row, read_entry(row.entry))
    except EvidenceError as error:
        raise EvidenceError(f"the entry of event {format_id(row.id)} cannot be read: {error}") from None


@dataclass(frozen=True, slots=True)
class Services:
    """What the web layer is handed: each room's service under its room's name; None where a room is not set up."""

    trail: Trail
    query: "Query"
    access: "Access"
    intake: "Intake | None" = None
    retention: "Retention | None" = None
    monitor: "Monitor | None" = None
    evidence: "Desk | None" = None
    views: "Views | None" = None
    takeouts: "Takeouts | None" = None
    correlate: "Correlate | None" = None
    notify: "Notify | None" = None
    models: "Models | None" = None
    actions: "Actions | None" = None
