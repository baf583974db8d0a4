"""Lines in the sequence of their times, whatever sequence they were made in, in memory that does not grow.

Readers go through a history object by object, since that is how versions are compared; a trail is told a
story in the sequence in which it happened. Lines wait in a SQLite file in a temporary directory, which
takes about as many bytes as they have, and SQLite sorts them on disk. Steps of one time stand in the
sequence of ``major`` (a transaction, an entry), then of the mapping's tables, then as they were read.
"""

import sqlite3
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from ordertrail.adapters.eventlogs.events import SourceRecord

Timed = tuple[str, int, int, str, bytes]
"""The time as the trail writes it, which sorts as text; major; the table's rank; the place; the line."""

_AT_ONCE = 1000


class Sequence:
    """A waiting room for lines."""

    def __init__(self, folder: Path) -> None:
        self._connection = sqlite3.connect(
            folder / "sequence.sqlite", isolation_level=None, check_same_thread=False
        )
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.execute("PRAGMA temp_store = FILE")
        self._connection.execute(
            "CREATE TABLE line (time TEXT, major INTEGER, rank INTEGER, place TEXT, line BLOB)"
        )
        self._connection.execute(
            "CREATE TABLE belongs (place TEXT, key TEXT, home TEXT, PRIMARY KEY (place, key)) WITHOUT ROWID"
        )
        self._connection.execute("BEGIN")
        self._waiting: list[Timed] = []
        self._remembered: tuple[str, str] | None = None
        self.count = 0

    def add(self, line: Timed) -> None:
        """Take a line."""
        self.count += 1
        self._waiting.append(line)
        if len(self._waiting) == _AT_ONCE:
            self._flush()

    def lines(self) -> Iterator[SourceRecord]:
        """Yield all lines by their times."""
        self._flush()
        rows = self._connection.execute("SELECT place, line FROM line ORDER BY time, major, rank, line.rowid")
        while some := list(islice(rows, _AT_ONCE)):
            for place, line in some:
                yield SourceRecord(place, line)

    def remember(self, table: str, key: str, order: str) -> None:
        """Remember the first order that an object of a table is said to belong to."""
        if self._remembered != (table, key):  # An object's steps come one after another.
            self._remembered = (table, key)
            self._connection.execute("INSERT OR IGNORE INTO belongs VALUES (?, ?, ?)", (table, key, order))

    def order_of(self, table: str, key: str) -> str | None:
        """Return the order that an object belongs to; None where it has not been read."""
        rows = self._connection.execute("SELECT home FROM belongs WHERE place = ? AND key = ?", (table, key))
        found = rows.fetchone()
        return None if found is None else str(found[0])

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _flush(self) -> None:
        self._connection.executemany("INSERT INTO line VALUES (?, ?, ?, ?, ?)", self._waiting)
        self._waiting.clear()
