"""Orders and messages of commercetools; the samples are the API reference's own examples."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from intake.channels.mutations import EXAMPLES, mutated_json
from ordertrail.intake.amendment import Amendment, amend
from ordertrail.intake.channels.commercetools import Commercetools
from ordertrail.intake.delivery import Delivery, Source, Way
from ordertrail.intake.faults import Code, FaultyError
from ordertrail.intake.message import Content, Faulty, Foreign
from ordertrail.kernel.money import Money
from ordertrail.orders.amounts import RoundingMode
from ordertrail.orders.lines import Price
from ordertrail.orders.model import Order
from ordertrail.orders.statuses import FulfilmentStatus, OrderStatus, PaymentStatus, ReturnStatus
from ordertrail.orders.totals import reconcile
from ordertrail.testing.conformance.channel import check_channel
from shared_data import shared

SAMPLES = shared("samples/commercetools")

TOLD = {
    "CheckoutMessagePaymentsPayloadBaseData": "foreign unknown",
    "CheckoutPaymentAuthorizationCancelled": "amendment dab496e3-478c-4f71-abdd-d6f4b08f4b74",
    "CheckoutPaymentAuthorizationFailed": "foreign CheckoutPaymentAuthorizationFailed",
    "CheckoutPaymentChargedEvent": "amendment dab496e3-478c-4f71-abdd-d6f4b08f4b74",
    "CheckoutPaymentRefundFailed": "amendment 9ec780a9-a550-476d-a652-a559ed61debc",
    "CheckoutPaymentRefunded": "amendment 9ec780a9-a550-476d-a652-a559ed61debc",
    "PaymentSetAmountPaidAction": "unreadable",
    "cart.example": "foreign Cart",
    "event-payload.example": "foreign ImportContainerCreated",
    "message-payload.example": "foreign CustomerLastNameSet",
    "order-edits-create.example": "foreign order edit",
    "order-edits.example": "foreign order edit",
    "order-import": "foreign draft",
    "order.example": "order 92f5a867-bf19-47ab-982c-6720a03a3921",
    "payment.example": "foreign payment",
    "payments.example": "foreign payment",
    "resource-created-payload.example": "foreign notification",
    "resource-deleted-payload.example": "foreign notification",
    "resource-updated-payload.example": "foreign notification",
}
"""What each sample tells; those not named are update actions, or nothing of an order's."""

ORDER_ID = "ed454f4e-c43a-485f-a86f-046c691b1363"


def delivery(body: bytes) -> Delivery:
    """A message of the queue."""
    return Delivery(Source("commercetools", "main"), body, "2026-11-23T09:00:00.000000Z", Way.BUS)


def contents(tree: Any) -> list[Content]:
    """What a document tells."""
    body = tree if isinstance(tree, bytes) else json.dumps(tree).encode()
    return [one.content for one in check_channel(Commercetools(), delivery(body))]


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


def cents(amount: int, currency: str = "EUR", digits: int = 2) -> dict[str, Any]:
    """An amount."""
    return {"type": "centPrecision", "currencyCode": currency, "centAmount": amount, "fractionDigits": digits}


def taxed(net: int, gross: int) -> dict[str, Any]:
    """A taxed price."""
    return {"totalNet": cents(net), "totalGross": cents(gross), "totalTax": cents(gross - net)}


RATE = {"name": "19% MwSt", "amount": 0.19, "includedInPrice": True, "country": "DE"}

WHOLE: dict[str, Any] = {
    "type": "Order",
    "id": ORDER_ID,
    "version": 7,
    "orderNumber": "1042",
    "purchaseOrderNumber": "PO-9",
    "createdAt": "2026-01-02T10:00:00.000Z",
    "lastModifiedAt": "2026-01-03T10:00:00.000Z",
    "orderState": "Confirmed",
    "shipmentState": "Shipped",
    "paymentState": "Paid",
    "customerId": "c1",
    "customerEmail": "a@example.com",
    "totalPrice": cents(6570),
    "taxedPrice": {
        **taxed(5521, 6570),
        "taxPortions": [{"rate": 0.19, "amount": cents(1049), "name": "19% MwSt"}],
    },
    "taxRoundingMode": "HalfUp",
    "lineItems": [
        {
            "id": "l1",
            "productId": "p1",
            "name": {"de": "Tasse", "en": "Cup"},
            "variant": {"id": 1, "sku": "C-1"},
            "price": {"value": cents(4000), "discounted": {"value": cents(3500)}},
            "quantity": 2,
            "discountedPricePerQuantity": [
                {
                    "quantity": 2,
                    "discountedPrice": {
                        "value": cents(3000),
                        "includedDiscounts": [
                            {
                                "discount": {"typeId": "cart-discount", "id": "d1"},
                                "discountedAmount": cents(500),
                            }
                        ],
                    },
                }
            ],
            "totalPrice": cents(6000),
            "taxedPrice": taxed(5042, 6000),
            "taxRate": RATE,
            "lineItemMode": "Standard",
        }
    ],
    "customLineItems": [],
    "shippingInfo": {
        "shippingMethodName": "DHL",
        "price": cents(570),
        "taxedPrice": taxed(479, 570),
        "taxRate": RATE,
        "deliveries": [
            {
                "id": "dv1",
                "createdAt": "2026-01-03T09:00:00.000Z",
                "items": [{"id": "l1", "quantity": 2}],
                "parcels": [
                    {"id": "pc1", "trackingData": {"trackingId": "T1", "carrier": "DHL", "isReturn": False}},
                    {"id": "pc2", "trackingData": {"trackingId": "R1", "carrier": "DHL", "isReturn": True}},
                ],
            }
        ],
    },
    "shippingAddress": {
        "firstName": "Ada",
        "lastName": "L",
        "streetName": "Weg",
        "streetNumber": "4",
        "city": "Berlin",
        "postalCode": "10115",
        "country": "DE",
        "pOBox": "12",
    },
    "paymentInfo": {
        "payments": [
            {
                "typeId": "payment",
                "id": "pay1",
                "obj": {
                    "id": "pay1",
                    "amountPlanned": cents(6570),
                    "paymentMethodInfo": {"paymentInterface": "STRIPE", "method": "CREDIT_CARD"},
                    "interfaceId": "pi_1",
                    "transactions": [
                        {"id": "t1", "type": "Authorization", "amount": cents(6570), "state": "Success"},
                        {"id": "t2", "type": "Charge", "amount": cents(6570), "state": "Success"},
                        {"id": "t3", "type": "Refund", "amount": cents(1000), "state": "Success"},
                        {"id": "t4", "type": "Refund", "amount": cents(500), "state": "Failure"},
                    ],
                },
            },
            {"typeId": "payment", "id": "pay2"},
        ]
    },
    "returnInfo": [
        {
            "returnDate": "2026-01-09T00:00:00Z",
            "returnTrackingId": "R1",
            "items": [
                {
                    "id": "ri1",
                    "type": "LineItemReturnItem",
                    "lineItemId": "l1",
                    "quantity": 1,
                    "comment": "too small",
                    "shipmentState": "BackInStock",
                    "paymentState": "Initial",
                }
            ],
        }
    ],
}


def message(kind: str, sequence: int = 5, **payload: Any) -> dict[str, Any]:
    """A message of the order."""
    return {
        "notificationType": "Message",
        "id": f"m{sequence}",
        "version": 1,
        "sequenceNumber": sequence,
        "resource": {"typeId": "order", "id": ORDER_ID},
        "resourceVersion": 11,
        "type": kind,
        "createdAt": "2026-01-04T10:00:00.000Z",
        "lastModifiedAt": "2026-01-04T10:00:00.000Z",
        **payload,
    }


class TestSamples:
    """Each sample tells what it is."""

    @pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.json")), ids=lambda path: path.stem)
    def test_each_tells_what_it_is(self, path: Path) -> None:
        """Update actions are what somebody asks; the one that is no JSON is refused as that."""
        body = path.read_bytes()
        (found,) = contents(body)
        match found:
            case Order(id=told):
                shown = "order " + told.removeprefix("commercetools:main:")
                assert reconcile(found).balanced
            case Amendment(order=told):
                shown = "amendment " + told.removeprefix("commercetools:main:")
            case Foreign(kind=kind):
                shown = f"foreign {kind}"
            case Faulty(faults=(fault, *_)):
                shown = str(fault.code)
        expected = "foreign update action" if path.stem.endswith("Action") else "foreign unknown"
        assert shown == TOLD.get(path.stem, expected)

    def test_what_is_no_json_is_not_read(self) -> None:
        """A trailing comma says where it stands."""
        body = (SAMPLES / "PaymentSetAmountPaidAction.json").read_bytes()
        with pytest.raises(FaultyError, match="line 6, column 5"):
            list(Commercetools().read(delivery(body)))
        assert Commercetools().delivery_id(delivery(body)) is None

    def test_an_order_before_an_edit(self) -> None:
        """Line, shipping and their taxes within the prices come to the total."""
        edit = json.loads((SAMPLES / "order-edits.example.json").read_bytes())
        order = order_of(edit["result"]["preview"])
        assert order.totals.grand_total == Money(3970, "EUR")
        assert [tax.amount.amount for tax in order.lines[0].taxes] == [543]
        assert reconcile(order).balanced


class TestOrders:
    """The Order resource."""

    def test_all_of_one(self) -> None:
        """It adds up, after discounts of the product and of the cart."""
        order = order_of(WHOLE)
        assert (order.status, order.number, order.tax_included) == (OrderStatus.FULFILLED, "1042", True)
        assert order.rounding.mode is RoundingMode.HALF_UP
        (line,) = order.lines
        assert line.item.name == "Cup"
        assert line.unit_price == Price(amount=Money(3500, "EUR"), per="1")
        assert line.list_price == Price(amount=Money(4000, "EUR"), per="1")
        assert [(one.amount.amount, one.reason) for one in line.discounts] == [(1000, "d1")]
        assert order.totals.tax == Money(1049, "EUR")
        assert reconcile(order).balanced

    def test_where_it_goes(self) -> None:
        """The address; and the parcel that left, without the label for its return."""
        order = order_of(WHOLE)
        assert order.ship_to is not None
        assert order.ship_to.address is not None
        assert (order.ship_to.address.street, order.ship_to.address.box) == (("Weg 4",), "12")
        (parcel,) = order.fulfilments
        assert (parcel.tracking_numbers, parcel.status) == (("T1",), FulfilmentStatus.FULFILLED)

    def test_how_it_is_paid(self) -> None:
        """An expanded payment stands where its transactions say, another where the order says."""
        first, second = order_of(WHOLE).payments
        assert (first.status, first.gateway) == (PaymentStatus.PARTIALLY_REFUNDED, "STRIPE")
        assert [one.id for one in first.transactions] == ["t1", "t2", "t3", "t4"]
        assert second.status is PaymentStatus.PAID

    def test_what_came_back(self) -> None:
        """Each item has a state of its own."""
        (back,) = order_of(WHOLE).returns
        assert (back.status, back.lines[0].restocked, back.lines[0].reason) == (
            ReturnStatus.RECEIVED,
            True,
            "too small",
        )

    def test_prices_without_tax(self) -> None:
        """The total is then the taxed price's gross."""
        item = {**WHOLE["lineItems"][0], "taxRate": {**RATE, "includedInPrice": False}}
        item = {**item, "taxedPrice": taxed(6000, 7140)}
        tree = {name: value for name, value in WHOLE.items() if name not in {"shippingInfo", "returnInfo"}}
        order = order_of(
            {**tree, "lineItems": [item], "totalPrice": cents(6000), "taxedPrice": taxed(6000, 7140)}
        )
        assert not order.tax_included
        assert order.totals.grand_total == Money(7140, "EUR")
        assert reconcile(order).balanced

    def test_a_price_finer_than_a_cent(self) -> None:
        """High precision is a price of more pieces."""
        fine = {
            "type": "highPrecision",
            "currencyCode": "EUR",
            "centAmount": 12,
            "preciseAmount": 12345,
            "fractionDigits": 5,
        }
        item = {
            "id": "l1",
            "name": {},
            "quantity": 1000,
            "price": {"value": fine},
            "totalPrice": cents(12345),
        }
        order = order_of({**WHOLE, "lineItems": [item], "shippingInfo": None, "returnInfo": []})
        assert order.lines[0].unit_price == Price(amount=Money(12345, "EUR"), per="1000")

    def test_digits_that_are_not_the_currencys(self) -> None:
        """A yen has no cents: the amount is not read as what it may not be."""
        (found,) = contents({**WHOLE, "totalPrice": cents(100, "JPY")})
        assert isinstance(found, Faulty)
        assert (Code.CONTRADICTION, "/totalPrice/fractionDigits") in [
            (one.code, one.path) for one in found.faults
        ]


class TestMessages:
    """Each follows the one before."""

    def test_created(self) -> None:
        """The order within is the order, and the message its first state; what follows is counted from there."""
        created = order_of(message("OrderCreated", 1, order=WHOLE))
        assert created.source_version is not None
        assert created.source_version.number == 1
        assert [one.pointer for one in created.extensions] == [
            one.pointer for one in order_of(WHOLE).extensions
        ]
        after = amendment_of(
            message("OrderStateChanged", 2, orderState="Complete", oldOrderState="Confirmed")
        )
        assert (after.follows, after.status) == (1, OrderStatus.COMPLETED)
        assert amend(created, after).source_version == after.version

    def test_the_id_of_a_delivery(self) -> None:
        """It is the message's."""
        assert Commercetools().delivery_id(delivery(json.dumps(message("OrderDeleted")).encode())) == "m5"
        assert Commercetools().delivery_id(delivery(json.dumps(WHOLE).encode())) is None

    @pytest.mark.parametrize(
        ("word", "status"),
        [("Cancelled", OrderStatus.CANCELLED), ("Open", OrderStatus.VALIDATED)],
    )
    def test_states(self, word: str, status: OrderStatus) -> None:
        """A cancellation is dated."""
        change = amendment_of(message("OrderStateChanged", orderState=word))
        assert change.status is status
        assert (change.cancelled is not None) == (status is OrderStatus.CANCELLED)

    def test_shipment(self) -> None:
        """What tells more than the order's state changes it; what does not is kept."""
        shipped = amendment_of(message("OrderShipmentStateChanged", shipmentState="Shipped"))
        assert shipped.status is OrderStatus.FULFILLED
        waiting = amendment_of(message("OrderShipmentStateChanged", shipmentState="Backorder"))
        assert waiting.status is None
        assert {one.pointer for one in waiting.extensions} >= {"/shipmentState", "/type"}

    def test_parts(self) -> None:
        """Deliveries, returns, lines, payments and addresses are put into the order that has them or not."""
        order = order_of(WHOLE)
        parcel = {"id": "dv2", "items": [{"id": "l1", "quantity": 1}], "parcels": []}
        changes = [
            message("DeliveryAdded", delivery=parcel),
            message("ReturnInfoAdded", returnInfo=WHOLE["returnInfo"][0]),
            message("OrderLineItemAdded", lineItem={**WHOLE["lineItems"][0], "id": "l2"}, addedQuantity=2),
            message("OrderPaymentAdded", payment={"typeId": "payment", "id": "pay3"}),
            message("OrderShippingAddressSet", address={"city": "Bonn", "country": "DE"}),
        ]
        for change in changes:
            order = amend(order, amendment_of(change))
        assert [one.id for one in order.fulfilments] == ["dv1", "dv2"]
        assert [one.id for one in order.lines] == ["l1", "l2"]
        assert [one.id for one in order.payments] == ["pay1", "pay2", "pay3"]
        assert order.ship_to is not None
        assert order.ship_to.address is not None
        assert order.ship_to.address.city == "Bonn"

    def test_a_line_taken_away(self) -> None:
        """In part or as a whole."""
        part = message("OrderLineItemRemoved", lineItemId="l1", newQuantity=1, newTotalPrice=cents(3000))
        assert [(one.ordered, one.amount) for one in amendment_of(part).changed_lines] == [
            ("1", Money(3000, "EUR"))
        ]
        whole = message("OrderLineItemRemoved", lineItemId="l1", newQuantity=0)
        assert amendment_of(whole).removed_lines == ("l1",)

    def test_a_message_of_a_kind_that_is_not_known(self) -> None:
        """It goes on with the chain, and everything of it is kept."""
        change = amendment_of(message("OrderSomethingNew", 9, thing={"a": 1}))
        assert (change.follows, change.status) == (8, None)
        assert {one.pointer for one in change.extensions} >= {"/thing", "/type"}

    def test_a_payload_that_was_too_large(self) -> None:
        """Nobody pretends to know what it said."""
        (found,) = contents(
            message("OrderCreated", payloadNotIncluded={"reason": "large", "payloadType": "OrderCreated"})
        )
        assert isinstance(found, Faulty)
        assert found.order == f"commercetools:main:{ORDER_ID}"
        assert [one.path for one in found.faults] == ["/payloadNotIncluded"]


BODIES = [
    *(path.read_bytes() for path in sorted(SAMPLES.glob("*order*.json"))),
    *(json.dumps(one).encode() for one in (WHOLE, WHOLE, message("OrderCreated", 1, order=WHOLE))),
    json.dumps(message("OrderLineItemAdded", lineItem=WHOLE["lineItems"][0])).encode(),
    json.dumps(message("ReturnInfoAdded", returnInfo=WHOLE["returnInfo"][0])).encode(),
]


@settings(max_examples=EXAMPLES, deadline=None)
@given(mutated_json(BODIES))
def test_whatever_comes_is_told(body: bytes) -> None:
    """Nothing else than a fault is ever raised, and nothing of an order is lost."""
    check_channel(Commercetools(), delivery(body))
