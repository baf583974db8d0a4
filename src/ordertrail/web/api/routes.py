"""Every address of the interface, below ``/api/v1``; what is none of them is a problem too."""

from typing import Final

from fastapi import APIRouter, Depends, Request, Response
from starlette.routing import Match

from ordertrail.web.api import (
    checks,
    counts,
    events,
    exports,
    fields,
    forecasts,
    identities,
    live,
    log,
    orders,
    patterns,
    people,
    recording,
)
from ordertrail.web.api.models.problem import ProblemKind
from ordertrail.web.api.problems import ProblemRoute, problem_response
from ordertrail.web.auth.admission import public

PREFIX: Final = "/api/v1"
_RESOURCES: Final = (
    events,
    recording,
    identities,
    counts,
    orders,
    people,
    patterns,
    fields,
    forecasts,
    exports,
    live,
    log,
    checks,
)
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY")

router = APIRouter(prefix=PREFIX)
for _resource in _RESOURCES:
    router.include_router(_resource.router)

_last = APIRouter(route_class=ProblemRoute)


@_last.api_route(
    "/{rest:path}", methods=list(_METHODS), include_in_schema=False, dependencies=[Depends(public)]
)
def nothing(request: Request) -> Response:
    """Tell that there is no such address, or that it does not take this method."""
    scope = dict(request.scope, path=request.scope["path"].removeprefix(PREFIX))
    taken = {
        method
        for resource in _RESOURCES
        for route in resource.router.routes
        if route.matches(scope)[0] is not Match.NONE
        for method in getattr(route, "methods", ())
    }
    if taken:
        allow = {"Allow": ", ".join(sorted(taken))}
        return problem_response(
            ProblemKind.METHOD, f"{request.method} is not taken here", status=405, headers=allow
        )
    return problem_response(ProblemKind.UNKNOWN, "there is no such address here")


router.include_router(_last)
