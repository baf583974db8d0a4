"""Before and after each statement: which rows it is about, what they were, and what they became.

An adapter calls :meth:`Watch.before` with a statement and its parameters just before it runs, and
:meth:`Watch.after` with what came of it just after, on the connection that runs it. In between stands a
:class:`Watched`, which may ask for another text of the statement to be run (``sql``): the same, but that it returns
``wanted`` more columns at the end of its rows.

What is said to have been before was read from the database under the lock that the statement takes anyway, never
taken from what the application remembers: another transaction may have changed the row since it was loaded. What is
said to be after is what the statement was given where the database keeps just that
(:func:`ordertrail.capture.values.is_exact`), and is read back where it may not.

Statements of ours, beside the application's one: for an INSERT none, where its values say all, else none or one; for
UPDATE and DELETE one for the rows before, none where this transaction has seen them already; one for the rows after
where values cannot tell. Never one a row.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Literal

from ordertrail.capture.context import current
from ordertrail.capture.plan import Image, Plans, TablePlan
from ordertrail.capture.sql.asking import Asker, Parameters, by_keys, column_list, value_of
from ordertrail.capture.sql.cascades import Cascades
from ordertrail.capture.sql.clauses import Dml
from ordertrail.capture.sql.given import (
    UNTOLD,
    attempted_images,
    by_key,
    computed_pairs,
    expected_rows,
    filled,
    given_image,
    is_told,
    tells_all,
)
from ordertrail.capture.sql.joined import ended, joined_update, matching_rows
from ordertrail.capture.sql.readings import REMEMBERED, Reading, Readings, Watched
from ordertrail.capture.sql.recording import (
    find_sources,
    record,
    record_statement,
    record_table_read,
)
from ordertrail.capture.sql.snapshots import SNAPSHOT, renamed, snapshot
from ordertrail.capture.sql.upserts import candidates
from ordertrail.capture.transaction import CACHED, Pair, Transaction
from ordertrail.capture.verdict import filtering_rule

__all__ = ["Reading", "Watch", "Watched"]

logger = logging.getLogger("ordertrail.capture")

ROWS_REMEMBERED = 1_000
"""Rows of one INSERT that are remembered for statements after it."""


class Watch(Readings):
    """Watches the statements of one database. Holds no connection; may be used from many threads."""

    def __init__(self, plans: Plans, *, dynamic: bool) -> None:
        super().__init__(plans, Cascades(plans))
        self._dynamic = dynamic
        self._joined: dict[tuple[str, bool], str] = {}

    def record_read(
        self, transaction: Transaction, asker: Asker, plan: TablePlan, keys: Sequence[Image] | None
    ) -> None:
        """Record that rows were read, as the policy's rule or sample says; None: some rows, nobody can tell which."""
        rule = filtering_rule(self.plans.policy, current())
        if rule is not None or not plan.wants_read():
            transaction.leave_out(rule or "sample", plan.name, len(keys) if keys is not None else 1)
            return
        if keys is None:
            record_table_read(transaction, plan)
            return
        columns = tuple(sorted(plan.essential))
        names = [plan.columns[place].name for place in plan.key]
        rows = by_keys(asker, plan.table, columns, names, list(dict.fromkeys(keys)), lock=False)
        if rows:
            record(
                transaction,
                asker,
                self.plans.schema,
                plan,
                "read",
                columns,
                [Pair(row, None) for row in rows],
            )

    # Before -----------------------------------------------------------------------------------------------------

    def before(
        self,
        transaction: Transaction,
        asker: Asker,
        sql: str,
        sets: Sequence[Parameters],
        *,
        may_return: bool,
        keys_told: bool = False,
    ) -> Watched | None:
        """Look at the rows that a statement is about to change; None where it is nothing of ours.

        ``sets`` are the parameters, one set for each time the statement runs. ``may_return``: the adapter can have
        the statement return more than was asked for. ``keys_told``: it will know the keys that an INSERT's rows are
        given, in the order of the rows.
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
            case "upsert":
                self._before_upsert(watched, asker, may_return=may_return)
            case "update" | "delete":
                self._before_change(transaction, watched, asker, may_return=may_return)
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
        watched.columns = tuple(range(len(plan.columns)))
        for parameters in watched.sets:
            for row in dml.rows:
                image, key = given_image(plan, dml, row, parameters)
                watched.keys.append(key)
                untold = [place for place, value in enumerate(image) if value is UNTOLD]
                watched.images.append(None if untold else image)
                if keys_told and len(dml.rows) == 1 and untold and all(place in plan.key for place in untold):
                    watched.lacking.append(image)
        if len(watched.lacking) < len(watched.images):
            watched.lacking.clear()
        if may_return and not watched.lacking and (not dml.rows or None in watched.images):
            self._want(watched)

    def _before_upsert(self, watched: Watched, asker: Asker, *, may_return: bool) -> None:
        plan = watched.plan
        watched.columns = tuple(range(len(plan.columns)))
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
        self, transaction: Transaction, watched: Watched, asker: Asker, *, may_return: bool
    ) -> None:
        plan, dml = watched.plan, watched.reading.dml
        slots = dict(dml.key_slots)
        names = [plan.columns[place].name for place in plan.key]
        if not dml.with_ and not dml.beside and all(name in slots for name in names):
            watched.by_key = True
            watched.columns = tuple(range(len(plan.columns)))
            wanted = [slots[name] for name in names]
            keys = [tuple([value_of(given, slot) for slot in wanted]) for given in watched.sets]
            watched.keys = list(keys)
            # If an attempt on what is sensitive fails it returns nothing, and yet the rows must be known.
            sensitive = any(plan.index.get(name) in plan.sensitive for name, _ in dml.sets)
            joins = may_return and not sensitive and self._may_join(dml, asker)
            if joins and (plan.name, keys[0]) not in transaction.rows:
                self._want_both(watched)
                return
            watched.before = self._read_by_keys(transaction, asker, plan, keys)
            if watched.before.keys() >= set(keys):
                return
            # '7' may be meant for 7, which is the database's to compare.
            watched.by_key, watched.keys = False, []
        changed = [plan.index[name] for name, _ in dml.sets if name in plan.index] if dml.sets else None
        watched.columns = plan.columns_for(changed)
        if may_return and self._may_join(dml, asker):
            self._want_both(watched)
            return
        rows = [
            row
            for given in watched.sets
            for row in matching_rows(asker, dml, plan.table, watched.columns, given, lock=True)
        ]
        watched.before = by_key(plan, watched.columns, rows)

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
        names = [plan.columns[place].name for place in plan.key]
        rows = by_keys(asker, plan.table, range(len(plan.columns)), names, missing, lock=True)
        read = by_key(plan, range(len(plan.columns)), rows)
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
        watched.sql = ended(watched.reading.text, dml) + column_list(plan.table, watched.columns, alias)

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

    # After ------------------------------------------------------------------------------------------------------

    def after(
        self,
        transaction: Transaction,
        asker: Asker,
        watched: Watched,
        *,
        rowcount: int,
        returned: Sequence[Image] | None = None,
        keys: Sequence[Image | None] = (),
    ) -> None:
        """Record what a statement did.

        ``rowcount``: rows that it says it changed, -1 where it does not say. ``returned``: the ``wanted`` columns,
        None where there are none. ``keys``: the primary keys that an INSERT's rows were given.
        """
        reading = watched.reading
        if watched.filtered is not None:
            rows = rowcount if rowcount >= 0 else len(watched.sets)
            if rows and reading.how != "children":
                name = reading.plans[0].name if reading.plans else "(unknown)"
                transaction.leave_out(watched.filtered, name, rows)
            return
        match reading.how:
            case "insert":
                self._after_insert(transaction, asker, watched, rowcount, returned, keys)
            case "upsert":
                self._after_upsert(transaction, asker, watched, rowcount, returned)
            case "update":
                self._after_update(transaction, asker, watched, rowcount, returned)
            case "delete":
                self._after_delete(transaction, asker, watched, rowcount, returned)
            case "snapshot":
                self._after_snapshot(transaction, asker, watched, rowcount)
            case "statement":
                record_statement(
                    transaction, reading.text, reading.plans[0] if reading.plans else None, rowcount
                )
        seen = {(watched.plan.name, key) for key in watched.before} if reading.how == "delete" else set()
        for children in watched.children:
            self._cascades.record(transaction, asker, children, seen)

    def _after_insert(
        self,
        transaction: Transaction,
        asker: Asker,
        watched: Watched,
        rowcount: int,
        returned: Sequence[Image] | None,
        keys: Sequence[Image | None],
    ) -> None:
        plan = watched.plan
        rows: list[Image]
        if returned is not None:
            rows = list(returned)
        else:
            known = (
                [key or given for key, given in zip(keys, watched.keys, strict=False)]
                if keys
                else watched.keys
            )
            rows = self._completed(asker, watched, known)
            self._check(transaction, watched, max(rowcount, len(watched.images)), len(rows))
        for row in rows[:ROWS_REMEMBERED]:
            transaction.remember(plan, row)
        self._record(transaction, asker, watched, "insert", [Pair(None, row) for row in rows])

    def _completed(self, asker: Asker, watched: Watched, keys: Sequence[Image | None]) -> list[Image]:
        """Return inserted rows: those whose values tell all, and the others read back by their keys."""
        plan = watched.plan
        if None not in watched.images and watched.images:
            return [image for image in watched.images if image is not None]
        if watched.lacking and len(keys) == len(watched.lacking):
            complete = [filled(plan, image, key) for image, key in zip(watched.lacking, keys, strict=True)]
            if None not in complete:
                return [image for image in complete if image is not None]
        wanted = [
            key for key, image in zip(keys, watched.images, strict=False) if image is None and key is not None
        ]
        names = [plan.columns[place].name for place in plan.key]
        read = by_key(
            plan, watched.columns, by_keys(asker, plan.table, watched.columns, names, wanted, lock=False)
        )
        rows = []
        for key, image in zip(keys, watched.images, strict=False):
            row = image if image is not None else read.get(key) if key is not None else None
            if row is not None:
                rows.append(row)
        return rows

    def _after_upsert(
        self,
        transaction: Transaction,
        asker: Asker,
        watched: Watched,
        rowcount: int,
        returned: Sequence[Image] | None,
    ) -> None:
        plan = watched.plan
        met: set[Image] = set()
        if returned is not None and not self._dynamic:
            places = [watched.columns.index(place) for place in plan.key]
            met = {tuple(row[place] for place in places) for row in returned if not row[-1]}
            returned = [row[:-1] for row in returned]
        rows = list(returned or ()) + candidates(watched, asker, lock=False)
        names = [plan.columns[place].name for place in plan.key]
        after = by_key(plan, watched.columns, rows)
        gone = [key for key in watched.before if key not in after]
        rows = by_keys(asker, plan.table, watched.columns, names, gone, lock=False)
        after |= by_key(plan, watched.columns, rows)
        # Rows that came to be between our look and the statement: it updated them, and what they were nobody saw.
        unseen = [Pair(None, after.pop(key)) for key in met - watched.before.keys() if key in after]
        self._record(transaction, asker, watched, "update", unseen)
        found = self._differences(transaction, asker, watched, plan, watched.columns, watched.before, after)
        if returned is None:
            self._check(transaction, watched, max(found, rowcount), found, upsert=True)

    def _after_update(
        self,
        transaction: Transaction,
        asker: Asker,
        watched: Watched,
        rowcount: int,
        returned: Sequence[Image] | None,
    ) -> None:
        plan = watched.plan
        if returned is not None and watched.wanted_before:
            self._take_both(watched, returned)
        if rowcount == 0 or (not watched.before and rowcount < 0):
            return
        pairs: list[Pair] = []
        if watched.after:
            pairs = list(map(Pair, watched.before.values(), watched.after))
        elif watched.wanted_before:
            pairs = computed_pairs(watched)
        elif returned is not None:
            after = by_key(plan, watched.columns, returned)
            pairs = [Pair(watched.before.get(key), row) for key, row in after.items()]
        elif rowcount in {-1, expected_rows(watched)} and tells_all(watched):
            pairs = computed_pairs(watched)
        else:
            names = [plan.columns[place].name for place in plan.key]
            rows = by_keys(asker, plan.table, watched.columns, names, list(watched.before), lock=False)
            after = by_key(plan, watched.columns, rows)
            pairs = [Pair(row, after[key]) for key, row in watched.before.items() if key in after]
        self._keep(transaction, watched, pairs)
        self._record(transaction, asker, watched, "update", pairs)
        found = len(pairs) if returned is not None else expected_rows(watched)
        self._check(transaction, watched, rowcount, found)

    def _take_both(self, watched: Watched, returned: Sequence[Image]) -> None:
        """Take apart what an UPDATE returned of its rows before and after."""
        plan, count = watched.plan, watched.wanted_before
        rows = by_key(plan, watched.columns, returned)
        watched.before = {key: row[:count] for key, row in rows.items()}
        watched.by_key = watched.by_key and watched.before.keys() >= set(watched.keys)
        if watched.wanted > count:
            watched.after = [row[count:] for row in rows.values()]

    def _after_delete(
        self,
        transaction: Transaction,
        asker: Asker,
        watched: Watched,
        rowcount: int,
        returned: Sequence[Image] | None,
    ) -> None:
        plan = watched.plan
        gone = dict(watched.before)
        if returned is not None:
            gone = by_key(plan, watched.columns, returned)
            if not gone.keys() <= watched.before.keys():
                watched.sources.clear()  # what was found before is not about all of them
        elif rowcount not in {-1, len(gone)}:
            names = [plan.columns[place].name for place in plan.key]
            left = by_keys(asker, plan.table, watched.columns, names, list(gone), lock=False)
            for key in by_key(plan, watched.columns, left):
                del gone[key]
        for key in gone:
            transaction.forget(plan, key)
        self._record(transaction, asker, watched, "delete", [Pair(row, None) for row in gone.values()])
        self._check(transaction, watched, rowcount, len(gone))

    def _after_snapshot(
        self, transaction: Transaction, asker: Asker, watched: Watched, rowcount: int
    ) -> None:
        found = 0
        for plan in watched.reading.plans:
            before = watched.snapshots[plan.table.name]
            after = snapshot(asker, plan) if before is not None else None
            transaction.forget(plan)
            if before is None or after is None:
                logger.warning(
                    "%s has more than %d rows; the statement itself is recorded", plan.name, SNAPSHOT
                )
                record_statement(transaction, watched.reading.text, plan, rowcount)
                found += 1
                continue
            columns = tuple(range(len(plan.columns)))
            found += self._differences(transaction, asker, watched, plan, columns, before, after)
        if not found and watched.reading.dml.verb == "other" and rowcount > 0:
            record_statement(transaction, watched.reading.text, watched.plan, rowcount)

    def failed(self, transaction: Transaction, watched: Watched, *, denied: bool) -> None:
        """Record an attempt that the database refused; nothing is asked of it, for its transaction may be doomed."""
        if watched.filtered is not None or not watched.reading.plans or not watched.plan.sensitive:
            return
        outcome: Literal["denied", "failed"] = "denied" if denied else "failed"
        plan = watched.plan
        if watched.reading.how in {"insert", "upsert"}:
            rows = attempted_images(watched)
            pairs = [Pair(None, row) for row in rows]
            op: Literal["insert", "update", "delete"] = "insert"
        else:
            op = "delete" if watched.reading.how == "delete" else "update"
            told = op == "update" and tells_all(watched)
            pairs = computed_pairs(watched) if told else [Pair(row, None) for row in watched.before.values()]
        if not pairs:
            record_statement(transaction, watched.reading.text, plan, -1, outcome)
            return
        record(transaction, None, self.plans.schema, plan, op, watched.columns, pairs, outcome)

    # Parts ------------------------------------------------------------------------------------------------------

    def _record(
        self,
        transaction: Transaction,
        asker: Asker,
        watched: Watched,
        op: Literal["insert", "update", "delete"],
        pairs: Sequence[Pair],
    ) -> None:
        if pairs:
            sources = watched.sources.get(watched.plan.table.name) if op == "delete" else None
            record(
                transaction,
                asker,
                self.plans.schema,
                watched.plan,
                op,
                watched.columns,
                pairs,
                sources=sources,
            )

    def _differences(
        self, transaction: Transaction, asker: Asker, watched: Watched, plan: TablePlan, columns: tuple[int, ...],
        before: Mapping[Image, Image], after: Mapping[Image, Image],
    ) -> int:  # fmt: skip
        """Record what is different between two pictures of rows; return how many rows are."""
        inserted = [Pair(None, row) for key, row in after.items() if key not in before]
        deleted = [Pair(row, None) for key, row in before.items() if key not in after]
        updated = [Pair(row, after[key]) for key, row in before.items() if key in after and after[key] != row]
        if watched.reading.dml.verb == "update":
            updated += renamed(plan, columns, deleted, inserted)
        for key in before:
            transaction.forget(plan, key)
        for op, pairs in (("delete", deleted), ("update", updated), ("insert", inserted)):
            if pairs:
                sources = watched.sources.get(plan.table.name) if op == "delete" else None
                record(transaction, asker, self.plans.schema, plan, op, columns, pairs, sources=sources)  # type: ignore[arg-type]
        return len(inserted) + len(deleted) + len(updated)

    @staticmethod
    def _keep(transaction: Transaction, watched: Watched, pairs: Sequence[Pair]) -> None:
        """Remember rows as they are now, or forget what is known of the table where too much changed."""
        plan = watched.plan
        if not watched.by_key or len(pairs) > ROWS_REMEMBERED:
            transaction.forget(plan)
            return
        for before, after in pairs:
            if before is not None:
                transaction.forget(plan, tuple(before[place] for place in plan.key))
            if after is not None:
                transaction.remember(plan, after)

    @staticmethod
    def _check(
        transaction: Transaction, watched: Watched, rowcount: int, found: int, *, upsert: bool = False
    ) -> None:
        """Record the statement itself where it changed more rows than are accounted for: never in silence."""
        if rowcount > found and not upsert:
            logger.warning(
                "%d of %d rows that a statement changed in %s are not accounted for; the statement is recorded",
                rowcount - found, rowcount, watched.plan.name,
            )  # fmt: skip
            record_statement(transaction, watched.reading.text, watched.plan, rowcount - found)
