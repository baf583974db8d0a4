"""What goes wrong with a whole page, as a page: what happened, what it means for the evidence, what to do.

A page's routes are of :class:`PageRoute`. A refusal becomes a page where a person with a browser asks; a program, or a
page's own script, gets the problem that every other address gives.
"""

import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ordertrail.access.roles import ALLOWS, Role
from ordertrail.access.verbs import Verb
from ordertrail.kernel.errors import (
    ConfigurationError,
    EvidenceError,
    InputError,
    OrderTrailError,
    UnavailableError,
)
from ordertrail.web.auth.admission import Admission, recognised
from ordertrail.web.pages.regions import Way, reference_of
from ordertrail.web.pages.rendering import View, render

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ProblemPage:
    """What the page of a problem says."""

    title: str
    happened: str
    meaning: str
    remedy: str
    reference: str
    tone: str
    ways: tuple[Way, ...]


class PageRoute(APIRoute):
    """A route of a page: its errors are pages too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, with errors turned into pages."""
        inner = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                return await inner(request)
            except HTTPException as error:
                if error.status_code != HTTPStatus.FORBIDDEN or not _is_page(request):
                    raise
                return await _answer(request, _denied(self, str(error.detail)), HTTPStatus.FORBIDDEN)
            except OrderTrailError as error:
                status = status_of(error)
                if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                    _log.warning("a page could not be shown: %s", error.message)
                return await _answer(request, problem_of(error), status)

        return handler


async def _answer(request: Request, page: ProblemPage, status: HTTPStatus) -> Response:
    who = getattr(request.state, "principal", None)
    if who is None and request.method == "GET":
        found = await recognised(request)
        who = found.who if found is not None else None
    return await run_in_threadpool(
        render, request, who, View("problem.html", page.title, status=status, whole=True), page
    )


def status_of(error: OrderTrailError) -> HTTPStatus:
    """Return the status of an error: of what was asked for, of the evidence, or of a store that cannot be reached."""
    if isinstance(error, InputError):
        missing = "holds no" in error.message or error.message.startswith(
            ("no sealed", "nobody", "there is no")
        )
        return HTTPStatus.NOT_FOUND if missing else HTTPStatus.UNPROCESSABLE_ENTITY
    if isinstance(error, UnavailableError):
        return HTTPStatus.SERVICE_UNAVAILABLE
    if isinstance(error, ConfigurationError):
        return HTTPStatus.NOT_FOUND
    return HTTPStatus.INTERNAL_SERVER_ERROR


def problem_of(error: OrderTrailError) -> ProblemPage:
    """Return an error as a page says it."""
    told = error.diagnostics()
    evidence = isinstance(error, EvidenceError)
    titles = {True: "This evidence is not as it must be", False: "This cannot be shown"}
    if isinstance(error, InputError):
        titles[False] = (
            "There is no such thing" if status_of(error) is HTTPStatus.NOT_FOUND else "That will not do"
        )
    return ProblemPage(
        titles[evidence],
        told.happened[:1].upper() + told.happened[1:],
        told.meaning,
        told.remedy,
        reference_of(told.happened),
        "bad" if evidence else "wait",
        (Way("Integrity", "/integrity"),) if evidence else (Way("Explore", "/explore"), Way("Overview", "/")),
    )


def _denied(route: APIRoute, detail: str) -> ProblemPage:
    verbs = [one.call.verb for one in route.dependant.dependencies if isinstance(one.call, Admission)]
    roles = [role.value for role in Role if any(verb in ALLOWS[role] for verb in verbs)]
    return ProblemPage(
        "Your roles do not open this page",
        detail[:1].upper() + detail[1:],
        "Nothing was shown; the attempt is recorded.",
        f"It takes one of these roles: {', '.join(roles)}. Whoever gives roles can add one to yours.",
        "",
        "wait",
        (Way("Overview", "/"), Way("Break the glass", "/glass"))
        if _may_break(verbs)
        else (Way("Overview", "/"),),
    )


def _may_break(verbs: list[Verb]) -> bool:
    return any(verb.value.endswith((".read", ".search")) for verb in verbs)


def _is_page(request: Request) -> bool:
    return (
        "text/html" in request.headers.get("accept", "")
        and request.headers.get("sec-fetch-dest", "document") == "document"
    )
