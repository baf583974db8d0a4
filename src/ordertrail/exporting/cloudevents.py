"""CloudEvents 1.0.2 (CNCF), structured JSON, and batches of them.

::

    {"specversion": "1.0", "id": "01935f6e-…", "source": "//shop.example/trail#default",
     "type": "ordertrail.order.update", "subject": "order_line/SO-1042/2", "time": "2026-11-22T14:02:10.120000Z",
     "datacontenttype": "application/json",
     "partitionkey": "SO-1042", "sequence": "00000000000000000042", "traceparent": "00-…",
     "data": {"event": {…}, "ledger": {…}}}

``source`` and ``id`` together name an event for ever, so who gets it twice knows it. ``data`` are the log's own bytes:
its canonical JSON hashes to the leaf that a proof is of. Extensions: partitioning, sequence (text order is log order),
distributed tracing.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md and …/formats/json-format.md
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from ordertrail.exporting.entry import Exported, Sender

MEDIA_TYPE: Final = "application/cloudevents-batch+json; charset=utf-8"
"""Of a batch over HTTP (JSON Event Format section 4)."""

_PREFIX: Final = "ordertrail."
_SEQUENCE: Final = 20
_TRACEPARENT: Final = 55


class _CloudEvent(msgspec.Struct, omit_defaults=True):
    """The attributes, in the sequence in which people look for them."""

    id: str
    source: str
    type: str
    time: str
    subject: str
    data: msgspec.Raw
    sequence: str
    specversion: str = msgspec.field(default_factory=lambda: "1.0")
    datacontenttype: str = msgspec.field(default_factory=lambda: "application/json")
    partitionkey: str | None = None
    traceparent: str | None = None


def cloud_event(one: Exported, sender: Sender) -> str:
    """Return an entry as a CloudEvent."""
    event, place, trace = one.event, one.sealed.place, one.context.trace
    told = _CloudEvent(
        id=event.id,
        source=source_of(sender.origin, place.stream),
        type=_PREFIX + event.action,
        time=event.time,
        subject=f"{event.subject.kind}/{event.subject.id}",
        data=msgspec.Raw(one.body),
        sequence=f"{place.position:0{_SEQUENCE}}",
        partitionkey=event.subject.order or None,
        traceparent=trace if trace is not None and len(trace) == _TRACEPARENT else None,
    )
    return msgspec.json.encode(told).decode()


def source_of(origin: str, stream: str) -> str:
    """Return the URI-reference that names a log (RFC 3986 section 4.2): a network path, and the stream in it."""
    return f"//{origin}#{stream}"


def batch(events: Sequence[str]) -> bytes:
    """Return CloudEvents as one batch."""
    return f"[{','.join(events)}]".encode()
