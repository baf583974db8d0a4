"""What learning sees of a trail: orders and their steps; people only where the settings say so.

Of an event: what was done, how it ended, which status it led to; and the fields ``role`` (a service's id, because what
it does is no person's behaviour), ``channel``, ``changed`` (names of fields, never their values) and, where people are
watched, ``actor``. What is sealed no index holds, and so nothing here sees it. That somebody reads or searches for an
order is left out, as is what the house itself does about it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from ordertrail.monitor.behaviour.cases import Case, Step
from ordertrail.monitor.forecast.trail import is_seen
from ordertrail.monitor.stream.seen import Seen, seen_of
from ordertrail.query.projection import Indexed

FIELDS = ("role", "channel", "changed")
ACTOR = "actor"

MOST_ORDERS = 200_000
"""Orders that are held at once; of more, half are let go by a hash of their ids, again and again."""

_STATUS = "status"
OrderKey = tuple[str, str]
"""A tenant, empty where there is none, and an order's id."""


@dataclass(slots=True)
class ObservedOrder:
    """An order: its steps by time, and what alerts name of their events. Times are microseconds since 1970."""

    key: OrderKey
    steps: list[tuple[int, str, Step]] = field(default_factory=list)
    evidence: list[Seen] = field(default_factory=list)
    last: int = 0
    places: dict[str, int] = field(default_factory=dict)
    """By log, the place of the last of its events there."""

    def case(self) -> Case:
        """Return it as a case, its steps in the sequence of times."""
        return Case(
            "/".join(part for part in self.key if part), tuple(step for *_, step in sorted(self.steps))
        )


class Orders:
    """Orders, event by event. ``people`` says whether who did a step is learned from."""

    def __init__(self, *, people: bool = False, most: int = MOST_ORDERS) -> None:
        self.people = people
        self.fields = (*FIELDS, ACTOR) if people else FIELDS
        self.known: dict[OrderKey, ObservedOrder] = {}
        self.newest = 0
        self.part = 1 << 64
        """Of all hashes of orders, below which they are held."""
        self._most = most

    def take(self, event: Indexed) -> None:
        """Take note of an event, in any sequence."""
        if not is_seen(event) or event.order is None:
            return
        self.newest = max(self.newest, event.time)
        key = event.tenant or "", event.order
        if _drawn(key) >= self.part:
            return
        order = self.known.setdefault(key, ObservedOrder(key))
        order.steps.append((event.time, event.id, step_of(event, people=self.people)))
        order.evidence.append(seen_of(event))
        order.last = max(order.last, event.time)
        order.places[event.stream] = max(order.places.get(event.stream, 0), event.position)
        if len(self.known) > self._most:
            self.part //= 2
            self.known = {key: one for key, one in self.known.items() if _drawn(key) < self.part}

    def settled(self, quiet: int) -> Iterator[ObservedOrder]:
        """Yield the orders in which nothing happened for so many microseconds: what is still under way is cut off."""
        return (one for one in self.known.values() if one.last <= self.newest - quiet)


def step_of(event: Indexed, *, people: bool) -> Step:
    """Return what learning sees of an event of an order."""
    status = next(
        (one.after for one in event.changes if one.field == _STATUS and one.after is not None), None
    )
    words = [event.action]
    if status is not None and status not in event.action:
        words.append(f"to {status[:40]}")
    if event.outcome != "success":
        words.append(f"({event.outcome})")
    changed = sorted({one.field for one in event.changes})
    values = [role_of(event), event.channel or "", "+".join(changed[:8])]
    if people:
        values.append(event.actor)
    return Step(" ".join(words), tuple(values), event.id)


def role_of(event: Indexed) -> str:
    """Return in which role an event was done: a person's first role, or which service did it."""
    if event.actor_kind != "person":
        return event.actor
    return next((mark.value for mark in event.marks if mark.kind == "role"), "person")


def evidence_of(order: ObservedOrder, events: Iterable[str] = ()) -> tuple[Seen, ...]:
    """Return what an alert names: these events of an order, or all of them; by time."""
    named = frozenset(events)
    told = sorted(order.evidence, key=lambda seen: seen.moment)
    return tuple(seen for seen in told if not named or seen.id in named)


def _drawn(key: OrderKey) -> int:
    return int.from_bytes(sha256("\0".join(key).encode("utf-8", "surrogatepass")).digest()[:8])
