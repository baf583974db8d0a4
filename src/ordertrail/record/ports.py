"""What recording asks of the outside world. Guarantees stand in each port's docstring."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class Captured(NamedTuple):
    """An event on its way into a log.

    ``id`` is the event's UUID (16 bytes), ``chain`` names its order's chain or is None, ``body`` is the
    event's canonical JSON. What is hashed later is exactly this body.
    """

    id: bytes
    chain: str | None
    body: bytes


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of a batch: how many are new, and which ids were known with the same or another body."""

    added: int
    repeated: frozenset[bytes] = frozenset()
    conflicting: frozenset[bytes] = frozenset()


class JournalRow(NamedTuple):
    """A captured event waiting to be sealed; ``position`` orders the journal of its stream."""

    position: int
    id: bytes
    chain: str | None
    body: bytes


class Journal(Protocol):
    """Captured events that wait to be sealed.

    Durable: once ``append`` returns, the events survive a crash of the machine. Atomic: all new events of
    one call, or none. Idempotent: an id that the journal or the log already holds is not added again;
    where its body differs it is reported as conflicting and never overwrites. An id that comes with two
    bodies in one call is conflicting, and neither is added. Concurrency: any number of
    processes append; one sealing process reads and discards. Raises UnavailableError when the store
    cannot be reached; the caller retries.
    """

    def append(self, stream: str, events: Sequence[Captured], *, whole: bool = False) -> Appended:
        """Add events; return what became of them. With ``whole``, one conflict keeps all of them out."""

    def read(self, stream: str, limit: int) -> list[JournalRow]:
        """Return the oldest committed events, oldest first."""

    def discard(self, stream: str, rows: Sequence[JournalRow]) -> None:
        """Forget rows that the log holds. Need not be durable: a row that comes back adds nothing."""

    def waiting(self, stream: str) -> int:
        """Return how many events wait."""

    def holds(self, ids: Sequence[bytes]) -> frozenset[bytes]:
        """Return those of these events that are durable already, in the journal or in a log of any stream."""

    def chains(self, stream: str, among: Collection[str]) -> frozenset[str]:
        """Return those of these chains that have an event waiting in a stream."""

    def wait(self, stream: str, seconds: float) -> bool:
        """Block until an event waits, or for so many seconds; say whether one does."""


class Blobs(Protocol):
    """Payloads too large for an entry, named by their SHA-256.

    Durable once ``put`` returns; write-once; any number of processes.
    """

    def put(self, data: bytes) -> str:
        """Keep the bytes; return their SHA-256 in hex."""

    def get(self, sha256: str) -> bytes | None:
        """Return the bytes, or None where there are none of that name. They are not checked here."""


class KeyStore(Protocol):
    """One secret per person (data subject), wrapped at rest.

    Durable once ``create`` returns. ``destroy`` is final: it returns only when no copy that this store
    governs is left, and a destroyed person's key is never made again.
    """

    def get(self, person: str) -> bytes | None:
        """Return the person's 32-byte key, or None where there is none or it was destroyed."""

    def create(self, person: str) -> bytes:
        """Return the person's key, made now if there is none. Raises InputError if it was destroyed."""

    def destroy(self, person: str) -> bool:
        """Destroy the person's key and everything that finds their values; say whether there was one."""


class BlindIndex(Protocol):
    """Finds sealed values by equality, through keyed tokens; forgets a person with their key."""

    def add(self, person: str, token: bytes, event: str, path: str) -> None:
        """Remember that a sealed value with this token stands at this place."""

    def find(self, token: bytes) -> list[tuple[str, str]]:
        """Return the (event id, path) of every sealed value with this token."""
