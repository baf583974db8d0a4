"""The web application: every address that a trail answers, behind one set of bounds, headers and watches.

From the outside in: who calls and by which ids, the security headers, the names that we answer to, the bounds of
bodies, and then the routes. A refusal of any of them has the headers, an id and a line in the log like any answer.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib.metadata import version

from fastapi import APIRouter, Depends, FastAPI

from ordertrail.capture.requests import Proxies
from ordertrail.intake.receiving import Lander
from ordertrail.services import Services
from ordertrail.settings.serve import ServeSettings
from ordertrail.web.api import routes as api
from ordertrail.web.api import tiles
from ordertrail.web.auth import refusing
from ordertrail.web.auth import routes as access
from ordertrail.web.auth.admission import public
from ordertrail.web.intake import door_of
from ordertrail.web.operations import failures
from ordertrail.web.operations import routes as operations
from ordertrail.web.operations.bounds import BoundedBodies
from ordertrail.web.operations.headers import SecurityHeaders
from ordertrail.web.operations.health import Readiness
from ordertrail.web.operations.hosts import AllowedHosts, allowed_hosts
from ordertrail.web.operations.metrics import Exposition, Figures
from ordertrail.web.operations.requests import OpenSpan, Requests, no_span, templates_of
from ordertrail.web.pages import routes as pages


def create_app(
    services: Services, settings: ServeSettings, *, figures: Figures | None = None, span: OpenSpan = no_span
) -> FastAPI:
    """Compose the application of a trail; its services are at ``request.app.state.services``.

    ``figures`` count what happens, ``span`` traces it. Raises ConfigurationError where it would answer under any name.
    """
    figures = figures or Figures()
    services = replace(services, query=figures.timed(services.query))
    app = FastAPI(
        title="OrderTrail",
        version=version("ordertrail"),
        summary="The tamper-evident audit trail of order management.",
        openapi_url=None,  # it is one of our own routes, which all say who may open them
        docs_url=None,  # its page loads scripts from elsewhere, and no page of ours does
        redoc_url=None,
        lifespan=_lifespan,
        redirect_slashes=False,
    )
    app.state.services = services
    app.state.settings = settings
    app.state.views = services.views
    app.state.figures = figures
    app.state.readiness = Readiness(services, settings)
    app.state.exposition = Exposition(services, figures)
    _add_routes(app, services, tiles.open_router if settings.open_log else tiles.router)
    failures.install(app)
    refusing.install(app)
    # The last one added is the outermost.
    app.add_middleware(failures.Failures, broken=figures.integrity.labels("http").inc)
    app.add_middleware(BoundedBodies, largest=settings.body_bytes)
    app.add_middleware(AllowedHosts, names=allowed_hosts(settings))
    app.add_middleware(SecurityHeaders, secure=settings.is_secure)
    proxies = Proxies.of(settings.trusted_proxies)
    templates = templates_of(app.routes)
    app.add_middleware(Requests, proxies=proxies, watches=(figures.answered,), span=span, templates=templates)
    return app


def _add_routes(app: FastAPI, services: Services, log: APIRouter) -> None:
    """Add every address; where two would do, the first one answers."""
    for router in (operations.router, access.router, api.router, log, pages.router):
        app.include_router(router)
    pages.install(app)
    if services.intake is not None:
        app.state.lander = Lander(services.intake.door.inbox)
        app.add_api_route(
            "/intake/{channel}/{account}",
            door_of(services.intake, app.state.lander),
            methods=["POST"],
            dependencies=[
                Depends(public)
            ],  # the source's own signature is asked for, over the bytes as they came
            include_in_schema=False,
        )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """End well: what was begun to be landed is landed."""
    yield
    lander: Lander | None = getattr(app.state, "lander", None)
    if lander is not None:
        lander.close()
