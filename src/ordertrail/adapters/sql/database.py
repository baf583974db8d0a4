"""Opening a database file, and the few things that SQLite needs to be told."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, Insert, QueuePool, create_engine, event, exc

from ordertrail.kernel.errors import ConfigurationError, EvidenceError, UnavailableError

_BUSY_SECONDS = 30
_PAGE = 16_384  # for entries of some 700 bytes: a smaller file, and faster reads and writes, than 4,096
_CHECKPOINT_PAGES = 1_000  # 16 MiB of write-ahead log between checkpoints: it stays in the page cache
_CACHE_KIB = 65_536


def create_database(path: Path, schema: str = "sqlite.sql", *, journal: str = "WAL") -> None:
    """Create a database file with its tables, mode 0600. Raises ConfigurationError if it exists.

    ``journal`` is SQLite's journal mode; all but WAL are every connection's own affair later on.
    """
    try:
        # Private before there is anything in it; of two that create at once, one finds that it exists.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        raise ConfigurationError(f"{path} exists already", remedy="Choose another directory.") from None
    with _translated(path), closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size={_PAGE}")
        connection.execute(f"PRAGMA journal_mode={journal}")
        connection.execute("PRAGMA synchronous=FULL")
        connection.executescript(f"BEGIN;{read_schema(schema)}COMMIT;")


def finish_database(path: Path, name: Path) -> None:
    """Give a closed database its final name, in one step, on disk when this returns."""
    if path.with_name(f"{path.name}-wal").exists():
        # Closing folds it into the file; where that failed, the file without it is not the whole database.
        raise UnavailableError(
            f"the database {path} could not be closed", remedy="See to the disk; start over."
        )
    path.rename(name)
    folder = os.open(name.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_schema(name: str = "sqlite.sql") -> str:
    """Return the SQL that creates the tables."""
    return (files("ordertrail.adapters.sql.ddl") / name).read_text()


class Database:
    """A trail's database: durable transactions for what must last, a lazy one for what may come back.

    ``pragmas`` are told to SQLite on each new connection, beside the ones that every connection needs.
    """

    def __init__(self, path: Path, *, read_only: bool = False, pragmas: Sequence[str] = ()) -> None:
        if not path.exists():
            raise ConfigurationError(
                f"{path} does not exist",
                remedy="Create a trail with 'ordertrail init', or name one with --trail.",
            )
        self.path = path
        self._durable = _engine(path, ("synchronous=FULL", *pragmas), read_only=read_only)
        self._lazy = _engine(path, ("synchronous=NORMAL", *pragmas), read_only=read_only)

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Connection]:
        """One write transaction; on return it is on disk, or, if not ``durable``, will be by and by."""
        engine = self._durable if durable else self._lazy
        with _translated(self.path), self._turn(), engine.connect() as connection, connection.begin():
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait for one's turn to write, in the order of coming.

        SQLite lets a writer that finds the file locked sleep and try again, ever longer; a busy recorder then
        keeps the sequencer out for seconds. A blocking lock on the folder (not on the file: closing it would
        drop SQLite's own locks) is a queue.
        """
        try:
            queue = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise UnavailableError(
                f"the folder {self.path.parent} cannot be opened: {error.strerror}"
            ) from error
        try:
            fcntl.flock(queue, fcntl.LOCK_EX)
            yield
        finally:
            os.close(queue)

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


def _engine(path: Path, pragmas: Sequence[str], *, read_only: bool) -> Engine:
    location = f"file:{quote(str(path.resolve()))}?{_mode(path, read_only=read_only)}"
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
        connection.text_factory = _text
        cursor = connection.cursor()
        cursor.execute("PRAGMA recursive_triggers=ON")
        cursor.execute("PRAGMA trusted_schema=OFF")
        cursor.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        cursor.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


def _text(data: bytes) -> str:
    """Read a text. SQLite takes any bytes for one; those that are none must reach the check, not stop it.

    They read as what no text of ours is, whatever they are: none has the control character SUBSTITUTE.
    """
    try:
        return data.decode()
    except UnicodeDecodeError:
        return f"\x1a{data.hex()}"


def _mode(path: Path, *, read_only: bool) -> str:
    """Return how SQLite is to open a file: where nothing can be written, not even the files of its own."""
    if not read_only and os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        return "mode=rw"
    log = path.with_name(path.name + "-wal")
    at_rest = not log.exists() or log.stat().st_size == 0
    return "mode=ro&immutable=1" if at_rest else "mode=ro"


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except (exc.OperationalError, sqlite3.OperationalError) as error:
        # A connection that is only being prepared fails with the driver's own error.
        reason = error.orig if isinstance(error, exc.OperationalError) else error
        raise UnavailableError(f"the database {path} cannot be used now: {reason}") from error
    except (exc.DatabaseError, sqlite3.DatabaseError) as error:
        reason = error.orig if isinstance(error, exc.DatabaseError) else error
        if type(reason) is not sqlite3.DatabaseError:
            raise  # a constraint that refused a row: its own story
        raise EvidenceError(f"the database {path} is damaged: {reason}") from error


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
