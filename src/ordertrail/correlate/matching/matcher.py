"""The matcher: what is known of a thing's ids, and of the orders, makes links. Pure but for the ports that it asks.

In this sequence, and the first that finds anything decides:

1. *Does a person's decision stand?* Then nothing is linked or proposed against it.
2. *Does an id name one order?* It is linked. Where ids name several orders, the one that has all of them and more than
   any other; else each is proposed, and waits: numbers of orders repeat between shops, and those of parcels after
   months.
3. *Is it joined by an id to a thing that is linked?* As above, by that thing's order.
4. *Is an order likely?* By amount, time and payer; it is proposed, and waits.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from ordertrail.correlate.facts import Fact, FactKind, Thing
from ordertrail.correlate.matching.cards import Key, KeyKind, OrderCard, keys_of
from ordertrail.correlate.matching.likelihood import AFTER, BEFORE, Delays, likely
from ordertrail.correlate.matching.links import CERTAIN, Basis, Link, LinkState
from ordertrail.correlate.matching.ports import Cards, Facts, Links
from ordertrail.kernel.clock import format_time, parse_time

EARLIEST: Final = timedelta(days=2)
"""How long before its order something may have happened: clocks differ, and some orders are placed by their payment."""
LATEST: Final = {KeyKind.PARCEL: timedelta(days=180), KeyKind.SHIPMENT: timedelta(days=180)}
LATEST_PAYMENT: Final = timedelta(days=730)
"""How long after its order an id still means it. Carriers use numbers again after some months."""

SURE: Final = CERTAIN
DOUBTFUL: Final = CERTAIN // 2
"""The confidence of an id that several orders have."""
PROPOSED: Final = CERTAIN // 5
"""What is likelier than this is proposed."""
MOST: Final = 5
"""Orders that are proposed for one thing."""
_NEAR: Final = 50
_MONEY_IN: Final = frozenset({FactKind.AUTHORISED, FactKind.CAPTURED})


@dataclass(frozen=True, slots=True)
class _Candidate:
    order: str
    tenant: str | None
    reasons: tuple[str, ...]
    doubts: tuple[str, ...] = ()
    keys: frozenset[Key] = frozenset()


@dataclass(frozen=True, slots=True)
class Matcher:
    """Links things to orders."""

    cards: Cards
    facts: Facts
    links: Links
    delays: Delays = field(default_factory=Delays)

    def match(self, things: Iterable[Thing]) -> list[Link]:
        """Return the links that are new or have changed; nothing is kept by this."""
        things = list(dict.fromkeys(things))
        told = self.facts.of(things)
        before = self.links.of_things(things)
        keys = {
            thing: frozenset(key for fact in told.get(thing, ()) for key in keys_of(fact)) for thing in things
        }
        found = self.cards.find({key for own in keys.values() for key in own})
        return [
            link
            for thing in things
            for link in self._match(thing, told.get(thing, ()), keys[thing], found, before.get(thing, ()))
        ]

    def _match(
        self,
        thing: Thing,
        facts: Sequence[Fact],
        keys: frozenset[Key],
        found: Mapping[Key, Sequence[OrderCard]],
        before: Sequence[Link],
    ) -> Iterator[Link]:
        if not facts:
            return
        known = {link.order: link for link in before}
        named = _named(keys, found, facts[0])
        linked = {link.order for link in before if link.state is LinkState.LINKED}
        if named:
            yield from _changed(thing, named, known, linked, Basis.NAMED)
            return
        if linked:
            return
        joined = self._joined(thing, keys)
        if joined:
            yield from _changed(thing, joined, known, linked, Basis.JOINED)
            return
        if not before:
            yield from self._likely(thing, facts)

    def _joined(self, thing: Thing, keys: frozenset[Key]) -> list[_Candidate]:
        """Return the orders of things that share an id with this one, other than the order's name."""
        ids = [key for key in keys if key.kind is not KeyKind.NAME]
        others = {
            other
            for things in self.facts.things(ids).values()
            for other in things
            if other != thing and other.system == thing.system
        }
        orders = {
            link.order: _Candidate(
                link.order, link.tenant, (f"it shares an id with {other.kind} {other.id}",)
            )
            for other, links in self.links.of_things(others).items()
            for link in links
            if link.state is LinkState.LINKED
        }
        return [orders[order] for order in sorted(orders)]

    def _likely(self, thing: Thing, facts: Sequence[Fact]) -> Iterator[Link]:
        paid = next((fact for fact in facts if fact.kind in _MONEY_IN and fact.amount is not None), None)
        if paid is None or paid.amount is None:
            return
        moment = parse_time(paid.time)
        since, until = format_time(moment - BEFORE), format_time(moment + AFTER)
        cards = self.cards.near(paid.amount, since, until, _NEAR)
        taken = {
            order
            for order, links in self.links.of_orders([card.order for card in cards]).items()
            if any(link.state is LinkState.LINKED and link.thing.kind == thing.kind for link in links)
        }
        free = [card for card in cards if card.order not in taken and card.tenant == paid.tenant]
        for one in likely(free, paid.time, self.facts.payer(thing), self.delays)[:MOST]:
            if one.confidence >= PROPOSED:
                card = one.card
                yield Link(
                    thing,
                    card.order,
                    card.tenant,
                    LinkState.PROPOSED,
                    Basis.LIKELY,
                    one.confidence,
                    one.reasons,
                )


def _named(keys: frozenset[Key], found: Mapping[Key, Sequence[OrderCard]], fact: Fact) -> list[_Candidate]:
    """Return the orders that a thing's ids name, of the same tenant."""
    common: dict[str, list[Key]] = {}
    cards: dict[str, OrderCard] = {}
    for key in sorted(keys):
        for card in found.get(key, ()):
            if card.tenant == fact.tenant:
                cards[card.order] = card
                common.setdefault(card.order, []).append(key)
    return [
        _Candidate(
            order,
            cards[order].tenant,
            tuple(f"both have the {key.kind} {key.value}" for key in shared),
            tuple(dict.fromkeys(doubt for key in shared if (doubt := _doubt(cards[order], fact, key)))),
            frozenset(shared),
        )
        for order, shared in sorted(common.items())
    ]


def _one_meant(candidates: Sequence[_Candidate]) -> _Candidate | None:
    """Return the only order that is meant: it has all the ids that any other has, and more; None where none has."""
    sound = [one for one in candidates if not one.doubts]
    most = max(sound, key=lambda one: len(one.keys), default=None)
    if most is None or any(one is not most and not one.keys < most.keys for one in sound):
        return None
    return most


def _doubt(card: OrderCard, fact: Fact, key: Key) -> str | None:
    """Say why an order that an id names can hardly be meant, None where it can."""
    if card.placed is None:
        return None
    apart = parse_time(fact.time) - parse_time(card.placed)
    if apart < -EARLIEST:
        return f"it happened {-apart.days} days before the order was placed"
    latest = LATEST.get(key.kind, LATEST_PAYMENT)
    return f"it happened {apart.days} days after the order was placed" if apart > latest else None


def _changed(
    thing: Thing,
    candidates: Sequence[_Candidate],
    known: Mapping[str, Link],
    linked: set[str],
    basis: Basis,
) -> Iterator[Link]:
    """Yield what candidates make of the links that are known."""
    meant = _one_meant(candidates)
    if meant is not None and linked <= {meant.order}:
        candidates = [meant]
    else:
        meant = None
    for one in candidates:
        state = LinkState.PROPOSED if meant is None else LinkState.LINKED
        before = known.get(one.order)
        if before is not None and (before.state is not LinkState.PROPOSED or state is LinkState.PROPOSED):
            continue  # a person decided, or it stands so already
        confidence = DOUBTFUL // max(1, len(candidates) - 1) if meant is None else SURE
        yield Link(thing, one.order, one.tenant, state, basis, confidence, one.reasons[:MOST] + one.doubts)
