"""Serving an application over HTTP until the process is asked to end, with bounds on all that a stranger can hold."""

import sys
from collections.abc import Callable
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


def serve_app(app: Starlette, host: str, port: int, ready: Callable[[str, int], None]) -> None:
    """Serve until SIGINT or SIGTERM; what was begun is finished first. ``ready`` is told where it listens."""
    listening = listen(host, port)
    settings: dict[str, Any] = {
        "http": PromptProtocol,
        "ws": "none",
        "lifespan": "off",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "limit_concurrency": CONNECTIONS,
        "backlog": 2_048,
        "timeout_keep_alive": _KEEP_ALIVE,
        "timeout_graceful_shutdown": _KEEP_ALIVE,
        "h11_max_incomplete_event_size": _HEAD_SIZE,
    }
    # A thread that lands deliveries must not keep the one that answers waiting for Python's lock.
    sys.setswitchinterval(_SWITCH)
    server = uvicorn.Server(uvicorn.Config(app, **settings))
    with listening:
        ready(*listening.getsockname()[:2])
        server.run(sockets=[listening])
