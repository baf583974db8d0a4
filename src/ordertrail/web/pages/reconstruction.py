"""What led to an event: the story across systems, what is certain apart from what is inferred, the likely roots.

What is told here can be kept in a case: its events with their proofs, and the account itself as it was told, for asked
again it says what is known by then.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from ordertrail.access.principal import Principal
from ordertrail.access.telling import actor_of
from ordertrail.access.verbs import Verb
from ordertrail.evidence.accounts import ROOTS, account_of
from ordertrail.evidence.cases import CaseState
from ordertrail.kernel.errors import InputError
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.filters.terms import Is
from ordertrail.query.reconstruction.asking import of_event, of_order, reconstruct
from ordertrail.query.reconstruction.bonds import Candidate, Reconstruction, Step
from ordertrail.query.service import Query
from ordertrail.web.auth.admission import admit
from ordertrail.web.auth.observing import observe
from ordertrail.web.auth.scoping import asked
from ordertrail.web.pages.addresses import event_href
from ordertrail.web.pages.cases import desk_of
from ordertrail.web.pages.event import sealed_event
from ordertrail.web.pages.forms import Posted, posted
from ordertrail.web.pages.problem import PageRoute
from ordertrail.web.pages.regions import Region, ask, empty, ready
from ordertrail.web.pages.rendering import View, render
from ordertrail.web.pages.rows import EventRow, rows_of_hits
from ordertrail.web.pages.shell import reading_for, services_of
from ordertrail.web.pages.telling import plain

_CASES: Final = 50
"""Cases that are offered; others are found by their own page."""

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class StepRow:
    """An event of the story, and how it led on."""

    row: EventRow
    certain: bool
    reason: str
    towards: str
    """What it led to, in words."""
    towards_href: str


@dataclass(frozen=True, slots=True)
class RootRow:
    """An event in which it may have begun."""

    row: EventRow
    likely: str
    certain: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """What led to the event, and where it may have begun."""

    steps: tuple[StepRow, ...]
    roots: tuple[RootRow, ...]
    said: str


@dataclass(frozen=True, slots=True)
class OpenCase:
    """A case that can take what is told."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class WhyPage:
    """What the page shows."""

    asked: EventRow
    here: str
    story: Region[Story]
    cases: tuple[OpenCase, ...]
    may_keep: bool


@router.get("/why", include_in_schema=False)
def why_of_order(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.EVENTS_SEARCH))],
    order: str = "",
    tenant: str = "",
) -> Response:
    """Lead to what most wants an explanation of an order: a discrepancy, else what failed, else the last event."""
    query = asked(request, who)
    within = Filter().with_(Is("tenant", (tenant,), exact=True)) if tenant else Filter()
    return RedirectResponse(f"{event_href(of_order(query.searches, order, within).event.id)}/why", 303)


@router.get("/events/{event}/why", include_in_schema=False)
def why_page(
    request: Request, who: Annotated[Principal, Depends(admit(Verb.EVENTS_SEARCH))], event: str
) -> Response:
    """Show what led to an event."""
    services, query, reading = services_of(request), asked(request, who), reading_for(request)
    sealed_event(services, who, event)
    here = f"{event_href(event)}/why"
    (row,) = rows_of_hits(query, (of_event(query.searches, event),), reading)
    keeps = who.may(Verb.CASES_WRITE) and services.evidence is not None

    def story() -> Region[Story]:
        told = _told(query, event)
        if not told.story:
            return empty("What led to it", "Nothing before it is known to have led to it")
        rows = rows_of_hits(query, dict.fromkeys((*(one.hit for one in told.story), told.asked)), reading)
        return ready("What led to it", _story(told, {one.id: one for one in rows}), query.lag(), here)

    page = WhyPage(
        row, here, ask("What led to it", story, here), _open_cases(request) if keeps else (), keeps
    )
    observe(request, who, "evidence.read", "event", event)
    return render(request, who, View("why.html", f"What led to event {event[:13]}"), page)


@router.post("/events/{event}/why", include_in_schema=False)
async def keep_account(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.CASES_WRITE))],
    event: str,
    form: Annotated[Posted, Depends(posted)],
) -> Response:
    """Keep in a case what led to an event, as it is told now, with its events in the basket."""
    return RedirectResponse(f"/cases/{await run_in_threadpool(_kept, request, who, event, form)}", 303)


def _kept(request: Request, who: Principal, event: str, form: Posted) -> str:
    """Keep it in the case that is named, or in a new one; return the case's id."""
    sealed_event(services_of(request), who, event)
    desk, by = desk_of(request), actor_of(who)
    account = account_of(_told(asked(request, who), event))
    case, title = form.get("case").strip(), form.get("title").strip()
    if not case and not title:
        raise InputError(
            "it is kept in a case, and none is named", remedy="Choose one, or give a new one a title."
        )
    if not case:
        case = desk.open_case(title, by).id
    desk.add_account(case, account, by)
    return case


def _told(query: Query, event: str) -> Reconstruction:
    return reconstruct(query.searches, query.read, of_event(query.searches, event))


def _open_cases(request: Request) -> tuple[OpenCase, ...]:
    found = desk_of(request).list_cases(_CASES)
    return tuple(OpenCase(one.id, one.title) for one in found if one.state is CaseState.OPEN)


def _story(told: Reconstruction, rows: dict[str, EventRow]) -> Story:
    certain = len(told.certain)
    said = f"{certain:,} of {len(told.story):,} are said by the log itself; the others are inferred."
    if not told.whole:
        said += " More is known to have led there than is shown."
    return Story(
        tuple(_step(one, rows) for one in told.story),
        tuple(_root(one, rows) for one in told.candidates[:ROOTS]),
        said,
    )


def _step(step: Step, rows: dict[str, EventRow]) -> StepRow:
    after = rows[step.towards]
    return StepRow(rows[step.hit.event.id], step.certain, step.reason, plain(after.pieces), after.href)


def _root(root: Candidate, rows: dict[str, EventRow]) -> RootRow:
    return RootRow(rows[root.hit.event.id], f"{root.confidence / 100:.0f} %", root.certain, root.reasons)
