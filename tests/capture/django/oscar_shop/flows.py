"""What people do with orders in Oscar: every page of its checkout, its basket and its dashboard that changes one."""

from decimal import Decimal
from typing import Any

from django.test import Client
from django.urls import reverse
from oscar.apps.checkout.surcharges import PercentageCharge
from oscar.apps.payment.exceptions import PaymentError
from oscar.core.loading import get_class, get_model
from oscar.test import factories

Order, Source, SourceType = (
    get_model("order", "Order"),
    get_model("payment", "Source"),
    get_model("payment", "SourceType"),
)
ADDRESS = {
    "first_name": "Ada", "last_name": "Lovelace", "line1": "1 Engine Street", "line4": "London",
    "postcode": "N1 9RT", "country": "GB",
}  # fmt: skip


def stock() -> list[Any]:
    """Three products in stock, the last to be engraved, an offer on them and a voucher; mails that are sent."""
    factories.CountryFactory(iso_3166_1_a2="GB", is_shipping_country=True)
    products = [
        factories.create_product(price=Decimal(price), num_in_stock=50) for price in ("9.99", "20.00", "3.50")
    ]
    everything = factories.RangeFactory(includes_all_products=True)
    factories.ConditionalOfferFactory(
        condition=factories.ConditionFactory(range=everything, type="Count", value=2),
        benefit=factories.BenefitFactory(
            range=everything, type="Percentage", value=10, max_affected_items=None
        ),
    )
    voucher = factories.VoucherFactory(code="AUTUMN")
    voucher.offers.add(
        factories.ConditionalOfferFactory(
            name="autumn",
            offer_type="Voucher",
            condition=factories.ConditionFactory(range=everything, type="Count", value=1),
            benefit=factories.BenefitFactory(
                range=everything, type="Absolute", value=1, max_affected_items=None
            ),
        )
    )
    products[2].product_options.add(factories.OptionFactory(name="engraving", code="engraving"))
    get_model("communication", "CommunicationEventType").objects.create(
        code="ORDER_PLACED", name="placed", category="Order related", email_subject_template="Thanks",
        email_body_template="Thanks",
    )  # fmt: skip
    for name in ("ShippingEventType", "PaymentEventType"):
        get_model("order", name).objects.create(name={"S": "Shipped", "P": "Paid"}[name[0]])
    return products


def take_payments() -> None:
    """Have the shop take cards, refuse that of anybody called Refused, and charge two per cent for it.

    As Oscar's documentation has an application do it: by methods of its own in the place of Oscar's empty ones.
    """

    def handle_payment(view: Any, _number: str, total: Any, **_: Any) -> None:
        if view.get_shipping_address(view.request.basket).last_name == "Refused":
            raise PaymentError("refused")
        kind, _created = SourceType.objects.get_or_create(name="card")
        view.add_payment_source(
            Source(
                source_type=kind, currency=total.currency, amount_allocated=total.incl_tax, reference="c-1"
            )
        )
        view.add_payment_event("Paid", total.incl_tax, reference="c-1")

    def get_surcharges(_applicator: Any, **_: Any) -> tuple[PercentageCharge, ...]:
        return (PercentageCharge(Decimal(2)),)

    get_class("checkout.views", "PaymentDetailsView").handle_payment = handle_payment
    get_class("checkout.applicator", "SurchargeApplicator").get_surcharges = get_surcharges


def check_out(client: Client, products: list[Any], email: str | None = None) -> Any:
    """Put products into the basket and go through the checkout; return the order."""
    answer = try_to_check_out(client, products, email)
    assert answer.status_code == 302, answer.content[:2000]
    thanks = client.get(answer["Location"])
    return thanks.context["order"]


def try_to_check_out(
    client: Client, products: list[Any], email: str | None = None, last_name: str = "Lovelace"
) -> Any:
    """Do so; return the answer to placing the order."""
    for product in products:
        client.post(reverse("basket:add", kwargs={"pk": product.pk}), {"quantity": 2, "engraving": "for Ada"})
    client.post(reverse("basket:vouchers-add"), {"code": "AUTUMN"})
    if email is not None:
        client.post(reverse("checkout:index"), {"username": email, "options": "anonymous"})
    client.post(reverse("checkout:shipping-address"), {**ADDRESS, "last_name": last_name})
    client.get(reverse("checkout:shipping-method"))
    client.get(reverse("checkout:payment-method"))
    client.get(reverse("checkout:payment-details"))
    return client.post(reverse("checkout:preview"), {"action": "place_order"})


def work_on(client: Client, order: Any) -> None:
    """Do in the dashboard what staff do with an order."""
    page = reverse("dashboard:order-detail", kwargs={"number": order.number})
    lines = list(order.lines.all())
    chosen = {
        "selected_line": [line.pk for line in lines],
        **{f"selected_line_qty_{line.pk}": 1 for line in lines},
    }
    for data in (
        {"order_action": "save_note", "message": "call the customer"},
        {"order_action": "change_order_status", "new_status": "Being processed"},
        {
            **chosen,
            "line_action": "create_shipping_event",
            "shipping_event_type": "shipped",
            "reference": "T-1",
        },
        {
            **chosen,
            "line_action": "create_payment_event",
            "payment_event_type": "paid",
            "amount": "5.00",
            "reference": "P-1",
        },
        {**chosen, "line_action": "change_line_statuses", "new_status": "Packed"},
        {"order_action": "create_order_payment_event", "payment_event_type": "paid", "amount": "1.00"},
        {"order_action": "change_order_status", "new_status": "Nonsense"},
        {**chosen, "line_action": "change_line_statuses", "new_status": "Nonsense"},
        {**chosen, "line_action": "create_payment_event", "payment_event_type": "nonsense"},
    ):
        assert client.post(page, data).status_code in {200, 302}
    note = order.notes.first()
    client.post(page, {"order_action": "save_note", "message": "called", "note_id": note.pk})
    client.post(page, {"order_action": "delete_note", "note_id": note.pk})
    client.post(
        reverse("dashboard:order-list"),
        {"selected_order": [order.pk], "action": "change_order_statuses", "new_status": "Complete"},
    )
    client.post(
        reverse("dashboard:order-shipping-address", kwargs={"number": order.number}),
        {**ADDRESS, "line1": "2 Engine Street"},
    )
    for looked_at in (
        page,
        reverse("dashboard:order-line-detail", kwargs={"number": order.number, "line_id": lines[0].pk}),
        reverse("dashboard:order-stats"),
    ):
        assert client.get(looked_at).status_code == 200
    table = client.post(
        reverse("dashboard:order-list"), {"selected_order": [order.pk], "action": "download_selected_orders"}
    )
    assert order.number.encode() in table.content


def cancel(client: Client, order: Any) -> None:
    """Cancel an order in the dashboard, and note why in one note that is changed by its own page."""
    page = reverse("dashboard:order-detail", kwargs={"number": order.number})
    client.post(page, {"order_action": "save_note", "message": "customer cancelled"})
    note = order.notes.first()
    own_page = reverse("dashboard:order-detail-note", kwargs={"number": order.number, "note_id": note.pk})
    client.post(own_page, {"order_action": "save_note", "message": "customer cancelled by telephone"})
    client.post(page, {"order_action": "change_order_status", "new_status": "Cancelled"})
    order.refresh_from_db()
    assert order.status == "Cancelled"


def order_again(client: Client, order: Any) -> Any:
    """Have the customer look an order up in the history, and order the same once more."""
    page = reverse("customer:order", kwargs={"order_number": order.number})
    assert client.get(page).status_code == 200
    assert client.post(page, {"action": "reorder", "order_id": order.pk}).status_code == 302
    return check_out(client, [])


def fail_to_order(client: Client, products: list[Any]) -> None:
    """Fail in two ways: the card is refused, and an error comes while the order is half made."""
    before = Order.objects.count()
    assert try_to_check_out(client, products, last_name="Refused").status_code == 200
    creator = get_class("order.utils", "OrderCreator")
    made = creator.create_line_models

    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    creator.create_line_models = broken
    try:
        assert try_to_check_out(client, []).status_code == 200  # Oscar says that something went wrong
    finally:
        creator.create_line_models = made
    assert Order.objects.count() == before


def behind_the_pages(order: Any) -> None:
    """Do what an application's own code does with Oscar's classes."""
    source = Source.objects.create(
        order=order,
        source_type=get_model("payment", "SourceType").objects.create(name="card"),
        currency="GBP",
    )
    source.allocate(Decimal("20.00"), reference="a")
    source.debit(Decimal("12.00"), reference="d")
    source.refund(Decimal("2.00"), reference="r")
    handler = get_class("order.processing", "EventHandler")()
    lines = order.lines.all()
    handler.create_shipping_event(
        order, get_model("order", "ShippingEventType").objects.first(), lines, [1] * len(lines)
    )
    handler.cancel_stock_allocations(order, lines, [1] * len(lines))
    handler.consume_stock_allocations(order, lines, [1] * len(lines))
    settled = get_model("order", "PaymentEventType").objects.create(name="Settled")
    handler.handle_payment_event(order, settled, Decimal("2.00"))
    handler.create_note(order, "reconciled")
    order.set_status("Being processed")
    Order.objects.filter(pk=order.pk).update(guest_email="changed@example.com")
    order.delete()
