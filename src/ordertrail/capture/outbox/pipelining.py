"""Writing the outbox and committing in one journey to PostgreSQL, by libpq's pipeline, where the driver is psycopg 3.

Sent together, and answered together, are::

    SAVEPOINT ordertrail_commit
    the statement that writes the outbox rows, prepared on this connection when it is first used
    COMMIT

The server leaves out what follows a statement that failed (PostgreSQL 15 section 34.5, "Pipeline Mode"): it commits if
and only if the rows are written. Where writing failed, the savepoint makes the transaction what it was before, and
it is tried again the plain way, which tells what is wrong or takes another client. Nobody looks between the statements,
so the statement itself fails where the client's row is not as the client had left it.

If we stop here: the server has all three and commits, or it has not and rolls back.
"""

import time
from collections.abc import Generator, Sequence
from typing import Any

from ordertrail.capture.outbox.clients import Client
from ordertrail.capture.outbox.writing import insert_postgresql, lock_keys, parameters_of
from ordertrail.capture.transaction import Entry

_MOST = 4
"""Outbox rows that are sent with a COMMIT; each number of them is a prepared statement."""

_BYTES = 1 << 16
"""Bytes of them all; more are worth a journey of their own."""

_ONE = 2
"""Keys to lock where a transaction is about one order: all orders' shared one, and its own."""

_SAVEPOINT = b"SAVEPOINT ordertrail_commit"
_STEP_BACK = ("ROLLBACK TO SAVEPOINT ordertrail_commit", "RELEASE SAVEPOINT ordertrail_commit")
_COMMIT = b"COMMIT"

_DONE, _FAILED = 1, 7
"""PGRES_COMMAND_OK and PGRES_FATAL_ERROR, libpq section 34.3.1."""

_IN_TRANSACTION, _IN_ERROR = 2, 3
"""PQTRANS_INTRANS and PQTRANS_INERROR, libpq section 34.2."""

_AGAIN = frozenset({"23502", "26000", "42P05", "0A000"})
"""SQLSTATEs that the plain way may not meet: the client is lost, or our prepared statement is."""


class Pipeline:
    """One connection of psycopg, whose transactions end in one journey."""

    def __init__(self, connection: Any) -> None:
        from psycopg.waiting import Wait

        self._connection = connection
        self._server = connection.pgconn
        self._prepared: set[bytes] = set()
        self._usable = True
        self._readable, self._either = Wait.R, Wait.RW

    def commit(self, client: Client, entries: Sequence[Entry]) -> bool:
        """Write a transaction's entries and commit it; False where nothing happened: the plain way is to be taken.

        Raises the driver's own error where the COMMIT failed, and where nobody can know whether it did.
        """
        if not self._may(client, entries):
            return False
        results = self._send(client, entries)
        *_, written, committed, _ = results
        if written.status == _DONE == committed.status:
            return True
        error = self._error(next(one for one in results if one.status == _FAILED))
        if self._server.transaction_status != _IN_ERROR or error.sqlstate not in _AGAIN:
            raise error
        self._usable = False
        for sql in _STEP_BACK:
            self._connection.execute(sql)
        return False

    def _may(self, client: Client, entries: Sequence[Entry]) -> bool:
        # Who pools connections by transactions sets ``prepare_threshold`` to None, and then nothing may be prepared.
        return (
            self._usable
            and client.registered
            and len(entries) <= _MOST
            and self._server.transaction_status == _IN_TRANSACTION
            and not self._server.pipeline_status
            and self._connection.prepare_threshold is not None
            and sum([len(entry.body) for entry in entries]) <= _BYTES
        )

    def _send(self, client: Client, entries: Sequence[Entry]) -> list[Any]:
        """Send all three; return what came of the writing, of the commit and of their end, last."""
        server, keys = self._server, lock_keys(entries)
        one = len(keys) == _ONE
        name = b"ordertrail_write_%d_%d" % (len(entries), one)
        locks = keys[1] if one else "{" + ",".join(map(str, keys)) + "}"
        counted = client.counter + sum([entry.events for entry in entries])
        given = parameters_of(client, counted, locks, time.time_ns() // 1_000_000, entries)
        try:
            with self._connection.lock:
                server.enter_pipeline_mode()
                server.send_query_params(_SAVEPOINT, None)
                if name not in self._prepared:
                    sql = insert_postgresql(
                        "numeric_dollar", len(entries), registered=True, one=one, strict=True
                    )
                    server.send_prepare(name, sql.encode())
                server.send_query_prepared(name, [str(value).encode() for value in given])
                server.send_query_params(_COMMIT, None)
                server.pipeline_sync()
                results: list[Any] = self._connection.wait(self._answers(4 + (name not in self._prepared)))
                server.exit_pipeline_mode()
        except BaseException:
            # How the transaction ended nobody knows, and what is still to be read would answer another question.
            self._connection.close()
            raise
        self._prepared.add(name)
        return results

    def _answers(self, count: int) -> Generator[Any, int, list[Any]]:
        """Send what is not sent yet and read so many answers, waiting as psycopg's own generators have it wait."""
        server = self._server
        results: list[Any] = []
        while server.flush():
            if (yield self._either) & self._readable:
                server.consume_input()
        while len(results) < count:
            while server.is_busy():
                if (yield self._readable):
                    server.consume_input()
            result = server.get_result()
            if result is not None:
                results.append(result)
            elif server.status:
                raise self._broken()
        return results

    @staticmethod
    def _broken() -> Exception:
        from psycopg import OperationalError

        return OperationalError(
            "the connection broke in a commit; whether it reached the server is not known"
        )

    @staticmethod
    def _error(result: Any) -> Any:
        from psycopg.errors import error_from_result

        return error_from_result(result)
