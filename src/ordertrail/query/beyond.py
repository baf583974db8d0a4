"""What is in no segment yet: the tail of each log, which the index alone has."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, ColumnElement, Select, cast, false, select, union_all

from ordertrail.query.projection import Indexed
from ordertrail.query.tables import Dialect, Keys, events, key_of, streams

_BEYOND_ALL = key_of(1, 0)


@dataclass(frozen=True, slots=True)
class Beyond:
    """A term, of our own statements only: an event whose place in its log is not before the log's one here.

    ``places`` names every log that there is; what is in no log named is not meant.
    """

    places: tuple[tuple[str, int], ...]

    def sql(self, dialect: Dialect) -> ColumnElement[bool]:  # noqa: ARG002
        """See :class:`~ordertrail.query.filters.terms.Term`: as keys, so that these few drive the query."""
        ranges = [_range(stream, place) for stream, place in self.places]
        return events.c.key.in_(union_all(*ranges)) if ranges else false()

    def keys(self, dialect: Dialect) -> Keys | None:  # noqa: ARG002
        """See the protocol: what it says drives a query already."""
        return None

    def matches(self, event: Indexed) -> bool:
        """See the protocol."""
        return any(event.stream == stream and event.position >= place for stream, place in self.places)

    def words(self) -> str:
        """See the protocol."""
        return "in no segment yet"

    def text(self) -> str:
        """See the protocol; it has no spelling that people could write."""
        return "beyond"


def _range(stream: str, place: int) -> Select[tuple[int]]:
    one = events.alias("beyond")
    number = select(cast(streams.c.number, BigInteger)).where(streams.c.name == stream).scalar_subquery()
    begins, ends = number * _BEYOND_ALL + place, (number + 1) * _BEYOND_ALL
    return select(one.c.key).where(one.c.key >= begins, one.c.key < ends)
