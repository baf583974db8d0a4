"""The sequencer: the one writer of a log, and its one crash story.

:meth:`Sequencer.seal` moves events from the journal into the log, a batch at a time, in six steps. Each
says what is true if the machine stops there; the next start calls the same function, and nothing else:

1. **Read** committed journal rows. *If we stop here:* nothing has happened; the rows wait.
2. **Stage**: number the events, link them to the entry before and to their order's previous entry, hash
   them, extend a copy of the right edge. *If we stop here:* only memory is lost.
3. **Sign** the new head. *If we stop here:* a signature was made that nobody has seen. The rows are staged
   again, perhaps with others, and another head is signed; nobody can hold two heads against us.
4. **Commit** entries, batch and head in one database transaction. *If we stop here:* the events are in
   the log and still in the journal; the next start finds their ids in the log and only discards them.
5. **Publish** full tiles. *If we stop here:* the next start publishes everything between the newest
   published checkpoint and the head again; objects are written once, so what is there is compared.
6. **Discard** the journal rows. *If we stop here:* as after step 4.

:meth:`Sequencer.anchor` publishes the ragged right edge and then the checkpoint: whoever sees the
checkpoint can fetch all that it commits to. It runs at the anchoring cadence, between two batches, and at every
clean end.
*If we stop here*, nothing published commits to what is missing, and the next start finishes a checkpoint that
was begun, and the one that a key came in with, before it seals anything on top of it.

At the start, and before anything is signed, the database's head must extend the newest published
checkpoint. If it does not, history was rolled back or forked: ForkError, and nothing is signed.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from itertools import islice

from ordertrail.kernel.clock import Clock, format_time
from ordertrail.kernel.errors import EvidenceError, ForkError, InputError
from ordertrail.kernel.ids import new_id, parse_id
from ordertrail.ledger.checkpoint import Checkpoint, sign_checkpoint
from ordertrail.ledger.entry import NO_HASH, view_entry
from ordertrail.ledger.hashing import EMPTY_ROOT
from ordertrail.ledger.note import Note, format_note, parse_note
from ordertrail.ledger.paths import IDENTITY, anchor_path
from ordertrail.ledger.ports import (
    Batch,
    DuplicateEventsError,
    EntryReader,
    EntryStore,
    Head,
    KeyPeriod,
    KeyRing,
    Publication,
    SealingLock,
    Tiles,
)
from ordertrail.ledger.recovery import open_published, require_extension, restore_edge
from ordertrail.ledger.rotation import rotation_statement
from ordertrail.ledger.signers import NoteSigner, signature_by
from ordertrail.ledger.staging import Staged, Tail, stage
from ordertrail.ledger.vkey import format_vkey
from ordertrail.record.encoding import encode
from ordertrail.record.event import Actor, Change, Event, Subject
from ordertrail.record.ports import Journal, JournalRow

BATCH = 1_000
"""Events in one sealed batch, at most."""

_REMEMBERED_TAILS = 10_000
"""Orders whose last entry is remembered between batches; others are looked up."""


class Step(Enum):
    """The numbered steps of sealing, and the two of anchoring."""

    READ = 1
    STAGE = 2
    SIGN = 3
    COMMIT = 4
    PUBLISH = 5
    DISCARD = 6
    EDGE = 7
    CHECKPOINT = 8


@dataclass(frozen=True, slots=True)
class Log:
    """One log: its name in the trail and the stores behind its ports."""

    stream: str
    origin: str
    journal: Journal
    store: EntryStore
    reader: EntryReader
    tiles: Tiles
    publication: Publication
    keys: KeyRing
    lock: SealingLock


@dataclass(frozen=True, slots=True)
class Cadence:
    """How long the ragged edge may wait to be published: seconds, and entries, whichever is over first."""

    seconds: int = 60
    entries: int = 65_536


class Sequencer:
    """Seals one log. Open it with :func:`sequencing`, which takes the lock and recovers."""

    def __init__(
        self,
        log: Log,
        clock: Clock,
        on_step: Callable[[Step], None] | None = None,
        cadence: Cadence = Cadence(),
    ) -> None:
        self._log = log
        self._clock = clock
        self._cadence = cadence
        self._anchored_at = clock()
        self._on_step = on_step or (lambda _step: None)
        self._tails: dict[str, Tail] = {}
        self._keys = log.store.keys(log.stream)
        self._head = log.store.head(log.stream)
        anchored = self._published_head()
        # Keys are replaced after the checkpoint that they came in with: a crash may have come in between.
        self._anchored = anchored.size - (anchored.size == self._keys[-1].first)
        self._unpublished: list[tuple[str, bytes]] = []
        self._identity = [(IDENTITY, self._keys[0].statement)]
        self._begun = self._head.size > anchored.size and self._anchored_note(self._head) is not None
        self._signers()  # a key that cannot be opened is told now, before anything is staged
        self._edge = restore_edge(log.stream, anchored, log.store, log.reader, log.tiles)
        self._recorded = self._catch_up()

    def _published_head(self) -> Head:
        """Return the newest published head, which must lie on the database head's own past."""
        log = self._log
        published = log.publication.checkpoint()
        if published is None:
            return Head(0, EMPTY_ROOT, NO_HASH)
        checkpoint = open_published(published, log.origin, self._keys)
        require_extension(log.stream, self._head, checkpoint, log.reader)
        return Head(checkpoint.size, checkpoint.root, NO_HASH)

    def _catch_up(self) -> str:
        """Publish what was committed since the newest published checkpoint; return the last recorded time.

        After a clean end there is nothing to do; after a crash this is step 5, done again.
        """
        log, size = self._log, self._edge.size
        recorded = ""
        for row in log.reader.rows(log.stream, max(size - 1, 0), self._head.size):
            recorded = view_entry(row.entry).ledger.recorded
            if row.index >= size:
                log.tiles.put(self._edge.extend([row.entry], [row.hash]).completed, recorded)
        if self._edge.root != self._head.root:
            raise EvidenceError(
                f"stream {log.stream}: the rows since the checkpoint of {size:,} entries do not add up to "
                f"the head of {self._head.size:,}",
                meaning="A row was altered, added or removed; nothing more is signed on top of it.",
                remedy="Run 'ordertrail verify'; it names the first wrong thing and what is still provable.",
            )
        return recorded

    @property
    def head(self) -> Head:
        """Where the log stands."""
        return self._head

    @property
    def anchored(self) -> int:
        """Entries under the newest published checkpoint."""
        return self._anchored

    @property
    def due(self) -> float:
        """Seconds until the edge must be published; 0 where it must be now, infinity where nothing is ragged."""
        if self._head.size <= self._anchored:
            return math.inf
        waited = abs((self._clock() - self._anchored_at).total_seconds())  # whichever way a clock was moved
        if self._head.size - self._anchored >= self._cadence.entries:
            return 0.0
        return max(0.0, self._cadence.seconds - waited)

    def seal(self, limit: int = BATCH) -> int:
        """Seal everything that waits, in batches of at most ``limit``; return how many events were sealed."""
        sealed = 0
        while batch := self.seal_batch(limit):
            sealed += batch
        return sealed

    def seal_batch(self, limit: int = BATCH) -> int:
        """Seal the oldest waiting events as one batch; return how many were taken from the journal."""
        log = self._log
        if self._begun or self._anchored < self._keys[-1].first or self.due == 0:
            # What is begun is finished before anything is sealed on top of it; and without the checkpoint that
            # a key came in with, which the old key signed too, nobody who knows the old key could follow.
            self.anchor()
        self._on_step(Step.READ)
        rows = log.journal.read(log.stream, limit)
        if not rows:
            return 0
        fresh: Sequence[JournalRow] = rows
        while fresh:
            try:
                self._append(fresh, self._signers())
                break
            except DuplicateEventsError as error:
                # A crash after step 4: these are in the log already, and only their journal rows are left.
                fresh = [row for row in fresh if row.id not in error.ids]
        self._on_step(Step.DISCARD)
        log.journal.discard(log.stream, rows)
        return len(rows)

    def _append(
        self, rows: Sequence[JournalRow], signers: Sequence[NoteSigner], key: KeyPeriod | None = None
    ) -> None:
        """Do steps 2 to 5 with these rows."""
        log = self._log
        self._on_step(Step.STAGE)
        self._recorded = max(self._recorded, format_time(self._clock()))
        chains = {row.chain for row in rows if row.chain is not None}
        tails = self._tails_of(chains)
        staged = stage(rows, self._edge, self._head.last, tails, self._recorded)
        self._on_step(Step.SIGN)
        head = Head(staged.edge.size, staged.edge.root, staged.last)
        checkpoint = self._sign(head, signers)
        batch = Batch(self._head.size, head.size, staged.root, head.root, self._recorded, checkpoint)
        self._on_step(Step.COMMIT)
        log.store.commit(log.stream, staged.rows, batch, key)
        self._adopt(staged, head, key)
        self._on_step(Step.PUBLISH)
        self._publish()

    def _since(self) -> str:
        """Return when the newest entry was recorded; of an empty log, now."""
        return self._recorded or format_time(self._clock())

    def _publish(self) -> None:
        """Publish the full tiles of what was committed, those of batches whose publishing failed first."""
        self._log.tiles.put(self._unpublished, self._since())
        self._unpublished = []

    def anchor(self) -> Checkpoint:
        """Publish the partial tiles of the right edge, then the checkpoint; return it."""
        log, head = self._log, self._head
        if log.publication.checkpoint() is None or head.size > self._anchored:
            self._on_step(Step.EDGE)
            log.tiles.put(self._identity, self._since())
            self._identity = []
            self._publish()
            log.tiles.put(self._edge.partial(), self._since())
            note = self._anchored_note(head) or self._cosigned(head)
            self._begun = True
            log.lock.check()  # one that was paused, and overtaken, publishes nothing that another signs for
            log.tiles.put([(anchor_path(head.size), note)], self._since())
            self._on_step(Step.CHECKPOINT)
            self._publish_checkpoint(note)
            self._anchored, self._begun = head.size, False
        self._anchored_at = self._clock()
        return Checkpoint(log.origin, head.size, head.root)

    def publish_cosigned(self, note: bytes) -> bool:
        """Publish the newest published checkpoint with further signatures; say whether it is still the newest."""
        published = self._log.publication.checkpoint()
        if published is None or parse_note(published).text != parse_note(note).text:
            return False
        if published != note:
            self._publish_checkpoint(note)
        return True

    def _publish_checkpoint(self, note: bytes) -> None:
        log = self._log
        signers = (*self._signers(), *log.keys.cosigners(log.origin))
        log.lock.check()
        log.publication.publish(note, [format_vkey(signer.key) for signer in signers])

    def rotate(self, actor: Actor) -> KeyPeriod:
        """Put a new key in force: an entry signed by the old key and by the new one.

        The new key is durable before anything names it. *If we stop* before the batch is committed, the old
        key stays in force and the new one is never used; after it, the new one is in force, and the next start
        publishes the batch's checkpoint, which both signed, before it seals anything on top of it.
        """
        log = self._log
        self.seal()
        old, new = self._signers()[0], log.keys.create(log.origin)
        first = self._head.size + 1
        statement = rotation_statement(log.origin, first, old, new)
        period = KeyPeriod(first, format_vkey(new.key), statement)
        event = _rotation_event(period, self._keys[-1], log.origin, actor, format_time(self._clock()))
        self._append([JournalRow(0, parse_id(event.id), None, encode(event))], (old, new), period)
        self.anchor()
        return period

    def _anchored_note(self, head: Head) -> bytes | None:
        """Return the checkpoint of this size that a crash left unpublished: one with a time is not signed twice."""
        log = self._log
        note = log.tiles.get(anchor_path(head.size))
        if note is None:
            return None
        try:
            checkpoint = open_published(note, log.origin, self._keys)
        except InputError as error:
            raise EvidenceError(
                f"stream {log.stream}: {anchor_path(head.size)} is not a checkpoint: {error.message}",
                meaning="Somebody else put an object where this log's next checkpoint belongs; nothing was signed.",
                remedy="Find out who may write there. Seal another event, and the next checkpoint has another place.",
            ) from error
        if checkpoint.root != head.root:
            raise ForkError(
                f"stream {log.stream}: {anchor_path(head.size)} is the checkpoint of another history than the "
                f"database's {head.size:,} entries"
            )
        return note

    def _cosigned(self, head: Head) -> bytes:
        """Return the head's checkpoint as it was sealed, with the signatures of the log's further keys."""
        log = self._log
        cosigners = log.keys.cosigners(log.origin)
        batch = next(log.reader.batches(log.stream, head.size - 1), None) if head.size else None
        if batch is None:
            return self._sign(head, (*self._signers(), *cosigners))
        note = parse_note(batch.checkpoint)
        added = tuple(signature_by(signer, note.text) for signer in cosigners)
        return format_note(Note(note.text, note.signatures + added))

    def _sign(self, head: Head, signers: Sequence[NoteSigner]) -> bytes:
        return sign_checkpoint(Checkpoint(self._log.origin, head.size, head.root), signers)

    def _signers(self) -> Sequence[NoteSigner]:
        return (self._log.keys.signer(self._keys[-1].vkey),)

    def _tails_of(self, chains: set[str]) -> dict[str, Tail]:
        """Return where these chains stand, from memory or the table."""
        known = {chain: self._tails[chain] for chain in chains if chain in self._tails}
        return known | self._log.store.tails(self._log.stream, chains - known.keys())

    def _adopt(self, staged: Staged, head: Head, key: KeyPeriod | None) -> None:
        """Make what was committed the present."""
        self._edge, self._head = staged.edge, head
        self._unpublished += staged.objects
        if key is not None:
            self._keys.append(key)
        for chain, tail in staged.tails.items():
            self._tails.pop(chain, None)  # to the end: the dictionary is in order of last use
            self._tails[chain] = tail
        for chain in list(islice(self._tails, max(0, len(self._tails) - _REMEMBERED_TAILS))):
            del self._tails[chain]


@contextmanager
def sequencing(
    log: Log,
    clock: Clock,
    on_step: Callable[[Step], None] | None = None,
    cadence: Cadence = Cadence(),
) -> Iterator[Sequencer]:
    """Hold the sealing lock, recover, and hand out the sequencer; anchor at a clean end.

    Raises UnavailableError if another process seals this log, ForkError if history was rolled back or
    forked, EvidenceError if it was altered.
    """
    log.lock.acquire()
    try:
        sequencer = Sequencer(log, clock, on_step, cadence)
        yield sequencer
        sequencer.anchor()
    finally:
        log.lock.release()


def _rotation_event(period: KeyPeriod, old: KeyPeriod, origin: str, actor: Actor, time: str) -> Event:
    return Event(
        id=new_id(),
        time=time,
        action="key.rotate",
        actor=actor,
        subject=Subject("log", origin),
        changes=(
            Change("/key", old.vkey, period.vkey),
            Change("/statement", after=period.statement.decode()),
        ),
    )
