"""What a dialect runs, turned into the calls of :mod:`ordertrail.capture.sql.watching`.

One :class:`State` belongs to one connection of the driver, for as long as that lives. Its transaction collects what
statements did, until :mod:`ordertrail.capture.sqlalchemy.ends` writes it.

What capture itself cannot do never reaches the application, unless the policy is strict: it is logged, and the
statement is recorded as such. Errors of the database under our reading of rows do reach it: they are the application's
own (a lock timeout, a deadlock, a lost connection), and would have met its statement a moment later.
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import Dialect, ExceptionContext
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy
from sqlalchemy.engine.interfaces import ExecuteStyle

from ordertrail.capture.outbox.clients import Clients
from ordertrail.capture.plan import Image
from ordertrail.capture.policy import Policy
from ordertrail.capture.schema import TableName
from ordertrail.capture.sql.joined import ended
from ordertrail.capture.sql.many import run_each
from ordertrail.capture.sql.recording import record_statement
from ordertrail.capture.sql.watching import Watch, Watched
from ordertrail.capture.sqlalchemy.ends import Ends
from ordertrail.capture.sqlalchemy.keys import keys_among, new_keys, tells_keys
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
        dialect: Any = engine.dialect
        run = dialect.do_execute
        dialect.do_execute = partial(self.do_execute, run)
        dialect.do_execute_no_params = partial(self.do_execute_no_params, dialect.do_execute_no_params)
        dialect.do_executemany = partial(self.do_executemany, dialect.do_executemany, run)
        event.listen(engine, "handle_error", self.handle_error)

    def do_execute(
        self, run: Callable[..., None], cursor: Any, statement: str, parameters: Any, context: Any = None
    ) -> None:
        """Run a statement, or one batch of an INSERT of many rows, and record what it did.

        Stands in the place of the dialect's own method, after whatever listens to the cursor's events.
        """
        if context is None:
            run(cursor, statement, parameters, context)
            return
        if context.execute_style is ExecuteStyle.INSERTMANYVALUES:
            statement = self._before_batch(statement, context)
        elif self._may_change(statement, context):
            statement = self._before(statement, [parameters], context)
        run(cursor, statement, parameters, context)
        self._after(cursor, context)

    def do_execute_no_params(
        self, run: Callable[..., None], cursor: Any, statement: str, context: Any = None
    ) -> None:
        """Run a statement that has no parameters, and record what it did."""
        if context is not None and self._may_change(statement, context):
            statement = self._before(statement, [()], context)
        run(cursor, statement, context)
        if context is not None:
            self._after(cursor, context)

    def do_executemany(
        self,
        run: Callable[..., None],
        run_one: Callable[..., None],
        cursor: Any,
        statement: str,
        parameters: Any,
        context: Any = None,
    ) -> None:
        """Run a statement for many sets of parameters, such that it returns its rows where we want them."""
        if context is None or not self._may_change(statement, context):
            run(cursor, statement, parameters, context)
            return
        self._before(statement, parameters, context)
        state = self._state(context.root_connection)
        watched = state.watched
        if watched is not None and watched.apart:
            self._run_apart(run_one, cursor, parameters, context, state, watched)
        elif watched is not None and watched.each:
            self._run_each(run_one, cursor, parameters, context, state, watched)
        else:
            run(cursor, statement, parameters, context)
            self._after(cursor, context)

    def _may_change(self, statement: str, context: Any) -> bool:
        """Say whether a statement is one to look at."""
        return self._watch.read(statement) is not None and not self._state(context.root_connection).asking

    def _before(self, statement: str, sets: Any, context: Any) -> str:
        """Look at the rows that a statement is about to change; return its text as it is to be run."""
        conn, many = context.root_connection, context.executemany
        state = self._state(conn)
        state.context = context
        self._begin(conn, state, self._asker(conn))
        told = not many and tells_keys(context)
        self._look(conn, state, statement, sets, may_return=not many, may_return_each=many, keys_told=told)
        watched = state.watched
        return watched.sql if watched is not None and watched.sql else statement

    def _before_batch(self, statement: str, context: Any) -> str:
        """Look at an INSERT of many rows before its first batch; return this batch as it is to be run."""
        text, conn = context.statement, context.root_connection
        if not self._may_change(text, context):
            return statement
        state = self._state(conn)
        if state.context is not context:
            state.context = context
            self._begin(conn, state, self._asker(conn))
            told = tells_keys(context) and context.compiled.statement._sort_by_parameter_order  # noqa: SLF001 - there is no public way to ask
            self._look(
                conn, state, text, context.parameters, may_return=False, may_return_each=True, keys_told=told
            )
            context.post_exec = partial(self._after_batches, context.post_exec, context)
            if state.watched is not None and state.watched.each:
                state.made = []
                context.fetchall_for_returning = partial(self._take_batch, context, state, state.watched)
        watched = state.watched
        if watched is None or not watched.each:
            return statement
        return ended(statement, watched.reading.dml) + watched.returning

    def _after_batches(self, run: Callable[[], None], context: Any) -> None:
        """Record what an INSERT of many rows did, when SQLAlchemy has read and sorted what its batches returned.

        Stands in the place of what the context does after them.
        """
        run()
        state = self._state(context.root_connection)
        watched = state.watched
        if watched is None or state.context is not context:
            return
        if watched.each:
            made, state.made = state.made, []
            self._finish(context.root_connection, state, watched, len(made), made)
            return
        rows = getattr(context, "_insertmanyvalues_rows", None)
        keys = keys_among(context.cursor.description, rows, watched) if rows else []
        self._finish(context.root_connection, state, watched, -1, None, keys)

    def _look(self, conn: Connection, state: State, text: str, sets: Any, **may: bool) -> None:
        """Look at the rows that a statement is about to change, as :meth:`Watch.before` does."""
        state.watched = None
        state.asking = True
        try:
            state.watched = self._watch.before(state.transaction, self._asker(conn), text, sets, **may)
        except Exception as error:  # noqa: BLE001 - what capture cannot do is not the application's business
            self._give_way(conn, state, error, text)
        finally:
            state.asking = False

    @staticmethod
    def _take_batch(context: Any, state: State, watched: Watched, cursor: Any) -> list[Any]:
        """Take the columns that we asked for from a batch's rows; return what SQLAlchemy asked for.

        Stands in the place of the method by which SQLAlchemy reads them.
        """
        rows = cursor.fetchall()
        wanted = watched.wanted
        context.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(
            cursor, alternate_description=tuple(cursor.description)[:-wanted], initial_buffer=[]
        )
        state.made += [tuple(row[-wanted:]) for row in rows]
        return [tuple(row[:-wanted]) for row in rows]

    def _run_each(
        self,
        run: Callable[..., None],
        cursor: Any,
        parameters: Any,
        context: Any,
        state: State,
        watched: Watched,
    ) -> None:
        """Have each set of parameters return the rows that it makes."""

        def fetch(sql: str, values: Any) -> list[Any]:
            run(cursor, sql, values, context)
            return list(cursor.fetchall())

        made: list[Image] = []
        try:
            with uncollected(len(parameters)):
                for rows in run_each(watched, parameters, fetch, self._style):
                    made += rows
        except Exception:
            if self._dialect == "sqlite" and made:
                # A set that fails leaves those before it as they are.
                del watched.images[len(made) :]
                self._tell(context.root_connection, state, watched, len(made), made)
                watched.sets, state.watched = parameters[len(made) :], watched
            raise
        self._finish(context.root_connection, state, watched, len(made), made)
        context.cursor = Spent(cursor, len(made), None)

    def _run_apart(
        self,
        run: Callable[..., None],
        cursor: Any,
        parameters: Any,
        context: Any,
        state: State,
        watched: Watched,
    ) -> None:
        """Run and watch each set of parameters as a statement of its own."""
        conn, text = context.root_connection, watched.reading.text
        changed = 0
        for one in parameters:
            self._look(conn, state, text, [one], may_return=True)
            part = state.watched
            run(cursor, part.sql if part and part.sql else text, one, context)
            returned = None
            rowcount = cursor.rowcount
            if part is not None and part.wanted:
                returned = [tuple(row[-part.wanted :]) for row in cursor.fetchall()]
                rowcount = len(returned)
            changed += rowcount
            if part is not None:
                self._tell(conn, state, part, rowcount, returned)
        state.watched = None
        self._end(conn, state, self._asker(conn))
        context.cursor = Spent(cursor, changed, None)

    def _after(self, cursor: Any, context: Any) -> None:
        """Record what a statement did; a batch of many is recorded with the others."""
        conn = context.root_connection
        if self._watch.reads and not context.is_crud and self._read(conn, cursor, context):
            return
        state = self._known(conn)
        if state is None or state.watched is None or state.context is not context:
            return
        if context.execute_style is ExecuteStyle.INSERTMANYVALUES:
            return
        watched = state.watched
        with uncollected(max(cursor.rowcount, len(watched.before))):
            self._after_one(conn, cursor, context, state, watched)

    def _after_one(self, conn: Connection, cursor: Any, context: Any, state: State, watched: Watched) -> None:
        if watched.wanted:
            returned = self._take_returned(cursor, context, watched)
            self._finish(conn, state, watched, cursor.rowcount, returned)
            return
        if context.isinsert and context.compiled is not None and watched.reading.how == "insert":
            keys = new_keys(cursor, context, watched) if None in watched.images else ()
            self._finish(conn, state, watched, -1, None, keys)
            return
        rowcount = cursor.rowcount
        if self._dialect == "sqlite" and watched.reading.dml.returning:
            rowcount = -1  # SQLite counts rows as they are fetched, and nobody has fetched any yet
        self._finish(conn, state, watched, rowcount, None)

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
        keys: Sequence[Image | None] = (),
    ) -> None:
        self._tell(conn, state, watched, rowcount, returned, keys)
        self._end(conn, state, self._asker(conn))

    def _tell(
        self,
        conn: Connection,
        state: State,
        watched: Watched,
        rowcount: int,
        returned: Sequence[Image] | None,
        keys: Sequence[Image | None] = (),
    ) -> None:
        """Record what a statement did, as :meth:`Watch.after` does."""
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
