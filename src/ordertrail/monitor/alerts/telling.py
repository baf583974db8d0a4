"""A transition of an alert as an event of the trail, through the same door as everything.

The event's id is made of the whole transition, so that telling it again adds nothing. A watch whose state was lost
raises its alerts anew, and that is another transition: it happened, too.
"""

import hashlib
from uuid import UUID

import msgspec
from msgspec import UNSET

from ordertrail.monitor.alerts.alert import Deed, Transition
from ordertrail.record.event import Actor, Cause, Change, Context, Event, Link, Subject

WATCH = Actor("ordertrail", "system")
"""Who raises alerts."""

SYSTEM = "ordertrail"
"""The system of links to what an alert is about."""

_ACTIONS = {Deed.RAISE: "alert.raise", Deed.REGRESS: "alert.raise", Deed.CLOSE: "alert.close"}
_VERSION_8 = 8 << 76
_VARIANT = 2 << 62


def told(transition: Transition, people: str = "person") -> Event:
    """Return the event of a transition; ``people`` is the kind of whoever did it."""
    alert = transition.alert
    by = (
        WATCH
        if transition.by is None
        else Actor(transition.by, "service" if people == "service" else "person")
    )
    last = alert.evidence[-1]
    tags = (alert.name, alert.severity.name.lower(), transition.deed.value)
    return Event(
        id=event_id(transition),
        time=transition.at,
        action=_ACTIONS.get(transition.deed, "alert.change"),
        actor=by,
        subject=Subject("alert", alert.id, tenant=alert.tenant),
        changes=tuple(_changes(transition)),
        context=Context(reason=transition.reason or alert.title, tags=tags),
        cause=Cause("event", last.id),
        links=tuple(Link(SYSTEM, "order", order) for order in alert.orders),
    )


def event_id(transition: Transition) -> str:
    """Return the id of the event of a transition: a UUID of version 8 (RFC 9562 section 5.8), made of all it says."""
    digest = int.from_bytes(hashlib.sha256(msgspec.json.encode(transition)).digest()[:16])
    digest &= ~(0xF << 76) & ~(3 << 62)
    return str(UUID(int=digest | _VERSION_8 | _VARIANT))


def _changes(transition: Transition) -> list[Change]:
    alert = transition.alert
    before = UNSET if transition.before is None else transition.before.value
    changes = [Change("/status", before, alert.status.value)]
    if transition.deed in {Deed.RAISE, Deed.REGRESS, Deed.RISE}:
        changes.append(Change("/severity", after=alert.severity.name.lower()))
        changes.append(Change("/rule", after=alert.rule))
        changes.append(Change("/events", after=len(alert.evidence)))
        # The rule about people under alert reads the first of them here.
        changes += [Change(_actor_path(place), after=actor) for place, actor in enumerate(alert.doers)]
    if alert.owner is not None and transition.deed is not Deed.RISE:
        changes.append(Change("/owner", after=alert.owner))
    if alert.snoozed_until is not None:
        changes.append(Change("/snoozed_until", after=alert.snoozed_until))
    if alert.proposal is not None and transition.deed is Deed.PROPOSE:
        changes.append(Change("/proposed", after=alert.proposal.disposition.value))
    if alert.disposition is not None:
        changes.append(Change("/disposition", after=alert.disposition.value))
    return changes


def _actor_path(place: int) -> str:
    return "/actor" if place == 0 else f"/actors/{place}"
