"""What stands around every page: the rail, the search, the zone, the seal, who is signed in, and what is wrong.

The rail shows what the reader's roles open and what this application has: a page of a room that is not there, or that
no role of the reader's opens, has no place in it.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from fastapi import FastAPI, Request
from fastapi.routing import iter_route_contexts

from ordertrail.access.principal import Principal
from ordertrail.access.verbs import Verb
from ordertrail.kernel.errors import OrderTrailError
from ordertrail.ledger.entry import view_entry
from ordertrail.services import Services, Trail
from ordertrail.web.auth import csrf
from ordertrail.web.auth.scoping import sees_everything
from ordertrail.web.checks import checks_of
from ordertrail.web.pages.reading import Moment, Reading, Theme, reading_of
from ordertrail.web.pages.tour import Tour, tour_of

ZONES: Final = (
    "UTC",
    "Europe/London",
    "Europe/Berlin",
    "Europe/Athens",
    "America/New_York",
    "America/Chicago",
    "America/Los_Angeles",
    "America/Sao_Paulo",
    "Asia/Dubai",
    "Asia/Kolkata",
    "Asia/Shanghai",
    "Asia/Tokyo",
    "Australia/Sydney",
)
"""Zones that are offered; any of the IANA database may be written in the address."""


@dataclass(frozen=True, slots=True)
class Place:
    """A page that the rail names: its icon, the key that goes to it after ``g``, and what its reader may do."""

    name: str
    path: str
    icon: str
    key: str
    verb: Verb
    room: str = ""
    """The service that it needs; empty where it needs none beside the trail."""


PLACES: Final = (
    Place("Overview", "/", icon="layout-dashboard", key="o", verb=Verb.STATUS_READ),
    Place("Explore", "/explore", icon="list-filter", key="e", verb=Verb.EVENTS_SEARCH),
    Place("Orders", "/orders", icon="package", key="r", verb=Verb.EVENTS_SEARCH),
    Place("People", "/people", icon="users", key="p", verb=Verb.ACTIVITY_READ),
    Place("Alerts", "/alerts", icon="siren", key="a", verb=Verb.ALERTS_READ, room="monitor"),
    Place("Forecast", "/forecast", icon="timer", key="f", verb=Verb.ALERTS_READ, room="actions"),
    Place("Models", "/models", icon="cpu", key="d", verb=Verb.RULES_READ, room="models"),
    Place("Rules", "/rules", icon="scale", key="u", verb=Verb.RULES_READ, room="monitor"),
    Place(
        "Matching", "/matching", icon="git-compare-arrows", key="m", verb=Verb.LINKS_READ, room="correlate"
    ),
    Place("Cases", "/cases", icon="briefcase", key="c", verb=Verb.CASES_READ, room="evidence"),
    Place("Exports", "/exports", icon="download", key="x", verb=Verb.EXPORTS_MAKE, room="takeouts"),
    Place("Intake", "/intake", icon="inbox", key="t", verb=Verb.INTAKE_READ),
    Place("Integrity", "/integrity", icon="shield-check", key="i", verb=Verb.STATUS_READ),
    Place("Retention", "/retention", icon="archive", key="n", verb=Verb.RETENTION_READ, room="retention"),
    Place("Settings", "/settings", icon="settings-2", key="s", verb=Verb.SETTINGS_READ),
)


class Standing(StrEnum):
    """The five words of the seal, each with an icon and a colour; the word alone says it."""

    PROVEN = "Proven"
    SEALED = "Sealed"
    PENDING = "Pending"
    UNCHECKED = "Not checked"
    BROKEN = "BROKEN"

    @property
    def tone(self) -> str:
        """The class of its colour."""
        return {
            Standing.PROVEN: "good",
            Standing.SEALED: "seal",
            Standing.PENDING: "wait",
            Standing.UNCHECKED: "mute",
            Standing.BROKEN: "bad",
        }[self]

    @property
    def icon(self) -> str:
        """The name of its icon."""
        return {
            Standing.PROVEN: "badge-check",
            Standing.SEALED: "lock",
            Standing.PENDING: "hourglass",
            Standing.UNCHECKED: "circle-dashed",
            Standing.BROKEN: "shield-x",
        }[self]


@dataclass(frozen=True, slots=True)
class Seal:
    """How far the trail is sealed: the chip of the top bar. ``until`` is None where nothing is sealed yet."""

    standing: Standing
    text: str
    until: Moment | None
    waiting: int

    @property
    def mark(self) -> str:
        """What tells one state of the seal from another: not how long ago it was."""
        return f"{self.standing}/{self.until.iso if self.until else None}/{self.waiting}"


@dataclass(frozen=True, slots=True)
class Trouble:
    """A banner on every page: the trail is broken, or cannot be asked."""

    headline: str
    text: str
    href: str


@dataclass(frozen=True, slots=True)
class RailItem:
    """An entry of the rail."""

    name: str
    path: str
    icon: str
    key: str
    current: bool


@dataclass(frozen=True, slots=True)
class Who:
    """Who is signed in."""

    id: str
    name: str
    roles: tuple[str, ...]
    initials: str


@dataclass(frozen=True, slots=True)
class Shell:
    """All that the layout reads."""

    title: str
    rail: tuple[RailItem, ...]
    zone: str
    zones: tuple[str, ...]
    here: str
    """This page's address without its zone, to come back to."""
    back: str
    """This page's address whole."""
    seal: Seal | None
    who: Who | None
    token: str
    theme: Theme
    language: str
    search: str
    trouble: Trouble | None
    basket: bool
    tour: Tour | None


def services_of(request: Request) -> Services:
    """Return the services that the application was made with."""
    services: Services = request.app.state.services
    return services


def reading_for(request: Request) -> Reading:
    """Return how the reader of a request reads."""
    now = services_of(request).trail.clock()
    return reading_of(request.headers, request.cookies, request.query_params.get("zone"), now)


def shell_of(request: Request, who: Principal | None, title: str, search: str = "") -> Shell:
    """Return what stands around a page for who reads it; for a stranger, nothing of the trail."""
    reading = reading_for(request)
    path = request.url.path
    query = request.url.query
    return Shell(
        title=title,
        rail=_rail(request, who, path) if who is not None else (),
        zone=str(reading.zone),
        zones=tuple(dict.fromkeys((str(reading.zone), *ZONES))),
        here=path,
        back=f"{path}?{query}" if query else path,
        seal=seal_for(request, reading) if who is not None else None,
        who=_who(who) if who is not None else None,
        token=csrf.token(request) if who is not None else "",
        theme=reading.theme,
        language=str(reading.locale).replace("_", "-"),
        search=search,
        trouble=trouble_of(request, who) if who is not None else None,
        basket=who is not None and who.may(Verb.CASES_WRITE) and services_of(request).evidence is not None,
        tour=tour_of(request, who) if who is not None else None,
    )


def seal_for(request: Request, reading: Reading) -> Seal:
    """Return the chip: how far the trail is sealed, unless its last check found it broken."""
    seal = seal_of(services_of(request).trail, reading)
    if checks_of(request.app).broken() is None:
        return seal
    return Seal(Standing.BROKEN, "The trail is BROKEN", None, seal.waiting)


def seal_of(trail: Trail, reading: Reading) -> Seal:
    """Say how far the default log is sealed, as its head and its journal tell; nothing is checked here."""
    try:
        service = next(iter(trail.logs.values()))
        head = service.log.store.head(service.log.stream)
        waiting = service.log.journal.waiting(service.log.stream)
        rows = service.log.reader.rows(service.log.stream, head.size - 1, head.size) if head.size else ()
        last = next(iter(rows), None)
    except OrderTrailError as error:
        return Seal(Standing.UNCHECKED, f"The log cannot be asked: {error.message}", None, 0)
    if last is None:
        return Seal(
            Standing.PENDING if waiting else Standing.UNCHECKED, "Nothing is sealed yet", None, waiting
        )
    recorded = view_entry(last.entry).ledger.recorded
    until = reading.moment(recorded)
    text = f"Sealed up to {until.clock} {until.zone}"
    if waiting:
        return Seal(Standing.PENDING, f"{waiting:,} waiting. {text}", until, waiting)
    return Seal(Standing.SEALED, text, until, 0)


def trouble_of(request: Request, who: Principal) -> Trouble | None:
    """Return the banner of a trail whose last check found it broken; who sees a part of it is not told where."""
    report = checks_of(request.app).broken()
    if report is None or report.first is None:
        return None
    first, text = report.first, "Whoever sees all of the trail can see where."
    if sees_everything(who.scope):
        still = report.verdict.partition(f"{first.message}. ")[2]
        text = f"{first.where}: {first.message}. {still}"
    return Trouble(f"The trail {report.origin} is BROKEN:", text, "/integrity")


def paths_of(app: FastAPI) -> frozenset[str]:
    """Return the addresses that an application has, looked up once."""
    known: frozenset[str] | None = getattr(app.state, "page_paths", None)
    if known is None:
        known = frozenset(one.path for one in iter_route_contexts(app.routes) if one.path is not None)
        app.state.page_paths = known
    return known


def _rail(request: Request, who: Principal, path: str) -> tuple[RailItem, ...]:
    there, services = paths_of(request.app), services_of(request)
    return tuple(
        RailItem(one.name, one.path, one.icon, one.key, _is_current(one.path, path))
        for one in PLACES
        if one.path in there and who.may(one.verb) and _is_set_up(services, one.room)
    )


def _is_set_up(services: Services, room: str) -> bool:
    return not room or getattr(services, room, None) is not None


def _is_current(place: str, path: str) -> bool:
    return path == place if place == "/" else path == place or path.startswith(f"{place}/")


def _who(who: Principal) -> Who:
    name = who.name or who.id
    return Who(who.id, name, who.roles, initials(name))


def initials(name: str) -> str:
    """Return one or two letters for a name."""
    words = (word for word in name.replace(".", " ").replace("-", " ").split() if word[:1].isalpha())
    return "".join(word[0] for word in words)[:2].upper() or "?"
