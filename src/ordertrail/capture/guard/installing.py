"""Installing, checking and removing the guard, on a connection of a role that owns the audited tables."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, inspect

from ordertrail.capture.guard import postgresql, sqlite
from ordertrail.capture.guard.settling import settle_within
from ordertrail.capture.guard.tables import GuardedTable, guarded_tables
from ordertrail.capture.outbox.ddl import OUTBOX, TABLES, outbox_statements
from ordertrail.capture.plan import make_plans, parse_name
from ordertrail.capture.policy import Policy
from ordertrail.kernel.errors import ConfigurationError, Problem


def guard_sql(connection: Connection, policy: Policy) -> str:
    """Return the script that installs the guard of a policy's tables, for a migration or to be read.

    The live database is looked at, and not changed. Raises ConfigurationError where the policy does not fit it, the
    outbox is missing, or a table's rows cannot be told by the database.
    """
    tables, schema = _looked_at(connection, policy)
    if connection.dialect.name == "postgresql":
        return postgresql.install_sql(tables, schema)
    return "\n".join(sqlite.install_statements(tables))


def install_guard(connection: Connection, policy: Policy) -> list[str]:
    """Install the guard, or bring it up to date; return the names of the guarded tables. The caller commits.

    On PostgreSQL each audited table is locked against writing until then (SHARE ROW EXCLUSIVE).
    """
    tables, schema = _looked_at(connection, policy)
    if connection.dialect.name == "postgresql":
        _run(connection, postgresql.install_sql(tables, schema))
    else:
        settle_within(connection)  # what was seen until now is told by the old rules
        _run_each(connection, sqlite.install_statements(tables))
    return [table.relation for table in tables]


def remove_guard(connection: Connection) -> None:
    """Take the guard away, whatever it was installed for. The caller commits."""
    if connection.dialect.name == "postgresql":
        _run(connection, postgresql.remove_sql(_schema(connection)))
        return
    settle_within(connection)
    _run_each(connection, sqlite.remove_statements(connection))


def check_guard(connection: Connection, policy: Policy) -> list[Problem]:
    """Return what of the guard is missing, disabled or altered; nothing where it stands as it was installed."""
    tables, schema = _looked_at(connection, policy)
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL search_path = pg_catalog")
        return sorted(postgresql.find_problems(connection, tables, schema))
    return sorted(sqlite.find_problems(connection, tables))


def _run(connection: Connection, script: str) -> None:
    """Run a script of many statements, in the transaction that the connection is in."""
    driver: Any = connection.connection.driver_connection
    connection.exec_driver_sql("SELECT 1")  # SQLAlchemy begins its transaction
    with driver.cursor() as cursor:
        cursor.execute(script)


def _run_each(connection: Connection, statements: Sequence[str]) -> None:
    """Run statements past whatever listens to the engine, in one transaction: the driver begins none for DDL."""
    driver: Any = connection.connection.driver_connection
    if not driver.in_transaction:
        driver.execute("BEGIN IMMEDIATE")
    for statement in statements:
        driver.execute(statement)


def _looked_at(connection: Connection, policy: Policy) -> tuple[Sequence[GuardedTable], str]:
    """Fit a policy to the live database; return its tables and the schema that the outbox is in."""
    from ordertrail.capture.sqlalchemy.reflection import read_schema  # its package loads a SQL parser

    dialect = connection.dialect.name
    outbox_statements(dialect)  # a dialect that is not known is told
    _require_outbox(connection)
    named = [parse_name(name).schema for name in policy.tables]
    schema = read_schema(connection, [one for one in named if one is not None])
    plans = make_plans(policy, schema, dynamic=dialect == "sqlite")
    place = _schema(connection) if dialect == "postgresql" else None
    return guarded_tables(plans, place), place or ""


def _require_outbox(connection: Connection) -> None:
    present = set(inspect(connection).get_table_names())
    missing = [table for table in TABLES if table not in present]
    if missing:
        raise ConfigurationError(
            f"the outbox is not there: table {', '.join(missing)} is missing in the database",
            meaning="No guard was installed; it records into the outbox.",
            remedy="Create it with create_outbox(engine) of ordertrail.capture.outbox, or in a migration.",
        )


def _schema(connection: Connection) -> str:
    """Return the schema of the outbox; the default one where there is none."""
    query = (
        "SELECT coalesce((SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.oid = to_regclass(%s)), current_schema())"
    )
    return str(connection.exec_driver_sql(query, (OUTBOX,)).scalar())
