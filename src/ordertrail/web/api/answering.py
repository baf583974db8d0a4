"""Answers: documents as JSON, with what lets a client ask again cheaply (RFC 9110 section 8.8, RFC 9111).

An event never changes: its answer has a strong entity tag, and a service may keep it for good. A person's browser asks
again each time, and the reading is recorded each time. A list has a weak tag of the place up to which the index and the
log were read: as long as nothing came in, the same question has the same answer.
"""

import hashlib
from collections.abc import Mapping

from fastapi import Request, Response
from pydantic import BaseModel

from ordertrail.access.principal import Known
from ordertrail.query.filters.grammar import Filter, format_filter
from ordertrail.web.api.asking import Asking

JSON = "application/json"
VARY = "Accept, Authorization, Cookie"
REVALIDATE = "private, no-cache"
FOR_GOOD = "private, max-age=31536000, immutable"


def answer(  # noqa: PLR0913 - each is one thing that an answer may say
    request: Request,
    document: BaseModel,
    *,
    tag: str | None = None,
    keep: str = REVALIDATE,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a document; 304 without it where the client has this one already."""
    told = {"Cache-Control": keep, "Vary": VARY, **(headers or {})}
    if tag is not None:
        told["ETag"] = tag
        if is_known(request, tag):
            return Response(status_code=304, headers=told)
    return Response(document.model_dump_json(exclude_unset=True), status, told, JSON)


def is_known(request: Request, tag: str) -> bool:
    """Say whether ``If-None-Match`` names a tag, by weak comparison (RFC 9110 section 8.8.3.2)."""
    known = request.headers.get("if-none-match")
    if known is None or request.method not in {"GET", "HEAD"}:
        return False
    tags = {one.strip().removeprefix("W/") for one in known.split(",")}
    return known.strip() == "*" or tag.removeprefix("W/") in tags


def keeping(asking: Asking, *, final: bool) -> str:
    """Return how long an event's answer may be kept: for good by a service, where nothing about it changes any more."""
    return FOR_GOOD if final and asking.who.known is Known.KEY else REVALIDATE


def list_tag(asking: Asking, meant: Filter, *also: object) -> str | None:
    """Return the tag of an answer about what a filter means; None while the index is behind, for then lag tells a time.

    It is of everything that the answer depends on: the question with its times as they are now, what may be seen, and
    how far index and logs have come.
    """
    query = asking.query
    places = dict(query.index.places())
    sizes = {stream: query.log.size(stream) for stream in query.streams}
    if any(places.get(stream, 0) != size for stream, size in sizes.items()):
        return None
    parts = (
        format_filter(meant.fixed()),
        repr(asking.bounds),
        asking.request.url.path,
        asking.request.url.query,
        sorted(sizes.items()),
        also,
    )
    return f'W/"{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}"'


def known_list(asking: Asking, tag: str | None) -> Response | None:
    """Return the answer that nothing changed, where the client has a list of this tag."""
    if tag is None or not is_known(asking.request, tag):
        return None
    return Response(status_code=304, headers={"ETag": tag, "Cache-Control": REVALIDATE, "Vary": VARY})
