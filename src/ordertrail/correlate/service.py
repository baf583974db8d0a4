"""Correlation as programs are handed it: what came in, what it is linked to, what does not agree, and the view."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ordertrail.correlate.asking import Parcels
from ordertrail.correlate.events import fact_of
from ordertrail.correlate.facts import Fact, Thing
from ordertrail.correlate.linking import Linker, Tell
from ordertrail.correlate.matching.cards import Blind, card_of, name_key
from ordertrail.correlate.matching.links import Link, LinkState
from ordertrail.correlate.matching.ports import EveryFact
from ordertrail.correlate.observing import Observer
from ordertrail.correlate.rebuilding import Rebuilt, rebuild
from ordertrail.correlate.reconciling.exceptions import Exceptional, settle, turns
from ordertrail.correlate.reconciling.ports import Exceptions, OrderBook, Reckonings
from ordertrail.correlate.reconciling.promise import promise_of
from ordertrail.correlate.reconciling.rules import Discrepancy, Kind, Patience, reconcile
from ordertrail.correlate.reconciling.totals import Reckoning, Total, totals_of
from ordertrail.correlate.skew import Sandwich, Skew, estimate
from ordertrail.correlate.view import Across, OrderView, view_of
from ordertrail.intake.delivery import Source
from ordertrail.intake.service import Intake
from ordertrail.kernel.clock import Clock, format_time
from ordertrail.kernel.errors import InputError
from ordertrail.orders.model import Order
from ordertrail.record.event import Actor, Event

PAGE: Final = 500
"""Orders that are held together at a time."""


@dataclass(frozen=True, slots=True)
class Possible:
    """A link as whoever decides sees it: what is told of the thing, and the order, None where it is not kept here."""

    link: Link
    facts: tuple[Fact, ...]
    order: Order | None


@dataclass(frozen=True, slots=True)
class Correlate:
    """The same orders elsewhere. ``intake`` is where providers' deliveries come in: its door, letters and health."""

    intake: Intake
    observer: Observer
    linker: Linker
    exceptions: Exceptions
    reckonings: Reckonings
    every_fact: EveryFact
    orders: OrderBook
    tell: Tell
    clock: Clock
    patience: Patience
    forget: Callable[[], None]
    """Empties what is kept beside the trail, to be made again."""
    parcels: Callable[[Source, str], Parcels]
    """The parcels of an account that are on their way; those that only orders name are known by how numbers look."""
    blind: Blind | None = None

    def refresh(self, on_page: Callable[[int], None] = lambda _: None) -> int:
        """Look at all orders as they are now, so that what waited for one of them is matched; return how many."""
        seen = 0
        for page in self._pages():
            self.linker.orders_changed([card_of(order, self.blind) for order in page])
            seen += len(page)
            on_page(seen)
        return seen

    def reconcile(self, on_page: Callable[[int], None] = lambda _: None) -> Reckoning:
        """Hold all orders against what is linked to them, and tell what turned."""
        seen = opened = gone = 0
        for page in self._pages():
            told = self._turned(page)
            opened += sum(one.standing == "open" for one in told)
            gone += sum(one.standing == "gone" for one in told)
            seen += len(page)
            on_page(seen)
        done = Reckoning(format_time(self.clock()), seen, opened, gone, self.totals())
        self.reckonings.keep(done)
        return done

    def totals(self) -> tuple[Total, ...]:
        """Return what all facts come to, by system, account and currency: of linked payments, and of others."""
        found: dict[tuple[str, str, str], Total] = {}
        for page in self.every_fact.pages(PAGE):
            links = self.linker.matcher.links.of_things({fact.about for fact in page})
            linked = {
                thing for thing, own in links.items() if any(link.state is LinkState.LINKED for link in own)
            }
            for one in totals_of(page, linked):
                key = (one.system, one.account, one.currency)
                found[key] = found[key] + one if key in found else one
        return tuple(found[key] for key in sorted(found))

    def reconcile_orders(self, orders: Iterable[str]) -> Sequence[Exceptional]:
        """Hold some orders against what is linked to them now; return what turned."""
        return self._turned(self.orders.get(orders))

    def possible(self, links: Iterable[Link]) -> list[Possible]:
        """Return links with what there is to decide them by."""
        each = list(links)
        facts = self.linker.matcher.facts.of({link.thing for link in each})
        orders = {order.id: order for order in self.orders.get({link.order for link in each})}
        return [Possible(link, tuple(facts.get(link.thing, ())), orders.get(link.order)) for link in each]

    def decide(self, thing: Thing, order: str, state: LinkState, actor: Actor, reason: str) -> Link:
        """Confirm, reject or undo a link, and hold its order against what is linked now.

        Raises InputError where there is no such link, or it may not become that.
        """
        after = self.linker.decide(thing, order, state, actor, reason)
        self.reconcile_orders([order])
        return after

    def link(self, thing: Thing, order: str, tenant: str | None, actor: Actor, reason: str) -> Link:
        """Link by hand what no rule linked or proposed, and hold the order against it. Raises InputError as above."""
        made = self.linker.link(thing, order, tenant, actor, reason)
        self.reconcile_orders([order])
        return made

    def settle(self, order: str, kind: Kind, actor: Actor, reason: str) -> Exceptional:
        """Let a discrepancy stand, with a reason. Raises InputError where there is none that is open."""
        known = [one for one in self.exceptions.of([order]) if one.discrepancy.kind is kind]
        if not known:
            raise InputError(f"there is no discrepancy {kind} of {order}")
        after, event = settle(known[0], format_time(self.clock()), actor, reason)
        self.tell([event])
        self.exceptions.apply([after])
        return after

    def facts_of(self, order: str) -> tuple[Sequence[Link], Sequence[Fact]]:
        """Return an order's links, and the facts of all that it is linked to or may be."""
        links = self.linker.matcher.links.of_orders([order]).get(order, ())
        live = [link.thing for link in links if link.state in {LinkState.LINKED, LinkState.PROPOSED}]
        return links, [fact for own in self.linker.matcher.facts.of(live).values() for fact in own]

    def view(self, order: str, events: Sequence[Event], skews: Mapping[str, Skew] | None = None) -> OrderView:
        """Return an order across systems; ``events`` are ours of it."""
        links, facts = self.facts_of(order)
        found: list[Discrepancy] = [
            one.discrepancy for one in self.exceptions.of([order]) if one.standing == "open"
        ]
        return view_of(Across(order, events, links, facts, skews or {}, found, self.clock()))

    def skews(self, told: Iterable[tuple[Event, str]]) -> dict[str, Skew]:
        """Return how far each system's clock is from ours; ``told`` are events of facts, and when each was recorded.

        A fact happened before we recorded it, and not before its order was placed, where it is linked to one.
        """
        facts = [(fact, recorded) for event, recorded in told if (fact := fact_of(event)) is not None]
        matcher = self.linker.matcher
        linked = {
            thing: link.order
            for thing, links in matcher.links.of_things({fact.about for fact, _ in facts}).items()
            for link in links
            if link.state is LinkState.LINKED
        }
        cards = matcher.cards.find({name_key(order) for order in linked.values()})
        placed = {card.order: card.placed for own in cards.values() for card in own}
        heard: dict[str, list[Sandwich]] = {}
        for fact, recorded in facts:
            after = placed.get(linked.get(fact.about, ""))
            heard.setdefault(fact.system, []).append(Sandwich(fact.time, recorded, after))
        found = {system: estimate(system, own) for system, own in heard.items()}
        return {system: skew for system, skew in found.items() if skew is not None}

    def rebuild(self, events: Iterable[Event]) -> Rebuilt:
        """Make what is kept beside the trail again from its events, and from the orders."""
        self.forget()
        matcher = self.linker.matcher
        done = rebuild(events, matcher.facts, matcher.links, self.exceptions)
        self.refresh()
        return done

    def _pages(self) -> Iterable[Sequence[Order]]:
        after = ""
        while page := self.orders.page(after, PAGE):
            yield page
            after = page[-1].id

    def _turned(self, orders: Sequence[Order]) -> list[Exceptional]:
        names = [order.id for order in orders]
        facts, may_be = self._linked(names)
        now = self.clock()
        found: dict[tuple[str, Kind], Discrepancy] = {}
        for order in orders:
            own = facts.get(order.id, [])
            for one in reconcile(promise_of(order), own, now, self.patience, waiting=order.id in may_be):
                found[one.key] = one
        before = {one.discrepancy.key: one for one in self.exceptions.of(names)}
        turned = list(turns(before, found, format_time(now)))
        if turned:
            self.tell([event for _, event in turned])
            self.exceptions.apply([one for one, _ in turned])
        return [one for one, _ in turned]

    def _linked(self, orders: Sequence[str]) -> tuple[dict[str, list[Fact]], set[str]]:
        """Return the facts of what is linked to orders, and the orders of which a payment may be."""
        links = [link for own in self.linker.matcher.links.of_orders(orders).values() for link in own]
        linked = [link for link in links if link.state is LinkState.LINKED]
        told = self.linker.matcher.facts.of({link.thing for link in linked})
        facts: dict[str, list[Fact]] = {}
        for link in linked:
            facts.setdefault(link.order, []).extend(told.get(link.thing, ()))
        proposed = {
            link.order for link in links if link.state is LinkState.PROPOSED and link.thing.kind == "payment"
        }
        return facts, proposed
