"""What intake itself does, as events: by the same outbox as the changes of orders, in the same transactions.

A fault's sentence may quote what a customer wrote, and stays in the inbox. An event has the causes and the places only,
and the SHA-256 of the delivered bytes, by which they can be found and proven.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ordertrail.intake.breaker import Breaker, Circuit
from ordertrail.intake.faults import Fault
from ordertrail.intake.states import MessageState
from ordertrail.kernel.ids import new_id
from ordertrail.orders.machine import Outcome as Attempted
from ordertrail.orders.model import Order
from ordertrail.record.event import Actor, Cause, Change, Context, Event, Outcome, Subject

INTAKE = Actor("intake", "service")
"""Who acts where no person does."""

ACTIONS: Mapping[MessageState, str] = {
    MessageState.LATE: "intake.late",
    MessageState.PARKED: "intake.park",
    MessageState.HELD: "intake.hold",
    MessageState.DEAD: "intake.dead_letter",
    MessageState.REPLAYED: "intake.replay",
    MessageState.DISCARDED: "intake.discard",
}
"""The word of the catalogue for a message's coming into a state, where that is an event of its own."""

_CAUSES = 20
"""Causes that one event names; how many there are beyond stands beside them."""


def message_id(delivery: str, number: int) -> str:
    """Return the name of a message: its delivery's id, and its place in it."""
    return f"{delivery}/{number}"


def message_event(  # noqa: PLR0913 - what an event has
    state: MessageState,
    *,
    time: str,
    source: str,
    delivery: str,
    number: int,
    sha256: str,
    order: str | None = None,
    before: MessageState | None = None,
    faults: Sequence[Fault] = (),
    actor: Actor = INTAKE,
    reason: str | None = None,
    more: Iterable[Change] = (),
) -> Event:
    """Return the event of a message's coming into a state."""
    changes = [_change("/state", before, state), Change("/sha256", after=sha256), *more]
    if faults:
        causes = sorted({fault.cause for fault in faults})
        changes.append(Change("/causes", after=causes[:_CAUSES]))
        if len(causes) > _CAUSES:
            changes.append(Change("/further_causes", after=len(causes) - _CAUSES))
    return Event(
        id=new_id(),
        time=time,
        action=ACTIONS[state],
        actor=actor,
        subject=Subject("message", message_id(delivery, number), order),
        changes=tuple(changes),
        context=Context(channel=source.partition("/")[0], source=source, reason=reason),
        cause=Cause("message", delivery),
    )


def delivery_event(  # noqa: PLR0913 - what an event has
    *, time: str, source: str, delivery: str, sha256: str, size: int, counts: Mapping[MessageState, int]
) -> Event:
    """Return the event of a delivery that was read to its end: what it was, and what became of what it told."""
    changes = [Change("/sha256", after=sha256), Change("/bytes", after=size)]
    changes += [Change(f"/{state}", after=number) for state, number in sorted(counts.items()) if number]
    return source_event(
        "intake.receive", Subject("delivery", delivery), time=time, source=source, changes=changes
    )


def refusal_event(*, time: str, source: str, fault: Fault, sha256: str) -> Event:
    """Return the event of a delivery that was turned away at the door, the first of its kind in its minute."""
    changes = [Change("/sha256", after=sha256), Change("/cause", after=str(fault.code))]
    return source_event(
        "intake.refuse",
        Subject("source", source),
        time=time,
        source=source,
        changes=changes,
        outcome="denied",
    )


def reuse_event(*, time: str, source: str, delivery: str, delivery_id: str, sha256: str) -> Event:
    """Return the event of a delivery whose id its source has given to other bytes before."""
    changes = [Change("/delivery_id", after=delivery_id), Change("/sha256", after=sha256)]
    return source_event(
        "intake.reuse", Subject("delivery", delivery), time=time, source=source, changes=changes
    )


def denied_event(order: Order, attempted: Attempted[Any], *, time: str, source: str, delivery: str) -> Event:
    """Return the event of a transition that a source told of and a lifecycle refused."""
    path = "/status" if attempted.machine == "order" else f"/{attempted.machine}/status"
    return Event(
        id=new_id(),
        time=time,
        action=attempted.action,
        actor=INTAKE,
        subject=Subject("order", order.id, order.id, order.tenant),
        outcome="denied",
        changes=(_change(path, attempted.before, attempted.wanted),),
        context=Context(channel=source.partition("/")[0], source=source, reason=attempted.message),
        cause=Cause("message", delivery),
    )


def breaker_event(*, time: str, source: str, before: Breaker, after: Breaker) -> Event | None:
    """Return the event of a breaker that opened or closed; None where it did neither."""
    if (before.circuit is Circuit.CLOSED) == (after.circuit is Circuit.CLOSED):
        return None
    closed = after.circuit is Circuit.CLOSED
    changes = [_change("/circuit", before.circuit, after.circuit)]
    changes += (
        [] if closed else [Change("/failures", after=after.failures), Change("/until", after=after.until)]
    )
    return source_event(
        "intake.resume" if closed else "intake.suspend",
        Subject("source", source),
        time=time,
        source=source,
        changes=changes,
        reason=after.reason,
    )


def source_event(  # noqa: PLR0913 - what an event has
    action: str,
    subject: Subject,
    *,
    time: str,
    source: str,
    changes: Iterable[Change] = (),
    reason: str | None = None,
    outcome: Outcome = "success",
    actor: Actor = INTAKE,
) -> Event:
    """Return an event about a source or a delivery."""
    return Event(
        id=new_id(),
        time=time,
        action=action,
        actor=actor,
        subject=subject,
        outcome=outcome,
        changes=tuple(changes),
        context=Context(channel=source.partition("/")[0], source=source, reason=reason),
    )


def _change(path: str, before: Any, after: Any) -> Change:
    return Change(path, after=str(after)) if before is None else Change(path, str(before), str(after))
