"""Shopify's orders, refunds, transactions and parcels as its API and its webhooks have them."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from intake.channels.mutations import EXAMPLES, mutated_json
from intake.channels.told import delivery, faults, one, read, samples, words
from ordertrail.intake.amendment import Amendment, amend
from ordertrail.intake.channel import open_channel
from ordertrail.intake.faults import FaultyError
from ordertrail.intake.message import Faulty, Foreign
from ordertrail.kernel.money import Money
from ordertrail.orders.facets import facets_of
from ordertrail.orders.model import Order
from ordertrail.orders.payment import TransactionKind
from ordertrail.orders.statuses import FulfilmentStatus, OrderStatus, PaymentStatus, ReturnStatus
from ordertrail.orders.totals import reconcile
from shared_data import shared, shared_json

NAME = "shopify"
FOLDER = "samples/shopify/"

SAMPLES = {
    "go__draft_orders.json": ["foreign draft_order"],
    "go__fixtures__shippinglines__valid.json": ["foreign id"],
    "go__fulfillment.json": ["amendment fulfilments"],
    "go__fulfillment_events.json": ["amendment sightings"],
    "go__fulfillment_order_move.json": ["foreign original_fulfillment_order"],
    "go__fulfillment_send.json": ["foreign original_fulfillment_order"],
    "go__order_risks.json": ["foreign risk"],
    "go__order_with_transaction.json": ["order cancelled balanced"],
    "go__orders.json": ["order cancelled balanced"],
    "go__payments_transaction.json": ["foreign payout posting"],
    "go__properties_empty_object.json": ["foreign properties"],
    "go__properties_invalid0.json": ["faulty unreadable"],
    "go__properties_object.json": ["foreign properties"],
    "go__requested_fulfillment_service_id_invalid.json": ["faulty unreadable"],
    "go__requested_fulfillment_service_id_null.json": ["foreign id"],
    "go__transaction.json": ["amendment transactions"],
    "go__transactions.json": ["amendment transactions"],
    "go__valid.json": ["foreign fulfillable_quantity"],
    "go__webhook.json": ["foreign webhook"],
    "js__abandoned_checkout__test_1__GET_checkouts.json": ["foreign checkout"],
    "js__cancellation_request__test_1__POST_save.json": ["foreign fulfillment_order"],
    "js__dispute__test_1__GET_all.json": ["foreign dispute"],
    "js__dispute__test_3__GET_all.json": ["foreign dispute"],
    "js__draft_order__test_13__REQ_save.json": ["foreign draft_order"],
    "js__draft_order__test_1__POST_save.json": ["foreign draft_order"],
    "js__draft_order__test_2__POST_save.json": ["foreign draft_order"],
    "js__draft_order__test_4__POST_save.json": ["foreign draft_order"],
    "js__draft_order__test_6__POST_save.json": ["foreign draft_order"],
    "js__draft_order__test_7__POST_save.json": ["foreign draft_order"],
    "js__draft_order__test_8__GET_all.json": ["foreign draft_order"],
    "js__event__test_1__GET_all.json": ["foreign event"],
    "js__event__test_2__GET_all.json": ["foreign event"],
    "js__event__test_5__GET_all.json": ["foreign event"],
    "js__event__test_6__GET_all.json": ["foreign event"],
    "js__fulfillment__test_11__POST_update_tracking.json": ["amendment fulfilments"],
    "js__fulfillment__test_13__POST_cancel.json": ["amendment fulfilments"],
    "js__fulfillment__test_1__GET_all.json": ["amendment fulfilments"],
    "js__fulfillment__test_2__GET_all.json": ["amendment fulfilments"],
    "js__fulfillment__test_3__GET_all.json": ["amendment fulfilments"],
    "js__fulfillment__test_5__GET_find.json": ["amendment fulfilments"],
    "js__fulfillment__test_6__POST_save.json": ["amendment fulfilments"],
    "js__fulfillment__test_7__POST_save.json": ["amendment fulfilments"],
    "js__fulfillment__test_9__POST_save.json": ["amendment fulfilments"],
    "js__fulfillment_event__test_1__GET_all.json": ["amendment sightings"],
    "js__fulfillment_order__test_10__POST_open.json": ["foreign fulfillment_order"],
    "js__fulfillment_order__test_3__GET_all.json": ["foreign fulfillment_order"],
    "js__fulfillment_order__test_6__GET_find.json": ["foreign fulfillment_order"],
    "js__order__test_11__POST_close.json": ["order completed balanced"],
    "js__order__test_13__POST_cancel.json": ["order cancelled balanced"],
    "js__order__test_14__POST_cancel.json": ["order cancelled lines +58700"],
    "js__order__test_15__REQ_cancel.json": ["faulty missing /refund/order_id"],
    "js__order__test_16__POST_save.json": ["order accepted balanced"],
    "js__order__test_16__REQ_save.json": ["faulty missing /order/id"],
    "js__order__test_17__POST_save.json": ["order accepted balanced"],
    "js__order__test_17__REQ_save.json": ["faulty missing /order/id"],
    "js__order__test_18__REQ_save.json": ["faulty missing /order/id"],
    "js__order__test_19__POST_save.json": ["order fulfilled balanced"],
    "js__order__test_19__REQ_save.json": ["faulty missing /order/id"],
    "js__order__test_1__GET_all.json": ["order accepted balanced"],
    "js__order__test_20__POST_save.json": ["order accepted balanced"],
    "js__order__test_20__REQ_save.json": ["faulty missing /order/id"],
    "js__order__test_21__POST_save.json": ["order fulfilled balanced"],
    "js__order__test_21__REQ_save.json": ["faulty missing /order/id"],
    "js__order__test_22__POST_save.json": ["order fulfilled balanced"],
    "js__order__test_23__POST_save.json": ["order accepted balanced"],
    "js__order__test_25__REQ_save.json": ["faulty missing /order/id"],
    "js__order__test_26__REQ_save.json": ["faulty missing /order/id"],
    "js__order__test_27__REQ_save.json": ["faulty missing /order/id"],
    "js__order__test_29__PUT_save.json": ["order accepted balanced"],
    "js__order__test_32__PUT_save.json": ["order accepted balanced"],
    "js__order__test_33__PUT_save.json": ["order accepted balanced"],
    "js__order__test_5__GET_all.json": ["order accepted balanced"],
    "js__order__test_6__GET_all.json": ["order accepted balanced"],
    "js__order__test_8__GET_find.json": ["order accepted balanced"],
    "js__order_risk__test_2__GET_all.json": ["foreign risk"],
    "js__order_risk__test_3__GET_find.json": ["foreign risk"],
    "js__order_risk__test_4__PUT_save.json": ["foreign risk"],
    "js__payout__test_1__GET_all.json": ["foreign payout"],
    "js__payout__test_2__GET_all.json": ["foreign payout"],
    "js__refund__test_1__GET_all.json": ["amendment transactions returns"],
    "js__refund__test_2__POST_save.json": ["amendment transactions returns"],
    "js__refund__test_2__REQ_save.json": ["faulty missing /refund/order_id"],
    "js__refund__test_3__REQ_save.json": ["faulty missing /refund/order_id"],
    "js__refund__test_5__POST_calculate.json": ["faulty missing /refund/order_id"],
    "js__refund__test_5__REQ_calculate.json": ["faulty missing /refund/order_id"],
    "js__refund__test_6__POST_calculate.json": ["faulty missing /refund/order_id"],
    "js__tender_transaction__test_3__GET_all.json": ["foreign tender_transaction"],
    "js__transaction__test_2__GET_all.json": ["amendment transactions"],
    "js__transaction__test_3__POST_save.json": ["amendment transactions"],
    "js__transaction__test_5__POST_save.json": ["amendment transactions"],
    "js__transaction__test_6__POST_save.json": ["amendment transactions"],
    "js__transaction__test_8__GET_find.json": ["amendment transactions"],
    "py__balance.json": ["foreign balance"],
    "py__dispute.json": ["foreign dispute"],
    "py__disputes.json": ["foreign dispute"],
    "py__draft_order.json": ["foreign draft_order"],
    "py__draft_order_completed.json": ["foreign draft_order"],
    "py__draft_orders.json": ["foreign draft_order"],
    "py__fulfillment_event.json": ["amendment sightings"],
    "py__fulfillment_service.json": ["foreign fulfillment_service"],
    "py__order_risk.json": ["foreign risk"],
    "py__order_risks.json": ["foreign risk"],
    "py__orders.json": ["faulty missing /orders/*/line_items"],
    "py__payouts_transactions.json": ["foreign payout posting"],
    "py__refund.json": ["amendment transactions returns"],
    "py__tender_transactions.json": ["foreign tender_transaction"],
    "py__transaction.json": ["faulty missing /transaction/currency"],
    "py__transactions.json": ["faulty missing /*/currency"],
}


@pytest.mark.parametrize("path", samples(NAME), ids=lambda path: path.name)
def test_each_sample_tells_what_it_is_known_to_tell(path: Path) -> None:
    """Orders, changes, what is foreign and what is broken: a mapping that changes shows here."""
    assert words(read(NAME, path.read_bytes())) == SAMPLES[path.name]


def test_an_order_of_which_goods_were_returned_is_told_as_it_is_now() -> None:
    """Two of three iPods went back: what is left costs 195.67 and its tax, and at first it was 598.94."""
    order = one(NAME, shared(FOLDER + "js__order__test_8__GET_find.json").read_bytes())
    assert isinstance(order, Order)
    assert (order.id, order.number, order.status) == ("shopify:main:450789469", "#1001", OrderStatus.ACCEPTED)
    assert order.placed == order.updated == "2008-01-10T16:00:00.000000Z"
    assert (order.totals.lines, order.totals.grand_total) == (Money(19567, "USD"), Money(19965, "USD"))
    assert order.original_totals is not None
    assert order.original_totals.grand_total == Money(59894, "USD")
    green, red, _ = order.lines
    assert (green.quantities.ordered, green.quantities.cancelled, green.quantities.returned) == (
        "1",
        "1",
        "1",
    )
    assert (green.discounts, green.taxes) == ((), ())
    assert (red.quantities.cancelled, red.taxes[0].rate) == (None, "6")
    assert [(one.code, one.amount) for one in red.discounts] == [("TENOFF", Money(333, "USD"))]
    assert reconcile(order).balanced
    (back,) = order.returns
    assert (back.status, back.refund, back.reason) == (
        ReturnStatus.REFUNDED,
        Money(20900, "USD"),
        "it broke during shipping",
    )
    assert {share.line: share.restocked for share in back.lines} == {"703073504": True, "466157049": True}
    assert facets_of(order).payment is PaymentStatus.PARTIALLY_REFUNDED
    assert order.fulfilments[0].status is FulfilmentStatus.EXCEPTION
    assert order.ship_to is not None
    assert order.ship_to.address is not None
    assert (order.ship_to.address.region_code, order.ship_to.address.country) == ("KY", "US")
    assert ("buyer", "purchase_order", "ABC123") in [
        (one.system, one.kind, one.id) for one in order.references
    ]


def test_a_webhook_and_an_answer_of_the_api_give_one_order() -> None:
    """The envelope makes no difference: the same id, the same values, the same names of what has no field."""
    inner = shared_json(FOLDER + "js__order__test_8__GET_find.json")["order"]
    listed = read(NAME, {"orders": [inner, inner]})
    hooked = one(NAME, inner, x_shopify_topic="orders/updated")
    assert [message.pointer for message in listed] == ["/orders/0", "/orders/1"]
    assert all(message.content == hooked for message in listed)


def test_a_refund_is_added_to_the_order_it_names() -> None:
    """What came back and what was given back are parts of the order afterwards; the payment is its gateway."""
    order = one(NAME, shared(FOLDER + "js__order__test_8__GET_find.json").read_bytes())
    refund = one(NAME, shared_json(FOLDER + "py__refund.json")["refund"], x_shopify_topic="refunds/create")
    assert isinstance(refund, Amendment)
    assert refund.order == order.id
    assert refund.version is not None
    assert refund.version.time == "2016-06-20T17:35:06.000000Z"
    changed = amend(order, refund)
    (payment,) = changed.payments
    assert [(one.kind, one.amount) for one in payment.transactions] == [
        (TransactionKind.REFUND, Money(20900, "USD"))
    ]
    assert len(changed.returns) == 1
    assert "shopify/refund/509562969/restock" in [extension.name for extension in changed.extensions]


def test_a_transaction_begins_a_payment_that_the_order_does_not_know() -> None:
    """The capture may come before the order that names its gateway."""
    bare = one(NAME, _order(payment_gateway_names=[], financial_status=None))
    capture = {
        "id": 5,
        "order_id": 7,
        "kind": "capture",
        "status": "success",
        "amount": "10.00",
        "currency": "EUR",
        "gateway": "stripe",
        "created_at": "2026-01-02T00:00:00Z",
    }
    paid = amend(bare, one(NAME, capture, x_shopify_topic="order_transactions/create"))
    assert [(one.id, one.status) for one in paid.payments] == [("stripe", PaymentStatus.PAID)]
    assert facets_of(paid).payment is PaymentStatus.PAID


def test_a_carrier_s_scan_moves_the_parcel_on() -> None:
    """A fulfilment event changes the parcel of the order and leaves its lines as they are."""
    parcel = {
        "id": 11,
        "status": "success",
        "tracking_numbers": ["T1"],
        "line_items": [{"id": 1, "quantity": 1}],
    }
    order = one(NAME, _order(fulfillments=[parcel], fulfillment_status="fulfilled"))
    event = {
        "id": 3,
        "fulfillment_id": 11,
        "order_id": 7,
        "status": "in_transit",
        "city": "Lyon",
        "happened_at": "2026-01-03T08:00:00+01:00",
    }
    (moved,) = amend(order, one(NAME, event, x_shopify_topic="fulfillment_events/create")).fulfilments
    assert (moved.status, moved.lines, moved.tracking_numbers) == (
        FulfilmentStatus.IN_TRANSIT,
        order.fulfilments[0].lines,
        ("T1",),
    )
    assert (moved.sightings[0].at, moved.sightings[0].place) == ("2026-01-03T07:00:00.000000Z", "Lyon")
    assert order.status is OrderStatus.FULFILLED
    assert order.lines[0].quantities.shipped == "1"


def _order(**changed: Any) -> dict[str, Any]:
    """Return a small order: one thing for 10 euros."""
    line = {"id": 1, "title": "Cup", "quantity": 1, "price": "10.00", "tax_lines": []}
    order = {
        "id": 7,
        "name": "#7",
        "currency": "EUR",
        "total_price": "10.00",
        "subtotal_price": "10.00",
        "total_tax": "0.00",
        "taxes_included": True,
        "line_items": [line],
        "financial_status": "paid",
        "updated_at": "2026-01-01T00:00:00Z",
        "payment_gateway_names": ["stripe"],
    }
    return {**order, **changed}


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({}, OrderStatus.ACCEPTED),
        ({"confirmed": False}, OrderStatus.RECEIVED),
        ({"fulfillment_status": "partial"}, OrderStatus.PARTIALLY_FULFILLED),
        ({"fulfillment_status": "fulfilled"}, OrderStatus.FULFILLED),
        ({"fulfillment_status": "fulfilled", "closed_at": "2026-02-01T00:00:00Z"}, OrderStatus.COMPLETED),
        (
            {"cancelled_at": "2026-02-01T00:00:00Z", "closed_at": "2026-02-01T00:00:00Z"},
            OrderStatus.CANCELLED,
        ),
    ],
)
def test_where_an_order_stands(changed: dict[str, Any], status: OrderStatus) -> None:
    """Cancelled before closed before sent before accepted."""
    assert one(NAME, _order(**changed)).status is status


def test_the_buyer_s_currency_has_totals_of_its_own() -> None:
    """Shop and buyer in two currencies: both sums are told, each in its own minor units."""
    pair = {
        "shop_money": {"amount": "10.00", "currency_code": "EUR"},
        "presentment_money": {"amount": "1600", "currency_code": "JPY"},
    }
    order = one(NAME, _order(total_price_set=pair, subtotal_price_set=pair, presentment_currency="JPY"))
    assert order.presentment_totals is not None
    assert order.presentment_totals.grand_total == Money(1600, "JPY")
    assert reconcile(order).balanced


def test_discounts_of_old_orders_stand_on_the_order() -> None:
    """Before allocations, only codes say what was taken off: 2.00 of 10.00."""
    order = one(
        NAME,
        _order(
            total_price="8.00",
            subtotal_price="8.00",
            total_line_items_price="10.00",
            total_discounts="2.00",
            discount_codes=[{"code": "TWO", "amount": "2.00", "type": "fixed_amount"}],
        ),
    )
    assert [(one.code, one.amount) for one in order.discounts] == [("TWO", Money(200, "EUR"))]
    assert reconcile(order).balanced


def test_part_of_a_line_that_is_taken_off_takes_its_share_of_discount_and_tax() -> None:
    """Of three at 10.00 less 1.00 with 0.90 tax, one is taken off for 9.67 and 0.30: 19.33 and 0.60 are left."""
    line = {
        "id": 1,
        "title": "Cup",
        "quantity": 3,
        "current_quantity": 2,
        "price": "10.00",
        "tax_lines": [{"price": "0.90", "rate": 0.031, "title": "VAT"}],
        "discount_allocations": [{"amount": "1.00", "discount_application_index": 0}],
    }
    gone = {"line_item_id": 1, "quantity": 1, "restock_type": "cancel", "subtotal": 9.67, "total_tax": 0.30}
    order = one(
        NAME,
        _order(
            line_items=[line],
            discount_applications=[{"type": "automatic", "title": "Spring", "value": "1.0"}],
            refunds=[{"id": 2, "refund_line_items": [gone]}],
            taxes_included=False,
            total_price="29.90",
            subtotal_price="29.00",
            total_tax="0.90",
            current_total_price="19.93",
            current_subtotal_price="19.33",
            current_total_tax="0.60",
        ),
    )
    assert (order.lines[0].quantities.cancelled, order.lines[0].quantities.returned) == ("1", None)
    assert (order.lines[0].discounts[0].amount, order.lines[0].discounts[0].reason) == (
        Money(67, "EUR"),
        "Spring",
    )
    assert order.lines[0].taxes[0].amount == Money(60, "EUR")
    assert order.returns == ()
    assert reconcile(order).balanced


def test_a_deleted_order_is_archived() -> None:
    """``orders/delete`` names only the id."""
    gone = one(NAME, {"id": 7}, x_shopify_topic="orders/delete")
    assert (gone.order, gone.status) == ("shopify:main:7", OrderStatus.ARCHIVED)


def test_topics_of_other_things_are_foreign() -> None:
    """A product is not taken for an order, whatever its fields."""
    told = one(NAME, _order(), x_shopify_topic="products/update")
    assert told == Foreign("products/update", told.reason)


def test_the_id_of_a_delivery_is_the_webhook_s() -> None:
    """It is in a header; an answer to a question has none."""
    channel = open_channel(NAME)
    assert channel.delivery_id(delivery(NAME, {}, x_shopify_webhook_id="b54557e4")) == "b54557e4"
    assert channel.delivery_id(delivery(NAME, {})) is None


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"currency": "EURO"}, "/currency: 'EURO' is not an ISO 4217 currency in use"),
        ({"total_price": "ten"}, "/total_price: 'ten' is not a number"),
        ({"updated_at": "yesterday"}, "/updated_at: 'yesterday' is not a date or time of ISO 8601"),
        ({"line_items": [{"id": 1, "price": "1", "quantity": "-1"}]}, "/line_items/0/quantity: -1"),
        ({"financial_status": "wonderful"}, "/financial_status: 'wonderful' is not known here"),
        ({"line_items": None}, "/line_items: line_items is missing"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(changed: dict[str, Any], told: str) -> None:
    """One wrong field is one fault, where it stands."""
    (fault,) = faults(NAME, _order(**changed))
    assert fault.startswith(told.split(": -1", maxsplit=1)[0])


def test_all_that_is_wrong_is_told_at_once() -> None:
    """Three fields are wrong, and three faults are told, with our id of the order."""
    broken = one(NAME, _order(currency="EURO", updated_at="never", financial_status="?"))
    assert isinstance(broken, Faulty)
    assert broken.order == "shopify:main:7"
    assert [fault.path for fault in broken.faults] == ["/currency", "/updated_at", "/financial_status"]


def test_bytes_that_are_no_json_say_where() -> None:
    """Two samples of other people's are cut off in the middle."""
    places = {"go__properties_invalid0": 4, "go__requested_fulfillment_service_id_invalid": 42}
    for name, line in places.items():
        (fault,) = faults(NAME, shared(f"{FOLDER}{name}.json").read_bytes())
        assert fault.startswith(f"not JSON: line {line}, column ")


@settings(max_examples=EXAMPLES, deadline=None)
@given(mutated_json([path.read_bytes() for path in samples(NAME)]))
def test_whatever_comes_is_told_or_refused(body: bytes) -> None:
    """No change of a document raises anything else than faults, and none loses a field."""
    try:
        read(NAME, body)
    except FaultyError:
        pytest.fail("the conformance check hands faults on as messages")
