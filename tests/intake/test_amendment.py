"""A change of an order: what it says is so afterwards, the rest stays, and what it cannot mean is refused."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordertrail.intake.amendment import Amendment, Done, LineChange, Seen, amend, amendment_problems
from ordertrail.intake.faults import Code, FaultyError
from ordertrail.kernel.money import Money
from ordertrail.orders.amounts import Rounding, RoundingMode, RoundingScope, Totals
from ordertrail.orders.extensions import Extension
from ordertrail.orders.fulfilment import Fulfilment, Sighting
from ordertrail.orders.lines import Item, Line, Quantities
from ordertrail.orders.model import Order, SourceVersion
from ordertrail.orders.payment import Payment, Transaction, TransactionKind, TransactionStatus
from ordertrail.orders.reference import Note
from ordertrail.orders.statuses import FulfilmentStatus, OrderStatus, PaymentStatus

_LINE = Line(id="1", item=Item(name="Cup"), quantities=Quantities(ordered="2"), unit="C62")
_PARCEL = Fulfilment(id="p1", status=FulfilmentStatus.FULFILLED)
_PAYMENT = Payment(id="card", status=PaymentStatus.AUTHORIZED)


def _order() -> Order:
    """Return an order with one line, one payment and one parcel."""
    return Order(
        id="shop:main:1",
        channel="shop",
        account="main",
        status=OrderStatus.ACCEPTED,
        currency="EUR",
        tax_included=False,
        rounding=Rounding(mode=RoundingMode.HALF_UP, scope=RoundingScope.LINE),
        lines=(_LINE,),
        totals=Totals(),
        payments=(_PAYMENT,),
        fulfilments=(_PARCEL,),
    )


def _change(**parts: Any) -> Amendment:
    order = _order()
    return Amendment(order=order.id, channel=order.channel, account=order.account, **parts)


def _transaction(ident: str, amount: int = 100) -> Transaction:
    return Transaction(
        id=ident,
        kind=TransactionKind.CAPTURE,
        status=TransactionStatus.SUCCESS,
        amount=Money(amount, "EUR"),
    )


def test_a_change_that_says_nothing_changes_nothing() -> None:
    """An amendment without parts leaves the order as it is."""
    assert amend(_order(), _change()) == _order()


def test_the_status_is_left_to_the_lifecycle() -> None:
    """What an order may become is not decided here."""
    assert amend(_order(), _change(status=OrderStatus.CANCELLED)).status is _order().status


@given(st.sampled_from(["accepted", "shipped", "delivered", "returned", "cancelled"]), st.integers(0, 9))
def test_one_quantity_changes_and_no_other(name: str, count: int) -> None:
    """A line's counts are told one by one."""
    told: dict[str, Any] = {name: str(count)}
    (line,) = amend(_order(), _change(changed_lines=(LineChange(line="1", **told),))).lines
    assert line == msgspec.structs.replace(
        _LINE, quantities=msgspec.structs.replace(_LINE.quantities, **{name: str(count)})
    )


def test_lines_are_added_replaced_and_removed() -> None:
    """``lines`` are as they are now; added ones are new; removed ones are gone."""
    other = msgspec.structs.replace(_LINE, id="2")
    renamed = msgspec.structs.replace(_LINE, item=Item(name="Mug"))
    assert amend(_order(), _change(added_lines=(other,))).lines == (_LINE, other)
    assert amend(_order(), _change(lines=(renamed, other))).lines == (renamed, other)
    assert amend(_order(), _change(lines=(other,), removed_lines=("1",))).lines == (other,)


def test_what_is_done_twice_is_there_once() -> None:
    """The same amendment applied again changes nothing more."""
    change = _change(
        transactions=(Done(payment="card", transaction=_transaction("t1")),),
        fulfilments=(Fulfilment(id="p2", status=FulfilmentStatus.FULFILLED),),
        sightings=(Seen(fulfilment="p1", sighting=_sighting("2026-01-01", FulfilmentStatus.IN_TRANSIT)),),
        notes=(Note(text="x"),),
        tags=("late",),
        version=SourceVersion(number=4),
    )
    once = amend(_order(), change)
    assert amend(once, change) == once
    assert len(once.fulfilments) == 2
    assert once.source_version == SourceVersion(number=4)


def test_a_payment_that_is_known_keeps_what_it_is() -> None:
    """How an unknown payment would begin is nothing to one that is there."""
    begins = Payment(id="card", status=PaymentStatus.PAID)
    done = Done(payment="card", transaction=_transaction("t1"), begins=begins)
    (payment,) = amend(_order(), _change(transactions=(done,))).payments
    assert (payment.status, payment.transactions) == (PaymentStatus.AUTHORIZED, (_transaction("t1"),))


def test_a_payment_that_is_not_known_begins_where_it_says() -> None:
    """Two transactions of one unknown payment begin it once."""
    begins = Payment(id="cash", status=PaymentStatus.PAID)
    done = [Done(payment="cash", transaction=_transaction(ident), begins=begins) for ident in ("t1", "t2")]
    payments = amend(_order(), _change(transactions=tuple(done))).payments
    assert [(one.id, len(one.transactions)) for one in payments] == [("card", 0), ("cash", 2)]


def _sighting(day: str, status: FulfilmentStatus) -> Sighting:
    return Sighting(at=f"{day}T00:00:00.000000Z", status=status)


@given(
    st.permutations(
        [("2026-01-01", "in_transit"), ("2026-01-02", "out_for_delivery"), ("2026-01-03", "delivered")]
    )
)
def test_a_parcel_stands_where_its_latest_scan_says(scans: list[tuple[str, str]]) -> None:
    """Scans come in any sequence; they are kept oldest first, and the latest decides."""
    order = _order()
    for day, status in scans:
        seen = Seen(fulfilment="p1", sighting=_sighting(day, FulfilmentStatus(status)))
        order = amend(order, _change(sightings=(seen,)))
    (parcel,) = order.fulfilments
    assert parcel.status is FulfilmentStatus.DELIVERED
    assert [one.status for one in parcel.sightings] == ["in_transit", "out_for_delivery", "delivered"]


def test_an_extension_takes_the_place_of_its_name() -> None:
    """What a source tells again is told once."""
    first, second = (Extension(source="shop", pointer="/gift", value=value) for value in ("red", "blue"))
    order = amend(_order(), _change(extensions=(first,)))
    kept = [one for one in amend(order, _change(extensions=(second,))).extensions if one.name == "shop/gift"]
    assert kept == [second]


def test_all_that_the_order_does_not_have_is_told_at_once() -> None:
    """A line, a payment and a parcel that are unknown, and a line that is there already."""
    change = _change(
        changed_lines=(LineChange(line="9"),),
        removed_lines=("8",),
        added_lines=(_LINE,),
        transactions=(Done(payment="cash", transaction=_transaction("t1")),),
        sightings=(Seen(fulfilment="p9", sighting=_sighting("2026-01-01", FulfilmentStatus.DELIVERED)),),
    )
    with pytest.raises(FaultyError) as caught:
        amend(_order(), change)
    assert [(fault.code, fault.message.split()[4]) for fault in caught.value.faults] == [
        (Code.UNKNOWN_PART, "line"),
        (Code.UNKNOWN_PART, "line"),
        (Code.CONTRADICTION, "line"),
        (Code.UNKNOWN_PART, "payment"),
        (Code.UNKNOWN_PART, "parcel"),
    ]


def test_what_no_order_could_take_is_a_problem_before_it_is_applied() -> None:
    """A time that is none, a negative amount, half a letter: each with its place."""
    change = _change(
        updated="yesterday",
        transactions=(Done(payment="card", transaction=_transaction("t1", -5)),),
        fulfilments=(Fulfilment(id="", status=FulfilmentStatus.FULFILLED),),
    )
    assert [problem.path for problem in amendment_problems(change)] == [
        "updated",
        "transactions.0.transaction.amount.amount",
        "fulfilments.0.id",
    ]
    torn = _change(notes=(Note(text="\ud800"),))
    assert [problem.message for problem in amendment_problems(torn)] == [
        "holds a lone surrogate, which is not Unicode text"
    ]
    assert not list(amendment_problems(_change(tags=("late",))))
