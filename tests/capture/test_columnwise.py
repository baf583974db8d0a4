"""Changes of many rows of SQLite, asked for in columns: told as the rows themselves tell it, value for value."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import StaticPool

from capture.shop import ACTOR
from ordertrail.capture import Policy, acting
from ordertrail.capture.guard import install_guard, remove_guard
from ordertrail.capture.guard.settling import settle
from ordertrail.capture.outbox import create_outbox, pending
from ordertrail.capture.sqlalchemy import capture
from ordertrail.capture.telling import TOGETHER
from ordertrail.capture.values import LONG, carry, tell

TABLE = """
CREATE TABLE items (id integer PRIMARY KEY, order_id integer, depot varchar(40), n integer, label varchar(40),
                    price numeric(10, 2))
"""
POLICY = Policy.from_dict({"tables": {"items": {"order": "order_id", "kind": "item", "tenant": "depot"}}})
KINDS = {"order_id": "integer", "depot": "text", "n": "integer", "label": "text"}
IN_COLUMNS = '"columns":{"subjects":'
COLUMNS = ("id", "order_id", "depot", "n", "label", "price")

SIMPLE = [
    "UPDATE items SET n = n + ?",
    "UPDATE items SET n = ? WHERE n < 10",
    "UPDATE items SET n = ?, label = label || 'x' WHERE n IS NOT NULL",
    "UPDATE items SET label = ? WHERE label = 'a' COLLATE NOCASE",
    "UPDATE items SET n = CASE WHEN n > ? THEN abs(n) ELSE NULL END",
    "UPDATE items AS i SET \"n\" = i.n % 3 WHERE i.depot IN ('N', ?)",
    "UPDATE items SET label = lower(coalesce(label, ?))",
]
ODD = [
    "UPDATE items SET n = label WHERE n <> ?",
    "UPDATE items SET label = n, n = ?",
    "UPDATE items SET n = n * 3037000500 * ?",
    "UPDATE items SET n = n / 2.0 WHERE n > ?",
    "UPDATE OR IGNORE items SET n = ?",
    "UPDATE items SET n = (SELECT max(n) FROM items WHERE n < ?)",
    "UPDATE items SET price = price * ?",
    "UPDATE items SET depot = ?",
    "UPDATE items SET order_id = order_id + ?",
    "DELETE FROM items WHERE n < ?",
    "DELETE FROM items WHERE n > ? OR label IS NULL",
]

values = st.one_of(
    st.none(),
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.integers(-20, 20),
    st.sampled_from(["a", "A", "7", "007", "1e3", "", 'q"\\', "nul\x00in", "é\u2028", "null", "😀", "1.0"]),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.sampled_from([b"", b"ab", b"7"]),
)
texts = st.one_of(st.none(), st.sampled_from(["N", "S", "nul\x00in", "", "\x07"]))
rows = st.lists(
    st.tuples(st.one_of(st.none(), st.integers(1, 3)), texts, values, values), min_size=1, max_size=8
)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """A database in memory, captured."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(TABLE)
    create_outbox(engine)
    capture(engine, POLICY)
    yield engine
    engine.dispose()


def fill(engine: Engine, table: Any) -> None:
    """Put rows into the table, past capture."""
    driver: Any = engine.raw_connection().driver_connection
    driver.execute("DELETE FROM items")
    driver.executemany(
        "INSERT INTO items (id, order_id, depot, n, label, price) VALUES (?, ?, ?, ?, ?, 9.9)",
        [(number + 1, *row) for number, row in enumerate(table)],
    )
    driver.execute("DELETE FROM ordertrail_outbox")
    driver.commit()


def contents(engine: Engine) -> dict[int, dict[str, Any]]:
    """Return the table's rows by their keys."""
    driver: Any = engine.raw_connection().driver_connection
    found = driver.execute("SELECT id, order_id, depot, n, label, +price FROM items").fetchall()
    return {row[0]: dict(zip(COLUMNS, row, strict=True)) for row in found}


def told(name: str, value: Any) -> Any:
    """Return a value in an event's words."""
    if name == "price":
        return tell("decimal", 2, carry(value))
    return tell(KINDS.get(name, "integer"), None, carry(value))


def expected(before: dict[int, Any], after: dict[int, Any]) -> dict[str, dict[str, tuple[Any, Any]]]:
    """Return what changed, by row and column."""
    found = {}
    for key, old in before.items():
        new = after.get(key)
        changed = {
            f"/{name}": (told(name, old[name]), None if new is None else told(name, new[name]))
            for name in COLUMNS
            if new is None or old[name] != new[name]
        }
        if changed:
            found[str(key)] = changed
    return found


def recorded(engine: Engine) -> dict[str, dict[str, tuple[Any, Any]]]:
    """Return what the outbox says changed, by row and column."""
    with engine.connect() as connection:
        events = pending(connection)
    assert len({event.id for event in events}) == len(events)
    assert all(event.actor.id == ACTOR for event in events)
    return {
        event.subject.id: {
            change.path: (change.before, None if change.after is msgspec.UNSET else change.after)
            for change in event.changes
        }
        for event in events
    }


def run(engine: Engine, sql: str, *given: Any) -> None:
    """Run a statement, and commit it."""
    with acting(ACTOR), engine.begin() as connection:
        connection.exec_driver_sql(sql, given)


def bodies(engine: Engine) -> list[str]:
    """Return the outbox as it is."""
    with engine.connect() as connection:
        return list(
            connection.exec_driver_sql("SELECT body FROM ordertrail_outbox ORDER BY position").scalars()
        )


@settings(max_examples=250, deadline=None)
@given(table=rows, sql=st.sampled_from(SIMPLE + ODD), parameter=st.integers(-3, 12))
def test_what_is_recorded_is_what_changed(engine: Engine, table: Any, sql: str, parameter: int) -> None:
    """Of any values, under any statement, just those rows and columns are told that changed, as they were and are."""
    fill(engine, table)
    before = contents(engine)
    run(engine, sql, parameter)
    assert recorded(engine) == expected(before, contents(engine))


@pytest.mark.parametrize("sql", SIMPLE)
def test_a_simple_statement_is_told_in_columns(engine: Engine, sql: str) -> None:
    """Where each value is an integer or a text, one outbox row holds columns, and says the same."""
    fill(engine, [(1, "N", number, "aA"[number % 2]) for number in range(30)])
    before = contents(engine)
    given = "N" if "IN (" in sql or "label = ?" in sql or "label, ?" in sql else 4
    run(engine, sql, given)
    (body,) = bodies(engine)
    assert IN_COLUMNS in body
    assert recorded(engine) == expected(before, contents(engine))


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE items SET n = label WHERE n <> ?",
        "UPDATE items SET n = n / 2.0 WHERE n > ?",
        "UPDATE OR IGNORE items SET n = ?",
        "UPDATE items SET n = (SELECT max(n) FROM items WHERE n < ?)",
        "UPDATE items SET n = ? WHERE id = abs(random())",
        "UPDATE items SET n = ? WHERE depot < CURRENT_TIMESTAMP",
        "UPDATE items SET price = price * ?",
        "UPDATE items SET id = id + 100 WHERE n > ?",
        "UPDATE items SET (n, label) = (n + 1, ?)",
        "DELETE FROM items WHERE n < ?",
    ],
)
def test_what_may_mean_something_else_is_told_row_by_row(engine: Engine, sql: str) -> None:
    """What JSON may round, what the column may convert, and what two calls may answer differently is read as rows."""
    fill(engine, [(1, "N", number, "7") for number in range(30)])
    before = contents(engine)
    run(engine, sql, 4)
    assert not any(IN_COLUMNS in body for body in bodies(engine))
    if "SET id" not in sql:  # a row that changes its key is told as one, which this oracle is too simple for
        assert recorded(engine) == expected(before, contents(engine))


def test_a_long_text_is_shortened_as_ever(engine: Engine) -> None:
    """A text beyond 16 KiB never reaches the outbox whole."""
    fill(engine, [(1, "N", 1, "x" * (LONG + 1)), (1, "N", 2, "y")])
    before = contents(engine)
    run(engine, "UPDATE items SET label = label || ?", "!")
    assert len(bodies(engine)[0]) < LONG
    assert recorded(engine) == expected(before, contents(engine))


def test_outbox_rows_stay_small(engine: Engine) -> None:
    """A statement on more rows than fit is cut, and each event has an id and a counter of its own."""
    count = TOGETHER * 2 + 1
    fill(engine, [(None, None, number, None) for number in range(count)])
    run(engine, "UPDATE items SET n = n + ?", 1)
    assert len(bodies(engine)) == 3
    with engine.connect() as connection:
        events = pending(connection)
    counters = [event.origin.counter for event in events if event.origin is not None]
    assert counters == list(range(counters[0], counters[0] + count))
    changed = [
        (int(event.subject.id) - 1, event.changes[0].before, event.changes[0].after) for event in events
    ]
    assert changed == [(number, number, number + 1) for number in range(count)]


def test_what_came_to_nothing_leaves_nothing(engine: Engine) -> None:
    """A rolled back statement, and a savepoint's, are not told; rows that do not change are no events."""
    fill(engine, [(1, "N", number, "a") for number in range(5)])
    with acting(ACTOR), engine.connect() as connection:
        connection.exec_driver_sql("UPDATE items SET n = n + 1")
        connection.rollback()
        connection.exec_driver_sql("UPDATE items SET n = n + 0")
        savepoint = connection.begin_nested()
        connection.exec_driver_sql("UPDATE items SET n = 77")
        savepoint.rollback()
        connection.commit()
    assert recorded(engine) == {}
    assert {row["n"] for row in contents(engine).values()} == set(range(5))


def test_the_guard_knows_what_columns_tell(engine: Engine) -> None:
    """Rows that an outbox row tells in columns are no bypass; those that somebody else changed are."""
    fill(engine, [(1, "N", number, "a") for number in range(5)])
    with engine.connect() as connection:
        install_guard(connection, POLICY)
        connection.commit()
    try:
        run(engine, "UPDATE items SET n = n + ?", 1)
        assert IN_COLUMNS in bodies(engine)[0]
        with engine.connect() as connection:
            assert settle(connection) == 0
        driver: Any = engine.raw_connection().driver_connection
        driver.execute("UPDATE items SET n = 99 WHERE id = 3")
        driver.commit()
        with engine.connect() as connection:
            assert settle(connection) == 1
    finally:
        with engine.connect() as connection:
            remove_guard(connection)
            connection.commit()
