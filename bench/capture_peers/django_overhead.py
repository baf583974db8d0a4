"""The work of ``bench/capture_django.py``, and more in bulk, on one library and one database, line by line."""

from collections.abc import Callable
from decimal import Decimal

from django.db import connection, transaction

from bench import capture_django as benchmark
from bench.capture_peers.databases import Place
from bench.capture_peers.django_shop import make_shop
from bench.capture_peers.ports import DjangoPeer
from bench.capture_peers.serving import serve
from capture.django.matrix import seed
from capture.django.shop.models import Line

_ALIAS = "default"
_BATCH = 500


def bulk_update(_number: int) -> None:
    """Load 10,000 objects, change each, and update them in bulk, in batches."""
    lines = list(Line.objects.order_by("pk"))
    for line in lines:
        line.quantity += 1
    Line.objects.bulk_update(lines, ["quantity"], batch_size=_BATCH)


def save_loop(_number: int) -> None:
    """Load 10,000 objects, change and save each, in one transaction."""
    with transaction.atomic():
        for line in Line.objects.order_by("pk"):
            line.quantity += 1
            line.save()


WORK: dict[str, Callable[[int], None]] = {
    "order with three lines": lambda number: benchmark.new_order(_ALIAS, number),
    "save of one field": lambda number: benchmark.one_field_in_transaction(_ALIAS, number),
    "10,000 rows, queryset.update()": lambda number: benchmark.many_rows(_ALIAS, number),
    "10,000 rows, bulk_update()": bulk_update,
    "10,000 rows, a loop of save()": save_loop,
}


def work(peer: DjangoPeer, vendor: str, where: str) -> None:
    """Make the database, and serve."""
    place = Place(vendor, where)
    database = place.django(place.create())
    if vendor == "sqlite":
        database["OPTIONS"] = {"init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL"}
    make_shop(peer, database)
    seed()
    rows = benchmark.BULK - Line.objects.count()
    lines = [Line(order_id=1, sku=f"B{n}", quantity=n, unit_price=Decimal(n)) for n in range(rows)]
    Line.objects.bulk_create(lines)
    peer.settle()

    def tidy(vacuum: bool) -> None:  # noqa: FBT001 - a port's one argument
        peer.relay()
        if vacuum and vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("VACUUM")

    with peer.acting():
        serve(lambda name, number: WORK[name](number), peer.count, tidy)
