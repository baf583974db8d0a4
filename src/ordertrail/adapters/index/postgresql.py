"""The index in a schema of its own on PostgreSQL, beside the trail's or on another server.

Rows come in by COPY; texts are found by pg_trgm. Nothing waits for the disk (``synchronous_commit = off``): a crash of
the server may undo the last commits, and the log is read from there again. One transaction writes at a time, by an
advisory lock that ends with it. The role needs to be let create a schema and, once, the extension ``pg_trgm``, which
PostgreSQL trusts an owner of a database with.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Table,
    create_engine,
    event,
    exc,
    make_url,
    select,
    text,
)

from ordertrail.adapters.index.database import FORM, Rows
from ordertrail.adapters.index.planning import Planner
from ordertrail.kernel.errors import ConfigurationError, UnavailableError
from ordertrail.query.tables import Dialect, Keys, events, metadata

SCHEMA = "ordertrail_index"
_LOCK = 0x4F54_494E
_READERS = 16
_GRAM = 3
_MEANING = "The index is no evidence; the log is untouched, and nothing was lost."


class PostgresqlIndex:
    """Implements :class:`ordertrail.adapters.index.database.IndexDatabase` on a server.

    Schema and tables are made where they are missing. Raises ConfigurationError where the address will not do.
    """

    def __init__(self, url: str, password: str | None) -> None:
        self.dialect = Dialect(_contains, _with_texts)
        self.planner = Planner(self.dialect)
        self._engine = _engine(url, password)
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    @property
    def name(self) -> str:
        """The server's address, without the password."""
        return self._engine.url.render_as_string(hide_password=True)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """See the protocol."""
        with _translated(self.name), self._engine.connect() as connection, connection.begin():
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """See the protocol."""
        with _translated(self.name), self._engine.connect() as connection, connection.begin():
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            yield connection

    def insert(self, connection: Connection, table: Table, rows: Rows) -> None:
        """See the protocol."""
        if not rows:
            return
        names = ", ".join(f'"{name}"' for name in table.columns.keys())  # noqa: SIM118 - not a mapping
        driver: Any = connection.connection.driver_connection
        with driver.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copy:
            for row in rows:
                copy.write_row(row)

    def add_texts(self, connection: Connection, texts: Sequence[tuple[int, str]]) -> None:
        """See the protocol: an index of the column itself knows them."""

    def clear(self, connection: Connection) -> None:
        """See the protocol."""
        names = ", ".join(f'"{one.name}"' for one in metadata.sorted_tables)
        connection.exec_driver_sql(f"TRUNCATE {names}")

    def settle(self) -> None:
        """See the protocol."""
        with _translated(self.name), self._engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            for one in metadata.sorted_tables:
                connection.exec_driver_sql(f'VACUUM (ANALYZE) "{one.name}"')

    def close(self) -> None:
        """See the protocol."""
        self._engine.dispose()

    def _prepare(self) -> None:
        with self.write() as connection:
            form = connection.exec_driver_sql(
                f"SELECT obj_description(to_regnamespace('{SCHEMA}'), 'pg_namespace')"
            ).scalar()
            if form == f"form {FORM}":
                return
            connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
            connection.exec_driver_sql(f"CREATE SCHEMA {SCHEMA}")
            connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public")
            metadata.create_all(connection)
            connection.exec_driver_sql(
                'CREATE INDEX event_by_text ON "event" USING gin (search gin_trgm_ops) WITH (fastupdate = on)'
            )
            connection.exec_driver_sql(f"COMMENT ON SCHEMA {SCHEMA} IS 'form {FORM}'")


def _contains(needle: str) -> ColumnElement[bool]:
    return events.c.search.contains(needle, autoescape=True)


def _with_texts(needles: Sequence[str]) -> Keys | None:
    """Select what has all the texts that are long enough for a trigram."""
    found = [_contains(needle) for needle in needles if len(needle) >= _GRAM]
    return select(events.c.key).where(*found) if found else None


def _engine(url: str, password: str | None) -> Engine:
    try:
        address = make_url(url).set(drivername="postgresql+psycopg")
        if password is not None:
            address = address.set(password=password)
        engine = create_engine(
            address,
            pool_size=_READERS,
            max_overflow=_READERS,
            pool_pre_ping=True,
            query_cache_size=2_000,
            connect_args={"application_name": "ordertrail index", "connect_timeout": 10},
        )
    except (exc.ArgumentError, ImportError) as error:
        raise ConfigurationError(
            f"the index's database cannot be opened: {type(error).__name__}",
            meaning=_MEANING,
            remedy="Name it postgresql://user@host/database; install its driver: pip install 'ordertrail[postgresql]'",
        ) from None

    @event.listens_for(engine, "connect")
    def _tell(connection: Any, _record: Any) -> None:
        connection.autocommit = True
        connection.execute(f"SET search_path = {SCHEMA}, public, pg_temp")
        connection.execute("SET jit = off")
        connection.execute("SET synchronous_commit = off")
        connection.autocommit = False

    return engine


@contextmanager
def _translated(name: str) -> Iterator[None]:
    try:
        yield
    except exc.DBAPIError as error:
        said = " ".join(str(error.orig).split())
        if isinstance(error, exc.ProgrammingError):
            raise ConfigurationError(
                f"the index in {name} cannot be made or used as it is set up: {said}",
                meaning=_MEANING,
                remedy=f"Let its role create the schema {SCHEMA}, and create the extension pg_trgm in the database.",
            ) from error
        raise UnavailableError(
            f"the index in {name} cannot be used now: {said}",
            meaning=_MEANING,
            remedy="Try again; if it stays so, rebuild it with 'ordertrail index build --anew'.",
        ) from error
