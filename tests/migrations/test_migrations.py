"""A schema that was migrated is the one that would be created today, and no release meets one that it cannot use."""

import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from migrations.write_facts import FACTS, written
from ordertrail.adapters.sql.dialects.postgresql import schema
from ordertrail.adapters.sql.dialects.postgresql.connect import Address
from ordertrail.adapters.sql.dialects.sqlite import SqliteDatabase, create_database
from ordertrail.adapters.sql.entries import SqlEntries
from ordertrail.adapters.sql.migrations import VERSION, Phase, Step, steps_of
from ordertrail.adapters.sql.opening import create_schema, migrate, open_database
from ordertrail.kernel.errors import ConfigurationError
from servers.databases import TrailDatabase, empty_database, trail_on_postgresql
from servers.postgresql import Server, postgresql_server

__all__ = ["postgresql_server", "trail_on_postgresql"]

LAST_RELEASE = Path(__file__).resolve().parents[1] / "releases/ordertrail-0.1.0-py3-none-any.whl"
PHASES: tuple[Phase, ...] = ("pre", "post")
_EVERYTHING = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name"
_HEADER = ("application_id", "user_version", "page_size", "journal_mode")


def of_the_last_release(path: Path) -> Path:
    """Create a database file as release 0.1.0 does."""
    with zipfile.ZipFile(LAST_RELEASE) as wheel, closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA page_size=16384")
        database.execute("PRAGMA journal_mode=WAL")
        database.executescript(wheel.read("ordertrail/adapters/sql/ddl/sqlite.sql").decode())
    return path


def shape(path: Path) -> tuple[object, ...]:
    """Return everything that a database file is but its rows."""
    with closing(sqlite3.connect(path)) as database:
        header = tuple(database.execute(f"PRAGMA {one}").fetchone() for one in _HEADER)
        return (header, tuple(database.execute(_EVERYTHING)))


def test_a_migrated_file_is_as_one_that_is_created_today(tmp_path: Path) -> None:
    """From release 0.1.0, step by step: the same tables, indexes, triggers and header, to the letter."""
    old = of_the_last_release(tmp_path / "old.db")
    create_database(tmp_path / "new.db")
    assert shape(old) != shape(tmp_path / "new.db")
    assert migrate(old, "pre") == [f"{version:04} pre" for version in range(2, VERSION + 1)]
    assert migrate(old, "post") == [f"{version:04} post" for version in range(2, VERSION + 1)]
    assert shape(old) == shape(tmp_path / "new.db")
    assert [migrate(old, phase) for phase in PHASES] == [[], []], "each step is taken once"
    assert [migrate(tmp_path / "new.db", phase) for phase in PHASES] == [[], []], "a new file has them all"


@pytest.mark.parametrize("phases", [(), ("pre",), ("pre", "post")])
def test_this_release_works_on_a_file_of_the_last_one_at_any_time(
    tmp_path: Path, phases: tuple[Phase, ...]
) -> None:
    """Before the migration, between its phases, and after it: the table is sound."""
    old = of_the_last_release(tmp_path / "old.db")
    for phase in phases:
        migrate(old, phase)
    database = open_database(old)
    assert list(SqlEntries(database).enforcement_problems(deep=True)) == []
    database.close()


def test_a_step_that_fails_was_not_taken(tmp_path: Path) -> None:
    """All of it or nothing; put right, it is taken the next time."""
    create_database(tmp_path / "new.db")
    before = shape(tmp_path / "new.db")
    database = SqliteDatabase(tmp_path / "new.db")
    broken = [
        Step(VERSION + 1, "pre", "CREATE TABLE more (x INTEGER) STRICT;\nINSERT INTO nowhere VALUES (1);")
    ]
    with pytest.raises(Exception, match="nowhere"):
        database.migrate("pre", broken)
    assert shape(tmp_path / "new.db") == before
    trigger = "CREATE TRIGGER t BEFORE UPDATE ON more\nBEGIN SELECT 1; SELECT 2; END;"
    good = [Step(VERSION + 1, "pre", f"CREATE TABLE more (x INTEGER) STRICT;\n{trigger}")]
    assert database.migrate("pre", good) == [f"{VERSION + 1:04} pre"]
    assert database.migrate("pre", good) == []
    database.close()
    with closing(sqlite3.connect(tmp_path / "new.db")) as raw:
        assert {name for (name,) in raw.execute("SELECT name FROM sqlite_schema")} >= {"more", "t"}


@pytest.mark.parametrize(
    ("taken", "usable"),
    [(0, True), (2_001, True), (2_002, True), (3_002, True), (3_003, False), (1_001, True)],
)
def test_what_only_a_newer_release_can_use_is_refused(tmp_path: Path, taken: int, *, usable: bool) -> None:
    """A pre step of the next release disturbs nobody; after its post step this release says that it is too old."""
    create_database(tmp_path / "new.db")
    with closing(sqlite3.connect(tmp_path / "new.db")) as raw:
        raw.execute(f"PRAGMA user_version = {taken}")
    if usable:
        open_database(tmp_path / "new.db").close()
        return
    with pytest.raises(ConfigurationError, match=f"knows version {VERSION} at most") as caught:
        open_database(tmp_path / "new.db")
    assert "Install the release" in caught.value.remedy


def test_a_schema_on_postgresql_is_what_its_facts_say(trail_on_postgresql: TrailDatabase) -> None:
    """What the full check expects is what is created."""
    trail_on_postgresql.run("SELECT add_month('2026-11-01')")
    assert written(trail_on_postgresql.url("auditor")) == FACTS.read_text()


def test_a_server_s_schema_is_migrated_in_two_phases(trail_on_postgresql: TrailDatabase) -> None:
    """By an administrator, in the owner's name, each step once; and post never before pre."""
    trail, admin = trail_on_postgresql, Address(trail_on_postgresql.url("admin"))
    pre = Step(
        VERSION + 1,
        "pre",
        'CREATE TABLE more (x int); REVOKE ALL ON more FROM PUBLIC; GRANT SELECT ON more TO :"app";',
    )
    post = Step(VERSION + 1, "post", "ALTER TABLE more ALTER x SET NOT NULL;")
    with pytest.raises(ConfigurationError, match="before its pre step"):
        schema.migrate(admin, "post", [post])
    assert schema.migrate(admin, "pre", [pre, post]) == [str(pre)]
    assert schema.migrate(admin, "pre", [pre, post]) == []
    open_database(trail.url("app")).close()
    assert schema.migrate(admin, "post", [pre, post]) == [str(post)]
    assert trail.run("SELECT tableowner FROM pg_tables WHERE tablename = 'more'") == [(trail.roles.owner,)]
    trail.run("SELECT * FROM more", role="app")
    assert migrate(trail.url("admin"), "pre") == [], "a schema that is created today has all steps"
    with pytest.raises(ConfigurationError, match=f"knows version {VERSION} at most"):
        open_database(trail.url("app"))


def test_a_schema_that_is_there_is_never_created_again(trail_on_postgresql: TrailDatabase) -> None:
    """A database holds one trail."""
    with pytest.raises(ConfigurationError, match="a database holds one"):
        create_schema(trail_on_postgresql.url("admin"))


def test_a_database_without_the_schema_says_so(postgresql_server: Server) -> None:
    """With what to do."""
    with empty_database(postgresql_server) as name, pytest.raises(ConfigurationError) as caught:
        open_database(postgresql_server.url(name))
    assert "OrderTrail's tables" in caught.value.message


def test_an_administrator_need_not_be_a_superuser(postgresql_server: Server) -> None:
    """Who may make roles, and schemas in the database, creates a trail and migrates it; the check finds it sound."""
    with empty_database(postgresql_server) as name:
        admin = f"{name}_admin"
        with psycopg.connect(postgresql_server.url(name), autocommit=True) as superuser:
            superuser.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEROLE").format(sql.Identifier(admin)))
            superuser.execute(
                sql.SQL("GRANT CREATE ON DATABASE {} TO {}").format(*map(sql.Identifier, (name, admin)))
            )
        url = postgresql_server.url(name, admin)
        create_schema(url)
        assert migrate(url, "pre") == []
        later = Step(VERSION + 1, "pre", "CREATE TABLE more (x int);")
        database = open_database(postgresql_server.url(name, f"{name}_auditor"))
        assert list(SqlEntries(database).enforcement_problems(deep=True)) == []
        database.close()
        assert schema.migrate(Address(url), "pre", [later]) == [str(later)]
        with psycopg.connect(postgresql_server.url(name), autocommit=True) as superuser:
            superuser.execute(sql.SQL("DROP SCHEMA ordertrail CASCADE"))
            superuser.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(admin)))


def test_steps_are_numbered_and_in_order() -> None:
    """Each version has a pre step and a post step, if only to say that there is nothing to do."""
    for dialect in ("sqlite", "postgresql"):
        found = [(step.version, step.phase) for step in steps_of(dialect)]
        assert found == [(version, phase) for version in range(2, VERSION + 1) for phase in PHASES]
