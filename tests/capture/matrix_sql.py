"""Changes by statements: Core, upserts, text and driver-level SQL."""

from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, func, insert, literal, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from capture.matrix import LINES, ORDERS, case
from capture.shop import Allocation, Order

# Core ---------------------------------------------------------------------------------------------------------------


@case("Core", "core")
def core_insert(connection: Connection) -> None:
    """insert() of one row, whose key the application gets."""
    result = connection.execute(
        insert(ORDERS).values(number="C-1", status="new", paid=True, total=Decimal("1.005"))
    )
    assert result.inserted_primary_key is not None
    assert result.inserted_primary_key[0] > 3


@case("Core", "core")
def core_insert_many(connection: Connection) -> None:
    """insert() of many rows, without their keys."""
    connection.execute(
        insert(LINES),
        [{"order_id": 2, "sku": f"C{n}", "quantity": n, "unit_price": "0.10"} for n in range(4)],
    )


@case("Core", "core")
def core_insert_keys(connection: Connection) -> None:
    """insert() of many rows, with their keys."""
    rows = [
        {"id": 60 + n, "order_id": 2, "sku": f"C{n}", "quantity": n, "unit_price": Decimal(n)}
        for n in range(4)
    ]
    connection.execute(insert(LINES), rows)


@case("Core", "core")
def core_multi_values(connection: Connection) -> None:
    """insert() of several VALUES in one statement."""
    rows = [{"order_id": 2, "sku": f"V{n}", "quantity": n, "unit_price": Decimal(n)} for n in range(4)]
    connection.execute(insert(LINES).values(rows))


@case("Core", "core")
def core_insert_returning(connection: Connection) -> None:
    """insert() of many rows that returns a column, and not the key."""
    rows = [{"order_id": 2, "sku": f"R{n}", "quantity": n, "unit_price": Decimal(n)} for n in range(3)]
    assert sorted(connection.scalars(insert(LINES).returning(LINES.c.id), rows)) != []


@case("Core", "core")
def core_returning_other(connection: Connection) -> None:
    """insert() of one row that returns another column than the key."""
    row = {"order_id": 2, "sku": "R", "quantity": 1, "unit_price": Decimal(3)}
    assert connection.execute(insert(LINES).values(row).returning(LINES.c.sku)).all() == [("R",)]


@case("Core", "core")
def core_from_select(connection: Connection) -> None:
    """INSERT … SELECT."""
    query = select(literal(3), LINES.c.sku + "x", LINES.c.quantity, LINES.c.unit_price).where(
        LINES.c.quantity > 1
    )
    connection.execute(insert(LINES).from_select(["order_id", "sku", "quantity", "unit_price"], query))


@case("Core", "core")
def core_update_many(connection: Connection) -> None:
    """update() run for many sets of parameters."""
    statement = update(LINES).where(LINES.c.id == bindparam("line")).values(quantity=bindparam("amount"))
    result = connection.execute(statement, [{"line": n, "amount": n * 10} for n in range(1, 6)])
    assert result.rowcount in {5, -1}


@case("Core", "core")
def core_update_by_other(connection: Connection) -> None:
    """update() run for many sets of parameters, by another column than the key."""
    statement = update(LINES).where(LINES.c.sku == bindparam("which")).values(quantity=bindparam("amount"))
    connection.execute(statement, [{"which": f"S{n}", "amount": n * 10} for n in range(1, 4)])


@case("Core", "core")
def core_update_twice(connection: Connection) -> None:
    """update() of one row twice in one executemany: both."""
    statement = update(LINES).where(LINES.c.id == bindparam("line")).values(quantity=bindparam("amount"))
    connection.execute(statement, [{"line": 1, "amount": 5}, {"line": 1, "amount": 6}])


@case("Core", "core")
def core_update_from(connection: Connection) -> None:
    """update() with another table beside."""
    connection.execute(
        update(LINES)
        .where(and_(LINES.c.order_id == ORDERS.c.id, ORDERS.c.number == "A-1"))
        .values(quantity=LINES.c.quantity + 9)
    )


@case("Core", "core")
def core_update_all(connection: Connection) -> None:
    """update() without a condition; rows in which nothing changes are no change."""
    connection.execute(update(ORDERS).values(status="new"))


@case("Core", "core")
def core_update_nothing(connection: Connection) -> None:
    """update() of no row."""
    assert connection.execute(update(ORDERS).where(ORDERS.c.id == 999).values(status="new")).rowcount == 0


@case("Core", "core")
def core_keys_by_expression(connection: Connection) -> None:
    """update() of primary keys by an expression."""
    connection.execute(update(Allocation.__table__).values(id=Allocation.__table__.c.id + 500))  # type: ignore[arg-type]


@case("Core", "core")
def core_delete(connection: Connection) -> None:
    """delete() of a condition, and of everything."""
    connection.execute(delete(LINES).where(LINES.c.quantity >= 4))
    connection.execute(delete(Allocation.__table__))  # type: ignore[arg-type]


@case("Core", "core")
def core_cte(connection: Connection) -> None:
    """update() with a common table expression."""
    big = select(LINES.c.id).where(LINES.c.quantity > 2).cte("big")
    connection.execute(update(LINES).where(LINES.c.id.in_(select(big.c.id))).values(sku=LINES.c.sku + "!"))


# Upserts ------------------------------------------------------------------------------------------------------------


def _insert_of(bind: Any) -> Any:
    return postgresql.insert if bind.dialect.name == "postgresql" else sqlite.insert


@case("upserts", "core")
def upsert_by_key(connection: Connection) -> None:
    """ON CONFLICT DO UPDATE by the primary key: one row there, one not."""
    statement = _insert_of(connection)(LINES)
    statement = statement.on_conflict_do_update(
        index_elements=["id"], set_={"quantity": statement.excluded.quantity + 1}
    )
    rows = [
        {"id": n, "order_id": 1, "sku": f"U{n}", "quantity": 70, "unit_price": Decimal(1)} for n in (1, 70)
    ]
    connection.execute(statement.values(rows))


@case("upserts", "core")
def upsert_by_unique(connection: Connection) -> None:
    """ON CONFLICT DO UPDATE by another unique key, run for many sets of parameters."""
    statement = _insert_of(connection)(LINES)
    statement = statement.on_conflict_do_update(
        index_elements=["order_id", "sku"], set_={"quantity": statement.excluded.quantity}
    )
    rows = [
        {"order_id": 1, "sku": sku, "quantity": 80, "unit_price": Decimal(1)} for sku in ("S1", "S2", "new")
    ]
    connection.execute(statement, rows)


@case("upserts")
def upsert_orm(session: Session) -> None:
    """ON CONFLICT DO UPDATE as an ORM statement that returns objects."""
    statement = _insert_of(session.get_bind())(Order).values(
        [{"number": number, "note": number, "status": "new", "paid": False} for number in ("A-1", "Z-1")]
    )
    statement = statement.on_conflict_do_update(
        index_elements=["number"], set_={"note": statement.excluded.note}
    )
    made = session.scalars(statement.returning(Order), execution_options={"populate_existing": True}).all()
    assert {order.number for order in made} == {"A-1", "Z-1"}


@case("upserts", "core")
def upsert_nothing(connection: Connection) -> None:
    """ON CONFLICT DO NOTHING."""
    rows = [{"order_id": 1, "sku": sku, "quantity": 80, "unit_price": Decimal(1)} for sku in ("S1", "fresh")]
    connection.execute(_insert_of(connection)(LINES).on_conflict_do_nothing(), rows)


@case("upserts", "core")
def upsert_select(connection: Connection) -> None:
    """ON CONFLICT DO UPDATE of rows that come from a query."""
    query = select(LINES.c.order_id, LINES.c.sku, LINES.c.quantity + 1, LINES.c.unit_price).where(
        LINES.c.order_id < 3
    )
    statement = _insert_of(connection)(LINES).from_select(
        ["order_id", "sku", "quantity", "unit_price"], query
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["order_id", "sku"], set_={"quantity": statement.excluded.quantity}
        )
    )


@case("upserts", "core", only="sqlite")
def or_replace(connection: Connection) -> None:
    """INSERT OR REPLACE: by the primary key, and where another row goes for a unique key."""
    statement = (
        "INSERT OR REPLACE INTO order_lines (id, order_id, sku, quantity, unit_price) VALUES (?, ?, ?, ?, ?)"
    )
    connection.exec_driver_sql(statement, (3, 2, "S3", 33, 1.5))
    connection.exec_driver_sql(statement, (90, 2, "S4", 44, 1.5))


@case("upserts", "core", only="postgresql")
def merge_statement(connection: Connection) -> None:
    """MERGE."""
    connection.execute(
        text(
            "MERGE INTO order_lines l USING (VALUES (1, 'S1', 9), (1, 'other', 9)) AS v (o, s, q) "
            "ON l.order_id = v.o AND l.sku = v.s WHEN MATCHED THEN UPDATE SET quantity = v.q "
            "WHEN NOT MATCHED THEN INSERT (order_id, sku, quantity, unit_price) VALUES (v.o, v.s, v.q, 1)"
        )
    )


# Text ---------------------------------------------------------------------------------------------------------------


@case("text and driver SQL")
def text_update(session: Session) -> None:
    """text() UPDATE with parameters."""
    session.execute(
        text("update order_lines set sku = :sku, quantity = quantity + 1 where id = :id"),
        {"id": 2, "sku": "t"},
    )


@case("text and driver SQL")
def text_alias(session: Session) -> None:
    """text() UPDATE and DELETE with aliases, comments and strings that look like SQL."""
    session.execute(
        text(
            """/* set where */ UPDATE orders AS o -- where id = 3
            SET note = 'a ''where'' ; and', status = CASE WHEN o.status = 'new' THEN 'x' ELSE 'y' END
            WHERE o.id IN (SELECT order_id FROM order_lines WHERE sku LIKE 'S%') -- the end"""
        )
    )
    session.execute(
        text('DELETE FROM "order_lines" AS l WHERE l."quantity" BETWEEN :low AND :high'),
        {"low": 2, "high": 3},
    )


@case("text and driver SQL")
def text_insert(session: Session) -> None:
    """text() INSERT, of values, of expressions and of a query."""
    session.execute(
        text("INSERT INTO order_lines (order_id, sku, quantity, unit_price) VALUES (1, 'q', 1 + 2, 4)")
    )
    session.execute(
        text(
            "INSERT INTO order_lines (order_id, sku, quantity, unit_price) SELECT 2, sku || 'z', 1, 2 FROM order_lines"
        )
    )


@case("text and driver SQL")
def text_many(session: Session) -> None:
    """text() UPDATE run for many sets of parameters."""
    session.execute(
        text("update order_lines set quantity = :q where id = :i"),
        [{"q": 50 + n, "i": n} for n in range(1, 4)],
    )


@case("text and driver SQL", "core")
def driver_sql(connection: Connection) -> None:
    """Driver-level SQL, with the driver's own parameters."""
    mark = (
        "?"
        if connection.dialect.name == "sqlite"
        else "$1"
        if connection.dialect.driver == "asyncpg"
        else "%s"
    )
    connection.exec_driver_sql(f"UPDATE orders SET note = 'x' WHERE number = {mark}", ("A-2",))
    connection.exec_driver_sql(f"DELETE FROM order_lines WHERE id = {mark}", (5,))


@case("text and driver SQL", "core")
def writable_with(connection: Connection) -> None:
    """WITH before UPDATE and DELETE."""
    connection.execute(
        text("WITH x AS (SELECT 1 AS id) UPDATE orders SET note = 'w' WHERE id IN (SELECT id FROM x)")
    )
    connection.execute(
        text("WITH x AS (SELECT 2 AS id) DELETE FROM order_lines WHERE order_id IN (SELECT id FROM x)")
    )


@case("text and driver SQL", "core", only="postgresql")
def writing_cte(connection: Connection) -> None:
    """WITH that itself deletes, into an INSERT."""
    connection.execute(
        text(
            "WITH gone AS (DELETE FROM order_lines WHERE order_id = 1 RETURNING *) "
            "INSERT INTO order_lines (order_id, sku, quantity, unit_price) "
            "SELECT 3, sku, quantity, unit_price FROM gone"
        )
    )


@case("text and driver SQL", "core", only="postgresql")
def truncate(connection: Connection) -> None:
    """TRUNCATE, and TRUNCATE … CASCADE."""
    connection.execute(text("TRUNCATE allocations"))
    connection.execute(text("TRUNCATE TABLE orders CASCADE"))


_MANY = "INSERT INTO order_lines (order_id, sku, quantity, unit_price) VALUES "


@case("text and driver SQL", "core")
def text_insert_many(connection: Connection) -> None:
    """text() INSERT run for many sets of parameters, whose keys the database makes; more than go together."""
    statement = text(f"{_MANY}(3, :sku, :quantity + 1, '2.50')")
    result = connection.execute(statement, [{"sku": f"m{n}", "quantity": n} for n in range(1_003)])
    assert result.rowcount == 1_003
    assert not result.returns_rows
    statement = text(f"{_MANY}(2, :sku, 1, 1), (3, :sku, :quantity, 1)")
    assert connection.execute(statement, [{"sku": f"d{n}", "quantity": n} for n in range(2)]).rowcount == 4


@case("text and driver SQL", "core")
def driver_insert_many(connection: Connection) -> None:
    """Driver-level INSERT run for many sets of parameters, whose keys the database makes."""
    marks = {"sqlite": "?, ?", "postgresql": "%s, %s"}[connection.dialect.name]
    if connection.dialect.driver == "asyncpg":
        marks = "$1, $2"
    rows = [(f"x{n}", n) for n in range(5)]
    assert connection.exec_driver_sql(f"{_MANY}(3, {marks}, 1)", rows).rowcount == 5


@case("text and driver SQL", "core")
def text_insert_many_queries(connection: Connection) -> None:
    """text() INSERT … SELECT, and INSERT … ON CONFLICT, run for many sets of parameters."""
    query = _MANY.replace("VALUES", "SELECT 2, sku || :suffix, quantity, 1 FROM order_lines WHERE id < :id")
    result = connection.execute(text(query), [{"suffix": "y", "id": 3}, {"suffix": "z", "id": 2}])
    assert result.rowcount == 3
    upsert = text(f"{_MANY}(1, :sku, 9, 1) ON CONFLICT (order_id, sku) DO UPDATE SET quantity = 10")
    connection.execute(upsert, [{"sku": "S1"}, {"sku": "S9"}])


@case("text and driver SQL", "core")
def text_change_many(connection: Connection) -> None:
    """text() UPDATE and DELETE run for many sets of parameters, by any condition."""
    connection.execute(
        text("UPDATE order_lines SET quantity = quantity + :more WHERE quantity > :low"),
        [{"more": 10, "low": 3}, {"more": 100, "low": 4}],
    )
    result = connection.execute(
        text("DELETE FROM order_lines WHERE sku = :sku AND quantity > :low"),
        [{"sku": f"S{n}", "low": 2} for n in range(1, 5)],
    )
    assert result.rowcount == 2


@case("Core", "core")
def core_insert_many_returning(connection: Connection) -> None:
    """insert() of many rows that returns another column than the key."""
    rows = [{"order_id": 2, "sku": f"O{n}", "quantity": n, "unit_price": Decimal(n)} for n in range(4)]
    assert sorted(connection.scalars(insert(LINES).returning(LINES.c.sku), rows)) == ["O0", "O1", "O2", "O3"]
    statement = insert(LINES).returning(LINES.c.quantity, LINES.c.sku, sort_by_parameter_order=True)
    rows = [{**row, "sku": f"{row['sku']}!"} for row in rows]
    assert connection.execute(statement, rows).all() == [(n, f"O{n}!") for n in range(4)]


@case("Core", "core")
def core_insert_many_expression(connection: Connection) -> None:
    """insert() of many rows, with an expression of the database's among their values."""
    statement = insert(LINES).values(order_id=select(func.max(ORDERS.c.id)).scalar_subquery())
    connection.execute(statement, [{"sku": f"E{n}", "quantity": n, "unit_price": 1} for n in range(3)])
