"""What became of a field: every change of it, in an order or anywhere, with who made it."""

from dataclasses import dataclass

from ordertrail.query.filters.changed import Changed
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.ports import Cursor, Hit, Searches, Way
from ordertrail.query.projection import IndexedChange


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A change of the field, and the event that made it."""

    hit: Hit
    change: IndexedChange


def field_history(
    searches: Searches, field: str, within: Filter, *, limit: int = 200, beyond: Cursor | None = None
) -> tuple[FieldChange, ...]:
    """Return a field's changes by events that are meant, the oldest first, of at most ``limit`` events.

    ``field`` is a name, or a place that begins with a slash. The last one's ``hit.cursor`` is where to go on.
    """
    hits = searches.page(within.with_(Changed(field)), limit, beyond, Way.NEWER)
    return tuple(
        FieldChange(hit, change)
        for hit in hits
        for change in hit.event.changes
        if (change.path if field.startswith("/") else change.field) == field
    )
