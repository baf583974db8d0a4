"""What may follow what; held against the tables of others, and against what actually happened to an order."""

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordertrail.adapters.orders.policy import sequence_of
from ordertrail.orders.lifecycle import FULFILMENT, ORDER, PAYMENT, RETURN
from ordertrail.orders.machine import Machine, Need, Refusal, Transition
from ordertrail.orders.model import Order
from ordertrail.orders.moving import Authority, Teller, move, told
from ordertrail.orders.payment import Transaction, TransactionKind, TransactionStatus
from ordertrail.orders.statuses import SCHEMA_ORG, OrderStatus
from ordertrail.record.actions import CATALOGUE
from ordertrail.record.encoding import encode
from ordertrail.record.event import Actor
from ordertrail.record.parse import parse_event
from ordertrail.testing.conformance.orders import euros, sample_order
from shared_data import shared_json

MACHINES: list[Machine[Any]] = [ORDER, PAYMENT, FULFILMENT, RETURN]
BOSS = Authority(approved=True, reason="the customer called")
machines = pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)


def reachable(machine: Machine[Any], start: Any, needs: Iterable[Need] = tuple(Need)) -> set[Any]:
    """Every state that can be reached by transitions of these kinds, the start included."""
    found, waiting = {start}, [start]
    while waiting:
        for one in machine.following(waiting.pop()):
            if one.need in needs and one.after not in found:
                found.add(one.after)
                waiting.append(one.after)
    return found


@machines
def test_the_table_is_closed_and_every_state_can_be_reached(machine: Machine[Any]) -> None:
    """From the first one; each word is of the catalogue, each line has its name and phrase."""
    assert reachable(machine, machine.initial) == set(machine.states)
    for one in machine:
        assert one.before in machine.states
        assert one.after in machine.states
        assert one.name
        assert one.phrase
        assert one.action in CATALOGUE


@machines
@given(data=st.data())
def test_only_what_the_table_has_is_accepted_and_only_with_what_it_takes(
    machine: Machine[Any], data: st.DataObject
) -> None:
    """Of any two states and any grounds: accepted if and only if the table says so; refused, all is as it was."""
    before, after = (data.draw(st.sampled_from(machine.states)) for _ in range(2))
    approved, system = data.draw(st.booleans()), data.draw(st.booleans())
    reason = data.draw(st.sampled_from([None, "", "  ", "because"]))
    outcome = machine.transition(before, after, approved=approved, reason=reason, system=system)
    line = machine.table.get((before, after))
    if before == after:
        assert outcome.accepted
        return
    granted = line is not None and (system or not line.system)
    if line is not None and line.need is not Need.ALLOWED:
        granted = granted and approved and (line.need is Need.APPROVAL or reason == "because")
    assert outcome.accepted == granted
    assert outcome.after == (after if granted else before)
    if not granted:
        assert f"was to become {after}" in outcome.message
        assert "the attempt is recorded" in outcome.message
        assert (outcome.refusal is Refusal.ILLEGAL) == (line is None)


def test_the_named_reversions_are_there() -> None:
    """What people call them, from where to where."""
    named = {
        (machine.name, one.name, str(one.before), str(one.after))
        for machine in MACHINES
        for one in machine
        if one.need is Need.REVERSION
    }
    assert named >= {
        ("order", "un-process", "processing", "accepted"),
        ("order", "un-accept", "accepted", "validated"),
        ("order", "un-ship", "partially_fulfilled", "processing"),
        ("order", "un-ship", "fulfilled", "partially_fulfilled"),
        ("order", "un-complete", "completed", "fulfilled"),
        ("order", "reinstate", "cancelled", "accepted"),
        ("order", "reinstate-remainder", "cancelled_remainder", "partially_fulfilled"),
        ("order", "cancel-return", "return_in_progress", "fulfilled"),
        ("order", "appeal", "rejected", "quarantined"),
        ("order", "repair", "quarantined", "validated"),
        ("order", "release", "on_hold", "accepted"),
        ("payment", "win-dispute", "disputed", "paid"),
        ("payment", "un-refund", "refunded", "paid"),
        ("payment", "un-capture", "paid", "authorized"),
        ("fulfilment", "un-deliver", "delivered", "in_transit"),
        ("fulfilment", "un-ship", "fulfilled", "unfulfilled"),
    }


def test_only_archived_is_an_end() -> None:
    """Of an order nothing else is ever final."""
    assert [state for state in ORDER.states if not ORDER.following(state)] == [OrderStatus.ARCHIVED]
    assert SCHEMA_ORG.keys() == set(OrderStatus)


THEIRS: dict[tuple[str, str], tuple[Machine[Any], dict[str, str]]] = {
    ("moqui_mantle_udm", "Order"): (
        ORDER,
        {
            "OrderOpen": "received", "OrderPlaced": "validated", "OrderProcessing": "validated",
            "OrderApproved": "accepted", "OrderSent": "fulfilled", "OrderCompleted": "completed",
            "OrderHold": "on_hold", "OrderRejected": "rejected", "OrderCancelled": "cancelled",
            "OrderBeingChanged": "being_changed",
        },
    ),
    ("moqui_mantle_udm", "Pmnt"): (
        PAYMENT,
        {
            "PmntProposed": "none", "PmntPromised": "pending", "PmntAuthorized": "authorized", "PmntDelivered": "paid",
            "PmntConfirmed": "paid", "PmntRefunded": "refunded", "PmntVoid": "voided", "PmntCancelled": "voided",
            "PmntDeclined": "failed",
        },
    ),
    ("moqui_mantle_udm", "Ship"): (
        FULFILMENT,
        {
            "ShipInput": "unfulfilled", "ShipScheduled": "unfulfilled", "ShipPicked": "unfulfilled",
            "ShipPacked": "unfulfilled", "ShipShipped": "fulfilled", "ShipDelivered": "delivered",
            "ShipRejected": "exception", "ShipCancelled": "cancelled",
        },
    ),
    ("moqui_mantle_udm", "Return"): (
        RETURN,
        {
            "ReturnCreated": "none", "ReturnRequested": "requested", "ReturnApproved": "approved",
            "ReturnShipped": "approved", "ReturnReceived": "received", "ReturnManResp": "received",
            "ReturnCompleted": "refunded", "ReturnCancelled": "cancelled",
        },
    ),
    ("apache_ofbiz", "Order"): (
        ORDER,
        {
            "CREATED": "validated", "PROCESSING": "validated", "APPROVED": "accepted", "SENT": "fulfilled",
            "COMPLETED": "completed", "HOLD": "on_hold", "REJECTED": "rejected", "CANCELLED": "cancelled",
        },
    ),
}  # fmt: skip
"""Their states in ours. Their "processing" comes before approval. Quotes (requested, proposed) are not orders."""

NOT_OURS = {
    # A received order is looked at before anybody puts it on hold, changes it or cancels it.
    ("received", "being_changed"), ("being_changed", "received"), ("being_changed", "validated"),
    # What was sent is not cancelled but returned; what was delivered, refunded or returned is no more cancelled.
    ("fulfilled", "cancelled"), ("refunded", "cancelled"), ("none", "cancelled"), ("received", "cancelled"),
    ("none", "voided"),
}  # fmt: skip
"""Their transitions, in our states, that are not ours in any number of steps forwards, or are left out on purpose."""


@pytest.mark.parametrize(("system", "name"), THEIRS)
def test_what_others_allow_we_allow_in_as_many_steps_as_it_takes(system: str, name: str) -> None:
    """Every transition of two real tables; and what they name as taking something back is a reversion here too."""
    machine, states = THEIRS[system, name]
    ours = type(machine.initial)
    lines = shared_json("samples/lifecycles/transitions.json")[system]["machines"][name]["transitions"]
    reversions = 0
    for line in lines:
        if line["from"] not in states or line["to"] not in states:
            continue
        before, after = ours(states[line["from"]]), ours(states[line["to"]])
        if before == after or (before, after) in NOT_OURS:
            continue
        taken_back = "un-" in line["name"].lower() or line["name"].startswith("Un")
        reversions += taken_back
        needs = [Need.REVERSION] if taken_back else tuple(Need)
        assert after in reachable(machine, before, needs), line
    assert len(lines) >= 17
    assert reversions >= {"Return": 0, "Order": 0 if system == "apache_ofbiz" else 5}.get(name, 2)


def in_state(status: OrderStatus, **fields: Any) -> Order:
    """The sample in some state."""
    return msgspec.structs.replace(sample_order(), status=status, **fields)


@given(st.lists(st.sampled_from(OrderStatus), max_size=12), st.booleans())
def test_an_order_goes_only_where_it_may(wanted: list[OrderStatus], approved: bool) -> None:  # noqa: FBT001 - given
    """Any walk: what is refused leaves the order as it was, and each step is an event that a trail takes."""
    order = in_state(OrderStatus.RECEIVED)
    for state in wanted:
        moved = move(order, state, Authority(approved=approved, reason="asked for"))
        teller = Teller(
            "01935f6e-9c1a-7cc2-b0a5-3f1d2e4b5a69", "2026-11-22T14:00:00.000000Z", Actor("c", "person")
        )
        event = told(order, moved.outcome, teller)
        assert parse_event(encode(event)) == event
        assert event.outcome == ("success" if moved.outcome.accepted else "denied")
        if not moved.outcome.accepted:
            assert moved.order is order
            assert event.context is not None
            assert event.context.reason == moved.outcome.message
        assert moved.order.status == moved.outcome.after
        order = moved.order


def test_a_hold_is_released_to_where_it_came_from() -> None:
    """It is no way around the acceptance, or the work."""
    held = move(in_state(OrderStatus.VALIDATED), OrderStatus.ON_HOLD).order
    assert held.held_from is OrderStatus.VALIDATED
    refused = move(held, OrderStatus.PROCESSING, BOSS).outcome
    assert refused.refusal is Refusal.FACTS
    assert "Release it as validated" in refused.message
    released = move(held, OrderStatus.VALIDATED, BOSS).order
    assert (released.status, released.held_from) == (OrderStatus.VALIDATED, None)
    changing = move(in_state(OrderStatus.BEING_CHANGED), OrderStatus.ON_HOLD).order
    assert move(changing, OrderStatus.ACCEPTED, BOSS).outcome.accepted


def test_a_cancelled_order_is_reinstated_only_while_nothing_is_refunded() -> None:
    """Or it would be delivered for nothing."""
    cancelled = in_state(OrderStatus.CANCELLED)
    assert move(cancelled, OrderStatus.ACCEPTED, BOSS).outcome.accepted
    refund = Transaction(
        id="t3", kind=TransactionKind.REFUND, status=TransactionStatus.SUCCESS, amount=euros(1)
    )
    paid = cancelled.payments[0]
    payment = msgspec.structs.replace(paid, transactions=(*paid.transactions, refund))
    refused = move(
        msgspec.structs.replace(cancelled, payments=(payment,)), OrderStatus.ACCEPTED, BOSS
    ).outcome
    assert refused.refusal is Refusal.FACTS
    failed = msgspec.structs.replace(refund, status=TransactionStatus.FAILURE)
    payment = msgspec.structs.replace(paid, transactions=(*paid.transactions, failed))
    assert move(
        msgspec.structs.replace(cancelled, payments=(payment,)), OrderStatus.ACCEPTED, BOSS
    ).outcome.accepted


def test_a_table_can_be_replaced_line_by_line() -> None:
    """A deployment's own rule, under its own version; ours is as it was."""
    line = ORDER.table[OrderStatus.PROCESSING, OrderStatus.CANCELLED]
    own = ORDER.replaced(
        "shop-1", Transition(line.before, line.after, line.name, line.phrase, line.action, Need.ALLOWED)
    )
    order = in_state(OrderStatus.PROCESSING)
    assert not move(order, OrderStatus.CANCELLED).outcome.accepted
    assert move(order, OrderStatus.CANCELLED, machine=own).outcome.accepted
    assert (own.version, len(own.table)) == ("shop-1", len(ORDER.table))
    with pytest.raises(ValueError, match="twice"):
        Machine("order", "1", OrderStatus.RECEIVED, [line, line])


@machines
def test_capture_is_told_a_sequence_in_which_every_reversion_goes_backwards(machine: Machine[Any]) -> None:
    """And nearly all else forwards; what does not is a cycle of the lifecycle's own."""
    sequence = sequence_of(machine)
    assert sorted(sequence) == sorted(machine.states)
    backwards = {one for one in machine if sequence.index(one.before) > sequence.index(one.after)}
    assert {one for one in machine if one.need is Need.REVERSION} <= backwards
    assert len([one for one in backwards if one.need is not Need.REVERSION]) <= len(machine.table) // 8
