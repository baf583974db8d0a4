"""An audit event as it travels: the fields of :mod:`ordertrail.record.event`, one for one."""

from typing import Any, Literal

import msgspec
from pydantic import Field

from ordertrail.record.event import Event
from ordertrail.web.api.models.document import EVENT_ID, TIME, Document, Time

_VALUE = (
    "Any JSON value of integers and texts. Money is {amount, currency}, in minor units; a sealed personal value is "
    "{sealed: …}; a document kept beside the log is {blob: …}. Absent is not null."
)


class ActorDocument(Document):
    """Who: an opaque id, never a name."""

    id: str
    kind: Literal["person", "service", "system"]
    roles: tuple[str, ...] = ()
    on_behalf_of: str | None = None
    session: str | None = None


class SubjectDocument(Document):
    """What it happened to, and the order that this belongs to."""

    kind: str
    id: str
    order: str | None = None
    tenant: str | None = None


class ChangeDocument(Document):
    """One field before and after."""

    path: str = Field(description="A JSON pointer (RFC 6901) into the subject.", examples=["/unit_price"])
    before: Any = Field(default=None, description=_VALUE)
    after: Any = Field(default=None, description=_VALUE)


class ContextDocument(Document):
    """From where and why."""

    ip: Any = Field(default=None, description="An address, or a sealed one.")
    user_agent: Any = Field(default=None, description="A text, or a sealed one.")
    request: str | None = None
    trace: str | None = None
    channel: str | None = None
    source: str | None = None
    host: str | None = None
    version: str | None = None
    reason: str | None = None
    ticket: str | None = None
    tags: tuple[str, ...] = ()


class CauseDocument(Document):
    """What led to it."""

    kind: Literal["event", "message", "job"]
    id: str


class LinkDocument(Document):
    """The same thing in another system."""

    system: str
    kind: str
    id: str


class OriginDocument(Document):
    """The capturing client and its own counter."""

    client: str
    counter: int


EVENT: dict[str, Any] = {
    "id": EVENT_ID,
    "time": TIME,
    "action": "order.price.change",
    "outcome": "success",
    "actor": {"id": "clerk-17", "kind": "person", "roles": ["order.editor"]},
    "subject": {"kind": "order_line", "id": "SO-1042/2", "order": "SO-1042", "tenant": "main"},
    "changes": [
        {
            "path": "/lines/2/unit_price",
            "before": {"amount": 12000, "currency": "EUR"},
            "after": {"amount": 7200, "currency": "EUR"},
        }
    ],
    "context": {"channel": "backoffice", "reason": "customer called"},
}
"""For examples."""


class EventDocument(Document):
    """One audit event. ``id`` is its idempotency key; what is absent was absent where it was captured."""

    id: str
    time: Time
    action: str
    actor: ActorDocument
    subject: SubjectDocument
    outcome: Literal["success", "denied", "failed", "rolled_back"]
    changes: tuple[ChangeDocument, ...] = ()
    context: ContextDocument | None = None
    cause: CauseDocument | None = None
    links: tuple[LinkDocument, ...] = ()
    origin: OriginDocument | None = None

    def value(self) -> Event:
        """Return it as the room ``record`` knows it; nothing of its meaning is checked."""
        return msgspec.convert(self.model_dump(exclude_unset=True), Event)


def event_document(event: Event) -> EventDocument:
    """Return an event as it travels: fields that are absent in it stay unset."""
    return EventDocument.model_validate(msgspec.to_builtins(event))


class EventInput(Document):
    """An event to record: ``id`` and ``outcome`` may be left out and are then made, and ``success``."""

    time: str = Field(description="RFC 3339 with any offset.", examples=[TIME])
    action: str
    actor: ActorDocument
    subject: SubjectDocument
    id: str | None = Field(default=None, description="A UUID in lower case.", examples=[EVENT_ID])
    outcome: Literal["success", "denied", "failed", "rolled_back"] = "success"
    changes: tuple[ChangeDocument, ...] = ()
    context: ContextDocument | None = None
    cause: CauseDocument | None = None
    links: tuple[LinkDocument, ...] = ()
    origin: OriginDocument | None = None
