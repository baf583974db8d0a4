"""Bringing an order to where its source says it stands.

A source tells where an order is, and not each step that it took: paid and shipped may come as one. So a state counts as
reached where a way of *allowed* transitions leads there, and each step of the way is asked of the lifecycle in turn.
What needs an approval or takes something back is never part of such a way: it is asked for as such, and refused where
nobody approved. Two things are the source's own:

- Where it tells the same state as the last time, it asks for no move, however far we have gone since.
- It may release what it has itself put on hold: to where the order stood then, and on from there.
"""

from collections import deque

from ordertrail.orders.lifecycle import ORDER
from ordertrail.orders.machine import Machine, Need, Outcome, State
from ordertrail.orders.model import Order
from ordertrail.orders.moving import NOBODY, Authority, Moved, move
from ordertrail.orders.statuses import OrderStatus

_ASIDE = frozenset({"on_hold", "being_changed", "cancelled", "rejected", "archived"})
"""States that nothing passes through on its way: a hold would lead around the approval of a cancellation."""

_OWN_HOLD = Authority(approved=True, reason="the source released what it had held")


def way(machine: Machine[State], before: State, after: State) -> tuple[State, ...] | None:
    """Return the shortest way of allowed transitions, without where it begins; None where there is none."""
    ways: deque[tuple[State, ...]] = deque([()])
    seen = {before}
    while ways:
        found = ways.popleft()
        here = found[-1] if found else before
        if here == after:
            return found
        if found and str(here) in _ASIDE:
            continue
        for one in machine.following(here):
            if one.need is Need.ALLOWED and not one.system and one.after not in seen:
                seen.add(one.after)
                ways.append((*found, one.after))
    return None


def meant(status: OrderStatus | None) -> OrderStatus | None:
    """Return the state that a source's word asks for: what was received is checked by then, and so validated."""
    return OrderStatus.VALIDATED if status is OrderStatus.RECEIVED else status


def catch_up(
    order: Order, told: OrderStatus | None, before: OrderStatus | None, authority: Authority = NOBODY
) -> Moved:
    """Take an order to where its source tells that it stands, or say why not; then the order is as handed in.

    ``before`` is what the source told the last time, None where it has told nothing yet.
    """
    wanted, last = meant(told), meant(before)
    if wanted is None or wanted in {last, order.status}:
        return Moved(order, Outcome(ORDER.name, order.status, order.status, None))
    start = order
    if order.status is OrderStatus.ON_HOLD and last is OrderStatus.ON_HOLD and order.held_from is not None:
        released = move(order, order.held_from, _OWN_HOLD)
        if released.outcome.accepted:
            start = released.order
    steps = way(ORDER, start.status, wanted)
    if steps is None:
        # There is no way: the transition itself is asked for, and its own refusal says why it may not be.
        asked = move(order, wanted, authority)
        return asked if start is order or asked.outcome.accepted else move(start, wanted, authority)
    moved = Moved(start, Outcome(ORDER.name, order.status, start.status, None))
    for step in steps:
        moved = move(moved.order, step, authority)
        if not moved.outcome.accepted:
            return Moved(order, moved.outcome)
    return moved


def reported(machine: Machine[State], before: State, after: State) -> Outcome[State]:
    """Say whether a payment, a parcel or a return may go from one state to another, as those report who have it.

    They are the ones who know, so what they take back (a dispute that was won) needs nobody's approval here; what no
    line of the table and no way of allowed ones leads to is refused all the same.
    """
    outcome = machine.transition(before, after, approved=True, reason="told by its source")
    if outcome.accepted or way(machine, before, after) is None:
        return outcome
    return Outcome(machine.name, before, after, None)
