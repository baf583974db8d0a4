"""``/checks``: full checks of a log, in the background, with their progress.

A check belongs to the process that runs it: it is known there until newer ones push it out, or the process ends. Of one
log one check runs at a time; whoever asks for another is shown that one. That it was asked for, and what it found, are
events.
"""

import logging
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock, Thread
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from ordertrail.access.verbs import Verb
from ordertrail.kernel.clock import Clock, format_time
from ordertrail.kernel.errors import OrderTrailError, UnavailableError
from ordertrail.kernel.ids import new_id
from ordertrail.ledger.verify.full import Options
from ordertrail.ledger.verify.report import Finding, Report
from ordertrail.web.api.answering import JSON, answer
from ordertrail.web.api.asking import Asking, asking
from ordertrail.web.api.bodies import media_type_of, read_body
from ordertrail.web.api.models.document import EVENT_ID
from ordertrail.web.api.models.log import CheckDocument, CheckRequest, CheckState, FindingDocument
from ordertrail.web.api.models.problem import ProblemKind
from ordertrail.web.api.parameters import UUID
from ordertrail.web.api.problems import ProblemRoute, RefusedError, faults_of, problem_responses, unknown

_log: Final = logging.getLogger(__name__)
_REMEMBERED: Final = 32
_LARGEST: Final = 4_096
_TOLD: Final = 200
"""Findings that are told."""

router = APIRouter(prefix="/checks", tags=["checks"], route_class=ProblemRoute)

Checking = Annotated[Asking, asking(Verb.INTEGRITY_CHECK)]


@dataclass(slots=True)
class Check:
    """A check under way, or done. Its one thread writes it, anybody reads it."""

    stream: str
    begun: str
    id: str = field(default_factory=new_id)
    state: CheckState = CheckState.RUNNING
    ended: str | None = None
    done: int = 0
    total: int = 0
    report: Report | None = None


class Checks:
    """The checks that this process knows; the oldest that has ended gives way to a new one. May be used by threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: OrderedDict[str, Check] = OrderedDict()

    def begin(self, stream: str, clock: Clock) -> tuple[Check, bool]:
        """Return the check of a log that runs, or a new one; and whether it is new."""
        with self._lock:
            for one in self._known.values():
                if one.stream == stream and one.state is CheckState.RUNNING:
                    return one, False
            check = Check(stream, format_time(clock()))
            self._known[check.id] = check
            ended = [one.id for one in self._known.values() if one.state is not CheckState.RUNNING]
            for name in ended[: max(0, len(self._known) - _REMEMBERED)]:
                del self._known[name]
            return check, True

    def get(self, name: str) -> Check | None:
        """Return a check by its id."""
        with self._lock:
            return self._known.get(name)


_making = Lock()


def checks_of(request: Request) -> Checks:
    """Return the checks of an application, made at first use."""
    with _making:
        state = request.app.state
        if not hasattr(state, "checks"):
            state.checks = Checks()
        known: Checks = state.checks
        return known


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
    origin = asked.log(wanted.stream).log.origin
    check, new = checks_of(asked.request).begin(wanted.stream, asked.trail.clock)
    if new:
        try:
            asked.observe("integrity.check", "log", origin, "begun")
        except BaseException:
            _end(asked, check, CheckState.FAILED)
            raise
        Thread(target=_run, args=(asked, check, origin), name=f"check {wanted.stream}", daemon=True).start()
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
    check = checks_of(asked.request).get(check_id)
    if check is None:
        raise unknown("check of this id")
    return answer(asked.request, _document(asked, check), keep="no-store")


def _run(asked: Asking, check: Check, origin: str) -> None:
    def advance(done: int, total: int) -> None:
        check.done, check.total = done, total

    try:
        # In a process of its own where the log is long: whoever asks meanwhile is answered from this one.
        check.report = asked.trail.verify(Options(processes=2), stream=check.stream, progress=advance)
        state = CheckState.INTACT if check.report.intact else CheckState.BROKEN
        _tell(asked, origin, check.report)
    except OrderTrailError as error:
        _log.error("a full check could not be carried through: %s", error.message)
        state = CheckState.FAILED
    except Exception:  # noqa: BLE001 - a thread of its own: what it does not tell is never heard of
        _log.exception("a full check failed")
        state = CheckState.FAILED
    _end(asked, check, state)


def _tell(asked: Asking, origin: str, report: Report) -> None:
    """Put on record what was found; what cannot be recorded now is not unsaid for that."""
    try:
        asked.observe("integrity.check", "log", origin, report.verdict[:1_000])
    except UnavailableError as error:
        _log.warning("what a full check found could not be recorded: %s", error.message)


def _end(asked: Asking, check: Check, state: CheckState) -> None:
    check.ended = format_time(asked.trail.clock())
    check.state = state


def _document(asked: Asking, check: Check) -> CheckDocument:
    state, report = check.state, check.report
    findings = [] if report is None else sorted(report.findings, key=lambda one: one.rank)
    return CheckDocument(
        id=check.id,
        stream=check.stream,
        state=state,
        begun=check.begun,
        ended=check.ended,
        done=check.done,
        total=check.total,
        verdict=None if report is None or not asked.sees_everything else report.verdict,
        findings=tuple(_finding(asked, one) for one in findings[:_TOLD]),
        more_findings=0 if report is None else report.more_findings + max(0, len(findings) - _TOLD),
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
