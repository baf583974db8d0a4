"""The names under which we answer. A request for any other is not ours: it may come by a rebound name of the DNS.

Refused with 421 Misdirected Request (RFC 9110 section 15.5.20). Who asks whether we live asks by an address: the
addresses of :data:`ANY_NAME` answer under any name, and repeat none.
"""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ordertrail.kernel.errors import ConfigurationError
from ordertrail.settings.serve import ServeSettings
from ordertrail.web.problems import problem

ANY_NAME: Final = frozenset({"/healthz", "/readyz", "/metrics"})

_LOCAL: Final = ("localhost", "127.0.0.1", "[::1]")
_EVERYWHERE: Final = frozenset({"", "0.0.0.0", "::", "[::]"})  # noqa: S104 - compared with, not listened on


def allowed_hosts(settings: ServeSettings) -> tuple[str, ...]:
    """Return the names under which a service answers.

    Raises ConfigurationError where it listens on every address and no name is told.
    """
    named = [*settings.hosts, *([settings.public_host] if settings.public_host is not None else [])]
    if settings.host in _EVERYWHERE and not named:
        raise ConfigurationError(
            "the service listens on every address, and no name is told under which it answers",
            meaning="Nothing is served: any page on the web could reach it under a name of its own.",
            remedy="Set public_url or hosts in [serve] of trail.toml.",
        )
    listened = () if settings.host in _EVERYWHERE else (_bracketed(settings.host),)
    return tuple(dict.fromkeys(name.lower() for name in (*named, *listened, *_LOCAL)))


class AllowedHosts:
    """Refuses requests under any other name."""

    def __init__(self, app: ASGIApp, *, names: Iterable[str]) -> None:
        """``names`` are in small letters; ``*.example.com`` is each name below one."""
        self._app = app
        self._names = frozenset(names)
        self._below = tuple(name[1:] for name in self._names if name.startswith("*."))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["path"] in ANY_NAME or self.knows(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        refused = problem(HTTPStatus.MISDIRECTED_REQUEST, "this service does not answer under that name")
        await refused(scope, receive, send)

    def knows(self, headers: Headers) -> bool:
        """Say whether a request is for one of the names; one that names two hosts is not."""
        told = headers.getlist("host")
        if len(told) != 1:
            return False
        name = _without_port(told[0].strip().lower()).removesuffix(".")
        return name in self._names or (not name.startswith(".") and name.endswith(self._below))


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
