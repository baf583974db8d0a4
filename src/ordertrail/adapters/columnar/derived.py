"""Files of a segment that are made of what the log tells: the side index of orders, and rollups.

The rollups are the query room's own statements, over the segment's tables in memory: what it has of its events is what
the index has of them.
"""

from collections.abc import Sequence

import pyarrow as pa
from sqlalchemy import true

from ordertrail.adapters.columnar.arrow import Told, plain
from ordertrail.adapters.columnar.duck import Duck, compiled
from ordertrail.adapters.columnar.schema import DAY_FILE, FIRST_FILE, HOUR_FILE, MONEY_FILE, MOVE_FILE, ORDERS
from ordertrail.query import statements

_ORDERS = """
SELECT "order", coalesce(tenant, '') AS tenant, time, position, action, outcome, actor, sensitive, number
FROM told_event WHERE "order" IS NOT NULL
"""
_MOVE = (
    "order", "tenant", "time", "position", "action", "outcome", "actor", "sensitive", "currency", "delta",
)  # fmt: skip
"""Columns in the sequence in which the statement of moves has them."""
_VIEWS = """
WITH event AS NOT MATERIALIZED (SELECT *, position AS key FROM told_event),
  change AS NOT MATERIALIZED (SELECT *, position AS key FROM told_change)
"""


def derived(duck: Duck, told: Told) -> Sequence[pa.Table]:
    """Return the tables of the derived files, as :data:`~ordertrail.adapters.columnar.schema.DERIVED` lists them."""
    tables = {"told_event": plain(told.events), "told_change": plain(told.changes)}
    found = [duck.table(_ORDERS, tables).cast(plain_schema(ORDERS)).cast(ORDERS)]
    for file, statement in (
        (DAY_FILE, statements.day_rows(true())),
        (HOUR_FILE, statements.hour_rows(true())),
        (MONEY_FILE, statements.money_rows(true())),
        (MOVE_FILE, statements.netted_rows(true())),
        (FIRST_FILE, statements.first_rows(true())),
    ):
        text, parameters = compiled(statement)
        names = _MOVE if file is MOVE_FILE else file.schema.names
        table = duck.table(_VIEWS + text, tables, parameters).rename_columns(names).select(file.schema.names)
        found.append(table.cast(plain_schema(file.schema)).cast(file.schema))
    return found


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """Return a schema with its texts as texts."""
    return plain(schema.empty_table()).schema
