"""Who saw what: readings of orders, by reader."""

from collections.abc import Mapping
from dataclasses import dataclass

from ordertrail.query.filters.grammar import Filter
from ordertrail.query.filters.terms import Is
from ordertrail.query.ports import Hit, Searches
from ordertrail.query.questions.walking import walk
from ordertrail.record.actions import Action

MOST = 10_000
"""Readings that are put together; of more, the oldest are, and it is said."""

_VERBS = (".read", ".view", ".export", ".search", ".open")


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who read, or tried to: how often, when first and last, and what. Times as the index has them."""

    actor: str
    reads: int
    denied: int
    first: int
    last: int
    orders: frozenset[str]


@dataclass(frozen=True, slots=True)
class Readers:
    """Who read what was asked for, the most recent first; ``whole`` is False where there were too many readings."""

    readers: tuple[Reader, ...]
    whole: bool


def is_reading(action: str) -> bool:
    """Say whether an action only sees something, whatever it tells of itself. One that opens may well change it."""
    return action.startswith("evidence.") or action.endswith((".read", ".view"))


def reading_actions(actions: Mapping[str, Action]) -> tuple[str, ...]:
    """Return the actions by which something is seen: the catalogue's ``order.read`` and a trail's own that end so."""
    return tuple(name for name in actions if name.endswith(_VERBS))


def who_saw(searches: Searches, within: Filter, actions: Mapping[str, Action]) -> Readers:
    """Return who saw what a filter means: ``order:SO-1042`` who read an order, ``actor:clerk-17`` what they read."""
    asked = within.with_(Is("action", reading_actions(actions)))
    hits = list(walk(searches, asked, MOST + 1))
    by_actor: dict[str, list[Hit]] = {}
    for hit in hits[:MOST]:
        by_actor.setdefault(hit.event.actor, []).append(hit)
    readers = [_reader(actor, theirs) for actor, theirs in by_actor.items()]
    return Readers(tuple(sorted(readers, key=lambda one: (-one.last, one.actor))), whole=len(hits) <= MOST)


def _reader(actor: str, hits: list[Hit]) -> Reader:
    saw = sum(hit.event.outcome == "success" for hit in hits)
    orders = frozenset(hit.event.order for hit in hits if hit.event.order is not None)
    return Reader(actor, saw, len(hits) - saw, hits[0].event.time, hits[-1].event.time, orders)
