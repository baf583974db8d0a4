"""Linking as it goes on: facts come, orders change, people decide; each decision is told before it is kept.

*If we stop* between telling and keeping, the decision is on record and the projection is behind: what is on record is
what holds, and whoever makes the projection again from the trail has it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ordertrail.correlate.events import CORRELATE
from ordertrail.correlate.facts import Thing
from ordertrail.correlate.matching.cards import KeyKind, OrderCard, keys_of
from ordertrail.correlate.matching.links import Basis, Link, LinkState, decided, event_of
from ordertrail.correlate.matching.matcher import Matcher
from ordertrail.kernel.clock import Clock, format_time
from ordertrail.kernel.errors import InputError
from ordertrail.record.event import Actor, Event

Tell = Callable[[Sequence[Event]], None]
"""Records events durably, all or none."""

ROUNDS: Final = 4
"""How far a link carries: from a capture to its payment, to its refund, to that refund's failure."""


@dataclass(frozen=True, slots=True)
class Linker:
    """Links things to orders, and lets people decide."""

    matcher: Matcher
    tell: Tell
    clock: Clock

    def facts_came(self, things: Iterable[Thing]) -> list[Link]:
        """Match things of which new facts came, and those that share an id with what was linked by it."""
        changed: list[Link] = []
        front = list(dict.fromkeys(things))
        seen: set[Thing] = set()
        for _ in range(ROUNDS):
            front = [thing for thing in front if thing not in seen]
            if not front:
                break
            seen.update(front)
            links = self.matcher.match(front)
            self._keep(links)
            changed += links
            front = self._beside([link.thing for link in links if link.state is LinkState.LINKED])
        return changed

    def orders_changed(self, cards: Sequence[OrderCard]) -> list[Link]:
        """Keep what orders can be recognised by now, and match the things that waited for that."""
        self.matcher.cards.put(cards)
        keys = {key for card in cards for key in card.keys}
        things = {thing for own in self.matcher.facts.things(keys).values() for thing in own}
        return self.facts_came(sorted(things))

    def decide(self, thing: Thing, order: str, state: LinkState, actor: Actor, reason: str) -> Link:
        """Confirm, reject or undo a link. Raises InputError where there is none, or where it may not become that."""
        known = {link.order: link for link in self.matcher.links.of_things([thing]).get(thing, ())}
        before = known.get(order)
        if before is None:
            raise InputError(
                f"no link of {thing} to {order} was proposed or made",
                remedy="Link them by hand, if they belong together.",
            )
        after = decided(before, state, actor, reason)
        self.tell([event_of(after, before.state, format_time(self.clock()), actor, reason)])
        self.matcher.links.apply([after])
        return after

    def link(self, thing: Thing, order: str, tenant: str | None, actor: Actor, reason: str) -> Link:
        """Link by hand what no rule linked or proposed. Raises InputError where there is a link, or no such thing."""
        if not reason.strip():
            raise InputError("a decision about a link needs a reason; nothing was decided")
        if any(one.order == order for one in self.matcher.links.of_things([thing]).get(thing, ())):
            return self.decide(thing, order, LinkState.LINKED, actor, reason)
        if not self.matcher.facts.of([thing]):
            raise InputError(f"nothing was ever told of {thing}; nothing was linked")
        made = Link(thing, order, tenant, LinkState.LINKED, Basis.PERSON, 10_000, by=actor.id)
        self.tell([event_of(made, None, format_time(self.clock()), actor, reason)])
        self.matcher.links.apply([made])
        return made

    def _keep(self, links: Sequence[Link]) -> None:
        if not links:
            return
        before = {
            (link.thing, link.order): link.state
            for own in self.matcher.links.of_things({link.thing for link in links}).values()
            for link in own
        }
        time = format_time(self.clock())
        events = [event_of(link, before.get((link.thing, link.order)), time, CORRELATE) for link in links]
        self.tell(events)
        self.matcher.links.apply(links)

    def _beside(self, things: Sequence[Thing]) -> list[Thing]:
        """Return the things that share an id, other than an order's name, with these."""
        told = self.matcher.facts.of(things)
        keys = {
            key
            for facts in told.values()
            for fact in facts
            for key in keys_of(fact)
            if key.kind is not KeyKind.NAME
        }
        return sorted({thing for own in self.matcher.facts.things(keys).values() for thing in own})
