"""The live schema of a Django database, read on Django's own connection.

On its own connection, because a migration reads what it has not committed yet, and a database in memory has no other.
SQLAlchemy's inspector does the reading, as for SQLAlchemy itself; the connection is lent to it in a wrapper that lets
nothing end, begin or configure it.
"""

from dataclasses import replace
from typing import Any

from django.apps import apps
from django.db import models
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from ordertrail.capture.schema import LiveTable, TableName
from ordertrail.capture.sqlalchemy.reflection import read_schema

_CONVERTED = frozenset(
    {"boolean", "date", "time", "timestamp", "timestamptz", "decimal", "float", "binary", "opaque"}
)


class _Lent:
    """A driver's connection that can be asked, and nothing else."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def _nothing(self, *_args: object, **_options: object) -> None:
        """Leave the application's connection as it is."""

    commit = rollback = close = create_function = add_notice_handler = _nothing


def read_django_schema(connection: Any, schemas: list[str]) -> dict[TableName, LiveTable]:
    """Return the tables of a connection of Django's; leaves its transaction as it found it."""
    lent = _Lent(connection.connection)
    if connection.vendor == "sqlite":
        engine = create_engine("sqlite://", creator=lambda: lent, poolclass=StaticPool)
    else:
        driver = "psycopg" if hasattr(connection.connection, "pgconn") else "psycopg2"
        options: Any = {"use_native_hstore": False}
        engine = create_engine(
            f"postgresql+{driver}://", creator=lambda: lent, poolclass=StaticPool, **options
        )
    with engine.connect() as asked:
        found = read_schema(asked, schemas)
    if connection.vendor != "sqlite":
        return found
    fields = _fields()
    return {name: _as_it_is(table, fields) for name, table in found.items()}


def _as_it_is(table: LiveTable, fields: dict[tuple[str, str], Any]) -> LiveTable:
    """Return a table of SQLite as it has to be read, and told, here.

    Django has the driver make Python's types of declared ones (``PARSE_DECLTYPES``), and what cannot be made one of
    becomes None. Evidence is what the table holds. What SQLite does not know of its columns, models do: that a text
    is JSON, and how many digits of a decimal stand after the point.
    """
    columns = []
    for column in table.columns:
        field = fields.get((table.name.name, column.name))
        if isinstance(field, models.JSONField) and column.kind == "text":
            columns.append(replace(column, kind="json", rounds=True))
            continue
        scale = field.decimal_places if isinstance(field, models.DecimalField) else column.scale
        columns.append(replace(column, scale=scale, converted=column.kind in _CONVERTED))
    return replace(table, columns=tuple(columns))


def _fields() -> dict[tuple[str, str], Any]:
    """Return the models' fields by table and column."""
    return {
        (model._meta.db_table, str(field.column)): field  # noqa: SLF001 - Django's documented API
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.local_concrete_fields  # noqa: SLF001
    }
