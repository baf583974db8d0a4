"""The ends of a connection's transactions: what they did goes into the outbox with the commit, or comes to nothing.

They are the dialect's own methods, replaced on the dialect *object* by ones that call them: the last thing that happens
before the driver begins, commits or rolls back, whatever else listens. Events of the same names would cost more than
what is done in them.

An outbox row that cannot be written fails the commit, for what is committed must be recorded. If we stop here: before
the commit neither the change nor its events are there; after it, both are.
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError

from ordertrail.capture.outbox.clients import Clients
from ordertrail.capture.outbox.pipelining import Pipeline
from ordertrail.capture.outbox.writing import ClientLostError, Style, write, write_filtered
from ordertrail.capture.policy import Policy
from ordertrail.capture.sqlalchemy.state import STATE, DriverAsker, State, state_of
from ordertrail.capture.transaction import Transaction
from ordertrail.record.sealing import Sealer

logger = logging.getLogger("ordertrail.capture")

_STYLES: dict[str, Style] = {
    "qmark": "qmark",
    "format": "format",
    "pyformat": "format",
    "numeric_dollar": "numeric_dollar",
}


def _pipelines() -> bool:
    """Say whether psycopg, and the libpq that it has, can send statements together."""
    import psycopg

    return psycopg.Pipeline.is_supported()


class Ends:
    """Follows the transactions of one engine's connections to their ends."""

    def __init__(self, clients: Clients, policy: Policy, sealer: Sealer | None, dialect: Dialect) -> None:
        self._clients = clients
        self._policy = policy
        self._sealer = sealer
        self._dialect = dialect.name
        self._style = _STYLES[dialect.paramstyle]
        self._pipelines = dialect.driver == "psycopg" and not dialect.is_async and _pipelines()

    def follow(self, engine: Engine) -> None:
        """Begin."""
        dialect: Any = engine.dialect
        for name in (
            "do_begin", "do_commit", "do_rollback", "do_savepoint", "do_rollback_to_savepoint", "do_release_savepoint",
            "do_prepare_twophase", "do_commit_twophase", "do_rollback_twophase",
        ):  # fmt: skip
            setattr(dialect, name, partial(getattr(self, name), getattr(dialect, name)))
        for name in ("checkin", "close", "close_detached", "invalidate", "soft_invalidate"):
            event.listen(engine.pool, name, getattr(self, f"pool_{name}"))

    def do_begin(self, run: Callable[[Any], None], connection: Any) -> None:
        """Write what the last transaction left as attempts."""
        state = state_of(connection)
        if state is not None:
            self._settle(state)
            if state.transaction.attempts:
                self._write_attempts(connection.dbapi_connection, state)
        run(connection)

    def do_commit(self, run: Callable[[Any], None], connection: Any) -> None:
        """Write what the transaction did and commit it: together in one journey, where the driver knows how.

        After whatever listens to the event of that name; its errors are told as a commit's.
        """
        state = state_of(connection)
        if state is None or not (state.transaction.entries or state.transaction.filtered):
            run(connection)
        elif not self._commit_at_once(connection.dbapi_connection, state):
            self._send(state, DriverAsker(connection, self._dialect, self._style).run)
            run(connection)
        if state is not None:
            self._settle(state)

    def _commit_at_once(self, connection: Any, state: State) -> bool:
        transaction = state.transaction
        if not self._pipelines or transaction.filtered:
            return False
        if state.pipeline is None:
            state.pipeline = Pipeline(connection)
        client = state.client = state.client or self._clients.take()
        entries = transaction.entries
        if not state.pipeline.commit(client, entries):
            return False
        client.counter += sum([entry.events for entry in entries])
        client.follows = None
        transaction.entries = []
        return True

    def do_rollback(self, run: Callable[[Any], None], connection: Any) -> None:
        """Forget what the transaction did, but for its attempts. The pool asks for it too, after each use."""
        state = state_of(connection)
        if state is not None:
            self._undo(state)
        run(connection)

    def do_savepoint(self, run: Callable[..., None], conn: Connection, name: str) -> None:
        """Remember where a savepoint begins."""
        self._state(conn).transaction.savepoint(name)
        run(conn, name)

    def do_rollback_to_savepoint(self, run: Callable[..., None], conn: Connection, name: str) -> None:
        """Undo what came since a savepoint."""
        self._state(conn).transaction.rollback_to(name)
        run(conn, name)

    def do_release_savepoint(self, run: Callable[..., None], conn: Connection, name: str) -> None:
        """Forget a savepoint."""
        self._state(conn).transaction.release(name)
        run(conn, name)

    def do_prepare_twophase(self, run: Callable[..., None], conn: Connection, xid: Any) -> None:
        """Write what the transaction did, before it is prepared."""
        state = self._known(conn)
        if state is not None:
            self._write(conn, state)
        run(conn, xid)

    def do_commit_twophase(
        self, run: Callable[..., None], conn: Connection, xid: Any, *how: bool, **told: bool
    ) -> None:
        """Know that a transaction that was prepared is committed; one that was not is committed as any other.

        Dialects roll back after it, to be rid of the transaction in which the driver says so.
        """
        state = self._known(conn)
        if state is not None and (*how, told.get("is_prepared", True))[0]:
            self._settle(state)
        run(conn, xid, *how, **told)

    def do_rollback_twophase(
        self, run: Callable[..., None], conn: Connection, xid: Any, *how: bool, **told: bool
    ) -> None:
        """Forget what the transaction did."""
        state = self._known(conn)
        if state is not None:
            self._undo(state)
        run(conn, xid, *how, **told)

    def pool_checkin(self, connection: Any, record: Any) -> None:
        """Write attempts when a connection comes back from its work."""
        state: State | None = record.info.get(STATE)
        if state is None:
            return
        if connection is None:
            del record.info[STATE]
            return
        if state.failed or state.transaction.entries:
            self._undo(state)
        self._settle(state)
        if state.transaction.attempts:
            self._write_attempts(connection, state)

    def pool_close(self, _connection: Any, record: Any) -> None:
        """Hand a connection's client on when it ends."""
        self._let_go(record.info)

    def pool_close_detached(self, connection: Any) -> None:
        """A connection that left the pool takes its client with it."""

    def pool_invalidate(self, _connection: Any, record: Any, _error: Any) -> None:
        """A connection that broke takes its client with it: how its last transaction ended is not known."""
        record.info.pop(STATE, None)

    def pool_soft_invalidate(self, _connection: Any, record: Any, _error: Any) -> None:
        """As a connection that ends."""
        self._let_go(record.info)

    def _let_go(self, info: Any) -> None:
        state: State | None = info.pop(STATE, None)
        if state is not None and state.client is not None:
            if state.failed:
                self._undo(state)
            self._settle(state)
            self._clients.give_back(state.client)

    # Parts ------------------------------------------------------------------------------------------------------

    def _state(self, conn: Connection) -> State:
        state = self._known(conn)
        if state is None:
            state = conn.info[STATE] = State(Transaction(self._policy, self._sealer))
        return state

    @staticmethod
    def _known(conn: Connection) -> State | None:
        return state_of(conn)

    def _asker(self, conn: Connection) -> DriverAsker:
        return DriverAsker(conn.connection, self._dialect, self._style)

    def _begin(self, conn: Connection, state: State, asker: DriverAsker) -> None:
        """Have the rows that we read and the statement in one transaction, whatever the driver does by itself."""
        connection: Any = conn.connection.dbapi_connection
        if self._dialect == "sqlite":
            if not connection.in_transaction if hasattr(connection, "in_transaction") else False:
                state.own = connection.isolation_level is None
                asker.run("BEGIN IMMEDIATE", ())
        elif getattr(connection, "autocommit", False) and not state.own:
            state.own = True
            asker.run("BEGIN", ())

    def _end(self, conn: Connection, state: State, asker: DriverAsker) -> None:
        """Commit what we began, where each statement is a transaction of its own."""
        if state.own:
            state.own = False
            self._write(conn, state)
            asker.run("COMMIT", ())
            self._settle(state)

    def _write(self, conn: Connection, state: State) -> None:
        transaction = state.transaction
        if not transaction.entries and not transaction.filtered:
            return
        try:
            self._send(state, self._asker(conn).run)
        except conn.dialect.loaded_dbapi.Error as error:
            # As SQLAlchemy would tell it, had it run the statement.
            raise DBAPIError.instance(
                "writing the capture outbox",
                None,
                error,
                conn.dialect.loaded_dbapi.Error,
                dialect=conn.dialect,
            ) from error

    def _send(self, state: State, run: Callable[[str, Sequence[Any]], int]) -> None:
        """Write entries and counts into the outbox, in the transaction that they are of."""
        transaction = state.transaction
        client = state.client = state.client or self._clients.take()
        entries = transaction.drain()
        filtered, transaction.filtered = transaction.filtered, type(transaction.filtered)()
        if entries:
            try:
                written = write(self._dialect, self._style, run, client, entries)
            except ClientLostError:
                logger.error(  # noqa: TRY400 - what went wrong is not in the trace
                    "the row of capture client %s is not as it was left: somebody changed or removed it; going on as "
                    "another client, and the relay will report it", client.id,
                )  # fmt: skip
                client = state.client = self._clients.replace(client)
                written = write(self._dialect, self._style, run, client, entries)
            # Until the commit is known to have worked the numbers are not used up.
            state.sent += entries
            state.written += written
            client.counter += written
            client.registered = True
        write_filtered(self._style, run, client, filtered)

    def _settle(self, state: State) -> None:
        """The last transaction committed: its numbers are used up."""
        if state.written or state.sent:
            state.written = 0
            state.sent = []
            if state.client is not None:
                state.client.follows = None
        state.failed = False
        self._renew(state)

    def _undo(self, state: State) -> None:
        """The transaction came to nothing: its numbers are given back. Asked again, there is nothing more to undo."""
        transaction = state.transaction
        if not (
            transaction.used
            or transaction.entries
            or state.sent
            or state.written
            or state.failed
            or state.own
        ):
            state.watched = None
            return
        if state.written and state.client is not None:
            state.client.counter -= state.written
            state.client.registered = state.client.counter > 0
        state.transaction.entries[:0] = state.sent
        state.sent, state.written, state.failed, state.own = [], 0, False, False
        state.transaction.rollback()
        self._renew(state)

    def _renew(self, state: State) -> None:
        """Begin another transaction, with what the last one left as attempts."""
        state.watched = None
        if not state.transaction.used:
            return
        kept = state.transaction
        # What was left out of the attempts is counted with them, in the transaction that they are written in.
        filtered = kept.filtered if kept.attempts else type(kept.filtered)()
        state.transaction = Transaction(self._policy, self._sealer, attempts=kept.attempts, filtered=filtered)

    def _write_attempts(self, connection: Any, state: State) -> None:
        """Write attempts in a transaction of their own, on a connection that has none open."""
        transaction = state.transaction
        transaction.entries, transaction.attempts = transaction.attempts, []
        asker = DriverAsker(connection, self._dialect, self._style)
        own = getattr(connection, "autocommit", False) is True or (
            self._dialect == "sqlite" and getattr(connection, "isolation_level", "") is None
        )
        try:
            if own:
                asker.run("BEGIN", ())
            self._send(state, asker.run)
            asker.run("COMMIT", ()) if own else connection.commit()
            self._settle(state)
        except Exception:
            logger.exception("attempts could not be recorded; the operations themselves came to nothing")
            state.sent = []
            self._undo(state)
            state.transaction.attempts.clear()
            try:
                connection.rollback()
            except Exception:
                logger.exception("the connection could not be rolled back")
