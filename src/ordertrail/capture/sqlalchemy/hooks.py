"""SQLAlchemy's events, turned into the calls of :mod:`ordertrail.capture.sql.watching`, and commits into outbox rows.

One :class:`State` belongs to one connection of the driver, for as long as that lives. Its transaction collects what
statements did. The event *commit* comes before the driver commits: what was collected is written there, on the same
connection. Whether the commit worked is known at the next event: SQLAlchemy tells of errors, and of nothing else.

What capture itself cannot do never reaches the application, unless the policy is strict: it is logged, and the
statement is recorded as such. Two things do reach it. Errors of the database under our reading of rows are the
application's own (a lock timeout, a deadlock, a lost connection), and would have met its statement a moment later.
And an outbox row that cannot be written fails the commit, for what is committed must be recorded.
"""

import logging
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import Dialect, ExceptionContext
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy
from sqlalchemy.engine.interfaces import ExecuteStyle
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.dml import Insert

from ordertrail.capture.outbox.clients import Clients
from ordertrail.capture.outbox.writing import ClientLostError, Style, write, write_filtered
from ordertrail.capture.plan import Image
from ordertrail.capture.policy import Policy
from ordertrail.capture.schema import TableName
from ordertrail.capture.sql.recording import record_statement
from ordertrail.capture.sql.watching import Watch, Watched
from ordertrail.capture.sqlalchemy.keys import new_keys, tells_keys
from ordertrail.capture.sqlalchemy.reads import rows_read
from ordertrail.capture.sqlalchemy.state import DriverAsker, Spent, State, uncollected
from ordertrail.capture.transaction import Transaction
from ordertrail.record.sealing import Sealer

logger = logging.getLogger("ordertrail.capture")

_STATE = "ordertrail.capture"
_STYLES: dict[str, Style] = {
    "qmark": "qmark",
    "format": "format",
    "pyformat": "format",
    "numeric_dollar": "numeric_dollar",
}
_INSUFFICIENT_PRIVILEGE = "42501"


class Hooks:
    """Listens to one engine."""

    def __init__(
        self, watch: Watch, clients: Clients, policy: Policy, sealer: Sealer | None, dialect: Dialect
    ) -> None:
        self._watch = watch
        self._clients = clients
        self._policy = policy
        self._sealer = sealer
        self._dialect = dialect.name
        self._style = _STYLES[dialect.paramstyle]

    def renew(self, watch: Watch, policy: Policy, sealer: Sealer | None) -> None:
        """Go on under another policy."""
        self._watch, self._policy, self._sealer = watch, policy, sealer

    def listen(self, engine: Engine) -> None:
        """Begin."""
        for name in (
            "begin", "commit", "rollback", "savepoint", "rollback_savepoint", "release_savepoint", "prepare_twophase",
            "commit_twophase", "rollback_twophase", "after_cursor_execute", "after_execute", "handle_error",
        ):  # fmt: skip
            event.listen(engine, name, getattr(self, name))
        event.listen(engine, "before_execute", self.before_execute, retval=True)
        event.listen(engine, "before_cursor_execute", self.before_cursor_execute, retval=True)
        for name in ("checkin", "close", "close_detached", "invalidate", "soft_invalidate"):
            event.listen(engine.pool, name, getattr(self, f"pool_{name}"))

    # Statements -------------------------------------------------------------------------------------------------

    def before_execute(
        self, _conn: Connection, statement: Any, multiparams: Any, params: Any, _options: Any
    ) -> tuple[Any, Any, Any]:
        """Have an INSERT of many rows say which keys they were given, where it would not."""
        if (
            isinstance(statement, Insert)
            and len(multiparams) > 1
            and statement.select is None
            and not statement._returning  # noqa: SLF001 - there is no public way to ask
            and not statement._return_defaults  # noqa: SLF001
            and statement._post_values_clause is None  # noqa: SLF001
            and self._table(statement.table) is not None
            and any(column.key not in multiparams[0] for column in statement.table.primary_key)
        ):
            statement = statement.return_defaults(*statement.table.primary_key, sort_by_parameter_order=True)
        return statement, multiparams, params

    def _table(self, table: Any) -> Any:
        name = TableName(getattr(table, "name", ""), getattr(table, "schema", None))
        return self._watch.plans.by_name.get(name)

    def before_cursor_execute(
        self,
        conn: Connection,
        _cursor: Any,
        statement: str,
        parameters: Any,
        context: Any,
        executemany: bool,  # noqa: FBT001 - the event's
    ) -> tuple[str, Any]:
        """Look at the rows that a statement is about to change."""
        batched = context is not None and context.execute_style is ExecuteStyle.INSERTMANYVALUES
        text = context.statement if batched else statement
        if self._watch.read(text) is None or (
            context is not None and context.is_ddl if hasattr(context, "is_ddl") else False
        ):
            return statement, parameters
        state = self._state(conn)
        if state.asking or (batched and state.context is context):
            return statement, parameters
        state.watched, state.context = None, context
        sets = context.parameters if batched else parameters if executemany else [parameters]
        asker = self._asker(conn)
        self._begin(conn, state, asker)
        state.asking = True
        try:
            state.watched = self._watch.before(
                state.transaction, asker, text, sets,
                may_return=not (batched or executemany), keys_told=tells_keys(context, executemany=executemany),
            )  # fmt: skip
        except Exception as error:  # noqa: BLE001 - what capture cannot do is not the application's business
            self._give_way(conn, state, error, text)
        finally:
            state.asking = False
        if state.watched is not None and state.watched.sql:
            statement = state.watched.sql
        return statement, parameters

    def after_cursor_execute(
        self,
        conn: Connection,
        cursor: Any,
        _statement: str,
        _parameters: Any,
        context: Any,
        _executemany: bool,  # noqa: FBT001 - the event's
    ) -> None:
        """Record what a statement did, unless its new keys are only known when SQLAlchemy has read them."""
        if (
            self._watch.reads
            and context is not None
            and not context.is_crud
            and self._read(conn, cursor, context)
        ):
            return
        state = self._known(conn)
        if state is None or state.watched is None or state.context is not context:
            return
        watched = state.watched
        with uncollected(max(cursor.rowcount, len(watched.before))):
            self._after_cursor(conn, cursor, context, state, watched)

    def _after_cursor(
        self, conn: Connection, cursor: Any, context: Any, state: State, watched: Watched
    ) -> None:
        returned = self._take_returned(cursor, context, watched) if watched.wanted else None
        compiled = context is not None and context.compiled is not None and context.isinsert
        if returned is None and compiled and watched.reading.how == "insert" and None in watched.images:
            return
        if context is not None and context.execute_style is ExecuteStyle.INSERTMANYVALUES:
            return
        rowcount = cursor.rowcount
        if self._dialect == "sqlite" and watched.reading.dml.returning and returned is None:
            rowcount = -1  # SQLite counts rows as they are fetched, and nobody has fetched any yet
        self._finish(conn, state, watched, rowcount, returned, ())

    def after_execute(
        self, conn: Connection, _statement: Any, _multiparams: Any, _params: Any, _options: Any, result: Any
    ) -> None:
        """Record what an INSERT did whose keys SQLAlchemy has read by now."""
        state = self._known(conn)
        context = getattr(result, "context", None)
        if state is None or state.watched is None or state.context is not context:
            return
        self._finish(conn, state, state.watched, -1, None, new_keys(result, state.watched))

    def _read(self, conn: Connection, cursor: Any, context: Any) -> bool:
        """Record what a query read of tables whose reads are recorded; say whether it was such a query."""
        plans = self._watch.read_from(context.statement)
        if not plans:
            return False
        state = self._state(conn)
        if state.asking:
            return True
        state.asking = True
        try:
            for plan, keys in rows_read(cursor, context, plans):
                self._watch.record_read(state.transaction, self._asker(conn), plan, keys)
        except Exception as error:  # noqa: BLE001 - what capture cannot do is not the application's business
            self._give_way(conn, state, error, context.statement)
        finally:
            state.asking = False
        return True

    @staticmethod
    def _take_returned(cursor: Any, context: Any, watched: Watched) -> list[Image]:
        """Take the columns that we asked for; leave SQLAlchemy what it asked for."""
        rows = [tuple(row) for row in cursor.fetchall()]
        ours = [row[-watched.wanted :] for row in rows]
        if watched.reading.dml.returning:
            context.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(
                cursor,
                alternate_description=tuple(cursor.description)[: -watched.wanted],
                initial_buffer=[row[: -watched.wanted] for row in rows],
            )
        else:
            place = watched.columns.index(watched.plan.key[0])
            context.cursor = Spent(cursor, len(rows), ours[-1][place] if ours else None)
        return ours

    def _finish(
        self,
        conn: Connection,
        state: State,
        watched: Watched,
        rowcount: int,
        returned: Sequence[Image] | None,
        keys: Sequence[Image | None],
    ) -> None:
        state.watched = None
        asker = self._asker(conn)
        state.asking = True
        try:
            self._watch.after(
                state.transaction, asker, watched, rowcount=rowcount, returned=returned, keys=keys
            )
        except Exception as error:  # noqa: BLE001 - what capture cannot do is not the application's business
            self._give_way(conn, state, error, watched.reading.text)
        finally:
            state.asking = False
        self._end(conn, state, asker)

    def _give_way(self, conn: Connection, state: State, error: Exception, sql: str) -> None:
        """Let the application go on without us, unless the error is its own or the policy is strict."""
        loaded = conn.dialect.loaded_dbapi.Error
        if self._policy.strict or isinstance(error, loaded):
            raise error
        logger.error("capture failed; the statement is recorded as it is, without its rows", exc_info=error)
        record_statement(state.transaction, sql, None, -1)

    def prefetch(self, conn: Connection, name: TableName, keys: Sequence[Image]) -> None:
        """Read rows that a flush is going to change."""
        plan = self._watch.plans.by_name.get(name)
        if plan is None or len(keys[0]) != len(plan.key):
            return
        kinds = {type(value) for key in keys for value in key}
        if not kinds <= {int, str}:
            return  # what the driver makes of other types, the statement itself tells best
        state = self._state(conn)
        asker = self._asker(conn)
        self._begin(conn, state, asker)
        self._watch.prefetch(state.transaction, asker, plan, keys)

    # Transactions -----------------------------------------------------------------------------------------------

    def begin(self, conn: Connection) -> None:
        """Know, at the next transaction, that the last one committed; write what it left as attempts."""
        state = self._known(conn)
        if state is not None:
            self._settle(state)
            if state.transaction.attempts:
                self._write_attempts(conn.connection.dbapi_connection, state)

    def commit(self, conn: Connection) -> None:
        """Write what the transaction did, before it commits."""
        state = self._known(conn)
        if state is not None:
            self._write(conn, state)

    def rollback(self, conn: Connection) -> None:
        """Forget what the transaction did, but for its attempts."""
        state = self._known(conn)
        if state is not None:
            self._undo(state)

    def savepoint(self, conn: Connection, name: str | None) -> None:
        """Remember where a savepoint begins; SQLAlchemy numbers those that it does not name."""
        state = self._state(conn)
        if state.owner is None or state.owner() is not conn:
            state.owner, state.savepoints = weakref.ref(conn), 0
        if name is None:
            state.savepoints += 1
            name = f"sa_savepoint_{state.savepoints}"
        state.transaction.savepoint(name)

    def rollback_savepoint(self, conn: Connection, name: str, _context: object) -> None:
        """Undo what came since a savepoint."""
        self._state(conn).transaction.rollback_to(name)

    def release_savepoint(self, conn: Connection, name: str, _context: object) -> None:
        """Forget a savepoint."""
        self._state(conn).transaction.release(name)

    def prepare_twophase(self, conn: Connection, _xid: object) -> None:
        """Write what the transaction did, before it is prepared."""
        self.commit(conn)

    def commit_twophase(self, conn: Connection, _xid: object, is_prepared: bool) -> None:  # noqa: FBT001 - the event's
        """Write what the transaction did, where it was not prepared."""
        if not is_prepared:
            self.commit(conn)

    def rollback_twophase(self, conn: Connection, _xid: object, _is_prepared: bool) -> None:  # noqa: FBT001 - the event's
        """Forget what the transaction did."""
        self.rollback(conn)

    def handle_error(self, told: ExceptionContext) -> None:
        """Record an attempt that the database refused; know a commit that did not work."""
        if told.connection is None or told.connection.closed or told.connection.invalidated:
            return
        state = self._known(told.connection)
        if state is None:
            return
        if told.is_disconnect:
            # Whether the commit reached the database nobody knows; the client's row in it does.
            state.client = None
        state.failed = state.failed or (state.written > 0 and told.execution_context is None)
        watched, state.watched = state.watched, None
        if watched is not None and not state.asking:
            code = getattr(
                told.original_exception, "sqlstate", getattr(told.original_exception, "pgcode", None)
            )
            try:
                self._watch.failed(state.transaction, watched, denied=code == _INSUFFICIENT_PRIVILEGE)
            except Exception:
                logger.exception("an attempt that failed could not be recorded")

    def pool_checkin(self, connection: Any, record: Any) -> None:
        """Write attempts when a connection comes back from its work."""
        state: State | None = record.info.get(_STATE)
        if state is None:
            return
        if connection is None:
            del record.info[_STATE]
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
        record.info.pop(_STATE, None)

    def pool_soft_invalidate(self, _connection: Any, record: Any, _error: Any) -> None:
        """As a connection that ends."""
        self._let_go(record.info)

    def _let_go(self, info: Any) -> None:
        state: State | None = info.pop(_STATE, None)
        if state is not None and state.client is not None:
            if state.failed:
                self._undo(state)
            self._settle(state)
            self._clients.give_back(state.client)

    # Parts ------------------------------------------------------------------------------------------------------

    def _state(self, conn: Connection) -> State:
        state: State | None = conn.info.get(_STATE)
        if state is None:
            state = conn.info[_STATE] = State(Transaction(self._policy, self._sealer))
        return state

    @staticmethod
    def _known(conn: Connection) -> State | None:
        return conn.info.get(_STATE)

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
        """The transaction came to nothing: its numbers are given back."""
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
