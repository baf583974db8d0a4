"""Which rows an upsert may meet: asked for before it, to know what they were, and after it, to know what they are."""

import logging
from collections.abc import Sequence

from ordertrail.capture.plan import Image
from ordertrail.capture.schema import quoted
from ordertrail.capture.sql.asking import Asker, Query, by_keys, column_list
from ordertrail.capture.sql.dml import EXPRESSION
from ordertrail.capture.sql.given import given_keys
from ordertrail.capture.sql.readings import Watched

logger = logging.getLogger("ordertrail.capture")


def candidates(watched: Watched, asker: Asker, *, lock: bool) -> list[Image]:
    """Return the rows that an upsert may meet: those that have one of its rows' unique keys."""
    plan, dml = watched.plan, watched.reading.dml
    names = dml.columns or tuple(column.name for column in plan.columns)
    uniques = [plan.table.key, *plan.table.unique]
    if not dml.rows or any(EXPRESSION in row for row in dml.rows):
        return _joined_candidates(watched, asker, names, uniques, lock=lock)
    rows: list[Image] = []
    for unique in uniques:
        keys = given_keys(watched, names, unique)
        rows += by_keys(asker, plan.table, watched.columns, unique, list(dict.fromkeys(keys)), lock=lock)
    return rows


def _joined_candidates(
    watched: Watched,
    asker: Asker,
    names: Sequence[str],
    uniques: Sequence[Sequence[str]],
    *,
    lock: bool,
) -> list[Image]:
    """Return them where the rows come from a query: by joining it."""
    plan, dml = watched.plan, watched.reading.dml
    conditions = [
        "(" + " AND ".join(f"t.{quoted(name)} = ordertrail_given.{quoted(name)}" for name in unique) + ")"
        for unique in uniques
        if set(unique) <= set(names)
    ]
    if not conditions:
        return []
    rows: list[Image] = []
    for given in watched.sets:
        query = Query().clause(dml.with_, given).text(", " if dml.with_ else "WITH ", "ordertrail_given(")
        query.text(", ".join(map(quoted, names)), ") AS (").clause(dml.query, given).text(") SELECT ")
        query.text(
            column_list(plan.table, watched.columns, "t"),
            " FROM ",
            plan.table.name.sql,
            " AS t WHERE EXISTS (",
        )
        query.text("SELECT 1 FROM ordertrail_given WHERE ", " OR ".join(conditions), ")")
        if lock and asker.dialect == "postgresql":
            query.text(" FOR UPDATE OF t")
        found = asker.attempt(*query.written(asker.style))
        if found is None:
            logger.warning("the rows that an upsert into %s may meet could not be read", plan.name)
        rows += found or []
    return rows
