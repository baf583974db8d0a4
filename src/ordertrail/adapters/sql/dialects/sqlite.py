"""SQLite: a file, and the few things that it needs to be told."""

import fcntl
import math
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    Engine,
    FromClause,
    QueuePool,
    Select,
    Table,
    create_engine,
    delete,
    event,
    exc,
    func,
    insert,
    select,
)

from ordertrail.adapters.sql.database import RangeReader, Result
from ordertrail.adapters.sql.migrations import Phase, Step, Taken, due, require_usable, steps_of
from ordertrail.adapters.sql.tables import batch, entry, outbox
from ordertrail.adapters.sql.tables import stream as stream_table
from ordertrail.kernel.errors import ConfigurationError, EvidenceError, UnavailableError
from ordertrail.ledger.ports import EntryRow

TRAIL = "sqlite/schema.sql"
"""The schema of a trail's database; people's keys have another."""

_BUSY_SECONDS = 30
_PAGE = 16_384  # for entries of some 700 bytes: a smaller file, and faster reads and writes, than 4,096
_CHECKPOINT_PAGES = 1_000  # 16 MiB of write-ahead log between checkpoints: it stays in the page cache
_CACHE_KIB = 65_536
_GLANCE = 0.02
"""Seconds between two looks into the outbox: SQLite tells nobody that another process wrote."""

_NEEDED = 1
"""The oldest version of the schema that this release can work with."""

_ENTRY = ("stream", "idx", "event_id", "chain", "number", "previous", "hash", "entry")


@lru_cache(maxsize=16)
def _written(query: Select[Any], dialect: Dialect) -> tuple[str, Sequence[str]]:
    """Return a query's SQL, and the names of its parameters by place."""
    compiled = query.compile(dialect=dialect)
    return str(compiled), compiled.positiontup or ()


def create_database(path: Path, schema: str = TRAIL, *, journal: str = "WAL") -> None:
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


def read_schema(name: str = TRAIL) -> str:
    """Return the SQL that creates the tables."""
    return (files("ordertrail.adapters.sql.ddl") / name).read_text()


class SqliteLayout:
    """Implements :class:`ordertrail.adapters.sql.database.Layout`: everything is in the one table of entries."""

    key: Table = entry
    located: FromClause = entry

    def add(self, connection: Connection, stream: int, rows: Sequence[EntryRow], recorded: str) -> None:
        """See the protocol."""
        del recorded
        insert_many(connection, entry, _ENTRY, [(stream, *row) for row in rows])

    def within(
        self, connection: Connection, stream: int, start: int, end: int
    ) -> Sequence[ColumnElement[bool]]:
        """See the protocol; the table is in the order of its indices already."""
        del connection, stream, start, end
        return ()

    def range_reader(self, connection: Connection, query: Select[Any], stream: int) -> RangeReader:
        """See the protocol. Core writes the SQL once; texts are read in C, which stops at one that is none."""
        sql, names = _written(query, connection.dialect)
        driver: Any = connection.connection.driver_connection

        def read(first: int, end: int) -> Sequence[Any]:
            values = {"stream": stream, "first": first, "end": end}
            parameters = [values[name] for name in names]
            driver.text_factory = str
            try:
                found: Sequence[Any] = driver.execute(sql, parameters).fetchall()
            except sqlite3.OperationalError:
                driver.text_factory = _text
                found = driver.execute(sql, parameters).fetchall()
            finally:
                driver.text_factory = _text
            return found

        return read

    def discard(self, connection: Connection, stream: int, low: int, high: int) -> None:
        """See the protocol."""
        connection.execute(
            delete(outbox).where(outbox.c.stream == stream, outbox.c.position.between(low, high))
        )

    def destroy(self, connection: Connection, stream: int, minimum: int) -> int:
        """See the protocol. The trigger that refuses is made again as it was, or nothing is committed."""
        guard = "entry_no_delete"
        made = connection.exec_driver_sql(
            "SELECT sql FROM sqlite_schema WHERE name = ?", (guard,)
        ).scalar_one()
        connection.exec_driver_sql(f"DROP TRIGGER {guard}")
        gone = connection.execute(delete(entry).where(entry.c.stream == stream, entry.c.idx < minimum))
        connection.exec_driver_sql(made)
        return gone.rowcount

    def strays(self, connection: Connection, stream: int) -> int:
        """See the protocol."""
        rows = select(func.count()).select_from(entry)
        ours = entry.c.stream == stream
        size = select(func.coalesce(func.max(batch.c.size), 0)).where(batch.c.stream == stream)
        strays = connection.scalar(rows.where(ours, entry.c.idx >= size.scalar_subquery())) or 0
        strays += connection.scalar(rows.where(ours, entry.c.idx < 0)) or 0
        # Rows of streams that are not registered lie between and beyond those that are.
        ids = [-math.inf, *sorted(connection.scalars(select(stream_table.c.id))), math.inf]
        for low, high in pairwise(ids):
            between = rows.where(entry.c.stream > low, entry.c.stream < high)
            strays += connection.scalar(between) or 0
        return strays

    def problems(self, connection: Connection, *, deep: bool) -> Iterator[str]:
        """See the protocol."""
        yield from schema_differences(connection)
        if not deep:
            return
        for (line,) in connection.exec_driver_sql("PRAGMA integrity_check(20)").all():
            if line != "ok":
                yield f"the database file is damaged: {line}"


class SqliteDatabase:
    """Implements :class:`ordertrail.adapters.sql.database.Database` on a file.

    Durable transactions for what must last, a lazy one for what may come back. ``pragmas`` are told to SQLite on each
    new connection, beside the ones that every connection needs.
    """

    layout = SqliteLayout()
    contended = False

    def __init__(self, path: Path, *, read_only: bool = False, pragmas: Sequence[str] = ()) -> None:
        if not path.exists():
            raise ConfigurationError(
                f"{path} does not exist",
                remedy="Create a trail with 'ordertrail init', or name one with --trail.",
            )
        self.path = path
        self._durable = _engine(path, ("synchronous=FULL", *pragmas), read_only=read_only)
        self._lazy = _engine(path, ("synchronous=NORMAL", *pragmas), read_only=read_only)

    @property
    def name(self) -> str:
        """The file."""
        return str(self.path)

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Connection]:
        """One write transaction; on return it is on disk, or, if not ``durable``, will be by and by."""
        engine = self._durable if durable else self._lazy
        with _translated(self.path), self._turn(), engine.connect() as connection, connection.begin():
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    def transact(
        self, work: Callable[[Connection], Result], *, durable: bool = True, racing: bool = False
    ) -> Result:
        """See the protocol. Writers take turns, so nothing ever gets in the way."""
        del racing
        with self.write(durable=durable) as connection:
            return work(connection)

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

    def insert_many(
        self, connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[object, ...]]
    ) -> None:
        """See the protocol."""
        insert_many(connection, table, columns, rows)

    def claim(self, connection: Connection, name: str, stream: int) -> None:
        """See the protocol. One writes at a time, and the lock of the sealing process ends with it."""

    def sealing_lock(self, stream: str) -> None:
        """See the protocol. A file beside the database's is the lock."""
        del stream

    def require_usable(self) -> None:
        """See the protocol. A trail of release 0.1.0 is usable as it is: nothing was added that is needed."""
        require_usable(self.name, self._steps_taken(), _NEEDED)

    def _steps_taken(self) -> Taken:
        with self.read() as connection:
            version: int = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        return Taken(*divmod(version, 1_000)) if version else Taken(1, 1)

    def migrate(self, phase: Phase, steps: Sequence[Step] | None = None) -> list[str]:
        """Take the steps of a phase that were not taken yet; return their names."""
        names = []
        taken = self._steps_taken()
        for step in due(steps_of("sqlite") if steps is None else steps, taken, phase):
            taken = taken.then(step)
            with self.write() as connection:
                for statement in _statements(step.sql):
                    connection.exec_driver_sql(statement)
                connection.exec_driver_sql(f"PRAGMA user_version = {taken.pre * 1_000 + taken.post}")
            names.append(str(step))
        return names

    def reclaim(self) -> None:
        """See the protocol. The file is written anew, and the log of what was written before is emptied."""
        with _translated(self.path), self._turn(), self._durable.connect() as connection:
            connection.exec_driver_sql("VACUUM")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def pause(self, stream: int, seconds: float) -> None:
        """See the protocol."""
        del stream
        time.sleep(min(seconds, _GLANCE))

    def close(self) -> None:
        """Close all connections; the last one folds the write-ahead log into the file."""
        self._lazy.dispose()
        self._durable.dispose()


def _statements(script: str) -> Iterator[str]:
    """Yield the statements of a script: a trigger's body has semicolons of its own."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        yield statement


def insert_many(
    connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[object, ...]]
) -> None:
    """Insert rows as the driver's own tuples: Core writes the SQL, and nothing is converted on the way."""
    statement = insert(table).values(dict.fromkeys(columns))
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


def schema_differences(connection: Connection, schema: str = TRAIL) -> Iterator[str]:
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
