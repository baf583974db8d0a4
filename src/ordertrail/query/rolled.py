"""Which filters the rollups answer: those that ask for nothing but what a rollup has, over whole days or hours."""

from collections.abc import Collection

from ordertrail.query.filters.grammar import Filter
from ordertrail.query.filters.terms import Attempt, Has, Is, Not, Sensitive, Term
from ordertrail.query.filters.when import When
from ordertrail.query.projection import moment_microseconds
from ordertrail.query.tables import DAY


def rolled(filter_: Filter, columns: Collection[str], width: int = DAY) -> bool:
    """Say whether all terms are of these columns, and all times at the beginning of a day (or another ``width``)."""
    return all(_of(term, columns, width) for term in filter_.terms)


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
