"""What corrective actions need of the outside world. Guarantees stand in each port's docstring."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from ordertrail.monitor.actions.catalogue import CorrectiveAction
from ordertrail.monitor.actions.effect import Tally
from ordertrail.monitor.actions.suggestion import State, Suggestion, Transition
from ordertrail.monitor.forecast.forecast import Forecast


@dataclass(frozen=True, slots=True)
class SuggestionQuery:
    """Which suggestions: all that fit what is given. An empty set fits everything; ``tenants`` None does.

    An empty name among ``tenants`` means those of no tenant.
    """

    states: frozenset[State] = frozenset()
    orders: frozenset[str] = frozenset()
    target: str | None = None
    action: str | None = None
    tenants: frozenset[str] | None = None
    limit: int = 200


@dataclass(frozen=True, slots=True)
class Allowance:
    """How often an action may be accepted by mandates: fewer than ``most`` times since a time (RFC 3339)."""

    action: str
    since: str
    most: int


class Changed(Enum):
    """What became of a change."""

    DONE = "done"
    STALE = "stale"
    """Somebody was quicker: nothing was kept."""
    SPENT = "spent"
    """The allowance was used up: nothing was kept."""


class SuggestionStore(Protocol):
    """Suggestions, and their transitions until the trail knows of them.

    Durable once a call returns. A suggestion is changed only by who knows its version, so that of two who take one on
    at once, one is told; an allowance is counted in the same transaction, so that no two together exceed it. May be
    used by several threads and processes. Raises UnavailableError where the store cannot be reached.
    """

    def get(self, ids: Sequence[str]) -> Mapping[str, Suggestion]:
        """Return those of these suggestions that are there, by id."""

    def find(self, query: SuggestionQuery) -> Sequence[Suggestion]:
        """Return suggestions, those of the greatest gain first, and of these the newest first."""

    def due(self, now: str, limit: int) -> Sequence[Suggestion]:
        """Return what is to be carried out or undone by now, the longest due first."""

    def unlearned(self, now: str, limit: int) -> Sequence[Suggestion]:
        """Return suggestions whose horizon has ended by now, of which it is not known what became of the order."""

    def tally(self) -> Sequence[Tally]:
        """Count the suggestions of which it is known, by action, target, arm, and whether the order breached."""

    def change(self, transition: Transition, allowance: Allowance | None = None) -> Changed:
        """Keep a suggestion as a transition leaves it; a new one where its version is 1."""

    def untold(self, limit: int) -> Sequence[Transition]:
        """Return transitions that the trail does not know of yet, oldest first."""

    def tell(self, told: Sequence[Transition]) -> None:
        """Remember that the trail knows of these."""

    def life(self, suggestion: str) -> Sequence[Transition]:
        """Return the transitions of a suggestion, from the first on; empty where there is none."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What is to be carried out, or undone. ``key`` is the same whenever this very thing is asked."""

    key: str
    action: CorrectiveAction
    suggestion: Suggestion


class Operation(Protocol):
    """Carries actions out, in one way.

    What is asked again under the same key is not done twice. Raises UnavailableError where it could not be done now, or
    nobody knows: then it is asked again. Raises InputError or ConfigurationError where asking again is of no use.
    Bounded in time, well within the lease of whoever asks.
    """

    def carry_out(self, ask: Ask) -> str:
        """Do it; return in a sentence what was done."""

    def undo(self, ask: Ask) -> str:
        """Undo it; return in a sentence what was undone. Asked only of actions that can be undone."""


class Outcomes(Protocol):
    """Knows what became of orders."""

    def __call__(self, suggestion: Suggestion, /) -> bool | None:
        """Say whether the order breached between the suggestion and its end; None where that cannot be known yet."""


class Board(Protocol):
    """The newest forecast of each order and target that is at risk, for people to look at.

    Durable once a call returns; made anew by whoever follows the log, so that losing it loses nothing. May be used by
    several threads and processes.
    """

    def put(self, risky: Sequence[Forecast], safe: Sequence[Forecast]) -> None:
        """Keep the forecasts of orders at risk in the place of those before, and forget those that are not."""

    def riskiest(
        self, now: int, tenants: frozenset[str] | None, limit: int, target: str | None = None
    ) -> Sequence[Forecast]:
        """Return forecasts whose horizon has not ended (microseconds since 1970), the most probable breach first.

        ``None`` stands for every tenant, and for every target.
        """


class Door(Protocol):
    """The trail's own door: events are durable when it returns, and known ids add nothing."""

    def __call__(self, transitions: Sequence[Transition], /) -> None:
        """Record transitions."""
