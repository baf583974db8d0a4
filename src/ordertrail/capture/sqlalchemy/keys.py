"""Which primary keys an INSERT's rows were given, as SQLAlchemy knows them."""

from collections.abc import Sequence
from typing import Any

from ordertrail.capture.plan import Image
from ordertrail.capture.sql.watching import Watched


def tells_keys(context: Any, *, executemany: bool) -> bool:
    """Say whether SQLAlchemy will know the keys that an INSERT's rows are given, in the order of the rows."""
    if context is None or context.compiled is None or not context.isinsert or context._is_explicit_returning:  # noqa: SLF001 - there is no public way to ask
        return False
    return not executemany or bool(getattr(context.compiled.statement, "_sort_by_parameter_order", False))


def new_keys(result: Any, watched: Watched) -> list[Image | None]:
    """Return the primary keys of the rows that an INSERT made, as SQLAlchemy has read them."""
    context = result.context
    if not context.compiled or not context.isinsert or watched.reading.how != "insert":
        return []
    names = [watched.plan.columns[place].name for place in watched.plan.key]
    if context._is_explicit_returning:  # noqa: SLF001 - there is no public way to ask
        return _keys_in_buffer(result, names)
    rows = context.inserted_primary_key_rows
    order = [column.name for column in context.compiled.compile_state.dml_table.primary_key]
    places = [order.index(name) for name in names]
    return [tuple(row[place] for place in places) if row and None not in row else None for row in rows or ()]


def _keys_in_buffer(result: Any, names: Sequence[str]) -> list[Image | None]:
    """Find keys among the rows that the application asked for, without taking any from it."""
    strategy = result.cursor_strategy
    buffer = getattr(strategy, "_rowbuffer", None)
    description = strategy.alternate_cursor_description or result.cursor.description
    order = [one[0] for one in description]
    if buffer is None or not set(names) <= set(order):
        return []
    places = [order.index(name) for name in names]
    return [tuple(row[place] for place in places) for row in buffer]
