"""``/events/{id}/reveal``: one sealed personal value, opened; see :mod:`ordertrail.web.revealing`."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from ordertrail.access.verbs import Verb
from ordertrail.kernel.errors import InputError
from ordertrail.web.api.answering import JSON, answer
from ordertrail.web.api.asking import Asking, asking
from ordertrail.web.api.bodies import media_type_of, read_body
from ordertrail.web.api.events import find
from ordertrail.web.api.models.identity import RevealedDocument, RevealRequest
from ordertrail.web.api.models.problem import Fault, ProblemKind
from ordertrail.web.api.parameters import EventId
from ordertrail.web.api.problems import ProblemRoute, RefusedError, faults_of, problem_responses
from ordertrail.web.revealing import reveal as reveal_value

_LARGEST: Final = 16_384

router = APIRouter(prefix="/events", tags=["identities"], route_class=ProblemRoute)


@router.post(
    "/{event_id}/reveal",
    summary="Open a sealed value",
    response_model=RevealedDocument,
    responses=problem_responses(408, 413, 415),
    openapi_extra={
        "requestBody": {"required": True, "content": {JSON: {"schema": RevealRequest.model_json_schema()}}}
    },
)
async def reveal(asked: Annotated[Asking, asking(Verb.IDENTITIES_REVEAL)], event_id: EventId) -> Response:
    """Open one personal value of an event, for a reason that is kept in the trail."""
    wanted = await _wanted(asked.request)
    value = await run_in_threadpool(_opened, asked, event_id, wanted)
    document = RevealedDocument(event=event_id, path=wanted.path, value=value)
    return answer(asked.request, document, keep="no-store")


async def _wanted(request: Request) -> RevealRequest:
    media_type_of(request, (JSON,))
    try:
        return RevealRequest.model_validate_json(await read_body(request, _LARGEST))
    except ValidationError as error:
        raise RefusedError(ProblemKind.INPUT, "nothing was opened", errors=faults_of(error)) from None


def _opened(asked: Asking, event_id: str, wanted: RevealRequest) -> Any:
    event = find(asked, event_id).entry.event
    try:
        return reveal_value(asked.request, asked.who, asked.trail, event, wanted.path, wanted.reason)
    except InputError as error:
        faults = [Fault(detail=one.message, pointer="/path") for one in error.problems]
        raise RefusedError(ProblemKind.INPUT, error.message, remedy=error.remedy, errors=faults) from None
