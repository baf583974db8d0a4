"""ASGI middleware: each request is an ``acting`` block.

::

    app.add_middleware(CaptureMiddleware, user=lambda scope: scope["user"].id, trusted_proxies=["10.0.0.0/8"])
"""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from ordertrail.capture.context import acting
from ordertrail.capture.requests import Blocks, Proxies, User
from ordertrail.record.event import ActorKind

Scope = MutableMapping[str, Any]


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
        self._blocks = Blocks(kind, channel, Proxies.of(trusted_proxies))

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
        address = (scope.get("client") or (None,))[0]
        return self._blocks.block(self._user(scope), address, lambda name: headers.get(name, ()))
