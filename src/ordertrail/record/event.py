"""The audit event: one thing that happened to one subject.

Field names follow CloudEvents, OCSF and W3C PROV where they have a word for it. As JSON::

    {"id": "01935f6e-9c1a-7cc2-b0a5-3f1d2e4b5a69", "time": "2026-11-22T14:02:10.120000Z",
     "action": "order.price.change", "outcome": "success",
     "actor": {"id": "clerk-17", "kind": "person", "roles": ["order.editor"]},
     "subject": {"kind": "order_line", "id": "SO-1042/2", "order": "SO-1042"},
     "changes": [{"path": "/lines/2/unit_price", "before": {"amount": 12000, "currency": "EUR"},
                  "after": {"amount": 7200, "currency": "EUR"}}],
     "context": {"ip": "203.0.113.7", "reason": "customer called"}}

A field that is absent is left out; in a change, absent is not the same as null. Values hold
integers and strings, never floats; money is ``{"amount": minor units, "currency": ISO 4217}``.
"""

from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from ordertrail.kernel.clock import parse_time

Outcome = Literal["success", "denied", "failed", "rolled_back"]
"""Attempts are recorded too: ``denied`` was refused, ``failed`` went wrong, ``rolled_back`` was undone."""

ActorKind = Literal["person", "service", "system"]


_SUCCESS: Outcome = "success"


class _Value(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """What all parts of an event are: frozen, strict, and silent about what is absent."""


class Sealed(_Value, frozen=True):
    """A personal value that only its person's key opens; see :mod:`ordertrail.record.sealing`."""

    person: str
    box: str
    commitment: str


class SealedValue(_Value, frozen=True):
    """Stands where a personal value stood."""

    sealed: Sealed


class Actor(_Value, frozen=True):
    """Who: an opaque id, never a name; ``on_behalf_of`` and ``session`` where known."""

    id: str
    kind: ActorKind
    roles: tuple[str, ...] = ()
    on_behalf_of: str | None = None
    session: str | None = None


class Subject(_Value, frozen=True):
    """What it happened to, and the order that this belongs to."""

    kind: str
    id: str
    order: str | None = None
    tenant: str | None = None


class Change(_Value, frozen=True):
    """One field before and after. ``path`` is a JSON pointer (RFC 6901) into the subject."""

    path: str
    before: Any | UnsetType = UNSET
    after: Any | UnsetType = UNSET


class Context(_Value, frozen=True):
    """From where and why."""

    ip: str | SealedValue | None = None
    user_agent: str | SealedValue | None = None
    request: str | None = None
    trace: str | None = None
    channel: str | None = None
    source: str | None = None
    host: str | None = None
    version: str | None = None
    reason: str | None = None
    ticket: str | None = None
    tags: tuple[str, ...] = ()


class Cause(_Value, frozen=True):
    """What led to this event: another event, a message or a job."""

    kind: Literal["event", "message", "job"]
    id: str


class Link(_Value, frozen=True):
    """The same thing in another system: a payment intent, a tracking number."""

    system: str
    kind: str
    id: str


class Origin(_Value, frozen=True):
    """The capturing client and its own counter; a hole in the counter is a loss before sealing."""

    client: str
    counter: int


class Event(_Value, frozen=True, kw_only=True):
    """One audit event. ``id`` is its idempotency key; ``time`` is when it happened where it was captured."""

    id: str
    time: str
    action: str
    actor: Actor
    subject: Subject
    # A factory, so that the outcome is always written out: absence must never read as success.
    outcome: Outcome = msgspec.field(default_factory=lambda: _SUCCESS)
    changes: tuple[Change, ...] = ()
    context: Context | None = None
    cause: Cause | None = None
    links: tuple[Link, ...] = ()
    origin: Origin | None = None

    @property
    def moment(self) -> datetime:
        """The event's time as an aware datetime."""
        return parse_time(self.time)
