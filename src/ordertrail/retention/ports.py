"""What retention asks of the outside world. Guarantees stand in each port's docstring."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ordertrail.ledger.ports import EntryReader, Publication, Tiles
from ordertrail.ledger.rotation import LogIdentity
from ordertrail.record.event import Event
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
    size: Callable[[], int]
    """Returns how many entries are sealed."""
    write: Write
    prove: Callable[[str], tuple[bytes, bytes]]
    """Returns the entry and the C2SP proof of an event by its id."""
    forget: Callable[[str, int], None] = lambda _stream, _minimum: None
    """Has the index forget the entries of a stream below an index."""
