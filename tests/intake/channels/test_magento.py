"""Magento's orders, invoices, shipments and credit memos, from its API and in events."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from intake.channels.mutations import EXAMPLES, mutated_json
from intake.channels.told import delivery, faults, one, read, samples, words
from ordertrail.intake.amendment import amend
from ordertrail.intake.channel import open_channel
from ordertrail.kernel.money import Money
from ordertrail.orders.facets import facets_of
from ordertrail.orders.statuses import OrderStatus, PaymentStatus, ReturnStatus
from ordertrail.orders.totals import reconcile
from shared_data import shared

NAME = "magento"
FOLDER = "samples/magento/"

SAMPLES = {
    "docs__create_invoice_L76.json": ["amendment transactions references"],
    "docs__in_store_pickup_L248.json": ["foreign checkout"],
    "docs__negotiable_checkout_L658.json": ["foreign checkout"],
    "docs__negotiable_checkout_L847.json": ["foreign checkout"],
    "docs__negotiable_order_workflow_L271.json": ["foreign checkout"],
    "docs__order_create_invoice_L67.json": ["amendment transactions references"],
    "docs__order_prepare_checkout_L169.json": ["foreign checkout"],
    "event__create_events_L82.json": ["foreign items"],
    "starterkit__README_L12.json": ["amendment fulfilments notes"],
}


@pytest.mark.parametrize("path", samples(NAME), ids=lambda path: path.name)
def test_each_sample_tells_what_it_is_known_to_tell(path: Path) -> None:
    """Changes and what is foreign: a mapping that changes shows here."""
    assert words(read(NAME, path.read_bytes())) == SAMPLES[path.name]


def _item(ident: int, **changed: Any) -> dict[str, Any]:
    item = {
        "item_id": ident,
        "sku": f"C-{ident}",
        "name": "Cup",
        "qty_ordered": 2,
        "price": 5,
        "base_price": 5,
        "row_total": 10,
        "base_row_total": 10,
        "tax_amount": 1.9,
        "tax_percent": 19,
        "discount_amount": 0,
    }
    return {**item, **changed}


def _order(**changed: Any) -> dict[str, Any]:
    """Return a small order: two cups and shipping, with tax, as the REST API has it."""
    shipping = {"address": {"city": "Lyon", "country_id": "FR", "street": ["1 rue X", "B"]}, "method": "flat"}
    order = {
        "entity_id": 7,
        "increment_id": "000000007",
        "state": "processing",
        "status": "processing",
        "order_currency_code": "EUR",
        "base_currency_code": "EUR",
        "store_id": 1,
        "items": [_item(1)],
        "subtotal": 10,
        "base_subtotal": 10,
        "shipping_amount": 4,
        "shipping_tax_amount": 0.76,
        "tax_amount": 2.66,
        "grand_total": 16.66,
        "base_grand_total": 16.66,
        "discount_amount": 0,
        "total_paid": 16.66,
        "total_due": 0,
        "created_at": "2026-01-01 10:00:00",
        "updated_at": "2026-01-02 10:00:00",
        "payment": {"method": "checkmo", "amount_ordered": 16.66},
        "extension_attributes": {"shipping_assignments": [{"shipping": shipping}]},
    }
    return {**order, **changed}


def test_an_order_adds_up() -> None:
    """Lines, shipping, taxes and what was paid; times are in UTC."""
    order = one(NAME, _order())
    assert (order.id, order.number, order.site) == ("magento:main:7", "000000007", "1")
    assert (order.status, order.placed) == (OrderStatus.PROCESSING, "2026-01-01T10:00:00.000000Z")
    assert reconcile(order).balanced
    assert order.payments[0].status is PaymentStatus.PAID
    assert order.ship_to is not None
    assert order.ship_to.address is not None
    assert order.ship_to.address.street == ("1 rue X", "B")
    assert not [one for one in order.extensions if one.pointer.startswith("/base_")]


def test_the_tax_in_a_discount_is_not_taken_off_twice() -> None:
    """With prices that hold tax, 2.38 off is 2.00 without: Magento tells the difference as compensation."""
    item = _item(1, discount_amount=2.38, discount_tax_compensation_amount=0.38, tax_amount=1.52)
    order = one(
        NAME,
        _order(items=[item], discount_amount=-2.38, tax_amount=2.28, grand_total=14.28, coupon_code="TWO"),
    )
    assert [(one.code, one.amount) for one in order.lines[0].discounts] == [("TWO", Money(200, "EUR"))]
    assert [check.path for check in reconcile(order).differences] == ["totals.due"]


@pytest.mark.parametrize("parts", [{"price": 0, "row_total": 0}, {"price": 5, "row_total": 10}])
def test_a_bundle_costs_once(parts: dict[str, Any]) -> None:
    """Of a configuration the child costs nothing; of a bundle the parts repeat what the whole costs."""
    child = _item(2, parent_item_id=1, tax_amount=0, **parts)
    order = one(NAME, _order(items=[_item(1), child]))
    assert [line.parent for line in order.lines] == [None, "1"]
    assert reconcile(order).balanced


def test_an_event_tells_the_same_order() -> None:
    """Numbers are texts there, and the order stands in the value of the event's data."""
    event = {
        "specversion": "1.0",
        "id": "e-1",
        "type": "com.adobe.commerce.observer.sales_order_save_commit_after",
        "data": {"key": "k", "value": _order(entity_id="7", grand_total="16.6600")},
    }
    assert one(NAME, event) == one(NAME, _order())
    assert open_channel(NAME).delivery_id(delivery(NAME, event)) == "e-1"
    searched = read(NAME, {"items": [_order()], "search_criteria": {}, "total_count": 1})
    assert [message.pointer for message in searched] == ["/items/0"]


def test_an_invoice_takes_the_money_and_a_credit_memo_gives_it_back() -> None:
    """Both name the order by its number in the database, and their own numbers become references."""
    order = one(NAME, _order(entity_id=3, total_paid=0, total_due=16.66))
    invoice = one(NAME, shared(FOLDER + "docs__order_create_invoice_L67.json").read_bytes())
    assert (invoice.order, invoice.transactions[0].transaction.amount) == (order.id, Money(16500, "USD"))
    memo = {
        "entity_id": 9,
        "order_id": 3,
        "increment_id": "000000009",
        "state": 2,
        "adjustment": 0,
        "order_currency_code": "EUR",
        "grand_total": 5.95,
        "created_at": "2026-02-01 00:00:00",
        "items": [{"order_item_id": 1, "qty": 1}, {"order_item_id": 2, "qty": 0}],
    }
    changed = amend(order, one(NAME, memo))
    (back,) = changed.returns
    assert (back.status, back.refund) == (ReturnStatus.REFUNDED, Money(595, "EUR"))
    assert [(share.line, share.quantity) for share in back.lines] == [("1", "1")]
    assert facets_of(changed).payment is PaymentStatus.REFUNDED


def test_a_shipment_in_camel_case_is_a_parcel() -> None:
    """Adobe's starter kit sends what the REST API would, in other letters."""
    sent = one(NAME, shared(FOLDER + "starterkit__README_L12.json").read_bytes())
    (parcel,) = sent.fulfilments
    assert (sent.order, parcel.id, parcel.tracking_numbers) == ("magento:main:7", "32", ("Custom Value",))
    assert [(share.line, share.quantity) for share in parcel.lines] == [("7", "1")]
    assert sent.notes[0].text == "Order Shipped from API"


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("new", OrderStatus.VALIDATED),
        ("pending_payment", OrderStatus.RECEIVED),
        ("holded", OrderStatus.ON_HOLD),
        ("complete", OrderStatus.COMPLETED),
        ("canceled", OrderStatus.CANCELLED),
    ],
)
def test_where_an_order_stands(state: str, status: OrderStatus) -> None:
    """The state decides; the status is a shop's own word for it."""
    assert one(NAME, _order(state=state, status="our_own_word")).status is status


def test_what_is_wrong_is_told_with_its_place() -> None:
    """Three faults of one order."""
    told = faults(NAME, _order(state="odd", order_currency_code="??", items=[_item(1, qty_ordered=-2)]))
    assert [one.split(":")[0] for one in told] == ["/state", "/order_currency_code", "/items/0/qty_ordered"]


@settings(max_examples=EXAMPLES, deadline=None)
@given(mutated_json([*(path.read_bytes() for path in samples(NAME)), delivery(NAME, _order()).body]))
def test_whatever_comes_is_told_or_refused(body: bytes) -> None:
    """No change of a document raises anything else than faults, and none loses a field."""
    assert read(NAME, body) is not None
