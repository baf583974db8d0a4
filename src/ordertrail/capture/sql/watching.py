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
from ordertrail.capture.plan import Image, TablePlan
from ordertrail.capture.sql.asking import Asker, by_keys
from ordertrail.capture.sql.given import (
    attempted_images,
    by_key,
    computed_pairs,
    expected_rows,
    filled,
    tells_all,
)
from ordertrail.capture.sql.looking import Looking
from ordertrail.capture.sql.readings import Reading, Watched
from ordertrail.capture.sql.recording import (
    record,
    record_statement,
    record_table_read,
)
from ordertrail.capture.sql.snapshots import SNAPSHOT, renamed, snapshot
from ordertrail.capture.sql.upserts import candidates
from ordertrail.capture.transaction import Pair, Transaction
from ordertrail.capture.verdict import filtering_rule

__all__ = ["Reading", "Watch", "Watched"]

logger = logging.getLogger("ordertrail.capture")

ROWS_REMEMBERED = 1_000
"""Rows of one INSERT that are remembered for statements after it."""


class Watch(Looking):
    """Watches the statements of one database. Holds no connection; may be used from many threads."""

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
        rows = by_keys(asker, plan.table, columns, plan.table.key, list(dict.fromkeys(keys)), lock=False)
        if rows:
            record(
                transaction,
                asker,
                self.plans.schema,
                plan,
                "read",
                columns,
                [(row, None) for row in rows],
            )

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
        if watched.picture is not None:
            transaction.forget(watched.plan)
            transaction.add_columns(watched.picture.changes)
            self._check(transaction, watched, rowcount, watched.picture.rows)
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
            if not plan.table.triggers:
                self._check(transaction, watched, len(watched.images), len(rows))
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
        self._record(transaction, asker, watched, "insert", [(None, row) for row in rows])

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
        read = _read_back(asker, watched, wanted)
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
        after = by_key(plan, watched.columns, rows)
        after |= _read_back(asker, watched, [key for key in watched.before if key not in after])
        # Rows that came to be between our look and the statement: it updated them, and what they were nobody saw.
        unseen = [(None, after.pop(key)) for key in met - watched.before.keys() if key in after]
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
            pairs = list(zip(watched.before.values(), watched.after, strict=True))
        elif watched.wanted_before:
            pairs = computed_pairs(watched)
        elif returned is not None:
            after = by_key(plan, watched.columns, returned)
            pairs = [(watched.before.get(key), row) for key, row in after.items()]
        elif rowcount in {-1, expected_rows(watched)} and tells_all(watched):
            pairs = computed_pairs(watched)
        else:
            after = _read_back(asker, watched, list(watched.before))
            pairs = [(row, after[key]) for key, row in watched.before.items() if key in after]
        self._keep(transaction, watched, pairs)
        self._record(transaction, asker, watched, "update", pairs)
        found = len(pairs) if returned is not None else expected_rows(watched)
        self._check(transaction, watched, rowcount, found)

    def _take_both(self, watched: Watched, returned: Sequence[Image]) -> None:
        """Take apart what an UPDATE returned of its rows before and after."""
        plan, count = watched.plan, watched.wanted_before
        watched.before = by_key(plan, watched.columns, returned)
        if watched.wanted > count:
            watched.after = [row[count:] for row in watched.before.values()]
            watched.before = {key: row[:count] for key, row in watched.before.items()}
        watched.by_key = watched.by_key and watched.before.keys() >= set(watched.keys)

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
            for key in _read_back(asker, watched, list(gone)):
                del gone[key]
        for key in gone:
            transaction.forget(plan, key)
        pairs: list[Pair] = [(row, None) for row in gone.values()]
        self._record(transaction, asker, watched, "delete", pairs)
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
            pairs: list[Pair] = [(None, row) for row in rows]
            op: Literal["insert", "update", "delete"] = "insert"
        else:
            op = "delete" if watched.reading.how == "delete" else "update"
            told = op == "update" and tells_all(watched)
            pairs = computed_pairs(watched) if told else [(row, None) for row in watched.before.values()]
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
        inserted: list[Pair] = [(None, row) for key, row in after.items() if key not in before]
        deleted: list[Pair] = [(row, None) for key, row in before.items() if key not in after]
        updated: list[Pair] = [
            (row, after[key]) for key, row in before.items() if key in after and after[key] != row
        ]
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


def _read_back(asker: Asker, watched: Watched, keys: Sequence[Image]) -> dict[Image, Image]:
    """Return rows as they are after the statement, by their keys; those that are gone are missing."""
    plan = watched.plan
    rows = by_keys(asker, plan.table, watched.columns, plan.table.key, keys, lock=False)
    return by_key(plan, watched.columns, rows)
