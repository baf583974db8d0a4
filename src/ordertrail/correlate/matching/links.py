"""Links between things and orders: proposed, decided, undone; each step an event, none ever taken back from the log.

::

                 ┌─ confirmed by a person, or by an id ─▶ linked ─ undone ─▶ undone ─ confirmed ─▶ linked
    proposed ────┤
                 └─ rejected by a person ───────────────▶ rejected ─ confirmed ─▶ linked

What a person rejected or undid, no rule links again: only a person does. Where a link stands is what the events of it
come to, in the sequence of the log (:func:`link_of` of each, the last counts).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from ordertrail.correlate.events import DECIDE, PROPOSE, UNDO, link_event
from ordertrail.correlate.facts import Thing
from ordertrail.kernel.errors import InputError
from ordertrail.record.event import Actor, Change, Event


class LinkState(StrEnum):
    """Where a link stands."""

    PROPOSED = "proposed"
    LINKED = "linked"
    REJECTED = "rejected"
    UNDONE = "undone"


class Basis(StrEnum):
    """What a link rests on."""

    NAMED = "named"
    """An id that both have."""
    JOINED = "joined"
    """An id that another thing has that is linked to the order."""
    LIKELY = "likely"
    """Amount, time and payer; never enough by itself."""
    PERSON = "person"
    """Somebody said so."""


MOVES: Final[Mapping[LinkState | None, frozenset[LinkState]]] = {
    None: frozenset({LinkState.PROPOSED, LinkState.LINKED}),
    LinkState.PROPOSED: frozenset({LinkState.LINKED, LinkState.REJECTED}),
    LinkState.LINKED: frozenset({LinkState.UNDONE}),
    LinkState.REJECTED: frozenset({LinkState.LINKED}),
    LinkState.UNDONE: frozenset({LinkState.LINKED}),
}
"""What may follow what."""

CERTAIN: Final = 10_000
"""The confidence of what an id says, in hundredths of a per cent."""


@dataclass(frozen=True, slots=True)
class Link:
    """A thing and an order, and where it stands between them. ``confidence`` is in hundredths of a per cent."""

    thing: Thing
    order: str
    tenant: str | None
    state: LinkState
    basis: Basis
    confidence: int
    reasons: tuple[str, ...] = ()
    by: str = "correlate"

    @property
    def by_person(self) -> bool:
        """Whether a person decided: no rule changes it then."""
        return self.basis is Basis.PERSON


def decided(link: Link, state: LinkState, actor: Actor, reason: str) -> Link:
    """Return a link as a person decides it. Raises InputError for what may not follow, or has no reason."""
    if not reason.strip():
        raise InputError("a decision about a link needs a reason; nothing was decided")
    if state not in MOVES[link.state]:
        raise InputError(
            f"the link of {link.thing} to {link.order} is {link.state} and cannot become {state}",
            remedy="Look at it again: somebody may have decided meanwhile.",
        )
    return replace(link, state=state, basis=Basis.PERSON, by=actor.id)


def event_of(
    link: Link, before: LinkState | None, time: str, actor: Actor, reason: str | None = None
) -> Event:
    """Return the event of a link's coming to where it stands."""
    action = {LinkState.PROPOSED: PROPOSE, LinkState.UNDONE: UNDO}.get(link.state, DECIDE)
    state = Change("/link", after=str(link.state))
    changes = [state if before is None else Change("/link", str(before), str(link.state))]
    changes += [Change("/basis", after=str(link.basis)), Change("/confidence", after=link.confidence)]
    if link.reasons:
        changes.append(Change("/reasons", after=list(link.reasons)))
    return link_event(
        action,
        link.thing,
        link.order,
        time=time,
        changes=tuple(changes),
        actor=actor,
        reason=reason,
        tenant=link.tenant,
    )


def link_of(event: Event) -> Link | None:
    """Return where a link stands after an event; None for an event that is not about one."""
    if event.action not in {PROPOSE, DECIDE, UNDO} or event.subject.order is None or not event.links:
        return None
    after = {change.path: change.after for change in event.changes}
    source = event.context.source if event.context is not None and event.context.source is not None else ""
    system, _, account = source.partition("/")
    reasons = after.get("/reasons", [])
    try:
        return Link(
            thing=Thing(system, account, event.subject.kind, event.subject.id),
            order=event.subject.order,
            tenant=event.subject.tenant,
            state=LinkState(str(after.get("/link"))),
            basis=Basis(str(after.get("/basis"))),
            confidence=int(str(after.get("/confidence"))),
            reasons=tuple(map(str, reasons)) if isinstance(reasons, list | tuple) else (),
            by=event.actor.id,
        )
    except ValueError:
        return None
