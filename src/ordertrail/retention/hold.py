"""Legal holds: what they keep, for whom and why. Each is two events of the deletion log: placed, and released. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ordertrail.kernel.errors import InputError, Problem
from ordertrail.record.event import Event


@dataclass(frozen=True, slots=True)
class Hold:
    """A legal hold. ``scope`` is a filter of the shared grammar; times are RFC 3339, ``review`` is a date."""

    id: str
    scope: str
    owner: str
    reason: str
    placed: str
    review: str | None = None
    released: str | None = None
    release_reason: str = ""

    @property
    def in_force(self) -> bool:
        """Whether it keeps anything."""
        return self.released is None


Matches = Callable[[Event], bool]
"""Says whether an event is meant by a scope."""

ParseScope = Callable[[str], Matches]
"""Reads a scope. Raises InputError naming what is wrong with it."""


def holding(event: Event, holds: Iterable[tuple[Hold, Matches]]) -> list[str]:
    """Return the ids of the holds that keep an event."""
    return [hold.id for hold, matches in holds if matches(event)]


def require_hold(hold: Hold, known: Iterable[str]) -> None:
    """Raise InputError naming everything that a new hold lacks."""
    problems = [
        Problem(name, "must be told")
        for name in ("id", "scope", "owner", "reason")
        if not getattr(hold, name).strip()
    ]
    if hold.id in set(known):
        problems.append(Problem("id", f"there was a hold {hold.id} already; holds are never changed"))
    if problems:
        raise InputError(problems)
