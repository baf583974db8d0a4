"""The sequencers of a trail that are alive, and who holds which stream, as the server itself knows it.

A sequencer is alive while its session is: the session holds an advisory lock, and says something every third of the
lease, as a sealing lock does (:mod:`.lock`). No table says who is there, and so none can be wrong: a process that is
killed is gone at once, one that is paused or cut off after a lease.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Event, Lock, Thread
from typing import Any, Self

import psycopg

from ordertrail.adapters.sql.dialects.postgresql.connect import Address
from ordertrail.adapters.sql.dialects.postgresql.errors import translated
from ordertrail.adapters.sql.dialects.postgresql.fencing import SEALING
from ordertrail.kernel.errors import BusyError, UnavailableError

SEQUENCING = 0x4F4D
"""First key of the advisory lock that a sequencer that is alive holds; the second is made of its name."""

PROCESS = 0x4F50
"""First key of the lock that says which process a sequencer is; the second is made of the holder's name in epochs."""

_HEARTBEATS = 3

_PREFIX = "ordertrail sequencer "

_ALIVE = (
    "SELECT DISTINCT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid)"  # noqa: S608 - constants
    f" WHERE l.locktype = 'advisory' AND l.classid = {SEQUENCING} AND l.granted"
    " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
_LEASES = (
    "SELECT s.name, e.holder, e.taken, l.pid IS NOT NULL, m.application_name"  # noqa: S608 - constants
    " FROM stream s"
    " LEFT JOIN LATERAL"
    " (SELECT holder, taken FROM epoch WHERE stream = s.id ORDER BY epoch DESC LIMIT 1) e ON true"
    f" LEFT JOIN pg_locks l ON l.locktype = 'advisory' AND l.classid = {SEALING} AND l.objid = s.id AND l.granted"
    " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " LEFT JOIN (SELECT p.objid::bigint AS process, a.application_name FROM pg_locks p"
    " JOIN pg_stat_activity a USING (pid) WHERE p.locktype = 'advisory'"
    " AND p.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    f" AND p.classid = {PROCESS} AND p.granted) m"
    " ON m.process = hashtext(split_part(e.holder, ' (', 1))::bigint & 4294967295"
    " ORDER BY s.id"
)


@dataclass(frozen=True, slots=True)
class LeaseHeld:
    """A stream's lease: who took it last, since when, whether it is held now, and by which sequencer's process."""

    stream: str
    holder: str | None
    since: datetime | None
    held: bool
    sequencer: str | None


class Members:
    """A session in which a sequencer is alive, and sees who else is. Threads may share it.

    Without a ``name`` it only looks.
    """

    def __init__(self, address: Address, name: str | None, lease: float) -> None:
        self._address = address
        self._name = name
        self._lease = lease
        self._mutex = Lock()
        self._ended = Event()
        self._session: psycopg.Connection | None = None
        self._heart = Thread(target=self._beat, name="sequencer is alive", daemon=True)

    def __enter__(self) -> Self:
        with self._mutex:
            self._connected()
        self._heart.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._ended.set()
        self._heart.join()
        with self._mutex:
            self._drop()

    def alive(self) -> Sequence[str]:
        """Return the names of the sequencers that are alive."""
        return sorted(str(row[0]).removeprefix(_PREFIX) for row in self._ask(_ALIVE))

    def leases(self) -> Sequence[LeaseHeld]:
        """Return every stream's lease, the first stream first."""
        return [
            LeaseHeld(stream, holder, since, held, str(name).removeprefix(_PREFIX) if held and name else None)
            for stream, holder, since, held, name in self._ask(_LEASES)
        ]

    def _ask(self, query: str) -> Sequence[tuple[Any, ...]]:
        with self._mutex:
            try:
                return self._connected().execute(query.encode()).fetchall()
            except psycopg.Error as error:
                self._drop()
                raise self._told(error) from error

    def _connected(self) -> psycopg.Connection:
        if self._session is not None:
            return self._session
        try:
            session = self._address.connect()
            try:
                self._join(session)
            except BaseException:
                session.close()
                raise
        except psycopg.Error as error:
            raise self._told(error) from error
        self._session = session
        return session

    def _join(self, session: psycopg.Connection) -> None:
        if self._name is None:
            return
        session.execute(f"SET idle_session_timeout = {round(self._lease * 1000)}".encode())
        session.execute("SELECT set_config('application_name', %s, false)", [_PREFIX + self._name])
        taken = session.execute(
            "SELECT pg_try_advisory_lock(%s, hashtext(%s))", [SEQUENCING, self._name]
        ).fetchone()
        if taken != (True,):
            raise BusyError(
                f"another sequencer is called {self._name}",
                meaning="Nothing is lost: that one seals.",
                remedy="Give each sequencer of a trail a name of its own.",
            )
        process = f"process {os.getpid()} on {os.uname().nodename}"  # as a lease says whose it is
        session.execute("SELECT pg_advisory_lock_shared(%s, hashtext(%s))", [PROCESS, process])

    def _beat(self) -> None:
        while not self._ended.wait(self._lease / _HEARTBEATS):
            with self._mutex:
                try:
                    self._connected().execute("SELECT 1")
                except (psycopg.Error, UnavailableError):
                    self._drop()  # it joins again with the next question, or the next beat

    def _drop(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    def _told(self, error: psycopg.Error) -> Exception:
        return translated(error, str(self._address)) or error
