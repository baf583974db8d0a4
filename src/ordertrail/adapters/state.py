"""State beside the log: a file of SQLite in the trail's directory, or a schema of its own on PostgreSQL.

What a room keeps there is no evidence. Each says by a :class:`Purpose` what it is called, of which form its tables are,
and what it means where they cannot be reached.
"""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, MetaData, QueuePool, create_engine, event, exc, make_url, text
from sqlalchemy.dialects import postgresql, sqlite

from ordertrail.kernel.errors import ConfigurationError, UnavailableError

_BUSY_SECONDS = 30
_AGAIN = 0.005
_CREATING = 0x4F54_4352
"""The advisory lock of whoever creates tables on a server."""


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a room keeps state for. ``form`` numbers its tables: what an older form lacks is made when it is opened."""

    schema: str
    """Its schema on a server."""
    form: int
    lock: int
    """The advisory lock of whoever writes, on a server."""
    tables: MetaData
    subject: str
    """What it is, as in "… cannot be used now"."""
    application: str
    """What connections are called on a server."""
    meaning: str
    """What it means for the evidence where it cannot be used."""
    remedy: str


class StateDatabase:
    """Transactions on the tables of a purpose. May be used by several threads."""

    def __init__(self, engine: Engine, name: str, purpose: Purpose) -> None:
        self._engine = engine
        self.name = name
        self._purpose = purpose
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
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": self._purpose.lock})
            else:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def _prepare(self) -> None:
        purpose = self._purpose
        with self.writing() as connection:
            if self._is_server:
                connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {purpose.schema}")
                purpose.tables.create_all(connection)
                return
            form = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
            if form > purpose.form:
                raise ConfigurationError(
                    f"{self.name} is of form {form}, and this release knows form {purpose.form} at most",
                    meaning=purpose.meaning,
                    remedy="Install the release that made it, or a newer one.",
                )
            if form < purpose.form:
                purpose.tables.create_all(connection)
                connection.exec_driver_sql(f"PRAGMA user_version={purpose.form}")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        purpose = self._purpose
        try:
            yield
        except (exc.DBAPIError, sqlite3.DatabaseError, OSError) as error:
            reason = error.orig if isinstance(error, exc.DBAPIError) else error
            said = " ".join(str(reason).split())
            if isinstance(error, exc.ProgrammingError):
                raise ConfigurationError(
                    f"{purpose.subject} in {self.name} cannot be made or used as it is set up: {said}",
                    meaning=purpose.meaning,
                    remedy=f"Let its role create the schema {purpose.schema}.",
                ) from error
            raise UnavailableError(
                f"{purpose.subject} in {self.name} cannot be used now: {said}",
                meaning=purpose.meaning,
                remedy=purpose.remedy,
            ) from error


def create_tables(engine: Engine, tables: MetaData) -> None:
    """Create the tables that are not there yet; of several who do so at once, each finds them."""
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _CREATING})
        tables.create_all(connection)


def write_ahead(connection: Any, seconds: float = _BUSY_SECONDS) -> None:
    """Have SQLite wait for others and for the disk, and keep a write-ahead log.

    A change of the journal's mode does not wait, whatever the time-out: where several open a new file at once, SQLite
    tells some that it is locked (https://sqlite.org/rescode.html#busy). They ask again until ``seconds`` have passed.
    """
    connection.execute(f"PRAGMA busy_timeout={round(seconds * 1_000)}")
    until = time.monotonic() + seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(_AGAIN)
    connection.execute("PRAGMA synchronous=FULL")


def open_file(path: Path, purpose: Purpose) -> StateDatabase:
    """Open the file of a purpose; one that is not there is made, for nobody else's eyes."""
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
        write_ahead(connection)
        connection.execute("PRAGMA trusted_schema=OFF")

    return StateDatabase(engine, str(path), purpose)


def open_server(url: str, password: str | None, purpose: Purpose) -> StateDatabase:
    """Open the schema of a purpose on a server. Raises ConfigurationError where the address will not do."""
    try:
        address = make_url(url).set(drivername="postgresql+psycopg")
        if password is not None:
            address = address.set(password=password)
        engine = create_engine(
            address,
            pool_pre_ping=True,
            connect_args={"application_name": purpose.application, "connect_timeout": 10},
        )
    except (exc.ArgumentError, ImportError) as error:
        raise ConfigurationError(
            f"{purpose.subject} cannot be opened: {type(error).__name__}",
            meaning=purpose.meaning,
            remedy="Name it postgresql://user@host/database; install its driver: pip install 'ordertrail[postgresql]'",
        ) from None

    @event.listens_for(engine, "connect")
    def _tell(connection: Any, _record: Any) -> None:
        connection.autocommit = True
        connection.execute(f"SET search_path = {purpose.schema}, pg_temp")
        connection.autocommit = False

    return StateDatabase(engine, engine.url.render_as_string(hide_password=True), purpose)
