"""Refusals over HTTP: problems as RFC 9457 has them."""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import JSONResponse, Response


def problem(
    status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None, *, retry: int | None = None
) -> Response:
    """Return a problem. What is left of a body that was not read must not be taken for the next request."""
    also = dict(headers or {})
    if retry is not None:
        also["Retry-After"] = str(retry)
    if status in {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    }:
        also["Connection"] = "close"
    told = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    return JSONResponse(told, status, also, "application/problem+json")
