"""OCEL 2.0 in SQLite: the relational form of object-centric event logs.

========================== ==========================================================================
``event``                  ``ocel_id``, ``ocel_type``: one row an event
``event_map_type``         ``ocel_type`` → ``ocel_type_map``, the suffix of the type's own table
``event_<suffix>``         ``ocel_id``, ``ocel_time`` and one column an attribute
``object``                 ``ocel_id``, ``ocel_type``
``object_map_type``        as for events
``object_<suffix>``        ``ocel_id``, ``ocel_time``, ``ocel_changed_field`` and attributes; a row with a
                           changed field is that attribute's value from that time on
``event_object``           ``ocel_event_id``, ``ocel_object_id``, ``ocel_qualifier``
``object_object``          ``ocel_source_id``, ``ocel_target_id``, ``ocel_qualifier``
========================== ==========================================================================

(ocel-standard.org, 2023.) Events come in the sequence of the table ``event``, each as
``SourceEvent("event e1", {"ocel:id": "e1", "ocel:type": "place order", "ocel:time": "2023-04-03 12:08:18"},
related=(Related("990001", "orders", "order"), …))``. Rows of a type's table that ``event`` does not
know are problems, as are events without a row there: nothing is silently left out. A REAL is read
as the shortest decimal that means it, which is what was written.

Hardening. The file is opened read-only and its schema is not trusted: only plain tables are read,
never views or virtual tables, which could run code or never end. Text that is not UTF-8 spoils its
event alone. Memory: cursors run side by side in the sequence of ``event``; SQLite sorts on disk.
"""

import heapq
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import groupby
from operator import itemgetter
from typing import Any
from urllib.parse import quote

from ordertrail.adapters.eventlogs.events import (
    BrokenSourceError,
    Related,
    Scalar,
    SourceEvent,
    SourceProblem,
    UntranslatableError,
)
from ordertrail.adapters.eventlogs.ocel_objects import ObjectIndex
from ordertrail.adapters.eventlogs.source import Progress, Source
from ordertrail.adapters.eventlogs.times import TimeReader
from ordertrail.adapters.eventlogs.translate import OCEL_ID, OCEL_TIME, OCEL_TYPE
from ordertrail.kernel.errors import Problem

_COLUMNS = {
    "event": {"ocel_id", "ocel_type"},
    "event_map_type": {"ocel_type", "ocel_type_map"},
    "event_object": {"ocel_event_id", "ocel_object_id", "ocel_qualifier"},
    "object": {"ocel_id", "ocel_type"},
    "object_map_type": {"ocel_type", "ocel_type_map"},
    "object_object": {"ocel_source_id", "ocel_target_id"},
}
_VALUES = """
    SELECT ocel_id, ocel_time, {attribute} FROM {table} WHERE {attribute} IS NOT NULL
    AND (?1 = 'ocel_id' OR coalesce(nullif({field}, ''), ?2) = ?2)
"""
_STRAY_ROWS = """
    SELECT ocel_id FROM {table} WHERE ocel_id IS NULL
    OR ocel_id NOT IN (SELECT ocel_id FROM event WHERE ocel_id IS NOT NULL)
"""
_STRAY_RELATIONS = """
    SELECT DISTINCT ocel_event_id FROM event_object WHERE ocel_event_id IS NULL
    OR ocel_event_id NOT IN (SELECT ocel_id FROM event WHERE ocel_id IS NOT NULL)
"""
_REPORT_EVERY = 1000
_KNOWN_EVENT_COLUMNS = ("ocel_id", "ocel_time")


def read_ocel_sqlite(
    source: Source, index: ObjectIndex, times: TimeReader, progress: Progress | None = None
) -> Iterator[SourceEvent | SourceProblem]:
    """Fill the index and yield the events. Raises BrokenSourceError where the database cannot be read."""
    if source.packing != "plain":
        raise BrokenSourceError(
            "the file", f"is a packed database; unpack {source.path} with {source.packing} first"
        )
    try:
        with closing(_connect(source)) as connection:
            log = _Log(connection)
            yield from log.fill(index, times)
            index.settle()
            total = log.count()
            for number, event in enumerate(log.events(index), 1):
                yield event
                if progress is not None and (number % _REPORT_EVERY == 0 or number == total):
                    progress(source.size * min(number, total) // max(total, 1), source.size)
            yield from log.strays()
    except (sqlite3.Error, UnicodeError) as error:
        # The driver decodes names and its own messages strictly: of damaged files they may not be text.
        raise BrokenSourceError("the database", f"cannot be read further: {error}") from error


def _connect(source: Source) -> sqlite3.Connection:
    # The events may be asked for from changing threads (a web server's), though never by two at once.
    uri = f"file:{quote(str(source.path.resolve()))}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
    connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, source.limits.element)
    for pragma in ("query_only = ON", "trusted_schema = OFF", "cell_size_check = ON"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


class _Log:
    """The tables of one OCEL, checked to be plain tables with the columns that are needed."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._tables = {
            str(name).lower(): str(name)
            for kind, name, sql in connection.execute("SELECT type, name, sql FROM sqlite_master")
            if kind == "table" and not str(sql).upper().startswith("CREATE VIRTUAL")
        }
        missing = [
            f"{table}.{column}"
            for table, columns in _COLUMNS.items()
            for column in sorted(columns.difference(self._columns(table)))
        ]
        if missing:
            raise BrokenSourceError("the database", f"is not an OCEL 2.0: it has no {', '.join(missing)}")
        self._suffixes = {
            side: {
                str(kind): str(suffix)
                for kind, suffix in self._query(
                    "SELECT ocel_type, ocel_type_map FROM {t}", t=f"{side}_map_type"
                )
            }
            for side in ("event", "object")
        }

    def _query(self, sql: str, *values: object, **names: str) -> Iterator[Any]:
        """Run a query; ``{name}`` in it is replaced by the quoted name of a table or column."""
        quoted = {key: _quoted(name) for key, name in names.items()}
        return self._connection.execute(sql.format(**quoted), values)

    def _columns(self, table: str) -> list[str]:
        """Return a table's columns; none where there is no such plain table."""
        name = self._tables.get(table.lower())
        return [] if name is None else [row[1] for row in self._query("PRAGMA table_info({name})", name=name)]

    def count(self) -> int:
        """Return the number of events."""
        return int(next(self._query("SELECT count(*) FROM event"))[0])

    def fill(self, index: ObjectIndex, times: TimeReader) -> Iterator[SourceProblem]:
        """Tell the index of the objects, their relations and the attributes that it wants."""
        for identity, kind in self._query("SELECT ocel_id, ocel_type FROM object"):
            index.add_object(str(identity), str(kind))
        for source, target in self._query("SELECT ocel_source_id, ocel_target_id FROM object_object"):
            index.add_relation(str(source), str(target))
        for kind, attribute in sorted(index.attributes):
            table = f"object_{self._suffixes['object'].get(kind, '')}"
            columns = self._columns(table)
            if attribute in columns:
                # A row with a changed field says something of that field alone.
                field = "ocel_changed_field" if "ocel_changed_field" in columns else "ocel_id"
                rows = self._query(_VALUES, field, attribute, attribute=attribute, field=field, table=table)
                yield from _fill_values(index, times, attribute, rows)

    def events(self, index: ObjectIndex) -> Iterator[SourceEvent]:
        """Yield the events in the sequence of the table ``event``, from cursors that run side by side."""
        per_type = [self._of_type(kind) for (kind,) in self._query("SELECT DISTINCT ocel_type FROM event")]
        rows = groupby(heapq.merge(*per_type, key=itemgetter(0)), key=itemgetter(0))
        relations = self._query(
            "SELECT e.rowid, r.ocel_object_id, r.ocel_qualifier FROM event e "
            "JOIN event_object r ON r.ocel_event_id = e.ocel_id ORDER BY e.rowid, r.rowid"
        )
        pending = next(relations, None)
        for rowid, same in rows:
            named = []
            while pending is not None and pending[0] <= rowid:
                named.append(pending)
                pending = next(relations, None)
            yield self._event(index, list(same), named)

    def _of_type(self, kind: Any) -> Iterator[tuple[int, Any, Any, dict[str, Scalar] | None]]:
        """Yield rowid, id, type and columns of a type's events; None where its table lacks the event."""
        table = f"event_{self._suffixes['event'].get(str(kind), '')}"
        columns = self._columns(table)
        if not set(_KNOWN_EVENT_COLUMNS).issubset(columns):
            for rowid, identity in self._query(
                "SELECT rowid, ocel_id FROM event WHERE ocel_type IS ? ORDER BY 1", kind
            ):
                yield rowid, identity, kind, None
            return
        rows = self._query(
            "SELECT e.rowid, e.ocel_id, t.* FROM event e "
            "LEFT JOIN {table} t ON t.ocel_id = e.ocel_id WHERE e.ocel_type IS ? ORDER BY e.rowid",
            kind,
            table=table,
        )
        for rowid, identity, *values in rows:
            cells = dict(zip(columns, values, strict=True))
            present = cells.pop("ocel_id") is not None
            yield rowid, identity, kind, cells if present else None

    def _event(self, index: ObjectIndex, rows: list[Any], named: list[Any]) -> SourceEvent:
        _, identity, kind, cells = rows[0]
        problems = []
        if len(rows) > 1:
            problems.append(Problem("", f"has {len(rows)} rows in the table of its type"))
        if cells is None:
            problems.append(Problem("type", f"the event has no row in the table of the type {kind!r}"))
        fields: dict[str, Scalar] = {
            name: value if value is None else _plain(value) for name, value in (cells or {}).items()
        }
        time = fields.pop("ocel_time", None)
        fields |= {OCEL_ID: str(identity), OCEL_TYPE: str(kind), OCEL_TIME: time}
        related = []
        for _, other, qualifier in named:
            found = index.kind_of(str(other))
            if found is None:
                problems.append(Problem("objects", f"{other!r} is not among the log's objects"))
            else:
                related.append(Related(str(other), found, str(qualifier or "")))
        return SourceEvent(f"event {identity}", fields, related=tuple(related), problems=tuple(problems))

    def strays(self) -> Iterator[SourceProblem]:
        """Yield the rows that belong to no event of the table ``event``."""
        for suffix in sorted(set(self._suffixes["event"].values())):
            table = f"event_{suffix}"
            if "ocel_id" in self._columns(table):
                for (identity,) in self._query(_STRAY_ROWS, table=table):
                    problem = Problem("type", f"stands in {table} and not in the table event")
                    original = str(identity).encode("utf-8", "surrogateescape")
                    yield SourceProblem(f"event {identity}", (problem,), original)
        for (identity,) in self._query(_STRAY_RELATIONS):
            problem = Problem("", "has objects in event_object and does not stand in the table event")
            yield SourceProblem(f"event {identity}", (problem,))


def _fill_values(
    index: ObjectIndex, times: TimeReader, attribute: str, rows: Iterator[Any]
) -> Iterator[SourceProblem]:
    for identity, time, value in rows:
        try:
            moment = times.read(str(time)).text if time is not None else ""
        except UntranslatableError as error:
            yield SourceProblem(f"object {identity}", (Problem(f"{attribute}.time", str(error)),))
        else:
            index.add_value(str(identity), attribute, moment, _plain(value))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _plain(value: Any) -> str:
    """Write a column's value as text; a REAL as its shortest decimal, a whole one without its ``.0``."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
