"""What only an operator sees: ``GET /intake/``, ``GET /intake/health`` and ``GET /metrics``.

One key opens all three, and nothing else does: as a Bearer token (RFC 6750), or as the password of HTTP Basic (RFC
7617; any user name), which browsers ask for. Without a key that is configured, none of the three is there (404).
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from ordertrail.intake.health import told_of_health
from ordertrail.intake.ports import Query
from ordertrail.intake.service import Intake
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import UnavailableError
from ordertrail.web.metrics import MEDIA_TYPE, metrics_of
from ordertrail.web.page import POLICY, Overview, page_of
from ordertrail.web.problems import problem

_SHOWN: Final = 200
"""Letters on the page."""
_CONSIDERED: Final = 1_000
"""Letters that are ranked for it."""
_CAUSES: Final = 200
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_ASKED: Final = {"WWW-Authenticate": 'Bearer realm="intake", Basic realm="intake", charset="UTF-8"'}


def operator_routes(intake: Intake, key: bytes | None) -> list[Route]:
    """Return the routes; ``key`` is the operator's."""

    def guarded(answer: Callable[[Intake], Response]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            if key is None:
                return problem(HTTPStatus.NOT_FOUND, "there is no such address here")
            if not _is_operator(request.headers.get("authorization", ""), key):
                return problem(HTTPStatus.UNAUTHORIZED, "the operator's key is needed", _ASKED)
            try:
                found = await run_in_threadpool(answer, intake)
            except UnavailableError:
                return problem(HTTPStatus.SERVICE_UNAVAILABLE, "the database of intake cannot be asked now")
            found.headers.update(_HEADERS)
            return found

        return endpoint

    return [
        Route("/intake/", guarded(_page), methods=["GET"]),
        Route("/intake/health", guarded(_health), methods=["GET"]),
        Route("/metrics", guarded(_metrics), methods=["GET"]),
    ]


def _health(intake: Intake) -> Response:
    return JSONResponse({"sources": [told_of_health(one) for one in intake.health()]})


def _metrics(intake: Intake) -> Response:
    return Response(metrics_of(intake.health()), headers={"Content-Type": MEDIA_TYPE})


def _page(intake: Intake) -> Response:
    overview = Overview(
        time=format_time(intake.flow.clock()),
        sources=intake.health(),
        causes=intake.desk.causes(Query(limit=_CAUSES)),
        letters=intake.ranked(Query(limit=_CONSIDERED))[:_SHOWN],
    )
    return HTMLResponse(page_of(overview))


def _is_operator(authorization: str, key: bytes) -> bool:
    """Say whether a request has the key. Hashes are compared, so that not even the key's length is told by the time."""
    scheme, _, said = authorization.partition(" ")
    told = said.strip().encode("latin-1", "replace")
    if scheme.lower() == "basic":
        try:
            told = base64.b64decode(told, validate=True).partition(b":")[2]
        except (binascii.Error, ValueError):
            told = b""
    elif scheme.lower() != "bearer":
        told = b""
    return hmac.compare_digest(hashlib.sha256(told).digest(), hashlib.sha256(key).digest()) and bool(told)
