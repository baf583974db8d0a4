"""Security headers on every answer, the refusals among them. Whoever answers may set one of its own instead.

::

    Content-Security-Policy       nothing runs and nothing is loaded but from here; no inline script, no inline style
    Strict-Transport-Security     two years, where browsers reach us by TLS (RFC 6797)
    X-Content-Type-Options        what is said to be data is not run
    Referrer-Policy               same-origin: with no-referrer, browsers would send ``Origin: null`` with our own forms
    Cross-Origin-Opener-Policy, Cross-Origin-Resource-Policy    no other site holds a handle on a page, or embeds it
    Permissions-Policy            no page of ours needs a camera, a place or a payment
    Cache-Control                 no-store: evidence does not stay behind in a shared browser

Sources: W3C Content Security Policy Level 3, Fetch (Cross-Origin-Resource-Policy), OWASP Secure Headers.
"""

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SOURCES: Final = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "worker-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
POLICY: Final = "; ".join(f"{name} {source}" for name, source in _SOURCES.items())
"""The content security policy of every page."""

_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Origin-Agent-Cluster": "?1",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}

_STRICT_TRANSPORT: Final = "max-age=63072000; includeSubDomains"


class SecurityHeaders:
    """Adds the headers that an answer does not have."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        """``secure`` says whether browsers reach us by TLS."""
        self._app = app
        self._headers = _HEADERS | ({"Strict-Transport-Security": _STRICT_TRANSPORT} if secure else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers)
