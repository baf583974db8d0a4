"""Creating the outbox through SQLAlchemy, which is imported only by whoever calls with an engine of it."""

from typing import TYPE_CHECKING

from ordertrail.capture.outbox.ddl import outbox_statements

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine
    from sqlalchemy.ext.asyncio import AsyncEngine


def create_outbox(engine: "Engine | AsyncEngine") -> None:
    """Create the outbox's tables where they are missing, as a role that may create tables."""
    from ordertrail.capture.outbox.connecting import with_connection

    with_connection(engine, _create)


def _create(connection: "Connection") -> None:
    for statement in outbox_statements(connection.dialect.name):
        connection.exec_driver_sql(statement)
    connection.commit()
