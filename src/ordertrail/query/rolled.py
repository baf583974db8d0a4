"""Rollups: which filters they answer, and the same terms told to them with their columns put in.

A rollup answers a filter that asks for nothing but what it has, over whole days or hours of UTC.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Table, func
from sqlalchemy.sql.visitors import replacement_traverse

from ordertrail.kernel.errors import InputError
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.filters.terms import Attempt, Has, Is, Not, Sensitive, Term
from ordertrail.query.filters.when import When
from ordertrail.query.projection import moment_microseconds
from ordertrail.query.tables import DAY, HOUR, PLAIN, day_counts, events, hour_counts, sensitive_hours

BY_DAY = frozenset({"actor", "action", "outcome", "tenant", "sensitive"})
BY_HOUR = frozenset({"action", "outcome", "tenant", "sensitive"})
OF_MONEY = frozenset({"actor", "action", "tenant"})
OF_VALUES = frozenset({"tenant"})
"""The columns of each rollup that filters may ask about."""


def rolled(filter_: Filter, columns: Collection[str], width: int = DAY) -> bool:
    """Say whether all terms are of these columns, and all times at the beginning of a day (or another ``width``)."""
    return all(_of(term, columns, width) for term in filter_.terms)


def require_rolled(filter_: Filter, columns: Collection[str]) -> None:
    """Raise InputError, saying what may be asked, for a filter that asks a rollup for more than its columns."""
    if not rolled(filter_, columns):
        asked = ", ".join(sorted(columns))
        raise InputError(
            f"this is counted by whole days of UTC and by {asked}; the filter asks for something else",
            meaning="Nothing was counted.",
            remedy="Leave the other terms out, and write times as when:2026-11-01..2026-11-30 with zone UTC.",
        )


def _of(term: Term, columns: Collection[str], width: int) -> bool:
    match term:
        case When(start=start, end=end):
            return all(moment is None or moment_microseconds(moment) % width == 0 for moment in (start, end))
        case Is(field=field) | Has(field=field):
            return field in columns
        case Sensitive():
            return "sensitive" in columns
        case Attempt():
            return "outcome" in columns
        case Not(term=inner):
            return not isinstance(inner, When) and _of(inner, columns, width)
        case _:
            return False


def asks_for_times(filter_: Filter) -> bool:
    """Say whether a filter that a rollup answers asks for times; an exclusion of times is none that it answers."""
    return any(isinstance(term, When) for term in filter_.terms)


def only_sensitive(filter_: Filter) -> bool:
    """Say whether a filter asks for nothing but what is sensitive."""
    return any(isinstance(term, Sensitive) for term in filter_.terms)


def rollup_of_steps(filter_: Filter, width: int) -> tuple[Table, ColumnElement[int]] | None:
    """Return the smallest rollup that counts by intervals of this width, and its column of times; None for none."""
    if width % HOUR == 0 and rolled(filter_, BY_HOUR, HOUR):
        return hour_counts, hour_counts.c.hour
    if width % HOUR == 0 and rolled(filter_, BY_DAY, HOUR) and only_sensitive(filter_):
        return sensitive_hours, sensitive_hours.c.hour
    if width % DAY == 0 and rolled(filter_, BY_DAY):
        return day_counts, day_counts.c.day
    return None


def over(filter_: Filter, table: Table, time: ColumnElement[int]) -> ColumnElement[bool]:
    """Return what a filter says of events, of a rollup that has all that it asks for."""

    def replaced(element: Any, **_: Any) -> Any:
        if element is events.c.time:
            return time
        for column in events.columns:
            if element is column:
                return mapped(table, column.name)
        return None

    return replacement_traverse(filter_.sql(PLAIN), {}, replaced)


def mapped(table: Table, column: str) -> Any:
    """Return a rollup's column; where events have no tenant, rollups have an empty one."""
    if column == "attempt":
        return table.c.outcome != "success"
    own = table.c[column]
    return func.nullif(own, "") if column == "tenant" else own


def floor(time: ColumnElement[int], width: int) -> ColumnElement[int]:
    """Return the beginning of a time's interval; databases round to zero, and there were times before 1970."""
    return time - (time % width + width) % width
