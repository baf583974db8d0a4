"""What operators and their programs ask: whether it is well, for figures, and how to talk to it.

::

    /healthz    200 always: the process answers
    /readyz     200, or 503 with the names of the parts that are not well; for everybody, so that balancers can ask
    /metrics    figures for a monitoring system: for principals with the verb ``metrics.read``, such as an API key of
                the role that collects figures, sent as a Bearer token (RFC 6750)
    /api/v1/openapi.json    how programs talk to it (OpenAPI 3.1); for everybody
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, Response

from ordertrail.access.principal import Principal
from ordertrail.access.verbs import Verb
from ordertrail.web.auth.admission import admit, public
from ordertrail.web.operations.health import Readiness
from ordertrail.web.operations.metrics import Exposition

router = APIRouter(include_in_schema=False)


@router.get("/healthz", dependencies=[Depends(public)])
async def healthz() -> JSONResponse:
    """Say that the process answers."""
    return JSONResponse({"status": "alive"})


@router.get("/readyz", dependencies=[Depends(public)])
def readyz(request: Request) -> JSONResponse:
    """Say whether the parts are there that answers need."""
    parts = {one.name: "ok" if one.well else "failed" for one in _readiness(request).parts()}
    well = all(told == "ok" for told in parts.values())
    return JSONResponse({"status": "ready" if well else "not ready", "parts": parts}, 200 if well else 503)


@router.get("/metrics")
def metrics(request: Request, _who: Annotated[Principal, Depends(admit(Verb.METRICS_READ))]) -> Response:
    """Return all figures."""
    body, media_type = _exposition(request).write(request.headers.get("accept", ""))
    return Response(body, headers={"Content-Type": media_type})


@router.get("/api/v1/openapi.json", dependencies=[Depends(public)])
def openapi(request: Request) -> JSONResponse:
    """Return the description of the interface for programs."""
    return JSONResponse(request.app.openapi())


def _readiness(request: Request) -> Readiness:
    found: Readiness = request.app.state.readiness
    return found


def _exposition(request: Request) -> Exposition:
    found: Exposition = request.app.state.exposition
    return found
