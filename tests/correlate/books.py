"""A month of trade taken through reading, matching and reconciling, and held against what is true."""

from dataclasses import dataclass
from time import perf_counter

from correlate.trade import END, Trade
from ordertrail.adapters.correlate.memory import MemoryCards, MemoryFacts, MemoryLinks
from ordertrail.correlate.facts import Fact, Thing
from ordertrail.correlate.matching.cards import card_of
from ordertrail.correlate.matching.links import Link, LinkState
from ordertrail.correlate.matching.matcher import Matcher
from ordertrail.correlate.observation import Facts
from ordertrail.correlate.provider import open_provider
from ordertrail.correlate.reconciling.promise import promise_of
from ordertrail.correlate.reconciling.rules import Discrepancy, reconcile
from ordertrail.correlate.reconciling.totals import Total, totals_of


@dataclass(frozen=True, slots=True)
class Books:
    """What was found."""

    facts: tuple[Fact, ...]
    links: dict[Thing, str]
    proposed: dict[Thing, list[Link]]
    discrepancies: tuple[Discrepancy, ...]
    totals: tuple[Total, ...]
    told: int
    """Facts told, with those told again."""
    seconds: dict[str, float]


def keep_books(trade: Trade) -> Books:
    """Read all deliveries in the sequence in which they came, link, have what waits decided, and reconcile each order.

    ``links`` are those that were made without a person.
    """
    cards, facts, links = MemoryCards(), MemoryFacts(), MemoryLinks()
    cards.put(card_of(order, lambda email: f"token of {email}") for order in trade.orders)
    matcher = Matcher(cards, facts, links)
    each: list[Fact] = []
    begun, told = perf_counter(), 0
    for delivery in trade.deliveries:
        provider = open_provider(delivery.source.channel)
        for observation in provider.read(delivery):
            assert isinstance(observation.content, Facts), (observation, delivery.body)
            new = observation.content.facts
            told += len(new)
            payers = {fact.about: f"token of {fact.payer}" for fact in new if fact.payer is not None}
            each += facts.add(new, payers)
    read = perf_counter()
    things = sorted({fact.about for fact in each})
    for start in range(0, len(things), 1_000):
        links.apply(matcher.match(things[start : start + 1_000]))
    matched = perf_counter()
    found = links.of_things(things)
    linked = {
        thing: link.order for thing, own in found.items() for link in own if link.state is LinkState.LINKED
    }
    proposed = {
        thing: [one for one in own if one.state is LinkState.PROPOSED] for thing, own in found.items()
    }
    decided = _decided(trade, linked, proposed)
    of_order: dict[str, list[Fact]] = {}
    for thing, own in facts.of(decided).items():
        of_order.setdefault(decided[thing], []).extend(own)
    may_be_paid = {
        link.order
        for thing, own_links in proposed.items()
        if thing not in decided and thing.kind == "payment"
        for link in own_links
    }
    discrepancies = tuple(
        one
        for order in trade.orders
        for one in reconcile(
            promise_of(order), of_order.get(order.id, ()), END, waiting=order.id in may_be_paid
        )
    )
    done = perf_counter()
    seconds = {"read": read - begun, "match": matched - read, "reconcile": done - matched}
    totals = totals_of(each, linked.keys())
    return Books(tuple(each), linked, proposed, discrepancies, totals, told, seconds)


def _decided(trade: Trade, linked: dict[Thing, str], proposed: dict[Thing, list[Link]]) -> dict[Thing, str]:
    """Return links after a person went through what waits, and confirmed the proposals that are right."""
    decided = dict(linked)
    for thing, own in proposed.items():
        if thing not in linked and trade.links.get(thing) in {link.order for link in own}:
            decided[thing] = trade.links[thing]
    return decided
