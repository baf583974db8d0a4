"""One of Django's connections: its statements watched, whatever part of Django or of the application they come from.

A wrapper of Django's own kind (``execute_wrappers``) sees each statement of a connection, and
:mod:`ordertrail.capture.django.ends` what becomes of them. In autocommit mode each statement on an audited table is
wrapped in a transaction of its own, so that it and its events commit together.

PostgreSQL's COPY is the one statement that Django hands to the driver past its wrappers; so ``_prepare_cursor`` of the
connection object is replaced too, by one that calls it. A function or trigger that changes rows by itself, and a
connection of the driver's that was taken out from under Django, are the guard's business.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.db import Error as DatabaseError

from ordertrail.capture.context import current
from ordertrail.capture.django.chaining import ChainingWatch
from ordertrail.capture.django.cursors import Kept, Preceded, in_transaction, width_of
from ordertrail.capture.django.databases import Database
from ordertrail.capture.django.ends import Ends
from ordertrail.capture.django.reads import rows_read
from ordertrail.capture.django.statements import Control, Statement, read_control, text_of
from ordertrail.capture.plan import TablePlan
from ordertrail.capture.sql.recording import record_statement
from ordertrail.capture.sql.watching import Reading, Watch, Watched
from ordertrail.capture.verdict import filtering_rule

logger = logging.getLogger("ordertrail.capture")

_INSUFFICIENT_PRIVILEGE = "42501"

_UNKNOWN = "(unknown)"


class Captured(Ends):
    """A connection whose statements are watched."""

    def __init__(self, connection: Any, database: Database) -> None:
        super().__init__(connection, database)
        self._django_prepare_cursor: Callable[[Any], Any] = connection._prepare_cursor  # noqa: SLF001 - see above
        connection._prepare_cursor = self.prepare_cursor  # noqa: SLF001
        # The first is the outermost: it sees what the application wrote. And whoever adds a wrapper for a while
        # removes the last.
        connection.execute_wrappers.insert(0, self)

    def opened(self) -> None:
        """Begin anew: Django has opened this connection again."""
        self.lost()
        if not self.database.fitted:
            self.database.fit(self.connection)

    # Statements -------------------------------------------------------------------------------------------------

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001 - Django's
        """Run a statement as Django would, and record what it does."""
        cursor = context["cursor"]
        if isinstance(cursor.cursor, Kept):
            cursor.cursor = cursor.cursor.cursor
        if type(sql) is str and self.database.passes(sql):
            return execute(sql, params, many, context)
        text = text_of(sql, self.connection)
        control = read_control(text)
        if control is not None:
            return self._controlled(control, text, lambda: execute(sql, params, many, context))
        watch = self.database.watch_for(self.connection, text)
        if watch is None:
            return self._unwatched(text, cursor, lambda: execute(sql, params, many, context))
        statement = Statement(execute, sql, text, params, many=many, context=context)
        reading = watch.read(statement.text)
        if reading is None:
            plans = watch.read_from(statement.text) if watch.reads and not many else ()
            if plans:
                return self._read(watch, statement, plans)
            watch.let_pass(text)
            return statement.run()
        if not many and in_transaction(self.connection):
            return self._watched(watch, statement)
        with self.own_transaction():
            if many and _one_by_one(reading):
                return self._watched_each(watch, statement)
            return self._watched(watch, statement)

    def _watched(self, watch: ChainingWatch, statement: Statement) -> Any:
        watched, gave_way = None, False
        try:
            watched = watch.before(
                self.transaction, self.asker, statement.text, statement.sets, may_return=not statement.many
            )
        except Exception as error:  # noqa: BLE001 - sorted out there
            gave_way = self._give_way(error)
        try:
            result, returned = self._run(watch, statement, watched)
        except Exception as error:
            if watched is not None:
                self._failed(watch, watched, error)
            raise
        if watched is not None:
            try:
                rowcount = int(getattr(statement.cursor.cursor, "rowcount", -1))
                watch.after(self.transaction, self.asker, watched, rowcount=rowcount, returned=returned)
            except Exception as error:  # noqa: BLE001 - sorted out there
                gave_way = self._give_way(error)
        if gave_way:
            record_statement(self.transaction, statement.text, None, -1)
        return result

    def _watched_each(self, watch: ChainingWatch, statement: Statement) -> None:
        """Run an ``executemany`` whose rows each run must be asked about anyway, so that each run is told."""
        count = 0
        for one in statement.singles():
            self._watched(watch, one)
            count += max(one.cursor.cursor.rowcount, 0)
            if isinstance(one.cursor.cursor, Kept):
                one.cursor.cursor = one.cursor.cursor.cursor
        statement.cursor.cursor = Kept(statement.cursor.cursor, (), None, count)

    def _run(
        self, watch: ChainingWatch, statement: Statement, watched: Watched | None
    ) -> tuple[Any, list[tuple[Any, ...]] | None]:
        """Run a statement; take the columns that we asked for off the rows that it returns."""
        if watched is None or not (watched.wanted or watched.reading.dml.returning):
            return statement.run(), None
        driver, before = statement.cursor.cursor, watch.query_before(watched)
        if before is not None:
            statement.cursor.cursor = preceded = Preceded(driver, *before)
            try:
                return statement.run(), preceded.rows
            finally:
                statement.cursor.cursor = driver
        result = statement.run(watched.sql)
        width = width_of(driver) - watched.wanted if watched.reading.dml.returning else 0
        rows = [tuple(row) for row in driver.fetchall()]
        statement.cursor.cursor = Kept(driver, rows, width or None)
        return result, [row[width:] for row in rows] if watched.wanted else None

    def _read(self, watch: Watch, statement: Statement, plans: Sequence[TablePlan]) -> Any:
        """Run a query, and record which rows it read of tables whose reads are recorded."""
        result = statement.run()
        try:
            found = list(rows_read(statement.text, statement.cursor, plans))
            if found:
                with self.own_transaction():
                    for plan, keys in found:
                        watch.record_read(self.transaction, self.asker, plan, keys)
        except Exception as error:  # noqa: BLE001 - sorted out there
            self._give_way(error)
        return result

    def _unwatched(self, text: str, cursor: Any, run: Callable[[], Any]) -> Any:
        """Run a statement where nothing can be told of its rows: a migration has the tables between two shapes."""
        database = self.database
        if database.problem is None or not database.has_outbox or not database.mentions(text):
            return run()
        with self.own_transaction():
            result = run()
            rule = filtering_rule(database.policy, current())
            if rule is None:
                record_statement(self.transaction, text, None, cursor.rowcount)
            else:
                self.transaction.leave_out(rule, _UNKNOWN, max(cursor.rowcount, 1))
            return result

    def _give_way(self, error: Exception) -> bool:
        """Let the application go on without us, unless the error is its own or the policy is strict."""
        if self.database.policy.strict or isinstance(error, DatabaseError):
            raise error
        logger.error("capture failed; the statement is recorded as it is, without its rows", exc_info=error)
        return True

    def _failed(self, watch: Watch, watched: Watched, error: Exception) -> None:
        code = getattr(error.__cause__, "sqlstate", None) or getattr(error.__cause__, "pgcode", None)
        try:
            watch.failed(self.transaction, watched, denied=code == _INSUFFICIENT_PRIVILEGE)
        except Exception:
            logger.exception("an attempt that failed could not be recorded")

    def _controlled(self, control: Control, text: str, run: Callable[[], Any]) -> Any:
        """Run a statement that begins, marks or ends something, or changes tables."""
        match control.does:
            case "commit" | "prepare":
                self.write()
                return self.settling(run)
            case "rollback":
                result = run()
                self.undone()
                return result
        result = run()
        match control.does:
            case "savepoint":
                self.transaction.savepoint(control.name)
            case "release":
                self.transaction.release(control.name)
            case "rollback_to":
                self.transaction.rollback_to(control.name)
            case "schema" if self.database.changed(text):
                # Seen by this connection now, and by others when it commits.
                self.database.fitted = False
                self.changed_tables = in_transaction(self.connection)
        return result

    # COPY -------------------------------------------------------------------------------------------------------

    def prepare_cursor(self, cursor: Any) -> Any:
        """Return Django's cursor, with a COPY that is recorded."""
        wrapped = self._django_prepare_cursor(cursor)
        if hasattr(cursor, "copy"):
            wrapped.copy = partial(self._copy, wrapped)
        return wrapped

    @contextmanager
    def _copy(self, wrapped: Any, statement: Any, params: Any = None, **options: Any) -> Iterator[Any]:
        """Copy as psycopg does. What comes in is recorded row by row; what goes out changes nothing."""
        text = text_of(statement, self.connection)
        watch = self.database.watch_for(self.connection, text)
        inner = wrapped.cursor.cursor if isinstance(wrapped.cursor, Kept) else wrapped.cursor
        incoming = " FROM " in f" {' '.join(text.upper().split())} "
        if watch is None or not incoming or watch.read(text) is None:
            with inner.copy(statement, params, **options) as copy:
                yield copy
            return
        with self.own_transaction():
            watched = watch.before(self.transaction, self.asker, text, [params or ()], may_return=False)
            with inner.copy(statement, params, **options) as copy:
                yield copy
            if watched is not None:
                watch.after(self.transaction, self.asker, watched, rowcount=inner.rowcount)


def _one_by_one(reading: Reading) -> bool:
    """Say whether the runs of an ``executemany`` must be watched one by one.

    Of an INSERT there is no other way to learn which keys its rows were given; an UPDATE or DELETE that is not by key
    may change a row twice. Statements by key are watched together.
    """
    if reading.how not in {"update", "delete"} or not reading.plans:
        return True
    plan, named = reading.plans[0], {name for name, _ in reading.dml.key_slots}
    return not {plan.columns[place].name for place in plan.key} <= named
