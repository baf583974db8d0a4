"""Exports: what one would hold before it is made, and those that are made in the background, with their links."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, BinaryIO, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from ordertrail.access.principal import Principal
from ordertrail.access.recognising import contains
from ordertrail.access.verbs import Verb
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import BusyError, ConfigurationError, EvidenceError, InputError
from ordertrail.kernel.ids import new_id
from ordertrail.kernel.numbers import count
from ordertrail.query.filters.grammar import Filter, format_filter
from ordertrail.query.service import Query
from ordertrail.takeout.takeout import AT_ONCE, Stage, Takeout
from ordertrail.web.api.exports import FORMS, MOST, Format
from ordertrail.web.api.routes import PREFIX
from ordertrail.web.auth.admission import admit
from ordertrail.web.auth.observing import observe
from ordertrail.web.auth.scoping import asked
from ordertrail.web.pages.addresses import explore_href
from ordertrail.web.pages.forms import Posted, posted
from ordertrail.web.pages.previewing import COUNTED, Preview, bytes_shown, label_of, offered, preview
from ordertrail.web.pages.problem import PageRoute
from ordertrail.web.pages.reading import Moment, Reading
from ordertrail.web.pages.regions import Region, Way, ask, empty, filtered, loading, ready
from ordertrail.web.pages.rendering import View, render
from ordertrail.web.pages.shell import reading_for, services_of
from ordertrail.web.takeout import Maker, bounds_of, maker_of, scope_of

_PIECE: Final = 1 << 18
_SHOWN: Final = 50
_COUNTED: Final = 1_000_000
"""Events up to which it is counted how many there will be: of more, progress is told as if it were these."""
_TONES: Final = {
    Stage.WAITING: ("wait", "hourglass", "Waiting"),
    Stage.RUNNING: ("accent", "cog", "Being made"),
    Stage.READY: ("good", "check", "Ready"),
    Stage.FAILED: ("bad", "triangle-alert", "Failed"),
    Stage.CANCELLED: ("mute", "ban", "Removed"),
    Stage.EXPIRED: ("mute", "timer", "Link ended"),
}

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class TakeoutRow:
    """An export of the reader's. ``share`` is how much is made, from 0 to 100; ``href`` is empty without a file."""

    id: str
    sentence: str
    filter_href: str
    form: str
    asked: Moment
    word: str
    tone: str
    icon: str
    running: bool
    share: int
    events: str
    size: str
    href: str
    until: Moment | None
    sha256: str
    note: str
    removable: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be exported: the question, and the address of the list of its events."""

    text: str
    sentence: str
    explore_href: str
    downloads: tuple[tuple[str, str], ...]
    """Addresses at which each form is had at once, by its name."""


@dataclass(frozen=True, slots=True)
class ExportsPage:
    """What the page shows. ``asked`` is None where nothing is to be exported now."""

    asked: Asked | None
    preview: Region[Preview] | None
    exports: Region[tuple[TakeoutRow, ...]]
    running: bool
    kept: bool
    counted: str


@router.get("/exports", include_in_schema=False)
def exports(
    request: Request, who: Annotated[Principal, Depends(admit(Verb.EXPORTS_MAKE))], q: str | None = None
) -> Response:
    """Show what an export of a question would hold, and the reader's own exports."""
    query, reading, maker = asked(request, who), reading_for(request), maker_of(request.app)
    only = request.query_params.get("region")
    wanted, shown = None, None
    if q is not None and only != "exports":
        meant = query.parse(q, str(reading.zone))
        wanted = _asked(q, meant, reading)
        href = "/exports?" + urlencode({"q": q, "region": "preview"})
        now = only == "preview" or "show" in request.query_params
        question = _previewed(query, meant, who)
        name = "What it would hold"
        shown = ask(name, question, href) if now else loading(name, href)
        if shown.content is not None:
            observe(request, who, "evidence.search", "search", "export", meant.sentence())
    mine = _mine(maker, who)
    page = ExportsPage(
        wanted,
        shown,
        _listed(mine, reading, kept=maker is not None),
        any(one.stage.is_open for one in mine),
        maker is not None,
        f"{COUNTED:,}",
    )
    return render(request, who, View("exports.html", "Exports", q or ""), page)


def _asked(text: str, meant: Filter, reading: Reading) -> Asked:
    question = {"q": text, "zone": str(reading.zone)}
    downloads = tuple(
        (one.value, f"{PREFIX}/export?{urlencode({**question, 'format': one.value})}") for one in offered()
    )
    return Asked(text, meant.sentence(), explore_href(text), downloads)


def _previewed(query: Query, meant: Filter, who: Principal) -> Callable[[], Region[Preview]]:
    def question() -> Region[Preview]:
        answer = query.answer(lambda: preview(query, meant, who))
        if not answer.value.events:
            return filtered(
                "What it would hold",
                "No event is meant; there is nothing to export",
                (Way("Ask something else", "/explore"),),
            )
        return ready("What it would hold", answer.value, answer.lag)

    return question


def _mine(maker: Maker | None, who: Principal) -> list[Takeout]:
    """Return a reader's exports, the newest first; what waits and nobody makes is begun."""
    if maker is None:
        return []
    every = maker.store.every()
    if any(one.stage.is_open for one in every):
        maker.ring()
    mine = [one for one in reversed(every) if one.owner == who.id]
    return mine[:_SHOWN]


def _listed(mine: list[Takeout], reading: Reading, *, kept: bool) -> Region[tuple[TakeoutRow, ...]]:
    if not kept:
        return empty(
            "My exports", "This application makes no exports in the background", "Download them at once."
        )
    if not mine:
        return empty(
            "My exports",
            "You have exported nothing yet",
            "Ask something in Explore, then “Export”. Large ones are made in the background and wait for you here.",
            (Way("Explore", "/explore"),),
        )
    return ready("My exports", tuple(_row(one, reading) for one in mine), href="/exports?region=exports")


def _row(one: Takeout, reading: Reading) -> TakeoutRow:
    tone, icon, word = _TONES[one.stage]
    over = one.is_over(reading.now)
    if over:
        tone, icon, word = _TONES[Stage.EXPIRED]
    is_ready = one.stage is Stage.READY and not over
    note = one.why
    if is_ready and not one.whole:
        note = f"Not all that was meant: {count(one.events, 'event')} is the most that this form holds."
    elif one.stage is Stage.RUNNING and one.tries > 1:
        note = "Begun anew: whatever made it before ended."
    return TakeoutRow(
        one.id,
        one.sentence,
        explore_href(one.filter),
        label_of(Format(one.form)),
        reading.moment(one.asked),
        word,
        tone,
        icon,
        one.stage.is_open,
        min(99, one.events * 100 // max(1, one.expected)),
        count(one.events, "event") if one.events else "",
        bytes_shown(one.size) if one.size else "",
        f"/exports/{one.id}/file" if is_ready else "",
        reading.moment(one.until) if is_ready and one.until else None,
        one.sha256 or "" if is_ready else "",
        note,
        one.stage in {Stage.WAITING, Stage.RUNNING, Stage.READY} and not over,
    )


@router.post("/exports", include_in_schema=False)
def ask_for(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.EXPORTS_MAKE))],
    form: Annotated[Posted, Depends(posted)],
) -> Response:
    """Have an export made in the background; that it is asked for is on record first."""
    query, reading, maker = asked(request, who), reading_for(request), _kept(request)
    meant = query.parse(form.get("q"), str(reading.zone)).fixed()
    wanted = form.get("format")
    if wanted not in {one.value for one in offered()}:
        raise InputError(
            f"{wanted[:40]!r} is no form of exports", remedy="Choose one of those that are offered."
        )
    if sum(one.stage.is_open for one in _mine(maker, who)) >= AT_ONCE:
        raise BusyError(
            f"{AT_ONCE} exports of yours are being made already",
            meaning="Nothing was begun.",
            remedy="Wait until one of them is ready, or remove one.",
        )
    takeout = Takeout(
        new_id(),
        who.id,
        who.session,
        format_filter(meant),
        meant.sentence(),
        wanted,
        MOST,
        query.searches.count(meant, _COUNTED),
        bounds_of(who.scope),
        format_time(services_of(request).trail.clock()),
    )
    details = (("format", FORMS[Format(wanted)].kind), ("most", MOST), ("events", takeout.expected))
    observe(request, who, "evidence.export", "export", takeout.id, takeout.sentence, details)
    maker.store.put(takeout)
    maker.ring()
    return RedirectResponse("/exports", 303)


@router.post("/exports/{takeout}/remove", include_in_schema=False)
def remove(
    request: Request, who: Annotated[Principal, Depends(admit(Verb.EXPORTS_MAKE))], takeout: str
) -> Response:
    """Give an export up, or remove its file."""
    maker = _kept(request)
    one = _own(maker, who, takeout)
    maker.store.put(one.cancelled())
    maker.store.discard(one.id)
    return RedirectResponse("/exports", 303)


@router.get("/exports/{takeout}/file", include_in_schema=False)
def download(
    request: Request, who: Annotated[Principal, Depends(admit(Verb.EXPORTS_MAKE))], takeout: str
) -> Response:
    """Hand a finished export out to whom it was made for; that it was downloaded is on record first."""
    maker, now = _kept(request), services_of(request).trail.clock()
    one = _own(maker, who, takeout)
    file = maker.store.file(one.id) if one.stage is Stage.READY and not one.is_over(now) else None
    if file is None:
        raise InputError("there is no file at this link, or no longer", remedy="Export it anew.")
    try:
        _check(file, one, who)
        file.seek(0)
        details = (("events", one.events), ("bytes", one.size), ("sha256", one.sha256 or ""))
        observe(request, who, "evidence.read", "export", one.id, "downloaded", details)
    except BaseException:
        file.close()
        raise
    return StreamingResponse(_pieces(file), media_type=FORMS[Format(one.form)].kind, headers=_headers(one))


def _check(file: BinaryIO, one: Takeout, who: Principal) -> None:
    """Raise InputError where a reader may not see all of it any more, EvidenceError where its bytes were altered."""
    if not contains(who.scope, scope_of(one.bounds)):
        raise InputError(
            "you may not see all of this export any more",
            meaning="It was made when you might; it is not handed out.",
            remedy="Export anew what you may see.",
        )
    found = hashlib.sha256()
    while piece := file.read(_PIECE):
        found.update(piece)
    if found.hexdigest() != one.sha256:
        raise EvidenceError(
            f"the file of export {one.id} was altered after it was made",
            meaning="It is not handed out; the log still has everything.",
            remedy="Export it anew, and find out who can write to the directory of exports.",
        )


def _headers(one: Takeout) -> Mapping[str, str]:
    name = f"events-{one.asked[:10]}-{one.id[:8]}.{FORMS[Format(one.form)].ending}"
    return {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Length": str(one.size),
        "Export-Id": one.id,
    }


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE):
            yield piece


def _kept(request: Request) -> Maker:
    maker = maker_of(request.app)
    if maker is None:
        raise ConfigurationError("this application makes no exports in the background")
    return maker


def _own(maker: Maker, who: Principal, takeout: str) -> Takeout:
    """Return an export of the reader's. Raises InputError for any other: whose it is, is not told."""
    one = maker.store.get(takeout)
    if one is None or one.owner != who.id:
        raise InputError(f"there is no export {takeout[:60]!r} of yours", remedy="See which there are.")
    return one
