"""What carries corrective actions out: systems of the organisation, by signed webhooks, and the trail's own rooms.

Each does what is asked under a key once, however often it is asked. A webhook's receiver knows the key as its
``webhook-id`` (Standard Webhooks 1.0) and answers 2xx the second time, too; the rooms are asked what is there first.

::

    {"type": "ordertrail.action", "timestamp": "2026-11-23T09:00:00.000000Z",
     "data": {"key": "S-0f3c…", "undo": false, "action": "hold order", "order": "SO-1042", "tenant": null,
              "target": "changed_after_approval", "reason": …, "decided_by": "auditor-2", "mandate": null}}
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from ordertrail.kernel.clock import Clock, format_time
from ordertrail.kernel.errors import ConfigurationError, InputError
from ordertrail.kernel.numbers import count
from ordertrail.monitor.actions.ports import Ask
from ordertrail.monitor.actions.suggestion import Suggestion
from ordertrail.monitor.actions.telling import ENGINE
from ordertrail.record.event import Event

if TYPE_CHECKING:  # each is an extra's, and is opened only where an action asks for it
    from contextlib import AbstractContextManager

    from ordertrail.access.service import Access
    from ordertrail.correlate.service import Correlate
    from ordertrail.evidence.desk import Desk
    from ordertrail.intake.service import Intake

TYPE: Final = "ordertrail.action"

_LOOKED: Final = 100
"""Cases, the newest, among which one that was opened before is looked for."""


class Post(Protocol):
    """Hands a signed body over to a system, under an id."""

    def __call__(self, id_: str, body: bytes, /) -> None:
        """Raises UnavailableError where it may be tried again, ConfigurationError where that is of no use."""


@dataclass(frozen=True, slots=True)
class WebhookOperation:
    """Implements :class:`ordertrail.monitor.actions.ports.Operation` by the webhooks of the settings."""

    systems: Mapping[str, Post]
    clock: Clock

    def carry_out(self, ask: Ask) -> str:
        """See the port."""
        return self._post(ask, undo=False)

    def undo(self, ask: Ask) -> str:
        """See the port."""
        return self._post(ask, undo=True)

    def _post(self, ask: Ask, *, undo: bool) -> str:
        to = ask.action.to
        if to is None or to not in self.systems:
            raise ConfigurationError(
                f"the action {ask.action.name!r} names the webhook {to!r}, which there is not",
                meaning="Nothing was done about the order.",
                remedy="Name one of [[webhooks]] of trail.toml as 'to' of the action.",
            )
        one = ask.suggestion
        body = {
            "type": TYPE,
            "timestamp": one.made,
            "data": {
                "key": ask.key,
                "undo": undo,
                "action": ask.action.name,
                "order": one.order,
                "tenant": one.tenant,
                "target": one.target,
                "reason": one.reason,
                "decided_by": one.decided_by,
                "mandate": one.mandate,
            },
        }
        self.systems[to](ask.key, msgspec.json.encode(body))
        return f"{to} was asked to {'undo it' if undo else 'do it'} at {format_time(self.clock())[:19]}Z"


@dataclass(frozen=True, slots=True)
class CaseOperation:
    """Opens a case with the event that moved the forecast; one that was opened before is left as it is."""

    desk: "Callable[[], AbstractContextManager[Desk]]"

    def carry_out(self, ask: Ask) -> str:
        """See the port."""
        one = ask.suggestion
        title = f"Order {one.order}: {one.target} foreseen ({ask.key})"
        with self.desk() as desk:
            case = next((each for each in desk.list_cases(_LOOKED) if each.title == title), None)
            if case is None:
                case = desk.open_case(title, ENGINE)
            if not case.items:
                desk.add(case.id, one.last, ENGINE, "the event that moved the forecast")
        return f"case {case.id} was opened"

    def undo(self, ask: Ask) -> str:
        """See the port."""
        raise _never_undone(ask)


@dataclass(frozen=True, slots=True)
class ReconcileOperation:
    """Reconciles an order again; doing it twice finds the same."""

    correlate: "Callable[[], AbstractContextManager[Correlate]]"

    def carry_out(self, ask: Ask) -> str:
        """See the port."""
        with self.correlate() as correlate:
            found = correlate.reconcile_orders([ask.suggestion.order])
        return f"the order was reconciled again: {count(len(found), 'discrepancy', 'discrepancies')}"

    def undo(self, ask: Ask) -> str:
        """See the port."""
        raise _never_undone(ask)


@dataclass(frozen=True, slots=True)
class IntakeOperation:
    """Gives deliveries of an order back to be taken in; those that were given back are not waiting any more."""

    intake: "Callable[[], AbstractContextManager[Intake]]"

    def carry_out(self, ask: Ask) -> str:
        """See the port."""
        from ordertrail.intake.ports import Query  # noqa: PLC0415 - an extra

        reason = f"suggestion {ask.key}"
        with self.intake() as intake:
            bulk = intake.repair.replay_all(Query(order=ask.suggestion.order), ENGINE, reason)
        return f"{count(bulk.done, 'delivery', 'deliveries')} of the order were given back"

    def undo(self, ask: Ask) -> str:
        """See the port."""
        raise _never_undone(ask)


@dataclass(frozen=True, slots=True)
class SessionOperation:
    """Signs the person out everywhere whose event moved the forecast; who is out already is left so."""

    access: "Callable[[], AbstractContextManager[Access]]"
    event_of: Callable[[Suggestion], Event]

    def carry_out(self, ask: Ask) -> str:
        """See the port."""
        from ordertrail.access.telling import Where  # noqa: PLC0415 - an extra

        actor = self.event_of(ask.suggestion).actor
        with self.access() as access:
            account = access.people.accounts.get(actor.id)
            if account is None:
                raise InputError(f"{actor.id} has no account here, and so no session that could be ended")
            sessions = access.entrance.sessions.of(account.id)
            if sessions:
                access.entrance.sign_out(sessions[0], account, Where(channel="ordertrail"), everywhere=True)
        return f"{count(len(sessions), 'session')} of {actor.id} ended"

    def undo(self, ask: Ask) -> str:
        """See the port."""
        raise _never_undone(ask)


def _never_undone(ask: Ask) -> InputError:
    return InputError(f"{ask.action.title!r} cannot be undone")
