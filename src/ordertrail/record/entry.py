"""A sealed entry, read: the event, and what the sequencer added beside it."""

import msgspec

from ordertrail.kernel.errors import EvidenceError
from ordertrail.record.event import Event


class OrderLink(msgspec.Struct, frozen=True, gc=False):
    """An entry's place in its order's chain; ``previous`` in hex."""

    number: int
    previous: str


class LedgerPart(msgspec.Struct, frozen=True, gc=False):
    """What the sequencer added to an event; ``previous`` in hex."""

    index: int
    previous: str
    recorded: str
    order: OrderLink | None = None


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A sealed entry, read."""

    event: Event
    ledger: LedgerPart


_decode = msgspec.json.Decoder(Entry).decode


def read_entry(data: bytes) -> Entry:
    """Return what an entry's bytes say. Raises EvidenceError where they are none; no hash is checked here."""
    try:
        return _decode(data)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise EvidenceError(f"these {len(data)} bytes are not an entry: {error}") from None
