"""What is among them? The values of eight fields with their counts, to narrow a search by.

Values of one field are alternatives: its own facet is counted without the terms that chose some of its values, so that
the others can be seen and added (faceted search with OR inside, AND between).
"""

from dataclasses import dataclass

from ordertrail.query.filters.fields import FIELDS
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.filters.terms import Is
from ordertrail.query.ports import Counts, Tally

FACETS = ("action", "actor", "outcome", "kind", "thing", "channel", "source", "tenant")
"""Fields that have a facet, by their names in filters."""

LOOKED = 5_000
"""Events that are looked at where no rollup knows the answer; of more, the newest are counted, and it is said."""

_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Facet:
    """A field's values among the events that are meant, and which of them the filter has chosen."""

    field: str
    tally: Tally
    chosen: tuple[str, ...]


def facets(counts: Counts, filter_: Filter, looked: int | None = LOOKED) -> tuple[Facet, ...]:
    """Count the values of every facet's field, over the ``looked`` newest events; over all where that is None."""
    own: dict[str, tuple[Is, ...]] = {
        field: tuple(term for term in filter_.terms if isinstance(term, Is) and term.field == field)
        for field in FACETS
    }
    free = [field for field in FACETS if not own[field]]
    shared = counts.tally(filter_, [FIELDS[field].column for field in free], _SHOWN, looked)
    told: dict[str, Tally] = {field: shared[FIELDS[field].column] for field in free}
    for field, terms in own.items():
        if terms:
            wider = Filter(tuple(term for term in filter_.terms if term not in terms))
            column = FIELDS[field].column
            told[field] = counts.tally(wider, [column], _SHOWN, looked)[column]
    return tuple(
        Facet(field, told[field], tuple(value for term in own[field] for value in term.values))
        for field in FACETS
    )
