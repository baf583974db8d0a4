"""Sealed entries, read: an event and where it stands in the log."""

from dataclasses import dataclass

import msgspec

from ordertrail.kernel.errors import EvidenceError
from ordertrail.kernel.ids import format_id
from ordertrail.ledger.ports import EntryRow
from ordertrail.query.projection import Place
from ordertrail.record.event import Event


class _OrderLink(msgspec.Struct, frozen=True, gc=False):
    number: int


class _Ledger(msgspec.Struct, frozen=True, gc=False):
    index: int
    recorded: str
    order: _OrderLink | None = None


class _Entry(msgspec.Struct, frozen=True):
    event: Event
    ledger: _Ledger


@dataclass(frozen=True, slots=True)
class SealedEvent:
    """An event of the log, and its place there."""

    event: Event
    place: Place


_decode = msgspec.json.Decoder(_Entry).decode


def read_entry(stream: str, row: EntryRow) -> SealedEvent:
    """Read an entry. Raises EvidenceError where it is none; its hash is not checked here."""
    try:
        entry = _decode(row.entry)
    except msgspec.MsgspecError as error:
        raise EvidenceError(f"the entry of event {format_id(row.id)} cannot be read: {error}") from None
    order = entry.ledger.order
    number = None if order is None else order.number
    return SealedEvent(entry.event, Place(stream, row.index, entry.ledger.recorded, number))
