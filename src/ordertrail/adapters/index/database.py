"""What the index asks of a database, whatever its kind."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import Connection, Table

from ordertrail.adapters.index.planning import Planner
from ordertrail.query.tables import Dialect

Rows = Sequence[tuple[object, ...]]

FORM = 2
"""Of the tables and of what the projection puts into them. An index of another form is dropped and fed again."""


class IndexDatabase(Protocol):
    """Transactions on the index's tables. May be used by several threads.

    Errors of the driver come out as those of our own tree: UnavailableError for what may be tried again.
    """

    @property
    def name(self) -> str:
        """What it is called where it is told of; without a password."""

    @property
    def dialect(self) -> Dialect:
        """How it finds texts."""

    @property
    def planner(self) -> Planner:
        """What chooses the way of its queries."""

    def read(self) -> AbstractContextManager[Connection]:
        """One read transaction: a stable view."""

    def write(self) -> AbstractContextManager[Connection]:
        """One write transaction, and the only one: others wait for its end."""

    def insert(self, connection: Connection, table: Table, rows: Rows) -> None:
        """Add rows with a value for each column of the table, as fast as can be."""

    def add_texts(self, connection: Connection, texts: Sequence[tuple[int, str]]) -> None:
        """Make the searched texts of new events known to the index of texts, by their keys."""

    def clear(self, connection: Connection) -> None:
        """Remove every row of every table."""

    def settle(self) -> None:
        """Gather statistics."""

    def close(self) -> None:
        """Close all connections."""
