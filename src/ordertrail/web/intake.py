"""Intake over HTTP: ``POST /intake/{channel}/{account}``, for the webhooks of sources.

::

    202 200         landed, and durable; here before (a duplicate is not sent again)
    401             not proven to come from the source; counted, and its bytes are not kept
    404 405         there is no such source here; nothing but POST is taken
    408 413 415     it did not come in time; it is too large; nothing that an order could be in
    429             too much of the source waits already; Retry-After says when to come again
    503             it cannot be made durable now; Retry-After

Refusals are problems as RFC 9457 has them (application/problem+json). A body is read up to its bound and in its time,
and whoever is slower or larger is cut off. What is taken is acknowledged before anybody has looked into it: many
sources give up on whom answers late.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ordertrail.intake.breaker import Circuit
from ordertrail.intake.delivery import Source, Way
from ordertrail.intake.ports import Load
from ordertrail.intake.receiving import INLINE, Lander, Received, Reception, Sent, told_of
from ordertrail.intake.service import Intake
from ordertrail.kernel.clock import parse_time
from ordertrail.kernel.errors import OrderTrailError, UnavailableError
from ordertrail.web.operators import operator_routes
from ordertrail.web.problems import problem

LARGEST: Final = 16 << 20
"""Bytes of the largest body; larger deliveries come as files."""

BODY_SECONDS: Final = 20.0
"""In which a body must be there."""

_RETRY: Final = 30
_SEEN_SECONDS: Final = 2.0
_FRACTION: Final = 10
"""While its breaker is open, a source may have this part of the backlog that it may have otherwise."""

_FOREIGN: Final = ("audio/", "font/", "image/", "model/", "multipart/", "video/")
"""Media types that no order comes in."""


class _TooLargeError(Exception):
    """A body has more bytes than are taken."""


@dataclass(slots=True)
class _Loads:
    """What each source's load was when it was last looked at."""

    intake: Intake
    seen: dict[str, tuple[float, Load]] = field(default_factory=dict)

    async def of(self, source: str) -> Load:
        """Return a source's load, a moment old at most."""
        now = time.monotonic()
        known = self.seen.get(source)
        if known is not None and now - known[0] < _SEEN_SECONDS:
            return known[1]
        if known is not None:
            self.seen[source] = (
                now,
                known[1],
            )  # one of many requests looks, the others go on with what was seen
        load = await run_in_threadpool(self.intake.records.load, source)
        self.seen[source] = (now, load)
        return load


def intake_app(intake: Intake, operator_key: bytes | None = None) -> Starlette:
    """Make the application that takes deliveries in. Close what it lands with by :meth:`Lander.close` of its state.

    ``operator_key`` opens :mod:`ordertrail.web.operators`; without one they are not there.
    """
    lander = Lander(intake.door.inbox)
    door = Route("/intake/{channel}/{account}", door_of(intake, lander), methods=["POST"])
    app = Starlette(routes=[*operator_routes(intake, operator_key), door])
    app.router.redirect_slashes = False
    app.state.lander = lander
    return app


def door_of(intake: Intake, lander: Lander) -> Callable[[Request], Awaitable[Response]]:
    """Return what answers deliveries; sources prove themselves by what they signed, and nobody signs in."""
    loads = _Loads(intake)

    async def take(request: Request) -> Response:
        source = intake.sources.get(f"{request.path_params['channel']}/{request.path_params['account']}")
        if source is None:
            return problem(HTTPStatus.NOT_FOUND, "there is no such source here")
        refused = _unfit(request)
        if refused is not None:
            return refused
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _body(request)
        except _TooLargeError:
            return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a delivery has at most {LARGEST} bytes")
        except TimeoutError:
            return problem(HTTPStatus.REQUEST_TIMEOUT, f"the body was not there after {BODY_SECONDS:g} s")
        except ClientDisconnect:
            return problem(HTTPStatus.BAD_REQUEST, "the request ended before its end")
        try:
            busy = _busy(await loads.of(str(source)), intake)
            return busy or _answer(await _received(intake, lander, _sent(request, source, body)))
        except UnavailableError:
            return problem(
                HTTPStatus.SERVICE_UNAVAILABLE, "it cannot be made durable now; send it again", retry=_RETRY
            )
        except OrderTrailError as error:
            return problem(HTTPStatus.INTERNAL_SERVER_ERROR, type(error).__name__)

    return take


async def _received(intake: Intake, lander: Lander, sent: Sent) -> Received:
    """Authenticate here, where it is a hash of what is in memory; land together with all that come now."""
    if len(sent.body if isinstance(sent.body, bytes) else b"") > INLINE:
        return await run_in_threadpool(intake.door.receive, sent)
    fault = intake.door.authenticator.authenticate(intake.door.delivery(sent))
    if fault is not None:
        return await run_in_threadpool(intake.door.refused, sent, fault)
    arrival = intake.door.arrival(sent)
    return told_of(await asyncio.wrap_future(lander.land(arrival)))


def _sent(request: Request, source: Source, body: bytes) -> Sent:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in request.headers.raw}
    return Sent(source, body, Way.WEBHOOK, headers, request.url.path)


def _unfit(request: Request) -> Response | None:
    """Refuse what nothing could be read of: pictures, forms with files, and what is packed."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind.startswith(_FOREIGN):
        return problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"no order comes in {kind[:60]}")
    packed = request.headers.get("content-encoding", "identity").strip().lower()
    if packed not in {"", "identity"}:
        return problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"send it as it is, not {packed[:20]}",
            {"Accept-Encoding": "identity"},
        )
    return None


async def _body(request: Request) -> bytes:
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or len(length) > 18 or int(length) > LARGEST:
        raise _TooLargeError
    pieces: list[bytes] = []
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > LARGEST:
            raise _TooLargeError
        pieces.append(piece)
    return b"".join(pieces)


def _busy(load: Load, intake: Intake) -> Response | None:
    now = intake.flow.clock()
    breaker = load.breaker.seen(now)
    rests = breaker.circuit is Circuit.OPEN
    if load.backlog < (intake.backlog // _FRACTION if rests else intake.backlog):
        return None
    told = f"{load.backlog:,} deliveries of this source wait already"
    return problem(
        HTTPStatus.TOO_MANY_REQUESTS, told, retry=_seconds(breaker.until, now) if rests else _RETRY
    )


def _seconds(until: str | None, now: datetime) -> int:
    return _RETRY if until is None else max(1, int((parse_time(until) - now).total_seconds()) + 1)


def _answer(received: Received) -> Response:
    match received.reception:
        case Reception.LANDED:
            return JSONResponse({"delivery": received.id}, HTTPStatus.ACCEPTED)
        case Reception.DUPLICATE:
            return JSONResponse({"delivery": received.id, "duplicate": True}, HTTPStatus.OK)
        case Reception.REFUSED:
            told = received.fault.message if received.fault is not None else "it is not proven"
            return problem(HTTPStatus.UNAUTHORIZED, told, {"WWW-Authenticate": "Bearer"})
