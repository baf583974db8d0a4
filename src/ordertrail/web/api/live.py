"""``/live``: what happens, as it happens, as server-sent events (WHATWG HTML, section 9.2).

::

    event: status    where the logs stand: {"streams": [{"stream", "size", "recorded"}], "lag"}
    event: found     an event that the filter means and that you may see, as in a page of /events
    event: gap       entries that were passed over, because they were too many: {"stream", "start", "end"}
    :                a heartbeat, where nothing else was to be said

Each carries as its id how far each log was read; a client that comes back with ``Last-Event-ID`` misses nothing, up to
10,000 entries of a log. A stream ends after a quarter of an hour, so that whoever may not see any more is asked again.
Events come from the log, not from the index: what is told is sealed.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from ordertrail.access.verbs import Verb
from ordertrail.query.filters.grammar import Filter, join
from ordertrail.web.api.asking import Asking, asking
from ordertrail.web.api.following import CHUNK, Following, Seen, Snapshot
from ordertrail.web.api.models.live import Gap, LiveStatus, LiveStream
from ordertrail.web.api.models.problem import ProblemKind
from ordertrail.web.api.parameters import Asked, Zone
from ordertrail.web.api.problems import ProblemRoute, RefusedError, problem_responses
from ordertrail.web.api.telling import lag_document, place_before, told

CLIENTS: Final = 200
"""Streams that are open at the same time in a process."""
BACK: Final = 10_000
"""Entries of a log that are told to whoever comes back."""
HEARTBEAT: Final = 15.0
LIFE: Final = 900.0
"""Seconds."""
_LOOK: Final = 0.5

_PLACES: Final = re.compile(r"([a-z][a-z0-9-]{0,62})=(\d{1,15})", re.ASCII)

router = APIRouter(tags=["live"], route_class=ProblemRoute)


class Clients:
    """Who is connected now, and what they all look at."""

    def __init__(self, following: Following) -> None:
        self.following = following
        self.connected = 0


class Live(StreamingResponse):
    """A stream of server-sent events; its place is free again when it ends, however it ends."""

    def __init__(self, events: AsyncIterator[str], clients: Clients) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(events, media_type="text/event-stream", headers=headers)
        self._clients = clients

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, event by event."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._clients.connected -= 1


@router.get(
    "/live",
    summary="Follow what happens",
    response_class=Response,
    responses={
        200: {
            "description": "Server-sent events: status, found, gap.",
            "content": {
                "text/event-stream": {
                    "schema": {"type": "string"},
                    "example": 'id: default=42\nevent: status\ndata: {"streams":[…],"lag":{…}}\n\n',
                }
            },
        },
        **problem_responses(),
    },
)
async def live(
    asked: Annotated[Asking, asking(Verb.EVENTS_SEARCH)],
    q: Asked = "",
    zone: Zone = "UTC",
    last_event_id: Annotated[
        str | None,
        Header(max_length=2_000, description="Where the stream broke off.", examples=["default=42"]),
    ] = None,
) -> Response:
    """Stream where the logs stand, and the events that a filter means as they are sealed; at most 200 at once."""
    meant = await run_in_threadpool(asked.meant, q, zone)
    clients = _clients_of(asked.request, asked)
    if clients.connected >= CLIENTS:
        raise RefusedError(ProblemKind.BUSY, f"{CLIENTS} streams are open already")
    clients.connected += 1
    try:
        await run_in_threadpool(asked.observe, "evidence.search", "filter", "live", meant.sentence())
        now = await clients.following.look()
    except BaseException:
        clients.connected -= 1
        raise
    places = _places(last_event_id, now.sizes)
    return Live(_events(asked, join((asked.bounds, meant)), clients.following, places), clients)


def _clients_of(request: Request, asked: Asking) -> Clients:
    """Return an application's clients, made at first use; asked of in the event loop only."""
    state = request.app.state
    if not hasattr(state, "live"):
        state.live = Clients(Following(asked.whole))
    clients: Clients = state.live
    return clients


def _places(last: str | None, sizes: Mapping[str, int]) -> dict[str, int]:
    """Return from where on each log is told: where it broke off, else now. What is no such place counts as none."""
    told = dict(_PLACES.findall(last or ""))
    return {stream: min(size, int(told.get(stream, size))) for stream, size in sizes.items()}


async def _events(
    asked: Asking, seen: Filter, following: Following, places: dict[str, int]
) -> AsyncIterator[str]:
    """Yield what is to be told, until the stream has lived long enough."""
    ends = time.monotonic() + LIFE
    spoke, known = time.monotonic(), None
    while time.monotonic() < ends:
        now = await following.look()
        status = _status(now)
        pieces = [] if status == known else [_event("status", status, places)]
        known = status
        more = False
        for stream, size in now.sizes.items():
            if size - places[stream] > BACK:
                gap = Gap(stream=stream, start=places[stream], end=size - BACK)
                places[stream] = size - BACK
                pieces.append(_event("gap", gap, places))
            new = await following.since(now, stream, places[stream])
            pieces += _told(asked, seen, new, stream, places)
            if not new:  # what was purged is not there, and is passed over
                places[stream] = min(size, places[stream] + CHUNK)
            more = more or places[stream] < size
        if not pieces and time.monotonic() - spoke > HEARTBEAT:
            pieces = [f": \nid: {_spelled(places)}\n\n"]
        if pieces:
            yield "".join(pieces)
            spoke = time.monotonic()
        await asyncio.sleep(0 if more else _LOOK)


def _told(asked: Asking, seen: Filter, new: Sequence[Seen], stream: str, places: dict[str, int]) -> list[str]:
    """Return the events that are meant among new entries, and go on past them all."""
    pieces = []
    for whole, indexed in new:
        places[stream] = indexed.position + 1
        if seen.matches(indexed):
            document = told(whole, asked.query.actions, indexed.sensitive, place_before(indexed))
            pieces.append(_event("found", document, places))
    return pieces


def _status(now: Snapshot) -> LiveStatus:
    return LiveStatus(
        streams=tuple(
            LiveStream(stream=stream, size=size, recorded=now.recorded[stream])
            for stream, size in now.sizes.items()
        ),
        lag=lag_document(now.lag),
    )


def _event(name: str, document: BaseModel, places: Mapping[str, int]) -> str:
    return f"id: {_spelled(places)}\nevent: {name}\ndata: {document.model_dump_json(exclude_unset=True)}\n\n"


def _spelled(places: Mapping[str, int]) -> str:
    return ",".join(f"{stream}={place}" for stream, place in places.items())
