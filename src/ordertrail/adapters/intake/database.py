"""Transactions on the intake tables, and the seams to what lies in the same database: orders and the outbox."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, exc
from sqlalchemy.dialects import postgresql, sqlite

from ordertrail.adapters.intake.tables import metadata
from ordertrail.adapters.state import create_tables
from ordertrail.intake.ports import Outcome
from ordertrail.kernel.errors import UnavailableError
from ordertrail.orders.ports import Put, Stored
from ordertrail.record.event import Event

Tell = Callable[[Connection, Sequence[Event]], None]
"""Puts events into the outbox of a connection's database, in the transaction that it has open."""

Acting = Callable[[Sequence[Outcome]], AbstractContextManager[Any]]
"""A block within which what is written is recorded as intake's, on account of these messages."""


class OrderTables(Protocol):
    """The order tables of the same database, within a transaction that somebody else began.

    What is put was checked (:func:`ordertrail.orders.problems.order_problems`).
    """

    def get(self, connection: Connection, order_ids: Sequence[str]) -> dict[str, Stored]:
        """Return those of these orders that are there."""

    def put(self, connection: Connection, puts: Sequence[Put]) -> bool:
        """Keep orders; False where one is not at the version expected. Then the transaction is to be rolled back."""

    def sums(
        self, connection: Connection, channel: str, account: str, begin: str, end: str
    ) -> tuple[int, Mapping[str, int]]:
        """Return how many orders were placed in a time, and their totals by currency in minor units."""


@dataclass(frozen=True, slots=True)
class IntakeDatabase:
    """The database of intake and orders. ``tell`` and ``acting`` are capture's, or do nothing where none is on."""

    engine: Engine
    orders: OrderTables
    tell: Tell = lambda _connection, _events: None
    acting: Acting = lambda _outcomes: nullcontext()

    def create(self) -> None:
        """Create the intake tables that are not there yet."""
        with translated():
            create_tables(self.engine, metadata)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that only reads."""
        with translated(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that writes.

        On SQLite it takes the one writer's place at once: one that began by reading would be refused if somebody else
        wrote meanwhile, and could not wait.
        """
        with translated(), self.engine.begin() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    @property
    def upsert(self) -> Any:
        """The database's own INSERT … ON CONFLICT."""
        return postgresql.insert if self.engine.dialect.name == "postgresql" else sqlite.insert

    @property
    def skips_locked(self) -> bool:
        """Whether rows that others have locked can be passed over."""
        return self.engine.dialect.name == "postgresql"


@contextmanager
def translated() -> Iterator[None]:
    """Tell the driver's errors in our own words."""
    try:
        yield
    except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError, exc.PendingRollbackError) as error:
        raise UnavailableError(
            f"the database of intake cannot be used now: {error.args[0]}",
            meaning="What was landed stays landed; nothing was half done.",
            remedy="Look at the database; what was not acknowledged is sent again, and workers go on by themselves.",
        ) from error
