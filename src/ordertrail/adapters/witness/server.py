"""A witness of ours over HTTP: ``POST /add-checkpoint``, and ``GET /``, which says who it is.

::

    200 400 403 409 422     the witness's own answer, see :mod:`ordertrail.ledger.add_checkpoint`
    404 405                 there is nothing else here
    408 413                 the request did not come in time; it has more than 256 KiB
    500 503                 what the witness remembers is damaged; or cannot be reached now, and nothing was cosigned

It is meant to stand on the open network, behind what ends TLS for it: whoever keeps a connection open without
asking is cut off, and what is logged is the log's origin, the sizes and the answer, of known logs only.
"""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import h11
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from ordertrail.kernel.errors import OrderTrailError, UnavailableError
from ordertrail.ledger.add_checkpoint import MAX_MESSAGE_SIZE, PATH
from ordertrail.ledger.vkey import format_vkey
from ordertrail.ledger.witness import Verdict, Witness

REQUEST_SECONDS: Final = 10.0
"""In which a request's head must be there; and again, its body."""

CONNECTIONS: Final = 200
"""At once; further ones are answered 503."""

_HEAD_SIZE: Final = 16 << 10
_log = logging.getLogger("ordertrail.witness")


class _TooLargeError(Exception):
    """A request has more bytes than any can have."""


def witness_app(witness: Witness) -> Starlette:
    """Make the application that serves a witness."""

    async def add_checkpoint(request: Request) -> Response:
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                body = await _body(request)
        except _TooLargeError:
            return _refuse(413, f"a request has at most {MAX_MESSAGE_SIZE} bytes")
        except TimeoutError:
            return _refuse(408, f"the request was not there after {REQUEST_SECONDS:g} s")
        except ClientDisconnect:
            return _refuse(400, "the request ended before its end")
        return await run_in_threadpool(_answer, witness, body)

    async def about(_request: Request) -> Response:
        return PlainTextResponse(format_about(witness))

    app = Starlette(
        routes=[Route(PATH, add_checkpoint, methods=["POST"]), Route("/", about, methods=["GET"])]
    )
    app.router.redirect_slashes = False
    return app


def format_about(witness: Witness) -> str:
    """Say who a witness is: its name, its verifier keys, and the logs that it knows."""
    lines = [
        f"witness {witness.name} (C2SP tlog-witness)",
        *(f"key {format_vkey(signer.key)}" for signer in witness.signers),
        *(f"log {origin}" for origin in witness.logs),
    ]
    return "".join(f"{line}\n" for line in lines)


async def _body(request: Request) -> bytes:
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > MAX_MESSAGE_SIZE:
        raise _TooLargeError
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_MESSAGE_SIZE:
            raise _TooLargeError
    return body


def _answer(witness: Witness, body: bytes) -> Response:
    """Ask the witness. It writes to disk, so this runs in a thread."""
    try:
        verdict = witness.add_checkpoint(body)
    except UnavailableError as error:
        _log.error("503: %s", error.message)
        return _refuse(503, "this witness cannot remember anything now; nothing was cosigned")
    except OrderTrailError as error:
        _log.error("500: %s", error.message)
        return _refuse(500, "this witness cannot cosign anything of this log; its operator must look at it")
    _tell(witness, verdict)
    answer = verdict.answer
    return Response(answer.body, answer.status, headers={"Content-Type": answer.content_type})


def _tell(witness: Witness, verdict: Verdict) -> None:
    status, request = verdict.answer.status, verdict.request
    if request is None or request.checkpoint.origin not in witness.logs:
        _log.info("%d: not a request about a log that this witness knows", status)
    elif verdict.conflict:
        _log.error(
            "%d: %s signed two roots at %d: a split view; what it signed is kept",
            status,
            request.checkpoint.origin,
            request.checkpoint.size,
        )
    else:
        _log.info(
            "%d: %s from %d to %d", status, request.checkpoint.origin, request.old, request.checkpoint.size
        )


def _refuse(status: int, reason: str) -> Response:
    # The rest of a request that was not read to its end must not be taken for the next one.
    return PlainTextResponse(
        f"{reason}\n", status, headers={"Connection": "close"} if status in {408, 413} else None
    )


class PromptProtocol(H11Protocol):
    """HTTP/1.1 that cuts off whoever is connected and has not sent a whole request head in time.

    uvicorn itself waits for ever for the first request, and for one whose head has begun.
    """

    _cut_off: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request's head."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._head_is_there()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Wait no more once a whole head is there."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._head_is_there()

    def on_response_complete(self) -> None:
        """Begin to wait for the next request's head, unless it is there."""
        super().on_response_complete()
        if self.conn.their_state is h11.IDLE:
            self._await_head()

    def _await_head(self) -> None:
        self._head_is_there()
        self._cut_off = self.loop.call_later(REQUEST_SECONDS, self.transport.close)

    def _head_is_there(self) -> None:
        if self._cut_off is not None:
            self._cut_off.cancel()
            self._cut_off = None


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 is any that is free. Raises UnavailableError where there is none."""
    try:
        family, *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.create_server((host, port), family=family)
    except OSError as error:
        raise UnavailableError(
            f"cannot listen on {host} port {port}: {error.strerror or error}",
            meaning="Nothing was cosigned.",
            remedy="Choose another port with --port, or stop what listens there.",
        ) from error
    # Accepted connections inherit it; asyncio sets it only on sockets that name their protocol, and these do not.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def make_server(witness: Witness) -> uvicorn.Server:
    """Make a server of a witness, with bounds on everything that a stranger could make it hold."""
    settings: dict[str, Any] = {
        "http": PromptProtocol,
        "ws": "none",
        "loop": "asyncio",
        "lifespan": "off",
        "log_config": None,
        "access_log": False,
        "proxy_headers": False,
        "server_header": False,
        "limit_concurrency": CONNECTIONS,
        "timeout_keep_alive": int(REQUEST_SECONDS),
        "timeout_graceful_shutdown": int(REQUEST_SECONDS),
        "h11_max_incomplete_event_size": _HEAD_SIZE,
    }
    return uvicorn.Server(uvicorn.Config(witness_app(witness), **settings))


def serve(witness: Witness, listening: socket.socket, on_ready: Callable[[], None]) -> None:
    """Serve a witness until the process is asked to end (SIGINT, SIGTERM); what was begun is finished first.

    ``on_ready`` is called once requests are taken, and signals too: whoever waits for it may send either.
    """
    server = make_server(witness)
    with _ending_when_asked(server):
        on_ready()
        server.run(sockets=[listening])


@contextmanager
def _ending_when_asked(server: uvicorn.Server) -> Iterator[None]:
    """End the server at a signal. uvicorn does so while it runs, and then raises the signal once more."""

    def end(_number: int, _frame: object) -> None:
        server.should_exit = True

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
