"""An UPDATE of one row whose values tell all, with the row as it was asked for in the same message to PostgreSQL.

    SELECT "id", "note" FROM shop_order WHERE id = … FOR UPDATE; UPDATE shop_order SET note = … WHERE id = …

The application's statement stays as it wrote it, and the server need not join the row to itself to tell what it was.
Only the columns are read that change, and those without which no event can be made. Both statements are of one
message, so that it costs no journey more than the application's own; that takes a driver which puts parameters into
the text itself, as Django has psycopg do unless ``server_side_binding`` is set.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from ordertrail.capture.django.statements import PLACE
from ordertrail.capture.plan import Plans
from ordertrail.capture.sql.asking import Asker, Query, column_list
from ordertrail.capture.sql.given import is_told
from ordertrail.capture.sql.readings import REMEMBERED, Reading, Watched
from ordertrail.capture.sql.watching import Watch
from ordertrail.capture.transaction import Transaction

_LONGEST = 20_000
"""Characters of the longest statement that is remembered."""


class Chain(NamedTuple):
    """A query for the row of an UPDATE as it is: its text and columns, and which parameters it and the key have."""

    sql: str
    columns: tuple[int, ...]
    slots: tuple[str, ...]
    key: tuple[str, ...]


class ChainingWatch(Watch):
    """Watches the statements of one database, asking in the message of an UPDATE what its row was."""

    def __init__(self, plans: Plans, *, dynamic: bool) -> None:
        super().__init__(plans, dynamic=dynamic)
        self.passing: set[str] = set()
        """Statements that are known to be nothing of ours."""
        self._chains: dict[str, Chain | None] = {}
        self._ends: dict[tuple[str, tuple[int, ...]], tuple[str, int]] = {}

    def let_pass(self, sql: str) -> None:
        """Remember a statement that is nothing of ours."""
        if len(self.passing) >= REMEMBERED:
            self.passing.clear()
        if len(sql) <= _LONGEST:
            self.passing.add(sql)

    def query_before(self, watched: Watched) -> tuple[str, Sequence[Any]] | None:
        """Return the query to run in a statement's message, and its parameters; None where there is none."""
        chain = self._chains.get(watched.reading.text)
        if chain is None or watched.sql != chain.sql:
            return None
        given: Any = watched.sets[0]
        return chain.sql, [given[slot] for slot in chain.slots]

    def _before_insert(self, watched: Watched, *, may_return: bool, keys_told: bool) -> None:
        """Have the rows returned at once where the database gives them their keys: their values tell no row whole."""
        plan, dml = watched.plan, watched.reading.dml
        given = any(plan.columns[place].name in dml.columns for place in plan.key)
        if not may_return or given or not dml.columns or len(watched.sets) != 1:
            super()._before_insert(watched, may_return=may_return, keys_told=keys_told)
            return
        watched.columns = tuple(range(len(plan.columns)))
        self._want(watched)

    def _want(self, watched: Watched) -> None:
        known = self._ends.get((watched.reading.text, watched.columns))
        if known is not None:
            watched.sql, watched.wanted = known
            return
        super()._want(watched)
        if len(self._ends) >= REMEMBERED:
            self._ends.clear()
        if len(watched.sql) <= _LONGEST:
            self._ends[watched.reading.text, watched.columns] = watched.sql, watched.wanted

    def _before_change(
        self, transaction: Transaction, watched: Watched, asker: Asker, *, may_return: bool, apart: bool
    ) -> None:
        if not (may_return and getattr(asker, "chains", False) and self._chain(transaction, watched)):
            super()._before_change(transaction, watched, asker, may_return=may_return, apart=apart)

    def _chain(self, transaction: Transaction, watched: Watched) -> bool:
        """Have a query for the row run before the statement, where that tells all; say whether it does."""
        chain = self._chain_of(watched.reading)
        given: Any = watched.sets[0]
        if chain is None or not is_told(watched, given):
            return False
        if (watched.plan.name, tuple([given[slot] for slot in chain.key])) in transaction.rows:
            return False  # what it was is known, and nothing need be asked
        watched.sql, watched.columns = chain.sql, chain.columns
        watched.wanted = watched.wanted_before = len(chain.columns)
        return True

    def _chain_of(self, reading: Reading) -> Chain | None:
        try:
            return self._chains[reading.text]
        except KeyError:
            pass
        if len(self._chains) >= REMEMBERED:
            self._chains.clear()
        chain = self._chains[reading.text] = self._chained(reading)
        return chain

    def _chained(self, reading: Reading) -> Chain | None:
        dml, plan = reading.dml, reading.plans[0]
        slots = dict(dml.key_slots)
        key = tuple(str(slots.get(plan.columns[place].name)) for place in plan.key)
        simple = dml.verb == "update" and not (dml.with_ or dml.beside or dml.target.slots or dml.returning)
        if not simple or not all(slot.startswith(PLACE) for slot in key):
            return None
        changed = [plan.index[name] for name, _ in dml.sets if name in plan.index]
        # If an attempt on what is sensitive fails it returns nothing, and yet the rows must be known.
        if self._cascades.reaches(dml) or not plan.sensitive.isdisjoint(changed):
            return None
        columns = plan.columns_for(changed)
        query = Query().text(
            "SELECT ", column_list(plan.table, columns, dml.alias), " FROM ", dml.target.texts[0], " WHERE "
        )
        query.clause(dml.where, dict.fromkeys(map(str, dml.where.slots)))
        query.text(" FOR UPDATE OF ", dml.alias.rpartition(".")[2])
        return Chain(query.written("format")[0], columns, tuple(map(str, dml.where.slots)), key)
