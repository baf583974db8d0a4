"""An alert: what a rule found, for a person to decide on.

Where it is in its life and what it turned out to be are two things: the *status* is where, the *disposition* is what,
and only a closed alert has one.

::

    new ──take──▶ in review ──close──▶ closed ──it happens again──▶ regressed ──take──▶ in review
     │               │  ▲
     └──snooze──▶ snoozed ─ the time comes, or it happens again ─▶ in review     any open one ──escalate──▶ escalated
"""

from enum import StrEnum

import msgspec

from ordertrail.monitor.rules.rule import Control, Level
from ordertrail.monitor.stream.seen import Group, Moved, Seen

MOST_EVIDENCE = 500
"""Events that an alert names: the earliest. There may have been more, and then it says so."""

MOST_NAMED = 20
"""People, orders and causes that an alert names."""


class Status(StrEnum):
    """Where an alert is."""

    NEW = "new"
    IN_REVIEW = "in review"
    SNOOZED = "snoozed"
    ESCALATED = "escalated"
    REGRESSED = "regressed"
    CLOSED = "closed"


class Disposition(StrEnum):
    """What an alert turned out to be."""

    CONFIRMED = "confirmed"
    """It was what the rule looks for: fraud, or a control that was gone around."""
    MISTAKE = "mistake"
    """It happened, and nobody meant it."""
    EXPECTED = "expected"
    """It happened as it should; the rule cannot know."""
    FALSE = "false"
    """What the rule says did not happen."""
    DUPLICATE = "duplicate"
    """Another alert tells it."""


class Proposal(msgspec.Struct, frozen=True):
    """How somebody would close an alert that two must close."""

    by: str
    disposition: Disposition
    reason: str
    at: str


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """An alert as it stands.

    Times of evidence are in microseconds since 1970, times of its own life in the one spelling of times. ``id`` is made
    of the rule, what tells its alerts apart, and the stretch of time: the same finding is the same alert, however
    often it is made. ``version`` counts what became of it. ``asked`` is what the rule looked for, in English, as it
    stood when the alert was raised, and ``measure`` the live number.
    """

    id: str
    version: int
    rule: str
    name: str
    title: str
    asked: str
    key: Group
    bucket: int
    status: Status
    level: Level
    control: Control | None
    severity: Level
    raised: str
    due: str
    evidence: tuple[Seen, ...]
    measure: int
    doers: tuple[str, ...] = ()
    """The persons who did what made the rule match; others may have part in it, who approved before, say."""
    more: bool = False
    """Whether there were more events than it names."""
    tenant: str | None = None
    owner: str | None = None
    snoozed_until: str | None = None
    proposal: Proposal | None = None
    disposition: Disposition | None = None
    reason: str | None = None
    closed_by: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to decide."""
        return self.status is not Status.CLOSED

    @property
    def people(self) -> tuple[str, ...]:
        """Everybody who has part in what it is about, persons before services."""
        told = sorted({(not seen.person, seen.actor) for seen in self.evidence})
        return tuple(actor for _service, actor in told[:MOST_NAMED])

    @property
    def orders(self) -> tuple[str, ...]:
        """The orders that it is about."""
        return tuple(sorted({seen.order for seen in self.evidence if seen.order is not None})[:MOST_NAMED])

    @property
    def money(self) -> tuple[Moved, ...]:
        """The money at risk: what the events that it names moved, by currency."""
        sums: dict[str, int] = {}
        for seen in self.evidence:
            for currency, amount in seen.money:
                sums[currency] = sums.get(currency, 0) + amount
        return tuple(sorted(sums.items()))

    @property
    def first(self) -> int:
        """When the first of its events happened."""
        return self.evidence[0].time

    @property
    def last(self) -> int:
        """When the last of the events that it names happened."""
        return self.evidence[-1].time


class Deed(StrEnum):
    """What was done to an alert."""

    RAISE = "raised"
    RISE = "rose in severity"
    REGRESS = "came back"
    TAKE = "taken"
    SNOOZE = "snoozed"
    WAKE = "woke"
    ESCALATE = "escalated"
    PROPOSE = "proposed to be closed"
    CLOSE = "closed"
    REOPEN = "reopened"


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """One step in the life of an alert: event of the trail, and what people are told.

    ``by`` is None where the watch itself did it. ``alert`` is the alert after it.
    """

    alert: Alert
    deed: Deed
    at: str
    before: Status | None = None
    by: str | None = None
    reason: str | None = None
