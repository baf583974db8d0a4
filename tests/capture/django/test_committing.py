"""On PostgreSQL the outbox is written in the message of the commit, and a row is asked for in that of its UPDATE."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection, connections, transaction
from django.db.models import F

from capture.django.conftest import Database
from capture.django.oracle import observing
from capture.django.shop.models import Line, Order
from ordertrail.capture import acting
from ordertrail.capture.django import pending, registry

WRITE = "SELECT ordertrail_write("


@pytest.fixture(autouse=True)
def somebody(shop: Database) -> Iterator[None]:
    """Somebody acts, over a connection that has recorded something before."""
    if shop["ENGINE"].endswith("sqlite3"):
        pytest.skip("SQLite is no journey away")
    with acting("clerk-17"):
        Order.objects.filter(pk=3).update(note="first")
        yield


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every text that is given to the driver's cursors from here on."""
    texts: list[str] = []
    with connection.cursor() as cursor:
        kind = type(cursor.cursor)
    original = kind.execute

    def execute(self: Any, query: Any, params: Any = None, **options: Any) -> Any:
        texts.append(str(query))
        return original(self, query, params, **options)

    monkeypatch.setattr(kind, "execute", execute)
    return texts


def notes() -> list[tuple[Any, Any]]:
    """Return what the notes were and became, after the first."""
    return [(change.before, change.after) for event in pending()[1:] for change in event.changes]


def test_a_transaction_costs_one_message_more_and_one_less(sent: list[str]) -> None:
    """Beside the application's statements there is one message, and that is the commit."""
    with transaction.atomic():
        Order.objects.filter(pk=1).update(note="a")
        Order.objects.create(number="N-1")
    update, insert, write = sent
    assert " FOR UPDATE" in update
    assert "UPDATE" in update.partition("; ")[2]
    assert insert.startswith("INSERT")
    assert write.startswith(WRITE)
    assert write.endswith("; COMMIT")
    assert len(pending()) == 3


def test_texts_are_written_as_they_are() -> None:
    """Quotes, backslashes, per cent signs and whatever else, whether a backslash escapes in this session or not."""
    said = "it's \\ 100% $1 %s '; DROP TABLE shop_order; -- \\' ☃"
    Order.objects.filter(pk=1).update(note=said)
    with connection.cursor() as cursor:
        cursor.execute("SET standard_conforming_strings = off")
    Order.objects.filter(pk=1).update(note="")
    assert notes() == [("", said), (said, "")]


def test_what_was_before_is_what_the_database_had(shop: Database) -> None:
    """An object that was loaded before somebody else changed its row does not say what was before."""
    order = Order.objects.get(pk=1)
    with observing(shop) as observer:
        observer.execute("UPDATE shop_order SET note = 'between' WHERE id = 1")
    order.note = "after"
    order.save(update_fields=["note"])
    assert notes() == [("between", "after")]


def test_changes_of_one_row_in_one_transaction_are_each_told() -> None:
    """Each from what the one before left."""
    with transaction.atomic():
        for note in ("a", "b", "c"):
            Order.objects.filter(pk=1).update(note=note)
        Order.objects.filter(pk=1).update(number=F("number"))
        Order.objects.filter(pk=77).update(note="nobody's")
    assert notes() == [("", "a"), ("a", "b"), ("b", "c")]


def test_a_commit_that_is_refused_leaves_nothing() -> None:
    """A reference that PostgreSQL looks at in the commit itself: no change, no event, and no number left out."""

    @transaction.atomic
    def change() -> None:
        Order.objects.filter(pk=1).update(note="never")
        Line.objects.create(order_id=999, sku="S", quantity=1, unit_price=1)

    with pytest.raises(IntegrityError):
        change()
    assert Order.objects.get(pk=1).note == ""
    Order.objects.filter(pk=1).update(note="then")
    assert notes() == [("", "then")]
    assert [event.origin.counter for event in pending() if event.origin] == [0, 1]


def test_what_cannot_be_written_is_not_committed(shop: Database) -> None:
    """An outbox that is gone takes the change with it; when it is back, everything goes on."""
    with observing(shop) as observer:
        observer.execute("ALTER TABLE ordertrail_outbox RENAME TO away")
        with pytest.raises(DatabaseError):
            Order.objects.filter(pk=1).update(note="alone")
        with pytest.raises(DatabaseError), transaction.atomic():
            Order.objects.filter(pk=1).update(note="together")
        observer.execute("ALTER TABLE away RENAME TO ordertrail_outbox")
    assert Order.objects.get(pk=1).note == ""
    Order.objects.filter(pk=1).update(note="then")
    assert notes() == [("", "then")]


def test_a_function_that_is_taken_away_is_missed_once(shop: Database, sent: list[str]) -> None:
    """The transaction that finds it gone is refused; those after it are written without."""
    with observing(shop) as observer:
        observer.execute("DROP FUNCTION ordertrail_write")
    with pytest.raises(DatabaseError):
        Order.objects.filter(pk=1).update(note="refused")
    Order.objects.filter(pk=1).update(note="then")
    assert notes() == [("", "then")]
    assert not sent[-1].startswith(WRITE)


def test_an_outbox_without_the_function_is_written_as_ever(sent: list[str]) -> None:
    """A database whose migration has not run yet is recorded all the same."""
    call_command("migrate", "ordertrail", "0001", verbosity=0)
    sent.clear()
    Order.objects.filter(pk=1).update(note="without")
    call_command("migrate", "ordertrail", verbosity=0)
    Order.objects.filter(pk=1).update(note="with")
    written = [text.startswith(WRITE) for text in sent if text.startswith(("WITH known", WRITE))]
    assert written == [False, True]
    assert notes() == [("", "without"), ("without", "with")]


def test_a_driver_that_takes_one_statement_at_a_time(shop: Database) -> None:
    """With ``server_side_binding`` the row is told by the UPDATE itself."""
    options = {**shop, "OPTIONS": {"server_side_binding": True}}
    connections.close_all()
    connections.settings = connections.configure_settings({"default": options})
    del connections["default"]
    registry._databases.clear()
    Order.objects.filter(pk=1).update(note="bound")
    Order.objects.filter(pk=1).update(note="again")
    assert notes() == [("", "bound"), ("bound", "again")]


def test_an_attempt_of_a_client_that_somebody_changed(shop: Database) -> None:
    """Whoever sets a client's row back in the middle of a transaction: another goes on, within the same message."""
    with observing(shop) as observer, transaction.atomic():
        Order.objects.filter(pk=1).update(note="a")
        observer.execute("UPDATE ordertrail_client SET counter = 0")
    Order.objects.filter(pk=1).update(note="b")
    assert notes() == [("", "a"), ("a", "b")]
    with observing(shop) as observer:
        rows = observer.execute(
            "SELECT counter, follows_counter FROM ordertrail_client ORDER BY counter"
        ).fetchall()
    assert [tuple(row) for row in rows] == [(0, None), (2, 1)]
