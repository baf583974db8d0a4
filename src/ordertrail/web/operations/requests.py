"""Each request as what watches it sees it: who is believed to call, its ids, how it ended and how long it took.

What proxies say is believed as far as :class:`ordertrail.capture.requests.Proxies` has it, and where nothing trusted
called us, not at all. ``scope["client"]`` and ``scope["scheme"]`` are the client's from here on;
``request.state.request_id`` and ``request.state.trace`` (a W3C ``traceparent``, or None) go into events and logs, and
the id into the answer's ``X-Request-ID``.

Addresses are told to watchers as the templates of their routes: the words that somebody searched for are nobody
else's, and a stranger's made-up paths make no new figures.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Final, Protocol

from fastapi.routing import iter_route_contexts
from starlette.datastructures import Headers, MutableHeaders
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ordertrail.capture.requests import Proxies, parse_address, parse_traceparent, request_id
from ordertrail.kernel.ids import new_id
from ordertrail.web.operations.logs import Correlation, correlation

_log = logging.getLogger("ordertrail.http")
_SCHEMES: Final = frozenset({"http", "https"})
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_QUIET: Final = ("/healthz", "/readyz", "/metrics", "/static/")
"""What routes begin with that are asked for so often that a line for each would hide the others."""

UNKNOWN: Final = "unknown"
"""What stands for the template of an address that is not there."""


@dataclass(frozen=True, slots=True)
class Answered:
    """How a request ended. ``status`` is 0 where the client left before an answer began; ``seconds`` until its end."""

    method: str
    route: str
    status: int
    seconds: float
    sent: int
    """Bytes of the answer's body."""


class Span(Protocol):
    """A stretch of time that is being traced."""

    def told(self, answered: Answered) -> None:
        """Say how it ended."""


class _Silent:
    def told(self, answered: Answered) -> None:
        """Nobody listens."""


Watch = Callable[[Answered], None]
OpenSpan = Callable[[str, str | None], AbstractContextManager[Span]]
"""Begins a span for a method, as a child of a ``traceparent``."""


def no_span(_method: str, _trace: str | None) -> AbstractContextManager[Span]:
    """Trace nothing."""
    return nullcontext(_Silent())


class Requests:
    """Knows each request's client and ids, and tells what became of it."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        proxies: Proxies,
        watches: Sequence[Watch] = (),
        span: OpenSpan = no_span,
        templates: Mapping[int, str] | None = None,
    ) -> None:
        """``templates`` is of :func:`templates_of`, for routes of routers that were included."""
        self._app = app
        self._proxies = proxies
        self._watches = watches
        self._span = span
        self._templates = templates or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        about, trace = self._identify(scope)
        begun, status, sent = time.perf_counter(), 0, 0

        async def with_id(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = about.request
            elif message["type"] == "http.response.body":
                sent += len(message.get("body", b""))
            await send(message)

        token = correlation.set(about)
        method = scope["method"] if scope["method"] in _METHODS else "other"
        try:
            with self._span(method, trace) as span:
                try:
                    await self._app(scope, receive, with_id)
                finally:
                    seconds = time.perf_counter() - begun
                    answered = Answered(method, route_of(scope, self._templates), status, seconds, sent)
                    span.told(answered)
                    self._tell(answered)
        finally:
            correlation.reset(token)

    def _identify(self, scope: Scope) -> tuple[Correlation, str | None]:
        """Put into the scope who calls and by which ids; return them."""
        headers = Headers(scope=scope)
        peer = (scope.get("client") or (None,))[0]
        caller = parse_address(peer)
        trusted = caller is not None and self._proxies.trusts(caller)
        if trusted:
            client = self._proxies.client(
                peer, headers.getlist("x-forwarded-for"), headers.getlist("forwarded")
            )
            scope["client"] = (client or peer, 0)
            scheme = _once(headers, "x-forwarded-proto")
            if scheme in _SCHEMES:
                scope["scheme"] = scheme
        told = _once(headers, "x-request-id") if trusted else None
        trace = parse_traceparent(_once(headers, "traceparent"))
        state = scope.setdefault("state", {})
        state["request_id"] = request_id(told) if told is not None else new_id()
        state["trace"] = trace
        return Correlation(state["request_id"], None if trace is None else trace.split("-")[1]), trace

    def _tell(self, answered: Answered) -> None:
        for watch in self._watches:
            watch(answered)
        if not answered.route.startswith(_QUIET):
            _log.info(
                "answered",
                extra={
                    "facts": {
                        "method": answered.method,
                        "route": answered.route,
                        "status": answered.status,
                        "seconds": round(answered.seconds, 6),
                        "bytes": answered.sent,
                    }
                },
            )


def templates_of(routes: Sequence[BaseRoute]) -> Mapping[int, str]:
    """Return the whole template of each route by the identity of what the scope will call it.

    A route of a router that was included knows its own part only.
    """
    return {id(one.original_route): one.path for one in iter_route_contexts(routes) if one.path is not None}


def route_of(scope: Scope, templates: Mapping[int, str]) -> str:
    """Return the template of the route that a request found."""
    route = scope.get("route")
    path = templates.get(id(route)) or getattr(route, "path", None)
    return path if isinstance(path, str) else UNKNOWN


def _once(headers: Headers, name: str) -> str | None:
    """Return a header that must stand once; what stands twice says nothing."""
    told = headers.getlist(name)
    return told[0] if len(told) == 1 else None
