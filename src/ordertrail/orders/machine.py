"""A state machine as an explicit table: which state may follow which, and what it takes.

A transition is *allowed*, *needs approval*, or is a *reversion*: it takes back what an earlier one did, needs approval
and a reason, and has a name of its own (un-ship, reinstate). What is not in the table is illegal. Asking is pure:
:meth:`Machine.transition` changes nothing, and returns what would be, with the reason where it may not be.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Generic, TypeVar

from ordertrail.record.actions import CATALOGUE

State = TypeVar("State", bound=StrEnum)


class Need(StrEnum):
    """What a transition takes."""

    ALLOWED = "allowed"
    """Nothing."""
    APPROVAL = "needs approval"
    """Somebody who may has to approve."""
    REVERSION = "reversion"
    """Approval and a reason: it takes something back."""


class Refusal(Enum):
    """Why a transition may not be."""

    ILLEGAL = "illegal"
    """It is not in the table."""
    UNAPPROVED = "not approved"
    """It needs an approval that was not given."""
    UNEXPLAINED = "without a reason"
    """It is a reversion and nobody said why."""
    SYSTEM_ONLY = "not a person's"
    """Only the system does this."""
    FACTS = "against the facts"
    """The table allows it, and what happened to this order does not."""


@dataclass(frozen=True, slots=True)
class Transition(Generic[State]):
    """One line of a table."""

    before: State
    after: State
    name: str
    """In the imperative: ``un-ship``."""
    phrase: str
    """After the actor's name: "clerk-17 *took back the shipping of* order SO-1042"."""
    action: str
    """The word of the catalogue that it is recorded under."""
    need: Need = Need.ALLOWED
    system: bool = False
    """Only the system does this; a person never asks for it."""


@dataclass(frozen=True, slots=True)
class Outcome(Generic[State]):
    """What became of asking for a transition."""

    machine: str
    before: State
    wanted: State
    transition: Transition[State] | None
    """The line of the table; None where there is none, or where nothing was to change."""
    refusal: Refusal | None = None
    message: str = ""
    """Where it is refused: what happened, what it means, what to do."""

    @property
    def accepted(self) -> bool:
        """Whether it may be: a transition, or no change at all."""
        return self.refusal is None

    @property
    def after(self) -> State:
        """The state that follows."""
        return self.wanted if self.accepted else self.before

    @property
    def action(self) -> str:
        """The word of the catalogue for what happened or was attempted."""
        return self.transition.action if self.transition is not None else "order.status.change"


class Machine(Generic[State]):
    """A lifecycle: its states, where it begins, and its transitions. Immutable."""

    def __init__(
        self, name: str, version: str, initial: State, transitions: Iterable[Transition[State]]
    ) -> None:
        """Raises ValueError for two lines of one transition, one into its own state, and an unknown action."""
        self.name, self.version, self.initial = name, version, initial
        self.states: tuple[State, ...] = tuple(type(initial))
        table: dict[tuple[State, State], Transition[State]] = {}
        for one in transitions:
            key = (one.before, one.after)
            if key in table or one.before == one.after or one.action not in CATALOGUE:
                raise ValueError(
                    f"{name}: {one.before} to {one.after} is there twice, leads nowhere, or has no action"
                )
            table[key] = one
        self.table: Mapping[tuple[State, State], Transition[State]] = table

    def __iter__(self) -> Iterator[Transition[State]]:
        return iter(self.table.values())

    def following(self, state: State) -> tuple[Transition[State], ...]:
        """Return the transitions out of a state."""
        return tuple(one for one in self if one.before == state)

    def transition(
        self,
        current: State,
        wanted: State,
        *,
        approved: bool = False,
        reason: str | None = None,
        system: bool = False,
    ) -> Outcome[State]:
        """Say whether one state may follow another. ``system``: the system itself asks, and not a person."""
        found = self.table.get((current, wanted))
        if current == wanted:
            return Outcome(self.name, current, wanted, None)
        refusal = self._refusal(found, approved=approved, reason=reason, system=system)
        message = "" if refusal is None else self._message(current, wanted, found, refusal)
        return Outcome(self.name, current, wanted, found, refusal, message)

    def replaced(self, version: str, *lines: Transition[State]) -> "Machine[State]":
        """Return the machine with these lines in place of those between the same states, or added; under a version."""
        table = {**self.table, **{(one.before, one.after): one for one in lines}}
        return Machine(self.name, version, self.initial, table.values())

    def _refusal(
        self, found: Transition[State] | None, *, approved: bool, reason: str | None, system: bool
    ) -> Refusal | None:
        if found is None:
            return Refusal.ILLEGAL
        if found.system and not system:
            return Refusal.SYSTEM_ONLY
        if found.need is not Need.ALLOWED and not approved:
            return Refusal.UNAPPROVED
        if found.need is Need.REVERSION and not (reason or "").strip():
            return Refusal.UNEXPLAINED
        return None

    def _message(
        self, current: State, wanted: State, found: Transition[State] | None, refusal: Refusal
    ) -> str:
        asked = f"the {self.name} is {current} and was to become {wanted}"
        kept = f"it stays {current}, and the attempt is recorded"
        name = "" if found is None else f"'{found.name}'"
        match refusal:
            case Refusal.ILLEGAL:
                possible = (
                    ", ".join(one.after for one in self.following(current)) or "nothing: this is the end"
                )
                return f"{asked}, which no transition allows; {kept}. From here it may become: {possible}."
            case Refusal.UNAPPROVED:
                return f"{asked}: {name} needs approval; {kept}. Have somebody approve it who may."
            case Refusal.UNEXPLAINED:
                return f"{asked}: {name} is a reversion and needs a reason; {kept}. Say why."
            case _:
                return f"{asked}: {name} is done by the system only; {kept}. Mend what made the system do it."
