"""A trail's database on a PostgreSQL server: transactions, and what becomes of them when others get in the way."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import NoReturn

import psycopg
from psycopg import sql
from sqlalchemy import Connection, QueuePool, Table, create_engine, exc, func, select, text

from ordertrail.adapters.sql.database import Result
from ordertrail.adapters.sql.dialects.postgresql.connect import SCHEMA, Address
from ordertrail.adapters.sql.dialects.postgresql.errors import (
    driver_error,
    is_constraint,
    translated,
    was_in_the_way,
)
from ordertrail.adapters.sql.dialects.postgresql.fencing import APPENDING, taken_over
from ordertrail.adapters.sql.dialects.postgresql.layout import PARTITIONS, PostgresqlLayout, copy_rows
from ordertrail.adapters.sql.dialects.postgresql.lock import PostgresqlLock
from ordertrail.adapters.sql.dialects.postgresql.tables import epoch, schema_version
from ordertrail.adapters.sql.dialects.postgresql.waking import Waker, notify
from ordertrail.adapters.sql.migrations import Taken, require_usable
from ordertrail.adapters.sql.tables import outbox
from ordertrail.kernel.errors import UnavailableError

LEASE = 10.0
"""Seconds after which a process that does nothing any more has lost what it holds on the server."""

_NEEDED = 2
"""The oldest version of the schema that this release can work with: the first one on PostgreSQL."""

_PAUSES = (0.005, 0.02, 0.08, 0.3)
"""Seconds before a transaction is done again, at most; a random share of each, so that two do not meet again."""

_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class PostgresqlDatabase:
    """Implements :class:`ordertrail.adapters.sql.database.Database`.

    ``lease`` is for how many seconds a write transaction may be idle before the server ends it: a process that is
    paused in the middle of one keeps others waiting no longer.
    """

    layout = PostgresqlLayout()
    contended = True

    def __init__(self, address: Address, *, lease: float = LEASE) -> None:
        self.address = address
        self.lease = lease
        self.epochs: dict[int, int] = {}
        """The epochs that sealing locks of this process hold, by stream."""
        idle = f"SET LOCAL idle_in_transaction_session_timeout = {round(lease * 1000)}"
        self._durable = f"BEGIN; {idle}"
        self._lazy = f"BEGIN; SET LOCAL synchronous_commit = off; {idle}"
        self._engine = create_engine(
            "postgresql+psycopg://",
            creator=address.connect,
            poolclass=QueuePool,
            pool_size=2,
            max_overflow=8,
            pool_pre_ping=True,  # a connection that died while it was not in use is replaced, and nobody notices
            use_native_hstore=False,
        )
        self._wakers: dict[int, Waker] = {}
        self._waking = Lock()

    @property
    def name(self) -> str:
        """The address without its password."""
        return str(self.address)

    def transact(
        self, work: Callable[[Connection], Result], *, durable: bool = True, racing: bool = False
    ) -> Result:
        """See the protocol."""
        pauses = iter(_PAUSES)
        while True:
            committing = False
            try:
                with self._engine.connect() as connection, connection.begin():
                    connection.exec_driver_sql(self._durable if durable else self._lazy)
                    result = work(connection)
                    committing = True
            except exc.TimeoutError as error:
                raise self._exhausted() from error
            except (exc.DBAPIError, psycopg.Error) as error:
                driver = driver_error(error)
                if driver is None:
                    raise
                pause = next(pauses, None) if was_in_the_way(driver, racing=racing) else None
                if pause is None:
                    self._raise(error, driver, committing=committing)
                time.sleep(random.uniform(0, pause))  # noqa: S311 - no secret
            else:
                return result

    def _raise(self, error: Exception, driver: psycopg.Error, *, committing: bool = False) -> NoReturn:
        """Raise an error of the driver as one of our own tree; as it is, where it is a story of its own."""
        if is_constraint(driver):
            raise error
        ours = translated(driver, self.name, committing=committing)
        if ours is None:
            raise error
        raise ours from error

    def _exhausted(self) -> UnavailableError:
        return UnavailableError(
            f"this process has no connection to {self.name} left: too many threads at once"
        )

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """See the protocol."""
        try:
            with self._engine.connect() as connection, connection.begin():
                connection.exec_driver_sql(_READ)
                yield connection
        except exc.TimeoutError as error:
            raise self._exhausted() from error
        except (exc.DBAPIError, psycopg.Error) as error:
            driver = driver_error(error)
            if driver is None:
                raise
            self._raise(error, driver)

    def insert_many(
        self, connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[object, ...]]
    ) -> None:
        """See the protocol. Whoever waits for the outbox is woken when the transaction commits."""
        copy_rows(connection, table.name, columns, rows)
        if table is outbox and rows:
            for stream in {row[columns.index("stream")] for row in rows}:
                notify(connection, stream)

    def claim(self, connection: Connection, name: str, stream: int) -> None:
        """See the protocol.

        The lock is the transaction's and ends with it; whoever takes the log over takes it too, so that a batch is
        committed before the new epoch, and is seen by whom it belongs to, or not at all.
        """
        connection.execute(
            text("SELECT pg_advisory_xact_lock(:log, :stream)"), {"log": APPENDING, "stream": stream}
        )
        ours = self.epochs.get(stream)
        if ours is None:
            return
        newest = select(epoch.c.epoch, epoch.c.holder).where(epoch.c.stream == stream)
        row = connection.execute(newest.order_by(epoch.c.epoch.desc()).limit(1)).first()
        if row is None or row.epoch != ours:
            raise taken_over(name, None if row is None else row.holder)

    def sealing_lock(self, stream: str) -> PostgresqlLock:
        """See the protocol."""
        return PostgresqlLock(self.address, stream, lease=self.lease, epochs=self.epochs)

    def require_usable(self) -> None:
        """See the protocol."""
        with self.read() as connection:
            taken = select(
                schema_version.c.phase, func.max(schema_version.c.version).label("version")
            ).group_by(schema_version.c.phase)
            versions = {row.phase: row.version for row in connection.execute(taken)}
        require_usable(self.name, Taken(versions.get("pre", 0), versions.get("post", 0)), _NEEDED)

    def reclaim(self) -> None:
        """See the protocol. Tables are written anew, one after the other; each is locked meanwhile."""
        with self.read() as connection:
            months = connection.scalars(PARTITIONS).all()
        try:
            with self.address.connect() as driver:
                for table in ("entry_key", *months):
                    driver.execute(sql.SQL("VACUUM (FULL) {}").format(sql.Identifier(SCHEMA, table)))
        except psycopg.Error as error:
            self._raise(error, error)

    def pause(self, stream: int, seconds: float) -> None:
        """See the protocol."""
        with self._waking:
            waker = self._wakers.setdefault(stream, Waker(self.address, stream))
        try:
            waker.wait(seconds)
        except psycopg.Error as error:
            self._raise(error, error)

    def close(self) -> None:
        """See the protocol."""
        for waker in self._wakers.values():
            waker.close()
        self._engine.dispose()
