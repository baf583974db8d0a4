"""What correlation does, as events of the trail: facts, links proposed, decided and undone, discrepancies.

A fact's event is of the payment or parcel, as of the provider's time, caused by the delivery that told it; the raw
bytes are found by that delivery's own event, and proven by its SHA-256. A link's event is of the order too, and stands
in its chain: nobody can take a link out of an order's history, or put one in, unseen.
"""

from typing import Any, Final

from msgspec import UNSET

from ordertrail.correlate.facts import Fact, FactKind, Thing
from ordertrail.kernel.ids import new_id
from ordertrail.kernel.money import Money
from ordertrail.record.event import Actor, Cause, Change, Context, Event, Link, Subject

CORRELATE: Final = Actor("correlate", "service")
"""Who acts where no person does."""

FACT: Final = "external.fact"
PROPOSE: Final = "link.propose"
DECIDE: Final = "link.decide"
UNDO: Final = "link.undo"
EXCEPTION: Final = "reconcile.exception"
SETTLE: Final = "reconcile.settle"


def fact_event(fact: Fact, delivery: str, order: str | None = None) -> Event:
    """Return the event of a fact; ``delivery`` is the id of the one that told it. The payer stands in no event."""
    about = fact.about
    changes = [Change("/fact", after=str(fact.kind)), Change("/id", after=fact.id)]
    if fact.amount is not None:
        money = {"amount": fact.amount.amount, "currency": fact.amount.currency}
        changes.append(Change("/total" if fact.total else "/amount", after=money))
    if fact.code:
        changes.append(Change("/code", after=fact.code))
    return Event(
        id=new_id(),
        time=fact.time,
        action=FACT,
        actor=Actor(f"{fact.system}/{fact.account}", "system"),
        subject=Subject(about.kind, about.id, order, fact.tenant),
        changes=tuple(changes),
        context=Context(channel=fact.system, source=f"{fact.system}/{fact.account}"),
        cause=Cause("message", delivery),
        links=fact.links,
    )


def fact_of(event: Event) -> Fact | None:
    """Return the fact that an event tells; None for an event that tells none."""
    source = event.context.source if event.context is not None else None
    after = {change.path: change.after for change in event.changes}
    kind, ident = after.get("/fact"), after.get("/id")
    known = isinstance(kind, str) and kind in _KINDS and isinstance(ident, str)
    if event.action != FACT or source is None or not known:
        return None
    system, _, account = source.partition("/")
    total = "/total" in after
    return Fact(
        kind=FactKind(str(kind)),
        system=system,
        account=account,
        thing=event.subject.id,
        id=str(ident),
        time=event.time,
        amount=_money(after.get("/total" if total else "/amount", UNSET)),
        total=total,
        code=str(after.get("/code", "")),
        links=event.links,
        tenant=event.subject.tenant,
    )


def link_event(  # noqa: PLR0913 - what a decision is
    action: str,
    thing: Thing,
    order: str,
    *,
    time: str,
    changes: tuple[Change, ...],
    actor: Actor = CORRELATE,
    reason: str | None = None,
    tenant: str | None = None,
) -> Event:
    """Return the event of a link's being proposed, decided or undone."""
    return Event(
        id=new_id(),
        time=time,
        action=action,
        actor=actor,
        subject=Subject(thing.kind, thing.id, order, tenant),
        changes=changes,
        context=Context(
            channel=thing.system,
            source=f"{thing.system}/{thing.account}",
            reason=reason,
        ),
        links=(Link(thing.system, thing.kind, thing.id),),
    )


_KINDS: Final = frozenset(str(kind) for kind in FactKind)


def _money(value: Any) -> Money | None:
    match value:
        case {"amount": int(amount), "currency": str(currency)}:
            return Money(amount, currency)
    return None
