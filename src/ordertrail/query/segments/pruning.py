"""Which segments a filter needs: those whose times and orders it may mean. The rest is not opened."""

from collections.abc import Iterable

from ordertrail.query.filters.fields import FIELDS
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.filters.terms import Has, Is, Not, Term
from ordertrail.query.filters.when import When
from ordertrail.query.filters.worth import Worth
from ordertrail.query.projection import moment_microseconds
from ordertrail.query.segments.manifest import Manifest


def is_answerable(filter_: Filter) -> bool:
    """Say whether segments can answer a filter: not where it asks how an order stands now, which they cannot know."""
    return not any(_is_of_now(term) for term in filter_.terms)


def _is_of_now(term: Term) -> bool:
    match term:
        case Not(term=inner):
            return _is_of_now(inner)
        case Worth():
            return True
        case Is(field=field) | Has(field=field):
            return FIELDS[field].of_order
        case _:
            return False


def needed(manifests: Iterable[Manifest], filter_: Filter) -> list[Manifest]:
    """Return the segments that may hold events that are meant; no event that is meant is in another one."""
    return [one for one in manifests if all(_may_mean(term, one) for term in filter_.terms)]


def _may_mean(term: Term, manifest: Manifest) -> bool:
    match term:
        case When(start=start, end=end):
            begins = start is None or manifest.last >= moment_microseconds(start)
            return begins and (end is None or manifest.first < moment_microseconds(end))
        case Is(field="order", values=values, exact=exact):
            return any(
                (value.endswith("*") and not exact) or manifest.bloom.may_hold(value) for value in values
            )
        case Is(field="stream", values=values, exact=exact):
            return _is_stream(manifest.stream, values, exact=exact)
        case _:
            return True


def _is_stream(stream: str, values: Iterable[str], *, exact: bool) -> bool:
    return any(
        stream.startswith(value[:-1]) if value.endswith("*") and not exact else stream == value
        for value in values
    )
