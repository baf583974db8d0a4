"""The life of orders in Oscar, through its own pages: guests and customers check out, staff work in the dashboard.

Prints, as JSON, what the database's triggers saw, what capture recorded, and who acted.
"""

import json
import os
import sys
from collections import Counter
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "capture.django.oscar_shop.settings"

import django

django.setup()

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client
from django.test.utils import setup_test_environment

from capture.django.oracle import changed_rows, columns_of, install_oracle, observing, recorded_rows
from capture.django.oscar_shop.flows import (
    behind_the_pages,
    cancel,
    check_out,
    fail_to_order,
    order_again,
    stock,
    take_payments,
    work_on,
)
from ordertrail.capture import acting
from ordertrail.capture.django import pending


def journey() -> None:
    """Live it."""
    products = stock()
    take_payments()
    users = get_user_model().objects
    guest = check_out(Client(), products[:2], "guest@example.com")
    users.create_user("ada", "ada@example.com", "x")
    customer = Client()
    customer.login(username="ada@example.com", password="x")
    order = check_out(customer, products)
    again = order_again(customer, order)
    fail_to_order(customer, products[:1])
    users.create_superuser("clerk-17", "clerk@example.com", "x")
    staff = Client()
    staff.login(username="clerk@example.com", password="x")
    work_on(staff, order)
    cancel(staff, again)
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
