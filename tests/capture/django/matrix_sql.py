"""More ways of changing rows over Django: cursors and SQL of one's own, coroutines, transactions."""

from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import F

from capture.django.conftest import run_async
from capture.django.matrix import case, new_lines
from capture.django.shop.models import Allocation, Line, Order
from ordertrail.capture import acting

# Cursors ------------------------------------------------------------------------------------------------------------


@case("cursors")
def cursor_execute() -> None:
    """execute() of INSERT, UPDATE and DELETE, with parameters, with names, and with none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO shop_line (order_id, sku, quantity, unit_price) VALUES (%s, %s, 1 + 2, %s)",
            [1, "c'1", "4.5"],
        )
        assert cursor.rowcount == 1
        cursor.execute("update shop_line set quantity = quantity + 1 where sku = %(sku)s", {"sku": "S2"})
        cursor.execute("UPDATE shop_line SET sku = sku || '%' WHERE sku LIKE 'S%'")
        assert cursor.rowcount == 5
        cursor.execute("UPDATE shop_line SET sku = sku || '%%' WHERE sku LIKE 'S%%' AND quantity > %s", [3])
        cursor.execute('DELETE FROM "shop_line" WHERE "shop_line"."id" = %s', [5])


@case("cursors")
def cursor_key_as_text() -> None:
    """execute() with a key given as text."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE shop_line SET quantity = 77 WHERE id = %s", ["4"])


@case("cursors")
def cursor_many() -> None:
    """executemany() of INSERT, UPDATE and DELETE, from a generator too."""
    with connection.cursor() as cursor:
        insert = "INSERT INTO shop_line (order_id, sku, quantity, unit_price) VALUES (%s, %s, %s, 1)"
        generator: Any = ((3, f"m{n}", n) for n in range(4))
        cursor.executemany(insert, generator)
        assert cursor.rowcount == 4
        cursor.executemany(
            "UPDATE shop_line SET quantity = %s WHERE id = %s", [(50 + n, n) for n in range(1, 4)]
        )
        cursor.executemany("UPDATE shop_line SET quantity = %s WHERE sku = %s", [(60, "S4"), (61, "S4")])
        cursor.executemany("DELETE FROM shop_allocation WHERE id = %s", [(1,), (2,)])


@case("cursors")
def cursor_returning() -> None:
    """execute() with RETURNING: the application gets its own columns."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO shop_line (order_id, sku, quantity, unit_price) "
            "VALUES (1, 'a', 1, 2), (1, 'b', 1, 2) RETURNING sku, id"
        )
        assert [column[0] for column in cursor.description] == ["sku", "id"]
        assert cursor.fetchone()[0] == "a"
        assert [row[0] for row in cursor] == ["b"]
        cursor.execute("UPDATE shop_line SET quantity = quantity + 1 WHERE order_id = %s RETURNING sku", [2])
        assert sorted(cursor.fetchall()) == [("S3",), ("S4",), ("S5",)]
        cursor.execute("DELETE FROM shop_allocation RETURNING id")
        assert sorted(cursor.fetchmany(1) + cursor.fetchmany(5)) == [(1,), (2,)]
        cursor.execute("SELECT count(*) FROM shop_line")
        assert cursor.fetchone() == (7,)


@case("cursors")
def cursor_from_select() -> None:
    """execute() of INSERT … SELECT, and of statements after WITH."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO shop_line (order_id, sku, quantity, unit_price) "
            "SELECT 3, sku || 'z', quantity, unit_price FROM shop_line WHERE quantity > %s", [1],
        )  # fmt: skip
        cursor.execute(
            "WITH x AS (SELECT 1 AS id) UPDATE shop_line SET quantity = 5 WHERE id IN (SELECT id FROM x)"
        )
        cursor.execute(
            "WITH x AS (SELECT 2 AS id) DELETE FROM shop_line WHERE order_id IN (SELECT id FROM x)"
        )


@case("cursors")
def cursor_upsert() -> None:
    """execute() of ON CONFLICT."""
    insert = "INSERT INTO shop_line (order_id, sku, quantity, unit_price) VALUES (%s, %s, %s, 1) "
    with connection.cursor() as cursor:
        cursor.execute(
            insert + "ON CONFLICT (order_id, sku) DO UPDATE SET quantity = excluded.quantity", [1, "S1", 7]
        )
        cursor.execute(insert + "ON CONFLICT DO NOTHING", [1, "S2", 7])
        cursor.executemany(insert + "ON CONFLICT DO NOTHING", [(1, "S2", 7), (1, "u", 7)])


@case("cursors", only="sqlite")
def cursor_replace() -> None:
    """execute() of INSERT OR REPLACE."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT OR REPLACE INTO shop_line (id, order_id, sku, quantity, unit_price) VALUES (3, 2, 'S3', 33, 1.5)"
        )


@case("cursors", only="postgresql")
def cursor_truncate() -> None:
    """execute() of TRUNCATE, and of TRUNCATE … CASCADE."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE shop_allocation")
        cursor.execute("TRUNCATE TABLE shop_order CASCADE")


@case("cursors", only="postgresql")
def cursor_merge() -> None:
    """execute() of MERGE, and of a WITH that itself deletes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "MERGE INTO shop_line l USING (VALUES (1, 'S1', 9), (1, 'other', 9)) AS v (o, s, q) "
            "ON l.order_id = v.o AND l.sku = v.s WHEN MATCHED THEN UPDATE SET quantity = v.q "
            "WHEN NOT MATCHED THEN INSERT (order_id, sku, quantity, unit_price) VALUES (v.o, v.s, v.q, 1)"
        )
        cursor.execute(
            "WITH gone AS (DELETE FROM shop_line WHERE order_id = 2 RETURNING *) "
            "INSERT INTO shop_line (order_id, sku, quantity, unit_price) SELECT 3, sku, quantity, unit_price FROM gone"
        )


@case("cursors", only="postgresql")
def cursor_composed() -> None:
    """execute() of SQL that psycopg composed."""
    from psycopg import sql

    with connection.cursor() as cursor:
        query = sql.SQL("UPDATE {} SET quantity = 6 WHERE id = %s").format(sql.Identifier("shop_line"))
        cursor.execute(query, [1])


# Async --------------------------------------------------------------------------------------------------------------


@case("async", mode="autocommit")
def async_models() -> None:
    """asave(), acreate(), aupdate(), adelete(), abulk_create() and the rest, in coroutines."""

    async def work() -> None:
        order = await Order.objects.aget(pk=1)
        order.note = "async"
        await order.asave()
        made = await Order.objects.acreate(number="AS-1")
        await Order.objects.filter(pk=2).aupdate(status="async")
        await Line.objects.abulk_create(new_lines("as1", "as2", order=made.pk))
        await Order.objects.aupdate_or_create(number="A-3", defaults={"note": "there"})
        await made.tags.aadd(1, 2)
        await made.lines.all().adelete()
        await (await Allocation.objects.aget(pk=1)).adelete()

    run_async(work())


# Transactions -------------------------------------------------------------------------------------------------------


def _fail() -> None:
    raise RuntimeError


@case("transactions")
def savepoints() -> None:
    """Nested atomic blocks: what was rolled back leaves nothing, what was released stays."""
    order = Order.objects.get(pk=1)
    with transaction.atomic():
        with transaction.atomic():
            order.note = "kept"
            order.save()
        try:
            with transaction.atomic():
                order.status = "undone"
                order.save()
                with transaction.atomic():
                    Order.objects.create(number="undone")
                _fail()
        except RuntimeError:
            pass
        Order.objects.filter(pk=2).update(note="after")


@case("transactions")
def savepoints_by_hand() -> None:
    """Savepoints by hand, in Django's API and in SQL."""
    with transaction.atomic():
        Order.objects.filter(pk=1).update(note="kept")
        mark = transaction.savepoint()
        Order.objects.filter(pk=1).update(note="never")
        transaction.savepoint_rollback(mark)
        with connection.cursor() as cursor:
            cursor.execute('SAVEPOINT "Mine"')
            cursor.execute("UPDATE shop_order SET note = 'neither'")
            cursor.execute('ROLLBACK TO SAVEPOINT "Mine"')
            cursor.execute("UPDATE shop_order SET status = 'x'")
            cursor.execute('RELEASE "Mine"')


@case("transactions")
def failed_inside() -> None:
    """A statement that fails inside atomic, and what goes on after it."""
    with transaction.atomic():
        Order.objects.filter(pk=1).update(note="kept")
        try:
            with transaction.atomic():
                Order.objects.filter(pk=2).update(number="A-1")
        except IntegrityError:
            Order.objects.filter(pk=2).update(note="then")


@case("transactions", mode="autocommit")
def rolled_back() -> None:
    """A transaction rolled back by an error, and one by set_rollback()."""
    try:
        with transaction.atomic():
            Order.objects.update(note="never")
            _fail()
    except RuntimeError:
        pass
    with transaction.atomic():
        Order.objects.update(note="never")
        transaction.set_rollback(True)
    Order.objects.filter(pk=1).update(note="at last")


@case("transactions", mode="autocommit")
def after_commit() -> None:
    """Changes made by on_commit(), and in a durable block."""
    with transaction.atomic(durable=True):
        Order.objects.filter(pk=1).update(note="first")
        transaction.on_commit(lambda: Order.objects.filter(pk=2).update(note="second") and None)


@case("transactions", mode="autocommit")
def by_hand() -> None:
    """Autocommit switched off: commit() and rollback() by hand."""
    transaction.set_autocommit(False)
    try:
        Order.objects.filter(pk=1).update(note="kept")
        transaction.commit()
        Order.objects.filter(pk=1).update(note="never")
        Line.objects.create(order_id=1, sku="never", quantity=1, unit_price=1)
        transaction.rollback()
        Line.objects.filter(pk=1).update(quantity=F("quantity") + 1)
        transaction.commit()
    finally:
        transaction.set_autocommit(True)


@case("transactions", mode="autocommit")
def in_sql() -> None:
    """BEGIN, COMMIT and ROLLBACK in SQL of one's own."""
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("UPDATE shop_order SET note = 'kept' WHERE id = 1")
        cursor.execute("COMMIT")
        cursor.execute("begin")
        cursor.execute("UPDATE shop_order SET note = 'never'")
        cursor.execute("rollback")
        cursor.execute("UPDATE shop_order SET note = 'alone' WHERE id = 2")


@case("transactions", mode="autocommit")
def reconnected() -> None:
    """A connection that is closed, in a transaction too, and opened again."""
    Order.objects.filter(pk=1).update(note="before")
    connection.close()
    Order.objects.filter(pk=1).update(note="between")
    try:
        with transaction.atomic():
            Order.objects.update(note="never")
            connection.close()
    finally:
        Order.objects.filter(pk=1).update(note="after")


@case("transactions")
def with_reasons() -> None:
    """Reasons and nested contexts; the actor stays."""
    with acting(reason="customer called", ticket="T-9"):
        Order.objects.filter(pk=1).update(status="held")


@case("querysets", only="postgresql")
def in_chunks() -> None:
    """Changes made while a server-side cursor is read."""
    with transaction.atomic():
        for line in Line.objects.order_by("pk").iterator(chunk_size=2):
            line.quantity += 1
            line.save()
