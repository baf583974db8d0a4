"""The index's tables for statements that the query room makes, and a guess of how much a filter means."""

from ordertrail.adapters.index.database import IndexDatabase
from ordertrail.adapters.index.planning import indexed
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.ports import Rows, Statement
from ordertrail.query.tables import Dialect


class SqlRelations:
    """Implements :class:`ordertrail.query.ports.IndexRelations`."""

    def __init__(self, database: IndexDatabase) -> None:
        self._database = database

    @property
    def dialect(self) -> Dialect:
        """See the port."""
        return self._database.dialect

    def size(self) -> int:
        """See the port."""
        with self._database.read() as connection:
            return indexed(connection)

    def is_narrow(self, filter_: Filter, most: int) -> bool:
        """See the port."""
        with self._database.read() as connection:
            return self._database.planner.is_narrow(connection, filter_, most)

    def run(self, statement: Statement) -> Rows:
        """See the port."""
        with self._database.read() as connection:
            return [tuple(row) for row in connection.execute(statement)]
