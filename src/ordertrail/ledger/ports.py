"""What the ledger asks of the outside world. Guarantees stand in each port's docstring."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from ordertrail.kernel.errors import InputError
from ordertrail.ledger.signers import NoteSigner


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
    """Keeps a second sequencer away. Released when its process ends, however it ends."""

    def acquire(self) -> None:
        """Take the lock, or raise BusyError that names who holds it."""

    def release(self) -> None:
        """Give the lock back."""


class KeyRing(Protocol):
    """The private keys of a trail's logs. A key never leaves it; signing is all it does.

    ``signer`` raises UnavailableError where the key is not there, ConfigurationError where it does not open. ``create``
    returns once the new key is durable, or a crash could leave a log that nobody can sign for.
    """

    def signer(self, vkey: str) -> NoteSigner:
        """Return the signer whose verifier key this is."""

    def create(self, name: str) -> NoteSigner:
        """Make a new Ed25519 key under this name."""

    def cosigners(self, name: str) -> Sequence[NoteSigner]:
        """Return the log's further signers (ML-DSA-44); checkpoints carry their signatures too."""
