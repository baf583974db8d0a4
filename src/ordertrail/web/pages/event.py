"""One event: its sentence, what changed, from where, what happened beside it, and its proof. A page and a drawer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from ordertrail.access.principal import Principal
from ordertrail.access.verbs import Verb
from ordertrail.kernel.errors import InputError
from ordertrail.ledger.hashing import leaf_hash
from ordertrail.ledger.tlog_proof import format_tlog_proof
from ordertrail.ledger.verify.bundle import Proven, format_proof_bundle
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.ports import Hit
from ordertrail.query.questions.causes import cause_chain
from ordertrail.query.questions.neighbours import neighbours
from ordertrail.query.service import Query
from ordertrail.record.event import Context, Event
from ordertrail.record.sealing import sealed_values
from ordertrail.services import Sealed, Services
from ordertrail.web.auth.admission import admit
from ordertrail.web.auth.observing import observe
from ordertrail.web.auth.refusing import safe_target
from ordertrail.web.auth.scoping import asked, may_see
from ordertrail.web.pages.addresses import event_href, explore_href, order_href, person_href
from ordertrail.web.pages.forms import Posted, posted
from ordertrail.web.pages.problem import PageRoute
from ordertrail.web.pages.proving import Checked, prove_steps
from ordertrail.web.pages.reading import Moment, Reading
from ordertrail.web.pages.regions import Region, ask, loading, ready
from ordertrail.web.pages.rendering import View, render
from ordertrail.web.pages.rows import EventRow, rows_of_hits
from ordertrail.web.pages.shell import Standing, reading_for, services_of
from ordertrail.web.pages.telling import Piece, Row, channel_words, label_of, plain, rows_of, shown, told
from ordertrail.web.revealing import reveal

_NEAR: Final = 6
"""Events beside an event that are shown, of each kind."""

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that is known of an event: a name and a value, which may be a link."""

    name: str
    value: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Beside:
    """Other events that have something in common with one."""

    title: str
    rows: tuple[EventRow, ...]
    href: str


@dataclass(frozen=True, slots=True)
class EventView:
    """What is shown of an event, in a drawer and on a page of its own."""

    id: str
    href: str
    pieces: tuple[Piece, ...]
    phrase: str
    at: Moment
    recorded: Moment
    outcome: str
    sensitive: bool
    changes: tuple[Row, ...]
    facts: tuple[Fact, ...]
    order: str
    order_href: str
    standing: Standing
    position: str
    number: str
    leaf: str
    raw: str
    beside: Region[tuple[Beside, ...]]
    proof_href: str
    bundle_href: str
    close: str
    """Where a drawer is closed to; empty on the event's own page."""


@dataclass(frozen=True, slots=True)
class Personal:
    """A sealed personal value: where it stands, whose it is, and what it is where it was just opened."""

    path: str
    label: str
    person: str
    value: str


@dataclass(frozen=True, slots=True)
class EventPage:
    """The page of an event, with its proof where it was asked for."""

    event: EventView
    proof: Region[Checked] | None
    personal: tuple[Personal, ...]
    may_reveal: bool


@router.get("/events/{event}", include_in_schema=False)
def event_page(
    request: Request, who: Annotated[Principal, Depends(admit(Verb.EVENTS_SEARCH))], event: str
) -> Response:
    """Show one event."""
    services, reading = services_of(request), reading_for(request)
    sealed = sealed_event(services, who, event)
    query = asked(request, who)
    all_of_it = request.query_params.get("region") == "beside" or "show" in request.query_params
    view = event_view(
        query, sealed, reading, beside=all_of_it, close=safe_target(request.query_params.get("close", ""))
    )
    if not all_of_it:
        observe(request, who, "evidence.read", "event", event)
    return _page(request, who, sealed, view, f"Event {event[:13]}")


@router.post("/events/{event}/reveal", include_in_schema=False)
async def reveal_value(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.IDENTITIES_REVEAL))],
    event: str,
    form: Annotated[Posted, Depends(posted)],
) -> Response:
    """Open one sealed personal value for a reason, and show it this once."""
    return await run_in_threadpool(
        _revealed, request, who, event, form.get("path"), form.get("reason").strip()
    )


def _revealed(request: Request, who: Principal, event: str, path: str, reason: str) -> Response:
    services, reading = services_of(request), reading_for(request)
    sealed = sealed_event(services, who, event)
    if not reason:
        raise InputError("a value is opened for a reason, and there is none", remedy="Say why it is needed.")
    value = reveal(request, who, services.trail, sealed.entry.event, path, reason)
    view = event_view(asked(request, who), sealed, reading, beside=False)
    title = f"Event {event[:13]}"
    answer = _page(request, who, sealed, view, title, opened={path: shown(value, reading).text})
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _page(  # noqa: PLR0913, PLR0917 - what a page of an event may show
    request: Request,
    who: Principal,
    sealed: Sealed,
    view: EventView,
    title: str,
    proof: Region[Checked] | None = None,
    opened: Mapping[str, str] = MappingProxyType({}),
) -> Response:
    personal = tuple(
        Personal(path, _place(sealed.entry.event, path), one.person, opened.get(path, ""))
        for path, one in sealed_values(sealed.entry.event)
    )
    page = EventPage(view, proof, personal, who.may(Verb.IDENTITIES_REVEAL))
    return render(request, who, View("event.html", title), page)


def _place(event: Event, path: str) -> str:
    """Return where a sealed value stands, in words."""
    _, _, rest = path.partition("/changes/")
    if not rest:
        return {"/context/ip": "Address", "/context/user_agent": "Browser or client"}.get(path, path)
    number, side, *_ = rest.split("/")
    return f"{label_of(event.changes[int(number)].path, event.subject)}, {side}"


@router.get("/events/{event}/proof", include_in_schema=False)
def event_proof(
    request: Request, who: Annotated[Principal, Depends(admit(Verb.PROOFS_READ))], event: str
) -> Response:
    """Run the numbered steps on one event, now."""
    services, reading = services_of(request), reading_for(request)
    sealed = sealed_event(services, who, event)
    here = f"{event_href(event)}/proof"
    proof = ask("Proof", lambda: ready("Proof", prove_steps(services.trail, sealed, reading)), here)
    observe(request, who, "evidence.prove", "event", event)
    view = event_view(asked(request, who), sealed, reading, beside=False)
    return _page(request, who, sealed, view, f"Proof of event {event[:13]}", proof)


@router.get("/events/{event}/bundle", include_in_schema=False)
def event_bundle(
    request: Request, who: Annotated[Principal, Depends(admit(Verb.PROOFS_READ))], event: str
) -> Response:
    """Hand out an event's entry, its proof and the log's key: one file that anybody can check offline."""
    services = services_of(request)
    sealed_event(services, who, event)
    made = services.trail.prove(event)
    proven = Proven(event, made.sealed.row.entry, format_tlog_proof(made.proof))
    keys = [services.trail.keys(made.sealed.stream)[-1].vkey]
    observe(request, who, "evidence.prove", "event", event)
    named = f'attachment; filename="event-{event[:36]}.zip"'
    return Response(
        format_proof_bundle([proven], keys), 200, {"Content-Disposition": named}, "application/zip"
    )


def sealed_event(services: Services, who: Principal, event: str) -> Sealed:
    """Return a sealed event that a reader may see.

    Raises InputError for one that is not there, and the same words for one that is not the reader's to see.
    """
    sealed = services.trail.find(event)
    if not may_see(who.scope, sealed.entry.event):
        raise InputError(
            f"no sealed event has the id {event}", remedy="Ask whoever gives roles for a wider scope."
        )
    return sealed


def event_view(query: Query, sealed: Sealed, reading: Reading, *, beside: bool, close: str = "") -> EventView:
    """Return an event as it is shown; what happened beside it only where it is asked for."""
    event = sealed.entry.event
    pieces = told(event, query.actions, reading)
    action = query.actions.get(event.action)
    here = event_href(event.id)
    near = f"{here}?region=beside"
    order = event.subject.order
    return EventView(
        id=event.id,
        href=here,
        pieces=pieces,
        phrase=plain(pieces),
        at=reading.moment(event.time),
        recorded=reading.moment(sealed.entry.ledger.recorded),
        outcome=event.outcome.replace("_", " "),
        sensitive=action is not None and action.sensitive,
        changes=rows_of(event.changes, event.subject, reading),
        facts=tuple(_facts(event)),
        order=order or "",
        order_href=order_href(order, event.subject.tenant) if order else "",
        standing=Standing.SEALED if leaf_hash(sealed.row.entry) == sealed.row.hash else Standing.BROKEN,
        position=f"entry {sealed.row.index:,} of stream {sealed.stream}",
        number=f"number {sealed.row.number:,} of its order" if sealed.row.number else "",
        leaf=sealed.row.hash.hex(),
        raw=sealed.row.entry.decode(),
        beside=ask("Beside it", lambda: _beside(query, event, reading), near)
        if beside
        else loading("Events beside it", near),
        proof_href=f"{here}/proof",
        bundle_href=f"{here}/bundle",
        close=close,
    )


def _beside(query: Query, event: Event, reading: Reading) -> Region[tuple[Beside, ...]]:
    found = query.searches.find([event.id])
    if not found:
        return ready("Beside it", (), query.lag())
    return ready("Beside it", tuple(_groups(query, found[0], reading)))


def _groups(query: Query, hit: Hit, reading: Reading) -> Iterator[Beside]:
    near = neighbours(query.searches, hit, Filter(), limit=_NEAR)
    chain = cause_chain(query.searches, hit, Filter())
    named = (
        ("What led to it", chain.causes, ""),
        ("What it led to", tuple(one.hit for one in chain.effects[:_NEAR]), ""),
        ("In the same request", near.request, f"request:{hit.event.request}"),
        ("In the same trace", near.trace, f"trace:{hit.event.trace}"),
        ("In the same session", near.session, f"session:{hit.event.session}"),
        ("Just before and after", (*near.before[-3:], *near.after[:3]), ""),
    )
    for title, hits, text in named:
        others = [one for one in hits if one.key != hit.key]
        if others:
            href = explore_href(text) if text else ""
            yield Beside(title, rows_of_hits(query, others, reading), href)


def _facts(event: Event) -> Iterator[Fact]:
    actor, context = event.actor, event.context or Context()
    yield Fact("Who", f"{actor.id} ({actor.kind})", person_href(actor.id))
    if actor.roles:
        yield Fact("In the roles", ", ".join(actor.roles))
    if actor.on_behalf_of:
        yield Fact("For", actor.on_behalf_of, person_href(actor.on_behalf_of))
    yield Fact(
        "Did",
        f"{event.action} ({event.outcome.replace('_', ' ')})",
        explore_href(f"action:{event.action}"),
    )
    if context.channel:
        yield Fact("From", channel_words(context.channel), explore_href(f"channel:{context.channel}"))
    named = (
        ("System", context.source),
        ("Address", context.ip),
        ("Browser or client", context.user_agent),
        ("Host", context.host),
        ("Version", context.version),
        ("Request", context.request),
        ("Trace", context.trace),
        ("Session", actor.session),
        ("Reason", context.reason),
        ("Ticket", context.ticket),
        ("Tenant", event.subject.tenant),
    )
    for name, value in named:
        if value is not None:
            yield Fact(name, value if isinstance(value, str) else "sealed personal value")
    if context.tags:
        yield Fact("Tags", ", ".join(context.tags))
    for link in event.links:
        yield Fact(
            f"In {link.system}",
            f"{link.kind.replace('_', ' ')} {link.id}",
            explore_href(f"link:{link.id}"),
        )
    if event.cause is not None:
        href = event_href(event.cause.id) if event.cause.kind == "event" else ""
        yield Fact("Because of", f"{event.cause.kind} {event.cause.id}", href)
