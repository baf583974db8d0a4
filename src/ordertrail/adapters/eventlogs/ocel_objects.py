"""The objects of an OCEL: what they are, which order they belong to, and what they were when.

An OCEL event names objects, not a case. The trail wants one subject and one order. The subject is
chosen by type (``ocel.subjects``); the order is found in four steps, the first that finds one wins:

1. the objects of an order type that the event itself names;
2. the orders that the subject belongs to by the log's object-to-object relations, through the member
   types in the mapping's sequence (orders - items - packages: a package belongs to the orders of
   the items that it contains), or belonged to in an earlier event (OCEL 1 has no relations);
3. the orders that the event's other objects belong to;
4. none.

Exactly one order is the subject's order. Of several the subject belongs to them all: it stands as its
own order, and links to each. Worked example, with order ``o1`` comprising ``i1`` and package ``p1``
containing it: an event that names ``p1`` alone has the order ``o1``.

Attributes are histories: a value holds from its time until the next. Only attributes that the mapping
looks at are kept. Memory: one entry per object and relation of an order or member type.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable

from ordertrail.adapters.eventlogs.events import Related
from ordertrail.adapters.eventlogs.mapping import Mapping


class ObjectIndex:
    """What is known of a log's objects. Filled by a reader, then settled, then asked."""

    def __init__(self, mapping: Mapping) -> None:
        rules = mapping.objects
        self._orders = frozenset(rules.orders)
        self._members = rules.members
        self._owned = frozenset(rules.orders) | frozenset(rules.members)
        self._types: dict[str, str] = {}
        self._neighbours: defaultdict[str, list[str]] = defaultdict(list)
        self._owners: dict[str, tuple[str, ...]] = {}
        self._histories: dict[tuple[str, str], list[tuple[str, str]]] = {}
        self.attributes = frozenset(
            (kind, rule.attribute) for rule in mapping.rules() if rule.attribute for kind in rule.names
        )
        """The object types and attributes whose values the mapping looks at."""

    def add_object(self, identity: str, kind: str) -> None:
        """Note that an object of this type exists."""
        self._types[identity] = kind

    def add_relation(self, source: str, target: str) -> None:
        """Note that two objects are related; the direction says nothing about belonging."""
        if self._types.get(source) in self._owned and self._types.get(target) in self._owned:
            self._neighbours[source].append(target)
            self._neighbours[target].append(source)

    def add_value(self, identity: str, attribute: str, time: str, value: str) -> None:
        """Note an object's value from a time on; an empty time is from always."""
        self._histories.setdefault((identity, attribute), []).append((time, value))

    def settle(self) -> None:
        """Work out who belongs to which order, and put histories in order of time."""
        for history in self._histories.values():
            history.sort(key=lambda entry: entry[0])
        for kind in self._members:
            found = {
                identity: owners
                for identity, neighbours in self._neighbours.items()
                if self._types[identity] == kind and (owners := self._union(neighbours))
            }
            self._owners.update(found)
        self._neighbours.clear()

    def _union(self, identities: Iterable[str]) -> tuple[str, ...]:
        """Return the orders among, or of, these objects; each once, in sequence."""
        owners: dict[str, None] = {}
        for identity in identities:
            if self._types.get(identity) in self._orders:
                owners[identity] = None
            else:
                owners.update(dict.fromkeys(self._owners.get(identity, ())))
        return tuple(owners)

    def kind_of(self, identity: str) -> str | None:
        """Return an object's type, or None where the log does not declare it."""
        return self._types.get(identity)

    def orders_of(self, subject: Related, related: Iterable[Related]) -> tuple[str, ...]:
        """Return the orders that an event about the subject belongs to, and learn from it."""
        named = tuple(dict.fromkeys(other.id for other in related if other.type in self._orders))
        if subject.type in self._orders:
            orders: tuple[str, ...] = (subject.id,)
        else:
            orders = named or self._owners.get(subject.id) or self._union(other.id for other in related)
        for other in related:
            # An event that names several orders does not say which of them its items belong to.
            if orders and other.type in self._members and (len(named) == 1 or other is subject):
                self._owners.setdefault(other.id, orders)
        return orders

    def value(self, identity: str, attribute: str, time: str, *, before: bool) -> str | None:
        """Return what an attribute was at a time, or just before it; None where nothing is known."""
        history = self._histories.get((identity, attribute), [])
        place = bisect_left if before else bisect_right
        at = place(history, time, key=lambda entry: entry[0])
        return history[at - 1][1] if at else None
