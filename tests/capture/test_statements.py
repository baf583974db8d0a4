"""Capture's own statements beside the application's: a few for each flush, never one a row."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from capture.matrix import seed
from capture.shop import ACTOR, Line, Order, events_of
from ordertrail.capture import acting
from ordertrail.capture.outbox.pipelining import Pipeline
from ordertrail.capture.sqlalchemy.state import DriverAsker

UPSERT = (
    "INSERT INTO orders (number, paid, status) SELECT 'Z', false, 'n' WHERE 1 > %s "
    "ON CONFLICT (number) DO UPDATE SET note = 'x'"
)


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Collect the statements that capture runs."""
    ran: list[str] = []
    fetch, run, send = DriverAsker.fetch, DriverAsker.run, Pipeline._send

    def fetching(self: DriverAsker, sql: str, parameters: Any) -> Any:
        ran.append(sql)
        return fetch(self, sql, parameters)

    def running(self: DriverAsker, sql: str, parameters: Any) -> Any:
        if not sql.startswith("BEGIN"):
            ran.append(sql)
        return run(self, sql, parameters)

    monkeypatch.setattr(DriverAsker, "fetch", fetching)

    def sending(self: Pipeline, *given: Any) -> Any:
        ran.append("the outbox, with the COMMIT")
        return send(self, *given)

    monkeypatch.setattr(DriverAsker, "run", running)
    monkeypatch.setattr(Pipeline, "_send", sending)
    yield ran
    monkeypatch.undo()


def writes(engine: Engine) -> int:
    """Statements by which a transaction writes its outbox rows."""
    return 1 if engine.dialect.name == "postgresql" else 2


@pytest.mark.parametrize("rows", [1, 10, 200])
def test_an_insert_costs_nothing_but_the_outbox(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    """New objects, however many: their values tell all, or one query reads what the database added."""
    with acting(ACTOR), Session(engine) as session, counted(monkeypatch) as ran:
        session.add_all(
            [Line(order_id=1, sku=f"S{n}", quantity=n, unit_price=Decimal(1)) for n in range(rows)]
        )
        session.add(Order(id=1, number="A"))
        session.commit()
    assert len([sql for sql in ran if "order_lines" in sql and "SELECT" in sql[:10]]) == 0
    assert len(ran) <= writes(engine) + 1


@pytest.mark.parametrize("rows", [2, 50, 300])
def test_a_flush_of_changes_reads_once_a_table(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    """Rows that a flush changes, in whatever groups of columns, are read in one query a table."""
    with acting(ACTOR), Session(engine) as session:
        session.add(Order(id=1, number="A"))
        session.add_all(
            [Line(order_id=1, sku=f"S{n}", quantity=n, unit_price=Decimal(1)) for n in range(rows)]
        )
        session.commit()
        lines = session.scalars(select(Line)).all()
        with counted(monkeypatch) as ran:
            for line in lines:
                if line.id % 3:
                    line.quantity += 1
                else:
                    line.unit_price += 1
                    line.sku += "!"
            session.get_one(Order, 1).note = "x"
            session.commit()
        assert len([sql for sql in ran if sql.startswith("SELECT")]) <= 2
        # A hundred rows of the outbox are written in one statement.
        assert len(ran) <= 2 + writes(engine) + rows // 100


def test_a_row_that_this_transaction_knows_is_not_read_again(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several flushes of one row read it once, at most: its lock is ours until the end."""
    with acting(ACTOR), Session(engine) as session, session.begin():
        seed(session)
    with acting(ACTOR), Session(engine) as session, counted(monkeypatch) as ran:
        order = session.get_one(Order, 1)
        for number in range(5):
            order.note = f"note {number}"
            session.flush()
        session.commit()
    assert len([sql for sql in ran if sql.startswith("SELECT")]) <= 1


@pytest.mark.parametrize("rows", [10, 500])
def test_a_bulk_update_costs_one_statement_at_most(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    """Rows before and after a bulk update are read together, whatever their number."""
    with acting(ACTOR), Session(engine) as session:
        session.add(Order(id=1, number="A"))
        session.add_all(
            [Line(order_id=1, sku=f"S{n}", quantity=n, unit_price=Decimal(1)) for n in range(rows)]
        )
        session.commit()
        with counted(monkeypatch) as ran:
            session.execute(update(Line).values(quantity=Line.quantity + 1))
            session.commit()
        # On PostgreSQL the statement returns both itself; of SQLite one query asks for both before it.
        assert len(ran) <= writes(engine) + (engine.dialect.name == "sqlite")


def test_what_is_not_audited_costs_nothing(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Queries, and statements on other tables, cause none of ours."""
    with acting(ACTOR), Session(engine) as session, session.begin():
        seed(session)
    with Session(engine) as session, counted(monkeypatch) as ran:
        session.scalars(select(Order)).all()
        session.rollback()
    assert ran == []


def test_what_was_before_is_what_the_database_had(engine: Engine, observer: Engine) -> None:
    """Somebody else changed the row after it was loaded: the change is told from what they made of it."""
    with Session(engine) as session, session.begin():
        seed(session)
    with acting(ACTOR), Session(engine) as session:
        line = session.get_one(Line, 1)
        assert line.quantity == 1
        if engine.dialect.name == "sqlite":
            session.connection().connection.rollback()  # or SQLite would not let anybody else write
        with observer.begin() as connection:
            connection.execute(update(Line).where(Line.id == 1).values(quantity=7))
        line.quantity = 8
        session.commit()
    with observer.connect() as connection:
        (event,) = events_of(connection)
    assert [(change.before, change.after) for change in event.changes] == [(7, 8)]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE orders SET note = 'x' WHERE id = (SELECT max(id) FROM orders) AND id > %s",
        "UPDATE orders SET note = upper(number) WHERE id = (SELECT max(id) FROM orders) AND id > %s",
        "DELETE FROM orders WHERE id = (SELECT max(id) FROM orders) AND id > %s",
        UPSERT,
    ],
)
def test_rows_that_came_to_be_meanwhile_are_told_as_they_are(
    engine: Engine, observer: Engine, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    """Between our look and the statement somebody commits a row that it meets: that row is told, and no other."""
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite lets nobody else write in between")
    with Session(engine) as session, session.begin():
        session.add(Order(id=1, number="A"))
    fetch = DriverAsker.fetch

    def meddling(self: DriverAsker, sql: str, parameters: Any) -> Any:
        rows = fetch(self, sql, parameters)
        monkeypatch.undo()
        with observer.begin() as connection:
            connection.execute(
                text("INSERT INTO orders (id, number, status, paid) VALUES (9, 'Z', 'new', false)")
            )
        return rows

    monkeypatch.setattr(DriverAsker, "fetch", meddling)
    with acting(ACTOR), engine.begin() as connection:
        connection.exec_driver_sql(statement, (0,))
    with observer.connect() as connection:
        told = [event for event in events_of(connection) if event.actor.id == ACTOR]
    assert [(event.subject.id, event.action) for event in told] == [
        ("9", "order.delete" if "DELETE" in statement else "order.update")
    ]


def test_what_an_insert_of_many_left_when_one_was_refused_is_recorded(engine: Engine) -> None:
    """SQLite leaves the rows before the one that is refused; PostgreSQL none, and a savepoint undoes the rest."""
    insert_many = text("INSERT INTO order_lines (order_id, sku, quantity, unit_price) VALUES (3, :sku, 1, 1)")
    with acting(ACTOR), Session(engine) as session, session.begin():
        seed(session)
    with acting(ACTOR), engine.begin() as connection:
        told = len(events_of(connection))
        savepoint = connection.begin_nested() if engine.dialect.name == "postgresql" else None
        with pytest.raises(IntegrityError):
            connection.execute(insert_many, [{"sku": sku} for sku in ("a", "b", "a", "c")])
        if savepoint is not None:
            savepoint.rollback()
    with engine.connect() as connection:
        left = connection.scalars(select(Line.id).where(Line.sku.in_(["a", "b", "c"]))).all()
        events = [one for one in events_of(connection)[told:] if one.outcome == "success"]
    assert sorted(event.subject.id for event in events) == sorted(map(str, left))
    assert len(left) == (0 if savepoint is not None else 2)
