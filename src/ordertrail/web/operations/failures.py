"""What nobody else answered: refusals as problems (RFC 9457), and errors, told in the log and not to strangers.

Whoever has a better answer to a refusal, such as a page, gives it before this one.
"""

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ordertrail.kernel.errors import EvidenceError, UnavailableError
from ordertrail.web.problems import problem

_log = logging.getLogger("ordertrail.http")
_RETRY: Final = 5


async def refused(_request: Request, error: Exception) -> Response:
    """Answer a refusal."""
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code < HTTPStatus.BAD_REQUEST:
        return Response(status_code=error.status_code, headers=error.headers)
    return problem(HTTPStatus(error.status_code), str(error.detail), error.headers)


class Failures:
    """Answers errors, within the headers and watches around it, which an error must not pass by."""

    def __init__(self, app: ASGIApp, *, broken: Callable[[], None]) -> None:
        """``broken`` is called where a check of evidence failed."""
        self._app = app
        self._broken = broken

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            if scope["type"] != "http":
                raise
            answer = self._answer(error)
            if begun:
                raise  # what was begun is cut off: half an answer must not look like a whole one
            await answer(scope, receive, send)

    def _answer(self, error: Exception) -> Response:
        if isinstance(error, HTTPException):  # by a middleware that is further in
            return problem(HTTPStatus(error.status_code), str(error.detail), error.headers)
        if isinstance(error, UnavailableError):
            _log.warning("a store cannot be reached", exc_info=error)
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, "a store cannot be reached now", retry=_RETRY)
        if isinstance(error, EvidenceError):
            self._broken()
        _log.error("a request failed", exc_info=error)
        return problem(
            HTTPStatus.INTERNAL_SERVER_ERROR,
            "the service failed; what went wrong is in its log, under this request",
        )


def install(app: FastAPI) -> None:
    """Have an application's refusals answered so, where nobody else answers them."""
    app.add_exception_handler(HTTPException, refused)
