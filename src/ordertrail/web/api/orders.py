"""``/orders``: what happened to an order, what it was at a moment, and what differs between two."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from ordertrail.access.verbs import Verb
from ordertrail.kernel.clock import format_time
from ordertrail.query.entries import SealedEvent
from ordertrail.query.ports import Hit
from ordertrail.query.projection import Indexed, project
from ordertrail.query.questions.orders import (
    Basis,
    Differs,
    Known,
    Place,
    difference,
    order_history,
    state_as_of,
)
from ordertrail.web.api.answering import answer
from ordertrail.web.api.asking import Asking, asking
from ordertrail.web.api.models.orders import (
    ChainDocument,
    ContradictionDocument,
    DifferenceDocument,
    DiffersDocument,
    HistoryDocument,
    KnownDocument,
    PlaceDocument,
    StateDocument,
)
from ordertrail.web.api.models.problem import ProblemKind
from ordertrail.web.api.parameters import Moment, OrderId, Tenant, moment_of, wrong
from ordertrail.web.api.problems import ProblemRoute, RefusedError, problem_responses, unknown
from ordertrail.web.api.telling import place_before, told

router = APIRouter(prefix="/orders", tags=["orders"], route_class=ProblemRoute)

Searching = Annotated[Asking, asking(Verb.EVENTS_SEARCH)]
BasisOf = Annotated[
    Literal["happened", "recorded"],
    Query(
        description="Which time counts: when it happened, or when the trail came to know.",
        examples=["happened"],
    ),
]


@dataclass(frozen=True, slots=True)
class _Order:
    """What may be seen of one tenant's order, and of how many of its events nothing is told."""

    tenant: str | None
    events: tuple[tuple[SealedEvent, Indexed], ...]
    withheld: int

    @property
    def history(self) -> tuple[SealedEvent, ...]:
        return tuple(sealed for sealed, _ in self.events)


@router.get(
    "/{order:path}/at",
    summary="An order as of a moment",
    response_model=StateDocument,
    responses=problem_responses(409),
)
def at(
    asked: Searching, order: OrderId, time: Moment, tenant: Tenant = None, basis: BasisOf = "happened"
) -> Response:
    """Return an order as it was just after a moment, each field with the event that tells it."""
    moment = moment_of(time, "time")
    seen = _seen(asked, order, tenant)
    asked.observe_order(order, seen.tenant, f"as of {format_time(moment)}")
    state = state_as_of(seen.history, order, moment, Basis(basis))
    document = StateDocument(
        order=order,
        tenant=seen.tenant,
        moment=format_time(moment),
        basis=basis,
        events=state.events,
        withheld=seen.withheld,
        fields=tuple(_known(one) for one in state.fields),
        contradictions=tuple(
            ContradictionDocument(place=_place(one.place), left=one.left, found=one.found, event=one.event)
            for one in state.contradictions
        ),
    )
    return answer(asked.request, document)


@router.get(
    "/{order:path}/between",
    summary="What differs between two moments",
    response_model=DifferenceDocument,
    responses=problem_responses(409),
)
def between(  # noqa: PLR0913, PLR0917 - the parameters of the address
    asked: Searching,
    order: OrderId,
    start: Moment,
    end: Moment,
    tenant: Tenant = None,
    basis: BasisOf = "happened",
) -> Response:
    """Return the fields of an order that were one thing at a moment and another at a later one."""
    first, last = moment_of(start, "start"), moment_of(end, "end")
    if last < first:
        raise wrong("end", "is before start")
    seen = _seen(asked, order, tenant)
    asked.observe_order(order, seen.tenant, f"between {format_time(first)} and {format_time(last)}")
    history = seen.history
    before, after = (state_as_of(history, order, one, Basis(basis)) for one in (first, last))
    document = DifferenceDocument(
        order=order,
        tenant=seen.tenant,
        start=format_time(first),
        end=format_time(last),
        basis=basis,
        withheld=seen.withheld,
        differs=tuple(_differs(one) for one in difference(before, after)),
    )
    return answer(asked.request, document)


@router.get(
    "/{order:path}",
    summary="An order's history",
    response_model=HistoryDocument,
    responses=problem_responses(409),
)
def history(  # noqa: PLR0913, PLR0917 - the parameters of the address
    asked: Searching,
    order: OrderId,
    tenant: Tenant = None,
    first: Annotated[
        int, Query(ge=0, le=10**9, description="Events that are passed over.", examples=[0])
    ] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000, description="Events that are told.", examples=[200])] = 200,
    prove: Annotated[  # noqa: FBT002 - a parameter of the address
        bool, Query(description="Prove each event, and that none is missing between them.", examples=[True])
    ] = False,
) -> Response:
    """Return all that happened to an order, as the trail came to know it: read from the log, not from the index."""
    seen = _seen(asked, order, tenant)
    asked.observe_order(order, seen.tenant, "its history", (("events", len(seen.events)),))
    shown = seen.events[first : first + limit]
    cursors = {hit.event.id: str(hit.cursor) for hit in _hits(asked, shown)}
    document = HistoryDocument(
        order=order,
        tenant=seen.tenant,
        events=tuple(
            told(one, asked.query.actions, indexed.sensitive, cursors.get(indexed.id, place_before(indexed)))
            for one, indexed in shown
        ),
        more=len(seen.events) > first + limit,
        withheld=seen.withheld,
        chain=_chain(asked, order, seen.tenant) if prove else None,
    )
    return answer(asked.request, document)


def _seen(asked: Asking, order: str, tenant: str | None) -> _Order:
    """Return what may be seen of an order. Refuses an order that is not there, and one that several tenants have."""
    known = [
        (sealed, project(sealed.event, sealed.place, asked.query.actions))
        for whose in _tenants(asked, tenant)
        for sealed in order_history(asked.whole.orders, order, whose)
    ]
    visible = [(sealed, one) for sealed, one in known if asked.bounds.matches(one)]
    tenants = {one.tenant for _, one in visible}
    if not visible:
        raise unknown("order of this number")
    if len(tenants) > 1:
        raise RefusedError(
            ProblemKind.AMBIGUOUS,
            f"{len(tenants)} tenants have an order of this number",
            remedy="Name one with the parameter tenant; empty is the one of no tenant.",
        )
    (only,) = tenants
    events = sum(one.tenant == only for _, one in known)
    return _Order(only, tuple(visible), events - len(visible))


def _tenants(asked: Asking, tenant: str | None) -> Sequence[str | None]:
    """Return the tenants whose order is read: no other's is touched, so that not even the time tells of it."""
    own = asked.who.scope.tenants
    if own is None:
        return (tenant,)
    return sorted(own) if tenant is None else sorted(own & {tenant})


def _hits(asked: Asking, shown: tuple[tuple[SealedEvent, Indexed], ...]) -> Sequence[Hit]:
    """Return what the index has of these events."""
    return asked.query.searches.find([indexed.id for _, indexed in shown])


def _chain(asked: Asking, order: str, tenant: str | None) -> ChainDocument:
    """Prove the whole history, what may not be seen included: a chain with links left out proves nothing."""
    items = asked.trail.history(order, tenant=tenant or "")
    standing = asked.trail.standing(
        [one for one in items if (one.entry.event.subject.tenant or "") == (tenant or "")]
    )
    return ChainDocument(proven=standing.proven, problems=standing.problems)


def _place(place: Place) -> PlaceDocument:
    return PlaceDocument(kind=place.kind, id=place.id, path=place.path)


def _known(one: Known) -> KnownDocument:
    return KnownDocument(place=_place(one.place), value=one.value, how=one.how.value, event=one.event)


def _differs(one: Differs) -> DiffersDocument:
    return DiffersDocument(
        place=_place(one.place),
        before=None if one.before is None else _known(one.before),
        after=None if one.after is None else _known(one.after),
    )
