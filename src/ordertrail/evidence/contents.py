"""What an entry holds beside plain values: sealed fields and blobs, each with its place."""

from collections.abc import Iterator
from typing import Any

import msgspec

from ordertrail.record.event import Event, Sealed


class Blob(msgspec.Struct, frozen=True):
    """A reference to a blob: its SHA-256 in hex, and its bytes."""

    sha256: str
    length: int


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
