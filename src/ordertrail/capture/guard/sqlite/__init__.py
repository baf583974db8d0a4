"""The guard on SQLite: its SQL, and whether what is installed is just that."""

import sqlite3
from collections.abc import Iterator, Sequence

import msgspec
from sqlalchemy import Connection

from ordertrail.capture.guard.filling import filled, literal, read_sql
from ordertrail.capture.guard.tables import GuardedColumn, GuardedTable
from ordertrail.capture.schema import LiveColumn, quoted
from ordertrail.kernel.errors import Problem

_NOW = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
_LONGEST_ID = 512
_OPERATIONS = ("insert", "update", "delete")


def install_statements(tables: Sequence[GuardedTable]) -> list[str]:
    """Return the statements that install the guard, or bring it up to date, in a transaction of their caller."""
    script = read_sql("sqlite", "base") + "".join(_table_sql(table) for table in tables)
    return list(_statements(script))


def remove_statements(connection: Connection) -> list[str]:
    """Return the statements that take the guard away. The outbox and what waits in it stay."""
    query = "SELECT type, name FROM sqlite_master WHERE name LIKE 'ordertrail_guard_%' AND type IN ('trigger', 'table')"
    rows = sorted(connection.exec_driver_sql(query).all(), key=lambda row: row[0], reverse=True)
    return [f"DROP {kind.upper()} {quoted(name)}" for kind, name in rows]


def find_problems(connection: Connection, tables: Sequence[GuardedTable]) -> Iterator[Problem]:
    """Yield what is missing or other than ``install`` left it."""
    query = "SELECT name, sql FROM sqlite_master WHERE name LIKE 'ordertrail_guard_%'"
    found = {row.name: row.sql for row in connection.exec_driver_sql(query)}
    for statement in install_statements(tables):
        if not statement.startswith("CREATE TRIGGER"):
            continue
        name = statement.split()[2].strip('"')
        if name not in found:
            yield Problem(name, "the trigger is missing")
        elif found[name] != statement.rstrip(";"):
            yield Problem(
                name, "the trigger is not as the guard made it: it was altered, or is of other columns"
            )
    if "ordertrail_guard_table" not in found or "ordertrail_guard_seen" not in found:
        yield Problem("ordertrail_guard_seen", "the guard's own tables are missing")
        return
    rows = connection.exec_driver_sql("SELECT relation, told FROM ordertrail_guard_table")
    told = {row.relation: row.told for row in rows}
    for table in tables:
        if told.get(table.relation) != _told(table):
            yield Problem(
                f"tables.{table.relation}",
                "the guard tells its rows by another policy or for other columns; install it again",
            )


def _statements(script: str) -> Iterator[str]:
    """Yield a script's statements, without what is said before them."""
    waiting = ""
    for line in script.splitlines():
        if not waiting and (not line or line.startswith("--")):
            continue
        waiting += line + "\n"
        if sqlite3.complete_statement(waiting):
            yield waiting.strip()
            waiting = ""


def _table_sql(table: GuardedTable) -> str:
    columns = table.told.columns
    differs = " OR ".join(f"OLD.{quoted(one.name)} IS NOT NEW.{quoted(one.name)}" for one in columns)
    changed = " || ".join(
        f"CASE WHEN OLD.{quoted(one.name)} IS NOT NEW.{quoted(one.name)} THEN {literal(one.path)} ELSE '' END"
        for one in columns
    )
    values = {
        **{op: quoted(f"ordertrail_guard_{table.word}_{op}") for op in _OPERATIONS},
        "table": quoted(table.places[0].name),
        "relation": literal(table.relation),
        "now": _NOW,
        "differs": differs or "0",
        "changed": f"{changed or literal('')} || '/'",
        "made": _id_sql("NEW", table.subject),
        "left": _id_sql("OLD", table.subject),
        "made_order": _key_sql("NEW", table.order_key),
        "left_order": _key_sql("OLD", table.order_key),
        "made_tenant": _key_sql("NEW", table.tenant_key),
        "left_tenant": _key_sql("OLD", table.tenant_key),
        "before": _image_sql(columns, "OLD"),
        "after": _image_sql(columns, "NEW"),
        "after_update": _image_sql(columns, "NEW", "OLD"),
    }
    told = (
        "INSERT INTO ordertrail_guard_table (relation, told) "  # noqa: S608 - quoted
        f"VALUES ({literal(table.relation)}, {literal(_told(table))}) "
        "ON CONFLICT (relation) DO UPDATE SET told = excluded.told;\n"
    )
    return filled(read_sql("sqlite", "table"), values) + told


def _told(table: GuardedTable) -> str:
    return msgspec.json.encode(table.told).decode()


def _id_sql(side: str, columns: Sequence[LiveColumn]) -> str:
    joined = " || '/' || ".join(f"CAST({side}.{quoted(column.name)} AS text)" for column in columns)
    return f"coalesce(nullif(substr({joined}, 1, {_LONGEST_ID}), ''), '(new)')"


def _key_sql(side: str, columns: Sequence[LiveColumn]) -> str:
    if len(columns) == 1:
        return f"{side}.{quoted(columns[0].name)}"
    return " || '/' || ".join(f"CAST({side}.{quoted(column.name)} AS text)" for column in columns) or "NULL"


def _image_sql(columns: Sequence[GuardedColumn], side: str, before: str | None = None) -> str:
    """Return the SQL of a row's values as literals; of a hidden one 0, or 1 where it is another than before."""
    parts = []
    for one in columns:
        column = f"{side}.{quoted(one.name)}"
        if one.kind != "redacted":
            parts.append(f"quote({column})")
        elif before is None:
            parts.append(f"CASE WHEN {column} IS NULL THEN 'NULL' ELSE '0' END")
        else:
            same = f"{before}.{quoted(one.name)} IS {column}"
            parts.append(f"CASE WHEN {column} IS NULL THEN 'NULL' WHEN {same} THEN '0' ELSE '1' END")
    return " || ',' || ".join(parts) or "''"
