"""Cards, facts and links in memory: for tests, and for a reconciliation that is made at one go."""

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from ordertrail.correlate.facts import Fact, FactKey, Thing
from ordertrail.correlate.matching.cards import Key, OrderCard, keys_of
from ordertrail.correlate.matching.links import Link, LinkState
from ordertrail.correlate.reconciling.exceptions import Exceptional, Standing
from ordertrail.correlate.reconciling.totals import Reckoning
from ordertrail.kernel.money import Money

if TYPE_CHECKING:
    from ordertrail.correlate.reconciling.rules import Kind


class MemoryCards:
    """Implements :class:`~ordertrail.correlate.matching.ports.Cards`."""

    def __init__(self) -> None:
        self._cards: dict[str, OrderCard] = {}
        self._by_key: dict[Key, set[str]] = defaultdict(set)
        self._by_amount: dict[Money, list[tuple[str, str]]] = defaultdict(list)

    def put(self, cards: Iterable[OrderCard]) -> None:
        """See the port."""
        for card in cards:
            before = self._cards.get(card.order)
            if before is not None:
                self._forget(before)
            self._cards[card.order] = card
            for key in card.keys:
                self._by_key[key].add(card.order)
            if card.amount is not None and card.placed is not None:
                insort(self._by_amount[card.amount], (card.placed, card.order))

    def find(self, keys: Iterable[Key]) -> Mapping[Key, Sequence[OrderCard]]:
        """See the port."""
        return {
            key: [self._cards[order] for order in sorted(self._by_key[key])]
            for key in keys
            if self._by_key.get(key)
        }

    def near(self, amount: Money, since: str, until: str, limit: int) -> Sequence[OrderCard]:
        """See the port."""
        placed = self._by_amount.get(amount, [])
        start, end = bisect_left(placed, (since, "")), bisect_right(placed, (until, "\U0010ffff"))
        return [self._cards[order] for _, order in placed[start:end][-limit:]]

    def _forget(self, card: OrderCard) -> None:
        for key in card.keys:
            self._by_key[key].discard(card.order)
        if card.amount is not None and card.placed is not None:
            self._by_amount[card.amount].remove((card.placed, card.order))


class MemoryFacts:
    """Implements :class:`~ordertrail.correlate.matching.ports.Facts`."""

    def __init__(self) -> None:
        self._known: set[FactKey] = set()
        self._of: dict[Thing, list[Fact]] = defaultdict(list)
        self._by_key: dict[Key, set[Thing]] = defaultdict(set)
        self._payers: dict[Thing, str] = {}

    def add(self, facts: Iterable[Fact], payers: Mapping[Thing, str]) -> Sequence[Fact]:
        """See the port."""
        new = []
        for fact in facts:
            if fact.key in self._known:
                continue
            self._known.add(fact.key)
            kept = fact.without_payer()
            insort(self._of[fact.about], kept, key=lambda one: (one.time, one.kind, one.id))
            for key in keys_of(fact):
                self._by_key[key].add(fact.about)
            new.append(kept)
        self._payers.update(payers)
        return new

    def known(self, keys: Iterable[FactKey]) -> frozenset[FactKey]:
        """See the port."""
        return frozenset(self._known.intersection(keys))

    def of(self, things: Iterable[Thing]) -> Mapping[Thing, Sequence[Fact]]:
        """See the port."""
        return {thing: tuple(self._of[thing]) for thing in things if thing in self._of}

    def things(self, keys: Iterable[Key]) -> Mapping[Key, Sequence[Thing]]:
        """See the port."""
        return {key: sorted(self._by_key[key]) for key in keys if self._by_key.get(key)}

    def payer(self, thing: Thing) -> str | None:
        """See the port."""
        return self._payers.get(thing)

    def pages(self, things: int) -> Iterator[Sequence[Fact]]:
        """See :class:`~ordertrail.correlate.matching.ports.EveryFact`."""
        names = iter(sorted(self._of))
        while some := list(islice(names, things)):
            yield [fact for thing in some for fact in self._of[thing]]


class MemoryExceptions:
    """Implements :class:`~ordertrail.correlate.reconciling.ports.Exceptions`."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, Kind], Exceptional] = {}

    def of(self, orders: Iterable[str]) -> Sequence[Exceptional]:
        """See the port."""
        wanted = set(orders)
        return [one for (order, _), one in sorted(self._known.items()) if order in wanted]

    def apply(self, exceptions: Iterable[Exceptional]) -> None:
        """See the port."""
        for one in exceptions:
            self._known[one.discrepancy.key] = one

    def open(self, limit: int | None = None) -> Sequence[Exceptional]:
        """See the port."""
        found = [one for one in self._known.values() if one.standing is Standing.OPEN]
        return sorted(found, key=_by_risk)[:limit]


def _by_risk(one: Exceptional) -> tuple[int, str, str]:
    risk = one.discrepancy.at_risk
    return -(risk.amount if risk is not None else 0), one.discrepancy.order, one.discrepancy.kind


class MemoryReckonings:
    """Implements :class:`~ordertrail.correlate.reconciling.ports.Reckonings`."""

    def __init__(self) -> None:
        self._last: Reckoning | None = None

    def keep(self, reckoning: Reckoning) -> None:
        """See the port."""
        if self._last is None or reckoning.time >= self._last.time:
            self._last = reckoning

    def last(self) -> Reckoning | None:
        """See the port."""
        return self._last


def _by_confidence(link: Link) -> tuple[int, str, str]:
    return -link.confidence, str(link.thing), link.order


class MemoryLinks:
    """Implements :class:`~ordertrail.correlate.matching.ports.Links`."""

    def __init__(self) -> None:
        self._of_thing: dict[Thing, dict[str, Link]] = defaultdict(dict)
        self._of_order: dict[str, dict[Thing, Link]] = defaultdict(dict)

    def of_things(self, things: Iterable[Thing]) -> Mapping[Thing, Sequence[Link]]:
        """See the port."""
        return {thing: list(self._of_thing[thing].values()) for thing in things if thing in self._of_thing}

    def of_orders(self, orders: Iterable[str]) -> Mapping[str, Sequence[Link]]:
        """See the port."""
        return {order: list(self._of_order[order].values()) for order in orders if order in self._of_order}

    def standing(self, state: LinkState, limit: int, beyond: Link | None = None) -> Sequence[Link]:
        """See the port."""
        found = [
            link
            for links in self._of_thing.values()
            for link in links.values()
            if link.state is state and (beyond is None or _by_confidence(link) > _by_confidence(beyond))
        ]
        return sorted(found, key=_by_confidence)[:limit]

    def apply(self, links: Iterable[Link]) -> None:
        """See the port."""
        for link in links:
            self._of_thing[link.thing][link.order] = link
            self._of_order[link.order][link.thing] = link
