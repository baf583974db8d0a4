"""What the database itself saw, by triggers that no capture code has a part in, in the words of events."""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
import psycopg
from django.apps import apps
from django.db import models

from ordertrail.kernel.clock import format_time
from ordertrail.record.event import Event


class RowChange(NamedTuple):
    """One row, before and after; None where there is none. Of an update, the fields that changed."""

    table: str
    op: str
    before: str | None
    after: str | None
    actor: str


@contextmanager
def observing(database: dict[str, Any]) -> Iterator[Any]:
    """Another way to a database of Django's, past Django; statements commit at once."""
    if database["ENGINE"].endswith("sqlite3"):
        with closing(sqlite3.connect(database["NAME"], isolation_level=None)) as connection:
            yield connection
    else:
        with psycopg.connect(
            dbname=database["NAME"], user=database["USER"], host=database["HOST"], autocommit=True
        ) as one:
            yield one


def install_oracle(connection: Any, tables: dict[str, list[str]]) -> None:
    """Have the database write down every change of a row of these tables; their columns are named."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute(
            "CREATE TABLE oracle (n integer PRIMARY KEY, tbl text, op text, old text, new text)"
        )
        for table, columns in tables.items():
            old, new = (
                "json_object(" + ", ".join(f"'{column}', {side}.\"{column}\"" for column in columns) + ")"
                for side in ("OLD", "NEW")
            )
            for op, before, after in (("INSERT", "NULL", new), ("UPDATE", old, new), ("DELETE", old, "NULL")):
                connection.execute(
                    f'CREATE TRIGGER "ordertrail_oracle_{table}_{op}" AFTER {op} ON "{table}" BEGIN '
                    f"INSERT INTO oracle (tbl, op, old, new) VALUES ('{table}', '{op.lower()}', {before}, {after}); END"
                )
        return
    connection.execute(
        "CREATE TABLE oracle (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tbl text, op text, old text, new text)"
    )
    connection.execute(
        """CREATE FUNCTION ordertrail_oracle() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'TRUNCATE' THEN
                EXECUTE format('INSERT INTO oracle (tbl, op, old) SELECT %L, ''delete'', to_jsonb(t)::text FROM %I t',
                               TG_TABLE_NAME, TG_TABLE_NAME);
                RETURN NULL;
            END IF;
            INSERT INTO oracle (tbl, op, old, new) VALUES (TG_TABLE_NAME, lower(TG_OP),
                CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD)::text END,
                CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW)::text END);
            RETURN NULL;
        END $$"""
    )
    for table in tables:
        connection.execute(
            f'CREATE TRIGGER ordertrail_oracle AFTER INSERT OR UPDATE OR DELETE ON "{table}" '
            "FOR EACH ROW EXECUTE FUNCTION ordertrail_oracle()"
        )
        connection.execute(
            f'CREATE TRIGGER ordertrail_oracle_all BEFORE TRUNCATE ON "{table}" EXECUTE FUNCTION ordertrail_oracle()'
        )


def columns_of(tables: Sequence[str]) -> dict[str, list[str]]:
    """Return the columns of tables, as their models name them."""
    return {table: [field.column for field in fields_of(table).values()] for table in tables}


def fields_of(table: str) -> dict[str, Any]:
    """Return a table's fields by column."""
    (model,) = (one for one in apps.get_models(include_auto_created=True) if one._meta.db_table == table)
    return {str(field.column): field for field in model._meta.concrete_fields}


def changed_rows(rows: Sequence[Any], actor: str) -> Counter[RowChange]:
    """Return what the oracle saw: rows that did change, each with what changed in it."""
    found: Counter[RowChange] = Counter()
    for table, op, old, new in _replacements(rows):
        before = _told(table, msgspec.json.decode(old)) if old else None
        after = _told(table, msgspec.json.decode(new)) if new else None
        if op == "update" and before is not None and after is not None:
            changed = {name for name in before if before[name] != after[name]}
            if not changed:
                continue
            before, after = ({name: side[name] for name in changed} for side in (before, after))
        found[RowChange(table, op, _frozen(before), _frozen(after), actor)] += 1
    return found


def recorded_rows(events: Sequence[Event], tables: Sequence[str]) -> Counter[RowChange]:
    """Return what capture recorded, in the oracle's words."""
    found: Counter[RowChange] = Counter()
    for event in events:
        before = {
            change.path[1:]: change.before for change in event.changes if change.before is not msgspec.UNSET
        }
        after = {
            change.path[1:]: change.after for change in event.changes if change.after is not msgspec.UNSET
        }
        op = "update" if before and after else "insert" if after else "delete"
        (table,) = [one for one in tables if _kind(one) == event.subject.kind] or [event.subject.kind]
        found[RowChange(table, op, _frozen(before or None), _frozen(after or None), event.actor.id)] += 1
    return found


def _kind(table: str) -> str:
    from ordertrail.capture.policy import singular

    if table.endswith("_order"):
        return "order"
    name = singular(table)
    return "order_line" if name.endswith(("orderline", "lineitem", "order_line")) else name


def _replacements(rows: Sequence[Any]) -> Iterator[tuple[str, str, str | None, str | None]]:
    """Tell a row that REPLACE deleted and put back in one statement as what it is to anybody else: an update."""
    waiting: Any = None
    for table, op, old, new in rows:
        if waiting is not None:
            if op == "insert" and table == waiting[0] and _id(waiting[2]) == _id(new) is not None:
                yield table, "update", waiting[2], new
                waiting = None
                continue
            yield waiting
            waiting = None
        if op == "delete":
            waiting = (table, op, old, new)
        else:
            yield table, op, old, new
    if waiting is not None:
        yield waiting


def _id(row: str | None) -> Any:
    return msgspec.json.decode(row).get("id") if row else None


def _frozen(row: dict[str, Any] | None) -> str | None:
    return None if row is None else msgspec.json.encode(row, order="sorted").decode()


def _told(table: str, row: dict[str, Any]) -> dict[str, Any]:
    fields = fields_of(table)
    return {name: _word(fields[name], value) for name, value in row.items()}


def _word(field: Any, value: Any) -> Any:
    """Return the oracle's JSON of a value in an event's words."""
    if value is None:
        return None
    match field:
        case models.DecimalField():
            return f"{Decimal(str(value)):.{field.decimal_places}f}"
        case models.DateTimeField():
            moment = datetime.fromisoformat(value)
            return (
                format_time(moment.astimezone(UTC))
                if moment.tzinfo
                else moment.isoformat(timespec="microseconds")
            )
        case models.BooleanField():
            return bool(value)
        case models.JSONField():
            return _json(_decoded(value))
    return value


def _decoded(value: Any) -> Any:
    """Return a JSON column's value: SQLite's trigger tells it as text, PostgreSQL's as what it is, a text among it."""
    try:
        return msgspec.json.decode(value) if isinstance(value, str) else value
    except msgspec.DecodeError:
        return value


def _json(value: Any) -> Any:
    if isinstance(value, float):
        return {"unrepresentable": "float", "text": str(value)}
    if isinstance(value, dict):
        return {name: _json(one) for name, one in value.items()}
    return [_json(one) for one in value] if isinstance(value, list) else value
