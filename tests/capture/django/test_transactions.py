"""What capture adds to transactions, and what becomes of them when something goes wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from capture.django.conftest import Database
from capture.django.oracle import observing
from capture.django.shop.models import Line, Order, Tag
from ordertrail.capture import acting
from ordertrail.capture.django import cursors, pending


@pytest.fixture(autouse=True)
def somebody(shop: Database) -> Iterator[None]:
    """Somebody acts, in a shop that is there."""
    assert shop
    with acting("clerk-17"):
        yield


@contextmanager
def statements(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Tell which statements of its own capture makes."""
    made: list[str] = []

    def told(name: str) -> Any:
        original = getattr(cursors.DjangoAsker, name)

        def telling(self: cursors.DjangoAsker, sql: str, parameters: Any = ()) -> Any:
            made.append(sql)
            return original(self, sql, parameters)

        return telling

    with monkeypatch.context() as patch:
        for name in ("fetch", "run"):
            patch.setattr(cursors.DjangoAsker, name, told(name))
        yield made


def many(count: int) -> list[Line]:
    """Return lines that are not there yet."""
    return [Line(order_id=3, sku=f"n{n}", quantity=n, unit_price=1) for n in range(count)]


@pytest.mark.parametrize("count", [2, 200])
def test_statements_do_not_grow_with_rows(
    count: int, shop: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many rows a statement changes, capture asks the database the same few times: never once a row."""
    assert shop
    Line.objects.all().delete()
    lines = []

    def operations() -> Iterator[Any]:
        yield lambda: lines.extend(Line.objects.bulk_create(many(count)))
        yield lambda: Line.objects.update(quantity=F("quantity") + 1)
        yield lambda: Line.objects.filter(order=3).update(unit_price=Decimal("4.50"))
        yield lambda: Line.objects.bulk_update(lines, ["sku"])
        yield lambda: Order.objects.get(pk=1).tags.add(*Tag.objects.all())
        yield lambda: Line.objects.bulk_create(many(count), ignore_conflicts=True)
        yield lambda: Line.objects.filter(order=3).delete()

    for operation in operations():
        with statements(monkeypatch) as made, transaction.atomic():
            operation()
        # SQLite: its lock, and two to write; references it must follow are asked for before a DELETE.
        assert len(made) <= 7, made


def test_the_application_sees_none_of_our_statements(shop: Database) -> None:
    """Django's query log, and assertNumQueries, count the application's own statements."""
    assert shop
    with CaptureQueriesContext(connection) as asked:
        Order.objects.filter(pk=1).update(note="x")
        order = Order.objects.get(pk=1)
        order.save()
    assert len(asked) == 3
    assert not any("ordertrail_outbox" in query["sql"] for query in asked.captured_queries)


def test_what_cannot_be_recorded_is_not_committed(shop: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """An outbox that cannot be written rolls the application's change back, whatever the error is, in every mode."""

    def broken(*_: Any) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr("ordertrail.capture.django.ends.write", broken)
    with pytest.raises(ZeroDivisionError):
        Order.objects.filter(pk=1).update(note="alone")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        Order.objects.filter(pk=1).update(note="together")
    monkeypatch.undo()
    assert Order.objects.get(pk=1).note == ""
    with observing(shop) as observer:
        assert observer.execute("SELECT count(*) FROM shop_order WHERE note <> ''").fetchone()[0] == 0
    Order.objects.filter(pk=1).update(note="then")
    (event,) = pending()
    assert event.origin is not None
    assert event.origin.counter == 0


def test_an_outbox_that_is_gone_fails_the_change(shop: Database) -> None:
    """Without its outbox nothing is committed to an audited table; when it is back, everything goes on."""
    with observing(shop) as observer:
        observer.execute("ALTER TABLE ordertrail_outbox RENAME TO away")
        with pytest.raises(DatabaseError):
            Order.objects.filter(pk=1).update(note="x")
        with pytest.raises(DatabaseError), transaction.atomic():
            Order.objects.filter(pk=1).update(note="x")
        observer.execute("ALTER TABLE away RENAME TO ordertrail_outbox")
    assert Order.objects.get(pk=1).note == ""
    Order.objects.filter(pk=1).update(note="then")
    assert len(pending()) == 1


def test_rolled_back_attempts_on_what_is_sensitive_are_kept(shop: Database) -> None:
    """Somebody who changes a total and rolls back has tried to; a note is nothing of the kind."""
    assert shop
    with transaction.atomic():
        Order.objects.filter(pk=1).update(total=1, note="a")
        transaction.set_rollback(True)
    with transaction.atomic():
        Line.objects.filter(pk=1).update(quantity=99)
        transaction.set_rollback(True)
    (event,) = pending()
    assert (event.outcome, event.actor.id, event.subject.id) == ("rolled_back", "clerk-17", "1")
    assert Order.objects.get(pk=1).total == Decimal("12.50")


def test_a_refused_change_of_what_is_sensitive_is_an_attempt(shop: Database) -> None:
    """A statement that the database refuses is recorded as failed, outside the transaction that it doomed."""
    assert shop
    with pytest.raises(DatabaseError), transaction.atomic():
        Order.objects.filter(pk=1).update(number="A-2", status="stolen")
    assert [(event.outcome, event.subject.id) for event in pending()] == [("failed", "1")]


def test_a_client_whose_row_was_tampered_with_is_given_up(shop: Database) -> None:
    """Where the client's row is not as it left it, another client goes on, and says after whom."""
    Order.objects.filter(pk=1).update(note="a")
    with observing(shop) as observer:
        observer.execute("UPDATE ordertrail_client SET counter = 7")
        Order.objects.filter(pk=1).update(note="b")
        rows = observer.execute(
            "SELECT follows IS NOT NULL, follows_counter FROM ordertrail_client"
        ).fetchall()
    assert sorted((bool(follows), counter) for follows, counter in rows) == [(False, None), (True, 1)]


def test_other_wrappers_come_and_go(shop: Database) -> None:
    """A wrapper that an application puts around its statements for a while sees them, and takes nothing with it."""
    assert shop
    connection.close()
    seen = []

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001 - Django's
        seen.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):  # before there is a connection
        Order.objects.filter(pk=1).update(note="a")
        with connection.cursor() as cursor:
            cursor.executemany("UPDATE shop_line SET quantity = %s WHERE sku = %s", [(7, "S1"), (8, "S2")])
    Order.objects.filter(pk=1).update(note="b")
    assert len(pending()) == 4
    assert len([sql for sql in seen if sql.lstrip().startswith("UPDATE")]) == 3


def test_several_databases_have_an_outbox_each(shop: Database, templates: Any, tmp_path: Any) -> None:
    """What is done over another alias is recorded in that alias's database, in its own transaction."""
    other = templates("sqlite", tmp_path)
    settings = connections.configure_settings({"default": dict(shop), "other": dict(other)})
    connections.settings = settings
    with transaction.atomic(), transaction.atomic("other"):
        Order.objects.filter(pk=1).update(note="here")
        Order.objects.using("other").create(number="there")
        transaction.set_rollback(True)
    assert pending() == []
    (event,) = pending("other")
    assert event.action == "order.create"
    del connections["other"]


def test_a_copy_from_outside_is_recorded(shop: Database) -> None:
    """PostgreSQL's COPY goes past Django's wrappers, and is recorded all the same."""
    if shop["ENGINE"].endswith("sqlite3"):
        pytest.skip("only PostgreSQL has this")
    cursor: Any
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY shop_line (order_id, sku, quantity, unit_price) FROM STDIN") as copy,
    ):
        copy.write_row((1, "copied", 3, "1.50"))
    assert [(event.action, event.subject.id) for event in pending()] == [("capture.statement", "shop_line")]
    with connection.cursor() as cursor, cursor.copy("COPY shop_line TO STDOUT") as copy:
        assert len(list(copy)) == 6
    assert len(pending()) == 1


def test_several_statements_in_one_text(shop: Database) -> None:
    """A text that itself commits is recorded, right after it."""
    if shop["ENGINE"].endswith("sqlite3"):
        pytest.skip("SQLite's driver takes one statement at a time")
    with connection.cursor() as cursor:
        cursor.execute("BEGIN; UPDATE shop_order SET note = 'x' WHERE id = 1; COMMIT")
    assert [event.action for event in pending()] == ["capture.statement"]


def test_writers_wait_for_each_other_as_without_capture(shop: Database) -> None:
    """In SQLite a transaction that reads first and writes then is told at once that the database is locked; ours waits.

    The rows before are read under the write lock, which is taken with all the patience that Django has.
    """
    if not shop["ENGINE"].endswith("sqlite3"):
        pytest.skip("PostgreSQL locks rows")
    with observing(shop) as observer:
        observer.execute("PRAGMA journal_mode = WAL")
        with transaction.atomic():
            observer.execute("UPDATE shop_line SET quantity = 3")
            Order.objects.filter(pk=1).update(note="after")  # nothing was read before, so nothing is stale
    assert len(pending()) == 1
