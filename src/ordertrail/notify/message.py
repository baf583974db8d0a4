"""A message: what people are told of one sealed event, in one sentence that leads to the evidence.

Two kinds of event make one: those whose action the catalogue marks as sensitive, and those of the life of an alert that
call for somebody (raised, came back, rose in severity, escalated). What notifying itself records makes none, or the
first message would never be the last.

A message goes to services outside of the house, so it holds no personal data unless its route allows it. Then it has
the event's own sentence. Otherwise it says what kind of actor did what to which thing, shows amounts of money and
nothing else of the values, and leaves out the reason, which is free text; ids are shown for kinds that are no people.
"""

import re
from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any, Final

import msgspec
from msgspec import UNSET

from ordertrail.record.actions import CATALOGUE, Action
from ordertrail.record.event import Actor, Context, Event, Subject
from ordertrail.record.sentence import sentence


class Severity(IntEnum):
    """How grave it is, in the words of alerts."""

    INFORMATIONAL = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @property
    def word(self) -> str:
        """As settings and people write it."""
        return self.name.lower()


LONGEST: Final = 400
"""Characters of a message's text."""

TEST: Final = "notify.test"
"""The action of a message that is about no event."""

_SEVERITIES: Final = {one.word: one for one in Severity}
_CRITICAL: Final = frozenset({"log.incident", "capture.loss", "capture.bypass", "access.glass.break"})
"""Sensitive actions that put the trail itself in doubt; other sensitive ones are of medium severity."""

_SILENT: Final = frozenset({"notify.send", "notify.fail"})
_ALERT: Final = "alert"
_RAISED: Final = "alert.raise"
_CHANGED: Final = "alert.change"
_CALLING: Final = {"rose in severity": "rose in severity", "escalated": "was escalated"}
"""Changes of an alert that people are told of, by the word that tags them."""

_IMPERSONAL: Final = frozenset(
    {
        "alert", "batch", "bundle", "case", "checkpoint", "delivery", "hold", "invoice", "key", "line", "log", "memo",
        "order", "order_line", "payment", "receipt", "refund", "return", "rule", "settings", "shipment", "source",
        "statement", "stream", "table", "trail",
    }
)  # fmt: skip
"""Kinds of subjects whose ids name things, not people."""

_SHOWN_ID: Final = 80


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What people are told of one event. ``id`` is the event's, ``at`` when it happened, ``link`` where it is seen."""

    id: str
    at: str
    severity: Severity
    text: str
    action: str
    rule: str | None = None
    alert: str | None = None
    order: str | None = None
    tenant: str | None = None
    channel: str | None = None
    link: str | None = None


Address = Callable[[str, str], str | None]
"""Returns the address of a page, for a kind (``event`` or ``alert``) and an id; None where no page has one."""


def nowhere(_kind: str, _id: str) -> str | None:
    """Say that pages have no addresses."""
    return None


def message_of(
    event: Event,
    actions: Mapping[str, Action] = CATALOGUE,
    *,
    personal: bool = False,
    address: Address = nowhere,
) -> Message | None:
    """Return what people are told of an event; None where they are told nothing."""
    tags = () if event.context is None else event.context.tags
    is_alert = event.subject.kind == _ALERT and event.action in {_RAISED, _CHANGED} and len(tags) == 3
    if is_alert and (event.action == _RAISED or tags[2] in _CALLING):
        rule, severity = one_line(tags[0], _SHOWN_ID), _SEVERITIES.get(tags[1], Severity.HIGH)
        text = _alert_text(event, severity, personal=personal)
        link = address(_ALERT, event.subject.id)
        alert: str | None = event.subject.id
    else:
        action = actions.get(event.action)
        if action is None or not action.sensitive or event.action in _SILENT:
            return None
        rule, alert = None, None
        severity = Severity.CRITICAL if event.action in _CRITICAL else Severity.MEDIUM
        text = sentence(event if personal else _withheld(event), actions)
        link = address("event", event.id)
    return Message(
        id=event.id,
        at=event.time,
        severity=severity,
        text=one_line(text),
        action=event.action,
        rule=rule,
        alert=alert,
        order=_order_of(event),
        tenant=event.subject.tenant,
        channel=None if event.context is None else event.context.channel,
        link=link,
    )


def one_line(text: str, longest: int = LONGEST) -> str:
    """Return a text on one line, without characters that steer a terminal, a header or the direction of writing."""
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    plain = re.sub(r"\s+", " ", plain).strip()
    return plain if len(plain) <= longest else plain[: longest - 1] + "…"


def _alert_text(event: Event, severity: Severity, *, personal: bool) -> str:
    """Say what an alert is. Where the watch itself speaks, the reason is the rule's title; else a person's words."""
    context = event.context or Context()
    rule, _, deed = context.tags
    by_watch = event.actor.kind == "system"
    title = context.reason if context.reason and (by_watch or personal) else rule
    told = _CALLING.get(deed)
    return (
        f"{severity.word.capitalize()} alert {'' if told is None else f'{told} '}{event.subject.id}: {title}"
    )


def _order_of(event: Event) -> str | None:
    """Return the order that it is about; of an alert, the first."""
    if event.subject.order is not None:
        return event.subject.order
    return next(
        (link.id for link in event.links if link.system == "ordertrail" and link.kind == "order"), None
    )


def _withheld(event: Event) -> Event:
    """Return the event without what may be personal."""
    subject = event.subject
    if subject.kind in _IMPERSONAL:
        shown = subject.id[:_SHOWN_ID]
    else:
        shown = "(id withheld)" if subject.order is None else f"of order {subject.order[:_SHOWN_ID]}"
    return msgspec.structs.replace(
        event,
        actor=Actor(f"A {event.actor.kind}", event.actor.kind),
        subject=Subject(subject.kind, shown),
        changes=tuple(
            change for change in event.changes if _is_money(change.before) and _is_money(change.after)
        ),
        context=None,
    )


def _is_money(value: Any) -> bool:
    match value:
        case {"amount": int(), "currency": str(code), **rest} if not rest:
            return re.fullmatch("[A-Z]{3}", code) is not None
    return value is UNSET
