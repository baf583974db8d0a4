"""A person's data: how much of it there is, what goes before a wish to be erased, the report, and the erasure."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse, Response

from ordertrail.access.principal import Principal
from ordertrail.access.telling import actor_of
from ordertrail.access.verbs import Verb
from ordertrail.kernel.errors import InputError
from ordertrail.kernel.numbers import count
from ordertrail.retention.access_report import format_html
from ordertrail.retention.erasure import Erasure, ErasureState, Scope
from ordertrail.retention.persons import Persons
from ordertrail.retention.register import Register
from ordertrail.web.auth.admission import admit
from ordertrail.web.auth.scoping import sees_everything
from ordertrail.web.pages.forms import Posted, posted
from ordertrail.web.pages.problem import PageRoute
from ordertrail.web.pages.reading import Moment, Reading
from ordertrail.web.pages.regions import Region, empty, ready
from ordertrail.web.pages.rendering import View, render
from ordertrail.web.pages.retention import retention_of
from ordertrail.web.pages.shell import reading_for

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_HERE = "/retention/persons"


@dataclass(frozen=True, slots=True)
class ScopeView:
    """What of a person is there, and what keeps it from being erased."""

    person: str
    known: bool
    said: str
    streams: tuple[str, ...]
    first: Moment | None
    last: Moment | None
    conflicts: tuple[str, ...]
    bundles: tuple[str, ...]
    may_ask: bool
    may_report: bool


@dataclass(frozen=True, slots=True)
class ErasureRow:
    """A request that waits for a second person."""

    id: str
    person: str
    identity: str
    reason: str
    requester: str
    asked: Moment
    may_approve: bool
    own: bool


@dataclass(frozen=True, slots=True)
class ErasedRow:
    """A certificate of a person's erasure."""

    id: str
    sentence: str
    time: Moment


@dataclass(frozen=True, slots=True)
class PersonsPage:
    """What the page shows. ``scope`` is None until somebody is looked for."""

    person: str
    scope: ScopeView | None
    requests: Region[tuple[ErasureRow, ...]]
    certificates: Region[tuple[ErasedRow, ...]]


@router.get("/retention/persons", include_in_schema=False)
def persons_page(
    request: Request, who: Annotated[Principal, Depends(admit(Verb.RETENTION_READ))], person: str = ""
) -> Response:
    """Show what is kept of a person, in numbers; requests that wait, and certificates."""
    persons, reading = _persons(request, who), reading_for(request)
    register = persons.retention.register()
    page = PersonsPage(
        person=person,
        scope=_scope(persons.scope(person), register, reading, who) if person else None,
        requests=_requests(register, reading, who),
        certificates=_certificates(register, reading),
    )
    return render(request, who, View("persons.html", "People's data"), page)


@router.post("/retention/persons/report", include_in_schema=False)
async def report_person(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.IDENTITIES_REVEAL))],
    form: Annotated[Posted, Depends(posted)],
) -> Response:
    """Hand all that is kept of a person out, as a page that they can read; it is on record first."""
    persons, person, reason = _persons(request, who), form.get("person"), form.get("reason")
    report = await run_in_threadpool(persons.report, actor_of(who), person, reason)
    headers = {
        "Content-Disposition": 'attachment; filename="access-report.html"',
        "Cache-Control": "no-store",
    }
    return HTMLResponse(format_html(report), headers=headers)


@router.post("/retention/persons/requests", include_in_schema=False)
async def request_erasure(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.RETENTION_WRITE))],
    form: Annotated[Posted, Depends(posted)],
) -> Response:
    """Ask for a person to be erased."""
    persons, person = _persons(request, who), form.get("person")
    await run_in_threadpool(persons.request, actor_of(who), person, form.get("reason"), form.get("identity"))
    return RedirectResponse(f"{_HERE}?{urlencode({'person': person})}#requests", 303)


@router.post("/retention/persons/requests/{erasure}/approve", include_in_schema=False)
async def approve_erasure(
    request: Request, who: Annotated[Principal, Depends(admit(Verb.RETENTION_APPROVE))], erasure: str
) -> Response:
    """Agree to what somebody else asked for: the key is destroyed."""
    await run_in_threadpool(_persons(request, who).erase, actor_of(who), erasure)
    return RedirectResponse(f"{_HERE}#certificates", 303)


def _persons(request: Request, who: Principal) -> Persons:
    """Return the people; to who sees a part of the trail, nobody: a person's data is in all of it."""
    if not sees_everything(who.scope):
        raise InputError("there is no part of a person's data; whoever sees all of the trail can look")
    return Persons(retention_of(request))


def _scope(scope: Scope, register: Register, reading: Reading, who: Principal) -> ScopeView:
    waits = any(
        one.person == scope.person and one.state is ErasureState.REQUESTED
        for one in register.erasures.values()
    )
    values, events = count(scope.values, "sealed value"), count(scope.events, "event")
    return ScopeView(
        person=scope.person,
        known=scope.known,
        said=f"{values} in {events} of {count(scope.orders, 'order')}",
        streams=scope.streams,
        first=None if scope.first is None else reading.moment(scope.first),
        last=None if scope.last is None else reading.moment(scope.last),
        conflicts=tuple(map(str, scope.conflicts)),
        bundles=scope.bundles,
        may_ask=who.may(Verb.RETENTION_WRITE) and scope.known and not scope.conflicts and not waits,
        may_report=who.may(Verb.IDENTITIES_REVEAL) and scope.known,
    )


def _requests(register: Register, reading: Reading, who: Principal) -> Region[tuple[ErasureRow, ...]]:
    waiting = [one for one in register.erasures.values() if one.state is ErasureState.REQUESTED]
    if not waiting:
        return empty("To be erased", "Nobody waits", "A request stays here until somebody else agrees.")
    return ready("To be erased", tuple(_request(one, reading, who) for one in waiting))


def _request(one: Erasure, reading: Reading, who: Principal) -> ErasureRow:
    own = one.requester == who.id
    return ErasureRow(
        one.id,
        one.person,
        one.identity,
        one.reason,
        one.requester,
        reading.moment(one.requested),
        may_approve=who.may(Verb.RETENTION_APPROVE) and not own,
        own=own,
    )


def _certificates(register: Register, reading: Reading) -> Region[tuple[ErasedRow, ...]]:
    rows = tuple(
        ErasedRow(one.id, one.sentence, reading.moment(one.time))
        for one in sorted(register.erased.values(), key=lambda one: one.time, reverse=True)
    )
    if rows:
        return ready("Certificates of erasure", rows)
    return empty("Certificates of erasure", "Nobody was erased", "Each erasure leaves a certificate here.")
