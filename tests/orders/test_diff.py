"""What became of an order is told whole, by name, and in the words of the catalogue."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orders.generated import an_order
from ordertrail.kernel.errors import InputError
from ordertrail.orders.diff import apply_changes, changes_between, changes_of_new, keyed
from ordertrail.orders.format import format_order, order_of
from ordertrail.orders.lines import Price, Quantities
from ordertrail.orders.meaning import acts_between
from ordertrail.orders.model import Order
from ordertrail.orders.statuses import FulfilmentStatus, OrderStatus, PaymentStatus, ReturnStatus
from ordertrail.record.actions import CATALOGUE
from ordertrail.record.encoding import encode
from ordertrail.record.event import Actor, Event, Subject
from ordertrail.record.parse import parse_event
from ordertrail.testing.conformance.orders import euros, sample_order

replace = msgspec.structs.replace


@st.composite
def two_states(draw: st.DrawFn) -> tuple[Order, Order]:
    """Two orders, of which the second has some fields, and some lines, of the first."""
    old, other = draw(an_order()), draw(an_order())
    if old.currency != other.currency:
        return old, other
    kept = draw(
        st.sets(st.sampled_from(["totals", "payments", "notes", "extensions", "buyer", "shipping", "tags"]))
    )
    new = replace(other, **{name: getattr(old, name) for name in kept})
    if draw(st.booleans()):
        shuffled = tuple(draw(st.permutations(old.lines)))
        new = replace(new, lines=shuffled, fulfilments=old.fulfilments, returns=old.returns)
    return old, new


def event_of(changes: Any, action: str = "order.update") -> Event:
    """Make an event that tells of these changes."""
    return Event(
        id="01935f6e-9c1a-7cc2-b0a5-3f1d2e4b5a69",
        time="2026-11-22T14:00:00.000000Z",
        action=action,
        actor=Actor("c", "service"),
        subject=Subject("order", "o"),
        changes=tuple(changes),
    )


@settings(suppress_health_check=[HealthCheck.too_slow])  # two whole orders an example
@given(two_states())
def test_the_difference_applied_to_the_old_gives_the_new(states: tuple[Order, Order]) -> None:
    """And backwards; to itself there is none; and a trail takes each change as it is."""
    old, new = states
    changes = changes_between(old, new)
    assert format_order(apply_changes(old, changes)) == format_order(new)
    assert format_order(apply_changes(new, changes_between(new, old))) == format_order(old)
    assert changes_between(old, old) == ()
    assert bool(changes) == (format_order(old) != format_order(new))
    event = event_of(changes)
    assert parse_event(encode(event)) == event


@given(an_order())
def test_a_creation_is_all_of_the_order(order: Order) -> None:
    """Each member once, and events can hold it."""
    changes = changes_of_new(order)
    assert {change.path[1:]: change.after for change in changes} == keyed(order)
    assert parse_event(encode(event_of(changes))).changes == changes


@settings(suppress_health_check=[HealthCheck.too_slow])  # two whole orders an example
@given(two_states())
def test_every_change_is_in_exactly_one_act(states: tuple[Order, Order]) -> None:
    """Under a word of the catalogue."""
    old, new = states
    acts = acts_between(old, new)
    told = [change for act in acts for change in act.changes]
    assert sorted(told, key=lambda change: change.path) == sorted(
        changes_between(old, new), key=lambda change: change.path
    )
    assert all(act.action in CATALOGUE for act in acts)


def test_a_line_put_in_front_is_one_line_added_and_the_sequence() -> None:
    """And not every line changed."""
    new = replace(ORDER, lines=(replace(LINE, id="0"), *ORDER.lines))
    assert [change.path for change in changes_between(ORDER, new)] == ["/lines/0", "/lines/"]
    assert apply_changes(ORDER, changes_between(ORDER, new)) == new


def test_changes_of_another_state_are_refused() -> None:
    """They would make an order that never was."""
    order = sample_order()
    changes = changes_between(order, replace(order, number="SO-2"))
    with pytest.raises(InputError, match="/number is not what"):
        apply_changes(replace(order, number="SO-3"), changes)
    with pytest.raises(InputError, match="/payments/p1 is not what"):
        apply_changes(order, changes_between(replace(order, payments=()), order))


ORDER = sample_order()
LINE = ORDER.lines[0]
PAYMENT = ORDER.payments[0]
PARCEL = ORDER.fulfilments[0]


def with_line(**fields: Any) -> Order:
    """The sample with its first line changed."""
    return replace(ORDER, lines=(replace(LINE, **fields), *ORDER.lines[1:]))


def without(*path: str, put: Any = None) -> Order:
    """The sample with a member of its JSON changed."""
    plain = json.loads(format_order(ORDER))
    inner = plain
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = put
    return order_of(json.dumps(plain).encode())


@pytest.mark.parametrize(
    ("new", "meaning", "action", "subject", "paths"),
    [
        (
            with_line(unit_price=Price(amount=euros(900), per="1")),
            "price", "order.price.change", "order_line web:main:1042/1", ["/lines/1/unit_price"],
        ),
        (
            with_line(quantities=Quantities(ordered="3", shipped="2")),
            "quantity", "order.quantity.change", "order_line web:main:1042/1", ["/lines/1/quantities/ordered"],
        ),
        (with_line(gift=True), "line", "order.line.update", "order_line web:main:1042/1", ["/lines/1/gift"]),
        (
            replace(ORDER, lines=ORDER.lines[:1]),
            "line.delete", "order.line.delete", "order_line web:main:1042/2", ["/lines/2"],
        ),
        (
            replace(ORDER, lines=(*ORDER.lines, replace(LINE, id="3"))),
            "line.add", "order.line.add", "order_line web:main:1042/3", ["/lines/3"],
        ),
        (replace(ORDER, lines=ORDER.lines[::-1]), "other", "order.update", "order web:main:1042", ["/lines/"]),
        (
            replace(ORDER, status=OrderStatus.FULFILLED),
            "status", "order.status.change", "order web:main:1042", ["/status"],
        ),
        (
            replace(ORDER, status=OrderStatus.ACCEPTED),
            "status.revert", "order.status.revert", "order web:main:1042", ["/status"],
        ),
        (
            replace(ORDER, status=OrderStatus.CANCELLED),
            "status", "order.cancel", "order web:main:1042", ["/status"],
        ),
        (
            replace(ORDER, status=OrderStatus.ARCHIVED),
            "status", "order.status.change", "order web:main:1042", ["/status"],
        ),
        (
            without("ship_to", "address", "city", put="Lviv"),
            "address", "order.update", "order web:main:1042", ["/ship_to/address/city"],
        ),
        (
            without("buyer", "email", put="ivanova@example.com"),
            "party", "order.update", "order web:main:1042", ["/buyer/email"],
        ),
        (replace(ORDER, incoterm="DAP"), "terms", "order.terms.change", "order web:main:1042", ["/incoterm"]),
        (replace(ORDER, discounts=()), "price", "order.price.change", "order web:main:1042", ["/discounts"]),
        (
            replace(ORDER, payments=(replace(PAYMENT, status=PaymentStatus.REFUNDED),)),
            "status", "payment.refund", "payment web:main:1042/p1", ["/payments/p1/status"],
        ),
        (
            replace(ORDER, payments=(replace(PAYMENT, transactions=PAYMENT.transactions[:1]),)),
            "payment", "order.update", "payment web:main:1042/p1", ["/payments/p1/transactions/t2"],
        ),
        (
            replace(ORDER, fulfilments=(replace(PARCEL, status=FulfilmentStatus.DELIVERED),)),
            "status", "shipment.deliver", "fulfilment web:main:1042/f1", ["/fulfilments/f1/status"],
        ),
        (
            replace(ORDER, fulfilments=(PARCEL, replace(PARCEL, id="f2"))),
            "fulfilment.add", "shipment.create", "fulfilment web:main:1042/f2", ["/fulfilments/f2"],
        ),
        (
            replace(ORDER, returns=(replace(ORDER.returns[0], status=ReturnStatus.APPROVED),)),
            "status", "order.approve", "return web:main:1042/r1", ["/returns/r1/status"],
        ),
        (
            replace(ORDER, extensions=(replace(ORDER.extensions[0], value=True), ORDER.extensions[1])),
            "other", "order.update", "order web:main:1042", ["/extensions/web~1cart~1token/value"],
        ),
    ],
)  # fmt: skip
def test_each_kind_of_change_is_the_action_that_people_know(
    new: Order, meaning: str, action: str, subject: str, paths: list[str]
) -> None:
    """And its subject, and its place."""
    (act,) = acts_between(ORDER, new)
    assert (act.meaning, act.action, f"{act.kind} {act.id}") == (meaning, action, subject)
    assert [change.path for change in act.changes] == paths
    assert act.subject(new).order == ORDER.id
    assert apply_changes(ORDER, act.changes) == new
