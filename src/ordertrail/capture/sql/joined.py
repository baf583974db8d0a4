"""Statements in their own words: their rows asked for before they run, or returned by themselves."""

from collections.abc import Sequence

from ordertrail.capture.plan import Image
from ordertrail.capture.schema import LiveTable, quoted
from ordertrail.capture.sql.asking import Asker, Parameters, Query, column_list
from ordertrail.capture.sql.dml import Dml
from ordertrail.capture.sql.readings import Reading


def matching_rows(
    asker: Asker, dml: Dml, table: LiveTable, columns: Sequence[int], given: Parameters, *, lock: bool
) -> list[Image]:
    """Return the rows that an UPDATE or DELETE is about, asked for in the statement's own words."""
    query = Query().clause(dml.with_, given).text(" SELECT ", column_list(table, columns, dml.alias))
    query.text(" FROM ").clause(dml.target, given)
    if dml.beside:
        query.text(", ").clause(dml.beside, given)
    if dml.where:
        query.text(" WHERE ").clause(dml.where, given)
    if lock and asker.dialect == "postgresql":
        query.text(" FOR UPDATE OF ", dml.alias.rpartition(".")[2])
    return asker.fetch(*query.written(asker.style))


def joined_update(reading: Reading, places: tuple[int, ...], *, told: bool) -> str:
    """Return the text of an UPDATE that is joined to its own rows; see :meth:`Watch._want_both`."""
    dml, plan, text = reading.dml, reading.plans[0], reading.text
    begin, condition, end = dml.where_span
    names = [quoted(plan.columns[place].name) for place in places]
    inner = ", ".join(f"{dml.alias}.{name} AS o{number}" for number, name in enumerate(names))
    keys = " AND ".join(
        f"{dml.alias}.{names[places.index(key)]} = ordertrail_before.o{places.index(key)}" for key in plan.key
    )
    where = text[condition:end]
    returned = [f"ordertrail_before.o{number}" for number in range(len(places))]
    if not told:
        returned += [f"{dml.alias}.{name}" for name in names]
    return (
        f"{text[:begin]} FROM (SELECT {inner} FROM {dml.target.texts[0]}{f' WHERE {where}' if where else ''} "  # noqa: S608 - the application's own statement
        f"FOR UPDATE OF {dml.alias.rpartition('.')[2]}) AS ordertrail_before "
        f"WHERE {f'({where}) AND ' if where else ''}{keys}{ended(text[end:], dml)}{', '.join(returned)}"
    )


def ended(text: str, dml: Dml) -> str:
    """Return a statement's end such that more columns to return can be written after it."""
    return text.rstrip().rstrip(";") + (", " if dml.returning else "\nRETURNING ")
