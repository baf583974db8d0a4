"""Refusals as RFC 9457 has them: each error of the house becomes a problem of a fixed type, at the edge and once.

Routes of :class:`ProblemRoute` answer so whatever happens in them, in whichever application they are. What an error
says of the server's own files stays in its log.
"""

import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from ordertrail.kernel.errors import (
    BusyError,
    ConfigurationError,
    EvidenceError,
    InputError,
    OrderTrailError,
    Problem,
    UnavailableError,
)
from ordertrail.web.api.models.problem import MEDIA_TYPE, TYPE_PREFIX, Fault, ProblemDocument, ProblemKind

_log: Final = logging.getLogger(__name__)

STATUS: Final[Mapping[ProblemKind, HTTPStatus]] = {
    ProblemKind.INPUT: HTTPStatus.UNPROCESSABLE_ENTITY,
    ProblemKind.UNKNOWN: HTTPStatus.NOT_FOUND,
    ProblemKind.AMBIGUOUS: HTTPStatus.CONFLICT,
    ProblemKind.METHOD: HTTPStatus.METHOD_NOT_ALLOWED,
    ProblemKind.MEDIA: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    ProblemKind.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    ProblemKind.TOO_SLOW: HTTPStatus.REQUEST_TIMEOUT,
    ProblemKind.SCOPE: HTTPStatus.FORBIDDEN,
    ProblemKind.UNAUTHENTICATED: HTTPStatus.UNAUTHORIZED,
    ProblemKind.FORBIDDEN: HTTPStatus.FORBIDDEN,
    ProblemKind.BUSY: HTTPStatus.SERVICE_UNAVAILABLE,
    ProblemKind.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
    ProblemKind.EVIDENCE: HTTPStatus.INTERNAL_SERVER_ERROR,
    ProblemKind.CONFIGURATION: HTTPStatus.INTERNAL_SERVER_ERROR,
    ProblemKind.INTERNAL: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""The status of each kind of problem."""

_BY_STATUS: Final[Mapping[int, ProblemKind]] = {
    HTTPStatus.BAD_REQUEST: ProblemKind.INPUT,
    HTTPStatus.UNAUTHORIZED: ProblemKind.UNAUTHENTICATED,
    HTTPStatus.FORBIDDEN: ProblemKind.FORBIDDEN,
    HTTPStatus.NOT_FOUND: ProblemKind.UNKNOWN,
    HTTPStatus.METHOD_NOT_ALLOWED: ProblemKind.METHOD,
    HTTPStatus.NOT_ACCEPTABLE: ProblemKind.MEDIA,
    HTTPStatus.REQUEST_TIMEOUT: ProblemKind.TOO_SLOW,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ProblemKind.TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: ProblemKind.MEDIA,
    HTTPStatus.TOO_MANY_REQUESTS: ProblemKind.BUSY,
    HTTPStatus.SERVICE_UNAVAILABLE: ProblemKind.UNAVAILABLE,
}
_RETRY_SECONDS: Final = 5
_LONGEST: Final = 2_000
"""Characters of a detail that are told."""
_MOST: Final = 1_000
"""Faults that are told."""


class RefusedError(Exception):
    """A request is refused for a reason that is of the interface, not of a room below it."""

    def __init__(
        self,
        kind: ProblemKind,
        detail: str,
        *,
        remedy: str | None = None,
        errors: Sequence[Fault] = (),
        status: HTTPStatus | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.remedy = remedy
        self.errors = tuple(errors)
        self.status = status


def unknown(what: str) -> RefusedError:
    """Return the refusal of what is not there, or belongs to somebody else: the two look the same."""
    return RefusedError(ProblemKind.UNKNOWN, f"there is no {what} here that you may see")


def problem_response(  # noqa: PLR0913 - the members of RFC 9457 and two of ours
    kind: ProblemKind,
    detail: str,
    *,
    status: int | None = None,
    meaning: str | None = None,
    remedy: str | None = None,
    errors: Iterable[Fault] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a problem as a response; it is never stored by anybody on the way."""
    code = STATUS[kind] if status is None else status
    document = ProblemDocument(
        type=f"{TYPE_PREFIX}{kind}",
        title=HTTPStatus(code).phrase,
        status=code,
        detail=detail[:_LONGEST],
        meaning=meaning,
        remedy=remedy,
        errors=tuple(errors)[:_MOST],
    )
    told = {"Cache-Control": "no-store", **(headers or {})}
    if kind in {ProblemKind.BUSY, ProblemKind.UNAVAILABLE}:
        told.setdefault("Retry-After", str(_RETRY_SECONDS))
    if kind in {ProblemKind.TOO_LARGE, ProblemKind.TOO_SLOW, ProblemKind.MEDIA}:
        told["Connection"] = "close"  # what was not read of the body must not be taken for the next request
    return Response(document.model_dump_json(exclude_none=True), code, told, MEDIA_TYPE)


def pointer_of(path: str) -> str:
    """Return a dotted path as a JSON pointer: ``changes.0.after`` as ``/changes/0/after``."""
    return (
        "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in path.split(".")) if path else ""
    )


def fault_in_body(problem: Problem, prefix: str = "") -> Fault:
    """Return a problem of a room as a fault at a place of the body."""
    return Fault(detail=problem.message, pointer=prefix + pointer_of(problem.path))


def faults_of(error: ValidationError) -> tuple[Fault, ...]:
    """Return what is wrong with a body, each with its place."""
    return tuple(
        Fault(detail=one["msg"], pointer=pointer_of(".".join(map(str, one["loc"])))) for one in error.errors()
    )


class ProblemRoute(APIRoute):
    """A route whose refusals and errors are problems."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, with every error of it told as a problem."""
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                return await handle(request)
            except ClientDisconnect:
                raise
            except Exception as error:  # noqa: BLE001 - the edge: whatever it is, it is told, and logged where it is ours
                return problem_of(error)

        return handler


def problem_of(error: Exception) -> Response:
    """Return the problem that an error is."""
    match error:
        case RefusedError():
            return problem_response(
                error.kind, error.detail, status=error.status, remedy=error.remedy, errors=error.errors
            )
        case RequestValidationError():
            return _invalid(error)
        case HTTPException() if error.status_code < HTTPStatus.BAD_REQUEST:
            return Response(
                status_code=error.status_code, headers=error.headers
            )  # a person is sent to sign in
        case HTTPException():
            kind = _BY_STATUS.get(error.status_code, ProblemKind.INTERNAL)
            if kind is ProblemKind.INTERNAL and error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
                kind = ProblemKind.INPUT
            return problem_response(kind, str(error.detail), status=error.status_code, headers=error.headers)
        case OrderTrailError():
            return _told(error)
        case _:
            _log.error("an address of the interface failed", exc_info=error)
            return problem_response(ProblemKind.INTERNAL, "the service failed; what went wrong is in its log")


def _told(error: OrderTrailError) -> Response:
    match error:
        case InputError():
            faults = [
                Fault(detail=one.message, pointer=pointer_of(one.path) or None) for one in error.problems
            ]
            kind, detail, errors = ProblemKind.INPUT, error.message, faults
        case BusyError():
            kind, detail, errors = ProblemKind.BUSY, "another process is doing just this", []
        case UnavailableError():
            _log.warning("a store cannot be reached: %s", error.message)
            kind, detail, errors = ProblemKind.UNAVAILABLE, "a store cannot be reached now", []
        case EvidenceError():
            _log.error("a check of evidence failed: %s", error.message)
            kind, detail, errors = ProblemKind.EVIDENCE, error.message, []
        case _:
            _log.error("the trail is set up wrongly: %s", error.message)
            kind, detail, errors = ProblemKind.CONFIGURATION, "the trail is set up wrongly", []
    if isinstance(error, ConfigurationError):
        return problem_response(kind, detail, remedy="Ask its operator to run 'ordertrail doctor'.")
    return problem_response(kind, detail, meaning=error.meaning, remedy=error.remedy, errors=errors)


def _invalid(error: RequestValidationError) -> Response:
    """Return what is wrong with parameters and body, each with its place."""
    faults = []
    for one in error.errors():
        where, *steps = one["loc"]
        place = pointer_of(".".join(map(str, steps)))
        faults.append(
            Fault(detail=one["msg"], pointer=place)
            if where == "body"
            else Fault(detail=one["msg"], parameter=".".join(map(str, steps)))
        )
    told = "; ".join(f"{one.parameter or one.pointer or 'the body'}: {one.detail}" for one in faults)
    return problem_response(
        ProblemKind.INPUT, told, meaning="Nothing was done.", remedy="Correct what is named.", errors=faults
    )


async def refuse(_request: Request, error: Exception) -> Response:
    """Answer what no route answered."""
    return problem_of(error)


def install(app: FastAPI) -> None:
    """Have an application tell of addresses that it has not, and of methods that they do not take, as problems too."""
    app.add_exception_handler(HTTPException, refuse)


_WORDS: Final = {
    400: "The request is none that can be read.",
    401: "Nobody is known by what was sent: sign in, or send a key.",
    403: "Who asks may not do this, or not without a token that their page has.",
    404: "There is no such thing here, or none that you may see.",
    405: "The address does not take this method; Allow says which it takes.",
    406: "None of the types that are accepted can be had here.",
    408: "The body was not there in its time.",
    409: "It cannot be told which is meant, or somebody does just this.",
    413: "The body is larger than is taken.",
    415: "The body is of a type, or packed in a way, that is not taken.",
    422: "A parameter, a filter or the body is wrong; errors names every place.",
    500: "A check of evidence failed, or the service did; type says which.",
    503: "A store cannot be reached, or all places are taken; Retry-After says when to come again.",
}
_EVERYWHERE: Final = (400, 401, 403, 404, 405, 422, 500, 503)


def problem_responses(*also: int) -> dict[int | str, dict[str, Any]]:
    """Return the responses of an operation that are problems, for its description: those of all, and some more."""
    schema = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
    parts = schema.pop("$defs")
    schema["properties"]["errors"]["items"] = parts["Fault"]
    return {
        status: {"description": _WORDS[status], "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in sorted({*_EVERYWHERE, *also})
    }
