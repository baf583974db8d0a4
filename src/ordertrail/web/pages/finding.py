"""Small addresses beside the pages: the search of the top bar, the reader's preferences, and the live seal."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response, StreamingResponse

from ordertrail.access.principal import Principal
from ordertrail.access.verbs import Verb
from ordertrail.kernel.errors import InputError
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.filters.spelling import quoted
from ordertrail.query.filters.terms import Is
from ordertrail.query.service import zone_of
from ordertrail.web.auth.admission import admit, public
from ordertrail.web.auth.refusing import safe_target
from ordertrail.web.auth.scoping import asked
from ordertrail.web.pages.addresses import event_href, explore_href, order_href, person_href
from ordertrail.web.pages.problem import PageRoute
from ordertrail.web.pages.reading import Theme
from ordertrail.web.pages.rendering import environment
from ordertrail.web.pages.shell import reading_for, seal_for

_YEAR: Final = 365 * 86_400
_EVERY: Final = 2.0
"""Seconds between two looks at the seal."""
_LONGEST: Final = 900.0
"""Seconds after which a stream ends; browsers ask again by themselves, and their session is looked at anew."""

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/find", include_in_schema=False)
def find(
    request: Request, who: Annotated[Principal, Depends(admit(Verb.EVENTS_SEARCH))], q: str = ""
) -> Response:
    """Go to the order, the person or the event that somebody typed; else to a search for it."""
    text = q.strip()
    if not text:
        return RedirectResponse("/explore", 303)
    searches = asked(request, who).searches
    for field, href in (("id", event_href), ("order", order_href), ("actor", person_href)):
        if searches.count(Filter((Is(field, (text,), exact=True),)), 1):
            return RedirectResponse(href(text), 303)
    written = text if ":" in text else quoted(text, word=True)
    return RedirectResponse(explore_href(written), 303)


@router.get("/-/preferences", include_in_schema=False)
def preferences(
    _: Annotated[None, Depends(public)],
    zone: str = "",
    theme: str = "",
    next: str = "/",  # noqa: A002 - the parameter's name
) -> Response:
    """Keep a reader's zone and colours in the browser, and go back."""
    response = RedirectResponse(safe_target(next), 303)
    try:
        if zone:
            response.set_cookie("zone", str(zone_of(zone)), max_age=_YEAR, httponly=True, samesite="lax")
    except InputError:
        pass
    if theme in set(Theme):
        response.set_cookie("theme", theme, max_age=_YEAR, httponly=True, samesite="lax")
    return response


@router.get("/seal/stream", include_in_schema=False)
async def seal_stream(
    request: Request, _who: Annotated[Principal, Depends(admit(Verb.STATUS_READ))]
) -> Response:
    """Tell how far the trail is sealed, whenever that changes (Server-Sent Events)."""
    return StreamingResponse(_seals(request), media_type="text/event-stream")


async def _seals(request: Request) -> AsyncIterator[str]:
    told = ""
    left = _LONGEST
    yield "retry: 5000\n\n"
    while left > 0 and not await request.is_disconnected():
        mark, html = await run_in_threadpool(_chip, request)
        if mark != told:
            told = mark
            yield f"data: {json.dumps({'html': html})}\n\n"
        await asyncio.sleep(_EVERY)
        left -= _EVERY


def _chip(request: Request) -> tuple[str, str]:
    """Return what tells this state of the seal from another, and the chip as HTML."""
    seal = seal_for(request, reading_for(request))
    chip = environment().from_string("{{ seal_chip(seal) }}")
    return seal.mark, chip.render(seal=seal).strip()
