"""What may run without asking: corrective actions with their worth, and mandates that two people put in force."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from ordertrail.access.principal import Principal
from ordertrail.access.telling import actor_of
from ordertrail.access.verbs import Verb
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import InputError
from ordertrail.kernel.money import Money
from ordertrail.monitor.actions.catalogue import CorrectiveAction
from ordertrail.monitor.actions.mandate import EVERYTHING, Mandate, MandateState, Terms, approvable
from ordertrail.monitor.actions.service import Actions
from ordertrail.web.auth.admission import admit
from ordertrail.web.auth.observing import observe
from ordertrail.web.pages.forecast import actions_of
from ordertrail.web.pages.forms import Posted, posted
from ordertrail.web.pages.problem import PageRoute
from ordertrail.web.pages.reading import Moment, Reading
from ordertrail.web.pages.regions import Region, ask, empty, ready
from ordertrail.web.pages.rendering import View, render
from ordertrail.web.pages.shell import reading_for

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_LONGEST: Final = 365
"""Days of the longest mandate that the page proposes."""

_STATES: Final = {
    MandateState.PROPOSED: ("wait", "hourglass"),
    MandateState.IN_FORCE: ("good", "badge-check"),
    MandateState.STOPPED: ("mute", "ban"),
}


@dataclass(frozen=True, slots=True)
class ActionRow:
    """A corrective action, and what the organisation says of it."""

    name: str
    title: str
    by: str
    safe: bool
    undone: bool
    cost: str
    worth: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class MandateRow:
    """A mandate, and what the reader may do with it."""

    id: str
    action: str
    targets: str
    least: str
    rate: str
    hold_out: str
    until: Moment
    state: str
    tone: str
    icon: str
    people: str
    reason: str
    may_approve: bool
    may_stop: bool


@dataclass(frozen=True, slots=True)
class ActionsPage:
    """What the page of corrective actions shows. ``safe`` and ``targets`` are what a mandate can be for."""

    actions: Region[tuple[ActionRow, ...]]
    mandates: Region[tuple[MandateRow, ...]]
    safe: tuple[str, ...]
    targets: tuple[str, ...]
    may_propose: bool
    may_stop: bool
    in_force: int


@router.get("/actions", include_in_schema=False)
def actions_page(request: Request, who: Annotated[Principal, Depends(admit(Verb.ALERTS_READ))]) -> Response:
    """Show what can be done, and what may run without asking."""
    actions, reading = actions_of(request), reading_for(request)
    mandates = actions.mandates.all()
    valued = [one for one in actions.catalogue.values() if one.safe and one.cost is not None and one.benefit]
    now = format_time(actions.clock())
    page = ActionsPage(
        actions=ask("Corrective actions", lambda: _actions(actions, reading), "/actions"),
        mandates=ask("Mandates", lambda: _mandates(mandates, who, reading, now), "/actions"),
        safe=tuple(one.name for one in valued),
        targets=tuple(sorted({target for one in valued for target in one.benefit})),
        may_propose=who.may(Verb.RULES_WRITE) and bool(valued),
        may_stop=who.may(Verb.ALERTS_TRIAGE),
        in_force=sum(one.holds(now) for one in mandates),
    )
    observe(request, who, "evidence.read", "policy", EVERYTHING)
    return render(request, who, View("actions.html", "Corrective actions"), page)


@router.post("/actions/mandates", include_in_schema=False)
async def propose_mandate(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.RULES_WRITE))],
    form: Annotated[Posted, Depends(posted)],
) -> Response:
    """Propose that a safe action may run without asking."""
    actions = actions_of(request)
    terms = _terms(actions, form)
    await run_in_threadpool(actions.mandates.propose, terms, actor_of(who), form.get("reason"))
    return RedirectResponse("/actions", 303)


@router.post("/actions/mandates/{mandate}/approve", include_in_schema=False)
async def approve_mandate(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.RULES_APPROVE))],
    mandate: str,
    form: Annotated[Posted, Depends(posted)],
) -> Response:
    """Put a mandate in force that somebody else proposed."""
    await run_in_threadpool(actions_of(request).mandates.approve, mandate, actor_of(who), form.get("reason"))
    return RedirectResponse("/actions", 303)


@router.post("/actions/mandates/{mandate}/stop", include_in_schema=False)
async def stop_mandate(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.ALERTS_TRIAGE))],
    mandate: str,
    form: Annotated[Posted, Depends(posted)],
) -> Response:
    """Stop a mandate, or all of them: at once, and without a second person."""
    await run_in_threadpool(actions_of(request).mandates.stop, mandate, actor_of(who), form.get("reason"))
    return RedirectResponse("/actions", 303)


def _actions(actions: Actions, reading: Reading) -> Region[tuple[ActionRow, ...]]:
    found = tuple(_row(one, actions.catalogue.currency, reading) for one in actions.catalogue.values())
    return ready("Corrective actions", found)


def _row(one: CorrectiveAction, currency: str | None, reading: Reading) -> ActionRow:
    def money(amount: int) -> str:
        return str(amount) if currency is None else reading.worth(Money(amount, currency))

    return ActionRow(
        name=one.name,
        title=one.title,
        by=f"the webhook {one.to or 'that is not named yet'}"
        if one.operation == "webhook"
        else f"our own {one.operation}",
        safe=one.safe,
        undone=one.undone,
        cost="" if one.cost is None else money(one.cost),
        worth=tuple((target.replace("_", " "), money(amount)) for target, amount in one.benefit.items()),
    )


def _mandates(
    mandates: list[Mandate], who: Principal, reading: Reading, now: str
) -> Region[tuple[MandateRow, ...]]:
    if not mandates:
        return empty("Mandates", "Nothing runs without asking", "A person decides on every suggestion.")
    return ready("Mandates", tuple(_mandate(one, who, reading, now) for one in mandates))


def _mandate(one: Mandate, who: Principal, reading: Reading, now: str) -> MandateRow:
    terms = one.terms
    tone, icon = _STATES[one.state]
    over = one.state is MandateState.IN_FORCE and not one.holds(now)
    people = [f"proposed by {one.proposed_by}"]
    people += [f"approved by {one.approved_by}"] if one.approved_by else []
    people += [f"stopped by {one.stopped_by}"] if one.stopped_by else []
    return MandateRow(
        id=one.id,
        action=terms.action,
        targets=", ".join(target.replace("_", " ") for target in terms.targets),
        least=f"{terms.least / 10_000:.0f} %",
        rate=f"{terms.most_per_hour:,} an hour",
        hold_out=f"{terms.hold_out} %",
        until=reading.moment(terms.until),
        state="ended" if over else one.state.value,
        tone="mute" if over else tone,
        icon=icon,
        people=", ".join(people),
        reason=one.reason,
        may_approve=who.may(Verb.RULES_APPROVE) and approvable(one, actor_of(who)),
        may_stop=who.may(Verb.ALERTS_TRIAGE) and one.state is not MandateState.STOPPED,
    )


def _terms(actions: Actions, form: Posted) -> Terms:
    """Read what a form proposes. Raises InputError for what are no numbers."""
    numbers = {name: form.get(name) for name in ("least", "rate", "hold_out", "days")}
    wrong = [name for name, text in numbers.items() if not text.isdecimal() or len(text) > 6]
    if wrong:
        raise InputError(f"say a whole number for {', '.join(wrong)}")
    least, rate, hold_out, days = (int(text) for text in numbers.values())
    if not 1 <= days <= _LONGEST:
        raise InputError(f"a mandate lasts for 1 to {_LONGEST} days")
    until = format_time(actions.clock() + timedelta(days=days))
    return Terms(form.get("action"), (form.get("target"),), least * 10_000, rate, hold_out, until)
