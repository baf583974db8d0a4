"""What is kept for one connection of the driver while it lives, and how it is asked and written on."""

import gc
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ordertrail.capture.outbox.writing import Style
from ordertrail.capture.transaction import Entry, Transaction

if TYPE_CHECKING:
    from ordertrail.capture.outbox.clients import Client
    from ordertrail.capture.outbox.pipelining import Pipeline
    from ordertrail.capture.plan import Image
    from ordertrail.capture.sql.watching import Watched

logger = logging.getLogger("ordertrail.capture")

STATE = "ordertrail.capture"
"""Where a connection's :class:`State` is kept in its ``info``."""

_MANY = 1_000
"""Rows from which on the garbage collector is in the way."""


class State:
    """What is known of one driver's connection."""

    __slots__ = (
        "asking", "client", "context", "failed", "made", "own", "pipeline", "sent",
        "transaction", "watched", "written",
    )  # fmt: skip

    def __init__(self, transaction: Transaction) -> None:
        self.transaction = transaction
        self.client: Client | None = None
        self.watched: Watched | None = None
        self.context: Any = None
        self.made: list[Image] = []
        self.asking = False
        self.sent: list[Entry] = []
        self.written = 0
        self.failed = False
        self.own = False
        self.pipeline: Pipeline | None = None


def state_of(connection: Any) -> State | None:
    """Return what is known of a connection, whether it is SQLAlchemy's or the pool's."""
    info = connection.info
    state: State | None = info.get(STATE) if type(info) is dict else None  # a driver's own is another thing
    return state


class DriverAsker:
    """Asks on a driver's connection, past SQLAlchemy's own events."""

    def __init__(self, connection: Any, dialect: str, style: Style) -> None:
        self._connection = connection
        self.dialect = dialect
        self.style: Style = style

    def fetch(self, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Run a query and return its rows."""
        cursor = self._connection.cursor()
        try:
            cursor.execute(sql, tuple(parameters))
            return [tuple(row) for row in cursor.fetchall()]
        finally:
            cursor.close()

    def attempt(self, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]] | None:
        """Run a query that may not work, inside a savepoint."""
        self.run("SAVEPOINT ordertrail_attempt", ())
        try:
            rows = self.fetch(sql, parameters)
        except Exception:
            logger.warning("a query of capture's own did not work", exc_info=True)
            self.run("ROLLBACK TO SAVEPOINT ordertrail_attempt", ())
            rows = None
        self.run("RELEASE SAVEPOINT ordertrail_attempt", ())
        return rows

    def run(self, sql: str, parameters: Sequence[Any]) -> int:
        """Run a statement; return how many rows it wrote."""
        cursor = self._connection.cursor()
        try:
            cursor.execute(sql, tuple(parameters))
            return int(cursor.rowcount)
        finally:
            cursor.close()


class Spent:
    """A cursor whose rows were for us: to SQLAlchemy it looks as if there had been none.

    Each row that a statement changed was returned, and so we count them, which not every driver does. Some do not tell
    the last row's id either, where rows are returned.
    """

    description = None

    def __init__(self, cursor: Any, rows: int, last: Any) -> None:
        self._cursor = cursor
        self.rowcount = rows
        told = getattr(cursor, "lastrowid", None)
        self.lastrowid = last if told in {None, -1} else told

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)


@contextmanager
def uncollected(rows: int) -> Iterator[None]:
    """Keep the garbage collector away while many rows go through our hands: they are many tuples, and no circles.

    It would otherwise look through everything that the application has, again and again.
    """
    away = rows >= _MANY and gc.isenabled()
    if away:
        gc.disable()
    try:
        yield
    finally:
        if away:
            gc.enable()
