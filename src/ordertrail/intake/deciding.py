"""What becomes of a message: it and the order as it is kept make a decision. Pure: no store, no clock.

In this sequence, and the first that speaks decides:

1. *Is it about an order, and can it be read?* Else it is ``foreign``, or ``dead``.
2. *Is what comes before it there?* An amendment of an order that has not come, one that follows a state that has not
   come, and one of a line or payment that has not come, are ``parked``.
3. *Is it newer than what is known?* An older state is ``late``; of a late amendment only what is new to the order
   counts. A state of the same number that says something else is ``held``: one of the two is wrong.
4. *Does it change anything?* Else it is a ``duplicate``.
5. *Do the lifecycles allow it?* Else it is ``held``, and each refusal is an event of an attempt.
6. *Do the rules allow it?* A rule rejects (``dead``), holds (``held``), or remarks.
7. It is ``accepted``, and the order is as it says.

A person's approval passes by 3 and 5 where they hold, and by rules that hold; by nothing else.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec

from ordertrail.intake.amendment import Amendment, amend
from ordertrail.intake.catching_up import catch_up, reported
from ordertrail.intake.faults import Code, Fault, FaultyError
from ordertrail.intake.message import Content, Faulty, Foreign
from ordertrail.intake.ports import Approval, Known, Verdict
from ordertrail.intake.restating import restated, still_new
from ordertrail.intake.states import MessageState
from ordertrail.kernel.clock import format_time, parse_time
from ordertrail.orders.lifecycle import FULFILMENT, PAYMENT, RETURN
from ordertrail.orders.machine import Outcome
from ordertrail.orders.model import Order, SourceVersion
from ordertrail.orders.moving import NOBODY, Authority
from ordertrail.orders.problems import order_problems
from ordertrail.orders.statuses import OrderStatus
from ordertrail.orders.versions import Age, age_of

AHEAD = timedelta(hours=24)
"""How far a source's clock may be ahead of ours. A state from further in the future would make all others late."""

Judge = Callable[[Order, Order | None], Verdict]


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a message. ``order`` is set where it is accepted: the order as it is to be kept.

    ``denied`` are the transitions that a lifecycle refused. ``faults`` of what is accepted are remarks.
    """

    state: MessageState
    faults: tuple[Fault, ...] = ()
    order: Order | None = None
    denied: tuple[Outcome[Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """What is known when a message is decided: the order as it is kept, when the message came, and who approved it."""

    known: Known | None
    received: str
    judge: Judge
    approval: Approval | None = None
    sound: bool = False
    """What the message says was held against the laws of the model when it was read."""

    @property
    def order(self) -> Order | None:
        """The order as it is kept."""
        return None if self.known is None else self.known.stored.order


def order_of_content(content: Content) -> str | None:
    """Return our id of the order that a message is about, None where that is not known."""
    match content:
        case Order():
            return content.id
        case Amendment() | Faulty():
            return content.order
    return None


def decide(content: Content, case: Case) -> Decision:
    """Decide what becomes of a message. Raises UnavailableError where the rules cannot be asked now."""
    match content:
        case Foreign():
            return Decision(MessageState.FOREIGN, (Fault(Code.FOREIGN, "", content.reason),))
        case Faulty():
            return Decision(MessageState.DEAD, content.faults)
        case Order():
            return _decide_order(content, case)
        case Amendment():
            return _decide_amendment(content, case)


def _decide_order(told: Order, case: Case) -> Decision:
    held = case.approval is None and _from_the_future(told.source_version, case.received)
    if held:
        return Decision(MessageState.HELD, (held,))
    known = case.order
    if known is None:
        return _finish(told, told.status, case)
    age = age_of(told.source_version, known.source_version)
    if age is Age.OLDER:
        return Decision(MessageState.LATE, (_late(told.source_version, known.source_version),))
    order = restated(known, told)
    if age is Age.SAME and _is_counted(told, known) and order != known and case.approval is None:
        return Decision(MessageState.HELD, (_two_of_one(told),))
    return _finish(order, told.status, case)


def _decide_amendment(told: Amendment, case: Case) -> Decision:
    known = case.order
    if known is None:
        waited = f"the order {told.order} has not come yet"
        return Decision(MessageState.PARKED, (Fault(Code.UNKNOWN_ORDER, "", waited),))
    gap = _gap(told, known)
    if gap is not None:
        return Decision(MessageState.PARKED, (gap,))
    held = case.approval is None and _from_the_future(told.version, case.received)
    if held:
        return Decision(MessageState.HELD, (held,))
    amendment, status = told, told.status
    if age_of(told.version, known.source_version) is Age.OLDER:
        late = (_late(told.version, known.source_version),)
        new = still_new(known, told)
        if new is None:
            return Decision(MessageState.LATE, late)
        amendment, status = new, None
    lines = {line.id: line for line in known.lines}
    added = tuple(line for line in amendment.added_lines if lines.get(line.id) != line)
    try:
        order = amend(known, msgspec.structs.replace(amendment, added_lines=added))
    except FaultyError as error:
        waits = all(fault.code is Code.UNKNOWN_PART for fault in error.faults)
        return Decision(MessageState.PARKED if waits else MessageState.DEAD, error.faults)
    return _finish(order, status, case)


def _finish(order: Order, told: OrderStatus | None, case: Case) -> Decision:
    """Take an order whose fields are as told through steps 4 to 7."""
    known = case.order
    if known is None:
        order = _as_new(order)
    else:
        if order == known and (told is None or told in {case.known and case.known.told, known.status}):
            return Decision(MessageState.DUPLICATE)
        before = case.known.told if case.known is not None else None
        moved = catch_up(order, told, before, _authority(case.approval))
        denied = (*_refused(moved.outcome), *(() if case.approval else _refused_parts(known, order)))
        if denied:
            faults = tuple(Fault(Code.TRANSITION, "", one.message) for one in denied)
            return Decision(MessageState.HELD, faults, denied=denied)
        order = moved.order
        if order == known:
            return Decision(MessageState.DUPLICATE)
    # A new order is as it was read but for its status, and that breaks no law.
    problems = () if known is None and case.sound else tuple(_broken(order))
    if problems:
        return Decision(MessageState.DEAD, problems)
    return _judged(order, case)


def _broken(order: Order) -> Iterator[Fault]:
    for problem in order_problems(order):
        yield Fault(Code.MALFORMED, _pointer(problem.path), problem.message)


def _judged(order: Order, case: Case) -> Decision:
    verdict = case.judge(order, case.order)
    if verdict.rejects:
        return Decision(MessageState.DEAD, verdict.rejects + verdict.holds)
    if verdict.holds and case.approval is None:
        return Decision(MessageState.HELD, verdict.holds + verdict.remarks)
    return Decision(MessageState.ACCEPTED, verdict.remarks + verdict.holds, order)


def _as_new(order: Order) -> Order:
    """Return an order that nobody knew, at the state in which its source has it: it was checked, so it is validated."""
    if order.status is OrderStatus.RECEIVED:
        return msgspec.structs.replace(order, status=OrderStatus.VALIDATED)
    return order


def _authority(approval: Approval | None) -> Authority:
    return NOBODY if approval is None else Authority(approved=True, reason=approval.reason)


def _refused(outcome: Outcome[Any]) -> Iterator[Outcome[Any]]:
    if not outcome.accepted:
        yield outcome


def _refused_parts(known: Order, order: Order) -> Iterator[Outcome[Any]]:
    """Yield what the lifecycles of payments, parcels and returns refuse of a change."""
    payments = {one.id: one.status for one in known.payments}
    parcels = {one.id: one.status for one in known.fulfilments}
    returns = {one.id: one.status for one in known.returns}
    for payment in order.payments:
        yield from _refused(reported(PAYMENT, payments.get(payment.id, payment.status), payment.status))
    for parcel in order.fulfilments:
        yield from _refused(reported(FULFILMENT, parcels.get(parcel.id, parcel.status), parcel.status))
    for one in order.returns:
        yield from _refused(reported(RETURN, returns.get(one.id, one.status), one.status))


def _gap(told: Amendment, known: Order) -> Fault | None:
    """Return a fault where a state is missing between what is known and what is told."""
    number = known.source_version.number if known.source_version is not None else None
    # Of an order that was fetched, and came with a time alone, nobody can say what is missing.
    if told.follows is None or number is None or number >= told.follows:
        return None
    return Fault(
        Code.GAP, "", f"it follows state {told.follows} of the order, and the last that came is {number}"
    )


def _from_the_future(version: SourceVersion | None, received: str) -> Fault | None:
    if version is None or version.time is None:
        return None
    latest = format_time(parse_time(received) + AHEAD)
    if version.time <= latest:
        return None
    return Fault(
        Code.CONTRADICTION,
        "",
        f"its source dates this state {version.time}, more than a day after it came; "
        "taken at its word, all later states would count as late",
    )


def _is_counted(told: Order, known: Order) -> bool:
    versions = (told.source_version, known.source_version)
    return all(one is not None and one.number is not None for one in versions)


def _two_of_one(told: Order) -> Fault:
    number = told.source_version.number if told.source_version is not None else None
    return Fault(Code.CONTRADICTION, "", f"state {number} of the order came before, and said something else")


def _late(told: SourceVersion | None, known: SourceVersion | None) -> Fault:
    return Fault(
        Code.CONTRADICTION,
        "",
        f"its source made state {_named(known)}, which is known, after state {_named(told)}",
    )


def _named(version: SourceVersion | None) -> str:
    if version is None:
        return "unknown"
    return str(version.number) if version.number is not None else str(version.time)


def _pointer(path: str) -> str:
    """Return the JSON pointer of a problem's dotted path."""
    return "".join(f"/{step}" for step in path.split(".")) if path else ""
