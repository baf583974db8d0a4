"""OCEL 2.0 as a SQLite file: https://www.ocel-standard.org/2.0/, specification section 5 (relational schema).

Tables are ``event``, ``object``, ``event_object``, ``object_object``, the two maps of types, and one table a type. An
object's table has a row for its beginning, with ``ocel_changed_field`` null, and one for each later value.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import count
from pathlib import Path

from ordertrail.correlate.export.event_log import (
    BEGINNING,
    EVENT_ATTRIBUTES,
    EventLog,
    LogObject,
    attribute_name,
)
from ordertrail.kernel.errors import InputError

_TABLES = """
CREATE TABLE event (ocel_id TEXT PRIMARY KEY, ocel_type TEXT NOT NULL);
CREATE TABLE object (ocel_id TEXT PRIMARY KEY, ocel_type TEXT NOT NULL);
CREATE TABLE event_map_type (ocel_type TEXT PRIMARY KEY, ocel_type_map TEXT NOT NULL UNIQUE);
CREATE TABLE object_map_type (ocel_type TEXT PRIMARY KEY, ocel_type_map TEXT NOT NULL UNIQUE);
CREATE TABLE event_object (
    ocel_event_id TEXT NOT NULL REFERENCES event (ocel_id),
    ocel_object_id TEXT NOT NULL REFERENCES object (ocel_id),
    ocel_qualifier TEXT NOT NULL,
    PRIMARY KEY (ocel_event_id, ocel_object_id, ocel_qualifier)
);
CREATE TABLE object_object (
    ocel_source_id TEXT NOT NULL REFERENCES object (ocel_id),
    ocel_target_id TEXT NOT NULL REFERENCES object (ocel_id),
    ocel_qualifier TEXT NOT NULL,
    PRIMARY KEY (ocel_source_id, ocel_target_id, ocel_qualifier)
);
"""


def write_ocel_sqlite(log: EventLog, place: Path) -> None:
    """Write a log as a new file. Raises InputError where there is one already."""
    if place.exists():
        raise InputError(f"{place} is there already; nothing was written")
    with closing(sqlite3.connect(place)) as database, database:
        database.executescript(_TABLES)
        _events(database, log)
        _objects(database, log)
        database.executemany(
            "INSERT INTO event_object VALUES (?, ?, ?)",
            ((event.id, one.object_id, one.qualifier) for event in log.events for one in event.relations),
        )


def _events(database: sqlite3.Connection, log: EventLog) -> None:
    database.executemany("INSERT INTO event VALUES (?, ?)", ((one.id, one.type) for one in log.events))
    for type_, table in _tables({one.type for one in log.events}).items():
        database.execute("INSERT INTO event_map_type VALUES (?, ?)", (type_, table))
        _create(database, f"event_{table}", EVENT_ATTRIBUTES, changing=False)
        marks = ", ".join("?" for _ in range(2 + len(EVENT_ATTRIBUTES)))
        rows = (
            (one.id, one.time, *(dict(one.attributes).get(name) for name in EVENT_ATTRIBUTES))
            for one in log.events
            if one.type == type_
        )
        # The name is letters, digits and underscores (attribute_name), and is quoted besides.
        database.executemany(f'INSERT INTO "event_{table}" VALUES ({marks})', rows)  # noqa: S608


def _tables(types: set[str]) -> dict[str, str]:
    """Return a name of a table for each type; where two would have one name, a number tells them apart."""
    names: dict[str, str] = {}
    for type_ in sorted(types):
        name, taken = attribute_name(type_), set(names.values())
        names[type_] = next(one for n in count(1) if (one := name if n == 1 else f"{name}_{n}") not in taken)
    return names


def _objects(database: sqlite3.Connection, log: EventLog) -> None:
    database.executemany("INSERT INTO object VALUES (?, ?)", ((one.id, one.type) for one in log.objects))
    for type_ in sorted({one.type for one in log.objects}):
        names = log.attribute_names(type_)
        database.execute("INSERT INTO object_map_type VALUES (?, ?)", (type_, type_))
        _create(database, f"object_{type_}", names, changing=True)
        marks = ", ".join("?" for _ in range(3 + len(names)))
        rows = (row for one in log.objects if one.type == type_ for row in _rows(one, names))
        # As above.
        database.executemany(f'INSERT INTO "object_{type_}" VALUES ({marks})', rows)  # noqa: S608


def _rows(one: LogObject, names: Sequence[str]) -> Iterator[tuple[str | None, ...]]:
    yield (one.id, BEGINNING, None, *(None for _ in names))
    for value in one.attributes:
        yield (
            one.id,
            value.time,
            value.name,
            *(value.value if name == value.name else None for name in names),
        )


def _create(database: sqlite3.Connection, table: str, names: Sequence[str], *, changing: bool) -> None:
    changed = ", ocel_changed_field TEXT" if changing else ""
    columns = "".join(f', "{name}" TEXT' for name in names)
    database.execute(
        f'CREATE TABLE "{table}" (ocel_id TEXT NOT NULL, ocel_time TEXT NOT NULL{changed}{columns})'
    )
