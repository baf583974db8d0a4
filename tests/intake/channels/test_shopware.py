"""Orders of Shopware 6; the samples are a connector's, cut down to what it reads."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from intake.channels.mutations import EXAMPLES, mutated_json
from ordertrail.intake.amendment import Amendment, amend
from ordertrail.intake.channels.shopware import Shopware
from ordertrail.intake.delivery import Delivery, Source, Way
from ordertrail.intake.faults import Code
from ordertrail.intake.message import Content, Faulty, Foreign
from ordertrail.kernel.money import Money
from ordertrail.orders.model import Order
from ordertrail.orders.payment import TransactionKind
from ordertrail.orders.statuses import FulfilmentStatus, OrderStatus, PaymentStatus
from ordertrail.orders.totals import reconcile
from ordertrail.testing.conformance.channel import check_channel
from shared_data import shared

SAMPLES = shared("samples/shopware6")

NEVER = "willNotBeImportedDueToStateMachineState"
TOLD = {
    "mf__api__JsonOrder": ["order id received"],
    "mf__customer__20_JsonCustomer": ["foreign customer"],
    "mf__doRenumber__40_JsonOrderLines": ["amendment 4711 lines 6"],
    "mf__happyFlow_CreditOrDebit_PaymentMethod__10_JsonOrderTransactions": ["amendment 4711 payments 2"],
    "mf__happyFlow__10_JsonOrders": ["order externalHeaderId received", *[f"faulty {NEVER}"] * 3],
    "mf__happyFlow__10_JsonOrders_Page_1": ["order externalHeaderId received", f"faulty {NEVER}"],
    "mf__happyFlow__10_JsonOrders_Page_2": [f"faulty {NEVER}"],
    "mf__happyFlow__20_JsonOrderDeliveries": ["amendment 4711 fulfilments 2"],
    "mf__happyFlow__40_JsonOrderLines": ["amendment 4711 lines 2"],
    "mf__happyFlow_zeroTax__10_JsonOrders": ["order externalHeaderId received"],
    "mf__happyFlow_zeroTax__12_JsonOrderTransactions": ["amendment 4711 payments 1"],
    "mf__withCustomFields__20_JsonCustomer": ["foreign customer"],
}
"""What each sample tells, of a shop in euros, as answers about the order 4711 where they do not say of which."""

PATH = "/api/order/4711/line-items"


def delivery(body: bytes, name: str = PATH, currency: str | None = "EUR") -> Delivery:
    """An answer that we asked for."""
    source = Source("shopware", "main", currency=currency)
    return Delivery(source, body, "2026-11-23T09:00:00.000000Z", Way.POLL, name=name)


def contents(tree: Any, name: str = PATH, currency: str | None = "EUR") -> list[Content]:
    """What a document tells."""
    body = tree if isinstance(tree, bytes) else json.dumps(tree).encode()
    return [one.content for one in check_channel(Shopware(), delivery(body, name, currency))]


def order_of(tree: Any) -> Order:
    """The one order that was told, whose currency it says itself."""
    (order,) = contents(tree, "", None)
    assert isinstance(order, Order), order
    return order


def amendment_of(tree: Any, name: str = PATH) -> Amendment:
    """The one amendment that was told."""
    (amendment,) = contents(tree, name)
    assert isinstance(amendment, Amendment), amendment
    return amendment


def shown(content: Content) -> str:
    """What was told, in a few words."""
    match content:
        case Order():
            return f"order {content.id.removeprefix('shopware:main:')} {content.status}"
        case Amendment():
            parts = [name for name in ("lines", "fulfilments", "payments") if getattr(content, name)]
            counted = " ".join(f"{name} {len(getattr(content, name))}" for name in parts)
            return f"amendment {content.order.removeprefix('shopware:main:')} {counted}"
        case Foreign():
            return f"foreign {content.kind}"
        case Faulty():
            return f"faulty {str(content.order).removeprefix('shopware:main:')}"


def tax(amount: float, rate: float, price: float) -> dict[str, float]:
    """A calculated tax."""
    return {"tax": amount, "taxRate": rate, "price": price}


def item(
    name: str, unit: float, total: float, taxed: float, quantity: int = 1, **more: Any
) -> dict[str, Any]:
    """A line item."""
    price = {
        "unitPrice": unit,
        "totalPrice": total,
        "quantity": quantity,
        "calculatedTaxes": [tax(taxed, 19, total)],
    }
    return {
        "id": name,
        "type": "product",
        "label": name.title(),
        "quantity": quantity,
        "unitPrice": unit,
        "totalPrice": total,
        "price": price,
        **more,
    }


ADDRESS = {
    "id": "ad1",
    "firstName": "Ada",
    "lastName": "L",
    "street": "Weg 4",
    "zipcode": "10115",
    "city": "Berlin",
    "country": {"iso": "DE"},
    "countryState": {"shortCode": "DE-BE", "name": "Berlin"},
}


def sent(name: str, costs: float, taxed: float, state: str = "shipped", **more: Any) -> dict[str, Any]:
    """A delivery."""
    return {
        "id": name,
        "shippingCosts": {"totalPrice": costs, "calculatedTaxes": [tax(taxed, 19, costs)]},
        "shippingOrderAddress": ADDRESS,
        "stateMachineState": {"technicalName": state},
        "trackingCodes": ["T1", "T1"],
        "positions": [{"orderLineItemId": "cup", "price": {"quantity": 2}}],
        **more,
    }


WHOLE: dict[str, Any] = {
    "id": "o1",
    "orderNumber": "10001",
    "orderDateTime": "2026-01-02T10:00:00.000+00:00",
    "updatedAt": "2026-01-03T10:00:00.000+00:00",
    "currency": {"isoCode": "EUR"},
    "taxStatus": "gross",
    "amountTotal": 51.97,
    "shippingTotal": 2.99,
    "price": {"totalPrice": 51.97, "taxStatus": "gross", "calculatedTaxes": [tax(8.30, 19, 51.97)]},
    "stateMachineState": {"technicalName": "in_progress"},
    "orderCustomer": {"email": "a@example.com", "firstName": "Ada", "customerId": "c1", "vatIds": ["DE1"]},
    "billingAddressId": "ad1",
    "addresses": [{"id": "ad0"}, ADDRESS],
    "lineItems": [
        item("cup", 26.99, 53.98, 8.62, 2, payload={"productNumber": "C-1"}, position=1),
        item("five", -5.0, -5.0, -0.80, type="promotion", payload={"code": "FIVE"}),
    ],
    "deliveries": [sent("d1", 4.99, 0.80), sent("d2", -2.0, -0.32)],
    "transactions": [
        {
            "id": "t1",
            "amount": {"totalPrice": 51.97},
            "stateMachineState": {"technicalName": "refunded_partially"},
            "paymentMethod": {"name": "PayPal"},
            "captures": [
                {
                    "id": "cp1",
                    "externalReference": "X1",
                    "amount": {"totalPrice": 51.97},
                    "stateMachineState": {"technicalName": "completed"},
                    "refunds": [
                        {
                            "id": "rf1",
                            "amount": {"totalPrice": 5.0},
                            "stateMachineState": {"technicalName": "completed"},
                            "reason": "broken",
                        }
                    ],
                }
            ],
        }
    ],
}


class TestSamples:
    """Each sample tells what it is."""

    @pytest.mark.parametrize("path", sorted(SAMPLES.iterdir()), ids=lambda path: path.stem)
    def test_each_tells_what_it_is(self, path: Path) -> None:
        """All go through the conformance suite; a state that nobody knows is a fault at its place."""
        found = contents(path.read_bytes())
        assert [shown(one) for one in found] == TOLD[path.stem]
        for one in found:
            if isinstance(one, Faulty):
                assert [fault.code for fault in one.faults] == [Code.UNKNOWN_WORD]
                assert one.faults[0].path.endswith("/stateMachineState/technicalName")

    def test_what_does_not_say_its_currency_or_order(self) -> None:
        """Nobody guesses: both are told as missing."""
        body = (SAMPLES / "mf__happyFlow__40_JsonOrderLines.json").read_bytes()
        (found,) = contents(body, "", None)
        assert isinstance(found, Faulty)
        assert [(one.code, one.path) for one in found.faults] == [
            (Code.MISSING, "/data"),
            (Code.MISSING, "/currency"),
        ]

    def test_lines_of_an_order(self) -> None:
        """A part of a bundle names it."""
        body = (SAMPLES / "mf__happyFlow__40_JsonOrderLines.json").read_bytes()
        found = amendment_of(body)
        assert [(one.id, one.parent, one.item.sku, one.quantities.ordered) for one in found.lines] == [
            ("externalLineId", "externalLineId2", "productNumber", "1"),
            ("externalLineId2", None, "productNumber2", "10"),
        ]
        assert [one.unit_price.amount.amount for one in found.lines if one.unit_price] == [1480, 10000]


class TestOrders:
    """The entity with its associations."""

    def test_promotions_on_goods_and_on_shipping(self) -> None:
        """Both are discounts where they apply, and the order adds up."""
        order = order_of({"data": [WHOLE], "total": 1})
        assert (order.id, order.number, order.currency) == ("shopware:main:o1", "10001", "EUR")
        assert [one.id for one in order.lines] == ["cup"]
        assert [(one.amount.amount, one.code) for one in order.discounts] == [(500, "FIVE")]
        (shipping,) = order.shipping
        assert (shipping.amount, shipping.discounts[0].amount) == (Money(499, "EUR"), Money(200, "EUR"))
        assert order.totals.tax == Money(830, "EUR")
        assert reconcile(order).balanced

    def test_prices_without_tax(self) -> None:
        """A unit price of any fineness; the line's amount is what was rounded."""
        line = item("cup", 16.806722689076, 33.61, 6.39, 2)
        price = {"totalPrice": 40.0, "taxStatus": "net", "calculatedTaxes": [tax(6.39, 19, 33.61)]}
        order = order_of(
            {
                **WHOLE,
                "taxStatus": "net",
                "price": price,
                "amountTotal": 40.0,
                "lineItems": [line],
                "deliveries": [],
                "shippingTotal": 0,
            }
        )
        assert not order.tax_included
        assert order.totals.grand_total == Money(4000, "EUR")
        assert reconcile(order).balanced

    def test_payable_in_steps(self) -> None:
        """Cash rounding is the order's rule, and what it added is told."""
        line = item("cup", 19.98, 19.98, 3.19)
        price = {"totalPrice": 20.0, "rawTotal": 19.98, "taxStatus": "gross", "calculatedTaxes": []}
        order = order_of(
            {
                **WHOLE,
                "currency": {"isoCode": "CHF"},
                "totalRounding": {"decimals": 2, "interval": 0.05},
                "price": price,
                "amountTotal": 20.0,
                "lineItems": [line],
                "deliveries": [],
                "shippingTotal": 0,
            }
        )
        assert order.rounding.increment == 5
        assert order.totals.rounding == Money(2, "CHF")
        assert reconcile(order).balanced

    def test_addresses(self) -> None:
        """Billing is the one of all addresses that the order names; shipping is the delivery's."""
        order = order_of(WHOLE)
        for party in (order.bill_to, order.ship_to):
            assert party is not None
            assert party.address is not None
            assert (party.address.city, party.address.country, party.address.region_code) == (
                "Berlin",
                "DE",
                "DE-BE",
            )
        assert order.buyer is not None
        assert [(one.scheme, one.id) for one in order.buyer.tax_numbers] == [("VAT", "DE1")]

    def test_a_payment(self) -> None:
        """With its capture, and the refund of it."""
        (payment,) = order_of(WHOLE).payments
        assert (payment.status, payment.method) == (PaymentStatus.PARTIALLY_REFUNDED, "PayPal")
        assert [(one.kind, one.amount.amount, one.parent) for one in payment.transactions] == [
            (TransactionKind.CAPTURE, 5197, None),
            (TransactionKind.REFUND, 500, "cp1"),
        ]

    @pytest.mark.parametrize(
        ("word", "states", "status"),
        [
            ("open", [], OrderStatus.RECEIVED),
            ("open", ["open"], OrderStatus.RECEIVED),
            ("in_progress", ["open"], OrderStatus.PROCESSING),
            ("in_progress", ["shipped", "open"], OrderStatus.PARTIALLY_FULFILLED),
            ("open", ["shipped_partially"], OrderStatus.PARTIALLY_FULFILLED),
            ("in_progress", ["shipped", "shipped"], OrderStatus.FULFILLED),
            ("completed", ["open"], OrderStatus.COMPLETED),
            ("cancelled", ["shipped"], OrderStatus.CANCELLED),
        ],
    )
    def test_states(self, word: str, states: list[str], status: OrderStatus) -> None:
        """Deliveries go further than an order that is open or in progress."""
        found = [sent(f"d{number}", 1.0, 0.0, state) for number, state in enumerate(states)]
        tree = {**WHOLE, "stateMachineState": {"technicalName": word}, "deliveries": found}
        assert order_of(tree).status is status

    def test_a_state_of_the_shops_own(self) -> None:
        """Nobody knows it, until the account's options say what it means."""
        tree = {**WHOLE, "stateMachineState": {"technicalName": "packed"}, "deliveries": []}
        (found,) = contents(tree)
        assert isinstance(found, Faulty)
        source = Source("shopware", "main", options={"status.packed": "accepted"})
        told = Delivery(source, json.dumps(tree).encode(), "2026-11-23T09:00:00.000000Z", Way.POLL)
        (message,) = check_channel(Shopware(), told)
        assert isinstance(message.content, Order)
        assert message.content.status is OrderStatus.ACCEPTED

    def test_the_json_api_form(self) -> None:
        """An order that is scattered is refused with what to do."""
        tree = {"data": [{"id": "o1", "type": "order", "attributes": {"orderNumber": "1"}}], "included": []}
        (found,) = contents(tree)
        assert isinstance(found, Faulty)
        assert found.faults[0].code is Code.UNREADABLE
        assert "application/json" in found.faults[0].message


class TestWebhooks:
    """What apps are told."""

    def test_a_business_event(self) -> None:
        """The order is in its payload, and is the same as when it is asked for."""
        told = {
            "data": {"payload": {"order": WHOLE}, "event": "checkout.order.placed"},
            "source": {"url": "https://shop.example", "shopId": "s", "eventId": "e1"},
        }
        assert order_of(told) == order_of(WHOLE)
        assert Shopware().delivery_id(delivery(json.dumps(told).encode())) == "e1"
        assert Shopware().delivery_id(delivery(b"[")) is None

    def test_an_entity_that_was_written(self) -> None:
        """It says which fields changed, and not how they are now."""
        written = {"entity": "order", "operation": "update", "primaryKey": "o1", "updatedFields": ["x"]}
        told = {"data": {"payload": [written], "event": "order.written"}, "source": {"eventId": "e2"}}
        assert [shown(one) for one in contents(told)] == ["foreign order.written"]

    def test_parts_of_a_known_order(self) -> None:
        """They are put into it, by the order that they name themselves."""
        order = order_of(WHOLE)
        lines = amendment_of({"data": [{**item("box", 1.0, 1.0, 0.0), "orderId": "o1"}]}, "")
        parcels = amendment_of({"data": [{**sent("d9", 0.0, 0.0), "orderId": "o1"}]}, "")
        changed = amend(amend(order, lines), parcels)
        assert [one.id for one in changed.lines] == ["cup", "box"]
        assert [(one.id, one.status) for one in changed.fulfilments] == [
            ("d1", FulfilmentStatus.FULFILLED),
            ("d9", FulfilmentStatus.FULFILLED),
        ]
        assert changed.fulfilments[0].tracking_numbers == ("T1",)

    def test_parts_of_two_orders(self) -> None:
        """They contradict each other."""
        told = [{**item(name, 1.0, 1.0, 0.0), "orderId": name} for name in ("a", "b")]
        (found,) = contents({"data": told}, "")
        assert isinstance(found, Faulty)
        assert found.faults[0].code is Code.CONTRADICTION


BODIES = [
    *(path.read_bytes() for path in sorted(SAMPLES.iterdir())),
    *(json.dumps(one).encode() for one in (WHOLE, {"data": [WHOLE]}, {"data": WHOLE["deliveries"]})),
]


@settings(max_examples=EXAMPLES, deadline=None)
@given(mutated_json(BODIES))
def test_whatever_comes_is_told(body: bytes) -> None:
    """Nothing else than a fault is ever raised, and nothing of an order is lost."""
    check_channel(Shopware(), delivery(body))
