"""Asking the application's database, on its own connection and inside its own transaction."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from ordertrail.capture.outbox.writing import Style
from ordertrail.capture.plan import Image, TablePlan
from ordertrail.capture.schema import LiveTable, TableName, quoted
from ordertrail.capture.sql.dml import Clause
from ordertrail.capture.sql.scan import Slot

Parameters = Mapping[str, Any] | Sequence[Any]
"""What a statement was given: by name, or by place."""

_COMPOSITE = 200
"""Keys of several columns that are asked for in one statement."""


class Asker(Protocol):
    """Runs statements of ours where the application's run. Errors are the driver's own."""

    dialect: str
    style: Style

    def fetch(self, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Run a query and return its rows."""

    def run(self, sql: str, parameters: Sequence[Any]) -> int:
        """Run a statement; return how many rows it wrote, as the driver counts."""

    def attempt(self, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]] | None:
        """Run a query that may not work, inside a savepoint; None where it does not, and nothing has happened."""


def value_of(parameters: Parameters, slot: Slot) -> Any:
    """Return a parameter's value."""
    return parameters[slot]  # type: ignore[index]


class Query:
    """A query that is put together of texts and values, and of the application's own clauses."""

    def __init__(self) -> None:
        self._parts: list[str | None] = []
        self._values: list[Any] = []

    def text(self, *texts: str) -> "Query":
        """Add texts."""
        self._parts += texts
        return self

    def value(self, value: Any) -> "Query":
        """Add a parameter."""
        self._parts.append(None)
        self._values.append(value)
        return self

    def clause(self, clause: Clause, parameters: Parameters) -> "Query":
        """Add a clause of the application's statement, with what it was given."""
        for text, slot in zip(clause.texts, clause.slots, strict=False):
            self.text(text).value(value_of(parameters, slot))
        return self.text(clause.texts[-1])

    def listed(self, values: Iterable[Any]) -> "Query":
        """Add parameters with commas between them."""
        for number, value in enumerate(values):
            self.text(", " if number else "").value(value)
        return self

    def written(self, style: Style) -> tuple[str, list[Any]]:
        """Return the query as this driver takes it."""
        texts, number = [], 0
        for part in self._parts:
            if part is None:
                number += 1
                texts.append(f"${number}" if style == "numeric_dollar" else "?" if style == "qmark" else "%s")
            else:
                texts.append(part)
        return "".join(texts), self._values


def column_list(table: LiveTable, columns: Sequence[int], alias: str | None) -> str:
    """Return columns as a query's list, each under the table's alias if it has one.

    A column that the driver would convert is read as an expression, whose type nobody declared: ``+t."paid"``.
    """
    prefix = f"{alias}." if alias else ""
    wanted = (table.columns[place] for place in columns)
    return ", ".join(f"{'+' if one.converted else ''}{prefix}{quoted(one.name)}" for one in wanted)


def by_keys(
    asker: Asker,
    table: LiveTable,
    columns: Sequence[int],
    names: Sequence[str],
    keys: Sequence[Image],
    *,
    lock: bool,
) -> list[Image]:
    """Return the rows whose columns of these names have one of these values: one query, or one for 200 wide keys."""
    if not keys:
        return []
    rows: list[Image] = []
    step = len(keys) if len(names) == 1 else _COMPOSITE
    for start in range(0, len(keys), step):
        query = Query().text(
            "SELECT ", column_list(table, columns, "t"), " FROM ", table.name.sql, " AS t WHERE "
        )
        _among(query, asker, table, names, keys[start : start + step])
        if lock and asker.dialect == "postgresql":
            query.text(" FOR UPDATE OF t")
        rows += asker.fetch(*query.written(asker.style))
    return rows


def _among(query: Query, asker: Asker, table: LiveTable, names: Sequence[str], keys: Sequence[Image]) -> None:
    if len(names) == 1 and len(keys) == 1:
        query.text("t.", quoted(names[0]), " = ").value(keys[0][0])
    elif len(names) == 1 and asker.dialect == "postgresql":
        column = next(one for one in table.columns if one.name == names[0])
        cast = f"::{column.type}[]" if column.type and not column.type.endswith("]") else ""
        query.text("t.", quoted(names[0]), " = ANY(").value([key[0] for key in keys]).text(cast, ")")
    elif len(names) == 1:
        query.text("t.", quoted(names[0]), " IN (").listed(key[0] for key in keys).text(")")
    else:
        for number, key in enumerate(keys):
            query.text(" OR (" if number else "(")
            for place, (name, value) in enumerate(zip(names, key, strict=True)):
                query.text(" AND " if place else "", "t.", quoted(name), " = ").value(value)
            query.text(")")


def all_rows(asker: Asker, table: LiveTable, limit: int) -> list[Image] | None:
    """Return a table's rows, locked; None where there are more than so many."""
    columns = column_list(table, range(len(table.columns)), "t")
    query = Query().text("SELECT ", columns, " FROM ", table.name.sql, f" AS t LIMIT {limit + 1}")
    if asker.dialect == "postgresql":
        query.text(" FOR UPDATE OF t")
    rows = asker.fetch(*query.written(asker.style))
    return rows if len(rows) <= limit else None


def follow(
    asker: Asker,
    schema: Mapping[TableName, LiveTable],
    plan: TablePlan,
    columns: Sequence[int],
    images: Sequence[Image],
) -> dict[str, list[Any]]:
    """Return what order, subject and tenant of rows are: one query a step of a path, for all rows together."""
    return {
        name: _source(asker, schema, plan, columns, images, name) for name in ("order", "subject", "tenant")
    }


def _source(
    asker: Asker,
    schema: Mapping[TableName, LiveTable],
    plan: TablePlan,
    columns: Sequence[int],
    images: Sequence[Image],
    name: str,
) -> list[Any]:
    source = getattr(plan, name)
    if source is None:
        return [None] * len(images)
    if source.function is not None:
        return [source.function(plan.row(columns, image)) for image in images]
    places = [columns.index(place) for place in source.columns]
    if len(places) > 1:
        return ["/".join(str(image[place]) for place in places) for image in images]
    values = [image[places[0]] for image in images]
    for hop in source.hops:
        parent = schema[hop.parent]
        index = {column.name: place for place, column in enumerate(parent.columns)}
        wanted = [(value,) for value in dict.fromkeys(values) if value is not None]
        found: dict[Any, Any] = dict(
            by_keys(asker, parent, (index[hop.key], index[hop.column]), (hop.key,), wanted, lock=False)
        )
        values = [found.get(value) for value in values]
    return values
