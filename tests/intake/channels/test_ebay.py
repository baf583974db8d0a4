"""eBay's orders, in JSON and in XML; the samples are what two integrations recorded."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from intake.channels.mutations import EXAMPLES, mutated_json, mutated_xml
from ordertrail.intake.amendment import Amendment
from ordertrail.intake.channels.ebay import Ebay
from ordertrail.intake.delivery import Delivery, Source, Way
from ordertrail.intake.faults import Code
from ordertrail.intake.message import Content, Faulty, Foreign
from ordertrail.kernel.money import Money
from ordertrail.orders.model import Order
from ordertrail.orders.payment import TransactionKind
from ordertrail.orders.statuses import OrderStatus, PaymentStatus
from ordertrail.orders.totals import reconcile
from ordertrail.testing.conformance.channel import check_channel
from shared_data import shared

SAMPLES = shared("samples/ebay")
NAMED = "sv__EbayServiceGetOrdersResponse"

TOLD = {
    "mf__03_ebay-order-cancelled": ["order 07-07160-44920343 cancelled balanced"],
    "sv__AuthTokenIsInvalidResponse": ["foreign GeteBayOfficialTimeResponse"],
    f"{NAMED}WithItemsSku": ["order 110136274391-0 received balanced"],
    f"{NAMED}WithOutItems": ["foreign GetOrdersResponse"],
    f"{NAMED}WithTaxes": ["faulty contradiction"],
    f"{NAMED}WithTotalNumberOfEntities0AndHasMoreOrdersFalse": ["foreign GetOrdersResponse"],
    f"{NAMED}WithUserFirstandLastName": ["order 110220485959-28891549001 received balanced"],
    f"{NAMED}WithoutMonetaryDetailsRefundOptionalFields": ["order 21-07829-62837 cancelled off"] * 2,
    f"{NAMED}WithoutShippingAddressAndShippingServiceOptionalFields": [
        "order 110136274391-0 received balanced"
    ],
    f"{NAMED}WithoutShippingDetailsOptionalFields": ["order 21-07829-62837 cancelled off"] * 2,
    f"{NAMED}WithoutTransactionArrayOptionalFields": ["faulty malformed"],
}
"""What each sample tells. Of the orders that are off, somebody changed the adjustment."""


def delivery(body: bytes, name: str = "") -> Delivery:
    """An answer that we asked for."""
    return Delivery(Source("ebay", "main"), body, "2026-11-23T09:00:00.000000Z", Way.POLL, name=name)


def contents(tree: Any, name: str = "") -> list[Content]:
    """What a document tells."""
    body = tree if isinstance(tree, bytes) else json.dumps(tree).encode()
    return [one.content for one in check_channel(Ebay(), delivery(body, name))]


def order_of(tree: Any) -> Order:
    """The one order that was told."""
    (order,) = contents(tree)
    assert isinstance(order, Order), order
    return order


def sample(name: str) -> bytes:
    """A sample's bytes."""
    return (SAMPLES / name).read_bytes()


def shown(content: Content) -> str:
    """What was told, in a few words."""
    match content:
        case Order():
            balance = "balanced" if reconcile(content).balanced else "off"
            return f"order {content.id.removeprefix('ebay:main:')} {content.status} {balance}"
        case Amendment():
            return f"amendment {content.order.removeprefix('ebay:main:')}"
        case Foreign():
            return f"foreign {content.kind}"
        case Faulty():
            return f"faulty {content.faults[0].code}"


class TestSamples:
    """Each sample tells what it is."""

    @pytest.mark.parametrize("path", sorted(SAMPLES.iterdir()), ids=lambda path: path.stem)
    def test_each_tells_what_it_is(self, path: Path) -> None:
        """All go through the conformance suite."""
        assert [shown(one) for one in contents(path.read_bytes())] == TOLD[path.stem]

    def test_an_order_that_was_cancelled(self) -> None:
        """In dollars as the seller gets them, and in euros as the buyer saw them; paid and given back in part."""
        order = order_of(sample("mf__03_ebay-order-cancelled.json"))
        assert order.cancelled == "2021-06-09T12:47:54.000000Z"
        assert order.totals.grand_total == Money(1063, "USD")
        assert order.presentment_totals is not None
        assert order.presentment_totals.grand_total == Money(890, "EUR")
        assert [(one.system, one.kind, one.id) for one in order.references] == [
            ("ebay", "order", "07-07160-44920343"),
            ("ebay", "legacy_order", "124145389616-2415984552002"),
            ("ebay", "sales_record", "10269"),
        ]
        (payment,) = order.payments
        assert payment.status is PaymentStatus.REFUNDED
        assert [(one.kind, one.amount.amount) for one in payment.transactions] == [
            (TransactionKind.SALE, 873),
            (TransactionKind.REFUND, 153),
        ]
        assert order.ship_to is not None
        assert order.ship_to.address is not None
        assert order.ship_to.address.city == "Mülheim"
        assert (order.shipping[0].code, order.shipping[0].carrier) == (
            "DE_DeutschePostBrief",
            "Deutsche Post",
        )

    def test_an_order_in_xml(self) -> None:
        """Its texts are without the white space around them; its line is what was bought."""
        order = order_of(sample(f"{NAMED}WithItemsSku.xml"))
        (line,) = order.lines
        assert (line.id, line.item.sku, line.item.name) == (
            "110136274391-0",
            "testSku501wj",
            "levis 501 women's jeans",
        )
        assert (order.totals.grand_total, order.shipping[0].amount) == (Money(200, "USD"), Money(100, "USD"))
        assert order.ship_to is not None
        assert order.ship_to.address is not None
        assert order.ship_to.address.street == ("street 1", "street 2")
        assert order.updated == "2014-01-20T15:50:33.000000Z"

    def test_refunds_in_xml(self) -> None:
        """One that names no amount stays an extension; a negative one is an amount given back."""
        orders = contents(sample(f"{NAMED}WithoutMonetaryDetailsRefundOptionalFields.xml"))
        second = orders[1]
        assert isinstance(second, Order)
        assert [one.amount.amount for one in second.payments[0].transactions] == [32211, 2222]
        assert second.payments[0].status is PaymentStatus.PARTIALLY_REFUNDED
        place = "/MonetaryDetails/Refunds/Refund/0/RefundType"
        assert place in {one.pointer for one in second.extensions}

    def test_a_tax_in_another_currency(self) -> None:
        """It is told where it stands."""
        (found,) = contents(sample(f"{NAMED}WithTaxes.xml"))
        assert isinstance(found, Faulty)
        assert found.faults[0].path.endswith("/Taxes/TotalTaxAmount/@currencyID")


def usd(value: str) -> dict[str, str]:
    """An amount."""
    return {"value": value, "currency": "USD"}


ORDER: dict[str, Any] = {
    "orderId": "01-1",
    "creationDate": "2026-01-01T00:00:00.000Z",
    "lastModifiedDate": "2026-01-02T00:00:00.000Z",
    "orderFulfillmentStatus": "NOT_STARTED",
    "orderPaymentStatus": "PAID",
    "pricingSummary": {
        "priceSubtotal": usd("30.00"),
        "priceDiscount": usd("-3.00"),
        "deliveryCost": usd("5.00"),
        "deliveryDiscount": usd("-1.00"),
        "tax": usd("2.00"),
        "adjustment": usd("-0.50"),
        "total": usd("32.50"),
    },
    "cancelStatus": {"cancelState": "NONE_REQUESTED", "cancelRequests": []},
    "lineItems": [
        {
            "lineItemId": "li1",
            "sku": "S",
            "title": "Cup",
            "quantity": 3,
            "lineItemCost": usd("30.00"),
            "discountedLineItemCost": usd("27.00"),
            "appliedPromotions": [
                {"discountAmount": usd("3.00"), "promotionId": "P1", "description": "Three off"}
            ],
            "deliveryCost": {"shippingCost": usd("4.00")},
            "taxes": [{"amount": usd("2.00"), "taxType": "STATE_SALES_TAX"}],
            "ebayCollectAndRemitTaxes": [{"amount": usd("9.99"), "taxType": "VAT"}],
            "lineItemFulfillmentStatus": "NOT_STARTED",
            "variationAspects": [{"name": "Size", "value": "L"}],
        }
    ],
}


class TestFulfillment:
    """The newer interface."""

    def test_discounts_and_taxes(self) -> None:
        """They add up; what eBay collects itself is kept and not added."""
        order = order_of(ORDER)
        assert order.status is OrderStatus.ACCEPTED
        (line,) = order.lines
        assert [(one.amount.amount, one.code) for one in line.discounts] == [(300, "P1")]
        assert line.item.variant == "Size: L"
        assert [(one.amount.amount, one.reason) for one in order.discounts] == [(50, "adjustment")]
        assert reconcile(order).balanced
        kept = {one.pointer for one in order.extensions}
        assert "/lineItems/0/ebayCollectAndRemitTaxes" in kept
        assert "/lineItems/0/discountedLineItemCost" not in kept

    @pytest.mark.parametrize(
        ("cancel", "sent", "paid", "status"),
        [
            ("IN_PROGRESS", "NOT_STARTED", "PAID", OrderStatus.ON_HOLD),
            ("CANCELED", "FULFILLED", "FULLY_REFUNDED", OrderStatus.CANCELLED),
            ("NONE_REQUESTED", "IN_PROGRESS", "PAID", OrderStatus.PARTIALLY_FULFILLED),
            ("NONE_REQUESTED", "FULFILLED", "PAID", OrderStatus.FULFILLED),
            ("NONE_REQUESTED", "NOT_STARTED", "PENDING", OrderStatus.RECEIVED),
        ],
    )
    def test_states(self, cancel: str, sent: str, paid: str, status: OrderStatus) -> None:
        """A cancellation goes before parcels, and they before the payment."""
        tree = {**ORDER, "orderFulfillmentStatus": sent, "orderPaymentStatus": paid}
        assert order_of({**tree, "cancelStatus": {"cancelState": cancel}}).status is status

    def test_parcels(self) -> None:
        """Only the path of the request says of which order they are; without it nobody guesses."""
        parcel = {
            "fulfillmentId": "999",
            "shipmentTrackingNumber": "T9",
            "shippingCarrierCode": "DHL",
            "lineItems": [{"lineItemId": "li1", "quantity": 2}],
        }
        answer = {"fulfillments": [parcel], "total": 1}
        (told,) = contents(answer, "/sell/fulfillment/v1/order/01-1/shipping_fulfillment")
        assert isinstance(told, Amendment)
        assert (told.order, told.fulfilments[0].tracking_numbers) == (order_of(ORDER).id, ("T9",))
        (unknown,) = contents(answer)
        assert isinstance(unknown, Faulty)
        assert unknown.faults[0].code is Code.MISSING

    def test_a_dispute(self) -> None:
        """It names its order, and everything of it is kept."""
        told = {"paymentDisputeId": "5", "orderId": "01-1", "paymentDisputeStatus": "OPEN", "reason": "X"}
        (found,) = contents(told)
        assert isinstance(found, Amendment)
        assert [one.id for one in found.references] == ["5"]
        assert {one.pointer for one in found.extensions} == {"/paymentDisputeStatus", "/reason"}

    def test_a_notification(self) -> None:
        """One that is about no order says so; its id is the delivery's."""
        told = {
            "metadata": {"topic": "MARKETPLACE_ACCOUNT_DELETION"},
            "notification": {"notificationId": "n"},
        }
        assert [shown(one) for one in contents(told)] == ["foreign MARKETPLACE_ACCOUNT_DELETION"]
        assert Ebay().delivery_id(delivery(json.dumps(told).encode())) == "n"


class TestTrading:
    """The older interface."""

    SHIPPED = b"""<GetOrdersResponse xmlns="urn:ebay:apis:eBLBaseComponents"><Ack>Success</Ack><OrderArray><Order>
<OrderID>111-222</OrderID><ExtendedOrderID>01-1</ExtendedOrderID><OrderStatus>Completed</OrderStatus>
<AmountPaid currencyID="EUR">14.0</AmountPaid><CreatedTime>2026-01-01T00:00:00.000Z</CreatedTime>
<CheckoutStatus><LastModifiedTime>2026-01-03T00:00:00.000Z</LastModifiedTime><PaymentMethod>PayPal</PaymentMethod>
</CheckoutStatus><ShippingServiceSelected><ShippingService>DHL</ShippingService>
<ShippingServiceCost currencyID="EUR">4.0</ShippingServiceCost></ShippingServiceSelected>
<ShippingDetails><ShipmentTrackingDetails><ShippingCarrierUsed>DHL</ShippingCarrierUsed>
<ShipmentTrackingNumber>T1</ShipmentTrackingNumber></ShipmentTrackingDetails></ShippingDetails>
<Subtotal currencyID="EUR">10.0</Subtotal><Total currencyID="EUR">14.0</Total>
<TransactionArray><Transaction><Buyer><Email>a@example.com</Email></Buyer><Item><ItemID>7</ItemID><Title>Cup</Title>
</Item><Variation><SKU>C-L</SKU><VariationSpecifics><NameValueList><Name>Size</Name><Value>L</Value></NameValueList>
</VariationSpecifics></Variation><QuantityPurchased>2</QuantityPurchased><TransactionID>9</TransactionID>
<TransactionPrice currencyID="EUR">5.0</TransactionPrice></Transaction></TransactionArray>
<BuyerUserID>ada</BuyerUserID><PaidTime>2026-01-02T00:00:00.000Z</PaidTime>
<ShippedTime>2026-01-03T00:00:00.000Z</ShippedTime></Order></OrderArray></GetOrdersResponse>"""

    def test_one_order_by_two_interfaces(self) -> None:
        """It has one id."""
        assert order_of(self.SHIPPED).id == order_of(ORDER).id

    def test_paid_and_shipped(self) -> None:
        """A completed order that was shipped is fulfilled; it adds up, the payment too."""
        order = order_of(self.SHIPPED)
        assert order.status is OrderStatus.FULFILLED
        assert reconcile(order).balanced
        assert [(one.id, one.shipped) for one in order.fulfilments] == [("T1", "2026-01-03T00:00:00.000000Z")]
        assert order.lines[0].id == "7-9"
        assert (order.lines[0].item.sku, order.lines[0].item.variant) == ("C-L", "Size: L")
        assert order.payments[0].status is PaymentStatus.PAID

    def test_in_an_envelope(self) -> None:
        """A notification of SOAP has the same in its body."""
        inner = self.SHIPPED.replace(b"GetOrdersResponse", b"GetOrderTransactionsResponse")
        body = (
            b'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
            + inner
            + b"</soapenv:Body></soapenv:Envelope>"
        )
        assert order_of(body) == order_of(self.SHIPPED)

    def test_an_entity_is_never_expanded(self) -> None:
        """A document type with declarations is refused."""
        body = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><GetOrdersResponse>&a;</GetOrdersResponse>'
        (found,) = contents(body)
        assert isinstance(found, Faulty)
        assert found.faults[0].code is Code.UNREADABLE

    def test_a_control_character(self) -> None:
        """It is told by its line."""
        (found,) = contents(self.SHIPPED.replace(b"<Title>Cup", b"<Title>C\x07p"))
        assert isinstance(found, Faulty)
        assert "U+0007" in found.faults[0].message


JSON = [sample("mf__03_ebay-order-cancelled.json"), json.dumps(ORDER).encode()]
XML = [TestTrading.SHIPPED, *(path.read_bytes() for path in sorted(SAMPLES.glob("*.xml")))]


@settings(max_examples=EXAMPLES, deadline=None)
@given(mutated_json(JSON))
def test_whatever_comes_in_json_is_told(body: bytes) -> None:
    """Nothing else than a fault is ever raised, and nothing of an order is lost."""
    check_channel(Ebay(), delivery(body))


@settings(max_examples=EXAMPLES, deadline=None)
@given(mutated_xml(XML))
def test_whatever_comes_in_xml_is_told(body: bytes) -> None:
    """Nothing else than a fault is ever raised, and nothing of an order is lost."""
    check_channel(Ebay(), delivery(body))
