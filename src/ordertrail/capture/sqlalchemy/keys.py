"""Which primary keys an INSERT's rows were given, as the driver tells SQLAlchemy."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy

from ordertrail.capture.plan import Image
from ordertrail.capture.sql.watching import Watched


def tells_keys(context: Any) -> bool:
    """Say whether SQLAlchemy will ask for the keys that an INSERT's rows are given, and the application for nothing."""
    return context.compiled is not None and context.isinsert and not context._is_explicit_returning  # noqa: SLF001 - there is no public way to ask


def new_keys(cursor: Any, context: Any, watched: Watched) -> Sequence[Image | None]:
    """Return the key of the one row that an INSERT made: returned, or told by the driver; none where it is neither."""
    if cursor.description is not None:
        rows = cursor.fetchall()
        context.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(
            cursor, alternate_description=cursor.description, initial_buffer=rows
        )
        return keys_among(cursor.description, rows, watched)
    if context.compiled.postfetch_lastrowid and len(watched.plan.key) == 1:
        return [(context.get_lastrowid(),)]
    return []


def keys_among(description: Any, rows: Sequence[Any], watched: Watched) -> list[Image | None]:
    """Return the keys that stand in returned rows; none where their columns are not all among them."""
    order = [one[0] for one in description]
    names = [watched.plan.columns[place].name for place in watched.plan.key]
    if not set(names) <= set(order):
        return []
    places = [order.index(name) for name in names]
    return [tuple([row[place] for place in places]) for row in rows]
