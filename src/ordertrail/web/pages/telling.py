"""Events in business words, in pieces: who did what to which order, from what to what, why and from where.

    t.varga changed the price of line 1 of order SO-5003 - unit price 89.90 EUR → 53.94 EUR (-40.0 %) “customer called”

The words are those of :func:`ordertrail.record.sentence.sentence`; the pieces carry what a page adds to them: links,
the reader's money, and what differs. Nothing is left out for being long: a page wraps, and cuts only what says so.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from msgspec import UNSET

from ordertrail.kernel.money import EXPONENTS
from ordertrail.record.actions import Action
from ordertrail.record.event import Change, Event, Subject
from ordertrail.record.sentence import value_words
from ordertrail.web.pages.addresses import order_href, person_href
from ordertrail.web.pages.reading import Reading, sign

_OUTCOMES: Final = {"denied": "Denied", "failed": "Failed", "rolled_back": "Rolled back"}
_CHANNELS: Final = {
    "backoffice": "the back office",
    "web": "the web shop",
    "edi": "EDI",
    "marketplace": "the marketplace",
    "pos": "the till",
    "phone": "the phone",
    "api": "the API",
}
_LISTS: Final = {"lines": "line", "items": "item", "payments": "payment", "shipments": "shipment"}
_TOLD: Final = 3
"""Changes that a sentence tells; of more it says how many."""
_PERMILLE: Final = 1_000


class Kind(StrEnum):
    """What a piece of a sentence is: its style, and whether it is a link."""

    TEXT = "text"
    OUTCOME = "outcome"
    ACTOR = "actor"
    SUBJECT = "subject"
    FIELD = "field"
    BEFORE = "before"
    AFTER = "after"
    DELTA = "delta"
    REASON = "reason"


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a sentence; ``href`` is empty where it is no link."""

    text: str
    kind: Kind = Kind.TEXT
    href: str = ""


class Nature(StrEnum):
    """What kind of a value is shown: how it is aligned and whether it is one at all."""

    TEXT = "text"
    NUMBER = "number"
    MONEY = "money"
    NOTHING = "nothing"
    SEALED = "sealed"
    DOCUMENT = "document"
    STRUCTURE = "structure"


@dataclass(frozen=True, slots=True)
class Shown:
    """A value as a person reads it; ``raw`` is as the record has it."""

    text: str
    nature: Nature
    raw: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a comparison. ``before`` and ``after`` are None where the field was not there."""

    label: str
    path: str
    before: Shown | None
    after: Shown | None
    delta: str = ""
    up: bool = False


def told(event: Event, actions: Mapping[str, Action], reading: Reading) -> tuple[Piece, ...]:
    """Return an event as the pieces of a sentence."""
    action = actions.get(event.action)
    pieces = [Piece(f"{_OUTCOMES[event.outcome]}:", Kind.OUTCOME)] if event.outcome != "success" else []
    pieces += [
        Piece(event.actor.id, Kind.ACTOR, person_href(event.actor.id)),
        Piece(action.phrase if action else event.action),
        *_subject(event.subject),
    ]
    if event.actor.on_behalf_of:
        behalf = event.actor.on_behalf_of
        pieces[-1:] = [pieces[-1], Piece("for"), Piece(behalf, Kind.ACTOR, person_href(behalf))]
    rows = [row_of(change, event.subject, reading) for change in event.changes[:_TOLD]]
    for place, row in enumerate(rows):
        pieces += _change(row, first=place == 0)
    if len(event.changes) > _TOLD:
        pieces.append(Piece(f"and {len(event.changes) - _TOLD:,} more"))
    if event.context is not None and event.context.reason:
        pieces.append(Piece(f"“{event.context.reason}”", Kind.REASON))
    return tuple(pieces)


def plain(pieces: Iterable[Piece]) -> str:
    """Return a sentence as text."""
    return " ".join(piece.text for piece in pieces)


def channel_words(channel: str) -> str:
    """Return a channel as people call it."""
    return _CHANNELS.get(channel, channel)


def label_of(path: str, subject: Subject | None = None) -> str:
    """Return a field's place in words: ``unit price of line 2``."""
    steps = [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]] or [path]
    name = steps[-1].replace("_", " ")
    own = subject is not None and subject.kind.endswith("_line")
    if len(steps) >= 3 and steps[0] in _LISTS and not own:
        return f"{name} of {_LISTS[steps[0]]} {steps[1]}"
    if len(steps) == 2 and not own:
        return f"{name} ({steps[0].replace('_', ' ')})"
    return name


def row_of(change: Change, subject: Subject | None, reading: Reading) -> Row:
    """Return a change as a row of a comparison, with what differs worked out."""
    delta, up = _delta(change.before, change.after, reading)
    return Row(
        label_of(change.path, subject),
        change.path,
        None if change.before is UNSET else shown(change.before, reading),
        None if change.after is UNSET else shown(change.after, reading),
        delta,
        up,
    )


def rows_of(changes: Sequence[Change], subject: Subject | None, reading: Reading) -> tuple[Row, ...]:
    """Return changes as rows."""
    return tuple(row_of(change, subject, reading) for change in changes)


def shown(value: Any, reading: Reading) -> Shown:  # noqa: PLR0911 - a flat match over kinds of values
    """Return a value as a person reads it."""
    match value:
        case None:
            return Shown("nothing", Nature.NOTHING, "null")
        case bool():
            return Shown("yes" if value else "no", Nature.TEXT, str(value).lower())
        case int():
            return Shown(reading.number(value), Nature.NUMBER, str(value))
        case {"amount": int(amount), "currency": str(currency)} if currency in EXPONENTS:
            return Shown(reading.money(amount, currency), Nature.MONEY, _json(value))
        case {"sealed": _}:
            return Shown("sealed personal value", Nature.SEALED, _json(value))
        case {"blob": {"sha256": str(), "length": int(length)}}:
            return Shown(f"document of {length:,} bytes", Nature.DOCUMENT, _json(value))
        case [*values] if values and all(isinstance(one, str) for one in values):
            return Shown(", ".join(values), Nature.TEXT, _json(value))
        case dict() | list() | tuple():
            return Shown(_json(value), Nature.STRUCTURE, _json(value))
        case str():
            return Shown(value, Nature.TEXT, _json(value))
        case _:
            return Shown(value_words(value), Nature.TEXT, str(value))


def _subject(subject: Subject) -> tuple[Piece, ...]:
    kind = subject.kind.replace("_", " ")
    order = subject.order
    if order is None or order == subject.id:
        href = order_href(subject.id, subject.tenant) if order else ""
        return (Piece(f"{kind} {subject.id}", Kind.SUBJECT, href),)
    _, _, number = subject.id.rpartition("/")
    name = f"line {number}" if kind == "order line" and number.isdecimal() else f"{kind} {subject.id}"
    return (Piece(f"{name} of"), Piece(f"order {order}", Kind.SUBJECT, order_href(order, subject.tenant)))


def _change(row: Row, *, first: bool) -> list[Piece]:
    pieces = [Piece(f"{'–' if first else '·'} {row.label}", Kind.FIELD)]  # noqa: RUF001 - a dash before a change
    if row.before is not None:
        pieces.append(Piece(row.before.text, Kind.BEFORE))
    if row.after is None:
        pieces.append(Piece("removed"))
    else:
        pieces += [Piece("→")] if row.before is not None else []
        pieces.append(Piece(row.after.text, Kind.AFTER))
    if row.delta:
        pieces.append(Piece(f"({row.delta})", Kind.DELTA))
    return pieces


def _delta(before: Any, after: Any, reading: Reading) -> tuple[str, bool]:
    """Return what differs between two amounts or numbers, with the part that it is of the first."""
    match before, after:
        case {"amount": int(old), "currency": str(unit)}, {"amount": int(new), "currency": str(other)} if (
            unit == other
        ):
            return f"{reading.change(new - old, unit)}{_part(old, new)}", new > old
        case bool(), _:
            return "", False
        case int(old), int(new) if not isinstance(new, bool):
            return f"{sign(new - old)}{reading.number(abs(new - old))}{_part(old, new)}", new > old
        case _:
            return "", False


def _part(old: int, new: int) -> str:
    if not old or old == new:
        return ""
    part = Decimal(abs(new - old) * _PERMILLE) / Decimal(abs(old)) / 10
    return f", {sign(new - old)}{part:,.1f} %"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
