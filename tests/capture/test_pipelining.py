"""PostgreSQL: the outbox and the COMMIT in one journey. Both happen, or neither, and nothing is told in silence."""

from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from capture.shop import ACTOR, Order, events_of
from ordertrail.capture import acting
from ordertrail.capture.outbox.pipelining import Pipeline
from ordertrail.capture.sqlalchemy.state import DriverAsker
from servers.databases import empty_database


@pytest.fixture
def database_url(postgresql_server: Any) -> Any:
    """Only PostgreSQL has such a thing."""
    with empty_database(postgresql_server) as name:
        yield postgresql_server.url(name).replace("postgresql://", "postgresql+psycopg://")


@pytest.fixture
def plain_writes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Outbox rows that were written in a journey of their own."""
    ran: list[str] = []
    run = DriverAsker.run

    def running(self: DriverAsker, sql: str, parameters: Any) -> Any:
        if "ordertrail_outbox" in sql:
            ran.append(sql)
        return run(self, sql, parameters)

    monkeypatch.setattr(DriverAsker, "run", running)
    return ran


def note(engine: Engine, value: str) -> None:
    """Change one field of the one order."""
    with acting(ACTOR), Session(engine) as session:
        session.get_one(Order, 1).note = value
        session.commit()


@pytest.fixture
def order(engine: Engine) -> int:
    """An order, by whose insert the connection's client is known to the database."""
    with acting(ACTOR), Session(engine) as session:
        session.add(Order(id=1, number="A"))
        session.commit()
    return 1


def notes(observer: Engine) -> list[Any]:
    """Return what the outbox says of the note."""
    with observer.connect() as connection:
        return [
            change.after for one in events_of(connection) for change in one.changes if change.path == "/note"
        ]


def test_a_commit_takes_the_outbox_with_it(
    engine: Engine, observer: Engine, order: int, plain_writes: list[str]
) -> None:
    """From the second transaction of a connection on no statement of ours is sent by itself."""
    assert order
    plain_writes.clear()
    for number in range(5):
        note(engine, f"note {number}")
    assert plain_writes == []
    assert notes(observer)[-5:] == [f"note {number}" for number in range(5)]


def test_a_commit_that_fails_leaves_nothing(engine: Engine, observer: Engine, order: int) -> None:
    """A constraint that speaks at the COMMIT fails it with the application's own error, and nothing is recorded."""
    assert order
    with observer.begin() as connection:
        connection.exec_driver_sql(
            "ALTER TABLE orders ADD CONSTRAINT ordertrail_late UNIQUE (note) DEFERRABLE INITIALLY DEFERRED"
        )
        connection.exec_driver_sql(
            "INSERT INTO orders (id, number, paid, status, note) VALUES (2, 'B', false, 'n', 'x')"
        )
    with pytest.raises(IntegrityError, match="ordertrail_late"):
        note(engine, "x")
    note(engine, "y")
    assert notes(observer)[-1:] == ["y"]
    assert "x" not in notes(observer)


def test_a_client_that_was_set_back_is_followed_by_another(
    engine: Engine, observer: Engine, order: int, plain_writes: list[str]
) -> None:
    """Somebody changed the client's row: the transaction commits all the same, numbered by another client."""
    assert order
    note(engine, "before")
    with observer.begin() as connection:
        connection.execute(text("UPDATE ordertrail_client SET counter = 0"))
    note(engine, "after")
    assert len(plain_writes) >= 2
    assert notes(observer)[-2:] == ["before", "after"]
    with observer.connect() as connection:
        assert (
            connection.scalar(text("SELECT count(*) FROM ordertrail_client WHERE follows IS NOT NULL")) == 1
        )


@pytest.mark.parametrize("statement", ["DISCARD ALL", "DEALLOCATE ALL"])
def test_prepared_statements_that_are_gone_cost_nothing_but_time(
    engine: Engine, observer: Engine, order: int, statement: str
) -> None:
    """A pool, or a pooler, may throw away what was prepared: the transaction that finds out commits all the same."""
    assert order
    note(engine, "one")

    @event.listens_for(engine, "checkin")
    def discard(connection: Any, _record: object) -> None:
        connection.autocommit = True
        connection.pgconn.exec_(statement.encode())
        connection.autocommit = False

    for value in ("two", "three"):
        note(engine, value)
    assert notes(observer)[-3:] == ["one", "two", "three"]


def test_an_outbox_that_is_gone_fails_the_commit(engine: Engine, observer: Engine, order: int) -> None:
    """What cannot be recorded is not committed."""
    assert order
    note(engine, "kept")
    with observer.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE ordertrail_outbox RENAME TO elsewhere")
    with pytest.raises(Exception, match="ordertrail_outbox"):
        note(engine, "lost")
    with observer.connect() as connection:
        assert connection.scalar(text("SELECT note FROM orders")) == "kept"


def test_a_connection_that_breaks_in_the_commit_is_given_up(
    engine: Engine, observer: Engine, order: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows whether it committed: the application is told, and another client numbers what comes next."""
    assert order
    note(engine, "one")
    send = Pipeline._send

    def breaking(self: Pipeline, client: Any, entries: Any) -> Any:
        with observer.begin() as connection:
            connection.exec_driver_sql(
                f"SELECT pg_terminate_backend({self._connection.info.backend_pid}, 1000)"
            )
        return send(self, client, entries)

    with monkeypatch.context() as patched:
        patched.setattr(Pipeline, "_send", breaking)
        with pytest.raises(OperationalError):
            note(engine, "two")
    note(engine, "three")
    assert notes(observer)[-2:] == ["one", "three"]


def test_what_a_commit_listener_changes_is_recorded(engine: Engine, observer: Engine, order: int) -> None:
    """The outbox is written after everybody who listens to the commit has done what they do."""
    assert order

    @event.listens_for(engine, "commit")
    def late(connection: Any) -> None:
        connection.exec_driver_sql("UPDATE orders SET note = note || '!' WHERE id = 1")

    note(engine, "heard")
    assert notes(observer)[-2:] == ["heard", "heard!"]


def test_who_wants_no_prepared_statements_gets_none(engine: Engine, observer: Engine, order: int) -> None:
    """A connection with ``prepare_threshold=None`` is written on as ever."""
    assert order
    with acting(ACTOR), Session(engine) as session:
        driver: Any = session.connection().connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        driver.prepare_threshold = None
        session.get_one(Order, 1).note = "plain"
        session.commit()
        with driver.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'ordertrail%'")
            assert cursor.fetchone() == (0,)
        driver.rollback()
    assert notes(observer)[-1:] == ["plain"]
