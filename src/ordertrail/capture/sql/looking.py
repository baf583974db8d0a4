"""Before each statement: which rows it is about, and what they are; and how it is to tell what it makes of them."""

from collections.abc import Mapping, Sequence

from ordertrail.capture.context import current
from ordertrail.capture.plan import Image, Plans, TablePlan
from ordertrail.capture.sql.asking import Asker, Parameters, by_keys, column_list, value_of
from ordertrail.capture.sql.cascades import Cascades
from ordertrail.capture.sql.columnwise import Question, look, question_for
from ordertrail.capture.sql.dml import Dml
from ordertrail.capture.sql.given import (
    by_key,
    given_image,
    is_told,
)
from ordertrail.capture.sql.joined import ended, joined_update, matching_rows
from ordertrail.capture.sql.readings import REMEMBERED, UNTOLD, Reading, Readings, Watched
from ordertrail.capture.sql.recording import (
    find_sources,
)
from ordertrail.capture.sql.snapshots import snapshot
from ordertrail.capture.sql.upserts import candidates
from ordertrail.capture.transaction import CACHED, Transaction
from ordertrail.capture.verdict import filtering_rule


class Looking(Readings):
    """Looks at the rows that statements of one database are about to change."""

    def __init__(self, plans: Plans, *, dynamic: bool) -> None:
        super().__init__(plans, Cascades(plans))
        self._dynamic = dynamic
        self._joined: dict[tuple[str, bool], str] = {}
        self._questions: dict[str, Question | None] = {}

    def before(
        self,
        transaction: Transaction,
        asker: Asker,
        sql: str,
        sets: Sequence[Parameters],
        *,
        may_return: bool,
        may_return_each: bool = False,
        keys_told: bool = False,
    ) -> Watched | None:
        """Look at the rows that a statement is about to change; None where it is nothing of ours.

        ``sets`` are the parameters, one set for each time the statement runs. ``may_return``: the adapter can have
        the statement return more than was asked for. ``may_return_each``: it can have one that runs many times return
        its rows each time (:func:`ordertrail.capture.sql.many.run_each`). ``keys_told``: it will know the keys that an
        INSERT's rows are given, in the order of the rows.
        """
        reading = self.read(sql)
        if reading is None:
            return None
        watched = Watched(reading, sets)
        watched.filtered = filtering_rule(self.plans.policy, current())
        if watched.filtered is not None:
            return watched
        match reading.how:
            case "insert":
                self._before_insert(watched, may_return=may_return, keys_told=keys_told)
                if may_return_each and not keys_told and not watched.wanted and _lacks_keys(watched):
                    self._want(watched)
                    watched.each = True
            case "upsert":
                self._before_upsert(watched, asker, may_return=may_return)
            case "update" | "delete":
                self._before_change(
                    transaction,
                    watched,
                    asker,
                    may_return=may_return,
                    apart=may_return_each and len(sets) > 1,
                )
                if watched.apart:
                    return watched
                self._expect_return(watched, may_return=may_return)
                if reading.how == "delete":
                    self._find_sources(asker, watched, watched.plan, watched.columns, watched.before)
            case "snapshot":
                for plan in reading.plans:
                    rows = watched.snapshots[plan.table.name] = snapshot(asker, plan)
                    self._find_sources(asker, watched, plan, tuple(range(len(plan.columns))), rows or {})
        if self._cascades.reaches(reading.dml):
            self._before_children(watched, asker)
        return watched

    def _find_sources(
        self,
        asker: Asker,
        watched: Watched,
        plan: TablePlan,
        columns: tuple[int, ...],
        rows: Mapping[Image, Image],
    ) -> None:
        watched.sources[plan.table.name] = find_sources(asker, self.plans.schema, plan, columns, rows)

    def _before_insert(self, watched: Watched, *, may_return: bool, keys_told: bool) -> None:
        plan, dml = watched.plan, watched.reading.dml
        watched.columns = plan.all_columns
        for parameters in watched.sets:
            for row in watched.reading.rows:
                image, key = given_image(plan, row, parameters)
                watched.keys.append(key)
                untold = UNTOLD in image
                watched.images.append(None if untold else image)
                if untold and keys_told and len(dml.rows) == 1 and _lacks_only(image, plan.key):
                    watched.lacking.append(image)
        if len(watched.lacking) < len(watched.images):
            watched.lacking.clear()
        if may_return and not watched.lacking and (not dml.rows or None in watched.images):
            self._want(watched)

    def _before_upsert(self, watched: Watched, asker: Asker, *, may_return: bool) -> None:
        plan = watched.plan
        watched.columns = plan.all_columns
        watched.before = by_key(plan, watched.columns, candidates(watched, asker, lock=True))
        if watched.reading.dml.conflict == "replace":
            self._find_sources(asker, watched, plan, watched.columns, watched.before)
        if may_return:
            self._want(watched)
            if not self._dynamic:
                # PostgreSQL's own mark: a row version that nobody has touched was inserted, not updated.
                watched.sql += f", ({watched.reading.dml.alias}.xmax = 0)"
                watched.wanted += 1

    def _before_change(
        self, transaction: Transaction, watched: Watched, asker: Asker, *, may_return: bool, apart: bool
    ) -> None:
        plan, dml = watched.plan, watched.reading.dml
        slots = watched.reading.key
        if slots:
            watched.by_key = True
            watched.columns = plan.all_columns
            keys = [tuple([value_of(given, slot) for slot in slots]) for given in watched.sets]
            watched.keys = list(keys)
            # If an attempt on what is sensitive fails it returns nothing, and yet the rows must be known.
            joins = may_return and not watched.reading.sensitive and self._may_join(dml, asker)
            if joins and (plan.name, keys[0]) not in transaction.rows:
                self._want_both(watched)
                return
            watched.before = self._read_by_keys(transaction, asker, plan, keys)
            if watched.before.keys() >= set(keys):
                return
            # '7' may be meant for 7, which is the database's to compare.
            watched.by_key, watched.keys, watched.before = False, [], {}
        if apart:
            # What one set did to a row the next may do to it again; and which rows it meets, only itself can tell.
            watched.apart = True
            return
        changed = [plan.index[name] for name, _ in dml.sets if name in plan.index] if dml.sets else None
        watched.columns = plan.columns_for(changed)
        if may_return and self._may_join(dml, asker):
            self._want_both(watched)
            return
        if self._dynamic and len(watched.sets) == 1 and not self._cascades.reaches(dml):
            question = self._question(watched.reading)
            if question is not None:
                watched.picture = look(asker, watched.reading, question, watched.sets[0])
            if watched.picture is not None:
                return
        rows = [
            row
            for given in watched.sets
            for row in matching_rows(asker, dml, plan.table, watched.columns, given, lock=True)
        ]
        watched.before = by_key(plan, watched.columns, rows)

    def _question(self, reading: Reading) -> Question | None:
        try:
            return self._questions[reading.text]
        except KeyError:
            pass
        if len(self._questions) >= REMEMBERED:
            self._questions.clear()
        question = self._questions[reading.text] = question_for(reading)
        return question

    def _may_join(self, dml: Dml, asker: Asker) -> bool:
        """Say whether an UPDATE can return its rows as they were: its parameters must stand twice in it."""
        if self._cascades.reaches(dml):
            return False
        named = all(isinstance(slot, str) for slot in dml.where.slots) or asker.style == "numeric_dollar"
        plain = not dml.beside and not dml.with_ and not dml.target.slots
        return asker.dialect == "postgresql" and dml.verb == "update" and named and plain

    def prefetch(
        self, transaction: Transaction, asker: Asker, plan: TablePlan, keys: Sequence[Image]
    ) -> None:
        """Read rows that are going to be changed, and lock them, in one query; those seen already are not read."""
        self._read_by_keys(transaction, asker, plan, keys)

    def _read_by_keys(
        self, transaction: Transaction, asker: Asker, plan: TablePlan, keys: Sequence[Image]
    ) -> dict[Image, Image]:
        """Return rows by their keys, locked: those that are remembered, and the others read in one query."""
        known = transaction.rows
        found = {key: row for key in keys if (row := known.get((plan.name, key))) is not None}
        missing = [key for key in dict.fromkeys(keys) if key not in found]
        rows = by_keys(asker, plan.table, plan.all_columns, plan.table.key, missing, lock=True)
        read = by_key(plan, plan.all_columns, rows)
        if len(read) <= CACHED:
            for row in rows:
                transaction.remember(plan, row)
        return found | read

    def _expect_return(self, watched: Watched, *, may_return: bool) -> None:
        """Have a statement return its rows where its values do not tell them, or where it may meet other rows.

        Under READ COMMITTED a statement sees what committed after our look at the rows of its condition, so that it may
        change rows that we have not seen. SQLite lets nobody else write in between.
        """
        if not may_return or watched.sql:
            return
        others = not watched.by_key and not self._dynamic
        dml = watched.reading.dml
        if others or (dml.verb == "update" and watched.before and not is_told(watched, watched.sets[0])):
            self._want(watched)

    def _want(self, watched: Watched) -> None:
        """Have the statement return columns of the rows as they are after it, or of those that it deletes."""
        dml, plan = watched.reading.dml, watched.plan
        watched.wanted = len(watched.columns)
        # SQLite returns columns of the changed table and knows no alias there; PostgreSQL may have others beside it.
        alias = None if self._dynamic else dml.alias
        watched.returning = column_list(plan.table, watched.columns, alias)
        watched.sql = ended(watched.reading.text, dml) + watched.returning

    def _want_both(self, watched: Watched) -> None:
        """Have an UPDATE lock its rows, and return them as they were and as they are, all in one go.

        PostgreSQL has no name for the row before. But the rows may be joined to themselves, read under their lock::

            UPDATE orders SET note = … FROM (SELECT orders."id" AS o0, … FROM orders WHERE id = … FOR UPDATE)
            AS ordertrail_before WHERE id = … AND orders."id" = ordertrail_before.o0 RETURNING ordertrail_before.o0, …
        """
        told = is_told(watched, watched.sets[0])
        watched.wanted_before = len(watched.columns)
        watched.wanted = watched.wanted_before if told else 2 * watched.wanted_before
        known = self._joined.get((watched.reading.text, told))
        if known is None:
            if len(self._joined) >= REMEMBERED:
                self._joined.clear()
            known = self._joined[watched.reading.text, told] = joined_update(
                watched.reading, watched.columns, told=told
            )
        watched.sql = known

    def _before_children(self, watched: Watched, asker: Asker) -> None:
        """Read the rows that the database itself will delete or change with the statement's own."""
        dml = watched.reading.dml
        table, columns = self._cascades.parent(dml)
        if watched.before:
            places = [watched.columns.index(watched.plan.index[name]) for name in columns if columns]
            rows = [tuple(row[place] for place in places) for row in watched.before.values()]
        elif watched.reading.plans:
            return
        else:
            rows = []
            names = [place for place, one in enumerate(table.columns) if one.name in columns]
            for given in watched.sets:
                rows += matching_rows(asker, dml, table, names, given, lock=False)
            columns = tuple(table.columns[place].name for place in names)
        watched.children = self._cascades.children(asker, dml, columns, rows)


def _lacks_keys(watched: Watched) -> bool:
    """Say whether an INSERT makes rows whose values and whose keys only the database can tell."""
    unknown = any(
        key is None and image is None for key, image in zip(watched.keys, watched.images, strict=True)
    )
    return unknown or not watched.reading.dml.rows


def _lacks_only(image: Image, key: Sequence[int]) -> bool:
    """Say whether only a row's key is untold."""
    return all(value is not UNTOLD or place in key for place, value in enumerate(image))
