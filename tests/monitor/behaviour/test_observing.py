"""What learning sees: no sealed value, no value at all, and nobody's name unless people are scored."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordertrail.kernel.clock import format_time
from ordertrail.kernel.ids import new_id
from ordertrail.monitor.behaviour.feedback import FARTHEST, Feedback
from ordertrail.monitor.behaviour.model_file import format_model
from ordertrail.monitor.behaviour.observing import Orders
from ordertrail.monitor.behaviour.process import fit
from ordertrail.query.projection import Indexed, Place, project
from ordertrail.record.event import Actor, Change, Context, Event, Sealed, SealedValue, Subject

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SEALED = SealedValue(Sealed("person-4711", "box-of-secrets", "commitment"))


def told(order: str, minute: int, action: str = "order.update", actor: str = "clerk-17") -> Indexed:
    """Return an event that changes a sealed name, a note and a status, as the index has it."""
    event = Event(
        id=new_id(),
        time=format_time(NOON + timedelta(minutes=minute)),
        action=action,
        actor=Actor(actor, "person", ("order.editor",)),
        subject=Subject("order", order, order=order),
        changes=(
            Change("/customer/name", after=SEALED),
            Change("/note", "Erika Mustermann called", "calls back"),
            Change("/status", after="confirmed"),
        ),
        context=Context(ip="203.0.113.7", reason="Erika asked", channel="web"),
    )
    return project(event, Place("default", minute, event.time, None))


def learned(*, people: bool) -> bytes:
    """Return the file of a model of some orders."""
    orders = Orders(people=people)
    for order in range(6):
        for minute in range(3):
            orders.take(told(f"SO-{order}", minute))
    return format_model(fit([one.case() for one in orders.settled(0)], orders.fields))


@pytest.mark.parametrize(
    "secret", ["box-of-secrets", "person-4711", "Erika", "calls back", "203.0.113.7", "clerk-17", "SO-1"]
)
def test_a_model_holds_nothing_personal(secret: str) -> None:
    """Names of fields, roles and channels stand in a model's file; no values, addresses, reasons, people or orders."""
    data = learned(people=False).decode()
    assert secret not in data
    assert "name+note+status" in data
    assert "order.editor" in data


def test_who_did_it_is_seen_only_where_people_are_scored() -> None:
    """With the settings' word, and only then, the actor is a field."""
    assert b"clerk-17" in learned(people=True)


def test_reads_and_alerts_are_not_behaviour_of_orders() -> None:
    """That somebody looked at an order is left out, and so is an event of no order."""
    orders = Orders()
    orders.take(told("SO-1", 0, "order.read"))
    assert not orders.known


@given(st.permutations(range(40)))
def test_a_sample_does_not_depend_on_the_sequence(sequence: Sequence[int]) -> None:
    """Of more orders than may be held, the same ones are, in whatever sequence they come."""
    orders, others = Orders(most=10), Orders(most=10)
    for number in sequence:
        orders.take(told(f"SO-{number}", number))
    for number in range(40):
        others.take(told(f"SO-{number}", number))
    assert orders.known.keys() == others.known.keys()
    assert 0 < len(orders.known) <= 10


def test_what_is_under_way_is_left_out() -> None:
    """An order is over once nothing happened for a while before the newest event of all."""
    orders = Orders()
    orders.take(told("SO-1", 0))
    orders.take(told("SO-2", 60))
    assert [one.key for one in orders.settled(30 * 60_000_000)] == [("", "SO-1")]


def test_feedback_lowers_only_so_far_and_never_raises() -> None:
    """Dismissals count against what deviates alike, up to a limit; confirmations alone change nothing."""
    known = Feedback({("rule", "often"): 9, ("rule", "true"): -3, ("rule", "once"): 1})
    assert [known.lowered("rule", name) for name in ("often", "true", "once", "new")] == [FARTHEST, 0, 1, 0]
    assert known.lowered("other", "often") == 0
