"""``/patterns``: what stands out over years."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from ordertrail.access.verbs import Verb
from ordertrail.query.filters.grammar import LONGEST
from ordertrail.query.questions.patterns import MOST, Bulk, in_bulk, moved_after
from ordertrail.web.api.answering import answer
from ordertrail.web.api.asking import Asking, asking
from ordertrail.web.api.models.people import (
    AfterwardsDocument,
    BurstDocument,
    BurstsDocument,
    MovedAfterDocument,
)
from ordertrail.web.api.parameters import Asked, Zone
from ordertrail.web.api.problems import ProblemRoute, problem_responses
from ordertrail.web.api.telling import lag_document

_MINUTE = 60_000_000

router = APIRouter(prefix="/patterns", tags=["patterns"], route_class=ProblemRoute)

Watching = Annotated[Asking, asking(Verb.ACTIVITY_READ)]
Most = Annotated[int, Query(ge=1, le=MOST, description="Rows of the answer, at most.", examples=[50])]


@router.get("/bursts", summary="Much at once", response_model=BurstsDocument, responses=problem_responses())
def bursts(  # noqa: PLR0913, PLR0917 - the parameters of the address
    asked: Watching,
    q: Asked = "",
    zone: Zone = "UTC",
    least: Annotated[int, Query(ge=1, le=10**9, description="Events that are much.", examples=[20])] = 20,
    minutes: Annotated[
        int, Query(ge=1, le=525_600, description="At once is in so many.", examples=[60])
    ] = 60,
    limit: Most = 50,
) -> Response:
    """Return who did most of what a filter means in bulk: of ``action:order.cancel`` the bulk cancellers."""
    meant, query = asked.meant(q, zone), asked.query
    bulk = Bulk(least, minutes * _MINUTE)
    told = query.answer(lambda: in_bulk(query.analytics, meant, bulk, limit))
    asked.observe(
        "evidence.search", "filter", "patterns", f"{meant.sentence()}, {least} in {minutes} minutes"
    )
    document = BurstsDocument(
        sentence=meant.sentence(),
        lag=lag_document(told.lag),
        least=least,
        minutes=minutes,
        actors=tuple(
            BurstDocument(actor=one.actor, bursts=one.bursts, events=one.events, largest=one.largest)
            for one in told.value
        ),
    )
    return answer(asked.request, document)


@router.get(
    "/moved-after",
    summary="Money moved after an occasion",
    response_model=AfterwardsDocument,
    responses=problem_responses(),
)
def afterwards(
    asked: Watching,
    first: Annotated[
        str,
        Query(
            min_length=1,
            max_length=LONGEST,
            description="A filter of the occasion: the first success of it in each order.",
            examples=["action:order.approve"],
        ),
    ],
    q: Asked = "",
    zone: Zone = "UTC",
    limit: Most = 200,
) -> Response:
    """Return who changed money of orders after an occasion, by events that q means, and by how much."""
    occasion, meant, query = asked.meant(first, zone, "first"), asked.meant(q, zone), asked.query
    told = query.answer(lambda: moved_after(query.analytics, occasion, meant, limit))
    asked.observe("evidence.search", "filter", "patterns", f"{meant.sentence()}, after {occasion.sentence()}")
    document = AfterwardsDocument(
        sentence=meant.sentence(),
        first=occasion.sentence(),
        lag=lag_document(told.lag),
        moved=tuple(
            MovedAfterDocument(
                actor=one.actor,
                currency=one.currency,
                changes=one.changes,
                orders=one.orders,
                raised=abs(one.raised),
                lowered=abs(one.lowered),
            )
            for one in told.value
        ),
    )
    return answer(asked.request, document)
