"""Opening a database file, and the few things that SQLite needs to be told."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, Insert, QueuePool, create_engine, event, exc

from ordertrail.kernel.errors import ConfigurationError, UnavailableError

_BUSY_SECONDS = 30
_PAGE = 16_384  # entries of some 700 bytes: measured a third faster to write and read than 4,096
_CHECKPOINT_PAGES = 1_000  # 16 MiB of write-ahead log between checkpoints: it stays in the page cache
_CACHE_KIB = 65_536


def create_database(path: Path, schema: str = "sqlite.sql") -> None:
    """Create the database file with the trail's tables. Raises ConfigurationError if it exists."""
    if path.exists():
        raise ConfigurationError(f"{path} exists already", remedy="Choose another directory.")
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute(f"PRAGMA page_size={_PAGE}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.executescript(f"BEGIN;{read_schema(schema)}COMMIT;")
    finally:
        connection.close()
    path.chmod(0o600)


def read_schema(name: str = "sqlite.sql") -> str:
    """Return the SQL that creates the tables."""
    return (files("ordertrail.adapters.sql.ddl") / name).read_text()


class Database:
    """A trail's database: durable transactions for what must last, a lazy one for what may come back."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        if not path.exists():
            raise ConfigurationError(
                f"{path} does not exist",
                remedy="Create a trail with 'ordertrail init', or name one with --trail.",
            )
        self.path = path
        self._durable = _engine(path, "FULL", read_only=read_only)
        self._lazy = _engine(path, "NORMAL", read_only=read_only)

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Connection]:
        """One write transaction; on return it is on disk, or, if not ``durable``, will be by and by."""
        engine = self._durable if durable else self._lazy
        with _translated(self.path), engine.connect() as connection, connection.begin():
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One read transaction: a stable view of what is committed."""
        with _translated(self.path), self._durable.connect() as connection, connection.begin():
            connection.exec_driver_sql("BEGIN")
            yield connection

    def close(self) -> None:
        """Close all connections; the last one folds the write-ahead log into the file."""
        self._lazy.dispose()
        self._durable.dispose()


def insert_many(connection: Connection, statement: Insert, rows: Sequence[tuple[object, ...]]) -> None:
    """Insert rows as the driver's own tuples: Core writes the SQL, and nothing is converted on the way."""
    connection.exec_driver_sql(str(statement.compile(connection)), rows)


def _engine(path: Path, synchronous: str, *, read_only: bool) -> Engine:
    location = f"file:{quote(str(path.resolve()))}?mode={'ro' if read_only else 'rw'}"
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(
            location, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        ),
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=8,
        pool_reset_on_return="rollback",
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA synchronous={synchronous}")
        cursor.execute("PRAGMA recursive_triggers=ON")
        cursor.execute("PRAGMA trusted_schema=OFF")
        cursor.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        cursor.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
        cursor.close()

    return engine


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except exc.OperationalError as error:
        raise UnavailableError(f"the database {path} cannot be used now: {error.orig}") from error


def schema_differences(connection: Connection, schema: str = "sqlite.sql") -> Iterator[str]:
    """Yield each table, index or trigger that is missing, altered or not ours."""
    expected_database = sqlite3.connect(":memory:")
    try:
        expected_database.executescript(read_schema(schema))
        expected = _objects(expected_database.execute(_OBJECTS).fetchall())
    finally:
        expected_database.close()
    found = _objects(connection.exec_driver_sql(_OBJECTS).all())
    for (kind, name), sql in sorted(expected.items()):
        if (kind, name) not in found:
            yield f"the {kind} {name} is missing from the database"
        elif found[kind, name] != sql:
            yield f"the {kind} {name} is not as it was created"
    for kind, name in sorted(found.keys() - expected.keys()):
        yield f"the {kind} {name} is in the database and not one of ours"


_OBJECTS = "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'"


def _objects(rows: Sequence[Any]) -> dict[tuple[str, str], str]:
    return {(kind, name): sql for kind, name, sql in rows}
