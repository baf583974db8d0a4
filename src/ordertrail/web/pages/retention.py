"""Retention: for how long what is kept, what holds keep longer, and destruction that two people agree on."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from ordertrail.access.principal import Principal
from ordertrail.access.telling import actor_of
from ordertrail.access.verbs import Verb
from ordertrail.kernel.errors import ConfigurationError, InputError
from ordertrail.kernel.numbers import count
from ordertrail.retention.hold import Hold
from ordertrail.retention.policy import Fate, Policy, Span
from ordertrail.retention.refiling import RefilingState
from ordertrail.retention.register import Disposal, DisposalState, Register
from ordertrail.retention.service import Retention
from ordertrail.web.auth.admission import admit
from ordertrail.web.pages.forms import Posted, posted
from ordertrail.web.pages.problem import PageRoute
from ordertrail.web.pages.reading import Moment, Reading
from ordertrail.web.pages.regions import Region, ask, empty, ready
from ordertrail.web.pages.rendering import View, render
from ordertrail.web.pages.shell import reading_for, services_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_HERE = "/retention"


@dataclass(frozen=True, slots=True)
class ClassRow:
    """A class: how long it is kept and why, and what of it is due now."""

    name: str
    term: str
    trigger: str
    basis: str
    source: str
    due: str
    until: Moment | None
    held: str
    may_ask: bool
    said: str
    """What keeps it from being asked for, where something does."""


@dataclass(frozen=True, slots=True)
class HoldRow:
    """A legal hold."""

    id: str
    scope: str
    owner: str
    reason: str
    placed: Moment
    review: str
    overdue: bool
    released: Moment | None


@dataclass(frozen=True, slots=True)
class DisposalRow:
    """Something that is to be destroyed: who asked, who approved, and what the reader may do next."""

    id: str
    what: str
    policy: str
    reason: str
    requester: str
    asked: Moment
    approver: str
    may_approve: bool
    may_run: bool
    own: bool


@dataclass(frozen=True, slots=True)
class RefilingRow:
    """Entries that are kept by another class's terms, or are to be: what, who asked, who approved."""

    id: str
    what: str
    scope: str
    terms: str
    reason: str
    requester: str
    asked: Moment
    approver: str
    may_approve: bool
    own: bool


@dataclass(frozen=True, slots=True)
class CertificateRow:
    """A certificate of destruction."""

    id: str
    sentence: str
    time: Moment
    order: str


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What would be due under another term."""

    years: str
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RetentionPage:
    """What the page shows."""

    classes: Region[tuple[ClassRow, ...]]
    holds: Region[tuple[HoldRow, ...]]
    disposals: Region[tuple[DisposalRow, ...]]
    refilings: Region[tuple[RefilingRow, ...]]
    certificates: Region[tuple[CertificateRow, ...]]
    what_if: WhatIf
    streams: tuple[str, ...]
    may_write: bool
    may_release: bool


def retention_of(request: Request) -> Retention:
    """Return the application's retention. Raises ConfigurationError where it has none."""
    found = services_of(request).retention
    if found is None:
        raise ConfigurationError("this application looks after no retention")
    return found


@router.get("/retention", include_in_schema=False)
def retention_page(
    request: Request, who: Annotated[Principal, Depends(admit(Verb.RETENTION_READ))], years: str = ""
) -> Response:
    """Show terms, holds, what is to go and what went."""
    retention, reading = retention_of(request), reading_for(request)
    register, policy = retention.register(), retention.policy()
    page = RetentionPage(
        classes=ask(
            "Schedule",
            lambda: ready("Schedule", tuple(_classes(retention, register, policy, reading, who))),
            _HERE,
        ),
        holds=_holds(retention, register, reading),
        disposals=_disposals(register, reading, who),
        refilings=_refilings(register, reading, who),
        certificates=_certificates(register, reading),
        streams=tuple(cls.name for cls in policy.classes),
        what_if=_what_if(retention, policy, years),
        may_write=who.may(Verb.RETENTION_WRITE),
        may_release=who.may(Verb.RETENTION_APPROVE),
    )
    return render(request, who, View("retention.html", "Retention"), page)


@router.post("/retention/holds", include_in_schema=False)
async def place_hold(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.RETENTION_WRITE))],
    form: Annotated[Posted, Depends(posted)],
) -> Response:
    """Place a legal hold."""
    retention = retention_of(request)
    hold = Hold(
        id=form.get("id").strip(),
        scope=retention.fixed_scope(form.get("scope").strip()),
        owner=form.get("owner").strip() or who.id,
        reason=form.get("reason").strip(),
        placed="",
        review=form.get("review").strip() or None,
    )
    await run_in_threadpool(retention.place_hold, actor_of(who), hold)
    return RedirectResponse(_HERE, 303)


@router.post("/retention/holds/{hold}/release", include_in_schema=False)
async def release_hold(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.RETENTION_APPROVE))],
    hold: str,
    form: Annotated[Posted, Depends(posted)],
) -> Response:
    """Release a legal hold."""
    reason = _reason(form)
    await run_in_threadpool(retention_of(request).release_hold, actor_of(who), hold, reason)
    return RedirectResponse(_HERE, 303)


@router.post("/retention/disposals", include_in_schema=False)
async def request_disposal(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.RETENTION_WRITE))],
    form: Annotated[Posted, Depends(posted)],
) -> Response:
    """Ask for what is due of a class to be destroyed."""
    stream, reason = form.get("stream"), _reason(form)
    await run_in_threadpool(retention_of(request).request, actor_of(who), stream, reason)
    return RedirectResponse(f"{_HERE}#disposals", 303)


@router.post("/retention/disposals/{disposal}/approve", include_in_schema=False)
async def approve_disposal(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.RETENTION_APPROVE))],
    disposal: str,
    form: Annotated[Posted, Depends(posted)],
) -> Response:
    """Approve what somebody else asked for."""
    await run_in_threadpool(retention_of(request).approve, actor_of(who), disposal, _reason(form))
    return RedirectResponse(f"{_HERE}#disposals", 303)


@router.post("/retention/refilings", include_in_schema=False)
async def request_refiling(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.RETENTION_WRITE))],
    form: Annotated[Posted, Depends(posted)],
) -> Response:
    """Ask for entries of a class to be kept by another one's terms."""
    retention = retention_of(request)
    scope, shorter = retention.fixed_scope(form.get("scope").strip()), form.get("shorter") == "yes"
    ask_for = partial(retention.request_refiling, shorter=shorter)
    await run_in_threadpool(
        ask_for, actor_of(who), form.get("stream"), scope, form.get("target"), _reason(form)
    )
    return RedirectResponse(f"{_HERE}#refilings", 303)


@router.post("/retention/refilings/{refiling}/approve", include_in_schema=False)
async def approve_refiling(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.RETENTION_APPROVE))],
    refiling: str,
    form: Annotated[Posted, Depends(posted)],
) -> Response:
    """Approve a re-filing that somebody else asked for."""
    await run_in_threadpool(retention_of(request).approve_refiling, actor_of(who), refiling, _reason(form))
    return RedirectResponse(f"{_HERE}#refilings", 303)


@router.post("/retention/disposals/{disposal}/run", include_in_schema=False)
async def run_disposal(
    request: Request, who: Annotated[Principal, Depends(admit(Verb.RETENTION_APPROVE))], disposal: str
) -> Response:
    """Destroy what was approved; answered when it is done. Stopped, it is gone on with."""
    await run_in_threadpool(retention_of(request).purge, actor_of(who), disposal)
    return RedirectResponse(f"{_HERE}#certificates", 303)


def _classes(
    retention: Retention, register: Register, policy: Policy, reading: Reading, who: Principal
) -> list[ClassRow]:
    rows = []
    for cls in policy.classes:
        if cls.name not in retention.logs:
            continue
        due, waiting = retention.due(cls.name), register.open_disposals(cls.name)
        rows.append(
            ClassRow(
                name=cls.name,
                term=str(cls.term),
                trigger=cls.trigger.value.replace("-", " "),
                basis=cls.basis,
                source=cls.source,
                due=count(due.entries, "event") if due.entries else "nothing",
                until=reading.moment(due.newest) if due.newest else None,
                held=f"{len(due.held):,}" if due.held else "",
                may_ask=bool(due.entries)
                and not waiting
                and cls.fate is not Fate.ARCHIVE
                and who.may(Verb.RETENTION_WRITE),
                said="kept in the archive"
                if cls.fate is Fate.ARCHIVE
                else "asked for already"
                if waiting
                else "",
            )
        )
    return rows


def _holds(retention: Retention, register: Register, reading: Reading) -> Region[tuple[HoldRow, ...]]:
    overdue = {one.id for one in retention.overdue_reviews()}
    rows = tuple(
        HoldRow(
            one.id,
            one.scope,
            one.owner,
            one.reason,
            reading.moment(one.placed),
            one.review or "",
            one.id in overdue,
            None if one.released is None else reading.moment(one.released),
        )
        for one in sorted(register.holds.values(), key=lambda hold: (not hold.in_force, hold.placed))
    )
    if rows:
        return ready("Legal holds", rows)
    return empty(
        "Legal holds", "Nothing is held", "A hold keeps what a court or an audit asks for, beyond any term."
    )


def _disposals(register: Register, reading: Reading, who: Principal) -> Region[tuple[DisposalRow, ...]]:
    rows = tuple(
        _disposal(one, reading, who)
        for one in register.disposals.values()
        if one.state is not DisposalState.DONE
    )
    if rows:
        return ready("To be destroyed", rows)
    return empty(
        "To be destroyed",
        "Nobody asked",
        "What is past its term stays until somebody asks and another agrees.",
    )


def _disposal(one: Disposal, reading: Reading, who: Principal) -> DisposalRow:
    approves = who.may(Verb.RETENTION_APPROVE)
    return DisposalRow(
        id=one.id,
        what=f"{count(one.entries, 'event')} of {one.stream}, up to {one.newest[:10]}",
        policy=one.policy,
        reason=one.reason,
        requester=one.requester,
        asked=reading.moment(one.requested),
        approver=one.approver or "",
        may_approve=approves and one.state is DisposalState.REQUESTED and one.requester != who.id,
        may_run=approves and one.state is DisposalState.APPROVED,
        own=one.requester == who.id,
    )


def _refilings(register: Register, reading: Reading, who: Principal) -> Region[tuple[RefilingRow, ...]]:
    rows = tuple(
        RefilingRow(
            id=one.id,
            what=f"{count(one.entries, 'event')} of {one.stream}, kept as {one.target}",
            scope=one.scope,
            terms="its term alone counts" if one.shorter else "the longer of both terms counts",
            reason=one.reason,
            requester=one.requester,
            asked=reading.moment(one.requested),
            approver=one.approver or "",
            may_approve=who.may(Verb.RETENTION_APPROVE)
            and one.state is RefilingState.REQUESTED
            and one.requester != who.id,
            own=one.requester == who.id,
        )
        for one in register.refilings.values()
    )
    if rows:
        return ready("Re-filed", rows)
    return empty(
        "Re-filed", "Nothing was re-filed", "Sealed events can get another class's terms where they lie."
    )


def _certificates(register: Register, reading: Reading) -> Region[tuple[CertificateRow, ...]]:
    rows = tuple(
        CertificateRow(one.id, one.sentence, reading.moment(one.time), one.order)
        for one in sorted(register.certificates.values(), key=lambda one: one.time, reverse=True)
    )
    if rows:
        return ready("Certificates of destruction", rows)
    return empty(
        "Certificates of destruction", "Nothing was destroyed", "Each destruction leaves a certificate here."
    )


def _what_if(retention: Retention, policy: Policy, years: str) -> WhatIf:
    """Say what would be due if every class were kept for so many years; nothing is changed."""
    if not years:
        return WhatIf("", ())
    if not years.isdecimal() or not 1 <= int(years) <= 100:
        raise InputError("a term of 1 to 100 whole years can be tried")
    rows = []
    for cls in policy.classes:
        if cls.name in retention.logs:
            due = retention.due_under(cls.name, replace(cls, term=Span(int(years))))
            rows.append((cls.name, count(due.entries, "event") if due.entries else "nothing"))
    return WhatIf(years, tuple(rows))


def _reason(form: Posted) -> str:
    reason = form.get("reason").strip()
    if not reason:
        raise InputError("why, must be told; it is put on record")
    return reason
