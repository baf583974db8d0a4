"""What led to an event, and what it led to: the chain of causes back, and the tree of effects forward."""

from collections.abc import Sequence
from dataclasses import dataclass

from ordertrail.query.filters.grammar import Filter
from ordertrail.query.filters.terms import Is
from ordertrail.query.ports import Hit, Searches
from ordertrail.query.questions.walking import walk

DEEPEST = 32
MOST = 500
"""Steps back, and effects, that are followed."""

_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Effect:
    """An event, how many steps it is from the one asked about, and the cause that it names."""

    hit: Hit
    depth: int
    cause: str


@dataclass(frozen=True, slots=True)
class CauseChain:
    """What led to an event and what followed.

    ``causes`` are the events that led here, the nearest first, and ``origin`` the cause that is no event of ours: a
    message or a job. ``effects`` follow step by step; ``whole`` is False where they were too many, or too far.
    """

    causes: tuple[Hit, ...]
    origin: str | None
    effects: tuple[Effect, ...]
    whole: bool


def cause_chain(searches: Searches, hit: Hit, within: Filter) -> CauseChain:
    """Follow causes back and effects forward, through events that ``within`` means."""
    causes, origin, ended = _back(searches, hit, within)
    effects, whole = _forward(searches, hit, within)
    return CauseChain(causes, origin, effects, ended and whole)


def _back(searches: Searches, hit: Hit, within: Filter) -> tuple[tuple[Hit, ...], str | None, bool]:
    found: list[Hit] = []
    seen = {hit.event.id}
    here = hit
    while (cause := _cause_of(here)) is not None:
        if cause in seen:
            return tuple(found), None, True  # a circle of causes, told by whoever captured it
        if len(found) >= DEEPEST:
            return tuple(found), None, False
        before = [one for one in searches.find([cause]) if within.matches(one.event)]
        if not before:
            return tuple(found), cause, True
        here = before[0]
        seen.add(cause)
        found.append(here)
    return tuple(found), None, True


def _forward(searches: Searches, hit: Hit, within: Filter) -> tuple[tuple[Effect, ...], bool]:
    found: list[Effect] = []
    seen = {hit.event.id}
    front = [hit.event.id]
    for depth in range(1, DEEPEST + 1):
        following: list[str] = []
        for one, cause in _effects(searches, front, within, MOST - len(found) + 1):
            if one.event.id in seen:
                continue
            if len(found) == MOST:
                return tuple(found), False
            seen.add(one.event.id)
            found.append(Effect(one, depth, cause))
            following.append(one.event.id)
        if not following:
            return tuple(found), True
        front = following
    return tuple(found), False


def _effects(searches: Searches, causes: Sequence[str], within: Filter, most: int) -> list[tuple[Hit, str]]:
    """Return the events that name one of these events as their cause."""
    found: list[tuple[Hit, str]] = []
    for start in range(0, len(causes), _AT_ONCE):
        some = tuple(causes[start : start + _AT_ONCE])
        for one in walk(searches, within.with_(Is("cause", some, exact=True)), most):
            cause = _cause_of(one)
            if cause in some:
                found.append((one, cause))
    return found


def _cause_of(hit: Hit) -> str | None:
    return next((mark.value for mark in hit.event.marks if mark.kind == "cause"), None)
