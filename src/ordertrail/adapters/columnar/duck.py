"""DuckDB in this process, fenced in: it opens files of one folder, loads nothing, and may not be told otherwise.

Statements come from SQLAlchemy, with what people wrote as parameters. Memory and threads are bounded; what does not fit
is put into a folder of its own beside the system's temporary files, bounded too and removed in the end. What takes too
long is interrupted.
"""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import Any

import duckdb
import pyarrow as pa
from sqlalchemy import Table, func
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.sql.visitors import iterate

from ordertrail.kernel.errors import UnavailableError
from ordertrail.query.ports import Rows, Statement
from ordertrail.query.tables import Dialect, by_no_index, events

_SPILL = "8GB"
_MEANING = "Segments are no evidence; the log and the index are untouched, and nothing was lost."


@dataclass(frozen=True, slots=True)
class Bounds:
    """What DuckDB may use: threads, megabytes, and seconds for one statement."""

    threads: int = 2
    memory: int = 1_024
    seconds: int = 60


class _DuckDialect(DefaultDialect):
    """How statements are written for DuckDB: numbered parameters, and truth values of its own."""

    name = "duckdb"
    supports_native_boolean = True
    supports_statement_cache = False

    def __init__(self) -> None:
        super().__init__(paramstyle="numeric_dollar")


_DIALECT = _DuckDialect()


TEXTS = Dialect(lambda needle: func.contains(events.c.search, needle), by_no_index)
"""Texts are found by looking through them: columns are scanned fast, and pruned by time before."""


def compiled(statement: Statement) -> tuple[str, list[Any]]:
    """Return a statement's text, and its parameters in the sequence of their numbers."""
    done = statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    parameters = done.params
    return str(done), [parameters[name] for name in done.positiontup or ()]


def tables_of(statement: Statement) -> set[str]:
    """Return the names of the tables of the query room that a statement reads."""
    return {one.name for one in iterate(statement) if isinstance(one, Table)}


class Duck:
    """A database in memory whose only tables are the files of a folder."""

    def __init__(self, folder: Path, bounds: Bounds = Bounds()) -> None:
        self._bounds = bounds
        self._spill = tempfile.mkdtemp(prefix="ordertrail-segments-")
        self._folder = folder.absolute()
        # A name of our own: in the folder's there may be signs that stand for several files. Links out of the folder
        # are refused, because what is asked for is looked up before it is held against what is allowed.
        self._link = Path(self._spill, "segments")
        self._link.symlink_to(self._folder.resolve())
        self._connection = duckdb.connect(":memory:")
        # The last two close the door: after them nothing can be set, and no other file be opened.
        for setting, value in (
            ("threads", bounds.threads),
            ("memory_limit", f"{bounds.memory}MB"),
            ("temp_directory", self._spill),
            ("max_temp_directory_size", _SPILL),
            ("preserve_insertion_order", False),
            ("autoinstall_known_extensions", False),
            ("autoload_known_extensions", False),
            ("allow_community_extensions", False),
            ("parquet_metadata_cache", True),
            ("allowed_directories", [f"{self._folder.resolve()}/"]),
            ("enable_external_access", False),
            ("lock_configuration", True),
        ):
            self._connection.execute(f"SET {setting} = {_literal(value)}")

    def close(self) -> None:
        """Close it, and remove what it had put aside."""
        self._connection.close()
        shutil.rmtree(self._spill, ignore_errors=True)

    def files(self, paths: Sequence[Path]) -> str:
        """Return what a statement reads files of the folder by."""
        return f"read_parquet({_literal([self._link / path.absolute().relative_to(self._folder) for path in paths])})"

    def rows(self, text: str, parameters: Sequence[Any], tables: Mapping[str, pa.Table]) -> Rows:
        """Return the rows of a statement, with further tables by name. Raises UnavailableError where it cannot."""
        with self._asked(tables) as cursor:
            return cursor.execute(text, list(parameters)).fetchall()

    def table(self, text: str, tables: Mapping[str, pa.Table], parameters: Sequence[Any] = ()) -> pa.Table:
        """Return what a statement finds in tables, as a table."""
        with self._asked(tables) as cursor:
            return cursor.sql(text, params=list(parameters)).to_arrow_table()

    @contextmanager
    def _asked(self, tables: Mapping[str, pa.Table]) -> Iterator[duckdb.DuckDBPyConnection]:
        cursor = self._connection.cursor()
        timer = Timer(self._bounds.seconds, cursor.interrupt)
        timer.daemon = True
        timer.start()
        try:
            for name, table in tables.items():
                cursor.register(name, table)
            yield cursor
        except duckdb.InterruptException:
            raise UnavailableError(
                f"the question took more than {self._bounds.seconds} s over the segments",
                meaning=_MEANING,
                remedy="Narrow the filter down, by time above all; or raise seconds of [segments].",
            ) from None
        except duckdb.Error as error:
            said = str(error).partition("\n")[0]
            raise UnavailableError(
                f"the segments cannot be asked now: {said}",
                meaning=_MEANING,
                remedy="Try again; if it stays so, check them with 'ordertrail segments verify'.",
            ) from error
        finally:
            timer.cancel()
            cursor.close()


def _literal(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case list():
            return f"[{', '.join(map(_literal, value))}]"
        case _:
            return "'" + str(value).replace("'", "''") + "'"
