"""A mandate: two people allow a named safe action to run without asking, within limits.

Proposed by one, in force once another approved it, until its end or until anybody stops it. Stopping needs no second
person and takes effect at once; what was stopped needs a new proposal. All of it is folded from the governance log.

==================  ====================================================================================================
``policy.propose``  subject ``policy``, the mandate; /action /targets /least /most_per_hour /hold_out /until
``policy.approve``  by a person who did not propose it
``policy.stop``     subject ``policy``: the mandate, or ``corrective-actions`` for all that there are by then
==================  ====================================================================================================
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from ordertrail.kernel.canonical import canonical
from ordertrail.kernel.clock import Clock, canonical_time, format_time
from ordertrail.kernel.errors import InputError, Problem
from ordertrail.monitor.actions.catalogue import ActionCatalogue
from ordertrail.monitor.actions.suggesting import ONE
from ordertrail.monitor.governance import (
    GovernanceLog,
    GovernanceRefusedError,
    Told,
    given_reason,
    reason_of,
    said,
)
from ordertrail.record.event import Actor, Change, Event, Subject

EVERYTHING: Final = "corrective-actions"
"""The subject that stops all mandates."""

MOST_PER_HOUR: Final = 1_000
"""The highest rate that a mandate may have."""

LARGEST_HOLD_OUT: Final = 50
"""Per cent that may be left to chance."""


class MandateState(StrEnum):
    """Where a mandate stands."""

    PROPOSED = "proposed"
    IN_FORCE = "in force"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a mandate allows.

    ``least`` is the probability from which on, in millionths; ``most_per_hour`` the highest rate; ``hold_out`` the per
    cent of suggestions that chance withholds; ``until`` its end (RFC 3339).
    """

    action: str
    targets: tuple[str, ...]
    least: int
    most_per_hour: int
    hold_out: int
    until: str

    @property
    def id(self) -> str:
        """The name of a mandate with these terms: ``M-`` and 12 digits of their SHA-256."""
        return f"M-{hashlib.sha256(canonical(self._told())).hexdigest()[:12]}"

    def changes(self) -> tuple[Change, ...]:
        """Return what its proposal says."""
        return tuple(Change(f"/{name}", after=value) for name, value in self._told().items())

    def _told(self) -> dict[str, Any]:
        return {
            "action": self.action,
            "targets": list(self.targets),
            "least": self.least,
            "most_per_hour": self.most_per_hour,
            "hold_out": self.hold_out,
            "until": self.until,
        }


@dataclass(frozen=True, slots=True)
class Mandate:
    """A mandate as it stands."""

    terms: Terms
    proposed_by: str
    proposed: str
    reason: str
    state: MandateState = MandateState.PROPOSED
    approved_by: str | None = None
    stopped_by: str | None = None

    @property
    def id(self) -> str:
        """Its name, made of its terms."""
        return self.terms.id

    def holds(self, now: str) -> bool:
        """Say whether it is in force at a time."""
        return self.state is MandateState.IN_FORCE and now < self.terms.until

    def covers(self, action: str, target: str, before: int) -> bool:
        """Say whether it is for an action against a target at a probability (millionths)."""
        terms = self.terms
        return terms.action == action and target in terms.targets and before >= terms.least

    def withholds(self, suggestion: str) -> bool:
        """Say whether chance withholds a suggestion: by the hash of both names, the same whenever it is asked."""
        digest = hashlib.sha256(f"{self.id}\0{suggestion}".encode()).digest()
        return int.from_bytes(digest[:8]) % 100 < self.terms.hold_out


def fold(events: Iterable[Event]) -> dict[str, Mandate]:
    """Fold the governance log; return the mandates by name, the first proposed first."""
    mandates: dict[str, Mandate] = {}
    for event in events:
        if event.outcome != "success" or event.subject.kind != "policy":
            continue
        name = event.subject.id
        known = mandates.get(name)
        match event.action:
            case "policy.propose":
                proposed = _proposed(event)
                if proposed is not None and (known is None or known.state is MandateState.STOPPED):
                    mandates[name] = proposed
            case "policy.approve" if known is not None and approvable(known, event.actor):
                mandates[name] = replace(known, state=MandateState.IN_FORCE, approved_by=event.actor.id)
            case "policy.stop":
                for each in list(mandates) if name == EVERYTHING else [name] if known is not None else []:
                    if mandates[each].state is not MandateState.STOPPED:
                        mandates[each] = replace(
                            mandates[each], state=MandateState.STOPPED, stopped_by=event.actor.id
                        )
    return mandates


def approvable(mandate: Mandate, by: Actor) -> bool:
    """Say whether somebody may approve a mandate: a person, and not who proposed it."""
    return mandate.state is MandateState.PROPOSED and by.kind == "person" and by.id != mandate.proposed_by


@dataclass(frozen=True, slots=True)
class Mandates:
    """The mandates of a trail, by their parts."""

    log: GovernanceLog
    catalogue: ActionCatalogue
    clock: Clock

    def all(self) -> list[Mandate]:
        """Return all mandates, the newest first."""
        return list(reversed(fold(self.log.events()).values()))

    def in_force(self) -> list[Mandate]:
        """Return those that let actions run now."""
        now = format_time(self.clock())
        return [one for one in self.all() if one.holds(now)]

    def propose(self, terms: Terms, by: Actor, reason: str) -> Mandate:
        """Ask that an action may run without asking. Raises InputError naming everything that may not be."""
        reason = given_reason(reason)
        terms = replace(
            terms, targets=tuple(sorted(set(terms.targets))), until=_checked(terms, self.catalogue)
        )
        if terms.until <= format_time(self.clock()):
            raise InputError(Problem("until", f"{terms.until} has passed"))
        known = fold(self.log.events()).get(terms.id)
        if known is not None and known.state is not MandateState.STOPPED:
            raise InputError(f"mandate {terms.id} with these very terms is {known.state}")
        self._told.tell("policy.propose", by, Subject("policy", terms.id), reason, terms.changes())
        return fold(self.log.events())[terms.id]

    def approve(self, name: str, by: Actor, reason: str) -> Mandate:
        """Put a mandate in force that somebody else proposed."""
        reason, mandate = given_reason(reason), self._named(name)
        if not approvable(mandate, by):
            raise self._refused(mandate, by)
        self._told.tell("policy.approve", by, Subject("policy", mandate.id), reason)
        return fold(self.log.events())[mandate.id]

    def stop(self, name: str, by: Actor, reason: str) -> None:
        """Stop a mandate, or all of them; at once, by anybody who may decide on suggestions."""
        reason = given_reason(reason)
        if name != EVERYTHING:
            name = self._named(name).id
        self._told.tell("policy.stop", by, Subject("policy", name), reason)

    @property
    def _told(self) -> Told:
        return Told(self.log, self.clock)

    def _named(self, name: str) -> Mandate:
        try:
            return fold(self.log.events())[name]
        except KeyError:
            raise InputError(f"there is no mandate {name[:80]!r}") from None

    def _refused(self, mandate: Mandate, by: Actor) -> GovernanceRefusedError:
        why = f"mandate {mandate.id} is {mandate.state}"
        if mandate.state is MandateState.PROPOSED:
            doer = f"{by.id} proposed it" if by.kind == "person" else f"{by.id} is no person"
            why = f"{doer}; mandate {mandate.id} is approved by another person"
        subject = Subject("policy", mandate.id)
        return self._told.refused("policy.approve", by, subject, why, "Have somebody else approve it.")


def _checked(terms: Terms, catalogue: ActionCatalogue) -> str:
    """Return when a mandate ends, in the one spelling. Raises InputError naming everything that may not be."""
    problems = []
    action = catalogue.get(terms.action)
    if action is None or not action.safe:
        problems.append(Problem("action", f"{terms.action[:80]!r} is no safe action; a person decides on it"))
    if not terms.targets:
        problems.append(Problem("targets", "names none; a mandate is for named targets"))
    if not 0 < terms.least <= ONE:
        problems.append(Problem("least", "is a probability above 0 and up to 1"))
    if not 0 < terms.most_per_hour <= MOST_PER_HOUR:
        problems.append(Problem("most_per_hour", f"is from 1 to {MOST_PER_HOUR:,}"))
    if not 0 <= terms.hold_out <= LARGEST_HOLD_OUT:
        problems.append(Problem("hold_out", f"is from 0 to {LARGEST_HOLD_OUT} per cent"))
    until = ""
    try:
        until = canonical_time(terms.until)
    except ValueError as error:
        problems.append(Problem("until", f"{terms.until[:60]!r} {error}"))
    if problems:
        raise InputError(problems)
    return until


def _proposed(event: Event) -> Mandate | None:
    """Return what was proposed; None where the event is not what a proposal says, or names other terms."""
    told = said(event)
    try:
        terms = Terms(
            action=str(told["/action"]),
            targets=tuple(map(str, told["/targets"])),
            least=int(told["/least"]),
            most_per_hour=int(told["/most_per_hour"]),
            hold_out=int(told["/hold_out"]),
            until=canonical_time(str(told["/until"])),
        )
    except (KeyError, TypeError, ValueError):
        return None
    if terms.id != event.subject.id:
        return None
    return Mandate(terms, event.actor.id, event.time, reason_of(event))
