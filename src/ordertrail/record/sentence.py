"""An event as one English sentence, without its time: who did what to which order, from what to what, and why.

clerk-17 changed the price of order line SO-1042/2: unit price 120.00 EUR → 72.00 EUR (customer called)
"""

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET

from ordertrail.kernel.money import EXPONENTS, Money, format_money
from ordertrail.record.actions import CATALOGUE, Action
from ordertrail.record.event import Change, Event

_OUTCOMES = {"denied": "attempt denied: ", "failed": "attempt failed: ", "rolled_back": "rolled back: "}
_SHOWN_CHANGES = 3
_SHOWN_CHARACTERS = 60


def sentence(event: Event, actions: Mapping[str, Action] = CATALOGUE) -> str:
    """Return the event as a sentence."""
    action = actions.get(event.action)
    phrase = action.phrase if action else event.action
    subject = f"{event.subject.kind.replace('_', ' ')} {event.subject.id}"
    text = f"{event.actor.id} {phrase} {subject}"
    if event.outcome != "success":
        text = f"{_OUTCOMES[event.outcome]}{text}"
    if event.changes:
        shown = [change_words(change) for change in event.changes[:_SHOWN_CHANGES]]
        more = len(event.changes) - len(shown)
        text += ": " + "; ".join(shown) + (f"; and {more} more" if more else "")
    if event.context is not None and event.context.reason:
        text += f" ({event.context.reason})"
    return text


def change_words(change: Change) -> str:
    """Return a change as words: ``unit price 120.00 EUR → 72.00 EUR``."""
    field = change.path.rsplit("/", 1)[-1].replace("~1", "/").replace("~0", "~").replace("_", " ")
    if change.before is UNSET:
        return f"{field} {value_words(change.after)}"
    if change.after is UNSET:
        return f"{field} {value_words(change.before)} removed"
    return f"{field} {value_words(change.before)} → {value_words(change.after)}"


def value_words(value: Any) -> str:
    """Return a value as a person would write it."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "yes" if value else "no"
        case {"amount": int(amount), "currency": str(currency)} if currency in EXPONENTS:
            return format_money(Money(amount, currency))
        case {"sealed": _}:
            return "(sealed personal data)"
        case {"blob": {"sha256": str(name), "length": int(length)}}:
            return f"(document of {length:,} bytes, {name[:12]}…)"
        case dict() | list() | tuple():
            text = str(value)
        case _:
            text = str(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"
