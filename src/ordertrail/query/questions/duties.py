"""Who approved whose work: the segregation of duties, as it was lived.

An approval covers what people wrote into its order since the approval before it. Whoever approves what they wrote
themselves holds both duties; two who approve each other's work may hold both together.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ordertrail.query.filters.grammar import Filter
from ordertrail.query.filters.terms import Is
from ordertrail.query.ports import Hit, Searches, Way
from ordertrail.query.questions.walking import walk

APPROVING: Final = ("order.approve", "declaration.approve", "requisition.release")
WRITING: Final = (
    "order.create", "order.submit", "requisition.create", "declaration.submit",
    "order.price.change", "order.quantity.change", "order.currency.change", "order.line.*", "order.update",
    "order.terms.change", "order.discount.*",
)  # fmt: skip
MOST: Final = 200
"""Approvals, and writings, of a person that are looked at; of more, the newest."""
_AT_ONCE: Final = 100
_EVENTS: Final = 4_000
_SUCCESS: Final = Is("outcome", ("success",), exact=True)


@dataclass(frozen=True, slots=True)
class Decision:
    """An approval, and what people wrote that it covers, the oldest first."""

    approval: Hit
    covers: tuple[Hit, ...]

    @property
    def approver(self) -> str:
        """Who approved."""
        return self.approval.event.actor

    @property
    def writers(self) -> frozenset[str]:
        """Whose work it was."""
        return frozenset(hit.event.actor for hit in self.covers)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two people: how often one approved the other's work, and the other way round. ``other`` may be oneself."""

    other: str
    gave: int
    got: int

    @property
    def mutual(self) -> bool:
        """Whether each approved the other's work, or one their own."""
        return self.gave > 0 and self.got > 0


@dataclass(frozen=True, slots=True)
class Duties:
    """A person's approvals and those of their work, the newest first.

    ``whole`` is False where there were more than are looked at.
    """

    person: str
    decisions: tuple[Decision, ...]
    whole: bool

    @property
    def given(self) -> tuple[Decision, ...]:
        """The approvals that they gave."""
        return tuple(one for one in self.decisions if one.approver == self.person)

    @property
    def got(self) -> tuple[Decision, ...]:
        """The approvals of what they wrote."""
        return tuple(one for one in self.decisions if self.person in one.writers)

    def pairs(self) -> tuple[Pair, ...]:
        """Return with whom duties are shared: oneself first, then mutual pairs, then the most."""
        gave = Counter(writer for one in self.given for writer in one.writers)
        got = Counter(one.approver for one in self.got)
        pairs = (Pair(other, gave[other], got[other]) for other in gave.keys() | got.keys())
        return tuple(sorted(pairs, key=self._rank))

    def between(self, approver: str, writer: str) -> tuple[Decision, ...]:
        """Return the decisions of an approver about a writer's work; an empty name is anybody."""
        return tuple(
            one
            for one in self.decisions
            if approver in {"", one.approver} and (not writer or writer in one.writers)
        )

    def _rank(self, pair: Pair) -> tuple[bool, int, int, str]:
        return pair.other != self.person, -min(pair.gave, pair.got), -(pair.gave + pair.got), pair.other


def given_by(person: str) -> Filter:
    """Return the filter of the approvals that somebody gave."""
    return Filter((Is("actor", (person,), exact=True), Is("action", APPROVING, exact=True), _SUCCESS))


def duties_of(searches: Searches, person: str) -> Duties:
    """Return who approved a person's work, and whose work they approved."""
    wrote = Filter((Is("actor", (person,), exact=True), Is("action", WRITING), _SUCCESS))
    found = [list(walk(searches, one, MOST + 1, Way.OLDER)) for one in (given_by(person), wrote)]
    orders = list(dict.fromkeys(hit.event.order for hits in found for hit in hits[:MOST] if hit.event.order))
    decisions = [
        one
        for one in _decisions(_events(searches, orders))
        if one.approver == person or person in one.writers
    ]
    decisions.sort(key=lambda one: one.approval.cursor, reverse=True)
    return Duties(person, tuple(decisions), all(len(hits) <= MOST for hits in found))


def _events(searches: Searches, orders: Sequence[str]) -> Iterator[Hit]:
    """Yield what was written and approved of orders, the oldest first within each."""
    for start in range(0, len(orders), _AT_ONCE):
        some = Is("order", tuple(orders[start : start + _AT_ONCE]), exact=True)
        asked = Filter((some, Is("action", (*WRITING, *APPROVING)), _SUCCESS))
        yield from walk(searches, asked, _EVENTS)


def _decisions(hits: Iterable[Hit]) -> Iterator[Decision]:
    written: dict[tuple[str | None, str | None], list[Hit]] = {}
    for hit in hits:
        event = hit.event
        key = (event.order, event.tenant)
        if event.action in APPROVING:
            yield Decision(hit, tuple(written.pop(key, ())))
        elif event.actor_kind == "person":
            written.setdefault(key, []).append(hit)
