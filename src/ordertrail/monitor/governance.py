"""The governance log: what is put in force for a trail, by whom it was proposed, and who else approved it.

Models, the trail's own rules and the policy of what may be done without asking are governed alike: each is known by the
SHA-256 of its bytes, one person makes it, another approves it, and it is in force only afterwards. All that is said of
them is in one log of the trail, with a key and a tree of its own; nothing is kept beside it, and whoever has the log
can fold it and sees the same. Programs that may record events of orders cannot write to it: no interface takes events
for it, so that an approval is never somebody's mere word.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from ordertrail.kernel.clock import Clock, format_time
from ordertrail.kernel.errors import InputError
from ordertrail.kernel.ids import new_id
from ordertrail.record.event import Actor, Change, Context, Event, Outcome, Subject

GOVERNANCE: Final = "governance"
"""The stream of the governance log."""

LONGEST_REASON: Final = 2_000
"""Characters."""


class GovernanceLog(Protocol):
    """The governance log. May be used by several threads and processes.

    Raises EvidenceError where an entry was altered, UnavailableError where the log cannot be read, or what was written
    could not be sealed in good time.
    """

    def events(self) -> Iterator[Event]:
        """Yield what is sealed, in the order of the log; nothing where it was never begun."""

    def write(self, events: Sequence[Event]) -> None:
        """Put events into the log: sealed when it returns. An id that is there adds nothing."""


class GovernanceRefusedError(InputError):
    """Something was asked that no one person may do. The attempt is on record."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message, meaning="Nothing was changed; the attempt is on record.", remedy=remedy)


@dataclass(frozen=True, slots=True)
class Told:
    """Puts events into the governance log, each in one way."""

    log: GovernanceLog
    clock: Clock

    def tell(  # noqa: PLR0913, PLR0917 - what an event has
        self,
        action: str,
        by: Actor,
        subject: Subject,
        reason: str,
        changes: Sequence[Change] = (),
        outcome: Outcome = "success",
    ) -> Event:
        """Put an event into the log; return it."""
        event = Event(
            id=new_id(),
            time=format_time(self.clock()),
            action=action,
            actor=by,
            subject=subject,
            outcome=outcome,
            changes=tuple(changes),
            context=Context(reason=reason),
        )
        self.log.write([event])
        return event

    def refused(
        self, action: str, by: Actor, subject: Subject, why: str, remedy: str
    ) -> GovernanceRefusedError:
        """Put an attempt on record; return what is raised."""
        self.tell(action, by, subject, why, outcome="denied")
        return GovernanceRefusedError(why, remedy)


def said(event: Event) -> dict[str, Any]:
    """Return what an event says, by path."""
    return {change.path: change.after for change in event.changes}


def reason_of(event: Event) -> str:
    """Return why something was done."""
    return (event.context.reason or "") if event.context is not None else ""


def given_reason(text: str) -> str:
    """Return a reason in one line. Raises InputError where there is none, or it is endless."""
    told = " ".join(text.split())
    if not told:
        raise InputError("say why, for whoever reads it later")
    if len(told) > LONGEST_REASON:
        raise InputError(f"the reason has {len(told):,} characters; {LONGEST_REASON:,} are enough")
    return told
