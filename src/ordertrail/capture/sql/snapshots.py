"""Statements whose rows cannot be told beforehand: a picture of the whole table before and after, where it is small."""

from collections.abc import Mapping

from ordertrail.capture.plan import Image, TablePlan
from ordertrail.capture.schema import TableName
from ordertrail.capture.sql.asking import Asker, all_rows
from ordertrail.capture.sql.dml import Dml
from ordertrail.capture.sql.scan import scan
from ordertrail.capture.transaction import Pair

SNAPSHOT = 100_000
"""Rows of the largest table that is compared as a whole."""

_HARMLESS = frozenset(
    {"CREATE", "ANALYZE", "VACUUM", "REINDEX", "LOCK", "COMMENT", "GRANT", "REVOKE", "DECLARE", "CLOSE", "DISCARD",
     "RESET", "CHECKPOINT", "CLUSTER", "ATTACH", "DETACH", "PREPARE", "DEALLOCATE", "TABLE", "UNLISTEN", "MOVE"}
)  # fmt: skip
"""Words that begin statements which change no rows, whatever tables they name."""

_CHANGING = frozenset({"TRIGGER", "RULE", "FUNCTION", "PROCEDURE", "AS"})


def snapshot(asker: Asker, plan: TablePlan) -> dict[Image, Image] | None:
    """Return a table's rows by their keys, and let nobody else write it; None where there are too many.

    What others write between two pictures would look as if the statement had done it.
    """
    if asker.dialect == "postgresql":
        asker.run(f"LOCK TABLE {plan.table.name.sql} IN SHARE ROW EXCLUSIVE MODE", ())
    rows = all_rows(asker, plan.table, SNAPSHOT)
    return None if rows is None else {tuple(row[place] for place in plan.key): row for row in rows}


def renamed(
    plan: TablePlan, columns: tuple[int, ...], deleted: list[Pair], inserted: list[Pair]
) -> list[Pair]:
    """Take rows out of both lists that are the same but for their key, where that is certain; return them as pairs."""
    others = [place for place, column in enumerate(columns) if column not in plan.key]
    old: dict[Image, list[Pair]] = {}
    new: dict[Image, list[Pair]] = {}
    for pairs, rows in ((deleted, old), (inserted, new)):
        for pair in pairs:
            image = pair[0] or pair[1] or ()
            rows.setdefault(tuple(image[place] for place in others), []).append(pair)
    renamed: list[Pair] = []
    for rest, was in old.items():
        now = new.get(rest, [])
        if len(was) == len(now) == 1:
            deleted.remove(was[0])
            inserted.remove(now[0])
            renamed.append((was[0][0], now[0][1]))
    return renamed


def tables_written(sql: str, dml: Dml, known: Mapping[TableName, TablePlan]) -> list[TableName] | None:
    """Return the audited tables that a statement may change; None where it changes none.

    An empty list means that it may change some, and that nobody can tell which.
    """
    tokens = scan(sql)
    first = tokens[0].word
    mentioned = list(dict.fromkeys(name for name in dml.tables if name in known))
    if first in {"CALL", "DO", "EXECUTE"}:
        return mentioned
    if not mentioned:
        return None
    if first in _HARMLESS and not (first == "CREATE" and tokens[1].word in _CHANGING):
        return None
    parsed = _parsed(sql)
    if parsed is None:
        return mentioned
    return [name for name in mentioned if name in parsed] or None


def _parsed(sql: str) -> set[TableName] | None:
    """Return the tables that sqlglot finds written in a statement; None where it cannot read it, or is missing."""
    try:
        import sqlglot
        from sqlglot import exp
    except ImportError:
        return None
    text = _without_parameters(sql)
    try:
        trees = sqlglot.parse(text, read="postgres")
    except sqlglot.errors.SqlglotError:
        return None
    written: set[TableName] = set()
    for tree in trees:
        if tree is None:
            continue
        if isinstance(tree, exp.Command | exp.Drop | exp.Alter | exp.Copy):
            return None
        for node in tree.find_all(exp.Insert, exp.Update, exp.Delete, exp.Merge):
            target = node.this.find(exp.Table) if node.this is not None else None
            if target is not None:
                written.add(TableName(target.name, None))
                written.add(TableName(target.name, target.db or None))
    return written


def _without_parameters(sql: str) -> str:
    """Return a statement with NULL in the place of each parameter, whatever the driver's style."""
    pieces, at = [], 0
    for token in scan(sql):
        if token.slot is not None:
            pieces += [sql[at : token.start], "NULL"]
            at = token.end
    return "".join((*pieces, sql[at:])).replace("%%", "%")
