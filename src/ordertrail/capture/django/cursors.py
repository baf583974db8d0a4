"""Cursors: asking past Django's own wrappers, and handing the application its rows without ours."""

import logging
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from ordertrail.capture.outbox.writing import Style

logger = logging.getLogger("ordertrail.capture")


def in_transaction(connection: Any) -> bool:
    """Say whether a transaction is open, as the driver of a connection of Django's knows it."""
    driver = connection.connection
    if connection.vendor == "sqlite":
        return bool(driver.in_transaction)
    return int(driver.info.transaction_status) != 0  # PQTRANS_IDLE, libpq section 34.2


class DjangoAsker:
    """Asks on the driver's connection: not seen by Django's query log, its wrappers, or ``assertNumQueries``.

    Errors are Django's (:class:`django.db.Error`), as the application's own statements raise them.
    """

    style: Style = "format"

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.dialect: str = connection.vendor
        self.locked = False

    def fetch(self, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Run a query and return its rows."""
        self._lock()
        with self._connection.wrap_database_errors:
            cursor = self._connection.create_cursor()
            try:
                cursor.execute(sql, tuple(parameters))
                return [tuple(row) for row in cursor.fetchall()]
            finally:
                cursor.close()

    def attempt(self, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]] | None:
        """Run a query that may not work, inside a savepoint."""
        self.run("SAVEPOINT ordertrail_attempt")
        try:
            rows = self.fetch(sql, parameters)
        except Exception:
            logger.warning("a query of capture's own did not work", exc_info=True)
            self.run("ROLLBACK TO SAVEPOINT ordertrail_attempt")
            rows = None
        self.run("RELEASE SAVEPOINT ordertrail_attempt")
        return rows

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement; return how many rows it wrote."""
        with self._connection.wrap_database_errors:
            cursor = self._connection.create_cursor()
            try:
                cursor.execute(sql, tuple(parameters))
                return int(cursor.rowcount)
            finally:
                cursor.close()

    def _lock(self) -> None:
        """Have SQLite's write lock before anything is read.

        Django begins transactions as readers. A reader that comes to write after somebody else has written is told
        at once that the database is locked; the application's statement, had it come first, would have waited. So
        that reading before it changes nothing for it, a statement that writes no row comes first.
        """
        if not self.locked and self.dialect == "sqlite":
            self.locked = True
            self.run("DELETE FROM ordertrail_filtered WHERE 0")


class Kept:
    """A driver's cursor whose rows were taken: it hands out the application's own columns of them.

    Stands in its place until the cursor executes again; everything else is the driver's cursor.
    """

    def __init__(
        self,
        cursor: Any,
        rows: Sequence[tuple[Any, ...]],
        description: Sequence[Any] | None,
        rowcount: int | None = None,
    ) -> None:
        """Take the rows that a cursor had. ``description``: of the application's columns; None where it has none."""
        self.cursor = cursor
        self.rowcount: int = cursor.rowcount if rowcount is None else rowcount
        self.description = description
        self._rows = iter([row[: len(description)] for row in rows] if description else ())

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cursor, name)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self._rows

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the next row."""
        return next(self._rows, None)

    def fetchmany(self, size: int | None = None) -> list[tuple[Any, ...]]:
        """Return the next rows, at most so many."""
        wanted = self.cursor.arraysize if size is None else size
        return list(islice(self._rows, wanted))

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return the remaining rows."""
        return list(self._rows)
