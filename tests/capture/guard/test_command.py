"""The verbs ``guard install``, ``check`` and ``remove``, and the relay's part, as an operator runs them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from typer.testing import CliRunner, Result

from capture.guard.shop import bypasses
from capture.matrix import seed
from ordertrail.capture.outbox import create_outbox
from ordertrail.cli.main import app
from ordertrail.kernel.errors import ConfigurationError, UnavailableError

POLICY = """\
[tables.orders]
order = "id"
[tables.order_lines]
order = "order_id"
"""

on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
Guard = Callable[..., Result]


@pytest.fixture
def guard(bare_engine: Engine, tmp_path: Path) -> Guard:
    """Run a verb of ``guard`` on the shop's database."""
    with Session(bare_engine) as session, session.begin():
        seed(session)
    create_outbox(bare_engine)
    policy = tmp_path / "capture.toml"
    policy.write_text(POLICY)
    url = bare_engine.url.render_as_string(hide_password=False).replace("+psycopg", "")

    def run(verb: str, *options: str) -> Result:
        named = [] if verb == "remove" else ["--policy", str(policy)]
        return CliRunner().invoke(app, ["guard", verb, "--database", url, *named, *options])

    return run


def change(observer: Engine, statement: str) -> None:
    """Do something past the application."""
    with observer.begin() as connection:
        connection.exec_driver_sql(statement)


def problems(result: Result) -> list[dict[str, str]]:
    """Return what a check found."""
    assert result.exit_code == 1, result.output
    found: dict[str, Any] = json.loads(result.output)
    assert found["intact"] is False
    return list(found["problems"])


def test_installed_checked_and_removed(guard: Guard, observer: Engine) -> None:
    """Installing is repeatable, what is installed checks whole, and nothing is left after removing."""
    assert guard("install").output == "Guarded: order_lines, orders.\n"
    assert json.loads(guard("install", "--json").output) == {"guarded": ["order_lines", "orders"]}
    assert guard("check").output == "The guard stands as it was installed.\n"
    assert json.loads(guard("check", "--json").output) == {"intact": True, "problems": []}
    change(observer, "UPDATE orders SET note = 'past' WHERE id = 1")
    assert len(bypasses(observer)) == 1
    assert guard("remove").exit_code == 0
    change(observer, "UPDATE orders SET note = 'unseen' WHERE id = 1")
    assert len(bypasses(observer)) == 1
    assert {problem["problem"] for problem in problems(guard("check", "--json"))} & {
        "the trigger is missing",
        "is missing",
    }


def test_the_sql_may_be_read_first(guard: Guard, observer: Engine) -> None:
    """``--sql`` prints what would be run, and changes nothing."""
    script = guard("install", "--sql").output
    assert "ordertrail_guard_seen" in script
    assert guard("check").exit_code == 1
    change(observer, "UPDATE orders SET note = 'unseen' WHERE id = 1")
    assert bypasses(observer) == []


EMPTIED = (
    "CREATE OR REPLACE FUNCTION ordertrail_guard_record(here xid8) RETURNS void LANGUAGE sql "
    "SET search_path = pg_catalog, pg_temp AS 'SELECT'"
)
NEVER_FIRING = (
    "DO $$ BEGIN CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; "
    "CREATE OR REPLACE TRIGGER ordertrail_guard_insert AFTER INSERT ON orders FOR EACH STATEMENT "
    "WHEN (false) EXECUTE FUNCTION nothing(); END $$"
)


@on_postgresql
@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("ALTER TABLE orders DISABLE TRIGGER ordertrail_guard_update", "disabled"),
        ("ALTER TABLE orders DISABLE TRIGGER ALL", "disabled"),
        ("ALTER TABLE orders ENABLE TRIGGER ordertrail_guard_delete", "session_replication_role"),
        ("DROP TRIGGER ordertrail_guard_truncate ON order_lines", "missing"),
        ("DROP FUNCTION ordertrail_guard_settle CASCADE", "missing"),
        ("ALTER TABLE ordertrail_guard_seen DISABLE TRIGGER ordertrail_guard_settle", "disabled"),
        ("ALTER FUNCTION ordertrail_guard_settle SECURITY INVOKER", "altered"),
        (EMPTIED, "altered"),
        (NEVER_FIRING, "altered"),
        ("ALTER TABLE orders ADD COLUMN priority integer", "other columns"),
        ("UPDATE ordertrail_guard_table SET told = told || '{\"private\": true}'", "another policy"),
        ("DELETE FROM ordertrail_guard_table", "another policy"),
    ],
)
def test_what_was_done_to_the_guard_is_found(
    statement: str, found: str, guard: Guard, observer: Engine
) -> None:
    """Whoever disables, drops or alters a part of it is found by the check, and installing again mends it."""
    guard("install")
    change(observer, statement)
    assert any(found in problem["problem"] for problem in problems(guard("check", "--json")))
    guard("install")
    assert guard("check").exit_code == 0


@on_postgresql
def test_a_partition_that_came_later_is_found(guard: Guard, observer: Engine, tmp_path: Path) -> None:
    """A new partition has no guard until it is installed again; the check names it."""
    (tmp_path / "capture.toml").write_text('[tables.parts]\norder = "id"\n')
    change(observer, "CREATE TABLE parts (id bigint PRIMARY KEY) PARTITION BY RANGE (id)")
    guard("install")
    change(observer, "CREATE TABLE parts_one PARTITION OF parts FOR VALUES FROM (0) TO (10)")
    assert {problem["place"].split(".")[1] for problem in problems(guard("check", "--json"))} == {"parts_one"}
    guard("install")
    assert guard("check").exit_code == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "statement",
    [
        "DROP TRIGGER ordertrail_guard_told",
        "ALTER TABLE orders ADD COLUMN priority integer",
        "UPDATE ordertrail_guard_table SET told = '{}'",
        "DROP TABLE ordertrail_guard_table",
    ],
)
def test_what_was_done_to_the_guard_of_sqlite_is_found(
    statement: str, guard: Guard, observer: Engine
) -> None:
    """As on PostgreSQL; SQLite cannot disable triggers."""
    guard("install")
    change(observer, statement)
    assert problems(guard("check", "--json"))
    guard("install")
    assert guard("check").exit_code == 0


def test_the_relay_moves_bypasses_once_and_says_so(guard: Guard, observer: Engine, tmp_path: Path) -> None:
    """A bypass reaches the trail as an event of its order, numbered without a hole, and the relay counts it."""
    guard("install")
    trail = str(tmp_path / "trail")
    cli = CliRunner()
    assert (
        cli.invoke(
            app, ["init", "--trail", trail, "--origin", "shop.example/orders", "--no-immutable"]
        ).exit_code
        == 0
    )
    url = observer.url.render_as_string(hide_password=False).replace("+psycopg", "")
    for note in ("one", "two"):
        change(observer, f"UPDATE orders SET note = '{note}' WHERE id = 3")
        result = cli.invoke(app, ["relay", "--database", url, "--trail", trail, "--json"])
        assert result.exit_code == 0, result.output
        moved = json.loads(result.output)
        assert (moved["recorded"], moved["bypasses"], moved["holes"], moved["backlog"]["rows"]) == (
            1,
            1,
            0,
            0,
        )
    assert (
        json.loads(cli.invoke(app, ["relay", "--database", url, "--trail", trail, "--json"]).output)["rows"]
        == 0
    )
    assert cli.invoke(app, ["seal", "--trail", trail]).exit_code == 0
    assert "2 of 2 events proven" in cli.invoke(app, ["history", "3", "--trail", trail]).output


def test_what_cannot_be_done_is_told(guard: Guard, tmp_path: Path) -> None:
    """An address that is none, a database that is not there, and a policy that does not fit."""
    policy = tmp_path / "capture.toml"
    for url, error in (
        ("nonsense", ConfigurationError),
        ("oracle+none://x/y", ConfigurationError),
        ("postgresql:///none?host=/nowhere", UnavailableError),
    ):
        result = CliRunner().invoke(app, ["guard", "check", "--database", url, "--policy", str(policy)])
        assert isinstance(result.exception, error)
    policy.write_text('[tables.order]\norder = "id"\n')
    result = guard("install")
    assert isinstance(result.exception, ConfigurationError)
    assert "did you mean" in result.exception.message
