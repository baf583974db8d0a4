"""What watching needs of the outside world. Guarantees stand in each port's docstring."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from ordertrail.monitor.alerts.alert import Alert, Status, Transition
from ordertrail.monitor.rules.rule import Level
from ordertrail.monitor.stream.seen import Kept
from ordertrail.record.event import Event


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a watch is: the place in each log from which on it has not read, and what it knows of time.

    ``late`` and ``dropped`` count events that came too late for correlations, and items that were let go for want of
    room, since ever.
    """

    places: Mapping[str, int]
    watermark: int = 0
    late: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """What a watch did in one step, to be kept together.

    ``alerts`` are alerts as they are now, each with the version that it had before (0 where it is new);
    ``transitions`` are theirs. ``horizons`` are, by the version of a correlation, times before which nothing of it is
    needed any more.
    """

    before: Standing
    after: Standing
    kept: Sequence[Kept] = ()
    horizons: Mapping[str, int] = field(default_factory=dict)
    alerts: Sequence[tuple[Alert, int]] = ()
    transitions: Sequence[Transition] = ()


class Committed(Enum):
    """What became of a step."""

    DONE = "done"
    MOVED = "moved"
    """Another watch has been here: nothing was kept."""
    CHANGED = "changed"
    """Somebody changed one of the alerts meanwhile: nothing was kept."""


class WatchStore(Protocol):
    """The state of a watch, and the place in the log that it is of.

    Atomic and durable: a step is kept whole or not at all, and what is kept survives a crash. Of two watches at one
    place, one goes on. Raises UnavailableError where the store cannot be reached.
    """

    def standing(self) -> Standing:
        """Return where the watch is; nowhere, at first."""

    def kept(self) -> Iterator[Kept]:
        """Yield what was kept, in any sequence."""

    def commit(self, step: Step) -> Committed:
        """Keep a step, if its ``before`` is where the watch is and no alert of it has another version."""

    def forget(self, versions: Sequence[str]) -> None:
        """Forget what was kept of all correlations but these."""


@dataclass(frozen=True, slots=True)
class AlertQuery:
    """Which alerts: all that fit what is given. An empty set fits everything; ``tenants`` None does."""

    statuses: frozenset[Status] = frozenset()
    least: Level = Level.INFORMATIONAL
    rule: str | None = None
    person: str | None = None
    order: str | None = None
    owner: str | None = None
    tenants: frozenset[str] | None = None
    since: int | None = None
    """Microseconds since 1970: alerts whose last named event happened then or later."""
    limit: int = 200


class AlertStore(Protocol):
    """Alerts, and their transitions until the trail knows of them.

    Durable once a call returns. An alert is changed only by who knows its version, so that of two people who decide at
    once, one is told. May be used by several threads and processes.
    """

    def get(self, ids: Sequence[str]) -> Mapping[str, Alert]:
        """Return those of these alerts that are there, by id."""

    def find(self, query: AlertQuery) -> Sequence[Alert]:
        """Return alerts, the gravest first, and of these the newest first."""

    def change(self, transition: Transition) -> bool:
        """Keep an alert as a transition leaves it; False where it is not of the version before any more."""

    def untold(self, limit: int) -> Sequence[Transition]:
        """Return transitions that the trail does not know of yet, oldest first."""

    def tell(self, transitions: Sequence[Transition]) -> None:
        """Remember that the trail knows of these."""


class Lives(Protocol):
    """The lives of alerts, step by step. Durable, and only added to."""

    def life(self, alert: str) -> Sequence[Transition]:
        """Return the transitions of an alert, from the first on; empty where there is none."""


class Door(Protocol):
    """The trail's own door: events are durable when it returns, and known ids add nothing."""

    def __call__(self, events: Sequence[Event], /) -> None:
        """Record events."""


class Told(Protocol):
    """Somebody who is told of alerts at once: after they are kept, and before the next events are looked at.

    Called from the thread of the watch, which waits: it should hand over and return. What it raises is counted, and
    stops nothing. Each transition is told at least once to a watch that goes on; whoever sends messages remembers what
    it has sent by alert and version.
    """

    def __call__(self, transitions: Sequence[Transition], /) -> None:
        """Take note of new and changed alerts."""


class RuleFiles(Protocol):
    """The trail's own rules, as texts by the names of their files. Written whole or not at all."""

    def read(self) -> Mapping[str, str]:
        """Return the texts."""

    def write(self, name: str, text: str) -> None:
        """Keep a text under a name, in the place of what was there."""

    def mark(self) -> object:
        """Return something that is another once a text was changed, cheaply."""
