"""The guard on PostgreSQL: its SQL, and whether what is installed is just that."""

import re
from collections.abc import Iterator, Sequence

import msgspec
from sqlalchemy import Connection

from ordertrail.capture.guard.filling import filled, literal, read_sql
from ordertrail.capture.guard.tables import GuardedTable, Told, qualified
from ordertrail.capture.schema import LiveColumn, quoted
from ordertrail.kernel.errors import Problem

MOST = 10_000
"""Rows that a TRUNCATE is told row by row; of more, only their number is."""

_NAME = 512
_FUNCTION = re.compile(
    r"CREATE OR REPLACE FUNCTION \S+\.(ordertrail_guard_\w+)\((.*?)\$ordertrail\$(.*?)\$ordertrail\$",
    re.DOTALL,
)
_BEGINS = "NOT EXISTS (SELECT FROM {}.ordertrail_guard_seen AS s WHERE s.transaction = pg_current_xact_id())"
"""Whether nothing was seen in this transaction yet."""

_WHEN = {
    "O": " under session_replication_role = replica",
    "R": " but under session_replication_role = replica",
}
_TRIGGER = re.compile(r"(?:CREATE OR REPLACE|CREATE CONSTRAINT) TRIGGER (ordertrail_guard_\w+)")


def install_sql(tables: Sequence[GuardedTable], schema: str) -> str:
    """Return the script that installs the guard, or brings it up to date, in one transaction of its caller."""
    own = {"schema": quoted(schema)}
    parts = [
        filled(read_sql("postgresql", name), own)
        for name in ("base", "telling", "bypasses", "record", "settle")
    ]
    for table in tables:
        parts.append(table_sql(table, schema))
        parts += [_triggers_sql(table, qualified(place, schema), schema) for place in table.places]
    return "\n".join(parts)


def table_sql(table: GuardedTable, schema: str) -> str:
    """Return the function of one table, and the row that says how its rows are told."""
    columns = [(f"ARRAY[{', '.join(map(literal, some))}]" if some else "ARRAY[]") + "::text[]" for some in (
        table.ignored, table.hidden, table.told.known,
    )]  # fmt: skip
    hides = table.told.private
    hidden = f"{quoted(schema)}.ordertrail_guard_hidden({{}}, {{}}, {{}})" if hides else "NULL::text[]"
    values = {
        "schema": quoted(schema),
        "function": function_of(table),
        "relation": literal(table.relation),
        "ignored": columns[0],
        "hidden": columns[1],
        "known": columns[2],
        "private": "true" if hides else "false",
        "most": str(MOST),
        "begins": _BEGINS.format(quoted(schema)),
        "subject": _id_sql("r.image", table.subject),
        "made": _id_sql("r.made", table.subject),
        "order": _key_sql("r.image", table.order_key),
        "tenant": _key_sql("r.image", table.tenant_key),
        "made_hidden": hidden.format("NULL", "r.image", "hidden"),
        "left_hidden": hidden.format("r.image", "NULL", "hidden"),
        "changed_hidden": hidden.format("r.image", "r.made", "hidden"),
        "left_hidden_emptied": hidden.format("r.image", "NULL", "$3"),
    }
    return filled(read_sql("postgresql", "table"), values) + _told_sql(table, schema)


def function_of(table: GuardedTable) -> str:
    """Return the name of a table's function."""
    return f"ordertrail_guard_on_{table.word}"


def remove_sql(schema: str) -> str:
    """Return the script that takes the guard away."""
    return filled(read_sql("postgresql", "remove"), {"schema": schema.replace("'", "''")}).replace(
        f"EXISTS {schema}.", f"EXISTS {quoted(schema)}."
    )


def _told_sql(table: GuardedTable, schema: str) -> str:
    told = literal(msgspec.json.encode(table.told).decode())
    return (
        f"\nINSERT INTO {quoted(schema)}.ordertrail_guard_table (relation, told)\n"
        f"VALUES ({literal(table.relation)}, {told})\n"
        "ON CONFLICT (relation) DO UPDATE SET told = excluded.told;\n"
    )


def _triggers_sql(table: GuardedTable, place: str, schema: str) -> str:
    values = {"schema": quoted(schema), "function": function_of(table), "table": place}
    return filled(read_sql("postgresql", "triggers"), values)


def _id_sql(image: str, columns: Sequence[LiveColumn]) -> str:
    """Return the SQL of a subject's id: the text that Python makes of the same columns."""
    texts = []
    for column in columns:
        text = f"({image} ->> {literal(column.name)})"
        if column.kind == "boolean":
            text = f"initcap({text})"
        if column.kind == "text":
            text = f"regexp_replace({text}, '[\\x01-\\x1f\\x7f-\\xa0]', U&'\\FFFD', 'g')"
        texts.append(text)
    joined = " || '/' || ".join(texts)
    if all(column.kind in {"integer", "uuid"} for column in columns):
        return joined
    return f"coalesce(CASE {joined} WHEN '' THEN '(empty)' ELSE left({joined}, {_NAME}) END, '(new)')"


def _key_sql(image: str, columns: Sequence[LiveColumn]) -> str:
    return " || '/' || ".join(f"({image} ->> {literal(column.name)})" for column in columns) or "NULL::text"


# Checking -------------------------------------------------------------------------------------------------------------


def find_problems(connection: Connection, tables: Sequence[GuardedTable], schema: str) -> Iterator[Problem]:
    """Yield what is missing, disabled or other than ``install`` left it."""
    yield from _function_problems(connection, tables, schema)
    yield from _own_problems(connection, schema)
    told = _told_rows(connection, schema)
    for table in tables:
        place = f"tables.{table.relation}"
        if told.get(table.relation) != msgspec.to_builtins(table.told):
            yield Problem(
                place, "the guard tells its rows by another policy or for other columns; install it again"
            )
        for name in table.places:
            yield from _trigger_problems(connection, table, qualified(name, schema), schema)


def _function_problems(
    connection: Connection, tables: Sequence[GuardedTable], schema: str
) -> Iterator[Problem]:
    query = (
        "SELECT p.proname, p.prosrc, p.proconfig, p.prosecdef "
        "FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
        "WHERE n.nspname = %s AND starts_with(p.proname, 'ordertrail_guard_')"
    )
    rows = connection.exec_driver_sql(query, (schema,)).all()
    found = {name: rest for name, *rest in rows}
    for name, head, body in _FUNCTION.findall(install_sql(tables, schema)):
        source, settings, definer = found.get(name, (None, None, None))
        wanted = (
            ["search_path=pg_catalog, pg_temp"] if "SET search_path" in head else None,
            "DEFINER" in head,
        )
        if source is None:
            yield Problem(f"functions.{name}", "is missing")
        elif source != body or (settings, definer) != wanted:
            yield Problem(f"functions.{name}", "was altered, or is of another release")


def _own_problems(connection: Connection, schema: str) -> Iterator[Problem]:
    for table, trigger in (
        ("ordertrail_guard_seen", "ordertrail_guard_settle"),
        ("ordertrail_filtered", "ordertrail_guard_left_out"),
    ):
        script = filled(read_sql("postgresql", "settle"), {"schema": quoted(schema)})
        yield from _compared(
            connection, f'"{schema}"."{table}"', {trigger: _definition(script, trigger)}, table
        )


def _told_rows(connection: Connection, schema: str) -> dict[str, object]:
    name = f"{quoted(schema)}.ordertrail_guard_table"
    if connection.exec_driver_sql("SELECT to_regclass(%s)", (name,)).scalar() is None:
        return {}
    rows = connection.exec_driver_sql(f"SELECT relation, told::text FROM {name}")  # noqa: S608 - quoted
    return {relation: msgspec.to_builtins(_decode_told(text)) for relation, text in rows}


def _decode_told(text: str) -> object:
    try:
        return msgspec.json.decode(text, type=Told)
    except msgspec.MsgspecError:
        return text


def _trigger_problems(
    connection: Connection, table: GuardedTable, place: str, schema: str
) -> Iterator[Problem]:
    script = _triggers_sql(table, place, schema)
    wanted = {name: _definition(script, name) for name in _TRIGGER.findall(script)}
    yield from _compared(connection, place, wanted, place.replace('"', ""))


def _definition(script: str, name: str) -> str:
    """Return a trigger's definition out of a script, in the words of ``pg_get_triggerdef``."""
    found = re.search(rf"CREATE (?:OR REPLACE |CONSTRAINT )?TRIGGER {name}\b(.*?);", script, re.DOTALL)
    return _plain(found[1]) if found else ""


def _plain(definition: str) -> str:
    """Return a trigger's definition without what PostgreSQL may write in another way: quotes, brackets, spaces."""
    return re.sub(r"[\s()]+", " ", definition.replace('"', "")).lower().strip()


def _compared(connection: Connection, place: str, wanted: dict[str, str], told_as: str) -> Iterator[Problem]:
    query = (
        "SELECT t.tgname, t.tgenabled, pg_get_triggerdef(t.oid) FROM pg_trigger t "
        "WHERE t.tgrelid = to_regclass(%s) AND NOT t.tgisinternal"
    )
    found = {name: (enabled, text) for name, enabled, text in connection.exec_driver_sql(query, (place,))}
    for name, definition in wanted.items():
        enabled, text = found.get(name, (None, ""))
        said = _plain(text.partition(name)[2])
        if enabled is None:
            yield Problem(f"{told_as}.{name}", "the trigger is missing")
        elif said != definition:
            yield Problem(f"{told_as}.{name}", f"the trigger was altered: it is now {text}")
        elif enabled != "A":
            yield Problem(f"{told_as}.{name}", f"the trigger is disabled{_WHEN.get(enabled, '')}")
