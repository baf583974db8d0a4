"""The index in a SQLite file.

It is no evidence and can be made again, so that a commit does not wait for the disk (``synchronous=NORMAL``): a crash
of the machine may undo the last commits, and never tears one. Texts are found by FTS5's trigrams: an index of their own
without the texts (``content=''``) and without places in them (``detail=none``), which is a third as large and knows
what may hold a text; whether it does, the event's own row says.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import quote

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    QueuePool,
    Table,
    column,
    create_engine,
    event,
    exc,
    func,
    insert,
    select,
    table,
)

from ordertrail.adapters.index.database import FORM, Rows
from ordertrail.adapters.index.planning import Planner
from ordertrail.kernel.errors import UnavailableError
from ordertrail.query.tables import Dialect, Keys, events, metadata

_BUSY_SECONDS = 30
_PAGE = 8_192
_CACHE_KIB = 65_536
_MAP = 1 << 30
_GRAM = 3
_READERS = 16

_TEXTS = """
CREATE VIRTUAL TABLE event_text USING fts5(
  search, content='', columnsize=0, detail=none, tokenize="trigram case_sensitive 1")
"""
_texts = table("event_text", column("rowid"), column("event_text"))


class SqliteIndex:
    """Implements :class:`ordertrail.adapters.index.database.IndexDatabase` on a file, made where it is missing.

    A file that is of another form, or that SQLite cannot read, is dropped and made anew: it is a projection.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.dialect = Dialect(_contains, _with_texts)
        self.planner = Planner(self.dialect)
        self._engine = _engine(path)
        self._writing = Lock()
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    @property
    def name(self) -> str:
        """The file."""
        return str(self.path)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """See the protocol."""
        with _translated(self.path), self._engine.connect() as connection, connection.begin():
            connection.exec_driver_sql("BEGIN")
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """See the protocol."""
        with _translated(self.path), self._writing, self._engine.connect() as connection, connection.begin():
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    def insert(self, connection: Connection, table: Table, rows: Rows) -> None:
        """See the protocol: the driver's own tuples, of which nothing is converted on the way."""
        if rows:
            statement = insert(table).values(dict.fromkeys(table.columns.keys()))
            connection.exec_driver_sql(str(statement.compile(connection)), list(rows))

    def add_texts(self, connection: Connection, texts: Sequence[tuple[int, str]]) -> None:
        """See the protocol."""
        if texts:
            connection.exec_driver_sql("INSERT INTO event_text(rowid, search) VALUES (?, ?)", list(texts))

    def clear(self, connection: Connection) -> None:
        """See the protocol."""
        for one in metadata.sorted_tables:
            connection.execute(one.delete())
        connection.exec_driver_sql("INSERT INTO event_text(event_text) VALUES ('delete-all')")

    def settle(self) -> None:
        """See the protocol."""
        with self.write() as connection:
            connection.exec_driver_sql("PRAGMA analysis_limit=2000")
            connection.exec_driver_sql("ANALYZE")
            # Events of a time are found along time, and not actor by actor, as SQLite would with many of each.
            connection.exec_driver_sql(
                "UPDATE sqlite_stat1 SET stat = stat || ' noskipscan' WHERE tbl = 'event'"
            )
            connection.exec_driver_sql("ANALYZE sqlite_schema")

    def close(self) -> None:
        """See the protocol."""
        self._engine.dispose()

    def _prepare(self) -> None:
        with _translated(self.path), _alone(self.path.parent):
            if self._form() == FORM:
                return
            self._engine.dispose()
            for suffix in ("", "-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
            os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
            with self._engine.connect() as connection:
                connection.exec_driver_sql(f"PRAGMA page_size={_PAGE}")
                connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            with self.write() as connection:
                if connection.exec_driver_sql("PRAGMA user_version").scalar_one() != FORM:
                    metadata.create_all(connection)
                    connection.exec_driver_sql(_TEXTS)
                    connection.exec_driver_sql(f"PRAGMA user_version={FORM}")

    def _form(self) -> int:
        """Return the form of the file; 0 where it is none of ours."""
        if not self.path.exists():
            return 0
        try:
            with self._engine.connect() as connection:
                form: int = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        except (exc.DatabaseError, sqlite3.DatabaseError) as error:
            reason = error.orig if isinstance(error, exc.DatabaseError) else error
            if type(reason) is not sqlite3.DatabaseError:
                raise  # busy, say, and none the worse for it
            return 0
        return form


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes from making the same file meanwhile."""
    queue = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(queue, fcntl.LOCK_EX)
        yield
    finally:
        os.close(queue)


def _contains(needle: str) -> ColumnElement[bool]:
    return func.instr(events.c.search, needle) > 0


def _with_texts(needles: Sequence[str]) -> Keys | None:
    """Select what has the texts' trigrams: those at every third character and the last, which hold all of each."""
    grams: dict[str, None] = {}
    for needle in needles:
        if len(needle) >= _GRAM:
            starts = {*range(0, len(needle) - _GRAM + 1, _GRAM), len(needle) - _GRAM}
            grams |= dict.fromkeys(needle[start : start + _GRAM] for start in sorted(starts))
    if not grams:
        return None
    asked = " AND ".join('"' + gram.replace('"', '""') + '"' for gram in grams)
    return select(_texts.c.rowid).where(_texts.c.event_text.op("MATCH")(asked))


def _engine(path: Path) -> Engine:
    location = f"file:{quote(str(path.resolve()))}?mode=rw"
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(
            location, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        ),
        poolclass=QueuePool,
        pool_size=_READERS,
        max_overflow=-1,
        pool_reset_on_return="rollback",
        query_cache_size=2_000,
    )

    @event.listens_for(engine, "connect")
    def _tell(connection: Any, _record: Any) -> None:
        for pragma in (
            "synchronous=NORMAL",
            "trusted_schema=OFF",
            f"cache_size=-{_CACHE_KIB}",
            f"mmap_size={_MAP}",
            "temp_store=MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")

    return engine


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except (exc.DatabaseError, sqlite3.DatabaseError, OSError) as error:
        reason = error.orig if isinstance(error, exc.DatabaseError) else error
        raise UnavailableError(
            f"the index {path} cannot be used now: {reason}",
            meaning="The index is no evidence; the log is untouched, and nothing was lost.",
            remedy="Try again; if it stays so, rebuild it with 'ordertrail index build --anew'.",
        ) from error
