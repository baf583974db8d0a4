"""What journal, entries and streams ask of a database, whatever its kind: :mod:`.dialects` has the kinds.

Transactions are :mod:`sqlalchemy` connections, statements are SQLAlchemy Core over :mod:`.tables`. What one kind
of database does otherwise than another stands behind these two protocols, and nowhere else.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

from sqlalchemy import ColumnElement, Connection, FromClause, Select, Table

from ordertrail.ledger.ports import EntryRow, SealingLock

Result = TypeVar("Result")

RangeReader = Callable[[int, int], Sequence[Any]]
"""Returns the rows from one index up to another, as the driver's own tuples."""


class Layout(Protocol):
    """Where the rows of entries lie, and how they are found.

    ``key`` has one row an entry with the columns ``stream``, ``idx``, ``event_id``, ``chain``, ``number`` and
    ``hash``, in which event ids and places in chains are unique; ``located`` is the entries joined to it, where it is
    a table of its own.
    """

    @property
    def key(self) -> Table:
        """The table in which keys are unique."""

    @property
    def located(self) -> FromClause:
        """The entries, as ``key`` finds them."""

    def add(self, connection: Connection, stream: int, rows: Sequence[EntryRow], recorded: str) -> None:
        """Insert rows that were recorded at this RFC 3339 time; IntegrityError where one contradicts the table."""

    def within(
        self, connection: Connection, stream: int, start: int, end: int
    ) -> Sequence[ColumnElement[bool]]:
        """Return what else should be true of all entries of a sealed range, so that the database looks there first.

        Nothing where nothing is known. Nobody may conclude from this that an entry is not there.
        """

    def range_reader(self, connection: Connection, query: Select[Any], stream: int) -> RangeReader:
        """Return what runs a query over a stream with its ``first`` and ``end``, again and again, as fast as can be."""

    def discard(self, connection: Connection, stream: int, low: int, high: int) -> None:
        """Delete the outbox rows of a stream between two positions, both included."""

    def destroy(self, connection: Connection, stream: int, minimum: int) -> int:
        """Delete the entries of a stream below an index, whatever keeps the table append-only; return how many.

        On a server only its administrator can. The guards are down within the transaction alone.
        """

    def strays(self, connection: Connection, stream: int) -> int:
        """Count the rows of entries that no batch of their stream sealed, and those of no registered stream."""

    def problems(self, connection: Connection, *, deep: bool) -> Iterator[str]:
        """Yield what keeps the tables from being append-only; ``deep`` looks at every page and index."""


class Database(Protocol):
    """A trail's database. Each process opens its own; threads may share one.

    Raises UnavailableError where it cannot be reached or used now, ConfigurationError where it can never be as it is
    set up, EvidenceError where it is damaged.
    """

    @property
    def layout(self) -> Layout:
        """Where the rows of entries lie."""

    @property
    def contended(self) -> bool:
        """Whether other transactions may commit while a write transaction of ours is under way."""

    @property
    def name(self) -> str:
        """The database as messages name it; never with a password."""

    def transact(
        self, work: Callable[[Connection], Result], *, durable: bool = True, racing: bool = False
    ) -> Result:
        """Do work in one write transaction and return its result; on return it is on disk.

        If not ``durable``, it will be by and by. Work that another transaction got in the way of is done again, a few
        times, from its beginning. With ``racing``, a unique key that another transaction took first is such a
        conflict too: done again, the work will find it.
        """

    def read(self) -> AbstractContextManager[Connection]:
        """One read transaction: a stable view of what is committed."""

    def insert_many(
        self, connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[object, ...]]
    ) -> None:
        """Insert rows as the driver's own tuples, as fast as this kind of database takes them."""

    def claim(self, connection: Connection, name: str, stream: int) -> None:
        """Let nobody else append to a log until the transaction ends.

        Raises BusyError if the log was this process's to seal, and another has taken it over since.
        """

    def sealing_lock(self, stream: str) -> SealingLock | None:
        """Return the lock that keeps a second sequencer away; None where the database is a file, and so is its lock."""

    def require_usable(self) -> None:
        """Raise ConfigurationError unless this release can work with the schema that is there."""

    def reclaim(self) -> None:
        """Give back the room of what was deleted, and leave no copy of it in the database's files."""

    def pause(self, stream: int, seconds: float) -> None:
        """Wait until something may have come into a stream's outbox, or so long; return early at will."""

    def close(self) -> None:
        """Close all connections."""
