"""The database of notifying: a file of SQLite beside the trail, or a schema of its own on PostgreSQL."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event, exc, make_url, text
from sqlalchemy.dialects import postgresql, sqlite

from ordertrail.adapters.notify.tables import metadata
from ordertrail.kernel.errors import ConfigurationError, UnavailableError

SCHEMA = "ordertrail_notify"
FORM = 1
"""Of the tables."""

_BUSY_SECONDS = 30
_LOCK = 0x4F54_4E4F
_MEANING = "Nothing is lost: messages wait, and the log is untouched."


class NotifyDatabase:
    """Transactions on the tables of notifying. May be used by several threads."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self.name = name
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    @property
    def upsert(self) -> Any:
        """The database's own INSERT … ON CONFLICT."""
        return postgresql.insert if self._is_server else sqlite.insert

    @property
    def _is_server(self) -> bool:
        return self._engine.dialect.name == "postgresql"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that reads, and sees one moment."""
        with self._translated(), self._engine.connect() as connection, connection.begin():
            if self._is_server:
                connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            else:
                connection.exec_driver_sql("BEGIN")
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open the one transaction that writes; others wait for its end."""
        with self._translated(), self._engine.connect() as connection, connection.begin():
            if self._is_server:
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            else:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def _prepare(self) -> None:
        with self.writing() as connection:
            if self._is_server:
                connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
                metadata.create_all(connection)
                return
            form = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
            if form > FORM:
                raise ConfigurationError(
                    f"{self.name} is of form {form}, and this release knows form {FORM} at most",
                    meaning=_MEANING,
                    remedy="Install the release that made it, or a newer one.",
                )
            if form < FORM:
                metadata.create_all(connection)
                connection.exec_driver_sql(f"PRAGMA user_version={FORM}")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (exc.DBAPIError, sqlite3.DatabaseError, OSError) as error:
            reason = error.orig if isinstance(error, exc.DBAPIError) else error
            said = " ".join(str(reason).split())
            if isinstance(error, exc.ProgrammingError):
                raise ConfigurationError(
                    f"the outbox of messages in {self.name} cannot be made or used as it is set up: {said}",
                    meaning=_MEANING,
                    remedy=f"Let its role create the schema {SCHEMA}.",
                ) from error
            raise UnavailableError(
                f"the outbox of messages in {self.name} cannot be used now: {said}",
                meaning=_MEANING,
                remedy="Look at the database; sending goes on by itself.",
            ) from error


def open_file(path: Path) -> NotifyDatabase:
    """Open the file of notifying; one that is not there is made, for nobody else's eyes."""
    if not path.exists():
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    location = f"file:{quote(str(path.resolve()))}?mode=rw"
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(
            location, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        ),
        poolclass=QueuePool,
        max_overflow=-1,
        pool_reset_on_return="rollback",
    )

    @event.listens_for(engine, "connect")
    def _tell(connection: Any, _record: Any) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "trusted_schema=OFF"):
            connection.execute(f"PRAGMA {pragma}")

    return NotifyDatabase(engine, str(path))


def open_server(url: str, password: str | None) -> NotifyDatabase:
    """Open the schema of notifying on a server. Raises ConfigurationError where the address will not do."""
    try:
        address = make_url(url).set(drivername="postgresql+psycopg")
        if password is not None:
            address = address.set(password=password)
        engine = create_engine(
            address,
            pool_pre_ping=True,
            connect_args={"application_name": "ordertrail notify", "connect_timeout": 10},
        )
    except (exc.ArgumentError, ImportError) as error:
        raise ConfigurationError(
            f"the outbox of messages cannot be opened: {type(error).__name__}",
            meaning=_MEANING,
            remedy="Name it postgresql://user@host/database; install its driver: pip install 'ordertrail[postgresql]'",
        ) from None

    @event.listens_for(engine, "connect")
    def _tell(connection: Any, _record: Any) -> None:
        connection.autocommit = True
        connection.execute(f"SET search_path = {SCHEMA}, pg_temp")
        connection.autocommit = False

    return NotifyDatabase(engine, engine.url.render_as_string(hide_password=True))
