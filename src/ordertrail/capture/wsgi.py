"""WSGI middleware: each request is an ``acting`` block, until its response is read to the end or closed.

::

    application = CaptureMiddleware(application, user=lambda environ: environ.get("REMOTE_USER"))
"""

import contextvars
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ordertrail.capture.context import acting
from ordertrail.capture.requests import Blocks, Proxies, User
from ordertrail.record.event import ActorKind

Environ = dict[str, Any]


class CaptureMiddleware:
    """Says who acts and from where, for all that happens in a request."""

    def __init__(
        self,
        app: Callable[..., Iterable[bytes]],
        *,
        user: Callable[[Environ], User] | None = None,
        kind: ActorKind = "person",
        channel: str | None = None,
        trusted_proxies: Iterable[str] = (),
    ) -> None:
        self._app = app
        self._user = user or (lambda environ: environ.get("REMOTE_USER") or None)
        self._blocks = Blocks(kind, channel, Proxies.of(trusted_proxies))

    def __call__(self, environ: Environ, start_response: Any) -> Iterator[bytes]:
        """Handle one request. The response is made inside the block too, for it may be made as it is read."""
        around = contextvars.copy_context()
        around.run(self._block(environ).__enter__)
        response = around.run(self._app, environ, start_response)
        return _Response(response, around)

    def _block(self, environ: Environ) -> acting:
        address = environ.get("REMOTE_ADDR")
        return self._blocks.block(self._user(environ), address, lambda name: _values(environ, name))


class _Response(Iterator[bytes]):
    """An application's response, each piece of it made in the request's context."""

    def __init__(self, response: Iterable[bytes], around: contextvars.Context) -> None:
        self._response = response
        self._around = around
        self._pieces = around.run(iter, response)

    def __next__(self) -> bytes:
        return self._around.run(next, self._pieces)

    def close(self) -> None:
        """Close the response, as servers do at its end."""
        close = getattr(self._response, "close", None)
        if close is not None:
            self._around.run(close)


def _values(environ: Environ, name: str) -> tuple[str, ...]:
    """Return a header's values (PEP 3333: servers join those that stand twice)."""
    value = environ.get("HTTP_" + name.upper().replace("-", "_"))
    return (value,) if value else ()
