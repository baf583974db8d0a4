"""An object-centric log made of events of the trail: what OCEL and XES are both written from.

Objects are what events happened to: the subject, its order, what it is linked to elsewhere, and the actor. An object's
attributes are what changes set, each with the time from which it held. Names of attributes are the places of changes in
small letters, digits and underscores (``/lines/2/unit_price`` is ``lines_2_unit_price``): both formats, and the tools
that read them, allow these everywhere. What is sealed, or kept as a document, is named as that and not shown.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from msgspec import UNSET

from ordertrail.kernel.money import EXPONENTS, Money, format_money
from ordertrail.record.event import Event

_NAME: Final = re.compile(r"[^a-z0-9]+")
_RESERVED: Final = frozenset({"ocel_id", "ocel_time", "ocel_changed_field", "ocel_type"})
LONGEST_VALUE: Final = 1_000
"""Characters of a value; what is longer is cut, and marked as that."""
LONGEST_NAME: Final = 60


@dataclass(frozen=True, slots=True, order=True)
class Relation:
    """An object of an event, and what it is to it."""

    object_id: str
    qualifier: str


@dataclass(frozen=True, slots=True)
class Attribute:
    """A value of an object from a time on."""

    name: str
    time: str
    value: str


@dataclass(frozen=True, slots=True)
class LogObject:
    """An order, a line, a payment, a parcel, an actor."""

    id: str
    type: str
    attributes: tuple[Attribute, ...]


@dataclass(frozen=True, slots=True)
class LogEvent:
    """Something that happened; ``attributes`` by name."""

    id: str
    type: str
    time: str
    attributes: tuple[tuple[str, str], ...]
    relations: tuple[Relation, ...]
    order: str | None
    """The case, for XES."""


@dataclass(frozen=True, slots=True)
class EventLog:
    """Events by time, and the objects that they name."""

    events: tuple[LogEvent, ...]
    objects: tuple[LogObject, ...]

    def attribute_names(self, type_: str) -> tuple[str, ...]:
        """Return the names of the attributes that objects of a type have."""
        names = {one.name for each in self.objects if each.type == type_ for one in each.attributes}
        return tuple(sorted(names))


BEGINNING: Final = "1970-01-01T00:00:00.000000Z"
"""When an object's values stand that it had before any event told one: there are none."""

EVENT_ATTRIBUTES: Final = ("outcome", "actor", "channel", "source", "reason")
"""What each event says of itself, where it does."""


@dataclass(slots=True)
class _Objects:
    """Gathers objects; the kind that an id was first seen with is its type."""

    types: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, list[Attribute]] = field(default_factory=dict)

    def seen(self, kind: str, ident: str) -> str:
        """Return the object's id in the log, which names its kind too: ids of two kinds may be the same."""
        type_ = attribute_name(kind)
        name = f"{type_}:{printable(ident)}"
        self.types.setdefault(name, type_)
        return name


def event_log(events: Iterable[Event]) -> EventLog:
    """Make a log of events, in the sequence of their times; of an event that comes twice one is kept."""
    objects, told = _Objects(), {}
    for event in sorted(events, key=lambda one: (one.time, one.id)):
        if event.id not in told:
            told[event.id] = _event(event, objects)
    return EventLog(
        tuple(told.values()),
        tuple(
            LogObject(name, type_, tuple(objects.attributes.get(name, ())))
            for name, type_ in sorted(objects.types.items())
        ),
    )


def attribute_name(path: str) -> str:
    """Return a place or a kind as a name that both formats allow."""
    name = _NAME.sub("_", path.casefold()).strip("_")[:LONGEST_NAME] or "value"
    return f"x_{name}" if name in _RESERVED or name[0].isdigit() else name


def printable(text: str) -> str:
    """Return a text without what XML 1.0 has no place for, and of bounded length."""
    plain = "".join(letter if _is_allowed(letter) else "\N{REPLACEMENT CHARACTER}" for letter in text)
    return plain if len(plain) <= LONGEST_VALUE else plain[: LONGEST_VALUE - 1] + "…"


def _event(event: Event, objects: _Objects) -> LogEvent:
    subject = objects.seen(event.subject.kind, event.subject.id)
    # An object is related to an event once, as the first thing that it is to it: several readers take no second.
    relations = {subject: "subject"}
    relations.setdefault(objects.seen("actor", event.actor.id), "actor")
    if event.subject.order is not None:
        relations.setdefault(objects.seen("order", event.subject.order), "order")
    for link in event.links:
        relations.setdefault(objects.seen(link.kind, f"{link.system}/{link.id}"), "link")
    if event.outcome == "success":
        for change in event.changes:
            if change.after is not UNSET:
                value = Attribute(attribute_name(change.path), event.time, _value(change.after))
                objects.attributes.setdefault(subject, []).append(value)
    related = tuple(Relation(name, qualifier) for name, qualifier in sorted(relations.items()))
    return LogEvent(event.id, event.action, event.time, tuple(_said(event)), related, event.subject.order)


def _said(event: Event) -> Iterator[tuple[str, str]]:
    context = event.context
    values = (
        event.outcome,
        event.actor.id,
        context.channel if context else None,
        context.source if context else None,
        context.reason if context else None,
    )
    for name, value in zip(EVENT_ATTRIBUTES, values, strict=True):
        if value is not None:
            yield name, printable(value)


def _value(value: Any) -> str:
    match value:
        case {"amount": int(amount), "currency": str(currency)} if currency in EXPONENTS:
            return format_money(Money(amount, currency))
        case {"sealed": _}:
            return "(sealed)"
        case {"blob": _}:
            return "(kept as a document)"
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case list():
            return printable(", ".join(_value(one) for one in value))
        case dict():
            return printable(", ".join(f"{name}: {_value(one)}" for name, one in value.items()))
        case _:
            return printable(str(value))


def _is_allowed(letter: str) -> bool:
    code = ord(letter)
    return code in {9, 10, 13} or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or code >= 0x10000
