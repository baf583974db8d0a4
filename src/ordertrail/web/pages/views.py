"""Saved views, and permanent links that keep what was seen when they were made."""

from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Annotated, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from ordertrail.access.principal import Principal
from ordertrail.access.verbs import Verb
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import ConfigurationError, InputError
from ordertrail.query.filters.grammar import format_filter
from ordertrail.views.ports import Views
from ordertrail.views.saved import Link, SavedView, check_address, check_view
from ordertrail.web.auth.admission import admit
from ordertrail.web.auth.observing import observe
from ordertrail.web.auth.scoping import asked
from ordertrail.web.pages.addresses import explore_href
from ordertrail.web.pages.forms import Posted, posted
from ordertrail.web.pages.problem import PageRoute
from ordertrail.web.pages.reading import Moment
from ordertrail.web.pages.rendering import View, render
from ordertrail.web.pages.shell import reading_for, services_of

_COUNTED: Final = 100_000

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Starter:
    """A question that comes with the house."""

    name: str
    text: str
    href: str


@dataclass(frozen=True, slots=True)
class ViewRow:
    """A saved view."""

    id: str
    name: str
    href: str
    owner: str
    team: bool
    own: bool
    saved: Moment


@dataclass(frozen=True, slots=True)
class ViewsPage:
    """What the page shows. ``link`` is one that was just made; ``address`` is what is to be kept."""

    starters: tuple[Starter, ...]
    views: tuple[ViewRow, ...]
    address: str
    link: str
    may_save: bool
    kept: bool


@dataclass(frozen=True, slots=True)
class LinkPage:
    """What a permanent link leads to, and whether it is still the same."""

    made: Moment
    by: str
    rows: str
    now: str
    same: bool
    href: str


STARTERS: Final = (
    Starter("Prices lowered by over 20 %", "Who lowered a price by much", explore_href("lowered:unit_price>20%")),
    Starter("Changed after approval", "Money that moved after an approval", "/orders?view=after-approval"),
    Starter("Cancellations by people", "Who cancels, and how much", explore_href("action:order.cancel kind:person")),
    Starter("Denied", "What was tried and not allowed", explore_href("outcome:denied")),
    Starter("Refunds", "Money that went back", explore_href("action:payment.refund")),
    Starter("Status turned back", "Orders against their usual path", explore_href("action:order.status.revert")),
    Starter("What failed", "What services and channels could not do", explore_href("outcome:failed")),
)  # fmt: skip


def views_of(request: Request) -> Views | None:
    """Return the application's store of views, None where it has none."""
    found: Views | None = getattr(request.app.state, "views", None)
    return found


def _kept(request: Request) -> Views:
    found = views_of(request)
    if found is None:
        raise ConfigurationError("this application keeps no views")
    return found


@router.get("/views", include_in_schema=False)
def views_page(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.EVENTS_SEARCH))],
    address: str = "",
    link: str = "",
) -> Response:
    """Show the views that a reader may open."""
    store, reading = views_of(request), reading_for(request)
    rows = (
        ()
        if store is None
        else tuple(
            ViewRow(
                one.id,
                one.name,
                one.address,
                one.owner,
                one.team,
                one.owner == who.id,
                reading.moment(one.saved),
            )
            for one in store.seen_by(who.id)
        )
    )
    known = store.link(link) if store is not None and link else None
    shown = f"{str(request.base_url).rstrip('/')}/l/{known.id}" if known is not None else ""
    page = ViewsPage(
        STARTERS, rows, address, shown, who.may(Verb.VIEWS_WRITE) and store is not None, store is not None
    )
    return render(request, who, View("views.html", "Saved views"), page)


@router.post("/views", include_in_schema=False)
def save_view(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.VIEWS_WRITE))],
    form: Annotated[Posted, Depends(posted)],
) -> Response:
    """Keep a view."""
    name, address = check_view(form.get("name"), form.get("address"))
    now = format_time(services_of(request).trail.clock())
    view = SavedView(token_urlsafe(9), name, address, who.id, form.get("team") == "yes", now)
    if not _kept(request).save(view):
        raise InputError(
            f"you have a view called {name!r} already, or too many", remedy="Choose another name."
        )
    observe(request, who, "view.save", "view", view.id, details=[("name", name)])
    return RedirectResponse("/views", 303)


@router.post("/views/{view}/remove", include_in_schema=False)
def remove_view(
    request: Request, who: Annotated[Principal, Depends(admit(Verb.VIEWS_WRITE))], view: str
) -> Response:
    """Forget a view of one's own."""
    _kept(request).remove(view, who.id)
    return RedirectResponse("/views", 303)


@router.post("/links", include_in_schema=False)
def make_link(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.VIEWS_WRITE))],
    form: Annotated[Posted, Depends(posted)],
) -> Response:
    """Make a permanent link to what a page shows now: its times are fixed, its events counted."""
    reading = reading_for(request)
    address, rows = _fixed(request, who, check_address(form.get("address")), str(reading.zone))
    now = format_time(services_of(request).trail.clock())
    link = Link(token_urlsafe(9), address, str(reading.zone), who.id, now, rows)
    _kept(request).add_link(link)
    observe(request, who, "link.share", "link", link.id, details=[("address", address[:1_000])])
    return RedirectResponse(f"/views?link={link.id}", 303)


def _fixed(request: Request, who: Principal, address: str, zone: str) -> tuple[str, int | None]:
    """Return an address whose times mean the same tomorrow, and how many events it means now."""
    parts = urlsplit(address)
    parameters = dict(parse_qsl(parts.query))
    if parts.path != "/explore":
        return address, None
    query = asked(request, who)
    meant = query.parse(parameters.get("q", ""), zone)
    rows = query.searches.count(meant, _COUNTED)
    fixed = format_filter(meant.fixed())
    kept = (
        {**parameters, "q": fixed}
        if fixed
        else {name: value for name, value in parameters.items() if name != "q"}
    )
    return f"{parts.path}?{urlencode(kept)}" if kept else parts.path, rows


@router.get("/l/{name}", include_in_schema=False)
def open_link(
    request: Request, who: Annotated[Principal, Depends(admit(Verb.EVENTS_SEARCH))], name: str
) -> Response:
    """Open a permanent link: at once where it is the same, else saying what is not."""
    link = _kept(request).link(name)
    if link is None:
        raise InputError(f"there is no link {name[:40]!r}", remedy="Ask whoever sent it for a new one.")
    _, now = _fixed(request, who, link.address, link.zone)
    zone = urlencode({"zone": link.zone})
    href = f"{link.address}{'&' if '?' in link.address else '?'}{zone}"
    if link.rows is None or link.rows == now:
        return RedirectResponse(href, 303)
    reading = reading_for(request)
    page = LinkPage(reading.moment(link.made), link.owner, f"{link.rows:,}", f"{now or 0:,}", False, href)
    return render(request, who, View("link.html", "A link"), page)
