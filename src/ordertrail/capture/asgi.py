"""ASGI middleware: each request is an ``acting`` block.

::

    app.add_middleware(CaptureMiddleware, user=lambda scope: scope["user"].id, trusted_proxies=["10.0.0.0/8"])
"""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from ordertrail.capture.context import acting
from ordertrail.capture.requests import Proxies, parse_traceparent, request_id, user_agent
from ordertrail.record.event import ActorKind

Scope = MutableMapping[str, Any]
User = str | tuple[str, Iterable[str]] | None
"""A user's id, or id and roles; None where nobody is signed in."""


class CaptureMiddleware:
    """Says who acts and from where, for all that happens in a request, background tasks included.

    ``user`` is called with the scope; it must run after what authenticates, so that it finds the user there.
    """

    def __init__(
        self,
        app: Callable[..., Awaitable[None]],
        *,
        user: Callable[[Scope], User] | None = None,
        kind: ActorKind = "person",
        channel: str | None = None,
        trusted_proxies: Iterable[str] = (),
    ) -> None:
        self._app = app
        self._user = user or (lambda _scope: None)
        self._kind = kind
        self._channel = channel
        self._proxies = Proxies.of(trusted_proxies)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """Handle one request."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        with self._block(scope):
            await self._app(scope, receive, send)

    def _block(self, scope: Scope) -> acting:
        headers: dict[str, list[str]] = {}
        for name, value in scope.get("headers") or ():
            headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        user = self._user(scope)
        name, roles = user if isinstance(user, tuple) else (user, None)
        return acting(
            name,
            roles=roles,
            kind=self._kind if name is not None else None,
            ip=self._proxies.client(
                (scope.get("client") or (None,))[0],
                headers.get("x-forwarded-for", ()),
                headers.get("forwarded", ()),
            ),
            user_agent=user_agent(_first(headers, "user-agent")),
            request=request_id(_first(headers, "x-request-id")),
            trace=parse_traceparent(_first(headers, "traceparent")),
            channel=self._channel,
        )


def _first(headers: dict[str, list[str]], name: str) -> str | None:
    """Return a header that must stand once; one that stands twice says nothing."""
    values = headers.get(name, [])
    return values[0] if len(values) == 1 else None
