"""An INSERT for many sets of parameters, run such that it returns each row that it makes: no ``executemany`` does.

Rows of VALUES are put together, up to a thousand sets in one statement::

    INSERT INTO order_lines (order_id, sku) VALUES (%s, %s), (%s, %s), … RETURNING id, order_id, sku

A statement of another form runs once for each set. So does every statement where a set that fails must leave those
before it as they are: in SQLite, whose ``executemany`` is many statements.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ordertrail.capture.outbox.writing import Style
from ordertrail.capture.plan import Image
from ordertrail.capture.sql.asking import Parameters, Query
from ordertrail.capture.sql.readings import Watched

Run = Callable[[str, Any], Sequence[Image]]
"""Runs a statement with parameters as the driver takes them, and returns its rows."""

_SETS = 1_000
"""Sets of parameters that are put together."""

_PARAMETERS = 30_000
"""Parameters of one statement; both databases' limit is a little above."""


def run_each(watched: Watched, sets: Sequence[Parameters], run: Run, style: Style) -> Iterator[list[Image]]:
    """Run ``watched.sql`` for each set of parameters; yield, as soon as they are made, the columns that we want."""
    dml = watched.reading.dml
    if not dml.values or style == "qmark":
        for one in sets:
            yield [row[-watched.wanted :] for row in run(watched.sql, one)]
        return
    step = max(1, min(_SETS, _PARAMETERS // len(dml.values.slots)))
    start, end = dml.values_span
    for place in range(0, len(sets), step):
        query = Query().text(watched.sql[:start])
        for number, one in enumerate(sets[place : place + step]):
            query.text(", " if number else "").clause(dml.values, one)
        sql, values = query.text(watched.sql[end:]).written(style)
        yield [row[-watched.wanted :] for row in run(sql, values)]
