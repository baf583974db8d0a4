"""The entry: what was captured, and beside it what the sequencer adds.

::

    {"event": {…}, "ledger": {"index": 7041,
                              "order": {"number": 12, "previous": "<hex>"},
                              "previous": "<hex>",
                              "recorded": "2026-11-22T14:02:11.004512Z"}}

- ``index`` is the entry's leaf index in its log.
- ``previous`` is the leaf hash of the entry before it (the row chain), 32 zero bytes for index 0.
- ``order.number`` counts the events of the order from 1, and ``order.previous`` is the leaf hash of the
  order's previous entry, 32 zero bytes for number 1: between two entries of an order nothing was left
  out. Events that belong to no order have no ``order``.
- ``recorded`` is when the sequencer took it, by its own clock.

Hashes are lower-case hex: what a person copies into a search box. The bytes are RFC 8785 canonical JSON:
``event`` sorts before ``ledger``, so the entry is put together around the event's own canonical bytes, which
are never touched. Its hash is the RFC 6962 leaf hash.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple, Protocol, cast

from ordertrail.kernel.errors import EvidenceError

NO_HASH = bytes(32)
"""Stands where there is no previous entry."""


class Link(NamedTuple):
    """An entry's place in its order's chain."""

    number: int
    previous: bytes


def format_entry(event: bytes, index: int, recorded: str, previous: bytes, link: Link | None) -> bytes:
    """Put an entry together around an event's canonical bytes."""
    chained = previous.hex().encode()
    if link is None:
        return b'{"event":%b,"ledger":{"index":%d,"previous":"%b","recorded":"%b"}}' % (
            event, index, chained, recorded.encode(),
        )  # fmt: skip
    return (
        b'{"event":%b,"ledger":{"index":%d,"order":{"number":%d,"previous":"%b"},"previous":"%b","recorded":"%b"}}'
        % (event, index, link.number, link.previous.hex().encode(), chained, recorded.encode())
    )


class SubjectView(Protocol):
    """What the ledger reads of an event's subject."""

    order: str | None
    tenant: str | None


class EventView(Protocol):
    """What the ledger reads of an event."""

    id: str
    subject: SubjectView


class LinkView(Protocol):
    """A link as written: the hash in hex."""

    number: int
    previous: str


class LedgerView(Protocol):
    """The sequencer's part as written."""

    index: int
    previous: str
    recorded: str
    order: LinkView | None


class EntryView(Protocol):
    """What the ledger reads of an entry."""

    event: EventView
    ledger: LedgerView


def view_entry(data: bytes) -> EntryView:
    """Read what the ledger needs of an entry. Raises EvidenceError where it is not an entry."""
    try:
        return _view(data)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EvidenceError(f"these {len(data)} bytes are not an entry: {error}") from None


class _Json:
    """Attribute access to a JSON object, where msgspec is not installed; absent reads as None."""

    def __init__(self, members: dict[str, Any]) -> None:
        self._members = members

    def __getattr__(self, name: str) -> Any:
        value = self._members.get(name)
        return _Json(value) if isinstance(value, dict) else value


def _view_plainly(data: bytes) -> EntryView:
    view: Any = _Json(json.loads(data))
    if view.event is None or view.event.subject is None or view.ledger is None or view.ledger.index is None:
        raise ValueError("event or ledger is missing")
    return view  # type: ignore[no-any-return]


_view: Callable[[bytes], EntryView] = _view_plainly
with suppress(ImportError):  # the offline verifier runs with nothing but cryptography
    from ordertrail.ledger.entry_fast import view

    _view = cast("Callable[[bytes], EntryView]", view)
