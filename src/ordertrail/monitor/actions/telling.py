"""A transition of a suggestion as an event of the trail, through the same door as everything.

The event's id is made of the whole transition, so that telling it again adds nothing. The order is linked and not the
subject's: what is suggested about an order did not happen to it, and no forecast takes it for something that did.
"""

import hashlib
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET

from ordertrail.monitor.actions.suggestion import Deed, State, Suggestion, Transition
from ordertrail.record.event import Actor, Cause, Change, Context, Event, Link, Outcome, Subject

ENGINE = Actor("ordertrail", "system")
"""Who suggests, and carries out."""

SYSTEM = "ordertrail"
_ACTIONS = {
    Deed.MAKE: "suggestion.make",
    Deed.ACCEPT: "suggestion.decide",
    Deed.DISMISS: "suggestion.decide",
    Deed.EXPIRE: "suggestion.decide",
    Deed.WITHHOLD: "suggestion.decide",
    Deed.REVOKE: "suggestion.undo",
    Deed.LEARN: "suggestion.result",
}
"""The actions of deeds; the others carry out, or undo."""

_FAILED = frozenset({Deed.FAIL, Deed.GIVE_UP})
_UNDOING = frozenset({State.REVOKED, State.UNDOING})
_VERSION_8 = 8 << 76
_VARIANT = 2 << 62


def told(transition: Transition) -> Event:
    """Return the event of a transition."""
    one = transition.suggestion
    undoing = transition.before in _UNDOING
    action = _ACTIONS.get(transition.deed, "suggestion.undo" if undoing else "suggestion.execute")
    outcome: Outcome = "failed" if transition.deed in _FAILED else "success"
    return Event(
        id=event_id(transition),
        time=transition.at,
        action=action,
        actor=ENGINE if transition.by is None else Actor(transition.by, "person"),
        subject=Subject("suggestion", one.id, tenant=one.tenant),
        outcome=outcome,
        changes=tuple(_changes(transition)),
        context=Context(
            reason=transition.reason or one.title, tags=(one.action, one.target, transition.deed.value)
        ),
        cause=Cause("event", one.last),
        links=(Link(SYSTEM, "order", one.order),),
    )


def event_id(transition: Transition) -> str:
    """Return the id of the event of a transition: a UUID of version 8 (RFC 9562 section 5.8), made of all it says."""
    digest = int.from_bytes(hashlib.sha256(msgspec.json.encode(transition)).digest()[:16])
    digest &= ~(0xF << 76) & ~(3 << 62)
    return str(UUID(int=digest | _VERSION_8 | _VARIANT))


def _changes(transition: Transition) -> list[Change]:
    one = transition.suggestion
    before: Any = UNSET if transition.before is None else transition.before.value
    changes = [Change("/state", before, one.state.value)]
    if transition.deed is Deed.MAKE:
        changes += _offered(one)
    if transition.deed in {Deed.ACCEPT, Deed.WITHHOLD}:
        changes.append(Change("/arm", after=one.arm.value))
        if one.mandate is not None:
            changes.append(Change("/mandate", after=one.mandate))
    if transition.deed is Deed.BEGIN:
        changes.append(Change("/attempt", after=one.attempts))
    if transition.deed in {Deed.FINISH, *_FAILED}:
        changes.append(Change("/result", after=one.result))
    if transition.deed is Deed.LEARN:
        changes.append(Change("/breached", after=one.breached))
    return changes


def _offered(one: Suggestion) -> list[Change]:
    """Return what was suggested, and by which figures: millionths of probability, and amounts."""
    figures: dict[str, Any] = {
        "order": one.order,
        "target": one.target,
        "action": one.action,
        "model": one.model,
        "ends": one.ends,
        "probability": one.before,
        "probability_after": one.after,
        "reasons": list(one.reasons),
    }
    for name, amount in (("benefit", one.benefit), ("cost", one.cost), ("gain", one.gain)):
        figures[name] = {"amount": amount, "currency": one.currency}
    return [Change(f"/{name}", after=value) for name, value in figures.items()]
