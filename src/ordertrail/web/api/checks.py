"""``/checks``: full checks of a log, in the background, with their progress; see :mod:`ordertrail.web.checks`."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from ordertrail.access.verbs import Verb
from ordertrail.ledger.verify.report import Finding
from ordertrail.web.api.answering import JSON, answer
from ordertrail.web.api.asking import Asking, asking
from ordertrail.web.api.bodies import media_type_of, read_body
from ordertrail.web.api.models.document import EVENT_ID
from ordertrail.web.api.models.log import CheckDocument, CheckRequest, CheckState, FindingDocument
from ordertrail.web.api.models.problem import ProblemKind
from ordertrail.web.api.parameters import UUID
from ordertrail.web.api.problems import ProblemRoute, RefusedError, faults_of, problem_responses, unknown
from ordertrail.web.checks import Check, Phase, begin_check, checks_of

_LARGEST: Final = 4_096
_TOLD: Final = 200
"""Findings that are told."""

router = APIRouter(prefix="/checks", tags=["checks"], route_class=ProblemRoute)

Checking = Annotated[Asking, asking(Verb.INTEGRITY_CHECK)]


@router.post(
    "",
    summary="Begin a full check",
    status_code=202,
    response_model=CheckDocument,
    responses={
        202: {"headers": {"Location": {"schema": {"type": "string"}}}},
        **problem_responses(408, 413, 415),
    },
    openapi_extra={
        "requestBody": {"required": True, "content": {JSON: {"schema": CheckRequest.model_json_schema()}}}
    },
)
async def begin(asked: Checking) -> Response:
    """Begin a full check of a log: every byte of every entry, every hash, every signature. Follow it at Location."""
    media_type_of(asked.request, (JSON,))
    body = await read_body(asked.request, _LARGEST)
    try:
        wanted = CheckRequest.model_validate_json(body)
    except ValidationError as error:
        raise RefusedError(ProblemKind.INPUT, "no check was begun", errors=faults_of(error)) from None
    return await run_in_threadpool(_begin, asked, wanted)


def _begin(asked: Asking, wanted: CheckRequest) -> Response:
    check = begin_check(asked.request, asked.who, asked.trail, asked.log(wanted.stream).log.stream)
    headers = {"Location": f"{asked.request.url.path}/{check.id}"}
    return answer(asked.request, _document(asked, check), status=202, headers=headers, keep="no-store")


@router.get(
    "/{check_id}", summary="Follow a full check", response_model=CheckDocument, responses=problem_responses()
)
def follow(
    asked: Checking,
    check_id: Annotated[str, Path(pattern=UUID, description="The check's id.", examples=[EVENT_ID])],
) -> Response:
    """Return how far a check is, and what it found."""
    check = checks_of(asked.request.app).get(check_id)
    if check is None:
        raise unknown("check of this id")
    return answer(asked.request, _document(asked, check), keep="no-store")


def _document(asked: Asking, check: Check) -> CheckDocument:
    report = check.report
    findings = [] if report is None else sorted(report.findings, key=lambda one: one.rank)
    return CheckDocument(
        id=check.id,
        stream=check.stream,
        state=_state(check),
        begun=check.begun,
        ended=check.ended,
        done=check.done,
        total=check.total,
        verdict=None if report is None or not asked.sees_everything else report.verdict,
        findings=tuple(_finding(asked, one) for one in findings[:_TOLD]),
        more_findings=0 if report is None else report.more_findings + max(0, len(findings) - _TOLD),
    )


def _state(check: Check) -> CheckState:
    match check.phase:
        case Phase.RUNNING:
            return CheckState.RUNNING
        case Phase.FAILED:
            return CheckState.FAILED
        case Phase.DONE:
            return (
                CheckState.INTACT if check.report is not None and check.report.intact else CheckState.BROKEN
            )


def _finding(asked: Asking, one: Finding) -> FindingDocument:
    """Return a finding; of what is wrong where, whoever sees a part of the trail is told the step and the place."""
    whole = asked.sees_everything
    return FindingDocument(
        step=one.step.number,
        label=one.step.label,
        where=one.where,
        message=one.message if whole else one.step.promise,
        index=one.index,
        order=one.order if whole else None,
    )
