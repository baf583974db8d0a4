"""Bounds on what a request may hold: how large its body is, and how slowly it may come.

A body has the first :data:`SECONDS` for nothing, and one second more for each :data:`RATE` bytes that came: whoever is
slower holds a connection and sends nothing. An address that takes less has a bound of its own beside this one.
"""

import asyncio
import time
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ordertrail.web.problems import problem

SECONDS: Final = 20.0
RATE: Final = 64 << 10
"""Bytes a second."""

_DIGITS: Final = 18
_CLOSE: Final = {"Connection": "close"}
"""What is left of a body that was not read must not be taken for the next request."""


class BoundedBodies:
    """Refuses bodies that are too large (413) or too slow (408), whether they say so before or not."""

    def __init__(self, app: ASGIApp, *, largest: int, seconds: float = SECONDS) -> None:
        """``largest`` in bytes."""
        self._app = app
        self._largest = largest
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "0")
        if not (length.isascii() and length.isdecimal()):
            refused = problem(HTTPStatus.BAD_REQUEST, "Content-Length is no number", _CLOSE)
            await refused(scope, receive, send)
        elif len(length) > _DIGITS or int(length) > self._largest:
            refused = problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._too_large)
            await refused(scope, receive, send)
        else:
            await self._app(scope, _Bounded(receive, self._largest, self._seconds, self._too_large), send)

    @property
    def _too_large(self) -> str:
        return f"a request has at most {self._largest:,} bytes"


class _Bounded:
    """What receives one request's body, within bounds."""

    def __init__(self, receive: Receive, largest: int, seconds: float, too_large: str) -> None:
        self._receive = receive
        self._largest = largest
        self._too_large = too_large
        self._seconds = seconds
        self._begun: float | None = None
        self._size = 0
        self._whole = False

    async def __call__(self) -> Message:
        """Return what comes next. Once the body is whole, it may be waited for without end: the client may leave."""
        if self._whole:
            return await self._receive()
        self._begun = self._begun or time.monotonic()
        left = self._begun + self._seconds + self._size / RATE - time.monotonic()
        try:
            async with asyncio.timeout(max(left, 0.0)):
                message = await self._receive()
        except TimeoutError:
            # An HTTPException, because frameworks pass that one on and turn any other into "cannot be read".
            raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, "the body did not come in time", _CLOSE) from None
        if message["type"] != "http.request":
            self._whole = True
            return message
        self._size += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        if self._size > self._largest:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._too_large, _CLOSE)
        return message
