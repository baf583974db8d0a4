"""Intake: how each source is, and what has not entered, by harm and by cause."""

from dataclasses import dataclass, replace
from time import sleep
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ordertrail.access.principal import Principal
from ordertrail.access.telling import actor_of
from ordertrail.access.verbs import Verb
from ordertrail.intake.advice import advice_on
from ordertrail.intake.events import message_id
from ordertrail.intake.health import Health
from ordertrail.intake.health import Standing as How
from ordertrail.intake.impact import Impact
from ordertrail.intake.ports import Query
from ordertrail.intake.repair import Bulk
from ordertrail.intake.service import Intake
from ordertrail.intake.states import MessageState
from ordertrail.kernel.errors import InputError
from ordertrail.kernel.numbers import count
from ordertrail.web.auth.admission import admit
from ordertrail.web.auth.observing import observe
from ordertrail.web.pages.addresses import address_of
from ordertrail.web.pages.forms import Posted, posted
from ordertrail.web.pages.letter import DONE, fix_of, intake_of, message_href
from ordertrail.web.pages.problem import PageRoute
from ordertrail.web.pages.reading import Moment, Reading
from ordertrail.web.pages.regions import Region, Way, ask, empty, filtered, ready
from ordertrail.web.pages.rendering import View, render
from ordertrail.web.pages.shell import reading_for, services_of

_LETTERS: Final = 100
_CAUSES: Final = 100
_RATE: Final = 200.0
"""Messages a second that a bulk gives back."""
_NAMES: Final = ("source", "cause")
_OPEN: Final = frozenset({MessageState.HELD, MessageState.DEAD})

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source and how it is."""

    name: str
    href: str
    how: str
    tone: str
    icon: str
    reason: str
    last: Moment | None
    rate: str
    usual: str
    errors: str
    waiting: str
    oldest: str
    letters: str
    parked: str
    refused: str
    declared: str


@dataclass(frozen=True, slots=True)
class CauseRow:
    """A cause, how many messages share it, and what to do."""

    source: str
    cause: str
    letters: str
    advice: str
    href: str


@dataclass(frozen=True, slots=True)
class LetterRow:
    """A message that could not enter, and what it may cost."""

    name: str
    href: str
    score: str
    reasons: tuple[str, ...]
    source: str
    cause: str
    state: str
    order: str
    received: Moment


@dataclass(frozen=True, slots=True)
class BulkForm:
    """What can be done with all messages of a cause at once, and what a dry run said."""

    source: str
    cause: str
    fitting: str
    advice: str
    tried: str


@dataclass(frozen=True, slots=True)
class IntakePage:
    """What the page shows."""

    summary: str
    sources: Region[tuple[SourceRow, ...]]
    causes: Region[tuple[CauseRow, ...]]
    letters: Region[tuple[LetterRow, ...]]
    bulk: BulkForm | None
    may_repair: bool
    source: str
    cause: str
    done: str


@router.get("/intake", include_in_schema=False)
def intake_page(request: Request, who: Annotated[Principal, Depends(admit(Verb.INTAKE_READ))]) -> Response:
    """Show the sources and what has not entered."""
    return _page(request, who, "")


@router.post("/intake/replay", include_in_schema=False)
def replay_cause(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.INTAKE_OPERATE))],
    form: Annotated[Posted, Depends(posted)],
) -> Response:
    """Give back all messages of a cause; as a dry run, say what would be done."""
    intake = intake_of(request)
    query = Query(_OPEN, form.get("source") or None, form.get("cause") or None)
    fix = fix_of(form)
    dry = form.get("dry") == "yes"
    try:
        bulk = intake.repair.replay_all(
            query, actor_of(who), form.get("reason"), fix=fix, dry_run=dry, pause=_pause
        )
    except InputError as error:
        return _page(request, who, str(error), form)
    return _page(request, who, _told(bulk, dry=dry), form)


def _page(request: Request, who: Principal, tried: str, form: Posted | None = None) -> Response:
    reading = reading_for(request)
    here = address_of(request, _NAMES)
    done = DONE.get(request.query_params.get("done", ""), "")
    source, cause = (form.get(name) if form is not None else here.get(name) for name in _NAMES)
    intake = services_of(request).intake
    if intake is None:
        page = _without_intake()
    else:
        page = replace(_with_intake(intake, who, reading, source, cause, tried), done=done)
        observe(request, who, "evidence.read", "intake", source or "all")
    return render(request, who, View("intake.html", "Intake"), page)


def _without_intake() -> IntakePage:
    told = ("No sales channel is connected", "Orders come in here from shops, marketplaces, EDI and files.")
    ways = (Way("How to connect one", "/help#begin"),)
    sources: Region[tuple[SourceRow, ...]] = empty("Sources", *told, ways)
    causes: Region[tuple[CauseRow, ...]] = empty("Causes", *told)
    letters: Region[tuple[LetterRow, ...]] = empty("Messages", *told)
    return IntakePage("No sales channel is connected.", sources, causes, letters, None, False, "", "", "")


def _with_intake(  # noqa: PLR0913, PLR0917 - what a page is made of
    intake: Intake, who: Principal, reading: Reading, source: str, cause: str, tried: str
) -> IntakePage:
    health = intake.health()
    failing = sum(one.standing is How.FAILING for one in health)
    causes = intake.desk.causes(Query(source=source or None, limit=_CAUSES))
    waiting = sum(number for _, _, number in causes)
    query = Query(source=source or None, cause=cause or None, limit=_LETTERS)
    letters = ask("Messages", lambda: _letters(intake, query, reading), "/intake")
    bulk = None
    if cause:
        fitting = intake.repair.replay_all(
            Query(_OPEN, source or None, cause), actor_of(who), "dry run", dry_run=True
        ).fitting
        bulk = BulkForm(source, cause, count(fitting, "message"), advice_on(cause), tried)
    return IntakePage(
        summary=f"{count(len(health), 'source')}, {failing} failing; {count(waiting, 'message')} to look at.",
        sources=ready("Sources", tuple(_source(one, reading) for one in health))
        if health
        else empty("Sources", "No sales channel is connected", "Name one in [[sources]] of trail.toml."),
        causes=ready("Causes", tuple(_cause(*one) for one in causes))
        if causes
        else empty("Causes", "Everything has entered", "Nothing is held and nothing is dead."),
        letters=letters,
        bulk=bulk,
        may_repair=who.may(Verb.INTAKE_OPERATE),
        source=source,
        cause=cause,
        done="",
    )


def _source(one: Health, reading: Reading) -> SourceRow:
    figures = one.figures
    declared = [f"{d.orders:,} of {d.declared.orders:,} declared" for d in figures.declared]
    return SourceRow(
        name=one.source,
        href=f"/intake?source={quote(one.source, safe='')}",
        how=one.standing.value,
        tone={How.LIVE: "good", How.QUIET: "wait", How.FAILING: "bad"}[one.standing],
        icon={How.LIVE: "plug-zap", How.QUIET: "moon", How.FAILING: "unplug"}[one.standing],
        reason=one.reason,
        last=reading.moment(figures.last_received) if figures.last_received else None,
        rate=f"{one.rate:,}",
        usual=f"{one.usual:,.1f}",
        errors=f"{one.error_rate:.0%}",
        waiting=f"{figures.backlog:,}",
        oldest=f"{one.lag_seconds:,} s" if figures.backlog else "",
        letters=f"{figures.open_letters:,}",
        parked=f"{figures.parked:,}",
        refused=f"{figures.refused:,}",
        declared=", ".join(declared),
    )


def _cause(source: str, cause: str, letters: int) -> CauseRow:
    href = f"/intake?source={quote(source, safe='')}&cause={quote(cause, safe='')}"
    return CauseRow(source, cause, f"{letters:,}", advice_on(cause), href)


def _letters(intake: Intake, query: Query, reading: Reading) -> Region[tuple[LetterRow, ...]]:
    ranked = intake.ranked(query)
    if ranked:
        return ready("Messages", tuple(_letter_row(one, reading) for one in ranked))
    if query.cause or query.source:
        told = f"No message waits of {query.source or 'any source'}" + (
            f", {query.cause}" if query.cause else ""
        )
        return filtered("Messages", told, (Way("All messages", "/intake"),))
    return empty("Messages", "Everything has entered", "Nothing is held and nothing is dead.")


def _letter_row(one: Impact, reading: Reading) -> LetterRow:
    letter = one.letter
    name = message_id(letter.delivery, letter.number)
    return LetterRow(
        name,
        message_href(name),
        str(one.score),
        one.reasons,
        letter.source,
        letter.cause,
        letter.state.value,
        letter.order or "",
        reading.moment(letter.received),
    )


def _pause() -> bool:
    sleep(1.0 / _RATE)
    return True


def _told(bulk: Bulk, *, dry: bool) -> str:
    if dry:
        return f"Dry run: {count(bulk.fitting, 'message')} would be given back. Nothing was changed."
    parts = [f"{count(bulk.done, 'message')} given back"]
    if bulk.passed_by:
        parts.append(f"{bulk.passed_by:,} somebody else had")
    if bulk.unmended:
        parts.append(f"{bulk.unmended:,} the fix changed nothing of, or had no reason")
    return f"{'; '.join(parts)}."
