"""Reads are recorded where the policy asks for it: which rows, by whom, and none is taken from the application."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import override_settings

from capture.django.conftest import Database
from capture.django.settings import ORDERTRAIL
from capture.django.shop.models import Line, Order
from ordertrail.capture import acting
from ordertrail.capture.django import filtered, pending


@pytest.fixture(autouse=True)
def reads_recorded(shop: Database) -> Iterator[None]:
    """Reads of orders are recorded, those of lines are not."""
    assert shop
    tables: Any = ORDERTRAIL["tables"]
    tables = {**tables, "shop_order": {"order": "id", "reads": True}}
    with override_settings(ORDERTRAIL={**ORDERTRAIL, "tables": tables}):
        yield


def subjects() -> list[tuple[str, str, str]]:
    """Return what was read, and by whom."""
    with acting(kind="system"):
        return [(event.action, event.subject.id, event.actor.id) for event in pending()]


def test_rows_that_are_read_are_recorded() -> None:
    """Models, joins, values and SQL of one's own: each order that was handed out, and all of them handed out."""
    with acting("clerk-17"):
        assert Order.objects.get(pk=1).number == "A-1"
        assert [line.order.number for line in Line.objects.select_related("order").filter(order=2)[:1]] == [
            "A-2"
        ]
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT number, id FROM shop_order WHERE id = %s", [3])
            assert cursor.fetchall() == [("A-3", 3)]
        assert Line.objects.count() == 5
    assert subjects() == [("order.read", key, "clerk-17") for key in ("1", "2", "3")]


def test_reads_whose_rows_nobody_can_tell_are_recorded_of_the_table() -> None:
    """A count, and a result that streams from the server, say that the table was read."""
    with acting("clerk-17"):
        assert Order.objects.count() == 3
        assert len(list(Order.objects.iterator(chunk_size=2))) == 3
    told = [subject for _, subject, _ in subjects()]
    assert told[0] == "shop_order"
    assert told[1:] == (["shop_order"] if connection.vendor == "postgresql" else ["1", "2", "3"])


def test_reads_by_nobody_are_counted() -> None:
    """What the system reads is counted, and not recorded."""
    assert Order.objects.filter(pk=1).exists()
    assert subjects() == []
    assert filtered()["unattended", "shop_order"] >= 1
