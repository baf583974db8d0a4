"""Serving an application over HTTP until the process is asked to end, with bounds on all that a stranger can hold."""

import asyncio
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette

from ordertrail.adapters.witness.server import PromptProtocol, listen

CONNECTIONS: Final = 500
"""At once; further ones are answered 503."""

_KEEP_ALIVE: Final = 30
_HEAD_SIZE: Final = 64 << 10
_SWITCH: Final = 0.000_5
"""Seconds after which a thread that computes lets another; Python's own 0.005 is long beside an answer."""
_READING_SECONDS: Final = 30.0
"""In which whoever asked must take what of the answer no longer fits on the way."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is served at once, how long ending may take (in seconds), and under which certificate."""

    connections: int = CONNECTIONS
    grace: int = _KEEP_ALIVE
    certificate: str | None = None
    private_key: str | None = None


class BoundedProtocol(PromptProtocol):
    """HTTP/1.1 that also cuts off whoever asks and does not take the answer: it would be kept in memory for ever."""

    _patience: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        """Begin to wait for the other side to read."""
        super().pause_writing()
        self._patience = self.loop.call_later(_READING_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Wait no more."""
        self._take_time()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._take_time()
        super().connection_lost(exc)

    def _take_time(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


def serve_app(app: Starlette, host: str, port: int, ready: Callable[[str, int], None]) -> None:
    """Serve until SIGINT or SIGTERM; what was begun is finished first. ``ready`` is told where it listens."""
    listening = listen(host, port)
    # A thread that lands deliveries must not keep the one that answers waiting for Python's lock.
    sys.setswitchinterval(_SWITCH)
    with listening:
        ready(*listening.getsockname()[:2])
        uvicorn.Server(_config(app, Bounds(), lifespan="off")).run(sockets=[listening])


def listen_for(host: str, port: int) -> socket.socket:
    """Return a listening socket that several processes may accept from. Raises UnavailableError where there is none."""
    return listen(host, port)


def serve_on(app: Starlette, listening: socket.socket, bounds: Bounds, ready: Callable[[], None]) -> None:
    """Serve on a socket that others may share, as :func:`serve_app` does. ``ready`` is told once requests are taken."""
    make_server(app, bounds, ready).run(sockets=[listening])


def make_server(app: Starlette, bounds: Bounds, ready: Callable[[], None]) -> uvicorn.Server:
    """Return a server within bounds; ``ready`` is told once requests are taken."""
    server = uvicorn.Server(_config(app, bounds, lifespan="on"))
    begin = server.startup

    async def startup(sockets: list[socket.socket] | None = None) -> None:
        await begin(sockets)
        ready()

    server.startup = startup  # type: ignore[method-assign]  # the server tells nobody else when it has begun
    return server


def _config(app: Starlette, bounds: Bounds, *, lifespan: str) -> uvicorn.Config:
    settings: dict[str, Any] = {
        "http": BoundedProtocol,
        "ws": "none",
        "lifespan": lifespan,
        "log_config": None,
        "access_log": False,
        "proxy_headers": False,  # who is believed about whom is the application's business
        "server_header": False,
        "limit_concurrency": bounds.connections,
        "backlog": 2_048,
        "timeout_keep_alive": _KEEP_ALIVE,
        "timeout_graceful_shutdown": bounds.grace,
        "h11_max_incomplete_event_size": _HEAD_SIZE,
        "ssl_certfile": bounds.certificate,
        "ssl_keyfile": bounds.private_key,
    }
    return uvicorn.Config(app, **settings)
