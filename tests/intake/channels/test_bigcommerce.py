"""BigCommerce's orders, products, shipments, refunds and webhooks."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from intake.channels.mutations import EXAMPLES, mutated_json
from intake.channels.told import delivery, faults, one, read, samples, words
from ordertrail.intake.amendment import amend
from ordertrail.intake.channel import open_channel
from ordertrail.kernel.money import Money
from ordertrail.orders.statuses import FulfilmentStatus, OrderStatus, PaymentStatus
from ordertrail.orders.totals import reconcile
from shared_data import shared

NAME = "bigcommerce"
FOLDER = "samples/bigcommerce/"

SAMPLES = {
    "docs__orders_L357.json": ["foreign data"],
    "docs__orders_L418.json": ["foreign data"],
    "store_cart_abandoned.json": ["foreign store/cart/abandoned"],
    "store_cart_couponApplied.json": ["foreign store/cart/couponApplied"],
    "store_cart_created.json": ["foreign store/cart/created"],
    "store_cart_deleted.json": ["foreign store/cart/deleted"],
    "store_cart_lineItem_created.json": ["foreign store/cart/lineItem/created"],
    "store_cart_lineItem_deleted.json": ["foreign store/cart/lineItem/updated"],
    "store_cart_updated.json": ["foreign store/cart/updated"],
    "store_order_created.json": ["foreign store/order/created"],
    "store_order_message_created.json": ["foreign store/order/message/created"],
    "store_order_refund_created.json": ["foreign store/order/refund/created"],
    "store_order_statusUpdated.json": ["amendment status"],
    "store_shipment_created.json": ["foreign store/shipment/created"],
    "store_shipment_deleted.json": ["foreign store/shipment/deleted"],
    "v2__createOrderShipments__201__application_json.json": ["amendment fulfilments"],
    "v2__getAllOrders__200__response.json": ["order accepted tax -2563, grand_total +2563"],
    "v2__getAnOrderProduct__200__response.json": ["amendment lines"],
    "v2__getOrderMessages__200__response.json": ["amendment notes"],
    "v2__getOrderStatus__200__response.json": ["foreign order_status"],
    "v2__getOrderTaxes__200__response.json": ["foreign tax"],
    "v2__updateAShippingAddress__200__response.json": ["foreign address"],
    "v3__postrefunds__201.json": ["amendment returns", "amendment"],
}


@pytest.mark.parametrize("path", samples(NAME), ids=lambda path: path.name)
def test_each_sample_tells_what_it_is_known_to_tell(path: Path) -> None:
    """Orders, changes and what is foreign: a mapping that changes shows here."""
    assert words(read(NAME, path.read_bytes())) == SAMPLES[path.name]


def test_an_order_without_its_products_says_so_in_its_sums() -> None:
    """The V2 API links to products; the order is told, and reconciling says that its lines were not."""
    order = one(NAME, shared(FOLDER + "v2__getAllOrders__200__response.json").read_bytes())
    assert (order.id, order.status, order.lines) == ("bigcommerce:main:100", OrderStatus.ACCEPTED, ())
    assert order.placed == "2018-01-10T21:05:30.000000Z"
    assert order.payments[0].status is PaymentStatus.AUTHORIZED
    assert "totals.lines" in dict(reconcile(order).unchecked)


def _order(**changed: Any) -> dict[str, Any]:
    """Return a small order: two cups, shipping and gift wrap, with tax."""
    product = {
        "id": 1,
        "name": "Cup",
        "quantity": 2,
        "price_ex_tax": "5.0000",
        "total_ex_tax": "10.0000",
        "total_tax": "1.9000",
        "total_inc_tax": "11.9000",
        "upc": "4006381333931",
    }
    order = {
        "id": 7,
        "status_id": 11,
        "status": "Awaiting Fulfillment",
        "currency_code": "EUR",
        "subtotal_ex_tax": "10.0000",
        "subtotal_inc_tax": "11.9000",
        "subtotal_tax": "1.9000",
        "shipping_cost_ex_tax": "4.0000",
        "shipping_cost_tax": "0.7600",
        "shipping_cost_inc_tax": "4.7600",
        "wrapping_cost_ex_tax": "1.0000",
        "wrapping_cost_tax": "0.1900",
        "coupon_discount": "2.0000",
        "total_ex_tax": "13.0000",
        "total_tax": "2.8500",
        "total_inc_tax": "15.8500",
        "products": [product],
        "coupons": [{"id": 1, "code": "TWO", "discount": "2.0000"}],
    }
    return {**order, **changed}


def test_an_order_with_its_products_adds_up() -> None:
    """Amounts are without tax, the tax beside them; shipping, wrapping and the coupon stand where they apply."""
    order = one(NAME, _order())
    assert reconcile(order).balanced
    assert order.lines[0].item.gtin == "4006381333931"
    assert [(charge.kind, charge.amount) for charge in order.charges] == [("wrapping", Money(100, "EUR"))]
    assert [(one.code, one.amount) for one in order.discounts] == [("TWO", Money(200, "EUR"))]


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"status_id": 2}, OrderStatus.FULFILLED),
        ({"status_id": "6"}, OrderStatus.REJECTED),
        ({"status_id": 12}, OrderStatus.ON_HOLD),
        ({"status_id": None, "status": "Shipped"}, OrderStatus.FULFILLED),
        ({"is_deleted": True}, OrderStatus.ARCHIVED),
    ],
)
def test_where_an_order_stands(changed: dict[str, Any], status: OrderStatus) -> None:
    """By number, by name, or archived."""
    assert one(NAME, _order(**changed)).status is status


def test_a_product_comes_again_as_the_line_it_is() -> None:
    """The second answer replaces the line of the first; amounts want the account's currency."""
    order = one(NAME, _order())
    product = {**_order()["products"][0], "order_id": 7, "product_id": 3, "quantity_shipped": 2}
    changed = amend(order, one(NAME, product, currency="EUR"))
    assert [line.quantities.shipped for line in changed.lines] == ["2"]
    assert changed.lines[0].unit_price == order.lines[0].unit_price
    assert amend(changed, one(NAME, product, currency="EUR")) == changed


def test_a_shipment_is_a_parcel() -> None:
    """What is in it, by the order's own lines, and where it goes."""
    sent = one(NAME, shared(FOLDER + "v2__createOrderShipments__201__application_json.json").read_bytes())
    (parcel,) = sent.fulfilments
    assert (sent.order, parcel.status, parcel.carrier) == (
        "bigcommerce:main:228",
        FulfilmentStatus.FULFILLED,
        "usps",
    )
    assert [(share.line, share.quantity) for share in parcel.lines] == [("194", "1"), ("195", "1")]
    assert parcel.destination is not None
    assert parcel.destination.organisation == "Acme Pty Ltd"


def test_a_webhook_of_a_new_status_changes_the_status() -> None:
    """The others only say that something is to be asked for."""
    changed = one(NAME, shared(FOLDER + "store_order_statusUpdated.json").read_bytes())
    assert (changed.order, changed.status) == ("bigcommerce:main:250", OrderStatus.ACCEPTED)
    assert changed.version.time == "2019-06-25T16:15:35.000000Z"
    notice = one(NAME, shared(FOLDER + "store_shipment_created.json").read_bytes())
    assert notice.reason == "a notice that tells nothing else: ask for order 251"


def test_a_webhook_is_known_by_its_hash_and_its_time() -> None:
    """Two notices of one order are two; the same one sent again is one."""
    channel = open_channel(NAME)
    body = shared(FOLDER + "store_order_created.json").read_bytes()
    assert channel.delivery_id(delivery(NAME, body)) == "dd70c0976e06b67aaf671e73f49dcb79230ebf9d:1561479335"
    assert channel.delivery_id(delivery(NAME, [_order()])) is None
    assert channel.delivery_id(delivery(NAME, b"\xff")) is None


def test_what_is_wrong_is_told_with_its_place() -> None:
    """An unknown status and an amount that is none."""
    told = faults(NAME, _order(status_id=99, total_inc_tax="much"))
    assert [one.split(":")[0] for one in told] == ["/status_id", "/total_inc_tax"]


@settings(max_examples=EXAMPLES, deadline=None)
@given(mutated_json([path.read_bytes() for path in samples(NAME)]))
def test_whatever_comes_is_told_or_refused(body: bytes) -> None:
    """No change of a document raises anything else than faults, and none loses a field."""
    assert read(NAME, body) is not None
