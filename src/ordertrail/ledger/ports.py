"""What the ledger asks of the outside world. Guarantees stand in each port's docstring."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from ordertrail.kernel.errors import InputError
from ordertrail.ledger.add_checkpoint import Answer
from ordertrail.ledger.signers import NoteSigner
from ordertrail.ledger.vkey import VerifierKey


class DuplicateEventsError(InputError):
    """A batch holds events that the log holds already; ``ids`` are theirs (16 bytes each)."""

    def __init__(self, ids: frozenset[bytes]) -> None:
        super().__init__(f"{len(ids)} events of the batch are in the log already")
        self.ids = ids


class EntryRow(NamedTuple):
    """A sealed entry as its append-only row holds it.

    ``hash`` is the entry's leaf hash and ``previous`` the hash of the row before: the row chain. ``chain``
    and ``number`` place it in its order's chain (None and 0 where it belongs to no order). A named tuple,
    because a log moves tens of thousands of these a second.
    """

    index: int  # type: ignore[assignment]  # an entry has an index; tuple.index is not missed
    id: bytes
    chain: str | None
    number: int
    previous: bytes
    hash: bytes
    entry: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries ``start`` to ``end`` (exclusive), sealed together.

    ``root`` is the batch's own root (RFC 6962 over its leaves, where it begins at 0; else its maximal
    aligned subtrees, folded from the right), ``tree_root`` the log's root at size ``end``, ``sealed`` an
    RFC 3339 time, ``checkpoint`` the signed note.
    """

    start: int
    end: int
    root: bytes
    tree_root: bytes
    sealed: str
    checkpoint: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """Where a log stands: its size, its root, and the hash of its last entry."""

    size: int
    root: bytes
    last: bytes


@dataclass(frozen=True, slots=True)
class KeyPeriod:
    """A verifier key of the log, in force for checkpoints of size ``first`` and above.

    ``statement`` is the signed note by which the previous key named this one; empty for the first key.
    """

    first: int
    vkey: str
    statement: bytes


class EntryStore(Protocol):
    """The append-only table of a log, as its one sequencer uses it.

    Durable: once ``commit`` returns, the batch survives a crash of the machine. Atomic: entries, batch and
    key together, or nothing. Fenced: ``commit`` fails with ForkError if the batch does not start where the
    table ends, so a sequencer that was paused cannot seal after another took over. Event ids are unique:
    DuplicateEventsError tells which are there already. Nothing is ever updated or deleted.
    """

    def head(self, stream: str) -> Head:
        """Return where the log stands; size 0 with the empty root if it has no entry."""

    def commit(
        self, stream: str, rows: Sequence[EntryRow], batch: Batch, key: KeyPeriod | None = None
    ) -> None:
        """Append a batch, its entries, and the key that it brings in, if any."""

    def tails(self, stream: str, chains: Iterable[str]) -> dict[str, tuple[int, bytes]]:
        """Return the last number and hash of each of these chains that has an entry."""

    def hashes(self, stream: str, start: int, end: int) -> list[bytes]:
        """Return the leaf hashes of a range."""

    def keys(self, stream: str) -> list[KeyPeriod]:
        """Return the log's keys, oldest first."""


class EntryReader(Protocol):
    """The append-only table of a log, for everyone else. Reads see committed batches only."""

    def rows(self, stream: str, start: int, end: int) -> Iterator[EntryRow]:
        """Yield the rows of a range in order; a hole is simply not there."""

    def find(self, event: bytes) -> tuple[str, EntryRow] | None:
        """Return the stream and row of an event by its 16-byte id."""

    def history(self, order: str, tenant: str | None = None) -> Iterator[tuple[str, EntryRow]]:
        """Yield the entries of an order, each with its stream, by stream and number."""

    def batches(self, stream: str, start: int = 0) -> Iterator[Batch]:
        """Yield the batches that end after ``start``, in order."""

    def linked(
        self, stream: str, places: Iterable[tuple[str, int]]
    ) -> dict[tuple[str, int], tuple[int, bytes]]:
        """Return index and hash of the entries at these places (chain, number), where there are any."""


class TableAudit(Protocol):
    """What the full check asks of the append-only table beyond its rows."""

    def size(self, stream: str) -> int:
        """Return where the newest batch ends."""

    def strays(self, stream: str) -> int:
        """Return how many rows lie outside the batches: an insertion that nobody sealed."""

    def enforcement_problems(self, *, deep: bool) -> Iterator[str]:
        """Yield what keeps the table from being append-only: triggers and schema.

        ``deep`` also walks every page of the database and compares every index with its table.
        """


class Custody(Protocol):
    """How the published objects are kept; the vault room knows."""

    def paths(self) -> Iterator[str]:
        """Yield the paths of all objects that are there, or that a term says must be."""

    def problems(self, path: str, since: str) -> list[str]:
        """Say what is wrong with the keeping of an object that commits to entries up to this time."""


class Tiles(Protocol):
    """Where a log's tlog-tiles tree is published: objects by path, written once.

    Durable once ``put`` returns. Write-once: a second ``put`` of the same bytes is welcome, of other bytes
    raises EvidenceError and changes nothing. ``get`` returns None for what is not there. The store is not
    trusted: everything read from it is checked against the tree.
    """

    def put(self, objects: Sequence[tuple[str, bytes]], since: str) -> None:
        """Keep objects, in this order, for the log's term, which begins at ``since``.

        That is an RFC 3339 time: when the newest entry that they commit to was recorded. The term follows the
        log's own time, not the clock of the moment, so that it can be checked against the log.
        """

    def get(self, path: str) -> bytes | None:
        """Return an object's bytes."""


class Publication(Protocol):
    """The one mutable object of a published log: its newest checkpoint and verifier keys.

    Durable and atomic: a reader sees the old or the new, whole. One writer.
    """

    def checkpoint(self) -> bytes | None:
        """Return the newest published checkpoint."""

    def publish(self, checkpoint: bytes, vkeys: Sequence[str]) -> None:
        """Replace the checkpoint and the keys beside it."""


class SealingLock(Protocol):
    """Keeps a second sequencer away. Released when its process ends, however it ends.

    A lock that is held over a network may be lost: to a holder that was paused, or cut off, for too long. What it does
    after that must be harmless: the store refuses its commits, and it asks :meth:`check` before it publishes.
    """

    def acquire(self) -> None:
        """Take the lock, or raise BusyError that names who holds it."""

    def check(self) -> None:
        """Raise BusyError if the lock is not ours, or no longer."""

    def release(self) -> None:
        """Give the lock back."""


class KeyRing(Protocol):
    """The private keys of a trail's logs. A key never leaves it; signing is all it does.

    Keys are Ed25519 (type 0x01), or ECDSA over P-256 (type 0x02) where what holds them has no Ed25519.
    ``signer`` raises UnavailableError where the key is not there, ConfigurationError where it does not open. ``create``
    returns once the new key is durable, or a crash could leave a log that nobody can sign for.
    """

    def signer(self, vkey: str) -> NoteSigner:
        """Return the signer whose verifier key this is."""

    def create(self, name: str) -> NoteSigner:
        """Make a new key under this name."""

    def cosigners(self, name: str) -> Sequence[NoteSigner]:
        """Return the log's further signers (ML-DSA-44); checkpoints carry their signatures too."""


class Timestamper(Protocol):
    """A time-stamp authority (RFC 3161): it signs that these bytes existed at its time.

    A stamp is kept beside what it stamps and checked again for as long as the trail is, without the authority
    and without a network. The authority is not trusted with anything else: it sees a digest. Nobody waits for
    it: ``stamp`` ends within the seconds that it was set up with, and what it could not do is done later.
    """

    @property
    def name(self) -> str:
        """What the authority is called in this trail: lower case letters, digits and hyphens."""

    def stamp(self, data: bytes) -> bytes:
        """Return a fresh, verified stamp over ``data``: a DER TimeStampResp; ``data`` is not empty.

        Raises UnavailableError where the authority does not answer, or refuses; EvidenceError where its answer
        is not a good one; ConfigurationError where it cannot be asked at all.
        """

    def check(self, stamp: bytes, data: bytes) -> datetime:
        """Verify a kept stamp over ``data``; return its time, aware and UTC.

        Raises EvidenceError where it is not this authority's stamp over exactly these bytes.
        """


class WitnessClient(Protocol):
    """A way to a witness of this log (C2SP tlog-witness). May be used by several threads, one call each.

    The witness is not trusted: whoever calls checks what it says. A call ends within the seconds that the client
    was set up with, whatever the witness does, and takes no more than 256 KiB from it.
    """

    @property
    def name(self) -> str:
        """What the policy calls the witness."""

    @property
    def key(self) -> VerifierKey:
        """The key that its cosignatures verify with."""

    def add_checkpoint(self, request: bytes) -> Answer:
        """Send a request; return the answer, whatever its status.

        Raises UnavailableError where the witness is not there, does not answer in time, or answers without end.
        """


class WitnessState(Protocol):
    """What a witness remembers of each log: the signed checkpoint that it cosigned last. By the log's origin.

    Durable: once ``advance`` or ``keep_conflict`` returns, what it wrote survives a crash of the machine.
    Atomic: of many that advance from one state at once, threads or processes, exactly one does. A store that
    cannot be reached raises UnavailableError and is never taken for empty: a witness that forgets would cosign
    a second history.
    """

    def latest(self, origin: str) -> bytes | None:
        """Return the signed checkpoint that was cosigned last; None if none ever was."""

    def advance(self, origin: str, expected: bytes | None, new: bytes) -> bool:
        """Put ``new`` in the place of ``expected`` if that is still the latest; say whether it was."""

    def keep_conflict(self, origin: str, note: bytes) -> None:
        """Keep a signed checkpoint that contradicts the latest. The first one stays; one is proof enough."""

    def conflict(self, origin: str) -> bytes | None:
        """Return the signed checkpoint that was kept as a contradiction; None if there never was any."""
