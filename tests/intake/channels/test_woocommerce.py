"""WooCommerce's orders, refunds, notes and trackings as its API and its webhooks have them."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from intake.channels.mutations import EXAMPLES, mutated_json
from intake.channels.told import delivery, faults, one, read, samples, words
from ordertrail.intake.amendment import amend
from ordertrail.intake.channel import open_channel
from ordertrail.intake.delivery import Delivery, Source, Way
from ordertrail.intake.message import Foreign
from ordertrail.kernel.money import Money
from ordertrail.orders.facets import facets_of
from ordertrail.orders.lines import Price
from ordertrail.orders.model import Order, OrderType
from ordertrail.orders.statuses import OrderStatus, PaymentStatus
from ordertrail.orders.totals import reconcile
from shared_data import shared

NAME = "woocommerce"
FOLDER = "samples/woocommerce/"

SAMPLES = {
    "broken-orders-mark-2.json": ["order accepted balanced"],
    "docs__order_notes_L222.json": ["amendment notes"],
    "docs__order_refunds_L333.json": ["amendment", "amendment returns"],
    "docs__orders_L2251.json": [
        "order received balanced",
        "order accepted balanced",
        "order completed balanced",
        "order archived balanced",
    ],
    "docs__orders_L454.json": ["order accepted balanced"],
    "docs__orders_L870.json": ["order accepted balanced", "order completed balanced"],
    "docs__webhooks_L149.json": ["foreign webhook"],
    "docs__webhooks_L301.json": ["foreign webhook"],
    "docs__webhooks_L448.json": ["foreign webhook"],
    "docs__webhooks_L702.json": ["foreign webhook"],
    "droid__2201_detailed.json": ["foreign request"],
    "droid__2201_shipment_tracking.json": ["foreign request"],
    "droid__2787_details.json": ["foreign request"],
    "droid__orders_any.json": ["foreign request"],
    "droid__orders_create_empty.json": ["foreign request"],
    "droid__orders_create_simple_product.json": ["foreign request"],
    "droid__orders_processing.json": ["foreign request"],
    "droid__orders_processing_detailed.json": ["foreign request"],
    "new-order-note.json": ["amendment notes"],
    "order-560-all-refunds.json": ["amendment returns"],
    "order-auto-draft-status.json": ["order received shipping -13300, grand_total -12550, tax -651"],
    "order-details-partially-refunded.json": ["order completed balanced"],
    "order-fully-refunded.json": ["order completed balanced"],
    "order-gift-card-invalid-error.json": ["foreign error"],
    "order-notes-without-data.json": ["amendment notes"],
    "order-notes.json": ["amendment notes"],
    "order-shipping-labels.json": ["faulty unreadable"],
    "order-with-all-addon-types.json": ["order accepted balanced"],
    "order-with-attribution-info.json": ["order accepted balanced"],
    "order-with-bundled-line-items.json": ["order accepted grand_total +4500"],
    "order-with-charge.json": ["order accepted balanced"],
    "order-with-composite-product.json": ["order accepted balanced"],
    "order-with-line-item-attributes.json": ["faulty unreadable"],
    "order-with-special-character-currency.json": [
        "order accepted shipping -13300, grand_total -12550, tax -651"
    ],
    "order-with-subscription-renewal.json": ["order accepted balanced"],
    "refund-single-without-data.json": ["amendment returns"],
    "refund-single.json": ["amendment returns"],
    "refunds-all-without-data.json": ["amendment returns"],
    "refunds-all.json": ["amendment returns"],
    "shipment_tracking_new.json": ["amendment fulfilments"],
    "shipment_tracking_new_custom_provider.json": ["amendment fulfilments"],
    "shipment_tracking_single.json": ["amendment fulfilments"],
    "shipment_tracking_single_without_data.json": ["amendment fulfilments"],
}


@pytest.mark.parametrize("path", samples(NAME), ids=lambda path: path.name)
def test_each_sample_tells_what_it_is_known_to_tell(path: Path) -> None:
    """Orders, changes, what is foreign and what is broken: a mapping that changes shows here."""
    assert words(read(NAME, path.read_bytes())) == SAMPLES[path.name]


def test_an_order_in_part_refunded() -> None:
    """Eight lines and shipping come to 304.45, of which a refund gave some back."""
    order = one(NAME, shared(FOLDER + "order-details-partially-refunded.json").read_bytes())
    assert (order.id, order.number, order.status) == ("woocommerce:main:324", "324", OrderStatus.COMPLETED)
    assert (order.placed, order.updated) == ("2019-06-06T17:17:55.000000Z", "2019-06-06T17:18:38.000000Z")
    assert order.totals.grand_total == Money(30445, "USD")
    assert order.lines[2].unit_price == Price(amount=Money(1080, "USD"), per="1")
    assert reconcile(order).balanced
    assert facets_of(order).payment is PaymentStatus.PARTIALLY_REFUNDED
    assert order.payments[0].reference == "ch_1EiPDtJ71fgCH5kvO01uF7ew"
    assert order.fulfilments[0].tracking_numbers == ("117579686762",)
    assert order.bill_to is not None
    assert order.bill_to.organisation == "Smithsonian Natural History Museum"


def test_a_line_that_is_there_twice_word_for_word_is_one() -> None:
    """WooCommerce 3.4 wrote lines twice; the total counts them once."""
    first: Any = read(NAME, shared(FOLDER + "broken-orders-mark-2.json").read_bytes())[0].content
    assert [line.id for line in first.lines] == ["7"]
    assert reconcile(first).balanced


def test_taxes_rounded_once_stand_on_the_order() -> None:
    """1.13 + 0.23 + 0.90 on lines, and 2.25 in all: the shop rounds once a rate, and the order keeps to that."""
    order: Any = read(NAME, shared(FOLDER + "docs__orders_L2251.json").read_bytes())[0].content
    assert [tax.amount for tax in order.taxes] == [Money(225, "USD")]
    assert not any(line.taxes for line in order.lines)
    assert reconcile(order).balanced


def test_a_refund_names_its_order_only_in_a_link() -> None:
    """The line that came back is named in metadata; amounts want the account's currency."""
    body = shared(FOLDER + "refund-single.json").read_bytes()
    bare = one(NAME, body)
    assert (bare.order, bare.transactions) == ("woocommerce:main:560", ())
    assert [(back.line, back.quantity) for back in bare.returns[0].lines] == [("65", "1")]
    assert "woocommerce/refund/562/amount" in [extension.name for extension in bare.extensions]
    paid = one(NAME, body, currency="USD")
    assert paid.returns[0].refund == Money(2700, "USD")
    assert paid.transactions[0].transaction.amount == Money(2700, "USD")


def _order(**changed: Any) -> dict[str, Any]:
    """Return a small order: three cups for 10 euros."""
    line = {"id": 1, "name": "Cup", "quantity": 3, "subtotal": "10.00", "total": "10.00", "total_tax": "0.00"}
    order = {
        "id": 7,
        "number": "7",
        "status": "processing",
        "currency": "EUR",
        "total": "10.00",
        "line_items": [line],
        "date_modified_gmt": "2026-01-01T00:00:00",
        "total_tax": "0.00",
    }
    return {**order, **changed}


def test_a_price_of_one_is_exact_where_it_does_not_come_out() -> None:
    """10.00 for three is no decimal; as a price of three it is."""
    order = one(NAME, _order())
    assert order.lines[0].unit_price == Price(amount=Money(1000, "EUR"), per="3")
    assert reconcile(order).balanced


def test_a_coupon_is_the_line_s_discount_and_a_negative_fee_the_order_s() -> None:
    """What is taken off stands once, where it applies."""
    line = {"id": 1, "name": "Cup", "quantity": 1, "subtotal": "10.00", "total": "8.00", "total_tax": "0.00"}
    order = one(
        NAME,
        _order(
            line_items=[line],
            coupon_lines=[{"id": 2, "code": "two", "discount": "2.00"}],
            fee_lines=[{"id": 3, "name": "Thanks", "total": "-1.00", "total_tax": "0.00"}],
            discount_total="2.00",
            total="7.00",
        ),
    )
    assert [(one.code, one.amount) for one in order.lines[0].discounts] == [("two", Money(200, "EUR"))]
    assert [(one.reason, one.amount) for one in order.discounts] == [("Thanks", Money(100, "EUR"))]
    assert reconcile(order).balanced


@pytest.mark.parametrize(
    ("word", "status", "payment"),
    [
        ("pending", OrderStatus.RECEIVED, PaymentStatus.PENDING),
        ("wc-on-hold", OrderStatus.ON_HOLD, PaymentStatus.PENDING),
        ("failed", OrderStatus.VALIDATED, PaymentStatus.FAILED),
        ("cancelled", OrderStatus.CANCELLED, PaymentStatus.VOIDED),
        ("checkout-draft", OrderStatus.RECEIVED, PaymentStatus.PENDING),
    ],
)
def test_where_an_order_and_its_payment_stand(word: str, status: OrderStatus, payment: PaymentStatus) -> None:
    """A status says both; with or without the prefix of the database."""
    order = one(NAME, _order(status=word, payment_method="bacs"))
    assert (order.status, order.payments[0].status) == (status, payment)
    assert (order.type is OrderType.DRAFT) == word.endswith("draft")


def test_a_shop_s_own_status_is_an_option_of_the_account() -> None:
    """``packed`` is unknown until the account says what it means."""
    (fault,) = faults(NAME, _order(status="packed"))
    assert fault.startswith("/status: 'packed' is not known here")
    source = Source(NAME, "main", options={"status.packed": "processing"})
    body = delivery(NAME, _order(status="packed")).body
    (message,) = open_channel(NAME).read(Delivery(source, body, "2026-01-01T00:00:00.000000Z", Way.WEBHOOK))
    assert isinstance(message.content, Order)
    assert message.content.status is OrderStatus.PROCESSING


def test_a_note_is_added() -> None:
    """Who wrote it and when, and nothing else of the order changes."""
    order = one(NAME, _order(id=1179))
    note = one(NAME, shared(FOLDER + "new-order-note.json").read_bytes())
    changed = amend(order, note)
    assert (changed.notes[0].at, changed.lines) == ("2018-06-22T15:36:20.000000Z", order.lines)


def test_deleted_orders_are_archived_and_pings_are_foreign() -> None:
    """A webhook's first delivery is a form, not JSON."""
    gone = one(NAME, {"id": 7}, x_wc_webhook_topic="order.deleted")
    assert (gone.order, gone.status) == ("woocommerce:main:7", OrderStatus.ARCHIVED)
    assert isinstance(one(NAME, b"webhook_id=12"), Foreign)
    told = one(NAME, _order(), x_wc_webhook_topic="product.updated")
    assert told.kind == "product.updated"


def test_the_id_of_a_delivery_is_in_a_header() -> None:
    """The same for each attempt."""
    channel = open_channel(NAME)
    assert channel.delivery_id(delivery(NAME, {}, x_wc_webhook_delivery_id="81")) == "81"
    assert channel.delivery_id(delivery(NAME, {})) is None


@pytest.mark.parametrize("name", ["order-shipping-labels", "order-with-line-item-attributes"])
def test_a_comma_too_many_is_told_with_its_line(name: str) -> None:
    """Samples of other people's that no parser of JSON takes."""
    (fault,) = faults(NAME, shared(f"{FOLDER}{name}.json").read_bytes())
    assert fault.startswith("not JSON: line ")


@settings(max_examples=EXAMPLES, deadline=None)
@given(mutated_json([path.read_bytes() for path in samples(NAME)]))
def test_whatever_comes_is_told_or_refused(body: bytes) -> None:
    """No change of a document raises anything else than faults, and none loses a field."""
    assert read(NAME, body) is not None
