"""Cases: what is looked into, with which evidence, who signed it off, and the bundles that were handed out."""

import secrets
from dataclasses import dataclass, replace
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from ordertrail.access.principal import Principal
from ordertrail.access.telling import actor_of
from ordertrail.access.verbs import Verb
from ordertrail.evidence.cases import TEMPLATES, ActKind, Case, CaseState, Pinned
from ordertrail.evidence.custody import CustodyAct, CustodyKind, Kept
from ordertrail.evidence.desk import Desk
from ordertrail.evidence.population import Drawing, draw_sample
from ordertrail.evidence.samples import Method
from ordertrail.kernel.errors import ConfigurationError, InputError
from ordertrail.kernel.numbers import count
from ordertrail.record.entry import read_entry
from ordertrail.web.auth.admission import admit
from ordertrail.web.auth.observing import observe
from ordertrail.web.auth.scoping import asked
from ordertrail.web.pages.forms import Posted, posted
from ordertrail.web.pages.problem import PageRoute
from ordertrail.web.pages.reading import Moment, Reading
from ordertrail.web.pages.regions import Region, ask, empty, ready
from ordertrail.web.pages.rendering import View, render
from ordertrail.web.pages.shell import reading_for, services_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_SHOWN: Final = 200
_LARGEST: Final = 500
"""Events of a sample that is drawn into a basket at once: each comes with its proof."""
_TONES: Final = {
    CaseState.OPEN: "wait",
    CaseState.REVIEW: "seal",
    CaseState.SIGNED: "good",
    CaseState.CLOSED: "mute",
}
_ACTS: Final = {
    "note": ActKind.NOTE,
    "submit": ActKind.SUBMIT,
    "return": ActKind.RETURN,
    "sign": ActKind.SIGN,
    "close": ActKind.CLOSE,
    "reopen": ActKind.REOPEN,
}
_SIGNING: Final = frozenset({"return", "sign"})
"""What only who may sign does."""


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case in the list."""

    id: str
    href: str
    title: str
    about: str
    state: str
    tone: str
    opened: Moment
    preparers: tuple[str, ...]
    signed_by: str
    items: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A template of cases."""

    name: str
    about: str


@dataclass(frozen=True, slots=True)
class CasesPage:
    """What the list shows. ``event``, or events of the filter ``criteria``, are to go into a case that is chosen."""

    cases: Region[tuple[CaseRow, ...]]
    kinds: tuple[Kind, ...]
    event: str
    criteria: str
    may_write: bool


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An event in the basket, with the entry that its proof is of."""

    event: str
    href: str
    happened: Moment
    actor: str
    phrase: str
    order: str
    index: str


@dataclass(frozen=True, slots=True)
class NoteRow:
    """A note."""

    by: str
    at: Moment
    text: str


@dataclass(frozen=True, slots=True)
class AccountRow:
    """What led to an event, as it was told when it was put into the case; the event that keeps it."""

    told: str
    href: str
    by: str
    at: Moment


@dataclass(frozen=True, slots=True)
class BundleRow:
    """A bundle that was made of the case, and what happened to it."""

    id: str
    href: str
    """Where it is downloaded; empty where the kept copy was removed."""
    made: Moment
    by: str
    size: str
    sha256: str
    history: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CasePage:
    """What the page of one case shows, and what its reader may do."""

    row: CaseRow
    questions: tuple[str, ...]
    items: Region[tuple[ItemRow, ...]]
    aside: str
    notes: tuple[NoteRow, ...]
    samples: tuple[str, ...]
    accounts: tuple[AccountRow, ...]
    bundles: Region[tuple[BundleRow, ...]]
    criteria: str
    """The filter that a sample is to be drawn from, where the reader comes with one."""
    seed: str
    methods: tuple[str, ...]
    may_sample: bool
    may_write: bool
    may_submit: bool
    may_sign: bool
    said: str
    """Why the reader may not sign, where that is so."""
    may_close: bool
    may_reopen: bool
    may_export: bool


def desk_of(request: Request) -> Desk:
    """Return the application's desk. Raises ConfigurationError where it has none."""
    found = services_of(request).evidence
    if found is None:
        raise ConfigurationError("this application keeps no cases")
    return found


@router.get("/cases", include_in_schema=False)
def cases_page(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.CASES_READ))],
    event: str = "",
    criteria: str = "",
) -> Response:
    """List cases, the newest first."""
    desk, reading = desk_of(request), reading_for(request)

    def cases() -> Region[tuple[CaseRow, ...]]:
        found = tuple(
            replace(_row(one, reading), href=_sampling(one.id, criteria)) for one in desk.list_cases(_SHOWN)
        )
        if found:
            return ready("Cases", found)
        return empty(
            "Cases", "No case was opened yet", "A case keeps events with their proofs, and who signed it off."
        )

    kinds = tuple(Kind(one.name, one.about) for one in TEMPLATES.values())
    page = CasesPage(ask("Cases", cases, "/cases"), kinds, event, criteria, who.may(Verb.CASES_WRITE))
    return render(request, who, View("cases.html", "Cases"), page)


@router.post("/cases", include_in_schema=False)
async def open_case(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.CASES_WRITE))],
    form: Annotated[Posted, Depends(posted)],
) -> Response:
    """Open a case, with an event or an alert's events in its basket."""
    case = await run_in_threadpool(_open, request, who, form)
    return RedirectResponse(_sampling(case, form.get("criteria")), 303)


@router.get("/cases/{case}", include_in_schema=False)
def case_page(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.CASES_READ))],
    case: str,
    criteria: str = "",
) -> Response:
    """Show one case."""
    desk, reading = desk_of(request), reading_for(request)
    found = desk.case(case)
    own, writes = who.id in found.preparers, who.may(Verb.CASES_WRITE)
    review = found.state is CaseState.REVIEW
    page = CasePage(
        row=_row(found, reading),
        questions=TEMPLATES[found.template].questions if found.template in TEMPLATES else (),
        items=_items(request, found, reading),
        aside=count(len(found.aside), "event") if found.aside else "",
        notes=tuple(NoteRow(by, reading.moment(at), text) for at, by, text in found.notes),
        samples=tuple(
            f"{one.size:,} of {one.population.count:,}, {one.method}, seed {one.seed}: {one.population.criteria}"
            for one in found.samples
        ),
        accounts=tuple(
            AccountRow(one.account.sentence, f"/events/{one.event}", one.by, reading.moment(one.at))
            for one in found.accounts
        ),
        bundles=ask("Bundles", lambda: _bundles(desk, found, reading), _href(case)),
        criteria=criteria,
        seed=secrets.token_hex(4),
        methods=tuple(Method),
        may_sample=writes and found.state is CaseState.OPEN and who.may(Verb.EVENTS_SEARCH),
        may_write=writes and found.state is CaseState.OPEN,
        may_submit=writes and found.state is CaseState.OPEN,
        may_sign=review and who.may(Verb.CASES_SIGN) and not own,
        said="You prepared it; somebody else must sign it off." if review and own else "",
        may_close=writes and found.state is CaseState.SIGNED,
        may_reopen=writes and found.state in {CaseState.SIGNED, CaseState.CLOSED},
        may_export=who.may(Verb.EXPORTS_MAKE) and bool(found.basket),
    )
    observe(request, who, "evidence.read", "case", found.id)
    return render(request, who, View("case.html", found.title), page)


@router.post("/cases/{case}/items", include_in_schema=False)
async def add_item(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.CASES_WRITE))],
    case: str,
    form: Annotated[Posted, Depends(posted)],
) -> Response:
    """Put an event into the basket, or take one out."""
    desk, event = desk_of(request), form.get("event").strip()
    if form.get("aside"):
        await run_in_threadpool(desk.set_aside, case, event, actor_of(who), form.get("reason").strip())
    else:
        await run_in_threadpool(desk.add, case, event, actor_of(who), form.get("note").strip())
    return RedirectResponse(_href(case), 303)


@router.post("/cases/{case}/samples", include_in_schema=False)
async def draw_into_case(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.CASES_WRITE))],
    case: str,
    form: Annotated[Posted, Depends(posted)],
) -> Response:
    """Draw a sample of what a filter means into the basket, or take all of it; how it was drawn is on record."""
    await run_in_threadpool(_sample, request, who, case, form)
    return RedirectResponse(f"{_href(case)}#basket", 303)


def _sample(request: Request, who: Principal, case: str, form: Posted) -> None:
    desk, query, reading = desk_of(request), asked(request, who), reading_for(request)
    if not who.may(Verb.EVENTS_SEARCH):
        raise InputError("a sample is drawn by who may search events", remedy="Ask whoever gives roles.")
    criteria = form.get("criteria")
    if form.get("all"):
        size = query.searches.count(query.parse(criteria, str(reading.zone)), _LARGEST + 1)
    else:
        said = form.get("size").strip()
        size = int(said) if said.isascii() and said.isdecimal() and len(said) < 6 else 0
    if not 0 < size <= _LARGEST:
        raise InputError(
            f"a basket takes 1 to {_LARGEST:,} events at a time, and this would be {size:,}",
            remedy="Draw fewer, or narrow the filter.",
        )
    method = next((one for one in Method if one.value == form.get("method")), Method.RANDOM)
    drawing = Drawing(criteria, method, size, form.get("seed").strip(), str(reading.zone))
    drawn = draw_sample(query, desk.bundling.workshop.sources[desk.bundling.home], drawing)
    desk.add_sample(case, drawn, actor_of(who))


@router.post("/cases/{case}/acts", include_in_schema=False)
async def act_on_case(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.CASES_WRITE))],
    case: str,
    form: Annotated[Posted, Depends(posted)],
) -> Response:
    """Note, submit, close or reopen a case."""
    kind = _ACTS.get(form.get("act"))
    if kind is None or form.get("act") in _SIGNING:
        raise InputError(f"a case cannot be made to {form.get('act')[:40]!r} here")
    await run_in_threadpool(desk_of(request).act, case, kind, actor_of(who), form.get("text").strip())
    return RedirectResponse(_href(case), 303)


@router.post("/cases/{case}/review", include_in_schema=False)
async def review_case(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.CASES_SIGN))],
    case: str,
    form: Annotated[Posted, Depends(posted)],
) -> Response:
    """Sign a case off, or send it back."""
    if form.get("act") not in _SIGNING:
        raise InputError("a review signs a case off or sends it back")
    kind = _ACTS[form.get("act")]
    await run_in_threadpool(desk_of(request).act, case, kind, actor_of(who), form.get("text").strip())
    return RedirectResponse(_href(case), 303)


@router.post("/cases/{case}/bundles", include_in_schema=False)
async def make_bundle(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.EXPORTS_MAKE))],
    case: str,
    form: Annotated[Posted, Depends(posted)],
) -> Response:
    """Make a bundle of the basket; it is checked before it is offered."""
    reason, recipient = form.get("reason").strip(), form.get("recipient").strip() or None
    await run_in_threadpool(desk_of(request).make_of_case, case, actor_of(who), reason, recipient)
    return RedirectResponse(f"{_href(case)}#bundles", 303)


@router.get("/cases/{case}/bundles/{bundle}", include_in_schema=False)
def download_bundle(
    request: Request, who: Annotated[Principal, Depends(admit(Verb.EXPORTS_MAKE))], case: str, bundle: str
) -> Response:
    """Hand a bundle out; that it was is on record first."""
    desk = desk_of(request)
    if bundle not in {one.bundle for one in _kept(desk, case)}:
        raise InputError(f"case {case[:60]} has no bundle {bundle[:60]}")
    data = desk.download(bundle, actor_of(who))
    headers = {"Content-Disposition": f'attachment; filename="bundle-{bundle}.zip"'}
    return Response(data, media_type="application/zip", headers=headers)


def _sampling(case: str, criteria: str) -> str:
    """Return the address of a case, with a filter that a sample is to be drawn from."""
    return f"{_href(case)}?criteria={quote(criteria, safe='')}#sample" if criteria else _href(case)


def _open(request: Request, who: Principal, form: Posted) -> str:
    """Open a case; return its id."""
    desk, services, by = desk_of(request), services_of(request), actor_of(who)
    title = form.get("title").strip()
    if not title:
        raise InputError("a case has a title")
    case = desk.open_case(title, by, form.get("template") or "blank").id
    events = [form.get("event")] if form.get("event") else []
    if form.get("alert") and services.monitor is not None:
        events += [one.id for one in services.monitor.alert(form.get("alert")).evidence]
    for event in dict.fromkeys(events):
        desk.add(case, event, by)
    return case


def _row(case: Case, reading: Reading) -> CaseRow:
    return CaseRow(
        id=case.id,
        href=_href(case.id),
        title=case.title,
        about=TEMPLATES[case.template].about if case.template in TEMPLATES else case.template,
        state=case.state.value,
        tone=_TONES[case.state],
        opened=reading.moment(case.opened),
        preparers=tuple(sorted(case.preparers)),
        signed_by=case.signed_by or "",
        items=count(len(case.basket), "event"),
    )


def _items(request: Request, case: Case, reading: Reading) -> Region[tuple[ItemRow, ...]]:
    actions = services_of(request).trail.actions

    def item(pinned: Pinned) -> ItemRow:
        event = read_entry(pinned.entry).event
        action = actions.get(event.action)
        return ItemRow(
            pinned.event,
            f"/events/{pinned.event}",
            reading.moment(event.time),
            event.actor.id,
            action.phrase if action else event.action,
            event.subject.order or event.subject.id,
            f"{pinned.index:,}",
        )

    rows = tuple(item(one) for one in case.basket)
    if rows:
        return ready("Basket", rows)
    return empty(
        "Basket",
        "Nothing is in the basket",
        "Put events into it from their pages; each comes with its proof.",
    )


def _bundles(desk: Desk, case: Case, reading: Reading) -> Region[tuple[BundleRow, ...]]:
    rows = tuple(_bundle(one, case.id, reading) for one in _kept(desk, case.id))
    if rows:
        return ready("Bundles", rows)
    return empty(
        "Bundles",
        "No bundle was made yet",
        "A bundle is checked by anybody, without an account and a network.",
    )


def _bundle(kept: Kept, case: str, reading: Reading) -> BundleRow:
    made = next(act for act in kept.custody if act.kind is CustodyKind.MADE)
    history = tuple(
        f"{act.kind.value} by {act.by}{_whom(act)}, {reading.moment(act.at).day}" for act in kept.custody
    )
    href = "" if kept.removed is not None else f"{_href(case)}/bundles/{kept.bundle}"
    return BundleRow(
        kept.bundle, href, reading.moment(made.at), made.by, f"{kept.length:,} bytes", kept.sha256, history
    )


def _whom(act: CustodyAct) -> str:
    if not act.whom:
        return ""
    return f": {act.whom}" if act.kind is CustodyKind.REMOVED else f" for {act.whom}"


def _kept(desk: Desk, case: str) -> list[Kept]:
    return [one for one in desk.custody.bundles(_SHOWN) if one.case == case]


def _href(case: str) -> str:
    return f"/cases/{quote(case, safe='')}"
