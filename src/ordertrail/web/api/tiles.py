"""Each log as a C2SP tlog-tiles log over HTTP, which anybody's monitor can follow.

::

    /checkpoint                       the newest signed checkpoint               text/plain, not to be kept
    /tile/<L>/<N>[.p/<W>]             hashes                                     application/octet-stream, for good
    /tile/entries/<N>[.p/<W>]         the entries under a tile of level 0        the same, for whoever may see them all
    /streams/<name>/…                 the same of another log of the trail

A partial tile may be gone once the full one is there (tlog-tiles, "Partial Tiles"): a reader then takes the beginning
of the full one. Hashes and checkpoints tell nothing of what was done but how much, and when; a house may let everybody
have them (:data:`open_router`), so that its log is watched from outside. Entries are evidence: whoever reads a bundle
sees what every tenant did, so that it takes the right to search, in everything; and the reading is recorded.
"""

import hashlib
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Request, Response

from ordertrail.access.verbs import Verb
from ordertrail.kernel.errors import InputError
from ordertrail.ledger.tiles import parse_path
from ordertrail.services import DEFAULT_STREAM, LogService
from ordertrail.web.api.answering import FOR_GOOD, is_known, keeping
from ordertrail.web.api.asking import Asking, asking
from ordertrail.web.api.parameters import STREAM
from ordertrail.web.api.problems import ProblemRoute, problem_responses, unknown
from ordertrail.web.auth.admission import admit, public

OCTETS: Final = "application/octet-stream"
FOR_ALL: Final = "public, max-age=31536000, immutable"
_TILE: Final = {
    200: {
        "description": "1 to 256 hashes of 32 bytes.",
        "content": {OCTETS: {"schema": {"type": "string", "format": "binary"}}},
    },
    **problem_responses(),
}
_BUNDLE: Final = {
    200: {
        "description": "1 to 256 entries, each after its length as a big-endian uint16.",
        "content": {OCTETS: {"schema": {"type": "string", "format": "binary"}}},
    },
    **problem_responses(),
}
_NOTE: Final = {
    200: {
        "description": "A signed note (C2SP tlog-checkpoint).",
        "content": {"text/plain": {"schema": {"type": "string"}, "example": "shop.example/log\n42\n…"}},
    },
    **problem_responses(),
}
Level = Annotated[
    str, Path(pattern="^(0|[1-9][0-9]?)$", description="The tile's level, 0 to 63.", examples=["0"])
]
Place = Annotated[
    str,
    Path(
        max_length=60,
        description="Its number in groups of three digits, and its width where it is partial.",
        examples=["x001/x234/067.p/8"],
    ),
]
StreamName = Annotated[str, Path(pattern=STREAM, description="The log's name.", examples=["eu"])]
Reading = Annotated[Asking, asking(Verb.EVENTS_SEARCH)]


def tile_router(*, open_hashes: bool) -> APIRouter:
    """Return the addresses of all logs. With ``open_hashes`` everybody may have hashes and checkpoints."""
    router = APIRouter(tags=["tiles"], route_class=ProblemRoute)
    guard = [Depends(public if open_hashes else admit(Verb.PROOFS_READ))]
    routes: tuple[tuple[str, Any, str, Any, list[Any]], ...] = (
        ("/checkpoint", checkpoint, "A log's newest checkpoint", _NOTE, guard),
        ("/tile/entries/{place:path}", entries, "Entries of a log", _BUNDLE, []),
        ("/tile/{level}/{place:path}", tile, "Hashes of a log", _TILE, guard),
        ("/streams/{stream}/checkpoint", stream_checkpoint, "Another log's newest checkpoint", _NOTE, guard),
        (
            "/streams/{stream}/tile/entries/{place:path}",
            stream_entries,
            "Entries of another log",
            _BUNDLE,
            [],
        ),
        ("/streams/{stream}/tile/{level}/{place:path}", stream_tile, "Hashes of another log", _TILE, guard),
    )
    for path, endpoint, summary, responses, dependencies in routes:
        router.add_api_route(
            path,
            endpoint,
            methods=["GET"],
            summary=summary,
            responses=responses,
            response_class=Response,
            dependencies=dependencies,
        )
    return router


def checkpoint(request: Request) -> Response:
    """Return the newest signed checkpoint of the default log: what is published commits to no more than it."""
    return _checkpoint(request, DEFAULT_STREAM)


def stream_checkpoint(request: Request, stream: StreamName) -> Response:
    """Return the newest signed checkpoint of another log of the trail."""
    return _checkpoint(request, stream)


def tile(request: Request, level: Level, place: Place) -> Response:
    """Return a tile of hashes of the default log."""
    return _object(request, DEFAULT_STREAM, f"tile/{level}/{place}")


def stream_tile(request: Request, stream: StreamName, level: Level, place: Place) -> Response:
    """Return a tile of hashes of another log."""
    return _object(request, stream, f"tile/{level}/{place}")


def entries(asked: Reading, place: Place) -> Response:
    """Return a bundle of entries of the default log, to whoever may see all tenants."""
    return _entries(asked, DEFAULT_STREAM, place)


def stream_entries(asked: Reading, stream: StreamName, place: Place) -> Response:
    """Return a bundle of entries of another log, to whoever may see all tenants."""
    return _entries(asked, stream, place)


def _entries(asked: Asking, stream: str, place: str) -> Response:
    if not asked.sees_everything:
        raise unknown("bundle of entries")
    path = f"tile/entries/{place}"
    found = _object(asked.request, stream, path, keeping(asked, final=True))
    asked.observe("evidence.read", "entries", f"{stream}/{path}")
    return found


def _checkpoint(request: Request, stream: str) -> Response:
    note = _service(request, stream).log.publication.checkpoint()
    if note is None:
        raise unknown("checkpoint")
    return _kept(request, note, "text/plain; charset=utf-8", "no-cache")


def _object(request: Request, stream: str, path: str, keep: str | None = None) -> Response:
    try:
        wanted = parse_path(path)
    except InputError:
        raise unknown("tile at this path") from None
    data = _service(request, stream).log.tiles.get(wanted.path)
    if data is None:
        raise unknown("tile at this path")
    admitted = getattr(request.state, "principal", None) is not None
    # What everybody may have, anybody on the way may keep.
    return _kept(request, data, OCTETS, keep or (FOR_GOOD if admitted else FOR_ALL))


def _kept(request: Request, data: bytes, kind: str, keep: str) -> Response:
    tag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": keep, "X-Content-Type-Options": "nosniff"}
    if is_known(request, tag):
        return Response(status_code=304, headers=headers)
    return Response(data, headers=headers, media_type=kind)


def _service(request: Request, stream: str) -> LogService:
    logs = request.app.state.services.trail.logs
    if stream not in logs:
        raise unknown("log of this name")
    service: LogService = logs[stream]
    return service


router = tile_router(open_hashes=False)
"""For whoever may have events proven."""
open_router = tile_router(open_hashes=True)
"""Hashes and checkpoints for everybody."""
