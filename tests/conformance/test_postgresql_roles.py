"""On PostgreSQL nobody who can log in can undo anything, and whoever made that possible is named by the full check."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice

import psycopg
import pytest
from sqlalchemy import inspect

from ordertrail.adapters.sql.dialects.postgresql.audit import expected_facts
from ordertrail.adapters.sql.dialects.postgresql.tables import entry_key, epoch
from ordertrail.adapters.sql.entries import SqlEntries
from ordertrail.adapters.sql.journal import SqlJournal
from ordertrail.adapters.sql.opening import open_database
from ordertrail.adapters.sql.streams import add_stream
from ordertrail.adapters.sql.tables import metadata
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.ledger.rotation import LogIdentity
from ordertrail.testing.conformance.entry_store import FIRST_KEY, commit
from ordertrail.testing.conformance.samples import RECORDED, STREAM, SampleLog, captured
from servers.databases import TrailDatabase, trail_on_postgresql
from servers.postgresql import postgresql_server

__all__ = ["postgresql_server", "trail_on_postgresql"]

TABLES = ("schema_version", "stream", "signing_key", "epoch", "outbox", "entry", "entry_key", "batch")
MONTH = "entry_2026_11"


@pytest.fixture
def trail(trail_on_postgresql: TrailDatabase) -> TrailDatabase:
    """A trail with something in every table."""
    database = open_database(trail_on_postgresql.url("sealer"))
    add_stream(database, LogIdentity(STREAM, "orders.example.com/log", 2_557, RECORDED))
    commit(SqlEntries(database), SampleLog().then(captured(1, "SO-1"), captured(2)), key=FIRST_KEY)
    SqlJournal(database).append(STREAM, [captured(3)])
    database.close()
    trail_on_postgresql.run("INSERT INTO epoch (stream, epoch, holder) VALUES (1, 1, 'somebody')")
    return trail_on_postgresql


@pytest.fixture
def problems(trail: TrailDatabase) -> Iterator[Callable[[], list[str]]]:
    """What the full check says of the tables, as the auditor's role sees them."""
    database = open_database(trail.url("auditor"))
    yield lambda: list(SqlEntries(database).enforcement_problems(deep=False))
    database.close()


def statements(table: str) -> Iterator[str]:
    """Yield ways of changing a table."""
    column = {"schema_version": "version", "stream": "keep_days"}.get(table, "stream")
    yield f"UPDATE {table} SET {column} = 9"
    yield f"DELETE FROM {table}"
    yield f"TRUNCATE {table} CASCADE"
    yield f"ALTER TABLE {table} DISABLE TRIGGER ALL"
    yield f"DROP TABLE {table} CASCADE"


@pytest.mark.parametrize("role", ["app", "sealer", "auditor"])
@pytest.mark.parametrize("table", [*TABLES, MONTH])
def test_no_role_that_logs_in_can_undo_anything(trail: TrailDatabase, role: str, table: str) -> None:
    """It has not the right to; not even the sealing role may delete, and nothing else makes up for it."""
    for statement in statements(table):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            trail.run(statement, role=role)


@pytest.mark.parametrize("table", [*TABLES, MONTH])
def test_triggers_refuse_whoever_has_the_right(trail: TrailDatabase, table: str) -> None:
    """The owner and the administrator are refused too, as long as the triggers stand."""
    for statement in islice(statements(table), 3):
        with pytest.raises(psycopg.errors.RestrictViolation):
            trail.run(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "SET session_replication_role = replica",
        "CREATE TABLE more (x int)",
        "CREATE FUNCTION refuse_not() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "SELECT discard(1, 0, 99)",
        "SELECT add_month('2030-01-01')",
        "INSERT INTO entry_key VALUES (1, 9, '', NULL, 0, '', '2026-11-01')",
        "INSERT INTO batch VALUES (1, 2, 3, '', '', '', '')",
        "SET ROLE {owner}",
        "SET ROLE {sealer}",
    ],
)
def test_the_application_only_inserts_and_selects(trail: TrailDatabase, statement: str) -> None:
    """Into the outbox, and everywhere."""
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        trail.run(statement.format(owner=trail.roles.owner, sealer=trail.roles.sealer), role="app")
    trail.run(
        r"INSERT INTO outbox (stream, event_id, body) VALUES (1, '\x000102030405060708090a0b0c0d0e0f', '')",
        role="app",
    )
    for table in TABLES:
        trail.run(f"SELECT * FROM {table}", role="app")


def test_each_role_does_its_work(trail: TrailDatabase) -> None:
    """The application records, and cannot seal; the auditor reads, and can do neither."""
    app, auditor = (open_database(trail.url(role)) for role in ("app", "auditor"))
    log = SampleLog().then(captured(1, "SO-1"), captured(2)).after
    assert SqlJournal(app).append(STREAM, [captured(1, "SO-1"), captured(4)]).added == 1
    assert [row.id for row in SqlJournal(app).read(STREAM, 9)] == [captured(3).id, captured(4).id]
    for attempt in (
        lambda: SqlJournal(app).discard(STREAM, SqlJournal(app).read(STREAM, 1)),
        lambda: commit(SqlEntries(app), log.then(captured(10))),
        lambda: SqlJournal(auditor).append(STREAM, [captured(5)]),
    ):
        with pytest.raises(ConfigurationError, match="does not allow this role"):
            attempt()
    assert len(list(SqlEntries(auditor).rows(STREAM, 0, 9))) == 2
    app.close()
    auditor.close()


def test_an_event_that_is_not_sealed_is_never_discarded(trail: TrailDatabase) -> None:
    """Not through the sealing role's own function, and not by the owner."""
    for role, statement in (("sealer", "SELECT discard(1, 0, 99)"), ("admin", "DELETE FROM outbox")):
        with pytest.raises(psycopg.errors.RestrictViolation, match="never discarded"):
            trail.run(statement, role=role)
    assert len(trail.run("SELECT 1 FROM outbox")) == 1


WEAKENED = {
    "a trigger switched off": (
        "ALTER TABLE batch DISABLE TRIGGER batch_no_change",
        "trigger batch_no_change",
    ),
    "a trigger for replicas only": (
        "ALTER TABLE entry ENABLE REPLICA TRIGGER entry_no_change",
        "entry_no_change on entry",
    ),
    "a partition's trigger switched off": (
        f"ALTER TABLE {MONTH} DISABLE TRIGGER entry_no_change",
        f"entry_no_change on {MONTH}",
    ),
    "a partition's trigger dropped": (
        f"DROP TRIGGER entry_no_truncate ON {MONTH}",
        f"entry_no_truncate on {MONTH}",
    ),
    "foreign keys switched off": ("ALTER TABLE batch DISABLE TRIGGER ALL", "RI_ConstraintTrigger"),
    "a trigger dropped": (
        "DROP TRIGGER epoch_no_change ON epoch",
        "trigger epoch_no_change on epoch is missing",
    ),
    "a function that refuses nothing": (
        "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
        "function refuse()",
    ),
    "a function of somebody's rights": ("ALTER FUNCTION refuse() SECURITY DEFINER", "function refuse()"),
    "a function more": ("CREATE FUNCTION wipe() RETURNS int LANGUAGE sql AS 'SELECT 1'", "function wipe()"),
    "a right granted": ("GRANT UPDATE ON entry TO {app}", "app may UPDATE"),
    "a right on a column": ("GRANT UPDATE (hash) ON entry TO {sealer}", "column hash of entry"),
    "a right on a partition": (f"GRANT DELETE ON {MONTH} TO {{sealer}}", f"table {MONTH}"),
    "a right of everybody": ("GRANT INSERT ON entry TO PUBLIC", "everybody may INSERT"),
    "another owner": ("ALTER TABLE batch OWNER TO {sealer}", "owned by sealer"),
    "an owner who logs in": ("ALTER ROLE {owner} LOGIN", "role owner"),
    "a role that is more": ("GRANT {owner} TO {app}", "is also owner"),
    "a role that is everything": ("ALTER ROLE {sealer} SUPERUSER", "superuser"),
    "triggers that a role may switch off": (
        "GRANT SET ON PARAMETER session_replication_role TO {sealer}",
        "switch triggers off",
    ),
    "triggers off for a role": (
        "ALTER ROLE {sealer} SET session_replication_role = replica",
        "session_replication_role=replica",
    ),
    "triggers off in the database": (
        "ALTER DATABASE {database} SET session_replication_role = replica",
        "setting",
    ),
    "a constraint dropped": (
        "ALTER TABLE batch DROP CONSTRAINT batch_stream_size_key",
        "batch_stream_size_key",
    ),
    "an index dropped": ("DROP INDEX entry_key_chain", "index entry_key_chain is missing"),
    "an index more": ("CREATE INDEX more ON entry_key (hash)", "index more"),
    "a column more": ("ALTER TABLE epoch ADD COLUMN more int", "column more"),
    "a default": ("ALTER TABLE batch ALTER sealed SET DEFAULT ''", "column sealed of batch"),
    "a table more": ("CREATE TABLE entry_2026_11_old (x int)", "entry_2026_11_old"),
    "a view": ("CREATE VIEW entry_view AS SELECT * FROM entry", "view entry_view"),
    "a rule": ("CREATE RULE r AS ON INSERT TO batch DO INSTEAD NOTHING", "rule r on batch"),
    "row security": ("ALTER TABLE entry ENABLE ROW LEVEL SECURITY", "row security"),
    "a partition taken away": (
        f"ALTER TABLE entry DETACH PARTITION {MONTH}",
        f"partition {MONTH} of entry is missing",
    ),
    "a partition elsewhere": (
        "CREATE TABLE public.other PARTITION OF entry FOR VALUES FROM ('2020-01-01') TO ('2020-02-01')",
        "partition public.other",
    ),
    "a partition of other months": (
        "CREATE TABLE entry_2020_01 PARTITION OF entry FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')",
        "partition entry_2020_01",
    ),
    "a partition for everything": ("CREATE TABLE entry_any PARTITION OF entry DEFAULT", "entry_any"),
}


@pytest.mark.parametrize("what", WEAKENED)
def test_whatever_weakens_the_schema_is_named(
    trail: TrailDatabase, problems: Callable[[], list[str]], what: str
) -> None:
    """By name, from the catalogue alone, to a role that may only read; and by nothing else but that."""
    assert problems() == []
    statement, named = WEAKENED[what]
    statement = statement.format(
        owner=trail.roles.owner, app=trail.roles.app, sealer=trail.roles.sealer, database=trail.name
    )
    try:
        trail.run(statement)
        found = problems()
    finally:
        with suppress(psycopg.Error):
            trail.run(f"REVOKE SET ON PARAMETER session_replication_role FROM {trail.roles.sealer}")
    assert any(named in one for one in found), found


def test_keys_that_are_not_the_entries_are_named_by_a_close_look(trail: TrailDatabase) -> None:
    """The table that finds entries is an index: a row too few, too many or another hides an entry, and is counted."""
    database = open_database(trail.url("auditor"))
    audit = SqlEntries(database)
    assert list(audit.enforcement_problems(deep=True)) == []
    for change in (
        "UPDATE entry_key SET number = number + 1 WHERE idx = 0",
        "DELETE FROM entry_key WHERE idx = 1",
    ):
        trail.run(f"SET session_replication_role = replica; {change}")
        (problem,) = audit.enforcement_problems(deep=True)
        assert "entry_key" in problem
    database.close()


def test_the_close_look_finds_damage_where_postgresql_can(trail: TrailDatabase) -> None:
    """With PostgreSQL's extension amcheck, an index that lost an entry is named, and a sound database is sound."""
    if not trail.run("SELECT 1 FROM pg_available_extensions WHERE name = 'amcheck'"):
        pytest.skip("this PostgreSQL has no amcheck")
    database = open_database(trail.url("auditor"))
    audit = SqlEntries(database)
    assert list(audit.enforcement_problems(deep=True)) == []
    trail.run(
        "UPDATE pg_index SET indisready = false, indisvalid = false WHERE indexrelid = 'batch_pkey'::regclass"
    )
    trail.run("INSERT INTO batch SELECT stream, 2, 3, root, tree_root, sealed, checkpoint FROM batch")
    trail.run(
        "UPDATE pg_index SET indisready = true, indisvalid = true WHERE indexrelid = 'batch_pkey'::regclass"
    )
    found = list(audit.enforcement_problems(deep=True))
    assert any("index batch_pkey is damaged" in one for one in found), found
    database.close()


def test_tables_are_what_the_code_believes_them_to_be(trail: TrailDatabase) -> None:
    """Columns as SQLAlchemy Core names them are those that there are."""
    database = open_database(trail.url("auditor"))
    with database.read() as connection:
        there = inspect(connection)
        for table in (*metadata.tables.values(), entry_key, epoch):
            columns = {
                column["name"]: column["nullable"] for column in there.get_columns(table.name, "ordertrail")
            }
            month = {"month": False} if table.name == "entry" else {}
            assert columns == {column.name: bool(column.nullable) for column in table.columns} | month
    database.close()
    assert expected_facts()
