"""What somebody may see, put around everything that asks: by :func:`scoped` a query cannot answer beyond it.

A scope names tenants, channels and regions; an event's region is its tag ``region:<name>``. An event that names none is
seen only by those whom nothing binds there. The bounds are put around the *ports* of a query, below every question: a
facet that is counted without some of the filter's own terms, a neighbour, a cause or a profile is bound like a search,
and a question that is added later is bound before it is written. Nothing of a bound query can be written to.

Who may see a part of a tenant only is refused what is counted by day, as its rollups know tenants and nothing narrower.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NoReturn

from starlette.requests import HTTPConnection

from ordertrail.access.principal import Principal, Scope
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.ledger.ports import EntryRow
from ordertrail.query.entries import read_entry
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.filters.terms import Has, Is, Not, Term
from ordertrail.query.ports import (
    Analytics,
    Burst,
    Counts,
    Cursor,
    DayCount,
    Hit,
    Index,
    LogReader,
    MoneyMoved,
    MovedAfter,
    Ranked,
    Searches,
    Tally,
    Way,
)
from ordertrail.query.projection import Indexed, OrderStanding
from ordertrail.query.questions.orders import OrderReader
from ordertrail.query.service import Query
from ordertrail.record.event import Event

REGION: Final = "region:"
"""What the tag of an event's region begins with."""


def asked(request: HTTPConnection, who: Principal) -> Query:
    """Return the application's query, as far as somebody may see."""
    query: Query = request.app.state.services.query
    return scoped(query, who)


def scoped(query: Query, who: Principal) -> Query:
    """Return a query that answers with what somebody may see, whatever it is asked."""
    if sees_everything(who.scope):
        return query
    bounds = within(who.scope)
    return replace(
        query,
        index=_ReadOnly(query.index),
        searches=_Searches(query.searches, bounds),
        counts=_Counts(query.counts, bounds),
        log=_Log(query.log, who.scope),
        orders=_Orders(query.orders, who.scope),
        analytics=_Analytics(query.analytics, bounds),
    )


def sees_everything(scope: Scope) -> bool:
    """Say whether nothing is kept from whoever has this scope."""
    return scope.tenants is None and not scope.channels and not scope.regions


def sees_whole_tenants(scope: Scope) -> bool:
    """Say whether what is counted by day, over all of a tenant, may be told."""
    return not scope.channels and not scope.regions


def within(scope: Scope) -> Filter:
    """Return the filter of all that a scope lets be seen. For no tenant at all it means no event."""
    terms: list[Term] = []
    if scope.tenants is not None:
        terms.append(Is("tenant", tuple(sorted(scope.tenants)), exact=True))
    if scope.channels:
        terms.append(Is("channel", tuple(sorted(scope.channels)), exact=True))
    if scope.regions:
        terms.append(Is("tag", tuple(sorted(f"{REGION}{one}" for one in scope.regions)), exact=True))
    return Filter(tuple(terms))


def may_see(scope: Scope, event: Event) -> bool:
    """Say whether an event of the log is within a scope; the same that :func:`within` says of the index."""
    channel = None if event.context is None else event.context.channel
    tags = () if event.context is None else event.context.tags
    return (
        (scope.tenants is None or event.subject.tenant in scope.tenants)
        and (not scope.channels or channel in scope.channels)
        and (not scope.regions or any(f"{REGION}{one}" in tags for one in scope.regions))
    )


@dataclass(frozen=True, slots=True)
class _Searches:
    """Finds what is within bounds."""

    inner: Searches
    bounds: Filter

    def page(self, filter_: Filter, limit: int, beyond: Cursor | None, way: Way) -> Sequence[Hit]:
        return self.inner.page(_both(filter_, self.bounds), limit, beyond, way)

    def count(self, filter_: Filter, most: int) -> int:
        return self.inner.count(_both(filter_, self.bounds), most)

    def find(self, ids: Sequence[str]) -> Sequence[Hit]:
        return [hit for hit in self.inner.find(ids) if self._sees(hit.event)]

    def standings(self, orders: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], OrderStanding]:
        """Return where orders stand of which an event may be seen."""
        known = self.inner.standings(orders)
        return {key: standing for key, standing in known.items() if self._knows(*key)}

    def _sees(self, event: Indexed) -> bool:
        return self.bounds.matches(event)

    def _knows(self, order: str, tenant: str) -> bool:
        term = Is("order", (order,), exact=True)
        own = Is("tenant", (tenant,), exact=True) if tenant else Not(Has("tenant"))
        return self.inner.count(_both(Filter((term, own)), self.bounds), 1) > 0


@dataclass(frozen=True, slots=True)
class _Counts:
    """Counts what is within bounds."""

    inner: Counts
    bounds: Filter

    def tally(
        self, filter_: Filter, columns: Sequence[str], most: int, looked: int | None
    ) -> Mapping[str, Tally]:
        return self.inner.tally(_both(filter_, self.bounds), columns, most, looked)

    def steps(self, filter_: Filter, width: int) -> Mapping[int, int]:
        return self.inner.steps(_both(filter_, self.bounds), width)

    def days(self, filter_: Filter, columns: Sequence[str]) -> Sequence[DayCount]:
        return self.inner.days(_both(filter_, self.bounds), columns)

    def money(self, filter_: Filter) -> Sequence[MoneyMoved]:
        return self.inner.money(_both(filter_, self.bounds))

    def ranked(self, filter_: Filter, columns: Sequence[str], most: int) -> Sequence[Ranked]:
        return self.inner.ranked(_both(filter_, self.bounds), columns, most)


@dataclass(frozen=True, slots=True)
class _Analytics:
    """Answers the long questions over what is within bounds."""

    inner: Analytics
    bounds: Filter

    def bursts(self, filter_: Filter, width: int, least: int, most: int) -> Sequence[Burst]:
        return self.inner.bursts(_both(filter_, self.bounds), width, least, most)

    def moved_after(self, first: Filter, then: Filter, most: int) -> Sequence[MovedAfter]:
        return self.inner.moved_after(_both(first, self.bounds), _both(then, self.bounds), most)


@dataclass(frozen=True, slots=True)
class _Log:
    """Reads entries of the log that are within a scope; the others are simply not there."""

    inner: LogReader
    scope: Scope

    def size(self, stream: str) -> int:
        return self.inner.size(stream)

    def rows(self, stream: str, start: int, end: int) -> Iterator[EntryRow]:
        for row in self.inner.rows(stream, start, end):
            if may_see(self.scope, read_entry(stream, row).event):
                yield row


@dataclass(frozen=True, slots=True)
class _Orders:
    """Reads the entries of an order that are within a scope."""

    inner: OrderReader
    scope: Scope

    def history(self, order: str, tenant: str | None = None) -> Iterator[tuple[str, EntryRow]]:
        for stream, row in self.inner.history(order, tenant):
            if may_see(self.scope, read_entry(stream, row).event):
                yield stream, row


@dataclass(frozen=True, slots=True)
class _ReadOnly:
    """An index that says how far it is, and is neither fed nor dropped on behalf of somebody who asks."""

    inner: Index

    def places(self) -> Mapping[str, int]:
        return self.inner.places()

    def add(self, _stream: str, _start: int, _end: int, _events: Sequence[Indexed]) -> bool:
        self._refuse()

    def clear(self) -> None:
        self._refuse()

    def settle(self) -> None:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise ConfigurationError(
            "the index is not fed on behalf of somebody who asks",
            meaning="Nothing was changed.",
            remedy="This is a fault of the program; please report it.",
        )


def _both(filter_: Filter, bounds: Filter) -> Filter:
    return filter_.with_(*bounds.terms)
