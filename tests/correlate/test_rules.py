"""Rules of reconciliation: each finds its own, the most telling speaks, and waiting is allowed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlate.trade import trade
from ordertrail.correlate.facts import Fact, FactKind
from ordertrail.correlate.money import once, sums_of
from ordertrail.correlate.reconciling.exceptions import Exceptional, Standing, turns
from ordertrail.correlate.reconciling.promise import Parcel, Promise, promise_of
from ordertrail.correlate.reconciling.rules import Discrepancy, Kind, Patience, reconcile
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.money import Money
from ordertrail.orders.statuses import OrderStatus

DAY = datetime(2026, 11, 1, tzinfo=UTC)
LATER = DAY + timedelta(days=60)


def at(days: float) -> str:
    """Return so many days after the order was placed."""
    return format_time(DAY + timedelta(days=days))


PROMISE = Promise("o1", None, "EUR", 7200, placed=at(0), said_paid=7200)


def money(
    kind: FactKind, amount: int, days: float, ident: str = "", currency: str = "EUR", **more: object
) -> Fact:
    """Return a fact of a payment."""
    made = Fact(
        kind=kind, system="stripe", account="main", thing="pi_1", id=ident or f"{kind}-{days}", time=at(days),
        amount=Money(amount, currency),
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


def parcel(kind: FactKind, days: float, number: str = "1Z") -> Fact:
    """Return a fact of a parcel."""
    return Fact(
        kind=kind, system="ups", account="main", thing=number, id=f"{number}{kind}{days}", time=at(days)
    )


TAKEN = money(FactKind.CAPTURED, 7200, 0.1)
MOVED = parcel(FactKind.IN_TRANSIT, 2)
ARRIVED = parcel(FactKind.DELIVERED, 4)
FINE = (TAKEN, MOVED, ARRIVED)
IN_PARTS = (money(FactKind.CAPTURED, 7000, 0.1), money(FactKind.CAPTURED, 200, 2))
CANCELLED = replace(PROMISE, gave_up=True, cancelled=at(1), returnable=True)

FOUND: list[tuple[str, Promise, Sequence[Fact], Kind | None, int | None]] = [
    ("all is well", PROMISE, FINE, None, None),
    ("too little", PROMISE, (replace(TAKEN, amount=Money(7000, "EUR")), MOVED, ARRIVED), Kind.CAPTURE_DIFFERS, 200),
    ("too much", PROMISE, (replace(TAKEN, amount=Money(7201, "EUR")), MOVED, ARRIVED), Kind.CAPTURE_DIFFERS, 1),
    ("twice", PROMISE, (*FINE, money(FactKind.CAPTURED, 7200, 0.2)), Kind.DOUBLE_CAPTURE, 7200),
    (
        "twice, and given back",
        PROMISE,
        (*FINE, money(FactKind.CAPTURED, 7200, 0.2), money(FactKind.REFUNDED, 7200, 1)),
        None,
        None,
    ),
    ("in parts", PROMISE, (*IN_PARTS, MOVED, ARRIVED), None, None),
    (
        "a capture failed afterwards",
        PROMISE,
        (*FINE, money(FactKind.CAPTURE_FAILED, 7200, 1, ident=TAKEN.id)),
        Kind.CAPTURE_UNCONFIRMED,
        7200,
    ),
    (
        "in dollars",
        PROMISE,
        (replace(TAKEN, amount=Money(7200, "USD")), MOVED, ARRIVED),
        Kind.CURRENCY_MISMATCH,
        7200,
    ),
    ("the gateway knows nothing", PROMISE, (MOVED, ARRIVED), Kind.CAPTURE_UNCONFIRMED, 7200),
    ("nobody paid", replace(PROMISE, said_paid=0), (MOVED, ARRIVED), Kind.DELIVERED_UNPAID, 7200),
    ("paid on account", replace(PROMISE, said_paid=0, pay_later=True), (MOVED, ARRIVED), None, None),
    ("refund without reason", PROMISE, (*FINE, money(FactKind.REFUNDED, 500, 6)), Kind.REFUND_UNFOUNDED, 500),
    (
        "refund of what came back",
        replace(PROMISE, returnable=True),
        (*FINE, money(FactKind.REFUNDED, 500, 6)),
        None,
        None,
    ),
    (
        "refund that failed",
        PROMISE,
        (*FINE, money(FactKind.REFUNDED, 500, 6, "r"), money(FactKind.REFUND_FAILED, 500, 7, "r")),
        None,
        None,
    ),
    (
        "more given back than taken",
        replace(PROMISE, returnable=True),
        (*FINE, money(FactKind.REFUNDED, 9000, 6)),
        Kind.REFUND_EXCEEDS,
        1800,
    ),
    ("cancelled and refunded", CANCELLED, (TAKEN, money(FactKind.REFUNDED, 7200, 2)), None, None),
    ("cancelled and kept", CANCELLED, (TAKEN,), Kind.CANCELLED_NOT_REFUNDED, 7200),
    ("taken after it was cancelled", CANCELLED, (replace(TAKEN, time=at(2)),), Kind.CAPTURED_AFTER_CANCELLATION, 7200),
    (
        "shipped after it was cancelled",
        CANCELLED,
        (*FINE, money(FactKind.REFUNDED, 7200, 2)),
        Kind.SHIPPED_AFTER_CANCELLATION,
        7200,
    ),
    ("asked back", PROMISE, (*FINE, money(FactKind.DISPUTED, 7200, 9)), Kind.DISPUTE_AFTER_DELIVERY, 7200),
    (
        "asked back and won",
        PROMISE,
        (*FINE, money(FactKind.DISPUTED, 7200, 9, "d"), money(FactKind.DISPUTE_WON, 7200, 30, "d")),
        None,
        None,
    ),
    ("not heard of", PROMISE, (TAKEN, MOVED), Kind.CARRIER_SILENCE, 7200),
    (
        "shipped by us, unknown to the carrier",
        replace(PROMISE, parcels=(Parcel("1 z", at(2)),)),
        (TAKEN, parcel(FactKind.LABEL_MADE, 1)),
        Kind.CARRIER_SILENCE,
        7200,
    ),
    ("back to its sender", PROMISE, (TAKEN, MOVED, parcel(FactKind.RETURNED, 9)), None, None),
    ("never sent", PROMISE, (TAKEN,), Kind.PAID_NOT_SHIPPED, 7200),
    ("only a test", replace(PROMISE, test=True), (), None, None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("promise", "facts", "kind", "risk"), [row[1:] for row in FOUND], ids=[row[0] for row in FOUND]
)
def test_each_rule_finds_just_this(
    promise: Promise, facts: Sequence[Fact], kind: Kind | None, risk: int | None
) -> None:
    """Of each case just the one discrepancy is told, with the money at risk to the cent; of what is right nothing."""
    found = reconcile(promise, facts, LATER)
    assert [one.kind for one in found] == ([] if kind is None else [kind])
    for one in found:
        assert one.at_risk is not None
        assert one.at_risk.amount == risk
        assert one.since


def test_nothing_is_missing_that_may_still_come() -> None:
    """The day after, no webhook that has not come yet is a discrepancy; once patience has ended it is."""
    soon = DAY + timedelta(days=1)
    assert reconcile(PROMISE, (), soon) == ()
    assert reconcile(PROMISE, (MOVED,), DAY + timedelta(days=3)) == ()
    assert reconcile(PROMISE, (), soon, Patience(facts=timedelta(hours=1)))


def test_a_payment_that_waits_for_a_person_is_not_missed() -> None:
    """While a payment may be of the order, nobody says that none came."""
    assert reconcile(PROMISE, (MOVED, ARRIVED), LATER, waiting=True) == ()


def test_clocks_that_differ_a_little_accuse_nobody() -> None:
    """A parcel that left minutes after the cancellation, by two clocks, did not certainly leave after it."""
    left = replace(MOVED, time=at(1 + 20 / 1440))
    paid_back = money(FactKind.REFUNDED, 7200, 2)
    assert reconcile(CANCELLED, (TAKEN, left, ARRIVED, paid_back), LATER) == ()


steps = st.builds(
    money,
    st.sampled_from([FactKind.AUTHORISED, FactKind.CAPTURED, FactKind.REFUNDED, FactKind.DISPUTED]),
    st.integers(0, 10_000),
    st.floats(0, 30),
    st.sampled_from(["a", "b", "c", "d", "e"]),
    st.sampled_from(["EUR", "JPY"]),
    thing=st.sampled_from(["pi_1", "pi_2"]),
)


@given(st.lists(steps, max_size=12), st.randoms())
def test_money_does_not_depend_on_how_often_or_in_which_sequence_it_is_told(
    facts: list[Fact], random: object
) -> None:
    """Facts told again, and told in another sequence, come to the same; nothing is negative."""
    first = list({fact.key: fact for fact in reversed(facts)}.values())
    again = first * 2
    random.shuffle(again)  # type: ignore[attr-defined]
    assert sums_of(again) == sums_of(first)
    assert once(again) == once(first)
    for sums in sums_of(first).values():
        assert min(sums.authorised, sums.captured, sums.refunded, sums.disputed) >= 0


@given(st.integers(1, 10_000), st.integers(0, 10_000))
def test_a_total_and_its_parts_are_the_same_money(part: int, more: int) -> None:
    """Where a provider tells single refunds and what they come to, the money counts once."""
    single = money(FactKind.REFUNDED, part, 1, "r1")
    total = money(FactKind.REFUNDED, part + more, 2, "t", total=True)
    taken = money(FactKind.CAPTURED, 50_000, 0)
    assert sums_of([taken, single, total])["EUR"].refunded == part + more
    assert sums_of([taken, total])["EUR"].refunded == part + more


def test_turns_tell_each_change_once() -> None:
    """Found, still there, worse, gone, there again: each turn is told once, and nothing in between."""
    (one,) = reconcile(PROMISE, (TAKEN, MOVED), LATER)
    before: dict[tuple[str, Kind], Exceptional] = {}

    def turn(*found: Discrepancy) -> list[str]:
        kept = {each.key: each for each in found}
        told = list(turns(before, kept, at(60)))
        before.update({each.discrepancy.key: each for each, _ in told})
        return [f"{event.action} {each.standing}" for each, event in told]

    assert turn(one) == ["reconcile.exception open"]
    assert turn(one) == []
    worse = replace(one, at_risk=Money(9000, "EUR"))
    assert turn(worse) == ["reconcile.exception open"]
    assert turn() == ["reconcile.settle gone"]
    assert turn() == []
    assert turn(one) == ["reconcile.exception open"]
    before[one.key] = Exceptional(one, Standing.SETTLED, at(60))
    assert turn(one) == []
    assert turn(worse) == ["reconcile.exception open"]


def test_what_the_buyer_fetched_has_no_parcel() -> None:
    """An order that we say is complete needs no parcel: what is fetched, or downloaded, is not missed by a carrier."""
    (order,) = trade(1).orders
    fetched = msgspec.structs.replace(order, status=OrderStatus.COMPLETED, fulfilments=(), placed=at(0))
    assert order.totals.grand_total is not None
    paid = replace(TAKEN, amount=order.totals.grand_total)
    assert reconcile(promise_of(fetched), [paid], LATER) == ()
    open_ = msgspec.structs.replace(fetched, status=OrderStatus.ACCEPTED)
    assert [one.kind for one in reconcile(promise_of(open_), [paid], LATER)] == [Kind.PAID_NOT_SHIPPED]


def test_a_promise_is_what_the_order_says() -> None:
    """What is promised comes from the order: its total, what we say was paid, its parcels."""
    (order,) = trade(1).orders
    promise = promise_of(order)
    assert order.totals.grand_total is not None
    assert (promise.total, promise.said_paid) == (order.totals.grand_total.amount,) * 2
    assert [one.number for one in promise.parcels] == list(order.fulfilments[0].tracking_numbers)
