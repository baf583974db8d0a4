"""Sale orders of Unicommerce; the samples are what an integration recorded."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from intake.channels.mutations import EXAMPLES, mutated_json
from ordertrail.intake.amendment import Amendment
from ordertrail.intake.channels.unicommerce import Unicommerce
from ordertrail.intake.delivery import Delivery, Source, Way
from ordertrail.intake.faults import Code
from ordertrail.intake.message import Content, Faulty, Foreign
from ordertrail.kernel.money import Money
from ordertrail.orders.model import Order
from ordertrail.orders.statuses import FulfilmentStatus, OrderStatus, PaymentStatus
from ordertrail.orders.totals import computed_totals, reconcile
from ordertrail.testing.conformance.channel import check_channel
from shared_data import shared

SAMPLES = shared("samples/unicommerce")

TOLD = {
    **{f"invoice-SDU00{number}": ["foreign invoice"] for number in (10, 13, 19, 26)},
    "invoice_label_response": ["foreign invoice"],
    "missing_item": ["foreign errors"],
    "order-SO5841": ["order SO5841 received"],
    "order-SO5906": ["order SO5906 processing"],
    "order-SO6008-order": ["order SO6008 received"],
    "order-SO6009-order": ["order SO6009 received"],
    "order-SO6022-order": ["order SO6022 processing"],
    "so_search_results": [f"amendment SO590{number} processing" for number in (5, 6, 7)],
}
"""What each sample tells."""


def delivery(body: bytes) -> Delivery:
    """An answer that we asked for."""
    return Delivery(Source("unicommerce", "main"), body, "2026-11-23T09:00:00.000000Z", Way.POLL)


def contents(tree: Any) -> list[Content]:
    """What a document tells."""
    body = tree if isinstance(tree, bytes) else json.dumps(tree).encode()
    return [one.content for one in check_channel(Unicommerce(), delivery(body))]


def order_of(tree: Any) -> Order:
    """The one order that was told."""
    (order,) = contents(tree)
    assert isinstance(order, Order), order
    return order


def sample(name: str) -> Any:
    """A sample's tree."""
    return json.loads((SAMPLES / f"{name}.json").read_bytes())


def shown(content: Content) -> str:
    """What was told, in a few words."""
    match content:
        case Order():
            return f"order {content.id.removeprefix('unicommerce:main:')} {content.status}"
        case Amendment():
            return f"amendment {content.order.removeprefix('unicommerce:main:')} {content.status}"
        case Foreign():
            return f"foreign {content.kind}"
        case Faulty():
            return "faulty"


class TestSamples:
    """Each sample tells what it is."""

    @pytest.mark.parametrize("path", sorted(SAMPLES.iterdir()), ids=lambda path: path.stem)
    def test_each_tells_what_it_is(self, path: Path) -> None:
        """All go through the conformance suite, and orders add up."""
        found = contents(path.read_bytes())
        assert [shown(one) for one in found] == TOLD[path.stem]
        assert all(reconcile(one).balanced for one in found if isinstance(one, Order))
        assert Unicommerce().delivery_id(delivery(path.read_bytes())) is None

    def test_eleven_pieces_with_a_discount_each(self) -> None:
        """Every piece is a line; they come to what the parcel's customer pays."""
        order = order_of(sample("order-SO5906"))
        assert len(order.lines) == 11
        assert {one.unit_price.amount for one in order.lines if one.unit_price} == {Money(64800, "INR")}
        assert sorted({one.discounts[0].amount.amount for one in order.lines}) == [909, 910]
        assert computed_totals(order).lines == Money(702800, "INR")
        (parcel,) = order.fulfilments
        assert len(parcel.lines) == 11
        assert parcel.status is FulfilmentStatus.UNFULFILLED

    def test_paid_when_it_is_delivered(self) -> None:
        """Two books with shipping for each, in cash; the article names its parcel."""
        order = order_of(sample("order-SO6022-order"))
        assert [one.amount for one in order.shipping] == [Money(2000, "INR")] * 2
        assert computed_totals(order).grand_total == Money(24000, "INR")
        assert [(one.method, one.status) for one in order.payments] == [("COD", PaymentStatus.PENDING)]
        assert [one.line for one in order.fulfilments[0].lines] == ["BOOK-0", "BOOK-1"]

    def test_two_addresses(self) -> None:
        """It is shipped to the one that its items name."""
        order = order_of(sample("order-SO5841"))
        assert (order.site, order.number) == ("FRODO", "SINV-00042")
        assert order.bill_to is not None
        assert order.bill_to.address is not None
        assert order.bill_to.address.postal_code == "400001"
        assert order.ship_to is not None
        assert order.ship_to.address is not None
        assert (order.ship_to.address.street, order.ship_to.address.country) == (
            ("42, Best Town", "Not Same addr line"),
            "IN",
        )
        assert order.lines[0].item.commodity_code == "909090"
        assert order.placed == "2021-06-14T18:30:00.000000Z"

    def test_a_search(self) -> None:
        """It tells where orders stand, by the same ids as the orders themselves."""
        found = contents((SAMPLES / "so_search_results.json").read_bytes())
        whole = order_of(sample("order-SO5906"))
        assert isinstance(found[1], Amendment)
        assert (found[1].order, found[1].version) == (whole.id, whole.source_version)


def two(**first: Any) -> dict[str, Any]:
    """The order of two books, with the first changed."""
    tree: dict[str, Any] = sample("order-SO6022-order")
    tree["saleOrderItems"][0] |= first
    return tree


class TestOrders:
    """Items are single pieces."""

    @pytest.mark.parametrize(
        ("first", "second", "status"),
        [
            ("FULFILLABLE", "FULFILLABLE", OrderStatus.PROCESSING),
            ("DISPATCHED", "FULFILLABLE", OrderStatus.PARTIALLY_FULFILLED),
            ("DELIVERED", "DISPATCHED", OrderStatus.FULFILLED),
            ("DISPATCHED", "CANCELLED", OrderStatus.FULFILLED),
        ],
    )
    def test_states(self, first: str, second: str, status: OrderStatus) -> None:
        """An order in process goes as far as its items."""
        tree = two(statusCode=first)
        tree["saleOrderItems"][1]["statusCode"] = second
        order = order_of(tree)
        assert order.status is status
        assert order.lines[0].quantities.shipped == (None if first == "FULFILLABLE" else "1")
        assert order.lines[1].quantities.cancelled == ("1" if second == "CANCELLED" else None)
        assert reconcile(order).balanced

    def test_taxes_and_charges(self) -> None:
        """GST is within the price; gift wrap and cash on delivery are put on it."""
        tree = two(
            totalStateGst=7.63,
            stateGstPercentage=9,
            totalCentralGst=7.63,
            centralGstPercentage=9,
            giftWrapCharges=15.0,
            cashOnDeliveryCharges=5.5,
            totalPrice=140.5,
        )
        order = order_of(tree)
        line = order.lines[0]
        assert [(one.name, one.rate, one.amount.amount) for one in line.taxes] == [
            ("SGST", "9", 763),
            ("CGST", "9", 763),
        ]
        assert [(one.kind, one.amount.amount) for one in line.charges] == [("cod", 550), ("gift_wrap", 1500)]
        assert line.amount == Money(12050, "INR")
        assert reconcile(order).balanced
        assert "/saleOrderItems/0/totalPrice" not in {one.pointer for one in order.extensions}

    def test_what_repeats_and_does_not_agree_is_kept(self) -> None:
        """A total price that is not the sum of its parts stays an extension."""
        order = order_of(two(totalPrice=99.0))
        assert "/saleOrderItems/0/totalPrice" in {one.pointer for one in order.extensions}

    def test_all_faults_are_told(self) -> None:
        """With their places."""
        (found,) = contents({**two(sellingPrice="free"), "status": "LOST", "currencyCode": "RUPEE"})
        assert isinstance(found, Faulty)
        assert found.order == "unicommerce:main:SO6022"
        assert {(one.code, one.path) for one in found.faults} == {
            (Code.MALFORMED, "/saleOrderItems/0/sellingPrice"),
            (Code.UNKNOWN_WORD, "/status"),
            (Code.UNKNOWN_WORD, "/currencyCode"),
        }


BODIES = [path.read_bytes() for path in sorted(SAMPLES.iterdir()) if path.stat().st_size < 8_000]


@settings(max_examples=EXAMPLES, deadline=None)
@given(mutated_json(BODIES))
def test_whatever_comes_is_told(body: bytes) -> None:
    """Nothing else than a fault is ever raised, and nothing of an order is lost."""
    check_channel(Unicommerce(), delivery(body))
