"""The database of access: a SQLite file that only its owner reads, or PostgreSQL."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, exc, insert, make_url, select, text

from ordertrail.adapters.access.tables import FORM, form, metadata
from ordertrail.adapters.state import write_ahead
from ordertrail.kernel.errors import ConfigurationError, UnavailableError

_LOCK = 0x4F54_4143
_MEANING = "Nobody can sign in; evidence is untouched, and what is captured goes on being recorded."


class AccessDatabase:
    """Transactions on the tables of access, which are made where they are missing. May be used by several threads.

    Raises ConfigurationError for tables of a newer form, UnavailableError where the database cannot be reached.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that only reads."""
        with _translated(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that writes; on SQLite it takes the one writer's place at once."""
        with _translated(), self.engine.begin() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def _prepare(self) -> None:
        with self.writing() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            metadata.create_all(connection)
            found = connection.scalar(select(form.c.number))
            if found is None:
                connection.execute(insert(form).values(number=FORM))
            elif found != FORM:
                raise ConfigurationError(
                    f"the tables of access are of form {found}, and this program knows form {FORM}",
                    meaning=_MEANING,
                    remedy="Use the OrderTrail that made them, or a newer one.",
                )


def open_file(path: Path) -> AccessDatabase:
    """Open the file of access; one that is made is its owner's alone (0600)."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise UnavailableError(f"{path} cannot be opened: {error.strerror}", meaning=_MEANING) from None
    engine = create_engine(f"sqlite:///{path}")

    @event.listens_for(engine, "connect")
    def durable(connection: Any, _record: object) -> None:
        write_ahead(connection)
        connection.execute("PRAGMA secure_delete = ON")

    return AccessDatabase(engine)


def open_server(url: str, password: str | None) -> AccessDatabase:
    """Open the tables of access on a PostgreSQL server."""
    try:
        address = make_url(url).set(drivername="postgresql+psycopg")
        engine = create_engine(
            address if password is None else address.set(password=password),
            pool_pre_ping=True,
            connect_args={"application_name": "ordertrail access", "connect_timeout": 10},
        )
    except (exc.ArgumentError, ImportError, ValueError) as error:
        raise ConfigurationError(
            f"the database of access cannot be opened: {type(error).__name__}",
            meaning=_MEANING,
            remedy="Name it postgresql://user@host/database; install its driver: pip install 'ordertrail[postgresql]'",
        ) from None
    return AccessDatabase(engine)


@contextmanager
def _translated() -> Iterator[None]:
    """Tell the driver's errors in our own words. Its own texts may show values, and are not shown."""
    try:
        yield
    except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError, exc.InternalError) as error:
        raise UnavailableError(
            f"the database of access cannot be used now: {type(error.__cause__ or error).__name__}",
            meaning=_MEANING,
            remedy="Look at the database, and try again.",
        ) from error
