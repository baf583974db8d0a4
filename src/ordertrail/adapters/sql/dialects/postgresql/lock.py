"""The sealing lock on a PostgreSQL server: a lease that the server ends, and an epoch that fences.

**Lease.** The lock is a session's advisory lock, and the session says something every third of the lease. One that
says nothing for a whole lease is ended by the server (``idle_session_timeout``), and its lock is free: no two clocks
are ever compared. So ends the lease of a process that was killed (at once), paused, or cut off.

**Fence.** A paused process does not know that its lease is over. Each taking of the lock adds a row to ``epoch``, and
a commit into the log is refused by any epoch but the newest. Both happen under one lock of their transactions
(:data:`~ordertrail.adapters.sql.dialects.postgresql.fencing.APPENDING`), so that what an old holder still commits
is there before the new one first looks. *If we stop* between lock and epoch, the lock ends with the session and the old
epoch's holder can go on: it is the only one.
"""

import os
from functools import partial
from threading import Event, Lock, Thread

import psycopg

from ordertrail.adapters.sql.dialects.postgresql.connect import Address
from ordertrail.adapters.sql.dialects.postgresql.errors import translated
from ordertrail.adapters.sql.dialects.postgresql.fencing import APPENDING, SEALING, taken_over
from ordertrail.kernel.errors import BusyError, ConfigurationError

_HEARTBEATS = 3
"""Heartbeats in a lease."""

_NEWEST = "SELECT epoch, holder FROM epoch WHERE stream = %s ORDER BY epoch DESC LIMIT 1"
_TAKE = (
    "INSERT INTO epoch (stream, epoch, holder)"
    " SELECT %s, coalesce(max(epoch), 0) + 1, %s FROM epoch WHERE stream = %s RETURNING epoch"
)


class PostgresqlLock:
    """Implements :class:`ordertrail.ledger.ports.SealingLock`.

    ``epochs`` is where it leaves the epoch that it holds, by the stream's number, for commits to be held against.
    Raises UnavailableError where the server cannot be reached. Threads may share it.
    """

    def __init__(self, address: Address, stream: str, *, lease: float, epochs: dict[int, int]) -> None:
        self._stream = stream
        self._take = partial(_Lease, address, stream, lease, epochs)
        self._mutex = Lock()
        self._lease: _Lease | None = None

    def acquire(self) -> None:
        """See the port. Takes the lock anew where it was lost."""
        with self._mutex:
            if self._lease is not None and self._lease.alive():
                raise _busy(self._lease.holder)
            self._drop()
            self._lease = self._take()

    def check(self) -> None:
        """See the port. Asks the server, over the session that holds the lock."""
        with self._mutex:
            if self._lease is None:
                raise BusyError(f"this process does not hold the lock for sealing the log {self._stream}")
            self._lease.check()

    def release(self) -> None:
        """See the port."""
        with self._mutex:
            self._drop()

    def _drop(self) -> None:
        if self._lease is not None:
            self._lease.end()
            self._lease = None


class _Lease:
    """The lock, held: its session, its epoch, and the thread that keeps the session from being idle."""

    def __init__(self, address: Address, stream: str, lease: float, epochs: dict[int, int]) -> None:
        self._name = stream
        self._seconds = lease
        self._epochs = epochs
        self.holder = f"process {os.getpid()} on {os.uname().nodename} ({address.application})"
        self._mutex = Lock()
        self._ended = Event()
        try:
            self._session = address.connect()
            try:
                self._take()
            except BaseException:
                self._session.close()
                raise
        except psycopg.errors.InsufficientPrivilege as error:
            raise BusyError(
                f"the role of {address} may not seal",
                meaning="Nothing is lost: what you recorded is in the journal, and the sealing role seals it.",
                remedy="Record with --no-seal, and seal as the sealing role.",
            ) from error
        except psycopg.Error as error:
            ours = translated(error, str(address))
            if ours is None:
                raise
            raise ours from error
        self._heart = Thread(target=self._beat, name=f"lease of {stream}", daemon=True)
        self._heart.start()

    def _take(self) -> None:
        session, lease = self._session, round(self._seconds * 1000)
        session.execute(
            f"SET idle_session_timeout = {lease}; SET idle_in_transaction_session_timeout = {lease};"
            # Who is just committing is waited for; who stopped in the middle of it is ended by its own timeout.
            f"SET lock_timeout = {3 * lease}"
        )
        row = session.execute("SELECT id FROM stream WHERE name = %s", [self._name]).fetchone()
        if row is None:
            raise ConfigurationError(
                f"there is no stream {self._name!r} in this trail",
                remedy="See 'ordertrail status' for its streams.",
            )
        (self._number,) = row
        taken = session.execute("SELECT pg_try_advisory_lock(%s, %s)", [SEALING, self._number]).fetchone()
        if taken != (True,):
            newest = session.execute(_NEWEST, [self._number]).fetchone()
            raise _busy("another process" if newest is None else newest[1])
        with session.transaction():
            session.execute("SELECT pg_advisory_xact_lock(%s, %s)", [APPENDING, self._number])
            taking = session.execute(_TAKE, [self._number, self.holder, self._number]).fetchone()
        if taking is None:
            raise AssertionError("an INSERT of one row returned none")
        (self._epoch,) = taking
        self._epochs[self._number] = self._epoch

    def _beat(self) -> None:
        while not self._ended.wait(self._seconds / _HEARTBEATS):
            if not self.alive():
                return

    def alive(self) -> bool:
        """Say something over the session, and whether it still lives: with it the lock does."""
        with self._mutex:
            try:
                self._session.execute("SELECT 1")
            except psycopg.Error:
                self._session.close()
                return False
            return True

    def check(self) -> None:
        """Raise BusyError where the session, and the lock with it, is gone, or another took a newer epoch."""
        with self._mutex:
            try:
                newest = self._session.execute(_NEWEST, [self._number]).fetchone()
            except psycopg.Error:
                self._session.close()
                raise taken_over(self._name, None) from None
        if newest is None or newest[0] != self._epoch:
            raise taken_over(self._name, None if newest is None else newest[1])

    def end(self) -> None:
        """Give the lock back, if it is still there."""
        self._ended.set()
        with self._mutex:
            if self._epochs.get(self._number) == self._epoch:
                del self._epochs[self._number]
            try:
                # Said and answered: by the time that this returns, another gets it.
                self._session.execute("SELECT pg_advisory_unlock(%s, %s)", [SEALING, self._number])
            except psycopg.Error:
                pass  # the session is gone, and the lock with it
            finally:
                self._session.close()
        self._heart.join()


def _busy(holder: str) -> BusyError:
    return BusyError(
        f"{holder} is sealing this trail; only one process seals",
        meaning="Nothing is lost: what you recorded is in the journal; the other process seals it.",
        remedy="Wait for it, or stop it; its lock ends with it.",
    )
