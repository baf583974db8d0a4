"""An order adds up, or it is said by how much it does not."""

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from orders.generated import an_order
from ordertrail.kernel.money import Money
from ordertrail.orders.adjustments import Discount, Tax
from ordertrail.orders.amounts import Rounding, RoundingMode, RoundingScope, Totals
from ordertrail.orders.exact import payable, rounded
from ordertrail.orders.facets import Facets, facets_of, payment_facet
from ordertrail.orders.lines import Item, Line, Price, Quantities
from ordertrail.orders.model import Order
from ordertrail.orders.payment import Payment, Transaction, TransactionKind, TransactionStatus
from ordertrail.orders.statuses import FulfilmentStatus, OrderStatus, PaymentStatus, ReturnStatus
from ordertrail.orders.totals import all_taxes, computed_totals, reconcile, with_computed_totals
from ordertrail.testing.conformance.orders import euros, sample_order

MODES = {
    RoundingMode.HALF_UP: ROUND_HALF_UP,
    RoundingMode.HALF_EVEN: ROUND_HALF_EVEN,
    RoundingMode.DOWN: ROUND_DOWN,
}
by_line = Rounding(mode=RoundingMode.HALF_UP, scope=RoundingScope.LINE)
by_total = Rounding(mode=RoundingMode.HALF_UP, scope=RoundingScope.TOTAL)


@given(st.decimals(-(10**9), 10**9, places=4), st.sampled_from(RoundingMode))
def test_rounding_is_that_of_decimals(number: Decimal, mode: RoundingMode) -> None:
    """Of the standard library, digit by digit."""
    rule = Rounding(mode=mode, scope=RoundingScope.LINE)
    assert rounded(Fraction(number), rule) == int(number.quantize(Decimal(1), MODES[mode]))


@given(an_order(stated=False))
def test_an_order_with_what_its_parts_come_to_adds_up(order: Order) -> None:
    """Whatever it is made of, by either scope and each mode, with tax included or not."""
    wrong = [one for one in reconcile(with_computed_totals(order)).differences if "taxes" not in one.path]
    assert not wrong


@given(an_order(stated=False))
def test_the_total_is_lines_and_shipping_and_tax_less_discounts(order: Order) -> None:
    """The law, added up once more here in decimals, and by another way."""
    assume(order.lines)
    order = msgspec.structs.replace(order, rounding=by_line, returns=())
    total = Decimal(0)
    for line in order.lines:
        assert line.unit_price is not None
        count = Decimal(line.quantities.ordered) - Decimal(line.quantities.cancelled or 0)
        goods = Fraction(line.unit_price.amount.amount) * Fraction(count) / Fraction(line.unit_price.per)
        exact = (
            goods
            - sum(one.amount.amount for one in line.discounts)
            + sum(one.amount.amount for one in line.charges)
        )
        total += (-1 if exact < 0 else 1) * (abs(exact) + Fraction(1, 2)).__floor__()
        if not order.tax_included:
            total += sum(one.amount.amount for one in line.taxes)
            total += sum(tax.amount.amount for one in line.charges for tax in one.taxes)
    total += sum(one.amount.amount for one in order.charges) + sum(
        one.amount.amount for one in order.shipping
    )
    if not order.tax_included:
        total += sum(tax.amount.amount for one in order.charges for tax in one.taxes)
        total += sum(tax.amount.amount for one in order.shipping for tax in one.taxes)
    total -= sum(off.amount.amount for one in order.shipping for off in one.discounts)
    total -= sum(off.amount.amount for off in order.discounts)
    total += 0 if order.tax_included else sum(tax.amount.amount for tax in order.taxes)
    assert computed_totals(order).grand_total == Money(int(total), order.currency)


@given(
    an_order(stated=False),
    st.sampled_from(["grand_total", "lines", "tax", "shipping"]),
    st.integers(1, 10**6),
)
def test_a_wrong_figure_is_stated_with_its_difference(order: Order, name: str, off: int) -> None:
    """To the minor unit, at its own path; a sum of parts that the order does not name is told as unchecked."""
    assume(order.lines)
    order = with_computed_totals(msgspec.structs.replace(order, rounding=by_line))
    right = getattr(order.totals, name)
    wrong = Money(right.amount + off, right.currency)
    totals = msgspec.structs.replace(order.totals, **{name: wrong})
    reconciled = reconcile(msgspec.structs.replace(order, totals=totals))
    found = {one.path: one for one in reconciled.differences}
    if (name == "shipping" and not order.shipping) or (name == "tax" and not any(all_taxes(order))):
        assert f"totals.{name}" in dict(reconciled.unchecked)
        return
    assert found[f"totals.{name}"].difference == Money(off, order.currency)
    assert "a difference of" in str(found[f"totals.{name}"])


@given(an_order(stated=False))
def test_an_order_that_tells_no_lines_says_nothing_of_its_total(order: Order) -> None:
    """A head whose lines are told apart is not off by all of its total."""
    head = msgspec.structs.replace(order, lines=(), fulfilments=(), returns=())
    stated = msgspec.structs.replace(head, totals=Totals(grand_total=Money(12_345, order.currency)))
    assert "totals.grand_total" not in {one.path for one in reconcile(stated).checks}


@given(an_order())
def test_nothing_that_is_stated_is_passed_over(order: Order) -> None:
    """Each stated amount of totals and lines is checked, or listed with the reason why it cannot be."""
    result = reconcile(order)
    seen = {one.path for one in result.checks} | {path for path, _ in result.unchecked}
    for name in ("lines", "discount", "shipping", "tax", "grand_total", "paid", "due"):
        if getattr(order.totals, name) is not None:
            assert f"totals.{name}" in seen
    for number, line in enumerate(order.lines):
        assert line.amount is None or f"lines.{number}.amount" in seen
    assert all(reason for _, reason in result.unchecked)


def line(name: str, cents: int, ordered: str = "1", per: str = "1", **more: Any) -> Line:
    """A line of so much at such a price."""
    price = Price(amount=euros(cents), per=per)
    return Line(
        id=name, item=Item(), quantities=Quantities(ordered=ordered), unit="C62", unit_price=price, **more
    )


def order_with(
    *lines: Line, rounding: Rounding = by_line, totals: Totals | None = None, **more: Any
) -> Order:
    """A new order of these lines, without tax in its prices."""
    plain: dict[str, Any] = {
        "id": "web:main:1", "channel": "web", "account": "main", "status": OrderStatus.RECEIVED, "currency": "EUR",
        "tax_included": False, "rounding": rounding, "lines": lines, "totals": totals or Totals(),
    }  # fmt: skip
    return Order(**plain, **more)


def test_the_worked_example_of_the_module_holds() -> None:
    """Two cups at 12.00, 5.00 off, 19 % tax: 22.61."""
    tax = Tax(amount=euros(361), taxable=euros(1_900), rate="19")
    stated = Totals(lines=euros(2_400), discount=euros(500), tax=euros(361), grand_total=euros(2_261))
    order = order_with(
        line("1", 1_200, "2"), discounts=(Discount(amount=euros(500)),), taxes=(tax,), totals=stated
    )
    assert reconcile(order).balanced
    assert len(reconcile(order).checks) == 5


def test_the_rounding_rule_decides_between_two_sums() -> None:
    """Three times 0.333 of a kilogram at 10.00: 9.99 by line and by total; three halves of a cent differ."""
    lines = [line(name, 105, "1", "10") for name in "123"]
    assert computed_totals(order_with(*lines, rounding=by_line)).lines == euros(33)
    assert computed_totals(order_with(*lines, rounding=by_total)).lines == euros(32)
    even = Rounding(mode=RoundingMode.HALF_EVEN, scope=RoundingScope.LINE)
    assert computed_totals(order_with(*lines, rounding=even)).lines == euros(30)


def test_taxes_are_rounded_once_a_rate_where_totals_are() -> None:
    """Two taxes of 0.095 are 0.20 by line and 0.19 by total."""
    taxes = (Tax(amount=euros(10), taxable=euros(50), rate="19"),) * 2
    lines = [line(name, 50, taxes=(tax,)) for name, tax in zip("12", taxes, strict=True)]
    assert computed_totals(order_with(*lines, rounding=by_line)).tax == euros(20)
    assert computed_totals(order_with(*lines, rounding=by_total)).tax == euros(19)


@pytest.mark.parametrize(
    ("amount", "paid"), [(1_002, 1_000), (1_003, 1_005), (-1_003, -1_005), (1_005, 1_005)]
)
def test_cash_is_paid_in_its_own_steps(amount: int, paid: int) -> None:
    """Swiss francs by five centimes; and what was rounded is stated."""
    rule = msgspec.structs.replace(by_line, increment=5)
    assert payable(amount, rule) == paid
    totals = computed_totals(order_with(line("1", amount), rounding=rule))
    assert (totals.grand_total, totals.rounding) == (euros(paid), euros(paid - amount))


def test_what_cannot_be_held_against_anything_is_listed() -> None:
    """With the reason."""
    bare = Line(id="1", item=Item(), quantities=Quantities(ordered="1"), unit="C62")
    stated = Totals(lines=euros(1), grand_total=euros(1), paid=euros(1), due=euros(0))
    result = reconcile(order_with(bare, totals=stated))
    assert [path for path, _ in result.unchecked] == ["totals.lines", "totals.paid"]
    assert [one.path for one in result.checks] == ["totals.grand_total", "totals.due"]


def paid_by(*moves: tuple[TransactionKind, int], status: PaymentStatus = PaymentStatus.PENDING) -> Order:
    """An order of 10.00 with a payment of these successful transactions."""
    transactions = tuple(
        Transaction(id=str(number), kind=kind, status=TransactionStatus.SUCCESS, amount=euros(amount))
        for number, (kind, amount) in enumerate(moves)
    )
    payment = Payment(id="p", status=status, transactions=transactions)
    return order_with(line("1", 1_000), payments=(payment,))


K = TransactionKind


@pytest.mark.parametrize(
    ("moves", "facet"),
    [
        ((), PaymentStatus.PENDING),
        (((K.AUTHORIZATION, 1_000),), PaymentStatus.AUTHORIZED),
        (((K.AUTHORIZATION, 1_000), (K.VOID, 1_000)), PaymentStatus.VOIDED),
        (((K.AUTHORIZATION, 1_000), (K.EXPIRY, 1_000)), PaymentStatus.EXPIRED),
        (((K.AUTHORIZATION, 1_000), (K.CAPTURE, 400)), PaymentStatus.PARTIALLY_PAID),
        (((K.SALE, 1_000),), PaymentStatus.PAID),
        (((K.SALE, 1_001),), PaymentStatus.OVERPAID),
        (((K.SALE, 1_000), (K.REFUND, 1)), PaymentStatus.PARTIALLY_REFUNDED),
        (((K.SALE, 1_000), (K.REFUND, 1_000)), PaymentStatus.REFUNDED),
        (((K.SALE, 1_000), (K.REFUND, 1_000), (K.REFUND_REVERSAL, 1_000)), PaymentStatus.PAID),
        (((K.SALE, 1_000), (K.CHARGEBACK, 1_000)), PaymentStatus.CHARGED_BACK),
        (((K.SALE, 1_000), (K.CHARGEBACK, 1_000), (K.CHARGEBACK_REVERSAL, 1_000)), PaymentStatus.PAID),
        (
            ((K.AUTHORIZATION, 1_000), (K.CAPTURE, 1_000), (K.CAPTURE_REVERSAL, 1_000)),
            PaymentStatus.AUTHORIZED,
        ),
    ],
)
def test_the_payment_facet_follows_the_money(
    moves: tuple[tuple[TransactionKind, int], ...], facet: PaymentStatus
) -> None:
    """Forwards and backwards, as gateways tell it."""
    assert payment_facet(paid_by(*moves)) is facet


def test_an_order_without_parts_has_no_facets() -> None:
    """None, unfulfilled, none; and the sample's are what its parts say."""
    nothing = Facets(PaymentStatus.NONE, FulfilmentStatus.UNFULFILLED, ReturnStatus.NONE)
    assert facets_of(order_with()) == nothing
    assert facets_of(sample_order()) == Facets(
        PaymentStatus.PAID, FulfilmentStatus.PARTIAL, ReturnStatus.REQUESTED
    )
    whole = msgspec.structs.replace(sample_order(), lines=sample_order().lines[:1])
    assert facets_of(whole).fulfilment is FulfilmentStatus.IN_TRANSIT


@given(an_order())
def test_any_order_has_facets(order: Order) -> None:
    """Nothing that can be formatted is too odd for them."""
    assume(order.payments or order.fulfilments)
    assert facets_of(order)
