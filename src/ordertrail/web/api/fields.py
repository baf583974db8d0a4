"""``/fields``, ``/filter`` and ``/vocabulary``: what became of a field, and what may be asked for at all."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from ordertrail.access.verbs import Verb
from ordertrail.query.filters.fields import FIELDS
from ordertrail.query.filters.grammar import format_filter
from ordertrail.query.questions.fields import field_history
from ordertrail.query.questions.search import MOST
from ordertrail.record.values import MAX_IDENTIFIER
from ordertrail.web.api.answering import answer
from ordertrail.web.api.asking import Asking, asking
from ordertrail.web.api.models.questions import (
    FieldChangeDocument,
    FieldHistoryDocument,
    FilterDocument,
    TermDocument,
    VocabularyDocument,
    WordDocument,
)
from ordertrail.web.api.parameters import PLAIN, Asked, Beyond, Zone, place
from ordertrail.web.api.problems import ProblemRoute, problem_responses
from ordertrail.web.api.telling import found, lag_document

router = APIRouter(tags=["fields"], route_class=ProblemRoute)

Searching = Annotated[Asking, asking(Verb.EVENTS_SEARCH)]


@router.get(
    "/fields",
    summary="What became of a field",
    response_model=FieldHistoryDocument,
    responses=problem_responses(),
)
def fields(  # noqa: PLR0913, PLR0917 - the parameters of the address
    asked: Searching,
    field: Annotated[
        str,
        Query(
            min_length=1,
            max_length=MAX_IDENTIFIER,
            pattern=PLAIN,
            description="A field's name, or its place, which begins with a slash.",
            examples=["unit_price"],
        ),
    ],
    q: Asked = "",
    zone: Zone = "UTC",
    limit: Annotated[
        int, Query(ge=1, le=MOST, description="Events whose changes are told.", examples=[200])
    ] = 200,
    beyond: Beyond = None,
) -> Response:
    """Return every change of a field by the events that a filter means, the oldest first."""
    meant, at, query = asked.meant(q, zone), place(beyond), asked.query
    told = query.answer(lambda: field_history(query.searches, field, meant, limit=limit, beyond=at))
    asked.observe("evidence.search", "filter", "changes", f"{meant.sentence()}, changes of {field}")
    events = found(query, [one.hit for one in told.value])
    full = len({one.hit.key for one in told.value}) >= limit
    document = FieldHistoryDocument(
        field=field,
        sentence=meant.sentence(),
        lag=lag_document(told.lag),
        changes=tuple(
            FieldChangeDocument(
                path=one.change.path, before=one.change.before, after=one.change.after, found=event
            )
            for one, event in zip(told.value, events, strict=True)
        ),
        newer=str(told.value[-1].hit.cursor) if full else None,
    )
    return answer(asked.request, document)


@router.get("/filter", summary="Read a filter", response_model=FilterDocument, responses=problem_responses())
def read_filter(asked: Searching, q: Asked = "", zone: Zone = "UTC") -> Response:
    """Return what a filter means in English, as it is written best, and with times that mean the same tomorrow."""
    meant = asked.meant(q, zone)
    document = FilterDocument(
        sentence=meant.sentence(),
        filter=format_filter(meant),
        fixed=format_filter(meant.fixed()),
        terms=tuple(TermDocument(text=term.text(), words=term.words()) for term in meant.terms),
    )
    return answer(asked.request, document)


@router.get(
    "/vocabulary",
    summary="What may be asked for",
    response_model=VocabularyDocument,
    responses=problem_responses(),
)
def vocabulary(asked: Searching) -> Response:
    """Return the fields that filters know by name, and the actions that this trail knows."""
    document = VocabularyDocument(
        fields=tuple(
            WordDocument(name=name, about=one.about, sensitive=False) for name, one in FIELDS.items()
        ),
        actions=tuple(
            WordDocument(name=name, about=one.phrase, sensitive=one.sensitive)
            for name, one in asked.query.actions.items()
        ),
    )
    return answer(asked.request, document)
