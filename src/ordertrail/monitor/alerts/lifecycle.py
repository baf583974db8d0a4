"""What people do with an alert. Each function returns the alert as it is afterwards, and the transition; or refuses.

Nobody decides on an alert about themselves. One of high severity is closed by two: the first proposes how, and the
second, somebody else, closes it so or says otherwise, which is a proposal of their own.
"""

from collections.abc import Mapping

import msgspec

from ordertrail.kernel.clock import canonical_time
from ordertrail.kernel.errors import InputError, Problem
from ordertrail.monitor.alerts.alert import Alert, Deed, Disposition, Proposal, Status, Transition
from ordertrail.monitor.alerts.severity import needs_two

OPEN = frozenset(Status) - {Status.CLOSED}
"""Where somebody has to decide yet."""
_FROM: Mapping[Deed, frozenset[Status]] = {
    Deed.TAKE: OPEN,
    Deed.SNOOZE: OPEN - {Status.SNOOZED},
    Deed.WAKE: frozenset({Status.SNOOZED}),
    Deed.ESCALATE: OPEN - {Status.ESCALATED},
    Deed.PROPOSE: OPEN,
    Deed.CLOSE: OPEN,
    Deed.REOPEN: frozenset({Status.CLOSED}),
}
"""From which states each deed leads on: the transition table."""

LONGEST_REASON = 2_000
"""Characters."""


def take(alert: Alert, by: str, now: str) -> Transition:
    """Make it one's own, to look into it. What was escalated stays so."""
    _check(alert, Deed.TAKE, by)
    if alert.owner == by and alert.status in {Status.IN_REVIEW, Status.ESCALATED}:
        raise InputError(f"alert {alert.id} is {by}'s already", meaning="Nothing was changed.")
    status = Status.ESCALATED if alert.status is Status.ESCALATED else Status.IN_REVIEW
    return _step(alert, Deed.TAKE, by, now, status=status, owner=by, snoozed_until=None)


def snooze(alert: Alert, by: str, now: str, until: str, reason: str) -> Transition:
    """Set it aside until a time; it comes back then, or when it becomes graver."""
    _check(alert, Deed.SNOOZE, by)
    try:
        until = canonical_time(until)
    except ValueError as error:
        raise InputError(Problem("until", f"{until[:60]!r} {error}")) from None
    if until <= now:
        raise InputError(Problem("until", f"{until} has passed"))
    changes = {"status": Status.SNOOZED, "snoozed_until": until, "owner": alert.owner or by}
    return _step(alert, Deed.SNOOZE, by, now, reason=_reason(reason), **changes)


def wake(alert: Alert, now: str, by: str | None = None) -> Transition:
    """Bring back what was set aside: by somebody, or because its time has come."""
    if by is not None:
        _check(alert, Deed.WAKE, by)
    return _step(alert, Deed.WAKE, by, now, status=Status.IN_REVIEW, snoozed_until=None)


def escalate(alert: Alert, by: str, now: str, reason: str, to: str | None = None) -> Transition:
    """Hand it on to whoever decides more; with ``to``, it is theirs."""
    _check(alert, Deed.ESCALATE, by)
    if to is not None and to in alert.doers:
        raise InputError(Problem("to", f"{to} did what alert {alert.id} is about"))
    changes = {
        "status": Status.ESCALATED,
        "owner": to if to is not None else alert.owner,
        "snoozed_until": None,
    }
    return _step(alert, Deed.ESCALATE, by, now, reason=_reason(reason), **changes)


def close(alert: Alert, by: str, now: str, disposition: Disposition, reason: str) -> Transition:
    """Say what it turned out to be. Of a grave one that is a proposal, which somebody else must agree with."""
    _check(alert, Deed.CLOSE, by)
    reason = _reason(reason)
    proposed = alert.proposal
    if needs_two(alert.severity) and (proposed is None or proposed.disposition is not disposition):
        proposal = Proposal(by, disposition, reason, now)
        return _step(alert, Deed.PROPOSE, by, now, reason=reason, proposal=proposal)
    if needs_two(alert.severity) and proposed is not None and proposed.by == by:
        raise InputError(
            Problem(
                "by", f"{by} proposed it; an alert of {alert.severity.name.lower()} severity is closed by two"
            ),
            remedy="Have somebody else close it.",
        )
    closers = (by,) if proposed is None or proposed.by == by else (proposed.by, by)
    return _step(
        alert,
        Deed.CLOSE,
        by,
        now,
        reason=reason,
        status=Status.CLOSED,
        disposition=disposition,
        closed_by=closers,
        proposal=None,
        snoozed_until=None,
    )


def reopen(alert: Alert, by: str, now: str, reason: str) -> Transition:
    """Take a closed alert up again."""
    _check(alert, Deed.REOPEN, by)
    return _step(
        alert,
        Deed.REOPEN,
        by,
        now,
        reason=_reason(reason),
        status=Status.IN_REVIEW,
        owner=by,
        disposition=None,
        closed_by=(),
    )


def _check(alert: Alert, deed: Deed, by: str) -> None:
    if not by.strip():
        raise InputError(Problem("by", "is empty: somebody decides"))
    if by in alert.doers:
        raise InputError(
            Problem("by", f"{by} did what alert {alert.id} is about, and does not decide on it"),
            meaning="Nothing was changed; the alert waits for somebody else.",
            remedy="Have somebody else look into it.",
        )
    if alert.status not in _FROM[deed]:
        raise InputError(
            Problem("status", f"alert {alert.id} is {alert.status}, and so cannot be {deed}"),
            meaning="Nothing was changed.",
            remedy="Look at it again: somebody may have been quicker.",
        )


def _reason(text: str) -> str:
    told = " ".join(text.split())
    if not told:
        raise InputError(Problem("reason", "is empty: say why, for whoever reads it later"))
    if len(told) > LONGEST_REASON:
        raise InputError(Problem("reason", f"has {len(told):,} characters; {LONGEST_REASON:,} are enough"))
    return told


def _step(
    alert: Alert, deed: Deed, by: str | None, now: str, *, reason: str | None = None, **changes: object
) -> Transition:
    told = {"reason": reason, **changes} if reason is not None else changes
    after = msgspec.structs.replace(alert, version=alert.version + 1, **told)
    return Transition(alert=after, deed=deed, at=now, before=alert.status, by=by, reason=reason)
