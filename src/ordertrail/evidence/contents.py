"""What an entry holds beside plain values: sealed fields and blobs, each with its place."""

from collections.abc import Iterator
from typing import Any

import msgspec

from ordertrail.ledger.ports import EntryRow
from ordertrail.record.event import Event, Sealed


class OrderLink(msgspec.Struct, frozen=True):
    """An entry's place in its order's chain; ``previous`` in hex."""

    number: int
    previous: str


class LedgerPart(msgspec.Struct, frozen=True):
    """What the sequencer added to an event; ``previous`` in hex."""

    index: int
    previous: str
    recorded: str
    order: OrderLink | None = None


class Entry(msgspec.Struct, frozen=True):
    """An entry, read."""

    event: Event
    ledger: LedgerPart


class Blob(msgspec.Struct, frozen=True):
    """A reference to a blob: its SHA-256 in hex, and its bytes."""

    sha256: str
    length: int


decode_entry = msgspec.json.Decoder(Entry).decode
"""Reads an entry's bytes. Raises msgspec.MsgspecError."""


def read_row(row: EntryRow) -> Entry:
    """Return what a row's entry says."""
    return decode_entry(row.entry)


def sealed_fields(event: Event) -> Iterator[tuple[str, Sealed]]:
    """Yield the sealed values of an event, each with its JSON pointer into the event."""
    for path, value in _marked(event, "sealed"):
        try:
            yield path, msgspec.convert(value, Sealed)
        except msgspec.ValidationError:
            continue  # a value that only looks like one; recording lets no other be


def blobs(event: Event) -> Iterator[Blob]:
    """Yield the blobs that an event names."""
    for _, value in _marked(event, "blob"):
        try:
            yield msgspec.convert(value, Blob)
        except msgspec.ValidationError:
            continue


def _marked(event: Event, mark: str) -> Iterator[tuple[str, Any]]:
    """Yield what stands under objects whose one member is ``mark``, with the objects' places."""
    for number, change in enumerate(event.changes):
        for name, value in (("before", change.before), ("after", change.after)):
            if value is not msgspec.UNSET:
                yield from _walk(value, f"/changes/{number}/{name}", mark)
    if event.context is not None:
        for name in ("ip", "user_agent"):
            yield from _walk(msgspec.to_builtins(getattr(event.context, name)), f"/context/{name}", mark)


def _walk(value: Any, path: str, mark: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        if value.keys() == {mark}:
            yield path, value[mark]
            return
        for name, member in value.items():
            escaped = name.replace("~", "~0").replace("/", "~1")
            yield from _walk(member, f"{path}/{escaped}", mark)
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _walk(item, f"{path}/{number}", mark)
