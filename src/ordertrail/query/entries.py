"""Sealed entries, read: an event and where it stands in the log."""

from dataclasses import dataclass

from ordertrail.kernel.errors import EvidenceError
from ordertrail.kernel.ids import format_id
from ordertrail.ledger.hashing import leaf_hash
from ordertrail.ledger.ports import EntryRow
from ordertrail.query.projection import Place
from ordertrail.record.entry import read_entry as read_bytes
from ordertrail.record.event import Event


@dataclass(frozen=True, slots=True)
class SealedEvent:
    """An event of the log, and its place there.

    ``intact`` says whether its bytes are those of its row's leaf hash. It finds bytes that were altered alone, at the
    cost of one hash; whether the hash is the one that was signed takes a proof.
    """

    event: Event
    place: Place
    intact: bool = True


def read_entry(stream: str, row: EntryRow) -> SealedEvent:
    """Read an entry. Raises EvidenceError where it is none; one that was altered is read, and says so."""
    try:
        entry = read_bytes(row.entry)
    except EvidenceError as error:
        raise EvidenceError(
            f"the entry of event {format_id(row.id)} cannot be read: {error.message}"
        ) from None
    ledger = entry.ledger
    number = None if ledger.order is None else ledger.order.number
    return SealedEvent(
        entry.event, Place(stream, row.index, ledger.recorded, number), leaf_hash(row.entry) == row.hash
    )
