"""What capture costs a Django application: the same work with and without it, side by side, on SQLite and PostgreSQL.

    python bench/capture_django.py [--transactions 300] [--rounds 5]

Two aliases of ``DATABASES`` lead to one database, of which one is captured. They work in turns of a few transactions,
so that whatever else the machine does meets both alike. Printed is the median time of a transaction and the ratio of
the medians. Commits are durable on both databases: PostgreSQL with its defaults, SQLite in WAL mode with
synchronous=FULL.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

# In the place of this folder, whose capture.py is not the tests' capture.
sys.path[:1] = [str(Path(__file__).parents[1] / "tests")]
os.environ["DJANGO_SETTINGS_MODULE"] = "capture.django.settings"

LIMITS = {
    "order with three lines": {"postgresql": 1.25, "sqlite": 2.0},
    "save of one field": {"postgresql": 1.25, "sqlite": 2.0},
    "save of one field, autocommit": {},
    "update of 10,000 rows": {"postgresql": 2.5, "sqlite": 2.5},
}
"""The most that a work may cost. Autocommit has none: there capture makes one statement a transaction of several."""

BULK = 10_000
TURN = 10
BARE = "bare"

Work = Callable[[str, int], None]


def new_order(using: str, number: int) -> None:
    """Insert an order with three lines, in a transaction."""
    from django.db import transaction

    from capture.django.shop.models import Line, Order

    with transaction.atomic(using):
        order = Order(number=f"{using}-{number}-{time.perf_counter_ns()}")
        order.save(using=using)
        lines = [Line(order=order, sku=f"S{n}", quantity=n, unit_price=Decimal("12.50")) for n in range(3)]
        Line.objects.using(using).bulk_create(lines)


def one_field(using: str, number: int) -> None:
    """Load an order and save one field of it."""
    from capture.django.shop.models import Order

    order = Order.objects.using(using).get(pk=1 + number % 3)
    order.note = f"note {number} {time.perf_counter_ns()}"
    order.save(update_fields=["note"])


def one_field_in_transaction(using: str, number: int) -> None:
    """Do so in a transaction, as a request does under ATOMIC_REQUESTS."""
    from django.db import transaction

    with transaction.atomic(using):
        one_field(using, number)


def many_rows(using: str, _number: int) -> None:
    """Change 10,000 rows in one statement."""
    from django.db.models import F

    from capture.django.shop.models import Line

    Line.objects.using(using).update(quantity=F("quantity") + 1)


WORK: dict[str, tuple[Work, int]] = {
    # First: new orders bring lines, and after them there are twice as many rows to change.
    "update of 10,000 rows": (many_rows, 100),
    "order with three lines": (new_order, 1),
    "save of one field": (one_field_in_transaction, 1),
    "save of one field, autocommit": (one_field, 1),
}


def measure(work: Work, transactions: int, rounds: int) -> tuple[float, float]:
    """Return the median seconds of a transaction, without capture and with it."""
    from django.db import connections

    taken: dict[str, list[float]] = {BARE: [], "default": []}
    number = 0
    for _ in range(rounds):
        with connections[BARE].cursor() as cursor:
            cursor.execute("DELETE FROM ordertrail_outbox")  # as the relay would
        for _ in range(max(transactions // TURN, 1)):
            for using, times in taken.items():
                for _ in range(min(TURN, transactions)):
                    number += 1
                    began = time.perf_counter()
                    work(using, number)
                    times.append(time.perf_counter() - began)
    return statistics.median(taken[BARE]), statistics.median(taken["default"])


def prepare(database: dict[str, Any]) -> None:
    """Make the shop in a database, with 10,000 rows to change, and lead two aliases to it."""
    from django.conf import settings
    from django.db import connections

    from capture.django.conftest import migrate, use
    from capture.django.matrix import seed
    from capture.django.shop.models import Line

    settings.ORDERTRAIL = {"tables": settings.ORDERTRAIL["tables"], "databases": ["default"]}
    from ordertrail.capture.django.configuration import configuration

    configuration.cache_clear()
    use(database)
    migrate()
    seed()
    lines = [Line(order_id=1, sku=f"B{n}", quantity=n, unit_price=Decimal(n)) for n in range(BULK - 5)]
    Line.objects.bulk_create(lines)
    settings.DATABASES[BARE] = database
    connections.settings = connections.configure_settings({"default": dict(database), BARE: dict(database)})


@contextmanager
def databases() -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """Yield an empty database of each kind, on this machine's disk."""
    from servers.databases import empty_database
    from servers.postgresql import running

    with (
        tempfile.TemporaryDirectory(dir=Path.home()) as folder,
        running() as server,
        empty_database(server) as name,
    ):
        pragmas = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL"
        sqlite = {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": f"{folder}/shop.db",
            "OPTIONS": {"init_command": pragmas},
        }
        postgresql = {
            "ENGINE": "django.db.backends.postgresql", "NAME": name, "USER": "postgres", "HOST": str(server.folder),
        }  # fmt: skip
        yield [("postgresql", postgresql), ("sqlite", sqlite)]


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--transactions", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    said = parser.parse_args()
    import django

    django.setup()
    from django.db import connections

    from ordertrail.capture import acting

    print(f"{'':32}{'database':12}{'without':>12}{'with':>12}{'ratio':>8}{'limit':>9}")
    with databases() as prepared, acting("clerk-17", roles=["order.editor"], ip="203.0.113.7"):
        for vendor, database in prepared:
            prepare(database)
            for name, (work, rows) in WORK.items():
                measure(work, 1, 2)
                without, captured = measure(work, max(said.transactions // rows, 2), said.rounds)
                ratio, limit = captured / without, LIMITS[name].get(vendor)
                told = f"{name:32}{vendor:12}{without * 1e6:>9.0f} us{captured * 1e6:>9.0f} us{ratio:>8.2f}"
                print(
                    told,
                    f"{limit:>8.2f}" if limit else "",
                    "over" if limit and ratio > limit else "",
                    flush=True,
                )
            connections.close_all()


if __name__ == "__main__":
    main()
