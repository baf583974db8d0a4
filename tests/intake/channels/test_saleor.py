"""Saleor's orders in notifications, in legacy webhooks and in subscriptions, and its transactions."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from intake.channels.mutations import EXAMPLES, mutated_json
from intake.channels.told import delivery, faults, one, read, samples, words
from ordertrail.intake.amendment import amend
from ordertrail.intake.channel import open_channel
from ordertrail.kernel.money import Money
from ordertrail.orders.model import OrderType
from ordertrail.orders.statuses import FulfilmentStatus, OrderStatus, PaymentStatus
from ordertrail.orders.totals import reconcile
from shared_data import shared

NAME = "saleor"
FOLDER = "samples/saleor/"

SAMPLES = {
    "docs__address_L142.json": ["foreign draftOrderUpdate"],
    "docs__address_L40.json": ["foreign input"],
    "docs__building_payment_app_L513.json": ["foreign transactionInitialize"],
    "docs__bulk_orders_L233.json": ["foreign stockUpdatePolicy"],
    "docs__order_fulfillment_L192.json": ["foreign id"],
    "docs__order_fulfillment_L225.json": ["foreign orderFulfill"],
    "docs__order_fulfillment_L344.json": ["foreign orderFulfillmentCancel"],
    "docs__order_fulfillment_L576.json": ["foreign orderFulfillmentUpdateTracking"],
    "docs__order_fulfillment_L694.json": ["foreign orderId"],
    "docs__order_fulfillment_L719.json": ["foreign orderFulfillmentReturnProducts"],
    "docs__payment_L173.json": ["foreign action_required"],
    "docs__payment_apps_L266.json": ["foreign transactionInitialize"],
    "docs__payment_apps_L362.json": ["foreign transactionProcess"],
    "docs__sample_webhook_payloads_L1057.json": ["order partially_fulfilled lines +1360"],
    "docs__sample_webhook_payloads_L1414.json": ["order received lines +10560"],
    "docs__sample_webhook_payloads_L1632.json": ["order cancelled lines +250"],
    "docs__sample_webhook_payloads_L221.json": ["order received lines +10560"],
    "docs__sample_webhook_payloads_L2221.json": ["amendment payments"],
    "docs__sample_webhook_payloads_L458.json": ["foreign Sale"],
    "docs__sample_webhook_payloads_L488.json": ["order accepted lines +10560"],
    "docs__sample_webhook_payloads_L699.json": ["order partially_fulfilled lines +1360"],
    "docs__shipping_L331.json": ["order accepted balanced"],
    "docs__shipping_L64.json": ["foreign Checkout"],
    "docs__subscription_webhook_payloads_L173.json": ["faulty missing /data/orderCreated/order/status"],
    "docs__transaction_L131.json": ["foreign pspReference"],
    "docs__transaction_L194.json": ["amendment payments"],
    "docs__transaction_L255.json": ["foreign pspReference"],
    "docs__transaction_L70.json": ["amendment payments"],
    "docs__transactions_L55.json": ["foreign id"],
    "docs__transactions_L600.json": ["foreign CHARGE_SUCCESS"],
    "docs__user_emails_L1128.json": ["order partially_fulfilled lines +1360"],
    "docs__user_emails_L1483.json": ["order received lines +10560"],
    "docs__user_emails_L1699.json": ["order cancelled lines +250"],
    "docs__user_emails_L1908.json": ["order accepted lines +10560"],
    "docs__user_emails_L355.json": ["order received lines +10560"],
    "docs__user_emails_L563.json": ["order accepted lines +10560"],
    "docs__user_emails_L772.json": ["order partially_fulfilled lines +1360"],
}


@pytest.mark.parametrize("path", samples(NAME), ids=lambda path: path.name)
def test_each_sample_tells_what_it_is_known_to_tell(path: Path) -> None:
    """Orders, changes and what is foreign: a mapping that changes shows here."""
    assert words(read(NAME, path.read_bytes())) == SAMPLES[path.name]


def test_a_notification_holds_an_order_and_what_came_with_it() -> None:
    """The payment stands beside the order; what has no field is kept."""
    order = one(NAME, shared(FOLDER + "docs__sample_webhook_payloads_L1414.json").read_bytes())
    assert (order.id, order.status, order.site) == (
        "saleor:main:VXNlcjo1MQ==",
        OrderStatus.RECEIVED,
        "default-channel",
    )
    assert order.totals.grand_total == Money(24082, "USD")
    assert order.tax_included
    assert [(one.status, one.amount) for one in order.payments] == [(PaymentStatus.PAID, Money(24082, "USD"))]
    assert "saleor/recipient_email" in [extension.name for extension in order.extensions]


def _money(amount: str | float) -> dict[str, Any]:
    return {"amount": amount, "currency": "EUR"}


def _taxed(net: str, gross: str) -> dict[str, Any]:
    return {"net": _money(net), "gross": _money(gross)}


def _order(**changed: Any) -> dict[str, Any]:
    """Return a small order as a subscription asks for it: two cups and shipping, with tax."""
    line = {
        "id": "T3JkZXJMaW5lOjE=",
        "productName": "Cup",
        "variantName": "red",
        "quantity": 2,
        "unitPrice": _taxed("5.00", "5.95"),
        "totalPrice": _taxed("10.00", "11.90"),
        "taxRate": 0.19,
    }
    order = {
        "id": "T3JkZXI6MQ==",
        "number": "1",
        "status": "UNFULFILLED",
        "created": "2026-01-01T00:00:00+00:00",
        "total": _taxed("14.00", "16.66"),
        "subtotal": _taxed("10.00", "11.90"),
        "lines": [line],
        "shippingPrice": _taxed("4.00", "4.76"),
        "updatedAt": "2026-01-02T00:00:00+00:00",
        "chargeStatus": "FULL",
        "userEmail": "ann@example.org",
        "shippingAddress": {
            "city": "LYON",
            "postalCode": "69001",
            "country": {"code": "FR", "country": "France"},
        },
    }
    return {**order, **changed}


@pytest.mark.parametrize(
    "wrapped",
    [
        {"order": _order()},
        {"event": {"order": _order()}},
        {"data": {"orderUpdated": {"order": _order()}}},
    ],
)
def test_a_subscription_s_order_adds_up(wrapped: dict[str, Any]) -> None:
    """With tax, as the shop shows prices; however the event is wrapped."""
    order = one(NAME, wrapped)
    assert (order.id, order.currency, order.status) == (
        "saleor:main:T3JkZXI6MQ==",
        "EUR",
        OrderStatus.ACCEPTED,
    )
    assert order.totals.tax == Money(266, "EUR")
    assert (order.lines[0].taxes[0].amount, order.lines[0].taxes[0].rate) == (Money(190, "EUR"), "19")
    assert reconcile(order).balanced
    assert order.payments[0].status is PaymentStatus.PAID
    assert order.ship_to is not None
    assert order.ship_to.address is not None
    assert (order.ship_to.address.country, order.ship_to.address.postal_code) == ("FR", "69001")
    assert order.source_version.time == "2026-01-02T00:00:00.000000Z"


def test_a_legacy_webhook_tells_the_same_in_other_letters() -> None:
    """A list with one object that names its type; amounts in one field each."""
    line = {
        "type": "OrderLine",
        "id": "T3JkZXJMaW5lOjE=",
        "product_name": "Cup",
        "quantity": 2,
        "tax_rate": "0.19",
        "unit_price_net_amount": "4.50",
        "unit_price_gross_amount": "5.35",
        "total_price_net_amount": "9.00",
        "total_price_gross_amount": "10.70",
        "undiscounted_unit_price_gross_amount": "5.95",
        "unit_discount_reason": "Sale",
    }
    legacy = {
        "type": "Order",
        "id": "T3JkZXI6MQ==",
        "status": "partially_fulfilled",
        "currency": "EUR",
        "total_net_amount": "9.00",
        "total_gross_amount": "10.70",
        "lines": [line],
        "user_email": "a@b.c",
        "payments": [{"id": "P1", "charge_status": "fully-charged", "gateway": "adyen", "total": "10.70"}],
        "fulfillments": [
            {
                "id": "F1",
                "status": "fulfilled",
                "lines": [{"id": "x", "order_line_id": line["id"], "quantity": 1}],
            },
            {
                "id": "F2",
                "status": "returned",
                "lines": [{"id": "y", "order_line_id": line["id"], "quantity": 1}],
            },
        ],
        "meta": {"issued_at": "2026-01-03T00:00:00+00:00"},
    }
    order = one(NAME, [legacy])
    assert order.status is OrderStatus.PARTIALLY_FULFILLED
    assert [(one.reason, one.amount) for one in order.lines[0].discounts] == [("Sale", Money(120, "EUR"))]
    assert reconcile(order).balanced
    assert [(one.id, one.gateway) for one in order.payments] == [("P1", "adyen")]
    assert [(one.id, one.status) for one in order.fulfilments] == [("F1", FulfilmentStatus.FULFILLED)]
    assert [(one.id, one.lines[0].line) for one in order.returns] == [("F2", "T3JkZXJMaW5lOjE=")]
    assert order.updated == "2026-01-03T00:00:00.000000Z"


def test_less_than_an_order_is_a_change_of_one() -> None:
    """A subscription that asks for status and parcels changes those, and nothing else."""
    order = one(NAME, {"order": _order()})
    parcel = {"id": "F1", "status": "FULFILLED", "trackingNumber": "T1", "lines": []}
    changed = one(
        NAME, {"order": {"id": order.id.rpartition(":")[2], "status": "FULFILLED", "fulfillments": [parcel]}}
    )
    assert changed.status is OrderStatus.FULFILLED
    after = amend(order, changed)
    assert (after.fulfilments[0].tracking_numbers, after.lines) == (("T1",), order.lines)


def test_a_draft_is_of_the_type_draft() -> None:
    """It is no order that anybody means yet."""
    assert one(NAME, {"order": _order(status="DRAFT")}).type is OrderType.DRAFT


def test_a_transaction_is_a_payment_as_it_stands() -> None:
    """What was authorized and nothing more; what the app is asked to do stays beside it."""
    told = one(NAME, shared(FOLDER + "docs__transaction_L194.json").read_bytes())
    assert [(one.id, one.status) for one in told.payments] == [("PSP ref", PaymentStatus.AUTHORIZED)]
    assert "saleor/transaction/action" in [extension.name for extension in told.extensions]


def test_too_little_for_anything_is_told_with_what_is_missing() -> None:
    """A subscription that asks only for ids."""
    told = faults(NAME, shared(FOLDER + "docs__subscription_webhook_payloads_L173.json").read_bytes())
    assert [one.split(": ")[0].rpartition("/order")[2] for one in told] == [
        "/status",
        "/currency",
        "/lines/0/quantity",
        "/total_net_amount",
    ]


def test_requests_and_answers_without_an_order_are_foreign() -> None:
    """Each says why."""
    asked = one(NAME, shared(FOLDER + "docs__order_fulfillment_L192.json").read_bytes())
    answered = one(NAME, shared(FOLDER + "docs__order_fulfillment_L225.json").read_bytes())
    assert (asked.reason, answered.kind) == (
        "a request to Saleor, not something that it told",
        "orderFulfill",
    )
    assert open_channel(NAME).delivery_id(delivery(NAME, {})) is None


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    mutated_json([*(path.read_bytes() for path in samples(NAME)), delivery(NAME, {"order": _order()}).body])
)
def test_whatever_comes_is_told_or_refused(body: bytes) -> None:
    """No change of a document raises anything else than faults, and none loses a field."""
    assert read(NAME, body) is not None
