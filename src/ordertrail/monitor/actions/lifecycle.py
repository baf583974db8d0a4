"""What is done with a suggestion. Each function returns the transition, whose suggestion is as it is afterwards.

Raises InputError where the state does not allow it, or the reason is missing.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import InputError, Problem
from ordertrail.monitor.actions.catalogue import ActionCatalogue
from ordertrail.monitor.actions.suggesting import Offer
from ordertrail.monitor.actions.suggestion import (
    MOST_REASONS,
    Arm,
    Deed,
    State,
    Suggestion,
    Transition,
    suggestion_id,
)
from ordertrail.monitor.alerts.why import happened
from ordertrail.monitor.forecast.forecast import Forecast
from ordertrail.monitor.governance import given_reason

LEADS: Final[Mapping[tuple[Deed, State], State]] = {
    (Deed.ACCEPT, State.SUGGESTED): State.ACCEPTED,
    (Deed.ACCEPT, State.WITHHELD): State.ACCEPTED,
    (Deed.ACCEPT, State.FAILED): State.ACCEPTED,
    (Deed.WITHHOLD, State.SUGGESTED): State.WITHHELD,
    (Deed.DISMISS, State.SUGGESTED): State.DISMISSED,
    (Deed.DISMISS, State.WITHHELD): State.DISMISSED,
    (Deed.DISMISS, State.ACCEPTED): State.DISMISSED,
    (Deed.EXPIRE, State.SUGGESTED): State.EXPIRED,
    (Deed.EXPIRE, State.WITHHELD): State.EXPIRED,
    (Deed.BEGIN, State.ACCEPTED): State.RUNNING,
    (Deed.BEGIN, State.RUNNING): State.RUNNING,
    (Deed.FINISH, State.RUNNING): State.DONE,
    (Deed.FAIL, State.RUNNING): State.ACCEPTED,
    (Deed.GIVE_UP, State.RUNNING): State.FAILED,
    (Deed.REVOKE, State.DONE): State.REVOKED,
    (Deed.BEGIN, State.REVOKED): State.UNDOING,
    (Deed.BEGIN, State.UNDOING): State.UNDOING,
    (Deed.FINISH, State.UNDOING): State.UNDONE,
    (Deed.FAIL, State.UNDOING): State.REVOKED,
    (Deed.GIVE_UP, State.UNDOING): State.DONE,
    **{(Deed.LEARN, state): state for state in State},
}
"""The transition table: where each deed leads, by the state before it."""

LEASE: Final = timedelta(minutes=2)
"""For how long what was begun is its beginner's; then another may take it over: whoever began is thought to be gone."""


def make(forecast: Forecast, offer: Offer, catalogue: ActionCatalogue, now: datetime) -> Transition:
    """Make a suggestion of the best offer for a forecast."""
    action = offer.action
    suggestion = Suggestion(
        id=suggestion_id(forecast.order, forecast.tenant, forecast.target, action.name),
        version=1,
        order=forecast.order,
        tenant=forecast.tenant,
        target=forecast.target,
        action=action.name,
        title=action.title,
        model=forecast.model,
        made=format_time(now),
        ends=happened(forecast.at + forecast.horizon),
        last=forecast.last,
        reasons=tuple(one.sentence for one in forecast.reasons[:MOST_REASONS]),
        before=offer.before,
        after=offer.after,
        benefit=offer.benefit,
        cost=offer.cost,
        gain=offer.gain,
        currency=catalogue.currency or "",
    )
    return Transition(suggestion=suggestion, deed=Deed.MAKE, at=suggestion.made)


def accept(one: Suggestion, by: str, reason: str, now: datetime) -> Transition:
    """Have it carried out: a person decides."""
    told = given_reason(reason)
    return _step(
        one, Deed.ACCEPT, now, by, told, decided_by=by, mandate=None, attempts=0, due=format_time(now)
    )


def accept_by_mandate(one: Suggestion, mandate: str, now: datetime) -> Transition:
    """Have it carried out as two people have allowed beforehand."""
    due = format_time(now)
    return _step(one, Deed.ACCEPT, now, None, f"mandate {mandate}", mandate=mandate, arm=Arm.TREATED, due=due)


def withhold(one: Suggestion, mandate: str, now: datetime) -> Transition:
    """Leave it undone, as chance has it, so that there is something to compare with."""
    return _step(one, Deed.WITHHOLD, now, None, f"mandate {mandate}", mandate=mandate, arm=Arm.HELD_OUT)


def dismiss(one: Suggestion, by: str | None, reason: str, now: datetime) -> Transition:
    """Decide against it."""
    return _step(one, Deed.DISMISS, now, by, given_reason(reason), decided_by=by, due=None)


def expire(one: Suggestion, reason: str, now: datetime) -> Transition:
    """Let it go: nobody decided in time, or the forecast does not say so any more."""
    return _step(one, Deed.EXPIRE, now, None, reason)


def begin(one: Suggestion, now: datetime) -> Transition:
    """Take it on, to carry it out or to undo it; for as long as the lease nobody else does."""
    if one.state in {State.RUNNING, State.UNDOING} and (one.due or "") > format_time(now):
        raise InputError(f"suggestion {one.id} is being worked on until {one.due}")
    due = format_time(now + LEASE)
    return _step(one, Deed.BEGIN, now, None, one.reason, attempts=one.attempts + 1, due=due)


def finish(one: Suggestion, result: str, now: datetime) -> Transition:
    """Say that it was carried out, or undone."""
    done = format_time(now)
    return _step(one, Deed.FINISH, now, None, result, result=result, done=done, due=None, attempts=0)


def fail(one: Suggestion, why: str, now: datetime, again: datetime | None) -> Transition:
    """Say that it could not be carried out; it is tried again then, or given up."""
    deed = Deed.GIVE_UP if again is None else Deed.FAIL
    due = None if again is None else format_time(again)
    return _step(one, deed, now, None, why, result=why, due=due)


def revoke(one: Suggestion, by: str, reason: str, now: datetime) -> Transition:
    """Have undone what was done."""
    return _step(one, Deed.REVOKE, now, by, given_reason(reason), due=format_time(now), attempts=0)


def learn(one: Suggestion, now: datetime, *, breached: bool) -> Transition:
    """Say what became of the order."""
    told = "the order breached" if breached else "the order did not breach"
    return _step(one, Deed.LEARN, now, None, told, breached=breached)


def _step(
    one: Suggestion, deed: Deed, now: datetime, by: str | None, reason: str | None, **changes: Any
) -> Transition:
    state = LEADS.get((deed, one.state))
    if state is None:
        raise InputError(
            Problem("state", f"suggestion {one.id} is {one.state}, and so cannot be {deed}"),
            meaning="Nothing was changed.",
            remedy="Look at it again: somebody may have been quicker.",
        )
    if deed in {Deed.ACCEPT, Deed.DISMISS}:
        changes["reason"] = reason
    after = msgspec.structs.replace(one, version=one.version + 1, state=state, **changes)
    return Transition(
        suggestion=after, deed=deed, at=format_time(now), before=one.state, by=by, reason=reason
    )
