"""Which rows a query read: told by its result, without taking a row from the application."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy

from ordertrail.capture.plan import Image, TablePlan
from ordertrail.capture.schema import TableName


def rows_read(
    cursor: Any, context: Any, plans: Sequence[TablePlan]
) -> Iterator[tuple[TablePlan, list[Image] | None]]:
    """Yield the keys of the rows of each table that a query returned; None where its columns do not tell.

    The rows are buffered for this, but for a result that the application streams, whose rows nobody can tell.
    """
    if cursor.description is None:
        return
    placed = [(plan, _key_places(cursor, context, plan)) for plan in plans]
    streamed = context._is_server_side or context.execution_options.get("yield_per")  # noqa: SLF001 - there is no public way to ask
    rows: list[Any] = []
    if not streamed and any(places is not None for _, places in placed):
        rows = list(cursor.fetchall())
        context.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(
            cursor, alternate_description=cursor.description, initial_buffer=rows
        )
    for plan, places in placed:
        if places is None or streamed:
            yield plan, None
        else:
            keys = [tuple(row[place] for place in places) for row in rows]
            yield plan, [key for key in keys if None not in key]


def _key_places(cursor: Any, context: Any, plan: TablePlan) -> list[int] | None:
    """Return where in a result the columns of a table's key stand."""
    names = [plan.columns[place].name for place in plan.key]
    found: dict[str, int] = {}
    columns = getattr(context.compiled, "_result_columns", None) if context.compiled is not None else None
    if columns:
        for place, entry in enumerate(columns):
            for one in entry.objects or ():
                table = getattr(one, "table", None)
                name = TableName(getattr(table, "name", "") or "", getattr(table, "schema", None))
                if str(name) == plan.name:
                    found.setdefault(one.name, place)
    else:
        for place, one in enumerate(cursor.description):
            found.setdefault(one[0], place)
    return [found[name] for name in names] if set(names) <= found.keys() else None
