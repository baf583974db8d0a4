"""Re-filing: entries that are sealed are kept by the terms of another class, by reference. Pure.

A class is a stream, and what is in a log stays in it. That entries of one class are from now on kept as those of
another is asked for by one person and approved by another, as events of the deletion log: subject ``refiling``; /stream
the class that they are in, /scope which of them (a filter), /class the class whose terms they get, /shorter whether
these hold even where they end sooner, /entries how many are meant.

Without ``shorter`` the longer of both terms counts, so that no entry is let go of earlier than before. With it the new
term alone counts, unless the old class is a duty by law. Either way nothing goes before the log's own term: for that
long the vault has locked it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from ordertrail.record.event import Change, Event

SUBJECT: Final = "refiling"
"""The kind of subject of its events in the deletion log."""


class RefilingState(StrEnum):
    """Where a re-filing stands."""

    REQUESTED = "requested"
    IN_FORCE = "in-force"


@dataclass(frozen=True, slots=True)
class Refiling:
    """Entries of ``stream`` that ``scope`` means are kept as those of the class ``target``. Times are RFC 3339."""

    id: str
    stream: str
    scope: str
    target: str
    shorter: bool
    entries: int
    reason: str
    requester: str
    requested: str
    state: RefilingState = RefilingState.REQUESTED
    approver: str | None = None
    approved: str | None = None

    def changes(self) -> tuple[Change, ...]:
        """Return what its request says."""
        return (
            Change("/stream", after=self.stream),
            Change("/scope", after=self.scope),
            Change("/class", after=self.target),
            Change("/shorter", after=self.shorter),
            Change("/entries", after=self.entries),
        )

    def due(self, before: datetime | None, target: datetime | None) -> datetime | None:
        """Return from when on an entry that is meant may go, from both classes' answers; None where nothing says."""
        if self.shorter:
            return target
        return None if before is None or target is None else max(before, target)


def refiling_of(event: Event, said: Mapping[str, Any]) -> Refiling:
    """Read a re-filing from the event that asked for it; ``said`` are the event's changes by their paths."""
    context = event.context
    return Refiling(
        id=event.subject.id,
        stream=str(said.get("/stream", "")),
        scope=str(said.get("/scope", "")),
        target=str(said.get("/class", "")),
        shorter=said.get("/shorter") is True,
        entries=int(said.get("/entries", 0)),
        reason=(context.reason or "") if context is not None else "",
        requester=event.actor.id,
        requested=event.time,
    )
