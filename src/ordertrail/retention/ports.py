"""What retention asks of the outside world. Guarantees stand in each port's docstring."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from ordertrail.ledger.ports import EntryReader, Publication, Tiles
from ordertrail.ledger.rotation import LogIdentity
from ordertrail.record.event import Actor, Event
from ordertrail.vault.ports import Disposal, Holds, Vault

Write = Callable[[Sequence[Event]], None]
"""Puts events into a log: sealed, published and anchored when it returns. An id that is there adds nothing."""

ClosedAt = Callable[[str, str | None], datetime | None]
"""Returns when an order (its id and tenant) was closed; None while it is open."""


class Destroyer(Protocol):
    """Deletes entries from the append-only table, as only an administrator can.

    Durable and atomic: afterwards none of them is there, in no file of the database, or all are. The table is guarded
    again before anything is committed. Raises UnavailableError where that cannot be done now.
    """

    def destroy(self, stream: str, minimum: int) -> int:
        """Delete the entries below an index; return how many there were."""


class PersonalData(Protocol):
    """The sealed data of people: opened, and erased for ever. Raises UnavailableError where keys cannot be reached."""

    def knows(self, person: str) -> bool:
        """Say whether there is a key of this person."""

    def open(self, event: Event, path: str) -> Any:
        """Open one sealed value. Raises EvidenceError where it does not fit, InputError where its key is gone."""

    def erase(self, person: str, actor: Actor, reason: str) -> bool:
        """Put on record who erased a person and why, then destroy the key; return whether there was one.

        Done once more after a stop, it changes nothing.
        """


class DisclosingCopies(Protocol):
    """What was taken out of the logs and is kept here, with sealed fields opened: evidence bundles.

    Raises EvidenceError where a copy was altered, so that nobody can say what it opens; UnavailableError where they
    cannot be reached.
    """

    def of(self, fields: Collection[tuple[str, str]]) -> Sequence[str]:
        """Return the ids of the copies that open one of these fields, each an event and a JSON pointer into it."""

    def remove(self, copy: str, actor: Actor, reason: str) -> None:
        """Put on record that a copy goes, then delete it. Done once more after a stop, it changes nothing."""


@dataclass(frozen=True, slots=True)
class SealedRange:
    """A range of a log as columns: entries ``[start, end)``, the root of their node (hex), its files, manifest last."""

    name: str
    start: int
    end: int
    root: str
    files: tuple[str, ...]


class Columns(Protocol):
    """Ranges of the logs as columns, each under a node of the published tree; made again from the log at any time.

    One writer at a time: raises BusyError where another process writes. Raises UnavailableError where files cannot be
    read or written now.
    """

    def seal(self, stream: str) -> Sequence[SealedRange]:
        """Make columns of what is published; return all ranges, the first one first."""

    def sealed(self, stream: str) -> Sequence[SealedRange]:
        """Return the ranges that are there now."""

    def read(self, stream: str, name: str, file: str) -> bytes:
        """Return a file of a range."""

    def put_back(self, stream: str, name: str, files: Sequence[tuple[str, bytes]]) -> None:
        """Put a lost range back, whole. Raises EvidenceError where it is not under the published tree."""


class KeptVault(Vault, Disposal, Holds, Protocol):
    """A vault that can let go of what is due, and hold what is not to go."""


@dataclass(frozen=True, slots=True)
class PrunableLog:
    """A log whose beginning may be destroyed, by its parts."""

    identity: LogIdentity
    reader: EntryReader
    tiles: Tiles
    publication: Publication
    destroyer: Destroyer
    vault: KeptVault
    blobs: KeptVault
    archive: KeptVault
    """Ranges as columns, see :mod:`ordertrail.retention.archive`."""
    size: Callable[[], int]
    """Returns how many entries are sealed."""
    write: Write
    prove: Callable[[str], tuple[bytes, bytes]]
    """Returns the entry and the C2SP proof of an event by its id."""
    forget: Callable[[str, int], None] = lambda _stream, _minimum: None
    """Has the index forget the entries of a stream below an index."""
