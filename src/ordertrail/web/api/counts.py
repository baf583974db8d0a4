"""``/facets``, ``/histogram`` and ``/facts``: how many, of what, and when."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from ordertrail.access.verbs import Verb
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import InputError
from ordertrail.query.ports import Counted
from ordertrail.query.questions.facets import facets as count_facets
from ordertrail.query.questions.facts import by_day, money_by_actor, ranking
from ordertrail.query.questions.histogram import Step
from ordertrail.query.questions.histogram import histogram as count_steps
from ordertrail.web.api.answering import answer, known_list, list_tag
from ordertrail.web.api.asking import Asking, asking
from ordertrail.web.api.models.counts import (
    BarDocument,
    CountedDocument,
    DayDocument,
    DaysDocument,
    FacetDocument,
    FacetsDocument,
    HistogramDocument,
    MoneyDocument,
    MovedDocument,
    RankedDocument,
    RankingDocument,
)
from ordertrail.web.api.models.document import moment
from ordertrail.web.api.parameters import Asked, Moment, Zone, span_of, wrong
from ordertrail.web.api.problems import ProblemRoute, problem_responses
from ordertrail.web.api.telling import lag_document

COLUMNS = ("actor", "action", "outcome")
"""What facts are counted by."""
_MOST_DAYS = 20_000

router = APIRouter(tags=["counts"], route_class=ProblemRoute)

Searching = Annotated[Asking, asking(Verb.EVENTS_SEARCH)]
Watching = Annotated[Asking, asking(Verb.ACTIVITY_READ)]
By = Annotated[
    str,
    Query(
        pattern="^(actor|action|outcome)(,(actor|action|outcome)){0,2}$",
        description="Any of actor, action and outcome, each once.",
        examples=["actor,action"],
    ),
]


@router.get(
    "/facets", summary="Count by values", response_model=FacetsDocument, responses=problem_responses()
)
def facets(asked: Searching, q: Asked = "", zone: Zone = "UTC") -> Response:
    """Count the events that a filter means by the values of eight fields, to narrow a search by."""
    meant = asked.meant(q, zone)
    asked.observe("evidence.search", "filter", "facets", meant.sentence())
    tag = list_tag(asked, meant)
    unchanged = known_list(asked, tag)
    if unchanged is not None:
        return unchanged
    query = asked.query
    told = query.answer(lambda: count_facets(query.counts, meant))
    document = FacetsDocument(
        sentence=meant.sentence(),
        lag=lag_document(told.lag),
        facets=tuple(
            FacetDocument(
                field=one.field,
                values=counted(one.tally.values),
                events=one.tally.events,
                whole=one.tally.whole,
                chosen=one.chosen,
            )
            for one in told.value
        ),
    )
    return answer(asked.request, document, tag=tag)


@router.get(
    "/histogram", summary="Count over time", response_model=HistogramDocument, responses=problem_responses()
)
def histogram(  # noqa: PLR0913, PLR0917 - the parameters of the address
    asked: Searching,
    start: Moment,
    end: Moment,
    step: Annotated[Step, Query(description="How wide a bar is.", examples=["day"])] = Step.DAY,
    q: Asked = "",
    zone: Zone = "UTC",
) -> Response:
    """Count the events that a filter means by intervals of a zone's clock, at most 1,000 of them."""
    meant, span = asked.meant(q, zone), span_of(start, end, zone)
    asked.observe("evidence.search", "filter", "histogram", meant.sentence())
    tag = list_tag(asked, meant)
    unchanged = known_list(asked, tag)
    if unchanged is not None:
        return unchanged
    query = asked.query
    try:
        told = query.answer(lambda: count_steps(query.counts, meant, span, step))
    except InputError as error:
        raise wrong("step", error.message) from None
    document = HistogramDocument(
        sentence=meant.sentence(),
        lag=lag_document(told.lag),
        zone=zone,
        step=step.value,
        bars=tuple(
            BarDocument(start=format_time(one.start), end=format_time(one.end), events=one.events)
            for one in told.value
        ),
    )
    return answer(asked.request, document, tag=tag)


@router.get(
    "/facts/ranking",
    summary="Who, or what, most",
    response_model=RankingDocument,
    responses=problem_responses(),
)
def rank(
    asked: Watching,
    q: Asked = "",
    zone: Zone = "UTC",
    by: By = "actor",
    limit: Annotated[int, Query(ge=1, le=1_000, description="How many of them.", examples=[20])] = 20,
) -> Response:
    """Rank actors, actions or outcomes by their events, over the whole trail: from the counts that are kept by day."""
    meant, columns = asked.meant(q, zone), _columns(by)
    asked.require_whole_tenants()
    try:
        told = asked.query.answer(lambda: ranking(asked.query.counts, meant, columns, limit))
    except InputError as error:
        raise wrong("q", error.message) from None
    asked.observe("evidence.search", "filter", "facts", f"{meant.sentence()}, by {by}")
    document = RankingDocument(
        sentence=meant.sentence(),
        lag=lag_document(told.lag),
        by=columns,
        ranked=tuple(RankedDocument(key=one.key, events=one.events, days=one.days) for one in told.value),
    )
    return answer(asked.request, document)


@router.get("/facts/days", summary="Count by day", response_model=DaysDocument, responses=problem_responses())
def days(asked: Watching, q: Asked = "", zone: Zone = "UTC", by: By = "outcome") -> Response:
    """Count events by day of UTC and by actor, action or outcome, over the whole trail."""
    meant, columns = asked.meant(q, zone), _columns(by)
    asked.require_whole_tenants()
    try:
        told = asked.query.answer(lambda: by_day(asked.query.counts, meant, columns))
    except InputError as error:
        raise wrong("q", error.message) from None
    asked.observe("evidence.search", "filter", "facts", f"{meant.sentence()}, by day and {by}")
    document = DaysDocument(
        sentence=meant.sentence(),
        lag=lag_document(told.lag),
        by=columns,
        whole=len(told.value) <= _MOST_DAYS,
        days=tuple(
            DayDocument(day=moment(one.day), key=one.key, events=one.events)
            for one in told.value[:_MOST_DAYS]
        ),
    )
    return answer(asked.request, document)


@router.get(
    "/facts/money",
    summary="Whose changes moved money",
    response_model=MoneyDocument,
    responses=problem_responses(),
)
def money(asked: Watching, q: Asked = "", zone: Zone = "UTC") -> Response:
    """Return what each actor's successes changed money by, up and down, in each currency, over the whole trail."""
    meant = asked.meant(q, zone)
    asked.require_whole_tenants()
    try:
        told = asked.query.answer(lambda: money_by_actor(asked.query.counts, meant))
    except InputError as error:
        raise wrong("q", error.message) from None
    asked.observe("evidence.search", "filter", "facts", f"{meant.sentence()}, money moved")
    document = MoneyDocument(
        sentence=meant.sentence(),
        lag=lag_document(told.lag),
        moved=tuple(
            MovedDocument(
                actor=one.actor,
                currency=one.currency,
                events=one.events,
                raised=abs(one.raised),
                lowered=abs(one.lowered),
            )
            for one in told.value
        ),
    )
    return answer(asked.request, document)


def counted(values: tuple[Counted, ...]) -> tuple[CountedDocument, ...]:
    """Return counts of values as documents."""
    return tuple(CountedDocument(value=one.value, events=one.events) for one in values)


def _columns(by: str) -> tuple[str, ...]:
    columns = tuple(by.split(","))
    if len(set(columns)) != len(columns):
        raise wrong("by", "names a column twice")
    return columns
