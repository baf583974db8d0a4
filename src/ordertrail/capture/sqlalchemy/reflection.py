"""The live schema, as SQLAlchemy's inspector and the database's own catalogue tell it."""

import re
import warnings
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, inspect, types
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import SAWarning

from ordertrail.capture.schema import ForeignKey, Kind, LiveColumn, LiveTable, TableName

_KINDS: tuple[tuple[Any, Kind], ...] = (
    (types.Boolean, "boolean"),
    (types.Integer, "integer"),
    (types.Float, "float"),
    (types.Numeric, "decimal"),
    (types.DateTime, "timestamp"),
    (types.Date, "date"),
    (types.Time, "time"),
    (types.Uuid, "uuid"),
    (types.JSON, "json"),
    (types.ARRAY, "json"),
    (types.LargeBinary, "binary"),
    (types.Interval, "opaque"),
    (postgresql.INTERVAL, "opaque"),
    (postgresql.INET, "opaque"),
    (postgresql.CIDR, "opaque"),
    (postgresql.MACADDR, "opaque"),
    (postgresql.MONEY, "opaque"),
    (types.String, "text"),
)

_POSTGRESQL: Any = postgresql.dialect()  # type: ignore[no-untyped-call]

_TRIGGERS = {
    "sqlite": "SELECT NULL, tbl_name FROM sqlite_master WHERE type = 'trigger' AND name NOT LIKE 'ordertrail%'",
    "postgresql": """
        SELECT n.nspname, c.relname
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE EXISTS (SELECT 1 FROM pg_trigger t
                      WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND NOT starts_with(t.tgname, 'ordertrail'))
           OR EXISTS (SELECT 1 FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN')
    """,
}

_PARTITIONS = """
    WITH RECURSIVE below AS (
        SELECT inhrelid AS child, inhparent AS parent FROM pg_inherits
        UNION ALL
        SELECT i.inhrelid, below.parent FROM pg_inherits i JOIN below ON below.child = i.inhparent
    )
    SELECT pn.nspname, p.relname, cn.nspname, c.relname
    FROM below JOIN pg_class p ON p.oid = below.parent JOIN pg_namespace pn ON pn.oid = p.relnamespace
               JOIN pg_class c ON c.oid = below.child JOIN pg_namespace cn ON cn.oid = c.relnamespace
"""

_SQLITE_ACTIONS = """
    SELECT m.name, f."from", f.on_delete, f.on_update FROM sqlite_master m, pragma_foreign_key_list(m.name) f
    WHERE m.type = 'table'
"""

_SQLITE_UNIQUE = """
    SELECT m.name, l.name, i.name FROM sqlite_master m, pragma_index_list(m.name) l, pragma_index_info(l.name) i
    WHERE m.type = 'table' AND l."unique" ORDER BY m.name, l.name, i.seqno
"""


def read_schema(connection: Connection, schemas: Iterable[str]) -> dict[TableName, LiveTable]:
    """Return every table of the default schema and of the ones named, under each name that SQL may give it."""
    inspector = inspect(connection)
    default = inspector.default_schema_name
    dialect = connection.dialect.name
    triggers = {(row[0] or default, row[1]) for row in connection.exec_driver_sql(_TRIGGERS[dialect])}
    partitions: dict[tuple[str, str], list[tuple[str, str]]] = {}
    if dialect == "postgresql":
        for parent_schema, parent, child_schema, child in connection.exec_driver_sql(_PARTITIONS):
            partitions.setdefault((parent_schema, parent), []).append((child_schema, child))
    found: dict[TableName, LiveTable] = {}
    for schema in dict.fromkeys((None, *schemas)):
        tables = _Tables(inspector, schema, default, dialect)
        for name in inspector.get_table_names(schema=schema):
            place = (schema or default or "", name)
            children = tuple(_named(one, default) for one in partitions.get(place, ()))
            table = tables.read(name, triggers=place in triggers, children=children)
            for each in {table.name, TableName(name, schema or default)}:
                found[each] = table
            if schema in {None, default}:
                found[TableName(name)] = table
    return _with_pragmas(connection, found) if dialect == "sqlite" else found


def _with_pragmas(connection: Connection, found: dict[TableName, LiveTable]) -> dict[TableName, LiveTable]:
    """Return SQLite's tables with what the inspector, which reads their SQL, misses in columns' own constraints."""
    actions = {(row[0], row[1]): (row[2], row[3]) for row in connection.exec_driver_sql(_SQLITE_ACTIONS)}
    uniques: dict[tuple[str, str], list[str | None]] = {}
    for table, index, column in connection.exec_driver_sql(_SQLITE_UNIQUE):
        uniques.setdefault((table, index), []).append(column)
    told: dict[TableName, LiveTable] = {}
    for name, one in found.items():
        references = []
        for key in one.foreign_keys:
            on_delete, on_update = actions.get(
                (one.name.name, key.columns[0]), (key.on_delete, key.on_update)
            )
            references.append(replace(key, on_delete=on_delete, on_update=on_update))
        more = {
            tuple(column for column in columns if column is not None)
            for (table, _), columns in uniques.items()
            if table == one.name.name and None not in columns
        }
        unique = tuple(sorted({*one.unique, *more} - {one.key}))
        told[name] = replace(one, foreign_keys=tuple(references), unique=unique)
    return told


def _named(place: tuple[str, str], default: str | None) -> TableName:
    schema, name = place
    return TableName(name, None if schema == default else schema)


class _Tables:
    """One schema's tables; each kind of thing is asked for all of them at once."""

    def __init__(self, inspector: Any, schema: str | None, default: str | None, dialect: str) -> None:
        self._schema = schema
        self._default = default
        self._dialect = dialect
        with warnings.catch_warnings():
            # A type that SQLAlchemy does not know matters only in a table that is captured, and is told there.
            warnings.simplefilter("ignore", SAWarning)
            self._columns = _by_name(inspector.get_multi_columns(schema=schema))
        self._keys = _by_name(inspector.get_multi_pk_constraint(schema=schema))
        self._references = _by_name(inspector.get_multi_foreign_keys(schema=schema))
        self._uniques = _by_name(inspector.get_multi_unique_constraints(schema=schema))
        self._indexes = _by_name(inspector.get_multi_indexes(schema=schema))

    def read(self, name: str, *, triggers: bool, children: tuple[TableName, ...]) -> LiveTable:
        """Return one table."""
        key = tuple((self._keys.get(name) or {}).get("constrained_columns") or ())
        columns = tuple(self._column(column, key) for column in self._columns.get(name) or ())
        uniques = {tuple(one["column_names"]) for one in self._uniques.get(name) or ()}
        uniques |= {
            tuple(one["column_names"])
            for one in self._indexes.get(name) or ()
            if one.get("unique") and None not in one["column_names"]
        }
        schema = None if self._schema == self._default else self._schema
        references = tuple(self._reference(one) for one in self._references.get(name) or ())
        return LiveTable(
            TableName(name, schema),
            columns,
            key,
            tuple(sorted(uniques - {key})),
            references,
            triggers,
            children,
        )

    def _reference(self, told: Any) -> ForeignKey:
        options = told.get("options") or {}
        schema = told.get("referred_schema")
        return ForeignKey(
            tuple(told["constrained_columns"]),
            TableName(told["referred_table"], None if schema == self._default else schema),
            tuple(told["referred_columns"]),
            (options.get("ondelete") or "NO ACTION").upper(),
            (options.get("onupdate") or "NO ACTION").upper(),
        )

    def _column(self, told: Any, key: tuple[str, ...]) -> LiveColumn:
        type_ = told["type"]
        computed = told.get("computed") is not None
        autoincrement = (
            self._dialect == "sqlite" and key == (told["name"],) and isinstance(type_, types.Integer)
        )
        generated = computed or autoincrement or told.get("default") is not None or bool(told.get("identity"))
        kind = _kind(type_)
        if kind == "timestamp" and getattr(type_, "timezone", False):
            kind = "timestamptz"
        decimal = type_ if isinstance(type_, types.Numeric) and not isinstance(type_, types.Float) else None
        return LiveColumn(
            told["name"],
            kind,
            _cast(type_, kind),
            scale=decimal.scale if decimal is not None and decimal.precision is not None else None,
            length=getattr(type_, "length", None) if kind == "text" else None,
            generated=generated,
            rounds=computed or self._rounds(type_, kind),
        )

    def _rounds(self, type_: Any, kind: Kind | None) -> bool:
        """Say whether the database may keep another value than it is given."""
        if self._dialect == "sqlite":
            return kind in {"json", None}
        return (
            isinstance(type_, types.REAL | types.CHAR | postgresql.DOMAIN | types.ARRAY)
            or (
                getattr(type_, "precision", None) is not None
                and kind in {"timestamp", "timestamptz", "time", "float"}
            )
            or kind in {"json", "opaque", None}
        )


def _by_name(told: Any) -> dict[str, Any]:
    return {name: value for (_, name), value in told.items()}


def _kind(type_: Any) -> Kind | None:
    if isinstance(type_, postgresql.DOMAIN):
        return _kind(type_.data_type)
    for known, kind in _KINDS:
        if isinstance(type_, known):
            return kind
    return None


def _cast(type_: Any, kind: Kind | None) -> str:
    """Return the type's name as a cast can have it: without lengths, which would cut."""
    if kind == "integer":
        return "bigint"
    if kind == "text" and not isinstance(type_, types.Enum):
        return "text"
    try:
        return re.sub(r"\([\d, ]*\)", "", str(type_.compile(dialect=_POSTGRESQL)))
    except Exception:  # noqa: BLE001 - a type that has no name of its own is told as SQLAlchemy does
        return str(type(type_).__name__)
