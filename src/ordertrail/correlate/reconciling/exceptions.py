"""Discrepancies over time: found, still there, gone, or settled; each turn an event in the order's chain."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from ordertrail.correlate.events import CORRELATE, EXCEPTION, SETTLE
from ordertrail.correlate.reconciling.rules import Discrepancy, Kind
from ordertrail.kernel.errors import InputError
from ordertrail.kernel.ids import new_id
from ordertrail.kernel.money import Money
from ordertrail.record.event import Actor, Change, Context, Event, Subject


class Standing(StrEnum):
    """Where a discrepancy stands."""

    OPEN = "open"
    GONE = "gone"
    """It agrees now: a fact came, or the order changed."""
    SETTLED = "settled"
    """A person looked at it and said why it may stand."""


@dataclass(frozen=True, slots=True)
class Exceptional:
    """A discrepancy as it stands. ``opened`` is when it was found."""

    discrepancy: Discrepancy
    standing: Standing
    opened: str


def turns(
    before: Mapping[tuple[str, Kind], Exceptional], found: Mapping[tuple[str, Kind], Discrepancy], time: str
) -> Iterator[tuple[Exceptional, Event]]:
    """Yield what changed of some orders' discrepancies, each with its event.

    ``before`` are all that are known of these orders, ``found`` what does not agree now. One that a person settled is
    opened again only where more is at risk than when it was settled.
    """
    for key, one in found.items():
        known = before.get(key)
        if known is None or known.standing is Standing.GONE or _is_worse(one, known):
            state = None if known is None else known.standing
            yield (
                Exceptional(one, Standing.OPEN, time),
                exception_event(one, Standing.OPEN, time, before=state),
            )
        elif known.standing is Standing.OPEN and known.discrepancy.at_risk != one.at_risk:
            changed = exception_event(one, Standing.OPEN, time, before=Standing.OPEN)
            yield Exceptional(one, Standing.OPEN, known.opened), changed
    for key, known in before.items():
        if known.standing is Standing.OPEN and key not in found:
            told = exception_event(known.discrepancy, Standing.GONE, time, before=Standing.OPEN)
            yield Exceptional(known.discrepancy, Standing.GONE, known.opened), told


def settle(known: Exceptional, time: str, actor: Actor, reason: str) -> tuple[Exceptional, Event]:
    """Return a discrepancy as a person settles it. Raises InputError where it is not open, or there is no reason."""
    if not reason.strip():
        raise InputError("to settle a discrepancy needs a reason; nothing was settled")
    if known.standing is not Standing.OPEN:
        raise InputError(f"it is {known.standing} and cannot be settled")
    told = exception_event(
        known.discrepancy, Standing.SETTLED, time, before=Standing.OPEN, actor=actor, reason=reason
    )
    return Exceptional(known.discrepancy, Standing.SETTLED, known.opened), told


def exception_event(  # noqa: PLR0913 - what an event has
    one: Discrepancy,
    standing: Standing,
    time: str,
    *,
    before: Standing | None = None,
    actor: Actor = CORRELATE,
    reason: str | None = None,
) -> Event:
    """Return the event of a discrepancy's coming to where it stands."""
    changes = [
        Change("/standing", after=str(standing))
        if before is None
        else Change("/standing", str(before), str(standing)),
        Change("/discrepancy", after=str(one.kind)),
        Change("/since", after=one.since),
    ]
    if one.at_risk is not None:
        changes.append(Change("/at_risk", after=_money(one.at_risk)))
    if one.facts:
        changes.append(Change("/facts", after=list(one.facts[:20])))
    return Event(
        id=new_id(),
        time=time,
        action=EXCEPTION if standing is Standing.OPEN else SETTLE,
        actor=actor,
        subject=Subject("order", one.order, one.order, one.tenant),
        changes=tuple(changes),
        context=Context(reason=reason or one.detail),
    )


def exceptional_of(event: Event) -> Exceptional | None:
    """Return where a discrepancy stands after an event; None for an event that is not about one."""
    after = {change.path: change.after for change in event.changes}
    order = event.subject.order
    if event.action not in {EXCEPTION, SETTLE} or order is None:
        return None
    risk, facts = after.get("/at_risk"), after.get("/facts", [])
    money = None
    if isinstance(risk, dict):
        money = Money(int(risk["amount"]), str(risk["currency"]))
    reason = event.context.reason if event.context is not None else None
    try:
        found = Discrepancy(
            order,
            event.subject.tenant,
            Kind(str(after.get("/discrepancy"))),
            money,
            str(after.get("/since")),
            reason or "",
            tuple(map(str, facts)) if isinstance(facts, list | tuple) else (),
        )
        return Exceptional(found, Standing(str(after.get("/standing"))), event.time)
    except ValueError:
        return None


def _is_worse(one: Discrepancy, known: Exceptional) -> bool:
    if known.standing is not Standing.SETTLED or one.at_risk is None:
        return False
    before = known.discrepancy.at_risk
    return before is None or (one.at_risk.currency == before.currency and one.at_risk.amount > before.amount)


def _money(money: Money) -> dict[str, int | str]:
    return {"amount": money.amount, "currency": money.currency}
