"""LISTEN and NOTIFY: whoever appends wakes whoever waits for the outbox, when the events can be seen."""

from threading import Lock

import psycopg
from sqlalchemy import Connection, text

from ordertrail.adapters.sql.dialects.postgresql.connect import Address

_NOTIFY = text("SELECT pg_notify(:channel, '')")


def notify(connection: Connection, stream: object) -> None:
    """Wake those who wait for a stream's outbox as soon as the transaction commits."""
    connection.execute(_NOTIFY, {"channel": _channel(stream)})


def _channel(stream: object) -> str:
    return f"ordertrail_outbox_{stream}"


class Waker:
    """Waits for a stream's outbox over a connection of its own, which one thread uses at a time."""

    def __init__(self, address: Address, stream: int) -> None:
        self._address = address
        self._stream = stream
        self._lock = Lock()
        self._connection: psycopg.Connection | None = None

    def wait(self, seconds: float) -> None:
        """Wait to be woken, at most so long; return at once where it only now begins to listen.

        What was appended before it listened wakes nobody: whoever is told to go on looks into the outbox first, and
        hears there whether the server can be reached. Raises psycopg.Error where it cannot begin to listen.
        """
        with self._lock:
            if self._connection is None:
                self._connection = self._address.connect()
                self._connection.execute(f"LISTEN {_channel(self._stream)}")
                return
            try:
                for _ in self._connection.notifies(timeout=seconds, stop_after=1):
                    pass
            except psycopg.OperationalError:
                self._close()

    def close(self) -> None:
        """Listen no more."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
