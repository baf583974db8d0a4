"""Reads entries with msgspec, some ten times faster than the standard library; used where it is there."""

import msgspec


class _Subject(msgspec.Struct, gc=False):
    order: str | None = None
    tenant: str | None = None


class _Event(msgspec.Struct, gc=False):
    id: str
    subject: _Subject


class _Link(msgspec.Struct, gc=False):
    number: int
    previous: str


class _Ledger(msgspec.Struct, gc=False):
    index: int
    previous: str
    recorded: str
    order: _Link | None = None


class Entry(msgspec.Struct, gc=False):
    """The parts of an entry that the ledger reads."""

    event: _Event
    ledger: _Ledger


view = msgspec.json.Decoder(Entry).decode
"""Reads an entry's bytes; raises ValueError (msgspec.MsgspecError is one) for what is not an entry."""
