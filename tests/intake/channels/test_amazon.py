"""Amazon's answers and notifications become orders and amendments; the samples are the models' own examples."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from intake.channels.mutations import EXAMPLES, mutated_json
from ordertrail.intake.amendment import Amendment, amend
from ordertrail.intake.channels.amazon import Amazon
from ordertrail.intake.delivery import Delivery, Source, Way
from ordertrail.intake.faults import Code
from ordertrail.intake.message import Content, Faulty, Foreign
from ordertrail.kernel.money import Money
from ordertrail.orders.model import Order, OrderType
from ordertrail.orders.statuses import FulfilmentStatus, OrderStatus, PaymentStatus, ReturnStatus
from ordertrail.orders.totals import reconcile
from ordertrail.testing.conformance.channel import check_channel
from shared_data import shared

SAMPLES = shared("samples/amazon-spapi")

TOLD = {
    "frappe__test_data": ["foreign unknown"],
    "notif__FulfillmentOrderStatus_0": ["amendment SFOID2345 processing"],
    "notif__OrderChange_0": ["amendment 903-8868176-2219830 accepted"],
    "notif__TransactionUpdate_0": ["foreign TRANSACTION_UPDATE"],
    "v0__getOrderAddress__200__sandbox0": ["amendment 902-1845936-5435065 None"],
    "v0__getOrderItemsBuyerInfo__200": ["faulty missing /payload/AmazonOrderId"],
    "v0__getOrderItemsBuyerInfo__200__sandbox0": ["amendment 902-1845936-5435065 None"],
    "v0__getOrderItems__200__sandbox0": ["amendment 902-1845936-5435065 None"],
    "v0__getOrderRegulatedInfo__200": ["amendment 902-3159896-1390916 None"],
    "v0__getOrderRegulatedInfo__200__1": ["amendment 902-3159896-1390916 None"],
    "v0__getOrderRegulatedInfo__200__2": ["amendment 902-3159896-1390916 None"],
    "v0__getOrderRegulatedInfo__200__sandbox1": ["amendment 902-2592119-3531015 None"],
    "v0__getOrder__200": ["order 902-3159896-1390916 received"],
    "v0__getOrders__200": ["order 902-3159896-1390916 received"],
    "v0__getOrders__200__sandbox2": ["order 902-3159896-1390916 received"],
    "v2026__getOrder__200__sandbox1": ["order 028-1234567-8901234 fulfilled"],
    "v2026__getOrder__200__sandbox2": ["order 114-9876543-1234567 accepted"],
    "v2026__searchOrders__200__sandbox0": ["order 250-1234567-8901234 fulfilled"],
    "v2026__searchOrders__200__sandbox2": ["order 171-2345678-9012345 accepted"],
    "vendorDF__getOrders__200": ["order 2JK3S9VC received"],
    "vendor__getPurchaseOrder__200": ["order TestPO3 received"],
    "vendor__getPurchaseOrder__200__sandbox0": ["order 4Z32PABC completed"],
    "vendor__getPurchaseOrder__200__sandbox1": ["faulty missing /payload/purchaseOrderState"],
    "vendor__getPurchaseOrdersStatus__200__sandbox0": ["amendment 2JK3S9VB accepted"],
    "vendor__getPurchaseOrdersStatus__200__sandbox1": ["amendment TestPO2 None"],
    "vendor__getPurchaseOrdersStatus__200__sandbox2": ["amendment TestPO2 None", "amendment TestPO1 None"],
    "vendor__getPurchaseOrdersStatus__200__sandbox3": [
        "amendment mock-purchaseOrderNumber1 None",
        "amendment mock-purchaseOrderNumber2 None",
    ],
    "vendor__getPurchaseOrders__200": ["order L8266355 received"],
    "vendor__getPurchaseOrders__200__sandbox0": ["order 2JK3S9VC received", "order 3TRD2IAB received"],
    "vendor__getPurchaseOrders__200__sandbox1": [
        "amendment 2JK3S9XY received",
        "amendment 3TRD2ABC accepted",
    ],
}
"""What each sample tells."""


def delivery(body: bytes, currency: str | None = None) -> Delivery:
    """An answer that we asked for."""
    source = Source("amazon", "main", currency=currency)
    return Delivery(source, body, "2026-11-23T09:00:00.000000Z", Way.POLL)


def contents(tree: Any, currency: str | None = None) -> list[Content]:
    """What a document tells."""
    body = tree if isinstance(tree, bytes) else json.dumps(tree).encode()
    return [one.content for one in check_channel(Amazon(), delivery(body, currency))]


def sample(name: str) -> list[Content]:
    """What a sample tells."""
    return contents((SAMPLES / f"{name}.json").read_bytes())


def order_of(found: list[Content]) -> Order:
    """The one order that was told."""
    (order,) = found
    assert isinstance(order, Order), order
    return order


def amendment_of(found: list[Content]) -> Amendment:
    """The one amendment that was told."""
    (amendment,) = found
    assert isinstance(amendment, Amendment), amendment
    return amendment


def shown(content: Content) -> str:
    """What was told, in a few words."""
    match content:
        case Order():
            return f"order {content.id.removeprefix('amazon:main:')} {content.status}"
        case Amendment():
            return f"amendment {content.order.removeprefix('amazon:main:')} {content.status}"
        case Foreign():
            return f"foreign {content.kind}"
        case Faulty():
            return "faulty " + ", ".join(f"{one.code} {one.path}" for one in content.faults)


class TestSamples:
    """Each sample tells what it is."""

    @pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.json")), ids=lambda path: path.stem)
    def test_each_tells_what_it_is(self, path: Path) -> None:
        """All go through the conformance suite, and orders add up."""
        found = contents(path.read_bytes())
        assert [shown(one) for one in found] == TOLD[path.stem]
        assert all(reconcile(one).balanced for one in found if isinstance(one, Order))

    def test_the_id_of_a_delivery(self) -> None:
        """A notification has one, an answer and what is no JSON have none."""
        body = (SAMPLES / "notif__OrderChange_0.json").read_bytes()
        assert Amazon().delivery_id(delivery(body)) == "d0e9e693-c3ad-4373-979f-ed4ec98dd746"
        assert Amazon().delivery_id(delivery(b'{"payload": {}}')) is None
        assert Amazon().delivery_id(delivery(b"{")) is None


HEAD = {
    "AmazonOrderId": "902-1845936-5435065",
    "PurchaseDate": "2026-01-02T03:04:05Z",
    "LastUpdateDate": "2026-01-03T03:04:05Z",
    "OrderStatus": "Unshipped",
    "MarketplaceId": "ATVPDKIKX0DER",
    "OrderTotal": {"CurrencyCode": "USD", "Amount": "14.51"},
    "IsReplacementOrder": "true",
    "ReplacedOrderId": "902-0000000-0000000",
}


class TestVersion0:
    """Head, items, buyer and address come apart and make one order."""

    def test_a_pending_order(self) -> None:
        """It names no amount: the marketplace says the currency. Nothing of the address is given away."""
        order = order_of(sample("v0__getOrder__200"))
        assert (order.currency, order.site, order.lines) == ("USD", "ATVPDKIKX0DER", ())
        assert order.placed == "2017-01-20T19:49:35.000000Z"
        assert order.source_version is not None
        assert order.source_version.time == "2017-01-20T19:49:35.000000Z"
        assert order.buyer is not None
        assert (order.buyer.name, order.buyer.organisation) == ("John Doe", "A Company Name")
        assert order.ship_to is not None
        assert order.ship_to.address is not None
        assert (order.ship_to.address.city, order.ship_to.address.country) == ("Canton", "US")
        assert [(one.kind, one.id) for one in order.references] == [
            ("order", "902-3159896-1390916"),
            ("purchase_order", "1234567890123"),
        ]
        assert order.payments[0].method == "Other: CreditCard, GiftCertificate"
        assert order.payments[0].status is PaymentStatus.PENDING

    def test_items_put_into_their_order(self) -> None:
        """Asked twice they stay the same lines; gift messages are noted on theirs."""
        head = order_of(contents({"payload": HEAD}))
        assert head.type is OrderType.REPLACEMENT
        items = amendment_of(sample("v0__getOrderItems__200__sandbox0"))
        once = amend(head, items)
        assert amend(once, items) == once
        (line,) = once.lines
        assert (line.id, line.item.sku, line.quantities.ordered) == (
            "05015851154158",
            "NABetaASINB00551Q3CS",
            "1",
        )
        assert line.unit_price is not None
        assert (line.unit_price.amount, line.unit_price.per) == (Money(1000, "USD"), "1")
        assert [tax.amount for tax in line.taxes] == [Money(101, "USD")]
        assert [(one.kind, one.id) for one in line.references] == [("asin", "B00551Q3CS")]

    def test_head_and_items_in_one_document(self) -> None:
        """The price is of all the quantity; discount, gift wrap and shipping come to the total."""
        item = {
            "OrderItemId": "1",
            "ASIN": "B0",
            "QuantityOrdered": 2,
            "QuantityShipped": 1,
            "ItemPrice": {"CurrencyCode": "USD", "Amount": "10.00"},
            "ItemTax": {"CurrencyCode": "USD", "Amount": "1.01"},
            "PromotionDiscount": {"CurrencyCode": "USD", "Amount": "2.00"},
            "PromotionIds": ["SPRING"],
            "ShippingPrice": {"CurrencyCode": "USD", "Amount": "4.00"},
            "ShippingDiscount": {"CurrencyCode": "USD", "Amount": "1.00"},
            "BuyerInfo": {
                "GiftWrapPrice": {"CurrencyCode": "USD", "Amount": "2.50"},
                "GiftMessageText": "For you",
            },
            "IsGift": "true",
        }
        order = order_of(contents({**HEAD, "OrderItems": [item]}))
        (line,) = order.lines
        assert [(one.amount.amount, one.code) for one in line.discounts] == [(200, "SPRING")]
        assert [(one.kind, one.amount.amount) for one in line.charges] == [("gift_wrap", 250)]
        assert (line.gift, line.notes, line.quantities.shipped) == (True, ("For you",), "1")
        assert order.shipping[0].amount == Money(400, "USD")
        assert not order.tax_included
        assert reconcile(order).balanced

    def test_where_prices_are_with_tax(self) -> None:
        """In Germany they are: the item's tax is within its price."""
        item = {
            "OrderItemId": "1",
            "QuantityOrdered": 1,
            "ItemPrice": {"CurrencyCode": "EUR", "Amount": "11.90"},
            "ItemTax": {"CurrencyCode": "EUR", "Amount": "1.90"},
        }
        head = {**HEAD, "MarketplaceId": "A1PA6795UKMFR9", "OrderItems": [item]}
        order = order_of(contents({**head, "OrderTotal": {"CurrencyCode": "EUR", "Amount": "11.90"}}))
        assert order.tax_included
        assert reconcile(order).balanced

    def test_an_amount_in_another_currency(self) -> None:
        """It contradicts the order, and says where."""
        item = {
            "OrderItemId": "1",
            "QuantityOrdered": 1,
            "ItemTax": {"CurrencyCode": "EUR", "Amount": "1.90"},
        }
        (found,) = contents({**HEAD, "OrderItems": [item]})
        assert isinstance(found, Faulty)
        assert [(one.code, one.path) for one in found.faults] == [
            (Code.CONTRADICTION, "/OrderItems/0/ItemTax/CurrencyCode")
        ]

    def test_all_faults_are_told(self) -> None:
        """Not only the first; the dead letter knows which order it was."""
        head = {**HEAD, "OrderStatus": "Lost", "PurchaseDate": "soon"}
        (found,) = contents(head)
        assert isinstance(found, Faulty)
        assert found.order == "amazon:main:902-1845936-5435065"
        assert {one.path for one in found.faults} == {"/OrderStatus", "/PurchaseDate"}


class TestVersion2026:
    """One document tells all of an order."""

    def test_lines_and_their_money(self) -> None:
        """Two lines in yen, which has no minor unit, come to the total."""
        order = order_of(sample("v2026__searchOrders__200__sandbox0"))
        assert [(line.amount, line.quantities.shipped) for line in order.lines] == [
            (Money(5980, "JPY"), "1"),
            (Money(13960, "JPY"), "2"),
        ]
        assert order.totals.grand_total == Money(19940, "JPY")
        assert order.tags == ("PRIME",)
        assert reconcile(order).balanced

    def test_the_buyer(self) -> None:
        """With the company, its tax number and the number of its own order."""
        order = order_of(sample("v2026__searchOrders__200__sandbox2"))
        assert order.buyer is not None
        assert order.buyer.organisation == "Oliveira Tecnologia Ltda"
        assert [(one.scheme, one.id) for one in order.buyer.tax_numbers] == [("VAT", "1234567890")]
        assert ("buyer", "purchase_order", "PO-BR-2024-5678") in [
            (one.system, one.kind, one.id) for one in order.references
        ]
        (payment,) = order.payments
        assert (payment.method, payment.gateway, payment.reference, payment.amount) == (
            "CreditCard",
            "01.027.058/0001-91",
            "123456",
            Money(159990, "BRL"),
        )

    def test_packages_discounts_and_shipping(self) -> None:
        """What is told by subtype stands where it applies, and it all adds up."""

        def money(amount: str) -> dict[str, str]:
            return {"amount": amount, "currencyCode": "GBP"}

        def part(kind: str, amount: str, **details: str) -> dict[str, Any]:
            found = [{"subtype": name, "value": money(value)} for name, value in details.items()]
            return {"type": kind, "subtotal": money(amount), "detailedBreakdowns": found}

        item = {
            "orderItemId": "i1",
            "quantityOrdered": 3,
            "product": {"title": "Dot", "price": {"unitPrice": money("29.99")}},
            "proceeds": {
                "proceedsTotal": money("98.97"),
                "breakdowns": [
                    part("ITEM", "89.97"),
                    part("SHIPPING", "10.00"),
                    part("TAX", "4.00", ITEM="3.00", SHIPPING="1.00"),
                    part("DISCOUNT", "-5.00", ITEM="-3.00", SHIPPING="-2.00"),
                ],
            },
            "promotion": {"breakdowns": [{"promotionId": "BOXING"}]},
            "fulfillment": {"packing": {"giftOption": {"giftMessage": "Hello"}}},
        }
        package = {
            "packageReferenceId": "p1",
            "packageStatus": {"status": "IN_TRANSIT", "detailedStatus": "OUT_FOR_DELIVERY"},
            "carrier": "Royal Mail",
            "trackingNumber": "RR1",
            "shipTime": "2024-12-26T14:00:00Z",
            "packageItems": [{"orderItemId": "i1", "quantity": 3}],
        }
        order = order_of(
            contents(
                {
                    "order": {
                        "orderId": "202-1",
                        "createdTime": "2024-12-25T09:15:00Z",
                        "lastUpdatedTime": "2024-12-25T16:30:00Z",
                        "fulfillment": {"fulfillmentStatus": "SHIPPED"},
                        "proceeds": {"grandTotal": money("98.97")},
                        "orderItems": [item],
                        "packages": [package],
                    }
                }
            )
        )
        (line,) = order.lines
        assert line.amount == Money(8697, "GBP")
        assert [(one.amount.amount, one.code) for one in line.discounts] == [(300, "BOXING")]
        assert [one.amount.amount for one in order.shipping[0].discounts] == [200]
        assert [one.amount.amount for one in order.shipping[0].taxes] == [100]
        assert (line.gift, line.notes) == (True, ("Hello",))
        (parcel,) = order.fulfilments
        assert (parcel.status, parcel.tracking_numbers) == (FulfilmentStatus.OUT_FOR_DELIVERY, ("RR1",))
        assert reconcile(order).balanced

    def test_without_its_state(self) -> None:
        """What was not asked for is missing, at its place."""
        (found,) = contents({"order": {"orderId": "1", "orderItems": []}}, "EUR")
        assert isinstance(found, Faulty)
        assert [one.path for one in found.faults] == ["/order/fulfillment/fulfillmentStatus"]


class TestNotifications:
    """What changed, in few words."""

    def test_an_order_changed(self) -> None:
        """Its lines are changed by their ids, at the time of the change."""
        change = amendment_of(sample("notif__OrderChange_0"))
        assert change.version is not None
        assert change.version.time == "2022-11-29T19:42:04.284000Z"
        assert [(one.line, one.ordered, one.shipped) for one in change.changed_lines] == [
            ("OIID34853450", "10", "0")
        ]
        assert change.cancel_reason is None

    @pytest.mark.parametrize(
        ("kind", "word", "status"),
        [
            ("ORDER_STATUS_CHANGE", "Canceled", OrderStatus.CANCELLED),
            ("ORDER_STATUS_CHANGE", "PartiallyShipped", OrderStatus.PARTIALLY_FULFILLED),
            ("MFN_ORDER_STATUS_CHANGE", "SHIPPING", OrderStatus.ACCEPTED),
            ("MFN_ORDER_STATUS_CHANGE", "UPCOMINGORDER", OrderStatus.RECEIVED),
        ],
    )
    def test_a_state_changed(self, kind: str, word: str, status: OrderStatus) -> None:
        """By either notification's words; a cancellation is dated."""
        name = {
            "ORDER_STATUS_CHANGE": "OrderStatusChangeNotification",
            "MFN_ORDER_STATUS_CHANGE": "MFNOrderStatusChangeNotification",
        }[kind]
        payload = {"AmazonOrderId": "1-2-3", "OrderStatus": word, "PurchaseDate": 1595882000633}
        told = {"NotificationType": kind, "EventTime": "2026-01-01T00:00:00Z", "Payload": {name: payload}}
        change = amendment_of(contents(told))
        assert (change.order, change.status) == ("amazon:main:1-2-3", status)
        assert (change.cancelled is not None) == (status is OrderStatus.CANCELLED)

    def test_parcels_of_an_order_of_the_sellers(self) -> None:
        """Each package is a parcel, and what came back is a return."""
        change = amendment_of(sample("notif__FulfillmentOrderStatus_0"))
        assert [(one.id, one.carrier) for one in change.fulfilments] == [
            ("ASID49535-1", "2-930434"),
            ("ASID49535-2", "1-930434"),
            ("ASID49535-3", "3-930434"),
        ]
        assert [one.status for one in change.returns] == [ReturnStatus.RECEIVED]


class TestVendors:
    """Amazon as the buyer."""

    def test_a_purchase_order(self) -> None:
        """Costs, cases, an incoterm, and a price by weight that is none of a case."""
        first, second = sample("vendor__getPurchaseOrders__200__sandbox0")
        assert isinstance(first, Order)
        assert isinstance(second, Order)
        assert [line.unit_price.amount.amount for line in first.lines if line.unit_price] == [
            34627,
            22947,
            41271,
        ]
        assert (first.lines[0].item.sku, first.lines[0].item.gtin) == ("8806098286500", None)
        (bought,) = order_of(sample("vendor__getPurchaseOrders__200")).lines
        assert bought.item.gtin == "028877454078"
        assert first.updated == "2019-08-22T16:05:00.000000Z"
        assert (second.incoterm, second.lines[0].unit, second.lines[0].unit_price) == ("FOB", "XCS", None)

    def test_what_became_of_the_lines(self) -> None:
        """Accepted, rejected and received, each in the unit that was ordered."""
        change = amendment_of(sample("vendor__getPurchaseOrdersStatus__200__sandbox0"))
        assert [(one.line, one.accepted, one.cancelled, one.delivered) for one in change.changed_lines] == [
            ("1", "1", "0", None),
            ("2", "15", "5", "10"),
            ("3", "0", "5", "0"),
        ]

    def test_a_direct_order(self) -> None:
        """Its taxes are summed, and its country is written with two letters."""
        order = order_of(sample("vendorDF__getOrders__200"))
        assert order.totals.tax == Money(19000, "USD")
        assert [tax.rate for tax in order.totals.tax_breakdown] == ["10"]
        assert order.ship_to is not None
        assert order.ship_to.address is not None
        assert order.ship_to.address.country == "US"

    def test_a_window_that_is_none(self) -> None:
        """It is a fault at its place."""
        details = {"items": [], "deliveryWindow": "2019-05-23--soon"}
        (found,) = contents(
            {"purchaseOrderNumber": "1", "purchaseOrderState": "New", "orderDetails": details}, "EUR"
        )
        assert isinstance(found, Faulty)
        assert [one.path for one in found.faults] == ["/orderDetails/deliveryWindow"]


BODIES = [path.read_bytes() for path in sorted(SAMPLES.glob("*.json")) if path.stat().st_size < 9_000]


@settings(max_examples=EXAMPLES, deadline=None)
@given(mutated_json(BODIES))
def test_whatever_comes_is_told(body: bytes) -> None:
    """Nothing else than a fault is ever raised, and nothing of an order is lost."""
    check_channel(Amazon(), delivery(body))
