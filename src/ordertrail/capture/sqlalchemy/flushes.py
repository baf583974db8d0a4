"""Before a flush: the rows that it is going to change are read and locked together, a table at a time."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Mapper, Session, object_mapper, object_session
from sqlalchemy.orm.attributes import instance_state

from ordertrail.capture.plan import Image
from ordertrail.capture.schema import TableName
from ordertrail.capture.sqlalchemy.hooks import Hooks

_FEW = 2
"""Rows of a table from which on reading them together saves anything."""


def prefetch(session: Session, captured: Mapping[Dialect, Hooks]) -> None:
    """Read the audited rows of a session that its flush will update or delete."""
    wanted: dict[tuple[Mapper[Any], Table], list[Image]] = {}
    for instance in (*session.dirty, *session.deleted):
        if object_session(instance) is session and (
            instance in session.deleted or session.is_modified(instance)
        ):
            for mapper, table, key in _rows_of(instance):
                wanted.setdefault((mapper, table), []).append(key)
    connections: dict[Mapper[Any], Connection] = {}
    for (mapper, table), keys in wanted.items():
        if len(keys) < _FEW:
            continue
        connection = connections.get(mapper)
        if connection is None:
            connection = connections[mapper] = session.connection(bind_arguments={"mapper": mapper})
        hooks = captured.get(connection.dialect)
        if hooks is not None:
            hooks.prefetch(connection, TableName(table.name, table.schema), keys)


def _rows_of(instance: object) -> Iterator[tuple[Mapper[Any], Table, Image]]:
    """Yield the rows that an instance is made of: one, or one a table where its class inherits."""
    identity = instance_state(instance).identity
    if identity is None:
        return
    mapper = object_mapper(instance)
    for table in mapper.tables:
        if isinstance(table, Table) and len(table.primary_key.columns) == len(identity):
            yield mapper, table, tuple(identity)
