"""A history's tables, wherever they were kept: a SQLite database, or exports as CSV beside each other.

A database is opened read-only and as immutable: nothing is written beside it, and it is not locked. So a
database with changes that SQLite has not merged into the file (``-wal``, ``-journal``) is refused, since
they would be left out without a word. Its schema is not trusted: only plain tables are read.

Exports (RFC 4180; comma, semicolon, tab or bar, plain, gzip or zstd) are loaded into a database of
their own in a temporary directory, one table a file, named after it: ``public.shop_order.csv.gz`` is
``shop_order``. All their columns are text, an empty cell is null. Memory does not grow with either.
"""

import csv
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ordertrail.adapters.eventlogs.events import BrokenSourceError, SourceEvent, SourceProblem
from ordertrail.adapters.eventlogs.mapping import Mapping
from ordertrail.adapters.eventlogs.source import Limits, Source
from ordertrail.adapters.eventlogs.table import read_table
from ordertrail.kernel.errors import InputError, Problem

SQLITE_MAGIC = b"SQLite format 3\x00"
_SUFFIXES = (".gz", ".zst", ".csv", ".tsv", ".tab", ".txt")
_DELIMITERS = ",;\t|"
_HEAD = 1 << 14
_ROWS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its name, its columns with their declared types, and those of its primary key."""

    name: str
    columns: dict[str, str]
    key: tuple[str, ...] = ()

    def has(self, *names: str) -> bool:
        """Say whether the table has all these columns."""
        return all(name in self.columns for name in names)


def quoted(name: str) -> str:
    """Return a name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


class Store:
    """The tables of one history. Close it when done."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
        self.tables = {name: self._table(name) for name in self._names()}

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    def query(self, sql: str, *values: object) -> Iterator[Any]:
        """Run a query; the rows come as they are asked for."""
        return self._connection.execute(sql, values)

    def number(self, table: Table, column: str) -> str:
        """Return SQL by which a column sorts as numbers, also where an export has made it text."""
        name = f"h.{quoted(column)}"
        return name if "INT" in table.columns[column].upper() else f"CAST({name} AS INTEGER), {name}"

    def _names(self) -> list[str]:
        return [
            str(name)
            for kind, name, sql in self._connection.execute("SELECT type, name, sql FROM sqlite_master")
            if kind == "table" and not str(sql).upper().startswith("CREATE VIRTUAL")
        ]

    def _table(self, name: str) -> Table:
        rows = list(self._connection.execute(f"PRAGMA table_info({quoted(name)})"))
        key = sorted((row[5], row[1]) for row in rows if row[5])
        return Table(name, {row[1]: str(row[2] or "") for row in rows}, tuple(column for _, column in key))


def refuse_unmerged(path: Path) -> None:
    """Raise InputError where a database has changes that are not in its file yet."""
    for suffix in ("-wal", "-journal"):
        beside = path.with_name(path.name + suffix)
        if beside.exists() and beside.stat().st_size:
            raise InputError(
                f"{path} has changes that are still in {beside.name}; read alone, it would lack them",
                remedy=f"Copy it as a whole, and import the copy: sqlite3 {path.name} \"VACUUM INTO 'copy.sqlite'\"",
            )


def open_database(path: Path, limits: Limits) -> Store:
    """Open a SQLite database as it stands in its file. Raises sqlite3.Error where it is none or damaged."""
    uri = f"file:{quote(str(path.resolve()))}?mode=ro&immutable=1"
    # The events may be asked for from changing threads (a web server's), though never by two at once.
    connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, limits.element)
    for pragma in ("query_only = ON", "trusted_schema = OFF", "cell_size_check = ON", "temp_store = FILE"):
        connection.execute(f"PRAGMA {pragma}")
    return Store(connection)


def export_files(path: Path) -> list[Path]:
    """Return the files of an export: the file itself, or all of a directory but hidden ones."""
    if not path.is_dir():
        return [path]
    return sorted(one for one in path.iterdir() if one.is_file() and not one.name.startswith("."))


def table_name(path: Path) -> str:
    """Return the name of the table that a file is an export of."""
    name = path.name
    while (suffix := Path(name).suffix.lower()) in _SUFFIXES:
        name = name[: -len(suffix)]
    return name.rpartition(".")[2]


def header_of(source: Source, mapping: Mapping) -> tuple[Mapping, list[str]]:
    """Return how an export is written, and its columns; no columns where it has no first line of text."""
    line = source.head(_HEAD).split(b"\n")[0].removeprefix(b"\xef\xbb\xbf").rstrip(b"\r")
    if b"\0" in line:
        return mapping, []
    shown = line.decode(mapping.table.encoding, "surrogateescape")
    delimiter = mapping.history.delimiter or max(_DELIMITERS, key=shown.count)
    table = replace(mapping.table, delimiter=delimiter, columns=())
    try:
        columns = next(csv.reader([shown], delimiter=delimiter, strict=True), [])
    except csv.Error:
        columns = []
    return replace(mapping, table=table), columns


def load_exports(
    files: list[Path], mapping: Mapping, limits: Limits, folder: Path, problems: list[SourceProblem]
) -> Store:
    """Load exports into a database in a folder. What cannot be loaded goes into ``problems``."""
    connection = sqlite3.connect(folder / "exports.sqlite", isolation_level=None, check_same_thread=False)
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE"):
        connection.execute(f"PRAGMA {pragma}")
    taken: set[str] = set()
    for path in files:
        name = table_name(path)
        if name.lower() in taken:
            problems.append(SourceProblem(path.name, (Problem("", f"a second export of the table {name}"),)))
            continue
        taken.add(name.lower())
        found: list[SourceProblem] = []
        try:
            _load(connection, name, Source(path, limits), mapping, found)
        except (BrokenSourceError, InputError) as error:
            found.append(SourceProblem("", (Problem("", str(error)),)))
        problems += [replace(one, position=f"{path.name} {one.position}".rstrip()) for one in found]
    connection.execute("PRAGMA temp_store = FILE")
    return Store(connection)


def _load(
    connection: sqlite3.Connection,
    name: str,
    source: Source,
    mapping: Mapping,
    problems: list[SourceProblem],
) -> None:
    written, columns = header_of(source, mapping)
    if not any(columns) or len({column.lower() for column in columns}) != len(columns):
        raise BrokenSourceError("line 1", "is no line of columns, each named once")
    rows = read_table(source, written)
    connection.execute(f"CREATE TABLE {quoted(name)} ({', '.join(f'{quoted(c)} TEXT' for c in columns)})")
    insert = f"INSERT INTO {quoted(name)} VALUES ({', '.join('?' * len(columns))})"  # noqa: S608 names are quoted
    connection.execute("BEGIN")
    try:
        good = _good(rows, columns, written.table.encoding, problems)
        while some := list(islice(good, _ROWS_AT_ONCE)):
            connection.executemany(insert, some)
    finally:
        connection.execute("COMMIT")  # Of a file that is cut short, what came before is kept.
    for column in sorted(_looked_up(name, columns, mapping)):
        connection.execute(
            f"CREATE INDEX {quoted(f'{name} by {column}')} ON {quoted(name)} ({quoted(column)})"
        )


def _looked_up(name: str, columns: list[str], mapping: Mapping) -> set[str]:
    """Return the columns by which single rows of an export are looked up."""
    rules = mapping.history
    users = rules.actor.names
    found = {"history_id"} if "m2m_history_id" in columns else set()
    if users is not None and users.table == name:
        found.add(users.id)
    for table in rules.tables.values():
        if table.live == name:
            found.add((table.keys or ("id",))[0])
    return found.intersection(columns)


def _good(
    rows: Iterator[SourceEvent | SourceProblem],
    columns: list[str],
    encoding: str,
    problems: list[SourceProblem],
) -> Iterator[list[Any]]:
    for row in rows:
        if isinstance(row, SourceProblem):
            problems.append(row)
            continue
        wrong = list(row.problems)
        values = [row.fields.get(column) for column in columns]
        try:
            "".join(str(value) for value in values if value is not None).encode()
        except UnicodeEncodeError:
            wrong.append(Problem("", f"holds bytes that are not text in {encoding}"))
        if wrong:
            problems.append(SourceProblem(row.position, tuple(wrong), row.original()))
        else:
            yield values
