"""What :class:`ordertrail.orders.ports.Orders` promises."""

from collections.abc import Callable

import msgspec
import pytest

from ordertrail.kernel.errors import InputError, UnavailableError
from ordertrail.kernel.money import Money
from ordertrail.orders.adjustments import Discount, Shipping, Tax
from ordertrail.orders.amounts import Rounding, RoundingMode, RoundingScope, Totals
from ordertrail.orders.extensions import Extension, extension_value
from ordertrail.orders.format import format_order
from ordertrail.orders.fulfilment import Fulfilment, LineShare, Sighting
from ordertrail.orders.lines import Item, Line, Period, Price, Quantities
from ordertrail.orders.model import Order, SourceVersion
from ordertrail.orders.party import Address, Party, TaxNumber
from ordertrail.orders.payment import Payment, Transaction, TransactionKind, TransactionStatus
from ordertrail.orders.ports import NOTHING, Orders
from ordertrail.orders.reference import Note, Reference
from ordertrail.orders.returns import Return, ReturnedLine
from ordertrail.orders.statuses import FulfilmentStatus, OrderStatus, PaymentStatus, ReturnStatus
from ordertrail.testing.conformance.together import at_once

Reopen = Callable[[], Orders]

TIME = "2026-11-22T14:00:00.000000Z"


def euros(cents: int) -> Money:
    """Return an amount of euros in cents."""
    return Money(cents, "EUR")


def _lines() -> tuple[Line, Line]:
    """Return the lines of cups and tea."""
    tax = Tax(amount=euros(383), taxable=euros(2_017), rate="19", category="S", name="VAT", jurisdiction="DE")
    cups = Line(
        id="1",
        item=Item(name="Cup", sku="CUP-1", gtin="4006381333931", variant="blue", commodity_code="6912"),
        quantities=Quantities(ordered="2", shipped="2"),
        unit="C62",
        unit_price=Price(amount=euros(1_200), per="1"),
        list_price=Price(amount=euros(1_500), per="1"),
        taxes=(tax,),
        amount=euros(2_400),
        references=(Reference(system="web", kind="line", id="88"),),
        notes=("wrap",),
    )
    tea = Line(
        id="2",
        number="20",
        item=Item(name="Tea"),
        quantities=Quantities(ordered="1.5"),
        unit="KGM",
        unit_price=Price(amount=euros(2_000), per="1"),
        discounts=(Discount(amount=euros(100), code="TEA", rate="3.3"),),
        gift=True,
    )
    return cups, tea


def _card() -> Payment:
    """Return the card by which all of it is paid."""
    return Payment(
        id="p1",
        status=PaymentStatus.PAID,
        method="card",
        gateway="stripe",
        reference="pi_3N",
        amount=euros(5_400),
        transactions=(
            Transaction(
                id="t1",
                kind=TransactionKind.AUTHORIZATION,
                status=TransactionStatus.SUCCESS,
                amount=euros(5_400),
            ),
            Transaction(
                id="t2",
                kind=TransactionKind.CAPTURE,
                status=TransactionStatus.SUCCESS,
                amount=euros(5_400),
                parent="t1",
            ),
        ),
    )


def _parcels() -> tuple[Fulfilment, ...]:
    """Return the parcel with the cups."""
    return (
        Fulfilment(
            id="f1",
            status=FulfilmentStatus.IN_TRANSIT,
            lines=(LineShare(line="1", quantity="2"),),
            tracking_numbers=("1Z999",),
            sscc=("340123450000000000",),
            shipped=TIME,
            sightings=(Sighting(at=TIME, status=FulfilmentStatus.IN_TRANSIT, place="Kyiv"),),
        ),
    )


def _returns() -> tuple[Return, ...]:
    """Return the return of one cup."""
    return (
        Return(
            id="r1",
            status=ReturnStatus.REQUESTED,
            lines=(ReturnedLine(line="1", quantity="1", reason="broken"),),
        ),
    )


def sample_order(number: int = 1042) -> Order:
    """Return an order that has something in every part of the model, and adds up.

    Two cups at 12.00 and 1.5 kg of tea at 20.00 a kilogram, 4.00 off, 5.00 for shipping, with 19 % tax, in cents.
    """
    return Order(
        id=f"web:main:{number}",
        channel="web",
        account="main",
        status=OrderStatus.PROCESSING,
        currency="EUR",
        tax_included=True,
        rounding=Rounding(mode=RoundingMode.HALF_UP, scope=RoundingScope.LINE),
        lines=_lines(),
        totals=Totals(
            lines=euros(5_300),
            discount=euros(400),
            shipping=euros(500),
            grand_total=euros(5_400),
            paid=euros(5_400),
            due=euros(0),
            tax=euros(463),
            tax_breakdown=(Tax(amount=euros(463), rate="19"),),
        ),
        number=f"SO-{number}",
        placed=TIME,
        source_version=SourceVersion(number=3, time=TIME),
        buyer=Party(id="c-7", name="Ana Ivanova", email="ana@example.com"),
        ship_to=Party(
            name="Ana Ivanova",
            address=Address(street=("1 Main St", "Flat 2"), city="Kyiv", postal_code="01001", country="UA"),
            tax_numbers=(TaxNumber(scheme="VAT", id="UA123456789"),),
        ),
        requested_delivery=Period(end="2026-11-25T00:00:00.000000Z"),
        discounts=(Discount(amount=euros(400), code="HELLO"),),
        shipping=(
            Shipping(id="s1", amount=euros(500), name="Parcel", taxes=(Tax(amount=euros(80), rate="19"),)),
        ),
        original_totals=Totals(grand_total=euros(5_400)),
        presentment_totals=Totals(lines=Money(6_300, "USD"), grand_total=Money(6_300, "USD")),
        payments=(_card(),),
        fulfilments=_parcels(),
        returns=_returns(),
        references=(
            Reference(system="web", kind="order", id=str(number)),
            Reference(system="buyer", kind="purchase_order", id="PO-9"),
        ),
        notes=(Note(text="Ring twice", author="customer"),),
        tags=("vip",),
        extensions=(
            Extension(source="web", pointer="/cart/token", value="a1"),
            Extension(
                source="web", pointer="/weight", value=extension_value({"grams": 1, "ok": True, "none": None})
            ),
        ),
    )


class OrdersSuite:
    """Give ``reopen``, orders that hold nothing yet; and ``unreachable`` if that can be had."""

    @pytest.fixture
    def reopen(self) -> Reopen:
        """Open the orders once more."""
        raise NotImplementedError("the suite of orders needs a fixture 'reopen'")

    @pytest.fixture
    def orders(self, reopen: Reopen) -> Orders:
        """The orders under test."""
        return reopen()

    @pytest.fixture
    def unreachable(self) -> Orders:
        """Return orders that are out of reach."""
        pytest.skip("these orders give no way to put them out of reach")

    def test_an_order_that_was_never_put_is_not_there(self, orders: Orders) -> None:
        """None, and not an empty order."""
        assert orders.get("web:main:1") is None
        assert orders.find(Reference(system="web", kind="order", id="1")) == []

    def test_what_is_put_is_got_to_the_byte(self, orders: Orders, reopen: Reopen) -> None:
        """Every part of it, by the next opener too."""
        order = sample_order()
        assert orders.put(order, NOTHING) == 1
        for one in (orders, reopen()):
            stored = one.get(order.id)
            assert stored is not None
            assert (stored.order, stored.version) == (order, 1)
            assert format_order(stored.order) == format_order(order)

    def test_it_is_put_over_the_version_that_is_there_and_over_no_other(self, orders: Orders) -> None:
        """Refused, it is as it was; versions count on by one."""
        order = sample_order()
        changed = msgspec.structs.replace(order, status=OrderStatus.FULFILLED)
        for expected in (1, 2, -1):
            assert orders.put(order, expected) is None
        assert orders.get(order.id) is None
        assert orders.put(order, NOTHING) == 1
        for expected in (NOTHING, 2):
            assert orders.put(changed, expected) is None
        stored = orders.get(order.id)
        assert stored is not None
        assert stored.order == order
        assert orders.put(changed, 1) == 2
        stored = orders.get(order.id)
        assert stored is not None
        assert (stored.order, stored.version) == (changed, 2)

    def test_parts_come_go_change_and_change_places(self, orders: Orders) -> None:
        """Whatever the next state has, and has no more: it is what is got, in its sequence."""
        order = sample_order()
        bare = msgspec.structs.replace(
            order,
            payments=(),
            fulfilments=(),
            returns=(),
            references=(),
            extensions=(),
            shipping=(),
            notes=(),
            tags=(),
            ship_to=None,
            buyer=None,
            original_totals=None,
            lines=order.lines[::-1],
            discounts=(),
            number=None,
        )
        states = [
            order,
            bare,
            order,
            msgspec.structs.replace(order, lines=order.lines[:1], fulfilments=(), returns=()),
        ]
        for version, state in enumerate(states):
            assert orders.put(state, version) == version + 1
            stored = orders.get(order.id)
            assert stored is not None
            assert stored.order == state

    def test_values_that_python_takes_for_equal_are_told_apart(self, orders: Orders) -> None:
        """True is not 1 and null is not absent, in what a channel has beside the model."""
        order = sample_order()
        for version, value in enumerate((True, 1, [1], [True], {"a": None}, {}, None, False, 0, "")):
            extension = Extension(source="web", pointer="/x", value=value)
            state = msgspec.structs.replace(order, extensions=(extension,))
            assert orders.put(state, version) == version + 1
            stored = orders.get(order.id)
            assert stored is not None
            assert format_order(stored.order) == format_order(state)

    def test_an_order_is_found_by_any_of_its_references(self, orders: Orders) -> None:
        """By system, kind and id together; by those that it has now, and by none that it had."""
        first, second = sample_order(1), sample_order(2)
        orders.put(first, NOTHING)
        orders.put(second, NOTHING)
        shared = Reference(system="buyer", kind="purchase_order", id="PO-9")
        assert orders.find(shared) == [first.id, second.id]
        assert orders.find(Reference(system="web", kind="order", id="2")) == [second.id]
        assert orders.find(Reference(system="web", kind="purchase_order", id="2")) == []
        orders.put(msgspec.structs.replace(first, references=()), 1)
        assert orders.find(shared) == [second.id]

    def test_what_is_not_an_order_is_refused(self, orders: Orders) -> None:
        """InputError with the path, and nothing is put."""
        order = sample_order()
        twice = msgspec.structs.replace(order, lines=(order.lines[0], order.lines[0]))
        with pytest.raises(InputError, match=r"lines\.1\.id"):
            orders.put(twice, NOTHING)
        assert orders.get(order.id) is None

    def test_of_many_at_once_exactly_one_puts(self, reopen: Reopen) -> None:
        """Creation and change alike, round by round; what is there is what that one put there."""
        order = sample_order()
        stores = [reopen() for _ in range(4)]
        for version in range(4):
            states = [
                msgspec.structs.replace(order, tags=(f"{version} of {one}",)) for one in range(len(stores))
            ]

            def putting(store: Orders, state: Order, expected: int = version) -> Callable[[], int | None]:
                return lambda: store.put(state, expected)

            outcomes = at_once(*map(putting, stores, states))
            assert sorted(map(str, outcomes)) == sorted(["None"] * 3 + [str(version + 1)])
            stored = stores[0].get(order.id)
            assert stored is not None
            assert stored.order == states[outcomes.index(version + 1)]

    def test_out_of_reach_is_not_empty(self, unreachable: Orders) -> None:
        """Who took it for empty would take an order in twice."""
        with pytest.raises(UnavailableError):
            unreachable.get("web:main:1")
        with pytest.raises(UnavailableError):
            unreachable.put(sample_order(), NOTHING)
        with pytest.raises(UnavailableError):
            unreachable.find(Reference(system="web", kind="order", id="1"))
