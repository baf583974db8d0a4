"""Cursors: asking past Django's own wrappers, and handing the application its rows without ours."""

import logging
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from ordertrail.capture.django.statements import text_of
from ordertrail.capture.outbox.writing import Style

logger = logging.getLogger("ordertrail.capture")


def in_transaction(connection: Any) -> bool:
    """Say whether a transaction is open, as the driver of a connection of Django's knows it."""
    driver = connection.connection
    if connection.vendor == "sqlite":
        return bool(driver.in_transaction)
    status = driver.pgconn.transaction_status if hasattr(driver, "pgconn") else driver.info.transaction_status
    return int(status) != 0  # PQTRANS_IDLE, libpq section 34.2


class DjangoAsker:
    """Asks on the driver's connection: not seen by Django's query log, its wrappers, or ``assertNumQueries``.

    Errors are Django's (:class:`django.db.Error`), as the application's own statements raise them.
    """

    style: Style = "format"

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.dialect: str = connection.vendor
        self.locked = False

    @property
    def chains(self) -> bool:
        """Say whether the driver takes two statements in one text, parameters and all, and hands out both results."""
        driver = self._connection.connection
        return (
            hasattr(driver, "pgconn")
            and not self._connection.features.uses_server_side_binding
            and not driver.pgconn.pipeline_status
        )

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

    @property
    def run_style(self) -> Style:
        """How :meth:`run` has the places of parameters marked: as the driver itself has them."""
        return "qmark" if self.dialect == "sqlite" else self.style

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement; return how many rows it wrote."""
        with self._connection.wrap_database_errors:
            if self.dialect == "sqlite":
                return int(self._connection.connection.execute(sql, tuple(parameters)).rowcount)
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


class Preceded:
    """A driver's cursor that runs a query of ours in the message of the application's statement, before it.

    Stands in its place for that statement; its own result is the application's.
    """

    def __init__(self, cursor: Any, query: str, values: Sequence[Any]) -> None:
        self.cursor = cursor
        self.rows: list[tuple[Any, ...]] = []
        self._query = query
        self._values = values

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cursor, name)

    def execute(self, sql: Any, params: Sequence[Any]) -> Any:
        """Run both; keep our rows."""
        text = f"{self._query}; {text_of(sql, self.cursor)}"
        result = self.cursor.execute(text, [*self._values, *params])
        self.rows = self.cursor.fetchall()
        self.cursor.nextset()
        return result


class Kept:
    """A driver's cursor whose rows were taken: it hands out the application's own columns of them.

    Stands in its place until the cursor executes again; everything else is the driver's cursor.
    """

    def __init__(
        self, cursor: Any, rows: Sequence[tuple[Any, ...]], width: int | None, rowcount: int | None = None
    ) -> None:
        """Take the rows that a cursor had. ``width``: how many of their columns are the application's, if any."""
        self.cursor = cursor
        self.rowcount: int = cursor.rowcount if rowcount is None else rowcount
        self._width = width
        self._rows = iter([row[:width] for row in rows] if width else ())

    @property
    def description(self) -> Sequence[Any] | None:
        """The application's columns; told when somebody asks, for it costs as much as reading a row."""
        return self.cursor.description[: self._width] if self._width else None

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


def width_of(cursor: Any) -> int:
    """Return how many columns a cursor's result has; 0 where there is none."""
    result = getattr(cursor, "pgresult", None)
    return result.nfields if result is not None else len(cursor.description or ())
