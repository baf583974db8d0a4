"""The life of orders in Oscar, through its own pages: guests and customers check out, staff work in the dashboard.

Prints, as JSON, what the database's triggers saw, what capture recorded, and who acted.
"""

import json
import os
import sys
from collections import Counter
from decimal import Decimal
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "capture.django.oscar_shop.settings"

import django

django.setup()

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client
from django.test.utils import setup_test_environment
from django.urls import reverse
from oscar.core.loading import get_class, get_model
from oscar.test import factories

from capture.django.oracle import changed_rows, columns_of, install_oracle, observing, recorded_rows
from ordertrail.capture import acting
from ordertrail.capture.django import pending

Order, Product, Source = (
    get_model("order", "Order"),
    get_model("catalogue", "Product"),
    get_model("payment", "Source"),
)
ADDRESS = {
    "first_name": "Ada", "last_name": "Lovelace", "line1": "1 Engine Street", "line4": "London",
    "postcode": "N1 9RT", "country": "GB",
}  # fmt: skip


def stock() -> list[Any]:
    """Three products in stock, and an offer on them."""
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
    return products


def check_out(client: Client, products: list[Any], email: str | None = None) -> Any:
    """Put products into the basket and go through the checkout; return the order."""
    for product in products:
        client.post(reverse("basket:add", kwargs={"pk": product.pk}), {"quantity": 2})
    if email is not None:
        client.post(reverse("checkout:index"), {"username": email, "options": "anonymous"})
    client.post(reverse("checkout:shipping-address"), ADDRESS)
    client.get(reverse("checkout:shipping-method"))
    client.get(reverse("checkout:payment-method"))
    client.get(reverse("checkout:payment-details"))
    answer = client.post(reverse("checkout:preview"), {"action": "place_order"})
    assert answer.status_code == 302, answer.content[:2000]
    thanks = client.get(answer["Location"])
    return thanks.context["order"]


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
    ):
        assert client.post(page, data).status_code in {200, 302}
    note = order.notes.first()
    client.post(page, {"order_action": "save_note", "message": "called", "note_id": note.pk})
    client.post(page, {"order_action": "delete_note", "note_id": note.pk})
    client.post(
        reverse("dashboard:order-list"),
        {"selected_order": [order.pk], "action": "change_order_statuses", "new_status": "Complete"},
    )


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
    Order.objects.filter(pk=order.pk).update(guest_email="changed@example.com")
    order.delete()


def journey() -> None:
    """Live it."""
    products = stock()
    for name in ("ShippingEventType", "PaymentEventType"):
        get_model("order", name).objects.create(name={"S": "Shipped", "P": "Paid"}[name[0]])
    users = get_user_model().objects
    guest = check_out(Client(), products[:2], "guest@example.com")
    users.create_user("ada", "ada@example.com", "x")
    customer = Client()
    customer.login(username="ada@example.com", password="x")
    order = check_out(customer, products)
    users.create_superuser("clerk-17", "clerk@example.com", "x")
    staff = Client()
    staff.login(username="clerk@example.com", password="x")
    work_on(staff, order)
    with acting("reconciliation", kind="service"):
        behind_the_pages(guest)


def main() -> None:
    """Migrate, live, and tell."""
    setup_test_environment()
    call_command("migrate", verbosity=0)
    tables = settings.TABLES
    with observing(settings.DATABASES["default"]) as observer:
        install_oracle(observer, columns_of(tables))
        journey()
        rows = observer.execute("SELECT tbl, op, old, new FROM oracle ORDER BY n").fetchall()
    events = pending()
    seen = Counter({row._replace(actor=""): count for row, count in changed_rows(rows, "").items()})
    recorded = Counter[Any]()
    for row, count in recorded_rows(events, tables).items():
        recorded[row._replace(actor="")] += count
    json.dump(
        {
            "changed": sum(seen.values()),
            "tables": sorted({row.table for row in seen}),
            "missed": [list(row) for row in seen - recorded],
            "invented": [list(row) for row in recorded - seen],
            "actors": sorted({event.actor.id for event in events}),
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
