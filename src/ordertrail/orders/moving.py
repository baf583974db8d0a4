"""Taking an order through its lifecycle: the table, and the facts of this order that the table cannot know.

- A hold is released to where it came from, or it would be a way around whatever stands between.
- A cancelled order is reinstated only while nothing of it was refunded.

What is refused is not applied, and is recorded as an attempt all the same: :func:`told` makes the event of either.
"""

from dataclasses import dataclass, replace

import msgspec

from ordertrail.orders.lifecycle import ORDER
from ordertrail.orders.machine import Machine, Outcome, Refusal
from ordertrail.orders.model import Order
from ordertrail.orders.payment import TransactionKind, TransactionStatus
from ordertrail.orders.statuses import OrderStatus
from ordertrail.record.event import Actor, Change, Context, Event, Subject


@dataclass(frozen=True, slots=True)
class Authority:
    """On what grounds a move is asked for."""

    approved: bool = False
    """Somebody who may has approved it."""
    reason: str | None = None
    """Why; a reversion needs one."""
    system: bool = False
    """The system itself asks, and not a person."""


NOBODY = Authority()
"""No approval, no reason, a person."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of it: the order as it is now, and what was asked for."""

    order: Order
    outcome: Outcome[OrderStatus]


def move(
    order: Order,
    wanted: OrderStatus,
    authority: Authority = NOBODY,
    *,
    machine: Machine[OrderStatus] = ORDER,
) -> Moved:
    """Take an order to a state, or say why not; then the order is the one that was handed in.

    ``machine`` is a deployment's own table, if it has one.
    """
    outcome = machine.transition(
        order.status, wanted, approved=authority.approved, reason=authority.reason, system=authority.system
    )
    if outcome.accepted and outcome.transition is not None:
        against = _against(order, outcome)
        if against:
            outcome = replace(outcome, refusal=Refusal.FACTS, message=against)
    if not outcome.accepted or outcome.transition is None:
        return Moved(order, outcome)
    held_from = order.status if wanted is OrderStatus.ON_HOLD else None
    return Moved(msgspec.structs.replace(order, status=wanted, held_from=held_from), outcome)


def _against(order: Order, outcome: Outcome[OrderStatus]) -> str:
    """Return what speaks against a transition that the table allows; nothing where nothing does."""
    name = outcome.transition.name if outcome.transition is not None else ""
    kept = f"it stays {order.status}, and the attempt is recorded"
    if name == "release" and order.held_from is not None and outcome.wanted is not order.held_from:
        # Being changed is not held: a change that was interrupted by a hold goes back to what it was a change of.
        if order.held_from is OrderStatus.BEING_CHANGED and outcome.wanted is not OrderStatus.VALIDATED:
            return ""
        return (
            f"the order was {order.held_from} when it was held, and was to be released as {outcome.wanted}: that would "
            f"pass by what stands between; {kept}. Release it as {order.held_from}."
        )
    if name == "reinstate" and _was_refunded(order):
        return (
            f"the order is {order.status} and its money was given back; to reinstate it would deliver it for nothing; "
            f"{kept}. Take a new order, or undo the refund first."
        )
    return ""


def _was_refunded(order: Order) -> bool:
    balance = sum(
        one.amount.amount * (1 if one.kind is TransactionKind.REFUND else -1)
        for payment in order.payments
        for one in payment.transactions
        if one.kind in {TransactionKind.REFUND, TransactionKind.REFUND_REVERSAL}
        and one.status is TransactionStatus.SUCCESS
    )
    return balance > 0


@dataclass(frozen=True, slots=True)
class Teller:
    """Who tells of a move, and when: what an event needs beside the outcome."""

    event_id: str
    time: str
    actor: Actor
    context: Context | None = None


def told(order: Order, outcome: Outcome[OrderStatus], teller: Teller) -> Event:
    """Return the event of a transition that was made (``success``) or attempted (``denied``).

    Where the order was in the wanted state already, the event has no changes. A refusal's message stands in the
    context's reason where nothing else does.
    """
    context = teller.context or Context()
    if outcome.message and context.reason is None:
        context = msgspec.structs.replace(context, reason=outcome.message)
    return Event(
        id=teller.event_id,
        time=teller.time,
        action=outcome.action,
        actor=teller.actor,
        subject=Subject("order", order.id, order.id, order.tenant),
        outcome="success" if outcome.accepted else "denied",
        changes=() if outcome.before is outcome.wanted else (_change(outcome),),
        context=None if context == Context() else context,
        links=tuple(reference.link() for reference in order.references),
    )


def _change(outcome: Outcome[OrderStatus]) -> Change:
    return Change("/status", before=str(outcome.before), after=str(outcome.wanted))
