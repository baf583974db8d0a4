"""SQLAlchemy's events, turned into the calls of :mod:`ordertrail.capture.sql.watching`.

One :class:`State` belongs to one connection of the driver, for as long as that lives. Its transaction collects what
statements did, until :mod:`ordertrail.capture.sqlalchemy.ends` writes it.

What capture itself cannot do never reaches the application, unless the policy is strict: it is logged, and the
statement is recorded as such. Errors of the database under our reading of rows do reach it: they are the application's
own (a lock timeout, a deadlock, a lost connection), and would have met its statement a moment later.
"""

import logging
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import Dialect, ExceptionContext
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy
from sqlalchemy.engine.interfaces import ExecuteStyle
from sqlalchemy.sql.dml import Insert

from ordertrail.capture.outbox.clients import Clients
from ordertrail.capture.plan import Image
from ordertrail.capture.policy import Policy
from ordertrail.capture.schema import TableName
from ordertrail.capture.sql.recording import record_statement
from ordertrail.capture.sql.watching import Watch, Watched
from ordertrail.capture.sqlalchemy.ends import Ends
from ordertrail.capture.sqlalchemy.keys import new_keys, tells_keys
from ordertrail.capture.sqlalchemy.reads import rows_read
from ordertrail.capture.sqlalchemy.state import Spent, State, uncollected
from ordertrail.record.event import Event
from ordertrail.record.sealing import Sealer

logger = logging.getLogger("ordertrail.capture")

_INSUFFICIENT_PRIVILEGE = "42501"


class Hooks(Ends):
    """Listens to one engine."""

    def __init__(
        self, watch: Watch, clients: Clients, policy: Policy, sealer: Sealer | None, dialect: Dialect
    ) -> None:
        super().__init__(clients, policy, sealer, dialect)
        self._watch = watch

    def renew(self, watch: Watch, policy: Policy, sealer: Sealer | None) -> None:
        """Go on under another policy."""
        self._watch, self._policy, self._sealer = watch, policy, sealer

    def listen(self, engine: Engine) -> None:
        """Begin."""
        self.follow(engine)
        for name in ("after_cursor_execute", "after_execute", "handle_error"):
            event.listen(engine, name, getattr(self, name))
        event.listen(engine, "before_execute", self.before_execute, retval=True)
        event.listen(engine, "before_cursor_execute", self.before_cursor_execute, retval=True)

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
        if self._watch.read(text) is None or getattr(context, "is_ddl", False):
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

    def tell(self, conn: Connection, event_: Event, relation: str) -> None:
        """Take an event that the application made itself into the transaction."""
        self._state(conn).transaction.add_event(event_, relation)

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
