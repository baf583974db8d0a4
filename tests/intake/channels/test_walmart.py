"""Walmart's purchase orders, in JSON and in XML; the samples are the interfaces' own examples."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from intake.channels.mutations import EXAMPLES, mutated_json, mutated_xml
from ordertrail.intake.amendment import Amendment, amend
from ordertrail.intake.channels.walmart import Walmart
from ordertrail.intake.delivery import Delivery, Source, Way
from ordertrail.intake.faults import Code
from ordertrail.intake.message import Content, Faulty, Foreign
from ordertrail.kernel.money import Money
from ordertrail.orders.model import Order, OrderType
from ordertrail.orders.statuses import FulfilmentStatus, OrderStatus, PaymentStatus, ReturnStatus
from ordertrail.orders.totals import reconcile
from ordertrail.testing.conformance.channel import check_channel
from shared_data import shared

SAMPLES = shared("samples/walmart")

_ALL = ["received", *["cancelled"] * 5, *["fulfilled"] * 3, "cancelled"]
TOLD: dict[str, list[str]] = {
    "ca__acknowledgeOrdersCA__200": ["accepted"],
    "ca__cancelOrderLinesCA__req": ["foreign orderCancellation"],
    "ca__getAllOrders__200": ["received", "received"],
    "ca__getAllReleasedOrders__200": ["received"],
    "ca__getAnOrder__200": ["received"],
    "ca__refundOrderLinesCA__200": ["fulfilled"],
    "ca__shippingUpdatesCA__req": ["foreign orderShipment"],
    "us__cancelOrderLines__200": ["cancelled"],
    "us__getAllOrders__200": _ALL,
    "us__getAllReleasedOrders__200": ["received"] * 10,
    "us__getAnOrder__200__ATTRIBUTES": ["received"],
    "us__refundOrderLines__200": ["fulfilled"],
    "us__refundOrderLines__req": ["foreign orderRefund"],
    "us__shippingUpdates__req": ["foreign orderShipment"],
    "us_dsv__cancelOrderLines__200": ["cancelled"],
    "us_dsv__cancelOrderLines__req": ["foreign orderCancellation"],
    "us_dsv__getAllOrders__200": ["received", "received"],
    "us_dsv__getAllReleasedOrders__200": ["received"] * 3,
    "us_dsv__shipOrderLines__200": ["fulfilled"],
    "us_dsv__shipOrderLines__req": ["foreign orderShipment"],
    "us_notif__testNotification__req__sample": ["foreign OFFER_UNPUBLISHED"],
    "us_returns__issueRefund__200": ["foreign refund"],
}
"""What each sample tells, orders by where they stand; those not named are about subscriptions."""


def delivery(body: bytes) -> Delivery:
    """An answer that we asked for."""
    return Delivery(Source("walmart", "main"), body, "2026-11-23T09:00:00.000000Z", Way.POLL)


def contents(tree: Any) -> list[Content]:
    """What a document tells."""
    body = tree if isinstance(tree, bytes) else json.dumps(tree).encode()
    return [one.content for one in check_channel(Walmart(), delivery(body))]


def order_of(tree: Any) -> Order:
    """The one order that was told."""
    (order,) = contents(tree)
    assert isinstance(order, Order), order
    return order


def amendment_of(tree: Any) -> Amendment:
    """The one amendment that was told."""
    (amendment,) = contents(tree)
    assert isinstance(amendment, Amendment), amendment
    return amendment


def sample(name: str) -> bytes:
    """A sample's bytes."""
    return (SAMPLES / name).read_bytes()


def charge(kind: str, amount: float, tax: float | None = None, name: str = "ItemPrice") -> dict[str, Any]:
    """A charge of a line."""
    found: dict[str, Any] = {
        "chargeType": kind,
        "chargeName": name,
        "chargeAmount": {"currency": "USD", "amount": amount},
    }
    if tax is not None:
        found["tax"] = {"taxName": "Tax1", "taxAmount": {"currency": "USD", "amount": tax}}
    return found


def line(number: str, *states: tuple[str, str], ordered: str = "1", tracking: str = "") -> dict[str, Any]:
    """A line of an order."""
    told = [
        {"status": word, "statusQuantity": {"unitOfMeasurement": "EACH", "amount": amount}}
        for word, amount in states
    ]
    if tracking:
        for one in told:
            one["trackingInfo"] = {"trackingNumber": tracking, "carrierName": {"carrier": "UPS"}}
    return {
        "lineNumber": number,
        "item": {"productName": "Cup", "sku": "C-1"},
        "charges": {"charge": [charge("PRODUCT", 10.00, 0.80), charge("SHIPPING", 2.00, name="Shipping")]},
        "orderLineQuantity": {"unitOfMeasurement": "EACH", "amount": ordered},
        "statusDate": 1568466647000,
        "orderLineStatuses": {"orderLineStatus": told},
    }


def order(*lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An answer with an order."""
    return {
        "order": {
            "purchaseOrderId": "17",
            "customerOrderId": "52",
            "orderDate": 1568466571000,
            "orderLines": {"orderLine": list(lines)},
            **more,
        }
    }


class TestSamples:
    """Each sample tells what it is."""

    @pytest.mark.parametrize("path", sorted(SAMPLES.iterdir()), ids=lambda path: path.stem)
    def test_each_tells_what_it_is(self, path: Path) -> None:
        """All go through the conformance suite, and orders add up."""
        found = contents(path.read_bytes())
        told = [
            str(one.status) if isinstance(one, Order) else f"foreign {one.kind}"
            for one in found
            if isinstance(one, Order | Foreign)
        ]
        assert told == TOLD.get(path.stem, ["foreign subscriptions"])
        assert len(told) == len(found)
        assert all(reconcile(one).balanced for one in found if isinstance(one, Order))

    def test_a_replacement(self) -> None:
        """Which order it replaces; to whom it goes, with the country in two letters."""
        found = order_of(sample("us__getAnOrder__200__ATTRIBUTES.json"))
        assert (found.id, found.type) == ("walmart:main:1796277083022", OrderType.REPLACEMENT)
        assert [(one.kind, one.id) for one in found.references] == [
            ("purchase_order", "1796277083022"),
            ("customer_order", "5281956426648"),
            ("replaced_order", "1234567891234"),
        ]
        assert found.placed == "2019-09-14T13:09:31.000000Z"
        assert found.ship_to is not None
        assert found.ship_to.address is not None
        assert (found.ship_to.address.country, found.ship_to.phone) == ("US", "3155598681")
        assert [tax.amount for tax in found.lines[0].taxes] == [Money(80, "USD")]

    def test_a_refund(self) -> None:
        """It is of the payment, with its reason; the rest of the price was not given back."""
        found = order_of(sample("ca__refundOrderLinesCA__200.xml"))
        (payment,) = found.payments
        assert payment.status is PaymentStatus.PARTIALLY_REFUNDED
        assert [(one.amount.amount, one.reason) for one in payment.transactions] == [
            (1505, "DamagedItem"),
            (107, "TaxExemptCustomer"),
        ]
        (parcel,) = found.fulfilments
        assert (parcel.carrier, parcel.tracking_numbers) == ("FedEx", ("12333634122",))
        whole = order_of(sample("us__refundOrderLines__200.json"))
        assert whole.payments[0].status is PaymentStatus.REFUNDED

    def test_one_order_in_two_formats(self) -> None:
        """XML and JSON of the same order give the same but for its extensions."""
        inner = json.loads(sample("us_dsv__shipOrderLines__200.json"))

        def xml(name: str, value: Any) -> str:
            if isinstance(value, list):
                return "".join(xml(name, one) for one in value)
            if isinstance(value, dict):
                return f"<{name}>{''.join(xml(key, one) for key, one in value.items())}</{name}>"
            return f"<{name}>{'' if value is None else value}</{name}>"

        body = xml("order", inner["order"]).replace(
            "<order>", '<order xmlns="http://walmart.com/mp/v3/orders">'
        )
        dated = body
        for moment in (1552791485000, 1552964320000, 1552899235000):
            dated = dated.replace(str(moment), f"{_iso(moment)}")
        assert shown(order_of(dated.encode())) == shown(order_of(inner))


def _iso(milliseconds: int) -> str:
    """A moment as the XML has it."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat()


def shown(found: Order) -> tuple[Any, ...]:
    """An order's parts but its extensions."""
    return (
        found.id,
        found.status,
        found.lines,
        found.shipping,
        found.fulfilments,
        found.ship_to,
        found.updated,
    )


class TestOrders:
    """Lines decide where an order stands."""

    @pytest.mark.parametrize(
        ("first", "second", "status"),
        [
            ("Created", "Created", OrderStatus.RECEIVED),
            ("Acknowledged", "Created", OrderStatus.RECEIVED),
            ("Acknowledged", "Acknowledged", OrderStatus.ACCEPTED),
            ("Shipped", "Acknowledged", OrderStatus.PARTIALLY_FULFILLED),
            ("Shipped", "Delivered", OrderStatus.FULFILLED),
            ("Shipped", "Cancelled", OrderStatus.FULFILLED),
            ("Cancelled", "Cancelled", OrderStatus.CANCELLED),
        ],
    )
    def test_states(self, first: str, second: str, status: OrderStatus) -> None:
        """Those that are cancelled do not hold the others back."""
        assert order_of(order(line("1", (first, "1")), line("2", (second, "1")))).status is status

    def test_a_line_in_several_states(self) -> None:
        """Each state counts its quantity; a price is of all that was ordered."""
        found = order_of(order(line("1", ("Shipped", "2"), ("Cancelled", "1"), ordered="4")))
        (told,) = found.lines
        assert (told.quantities.shipped, told.quantities.cancelled) == ("2", "1")
        assert told.unit_price is not None
        assert (told.unit_price.amount, told.unit_price.per) == (Money(250, "USD"), "1")

    def test_one_parcel_for_two_lines(self) -> None:
        """It is told once."""
        found = order_of(
            order(line("1", ("Shipped", "1"), tracking="T"), line("2", ("Delivered", "1"), tracking="T"))
        )
        (parcel,) = found.fulfilments
        assert [(one.line, one.quantity) for one in parcel.lines] == [("1", "1"), ("2", "1")]
        assert parcel.status is FulfilmentStatus.FULFILLED

    def test_fees_and_discounts(self) -> None:
        """What is put on and taken off stands on the line, and a stated total is held against it."""
        told = line("1", ("Created", "1"))
        told["charges"]["charge"] += [
            charge("FEE", 1.50, name="Recycling"),
            charge("DISCOUNT", -3.0, name="Off"),
        ]
        total = {"totalAmount": {"currencyAmount": 11.30, "currencyUnit": "USD"}}
        found = order_of(order(told, orderSummary=total))
        assert [(one.kind, one.amount.amount) for one in found.lines[0].charges] == [("fee", 150)]
        assert [one.amount.amount for one in found.lines[0].discounts] == [300]
        assert found.totals.grand_total == Money(1130, "USD")
        assert reconcile(found).balanced

    def test_all_faults_are_told(self) -> None:
        """With their places, and the order's id."""
        told = line("1", ("Teleported", "1"))
        told["charges"]["charge"][0]["chargeAmount"]["amount"] = "ten"
        (found,) = contents(order(told, orderDate="soon"))
        assert isinstance(found, Faulty)
        assert found.order == "walmart:main:17"
        assert {one.code for one in found.faults} == {Code.UNKNOWN_WORD, Code.MALFORMED}
        assert len(found.faults) == 3


class TestMexico:
    """Names of its own, and prices with tax."""

    @staticmethod
    def answer() -> dict[str, Any]:
        """An answer with one order."""

        def money(amount: str) -> dict[str, str]:
            return {"currency": "MXN", "amount": amount}

        iva = [{"taxName": "IVA_TAX", "taxAmount": money("16.00")}]
        told = {
            "primeLineNumber": "1",
            "item": {"sku": "S", "upc": "00012345600012", "unitPrice": money("116.00")},
            "charges": [
                {"chargeType": "SHIPPING", "chargeName": "SHIPPING_CH", "chargeAmount": money("20")},
                {"chargeType": "DISCOUNT", "chargeName": "SHIP_DISC", "chargeAmount": money("-20")},
                {"chargeType": "DISCOUNT", "chargeName": "COUPON_DISC", "chargeAmount": money("-6")},
                {"chargeType": "PRODUCT", "chargeName": "ItemPrice", "tax": iva},
            ],
            "orderLineQuantity": {"unitOfMeasurement": "EACH", "amount": "1"},
            "orderLineStatus": [
                {
                    "status": "Shipped",
                    "statusDate": "2021-04-21T05:12:20.000-05:00",
                    "statusQuantity": {"unitOfMeasurement": "EACH", "amount": "1"},
                }
            ],
        }
        shipment = {
            "shipmentNo": "7783",
            "carrier": "Estafeta",
            "trackingNumber": "E1",
            "shipmentLines": [
                {"primeLineNo": "1", "quantity": {"unitOfMeasurement": "EACH", "amount": "1"}},
            ],
        }
        return {
            "meta": {"totalCount": 1},
            "order": [
                {
                    "purchaseOrderId": "P1",
                    "orderDate": "2021-04-20T08:43:33.000-05:00",
                    "billingInfo": {"phone": "5", "postalAddress": {"name": "Ada", "country": "MX"}},
                    "orderLines": [told],
                    "shipments": [shipment],
                    "orderTotal": money("110.00"),
                    "paymentMethod": "CREDIT",
                }
            ],
        }

    def test_an_order(self) -> None:
        """It adds up, with a discount on shipping and one on the line."""
        found = order_of(self.answer())
        assert (found.status, found.currency, found.tax_included) == (OrderStatus.FULFILLED, "MXN", True)
        assert [one.amount.amount for one in found.lines[0].discounts] == [600]
        assert [one.amount.amount for one in found.shipping[0].discounts] == [2000]
        assert [one.amount.amount for one in found.lines[0].taxes] == [1600]
        assert found.updated == "2021-04-21T10:12:20.000000Z"
        assert reconcile(found).balanced

    def test_its_parcels(self) -> None:
        """They stand beside the lines, and where those stand."""
        (parcel,) = order_of(self.answer()).fulfilments
        assert (parcel.id, parcel.status, parcel.carrier) == ("7783", FulfilmentStatus.FULFILLED, "Estafeta")
        assert [(one.line, one.quantity) for one in parcel.lines] == [("1", "1")]

    def test_a_sellers_request(self) -> None:
        """What a seller sends to Walmart is no order."""
        assert [one.kind for one in contents({"shipments": []}) if isinstance(one, Foreign)] == ["shipments"]


class TestEvents:
    """Notifications and returns."""

    @staticmethod
    def event(kind: str, payload: dict[str, Any]) -> dict[str, Any]:
        """A notification."""
        source = {"eventType": kind, "eventTime": "2026-01-02T00:00:00Z", "eventId": "e1"}
        return {"source": source, "payload": payload}

    LINES = ({"lineNumber": "1", "sku": "C-1", "quantity": {"unitOfMeasure": "EACH", "measurementValue": 2}},)

    def test_created_then_fetched_then_cancelled(self) -> None:
        """All three are of one order; what Walmart cancels is cancelled on its line."""
        payload = {"purchaseOrderId": "17", "customerOrderId": "52", "orderLines": list(self.LINES)}
        created = order_of(self.event("PO_CREATED", payload))
        fetched = order_of(order(line("1", ("Created", "2"), ordered="2")))
        assert created.id == fetched.id
        assert [(one.id, one.quantities.ordered) for one in created.lines] == [("1", "2")]
        assert created.currency == "USD"
        cancelled = amendment_of(self.event("PO_LINE_AUTOCANCELLED", payload))
        assert amend(fetched, cancelled).lines[0].quantities.cancelled == "2"

    def test_updates_have_their_kind_within(self) -> None:
        """A wish to cancel changes nothing yet, and is kept."""
        inner = {"purchaseOrderId": "17", "orderLines": {"orderLine": list(self.LINES)}}
        fraud = self.event("ORDER_UPDATES", {"subEventType": "FRAUD_CANCEL", "order": inner})
        assert [one.cancelled for one in amendment_of(fraud).changed_lines] == ["2"]
        wish = amendment_of(self.event("ORDER_UPDATES", {"subEventType": "INTENT_TO_CANCEL", "order": inner}))
        assert wish.changed_lines == ()
        assert "/payload/subEventType" in {one.pointer for one in wish.extensions}

    def test_the_id_of_a_delivery(self) -> None:
        """It is the event's."""
        body = json.dumps(self.event("PO_CREATED", {})).encode()
        assert Walmart().delivery_id(delivery(body)) == "e1"
        assert Walmart().delivery_id(delivery(sample("ca__getAnOrder__200.xml"))) is None

    def test_a_return(self) -> None:
        """It names the purchase order in its lines, and stands where the last of them does."""
        told: dict[str, Any] = {
            "returnOrderId": "R1",
            "customerOrderId": "52",
            "returnOrderDate": "2026-01-05T00:00:00Z",
            "totalRefundAmount": {"currencyAmount": 10.80, "currencyUnit": "USD"},
            "returnOrderLines": [
                {
                    "purchaseOrderId": "17",
                    "purchaseOrderLineNumber": 1,
                    "returnReason": "DAMAGED",
                    "status": "DELIVERED",
                    "quantity": {"unitOfMeasure": "EACH", "measurementValue": 1},
                }
            ],
        }
        found = amendment_of({"meta": {"totalCount": 1}, "returnOrders": [told]})
        assert found.order == "walmart:main:17"
        (back,) = found.returns
        assert (back.id, back.status, back.refund) == ("R1", ReturnStatus.RECEIVED, Money(1080, "USD"))
        assert [(one.line, one.quantity, one.reason) for one in back.lines] == [("1", "1", "DAMAGED")]
        other = {**told["returnOrderLines"][0], "purchaseOrderId": "18"}
        (two,) = contents(
            {"returnOrders": [{**told, "returnOrderLines": [*told["returnOrderLines"], other]}]}
        )
        assert isinstance(two, Faulty)
        assert two.faults[0].code is Code.CONTRADICTION


JSON = [
    *(path.read_bytes() for path in sorted(SAMPLES.glob("*.json")) if path.stat().st_size < 9_000),
    json.dumps(TestMexico.answer()).encode(),
    json.dumps(TestEvents.event("PO_CREATED", {"purchaseOrderId": "1", "orderLines": []})).encode(),
]
XML = [path.read_bytes() for path in sorted(SAMPLES.glob("*.xml"))]


@settings(max_examples=EXAMPLES, deadline=None)
@given(mutated_json(JSON))
def test_whatever_comes_in_json_is_told(body: bytes) -> None:
    """Nothing else than a fault is ever raised, and nothing of an order is lost."""
    check_channel(Walmart(), delivery(body))


@settings(max_examples=EXAMPLES, deadline=None)
@given(mutated_xml(XML))
def test_whatever_comes_in_xml_is_told(body: bytes) -> None:
    """Nothing else than a fault is ever raised, and nothing of an order is lost."""
    check_channel(Walmart(), delivery(body))
