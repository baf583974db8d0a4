"""Notifications: who is told of what, how it went, and what was given up. Routes are tried here, and mended."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from ordertrail.access.principal import Principal
from ordertrail.access.verbs import Verb
from ordertrail.kernel.errors import ConfigurationError, OrderTrailError
from ordertrail.kernel.numbers import count
from ordertrail.notify.message import Severity
from ordertrail.notify.parcel import Delivery, State
from ordertrail.notify.ports import Backlog, DeliveryQuery
from ordertrail.notify.routing import Route
from ordertrail.notify.service import Notify
from ordertrail.web.auth.admission import admit
from ordertrail.web.auth.observing import observe
from ordertrail.web.auth.scoping import sees_everything
from ordertrail.web.pages.forms import Posted, posted
from ordertrail.web.pages.problem import PageRoute
from ordertrail.web.pages.reading import Moment, Reading
from ordertrail.web.pages.regions import Region, ask, denied, empty, ready
from ordertrail.web.pages.rendering import View, render
from ordertrail.web.pages.shell import reading_for, services_of

_HERE: Final = "/notifications"
_SHOWN: Final = 100
_TONES: Final = {State.READY: "wait", State.SENT: "good", State.DEAD: "bad"}
_WORDS: Final = {State.READY: "under way", State.SENT: "sent", State.DEAD: "given up"}

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class RouteRow:
    """A route: of what it tells, when, and how much of it is under way."""

    name: str
    tells: str
    when: str
    under_way: str
    given_up: int
    last: Moment | None
    standing: str
    tone: str


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """What was handed over, or is to be."""

    id: str
    route: str
    at: Moment
    severity: str
    messages: str
    title: str
    standing: str
    tone: str
    note: str
    dead: bool


@dataclass(frozen=True, slots=True)
class NotificationsPage:
    """What the page shows."""

    routes: Region[tuple[RouteRow, ...]]
    deliveries: Region[tuple[DeliveryRow, ...]]
    dead: int
    tried: str
    """What came of a test that was just made; empty where none was."""
    failed: bool
    may_write: bool


@router.get("/notifications", include_in_schema=False)
def notifications(
    request: Request, who: Annotated[Principal, Depends(admit(Verb.SETTINGS_READ))]
) -> Response:
    """Show the routes, and what went by them."""
    return _page(request, who)


@router.post("/notifications/test", include_in_schema=False)
async def try_route(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.SETTINGS_WRITE))],
    form: Annotated[Posted, Depends(posted)],
) -> Response:
    """Send a message that says that it is a test, now, and say what came of it."""
    return await run_in_threadpool(_tried, request, who, form.get("route"))


@router.post("/notifications/retry", include_in_schema=False)
async def retry(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.SETTINGS_WRITE))],
    form: Annotated[Posted, Depends(posted)],
) -> Response:
    """Have what was given up tried again: one delivery, or all."""
    await run_in_threadpool(_retried, request, who, form.get("delivery"))
    return RedirectResponse(f"{_HERE}#deliveries", 303)


def notify_of(request: Request) -> Notify:
    """Return what tells people. Raises ConfigurationError where no route is set up."""
    found = services_of(request).notify
    if found is None:
        raise ConfigurationError(
            "no route is set up",
            meaning="Nobody is told of anything; alerts wait on their page.",
            remedy="Name routes in [[routes]] of trail.toml.",
        )
    return found


def _retried(request: Request, who: Principal, delivery: str) -> None:
    notify = notify_of(request)
    observe(request, who, "notify.retry", "delivery", delivery or "all")
    notify.retry([delivery] if delivery else None)


def _tried(request: Request, who: Principal, route: str) -> Response:
    notify = notify_of(request)
    observe(request, who, "notify.test", "route", route)
    try:
        parcel = notify.test(route)
    except OrderTrailError as error:
        return _page(request, who, f"{route} did not take the test message: {error.message}", failed=True)
    return _page(request, who, f"{route} took the test message {parcel.id}.")


def _page(request: Request, who: Principal, tried: str = "", *, failed: bool = False) -> Response:
    notify, reading = services_of(request).notify, reading_for(request)
    if notify is None:
        routes: Region[tuple[RouteRow, ...]] = empty(
            "Routes",
            "Nobody is told of anything",
            "Name routes in [[routes]] of trail.toml; alerts wait on their page.",
        )
        deliveries: Region[tuple[DeliveryRow, ...]] = empty("What went", "Nothing was sent")
        page = NotificationsPage(routes, deliveries, 0, tried, failed, may_write=False)
    else:
        told = _Told(notify, who, reading)
        page = NotificationsPage(
            routes=ask("Routes", told.routes, _HERE),
            deliveries=ask("What went", told.deliveries, _HERE),
            dead=sum(one.dead for one in notify.backlog()),
            tried=tried,
            failed=failed,
            may_write=who.may(Verb.SETTINGS_WRITE),
        )
    return render(request, who, View("notifications.html", "Notifications"), page)


class _Told:
    """Notifying, told to a reader: what messages say is evidence, and takes the verb for it."""

    def __init__(self, notify: Notify, who: Principal, reading: Reading) -> None:
        self._notify = notify
        self._who = who
        self._reading = reading

    def routes(self) -> Region[tuple[RouteRow, ...]]:
        """Return the routes as they stand."""
        backlog = {one.route: one for one in self._notify.backlog()}
        return ready("Routes", tuple(self._routes(backlog)))

    def deliveries(self) -> Region[tuple[DeliveryRow, ...]]:
        """Return what went, the newest first."""
        if not sees_everything(self._who.scope):
            return denied("What went", "see deliveries of all tenants", str(Verb.SETTINGS_READ), ())
        found = self._notify.find(DeliveryQuery(limit=_SHOWN))
        if not found:
            return empty("What went", "Nothing was sent yet", "What matters is told as soon as it is sealed.")
        return ready("What went", tuple(map(self._delivery, found)))

    def _routes(self, backlog: dict[str, Backlog]) -> Iterator[RouteRow]:
        for name, courier in self._notify.couriers.items():
            one = backlog.get(name, Backlog(name, 0, 0, 0))
            newest = next(iter(self._notify.find(DeliveryQuery(name, limit=1))), None)
            down = newest is not None and newest.state is not State.SENT and newest.error is not None
            yield RouteRow(
                name=name,
                tells=_tells(courier.route),
                when=_when(courier.route),
                under_way=f"{count(one.waiting, 'message')} waiting, {one.ready:,} under way",
                given_up=one.dead,
                last=None if newest is None else self._reading.moment(newest.settled or newest.parcel.made),
                standing="cannot be reached" if down else "well",
                tone="bad" if down else "good",
            )

    def _delivery(self, one: Delivery) -> DeliveryRow:
        parcel = one.parcel
        note = f"{count(one.attempts, 'attempt')}"
        if one.error is not None:
            note += f": {one.error}"
        return DeliveryRow(
            id=parcel.id,
            route=parcel.route,
            at=self._reading.moment(one.settled or parcel.made),
            severity=parcel.severity.word,
            messages=count(parcel.count, "message"),
            title=parcel.title if self._who.may(Verb.EVENTS_SEARCH) else "",
            standing=_WORDS[one.state],
            tone=_TONES[one.state],
            note=note,
            dead=one.state is State.DEAD,
        )


def _tells(route: Route) -> str:
    """Return of what a route tells, in words."""
    parts = [
        "everything sensitive" if route.least is min(Severity) else f"what is {route.least.word} or graver"
    ]
    for name, values in (
        ("rules", route.rules),
        ("actions", route.actions),
        ("channels", sorted(route.channels)),
        ("tenants", sorted(route.tenants)),
    ):
        if values:
            parts.append(f"{name} {', '.join(values)}")
    if route.personal:
        parts.append("personal values in it")
    return "; ".join(parts)


def _when(route: Route) -> str:
    """Return when a route tells, in words."""
    parts = ["at once"]
    if route.digest:
        parts = [f"together, every {route.digest.total_seconds() / 60:g} min"]
    if route.quiet is not None:
        parts.append(f"not from {route.quiet.start:%H:%M} to {route.quiet.end:%H:%M} {route.quiet.zone}")
    parts.append(f"{route.most_per_minute:,} a minute at most")
    return "; ".join(parts)
