"""What goes past the application on SQLite: the sqlite3 program, Python's module, with nothing of ours in them."""

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from capture.conftest import captured
from capture.guard.shop import bypasses, forget, guarded, recorded, seen_rows, told
from capture.matrix import seed
from capture.shop import ACTOR, Order
from ordertrail.capture import Policy, acting
from ordertrail.capture.guard.settling import read_literals
from ordertrail.capture.guard.sqlite import install_statements
from ordertrail.capture.outbox import create_outbox
from ordertrail.capture.outbox.ddl import outbox_statements
from ordertrail.record.encoding import encode
from ordertrail.record.parse import parse_event

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def shop(bare_engine: Engine) -> Engine:
    """The shop, seeded, captured and guarded."""
    with Session(bare_engine) as session, session.begin():
        seed(session)
    create_outbox(bare_engine)
    guarded(bare_engine)
    return captured(bare_engine)


@pytest.fixture
def plain(shop: Engine) -> Iterator[sqlite3.Connection]:
    """Another program's connection, each of whose statements is a transaction."""
    connection = sqlite3.connect(str(shop.url.database), isolation_level=None)
    yield connection
    connection.close()


@on_sqlite
def test_the_sqlite3_program_is_recorded(shop: Engine, observer: Engine) -> None:
    """What is typed into sqlite3, and the rows that cascades take along; by whom, SQLite does not know."""
    program = shutil.which("sqlite3")
    if program is None:
        pytest.skip("the program sqlite3 is not installed")
    changes = "UPDATE orders SET total = 0.5 WHERE id = 1; DELETE FROM order_lines WHERE id = 1;"
    script = f"PRAGMA foreign_keys = ON; {changes}"
    subprocess.run([program, str(shop.url.database), script], check=True, capture_output=True)
    events = bypasses(observer)
    assert told(events)[0] == ("order", "1", {"total": ("25.00", "0.50")})
    assert [(event.subject.kind, event.subject.order) for event in events] == [
        ("order", "1"), ("allocation", "1"), ("order_line", "1"),
    ]  # fmt: skip
    assert {event.actor.id for event in events} == {"unknown"}
    for event in events:
        assert parse_event(encode(event)) == event


@on_sqlite
def test_what_is_rolled_back_leaves_nothing(plain: sqlite3.Connection, observer: Engine) -> None:
    """As a whole or to a savepoint."""
    for statement in (
        "BEGIN", "UPDATE orders SET note = 'never'", "ROLLBACK", "BEGIN", "SAVEPOINT one",
        "UPDATE orders SET note = 'never'", "ROLLBACK TO one", "UPDATE orders SET note = 'kept' WHERE id = 3", "COMMIT",
    ):  # fmt: skip
        plain.execute(statement)
    assert told(bypasses(observer)) == [("order", "3", {"note": ("ship on Monday", "kept")})]
    assert seen_rows(observer) == 0


@on_sqlite
def test_in_one_transaction_each_is_what_it_is(shop: Engine, observer: Engine) -> None:
    """Captured and bypassing statements in one transaction, on other columns of one row too."""
    with acting(ACTOR), Session(shop) as session, session.begin():
        session.get_one(Order, 1).note = "captured"
        session.flush()
        cursor = session.connection().connection.cursor()
        cursor.execute("UPDATE orders SET status = 'past' WHERE id = 1")
        cursor.execute("UPDATE order_lines SET quantity = 99 WHERE id = 3")
        session.get_one(Order, 3).note = "captured too"
    events = recorded(observer)
    assert told([event for event in events if event.action == "capture.bypass"]) == [
        ("order", "1", {"status": ("new", "past")}), ("order_line", "3", {"quantity": (3, 99)}),
    ]  # fmt: skip
    assert told([event for event in events if event.action != "capture.bypass"]) == [
        ("order", "1", {"note": (None, "captured")}), ("order", "3", {"note": ("ship on Monday", "captured too")}),
    ]  # fmt: skip


@on_sqlite
def test_a_bypass_before_is_not_taken_for_what_capture_does(
    shop: Engine, plain: sqlite3.Connection, observer: Engine
) -> None:
    """A bypass that no relay has fetched yet stays one, though capture then changes the same row, even alike."""
    plain.execute("UPDATE orders SET note = 'past' WHERE id = 1")
    with acting(ACTOR), Session(shop) as session, session.begin():
        session.get_one(Order, 1).note = "captured"
    with Session(shop) as session, session.begin():
        session.get_one(Order, 1).note = "by nobody"
    assert told(bypasses(observer)) == [("order", "1", {"note": (None, "past")})]


@on_sqlite
def test_replace_is_an_update(plain: sqlite3.Connection, observer: Engine) -> None:
    """INSERT OR REPLACE of a row that is there: one change, where the program has triggers fire for it."""
    plain.execute("PRAGMA recursive_triggers = ON")
    plain.execute("INSERT OR REPLACE INTO allocations (id, line_id, quantity) VALUES (1, 1, 77)")
    assert told(bypasses(observer)) == [("allocation", "1", {"quantity": (1, 77)})]


@on_sqlite
def test_what_is_settled_is_settled_once(plain: sqlite3.Connection, observer: Engine) -> None:
    """The guard's client counts on, and a second look finds nothing."""
    for note in ("one", "two"):
        plain.execute(f"UPDATE orders SET note = '{note}' WHERE id = 3")
        assert len(bypasses(observer)) == (1 if note == "one" else 2)
    events = bypasses(observer)
    assert [event.origin.counter for event in events if event.origin] == [0, 1]
    assert len({event.origin.client for event in events if event.origin}) == 1


@on_sqlite
def test_personal_and_redacted_values_are_never_stored(bare_engine: Engine, observer: Engine) -> None:
    """Of what the policy hides, the guard notes no more than that it changed."""
    rule = {"order": "id", "redact": ["note"], "personal": {"number": "customer_id"}, "ignore": ["paid"]}
    with Session(bare_engine) as session, session.begin():
        seed(session)
    create_outbox(bare_engine)
    guarded(bare_engine, Policy.from_dict({"tables": {"orders": rule}}))
    with observer.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE orders SET note = 'secret', number = 'S-1', status = 'x', paid = 1 WHERE id = 1"
        )
        noted = connection.exec_driver_sql("SELECT before || after FROM ordertrail_guard_seen").scalar_one()
    assert "secret" not in noted
    assert "S-1" not in noted
    hidden = {"redacted": True}
    assert told(bypasses(observer)) == [
        ("order", "1", {"number": (hidden, hidden), "status": ("new", "x"), "note": (None, hidden)})
    ]
    forget(observer)
    with observer.begin() as connection:
        connection.exec_driver_sql("UPDATE orders SET paid = 0 WHERE id = 1")
    assert bypasses(observer) == []


_values = st.one_of(
    st.none(), st.integers(-(2**63), 2**63 - 1), st.binary(),
    st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False),
    st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])),
)  # fmt: skip


@given(st.lists(_values, min_size=1, max_size=8))
def test_any_row_is_read_as_it_was_noted(row: list[object]) -> None:
    """What ``quote()`` writes of values is read as those values; of numbers like 1e-300 SQLite writes 15 digits."""
    connection = sqlite3.connect(":memory:")
    query = "SELECT " + " || ',' || ".join(["quote(?)"] * len(row))
    (noted,) = connection.execute(query, row).fetchone()
    connection.close()
    for read, value in zip(read_literals(noted), row, strict=True):
        assert type(read) is type(value)
        assert read == (pytest.approx(value, rel=1e-14, abs=0) if isinstance(value, float) else value)


@pytest.mark.parametrize("text", ["1,", "nothing", "'open", "1 2", "X'0'", "1,,2"])
def test_what_is_no_list_of_literals_is_refused(text: str) -> None:
    """A row that somebody else wrote into the guard's table is never run as SQL, and not guessed at."""
    with pytest.raises(ValueError, match="SQL literals"):
        read_literals(text)


SUBJECTS = st.sampled_from(["1", "2"])
PATHS = st.sampled_from(["/note", "/status"])
SEEN = st.lists(
    st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["update", "delete"]), SUBJECTS, PATHS), max_size=5
)
FORMS = st.sampled_from(["rows", "events", "columns"])


@given(SEEN, st.lists(st.tuples(SUBJECTS, PATHS, FORMS), min_size=1, max_size=3))
def test_the_quick_way_takes_what_the_thorough_one_takes(
    seen: list[tuple[str, str, str, str]], told: list[tuple[str, str, str]]
) -> None:
    """Whatever was seen of whatever rows: a recorded row takes the same away, with the usual case's trigger or not."""
    left = []
    for quick in (True, False):
        database = sqlite3.connect(":memory:", isolation_level=None)
        for statement in (*outbox_statements("sqlite"), *install_statements([])):
            database.execute(statement)
        if not quick:
            database.execute("DROP TRIGGER ordertrail_guard_told_one")
        columns = "relation, stated, op, subject, changed"
        database.executemany(
            f"INSERT INTO ordertrail_guard_seen ({columns}) VALUES ('orders', ?, ?, ?, ? || '/')", seen
        )
        columns = "client, counter, events, relation, captured, body"
        for one in told:
            database.execute(
                f"INSERT INTO ordertrail_outbox ({columns}) VALUES ('c', 0, 1, 'orders', 0, ?)",
                (_batch_of_one(*one),),
            )
        left.append(database.execute("SELECT place FROM ordertrail_guard_seen").fetchall())
        database.close()
    assert left[0] == left[1]


def _batch_of_one(subject: str, path: str, form: str) -> str:
    """Return a batch of one row, in one of the three forms that batches have."""
    rows = {
        "rows": [[subject, None, None, [None], [None]]],
        "events": [{"subject": {"id": subject}, "changes": [{"path": path}]}],
        "columns": {"subjects": [int(subject)]},
    }
    shape = {"columns": [[path, "text", None]]}
    return json.dumps({"op": "update", "outcome": "success", "shape": shape, form: rows[form]})
