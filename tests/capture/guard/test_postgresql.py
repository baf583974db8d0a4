"""What goes past the application on PostgreSQL, on a real server: psql, other roles, migrations, COPY, TRUNCATE."""

import subprocess
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from capture.conftest import captured
from capture.guard.shop import bypasses, forget, guarded, recorded, seen_rows, told
from capture.matrix import seed
from capture.shop import ACTOR, POLICY, Order
from ordertrail.capture import Policy, acting
from ordertrail.capture.outbox import create_outbox
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.record.encoding import encode
from ordertrail.record.parse import parse_event
from servers.postgresql import NoServerError, programs

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def shop(bare_engine: Engine) -> Engine:
    """The shop, seeded, captured and guarded."""
    with Session(bare_engine) as session, session.begin():
        seed(session)
    create_outbox(bare_engine)
    guarded(bare_engine)
    return captured(bare_engine)


@pytest.fixture
def plain(database_url: str, shop: Engine) -> Iterator[psycopg.Connection]:
    """Another program's connection, each of whose statements is a transaction."""
    assert shop is not None
    address = database_url.replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(address, autocommit=True, application_name="a script") as connection:
        yield connection


def test_psql_is_recorded_with_who_and_when(database_url: str, shop: Engine, observer: Engine) -> None:
    """What is typed into psql: the row before and after, the database's user, the program and the statement's time."""
    assert shop is not None
    address = database_url.replace("postgresql+psycopg", "postgresql")
    try:
        psql = programs() / "psql"
    except NoServerError as error:
        pytest.skip(str(error))
    statement = (
        "BEGIN; SELECT pg_sleep(0.01); UPDATE orders SET total = 0.5, note = 'typed' WHERE id = 1; COMMIT"
    )
    subprocess.run([psql, address, "-qc", statement], check=True, capture_output=True)
    (event,) = bypasses(observer)
    assert told([event]) == [("order", "1", {"total": ("25.00", "0.50"), "note": (None, "typed")})]
    assert event.context is not None
    assert (event.actor.id, event.actor.kind) == ("postgres", "service")
    assert (event.context.user_agent, event.context.channel) == ("psql", "database")
    assert event.subject.order == "1"
    assert {"bypass", POLICY.tag} <= set(event.context.tags)
    assert parse_event(encode(event)) == event


def test_a_role_is_told_beside_the_login(plain: psycopg.Connection, observer: Engine) -> None:
    """Who logged in is the actor; the role that was taken on is its role; neither needs rights to the guard."""
    name = f"{plain.info.dbname}_clerk"
    plain.execute(f"CREATE ROLE {name} LOGIN".encode())
    plain.execute(f"GRANT UPDATE, SELECT ON orders TO {name}".encode())
    plain.execute(f"SET ROLE {name}".encode())
    plain.execute("UPDATE orders SET note = 'as a role' WHERE id = 3")
    with psycopg.connect(plain.info.dsn, user=name, autocommit=True) as theirs:
        theirs.execute("UPDATE orders SET note = 'as oneself' WHERE id = 3")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            theirs.execute("DELETE FROM ordertrail_guard_seen")
    first, second = bypasses(observer)
    assert (first.actor.id, first.actor.roles) == ("postgres", (name,))
    assert (second.actor.id, second.actor.roles) == (name, ())
    plain.execute("RESET ROLE")
    plain.execute(f"DROP OWNED BY {name}; DROP ROLE {name}".encode())


def test_copy_is_recorded_row_by_row(plain: psycopg.Connection, observer: Engine) -> None:
    """COPY FROM, of more rows than one outbox row holds."""
    with plain.cursor().copy("COPY order_lines (order_id, sku, quantity, unit_price) FROM STDIN") as copy:
        for number in range(2_500):
            copy.write_row((1, f"copied-{number}", number, "9.90"))
    events = bypasses(observer)
    assert len(events) == 2_500
    assert {event.subject.order for event in events} == {"1"}
    skus = [event_change["sku"] for _, _, event_change in told(events)]
    assert skus == [f"copied-{number}" for number in range(2_500)]
    assert [event.origin.counter for event in events if event.origin] == list(range(2_500))


def test_truncate_tells_every_row(plain: psycopg.Connection, observer: Engine) -> None:
    """TRUNCATE … CASCADE: each row of each table that was emptied, with the order that it belonged to."""
    before = {
        table: plain.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
        for table in ("orders", "order_lines", "allocations", "order_tags")
    }
    plain.execute("TRUNCATE orders CASCADE")
    events = bypasses(observer)
    assert len(events) == sum(count[0] for count in before.values() if count)
    assert all(event.subject.order is not None for event in events)


def test_truncate_of_a_large_table_tells_how_many(plain: psycopg.Connection, observer: Engine) -> None:
    """A table of more than 10,000 rows is told by its name and number of rows."""
    plain.execute(
        "INSERT INTO orders (number, status, paid) SELECT 'n' || n, 'new', false FROM generate_series(1, 10001) n"
    )
    forget(observer)
    plain.execute("TRUNCATE orders CASCADE")
    events = [event for event in bypasses(observer) if event.subject.kind == "table"]
    assert told(events) == [("table", "orders", {"statement": "TRUNCATE", "rows": 10_004})]
    assert parse_event(encode(events[0])) == events[0]


def test_a_migration_is_recorded(plain: psycopg.Connection, observer: Engine) -> None:
    """ALTER and UPDATE in one transaction; the new column is told although the guard was installed before it."""
    with plain.transaction():
        plain.execute("ALTER TABLE orders ADD COLUMN priority integer, DROP COLUMN paid")
        plain.execute("ALTER TABLE orders RENAME COLUMN note TO remark")
        plain.execute("UPDATE orders SET priority = id * 2, remark = 'moved' WHERE id < 3")
    assert told(bypasses(observer)) == [
        ("order", "1", {"priority": (None, 2), "remark": (None, "moved")}),
        ("order", "2", {"priority": (None, 4), "remark": (None, "moved")}),
    ]


def test_cascades_and_triggers_past_the_application(plain: psycopg.Connection, observer: Engine) -> None:
    """What a bypassing statement drags along is recorded with it, each row with the order that it belonged to."""
    plain.execute(
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "UPDATE orders SET note = 'a line went' WHERE id = OLD.order_id; RETURN NULL; END $$"
    )
    plain.execute("DELETE FROM order_lines WHERE id = 1")
    assert [(event.subject.kind, event.subject.order) for event in bypasses(observer)] == [
        ("order_line", "1"), ("allocation", "1"),
    ]  # fmt: skip
    forget(observer)
    plain.execute("CREATE TRIGGER noting AFTER DELETE ON order_lines FOR EACH ROW EXECUTE FUNCTION note()")
    plain.execute("DELETE FROM order_lines WHERE id = 2")
    nested = [event for event in bypasses(observer) if event.context and "nested" in event.context.tags]
    assert told(nested) == [("order", "1", {"note": (None, "a line went")})]


def test_keys_that_change_keep_their_rows_together(plain: psycopg.Connection, observer: Engine) -> None:
    """An UPDATE of primary keys is told under the old key, whatever keys move into each other's place."""
    plain.execute("TRUNCATE allocations")
    plain.execute("INSERT INTO allocations (id, line_id, quantity) VALUES (1, 1, 10), (2, 1, 20)")
    forget(observer)
    plain.execute("UPDATE allocations SET id = id + 10")
    assert told(bypasses(observer)) == [
        ("allocation", "1", {"id": (1, 11)}), ("allocation", "2", {"id": (2, 12)}),
    ]  # fmt: skip


def test_what_is_rolled_back_leaves_nothing(plain: psycopg.Connection, observer: Engine) -> None:
    """Rolled back as a whole or to a savepoint, nothing is recorded and no number is used up."""
    with plain.transaction(force_rollback=True):
        plain.execute("UPDATE orders SET note = 'never'")
    with plain.transaction():
        with plain.transaction(force_rollback=True):
            plain.execute("UPDATE orders SET note = 'never'")
        plain.execute("UPDATE orders SET note = 'kept' WHERE id = 3")
    events = bypasses(observer)
    assert told(events) == [("order", "3", {"note": ("ship on Monday", "kept")})]
    assert [event.origin.counter for event in events if event.origin] == [0]
    assert seen_rows(observer) == 0


def test_in_one_transaction_each_is_what_it_is(shop: Engine, observer: Engine) -> None:
    """Captured and bypassing statements in one transaction, even on one row and one column."""
    with acting(ACTOR), Session(shop) as session, session.begin():
        order = session.get_one(Order, 1)
        order.note = "captured"
        session.flush()
        cursor = session.connection().connection.cursor()
        cursor.execute("UPDATE orders SET note = 'past' WHERE id = 1")
        cursor.execute("UPDATE orders SET status = 'past' WHERE id = 1")
        cursor.execute("UPDATE order_lines SET quantity = 99 WHERE id = 3")
        session.get_one(Order, 3).note = "captured too"
    events = recorded(observer)
    assert told([event for event in events if event.action == "capture.bypass"]) == [
        ("order", "1", {"note": ("captured", "past")}),
        ("order", "1", {"status": ("new", "past")}),
        ("order_line", "3", {"quantity": (3, 99)}),
    ]
    assert told([event for event in events if event.action != "capture.bypass"]) == [
        ("order", "1", {"note": (None, "captured")}),
        ("order", "3", {"note": ("ship on Monday", "captured too")}),
    ]
    links = {link.id for event in events for link in event.links if link.kind == "transaction"}
    assert len(links) == 1


def test_an_outbox_row_that_is_taken_back_uncovers_its_change(shop: Engine, observer: Engine) -> None:
    """Whoever deletes capture's row within the transaction has the guard tell the change."""
    with acting(ACTOR), Session(shop) as session, session.begin():
        session.get_one(Order, 1).note = "hidden"
        session.flush()
        session.connection().exec_driver_sql(
            "CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN DELETE FROM ordertrail_outbox WHERE position = NEW.position; RETURN NULL; END $$"
        )
        session.connection().exec_driver_sql(
            "CREATE TRIGGER forget AFTER INSERT ON ordertrail_outbox FOR EACH ROW "
            "WHEN (NEW.client NOT LIKE 'guard/%%') EXECUTE FUNCTION forget()"
        )
    assert told(recorded(observer)) == [("order", "1", {"note": (None, "hidden")})]


@pytest.mark.parametrize("level", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
def test_every_isolation_level_is_served(level: str, plain: psycopg.Connection, observer: Engine) -> None:
    """No isolation level has the guard refuse a foreign transaction, though others commit bypasses meanwhile."""
    with psycopg.connect(plain.info.dsn) as theirs:
        theirs.execute(f"SET TRANSACTION ISOLATION LEVEL {level}".encode())
        theirs.execute("SELECT 1 FROM tags")
        plain.execute("UPDATE orders SET note = 'meanwhile' WHERE id = 3")
        theirs.execute("UPDATE orders SET note = 'theirs' WHERE id = 2")
    assert [event.subject.id for event in bypasses(observer)] == ["3", "2"]


def test_replication_role_does_not_silence_the_guard(plain: psycopg.Connection, observer: Engine) -> None:
    """session_replication_role = replica switches ordinary triggers off, and not the guard's."""
    plain.execute("SET session_replication_role = replica")
    plain.execute("UPDATE orders SET note = 'as a replica' WHERE id = 3")
    assert len(bypasses(observer)) == 1


def test_personal_and_redacted_values_are_never_stored(bare_engine: Engine, observer: Engine) -> None:
    """Of what the policy hides, the guard says that it changed; not even a renamed column is told."""
    policy = Policy.from_dict(
        {
            "tables": {
                "orders": {
                    "order": "id",
                    "redact": ["note"],
                    "personal": {"number": "customer_id"},
                    "ignore": ["paid"],
                }
            }
        }
    )
    with Session(bare_engine) as session, session.begin():
        seed(session)
    create_outbox(bare_engine)
    guarded(bare_engine, policy)
    hidden = {"redacted": True}
    with observer.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE orders SET note = 'secret', number = 'S-1', status = 'x', paid = true WHERE id = 1"
        )
        noted = connection.exec_driver_sql(
            "SELECT before::text || after::text FROM ordertrail_guard_seen"
        ).scalar_one()
    assert "secret" not in noted
    assert "S-1" not in noted
    assert told(bypasses(observer)) == [
        ("order", "1", {"status": ("new", "x"), "note": (hidden, hidden), "number": (hidden, hidden)})
    ]
    forget(observer)
    with observer.begin() as connection:
        connection.exec_driver_sql("UPDATE orders SET paid = false WHERE id = 1")
        connection.exec_driver_sql("ALTER TABLE orders RENAME COLUMN note TO remark")
        connection.exec_driver_sql("UPDATE orders SET remark = 'secret again' WHERE id = 1")
    (event,) = bypasses(observer)
    assert b"secret" not in encode(event)
    assert [change.path for change in event.changes] == ["/remark"]


def test_partitions_are_guarded_once(bare_engine: Engine, observer: Engine) -> None:
    """Through the parent, straight into a partition, from one to another, and emptied: each row change once."""
    with observer.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE parts (id bigint, order_id bigint, region text, PRIMARY KEY (id, region)) "
            "PARTITION BY LIST (region)"
        )
        for region in ("eu", "us"):
            connection.exec_driver_sql(
                f"CREATE TABLE parts_{region} PARTITION OF parts FOR VALUES IN ('{region}')"
            )
    create_outbox(bare_engine)
    guarded(bare_engine, Policy.from_dict({"tables": {"parts": {"order": "order_id"}}}))
    for statement in (
        "INSERT INTO parts VALUES (1, 7, 'eu'), (2, 7, 'us')",
        "INSERT INTO parts_eu VALUES (3, 8, 'eu')",
        "UPDATE parts SET region = 'us' WHERE id = 1",
        "TRUNCATE parts",
    ):
        with observer.begin() as connection:
            connection.exec_driver_sql(statement)
    told_rows = told(bypasses(observer))
    assert [(one, sorted(changes)) for _, one, changes in told_rows[:4]] == [
        ("1/eu", ["id", "order_id", "region"]), ("2/us", ["id", "order_id", "region"]),
        ("3/eu", ["id", "order_id", "region"]), ("1/eu", ["region"]),
    ]  # fmt: skip
    assert sorted(one for _, one, _ in told_rows[4:]) == ["1/us", "2/us", "3/eu"]


def test_values_of_every_kind_are_events(bare_engine: Engine, observer: Engine) -> None:
    """Whatever a column holds, what the guard tells of it is an event that the trail takes."""
    columns = {
        "a_bigint": ("bigint", str(2**62)), "a_numeric": ("numeric(30,10)", "12345678901234567890.0123456789"),
        "a_float": ("double precision", "0.1"), "a_nan": ("double precision", "'NaN'"),
        "a_bytea": ("bytea", "'\\x00ff'"),
        "a_json": ("jsonb", "'{\"x\": [1, 0.5]}'"), "plain_json": ("jsonb", "'{\"x\": [1, null]}'"),
        "a_time": ("timestamptz", "'2026-11-23 10:00:00.5+02'"), "a_day": ("date", "'infinity'"),
        "an_interval": ("interval", "'1 day 2 hours'"), "an_array": ("int[]", "'{1,2}'"),
        "an_inet": ("inet", "'10.0.0.1'"),
        "a_uuid": ("uuid", "'01935f6e-9c1a-7cc2-b0a5-3f1d2e4b5a69'"), "a_text": ("text", "repeat('long ', 9000)"),
    }  # fmt: skip
    with observer.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE kinds (id bigint PRIMARY KEY, "
            + ", ".join(f"{name} {type_}" for name, (type_, _) in columns.items())
            + ")"
        )
    create_outbox(bare_engine)
    guarded(bare_engine, Policy.from_dict({"tables": {"kinds": {"order": "id"}}}))
    with observer.begin() as connection:
        connection.exec_driver_sql(
            f"INSERT INTO kinds VALUES (1, {', '.join(value for _, value in columns.values())})"
        )
    (event,) = bypasses(observer)
    assert parse_event(encode(event)) == event
    ((_, _, values),) = told([event])
    assert values["a_numeric"] == "12345678901234567890.0123456789"
    assert values["a_time"] == "2026-11-23T08:00:00.500000Z"
    assert values["plain_json"] == {"x": [1, None]}
    assert values["a_bytea"]["binary"]["length"] == 2
    assert values["a_bigint"]["unrepresentable"] == "integer"


def test_what_the_database_cannot_tell_is_refused_at_once(bare_engine: Engine, observer: Engine) -> None:
    """A policy's functions cannot be called by a trigger: nothing is installed, and the table is named."""
    create_outbox(bare_engine)
    policy = Policy.from_dict({"tables": {"orders": {"order": lambda row: row["id"]}}})
    with pytest.raises(ConfigurationError, match=r"tables\.orders\.order is a function"):
        guarded(bare_engine, policy)
    with observer.connect() as connection:
        query = "SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'ordertrail_guard%%'"
        assert connection.exec_driver_sql(query, ()).scalar() == 0
