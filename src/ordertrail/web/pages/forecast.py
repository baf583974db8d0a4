"""Forecast: open orders by what they are likely to run into, why, and what could be done; a person decides."""

from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from ordertrail.access.principal import Principal
from ordertrail.access.verbs import Verb
from ordertrail.kernel.errors import ConfigurationError, InputError
from ordertrail.kernel.money import Money
from ordertrail.monitor.actions.ports import SuggestionQuery
from ordertrail.monitor.actions.service import Actions
from ordertrail.monitor.actions.suggestion import OPEN, State, Suggestion, Transition
from ordertrail.monitor.forecast.forecast import Forecast, Verdict
from ordertrail.web.auth.admission import admit
from ordertrail.web.auth.observing import observe
from ordertrail.web.pages.alerts import Named, Queue
from ordertrail.web.pages.forms import Posted, posted
from ordertrail.web.pages.problem import PageRoute
from ordertrail.web.pages.reading import Moment, Reading
from ordertrail.web.pages.regions import Region, Way, ask, empty, filtered, ready
from ordertrail.web.pages.rendering import View, render
from ordertrail.web.pages.shell import reading_for, services_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_SHOWN: Final = 200
_SENTENCES: Final = 2
_QUEUES: Final = (
    ("open", "To decide or under way", OPEN),
    ("done", "Done", frozenset({State.DONE, State.UNDONE, State.FAILED})),
    ("over", "Decided against, or let go", frozenset({State.DISMISSED, State.EXPIRED})),
    ("all", "All", frozenset(State)),
)
_TONES: Final = {
    State.SUGGESTED: "wait",
    State.WITHHELD: "mute",
    State.ACCEPTED: "seal",
    State.RUNNING: "seal",
    State.DONE: "good",
    State.FAILED: "bad",
    State.REVOKED: "wait",
    State.UNDOING: "wait",
    State.UNDONE: "mute",
    State.DISMISSED: "mute",
    State.EXPIRED: "mute",
}
_SURE: Final = {
    Verdict.BREACH: ("bad", "a breach is expected"),
    Verdict.CLEAR: ("good", "no breach"),
    Verdict.UNSURE: ("mute", "not sure"),
    Verdict.UNLIKE: ("mute", "like no order before"),
}
_ACCEPTED_FROM: Final = frozenset({State.SUGGESTED, State.WITHHELD, State.FAILED})
_DISMISSED_FROM: Final = frozenset({State.SUGGESTED, State.WITHHELD, State.ACCEPTED})


@dataclass(frozen=True, slots=True)
class RiskRow:
    """An open order at risk: by which target, how probable, how sure, why, and what is suggested."""

    order: Named
    target: str
    risk: str
    tone: str
    sure: str
    reasons: tuple[str, ...]
    suggested: Named | None
    ends: Moment


@dataclass(frozen=True, slots=True)
class SuggestionRow:
    """A suggestion in the queue."""

    href: str
    title: str
    order: Named
    target: str
    risk: str
    after: str
    gain: str
    state: str
    tone: str
    ends: Moment


@dataclass(frozen=True, slots=True)
class EffectRow:
    """What may be said of the effect of an action."""

    action: str
    target: str
    sentence: str


@dataclass(frozen=True, slots=True)
class ForecastPage:
    """What the page of forecasts shows."""

    risks: Region[tuple[RiskRow, ...]]
    queues: tuple[Queue, ...]
    suggestions: Region[tuple[SuggestionRow, ...]]
    effects: Region[tuple[EffectRow, ...]]


@dataclass(frozen=True, slots=True)
class LifeRow:
    """A step in a suggestion's life."""

    at: Moment
    who: str
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class SuggestionPage:
    """What the page of one suggestion shows."""

    row: SuggestionRow
    reasons: tuple[str, ...]
    event: str
    model: str
    worth: str
    cost: str
    arm: str
    decided_by: str
    reason: str
    result: str
    outcome: str
    life: tuple[LifeRow, ...]
    may_accept: bool
    may_dismiss: bool
    may_undo: bool
    never_undone: bool


def actions_of(request: Request) -> Actions:
    """Return the application's corrective actions. Raises ConfigurationError where it has none."""
    found = services_of(request).actions
    if found is None:
        raise ConfigurationError("this application foresees nothing")
    return found


@router.get("/forecast", include_in_schema=False)
def forecast_page(
    request: Request, who: Annotated[Principal, Depends(admit(Verb.ALERTS_READ))], show: str = "open"
) -> Response:
    """Show orders at risk, what is suggested, and what came of it."""
    actions, reading = actions_of(request), reading_for(request)
    tenants = who.scope.tenants
    states = next((found for name, _, found in _QUEUES if name == show), OPEN)
    query = SuggestionQuery(states=states, tenants=tenants, limit=_SHOWN)
    page = ForecastPage(
        risks=ask("Orders at risk", lambda: _risks(actions, tenants, reading), "/forecast"),
        queues=tuple(
            Queue(label, "/forecast" if name == "open" else f"/forecast?show={name}", name == show)
            for name, label, _ in _QUEUES
        ),
        suggestions=ask("Suggestions", lambda: _suggestions(actions, query, reading, show), "/forecast"),
        effects=ask("What it did", lambda: _effects(actions), "/forecast"),
    )
    observe(request, who, "evidence.read", "forecast", show)
    return render(request, who, View("forecast.html", "Forecast"), page)


@router.get("/forecast/{suggestion}", include_in_schema=False)
def suggestion_page(
    request: Request, who: Annotated[Principal, Depends(admit(Verb.ALERTS_READ))], suggestion: str
) -> Response:
    """Show one suggestion."""
    actions, reading = actions_of(request), reading_for(request)
    one = _seen(actions, who, suggestion)
    may = who.may(Verb.ALERTS_TRIAGE)
    action = actions.catalogue.get(one.action)
    page = SuggestionPage(
        row=_row(one, reading),
        reasons=one.reasons,
        event=f"/events/{one.last}",
        model=one.model,
        worth=_worth(one, one.benefit, reading),
        cost=_worth(one, one.cost, reading),
        arm=one.arm.value,
        decided_by=one.decided_by or (f"mandate {one.mandate}" if one.mandate else ""),
        reason=one.reason or "",
        result=one.result or "",
        outcome=""
        if one.breached is None
        else ("the order breached" if one.breached else "the order did not breach"),
        life=tuple(_step(step, reading) for step in actions.store.life(one.id)),
        may_accept=may and one.state in _ACCEPTED_FROM,
        may_dismiss=may and one.state in _DISMISSED_FROM,
        may_undo=may and one.state is State.DONE and action is not None and action.undone,
        never_undone=action is not None and not action.undone,
    )
    observe(request, who, "evidence.read", "suggestion", one.id, order=one.order, tenant=one.tenant)
    return render(request, who, View("suggestion.html", one.title), page)


@router.post("/forecast/{suggestion}/{deed}", include_in_schema=False)
async def act_on_suggestion(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.ALERTS_TRIAGE))],
    suggestion: str,
    deed: str,
    form: Annotated[Posted, Depends(posted)],
) -> Response:
    """Accept, dismiss or undo a suggestion."""
    actions = actions_of(request)
    await run_in_threadpool(_act, actions, who, _seen(actions, who, suggestion).id, deed, form.get("reason"))
    return RedirectResponse(f"/forecast/{quote(suggestion, safe='')}", 303)


def _act(actions: Actions, who: Principal, name: str, deed: str, reason: str) -> None:
    match deed:
        case "accept":
            actions.accept(name, who.id, reason)
        case "dismiss":
            actions.dismiss(name, who.id, reason)
        case "undo":
            actions.undo(name, who.id, reason)
        case _:
            raise InputError(f"a suggestion cannot be made to {deed[:40]!r}")


def _seen(actions: Actions, who: Principal, name: str) -> Suggestion:
    """Return a suggestion that a reader may see; another tenant's is not there."""
    found = actions.suggestion(name)
    if who.scope.tenants is not None and (found.tenant or "") not in who.scope.tenants:
        raise InputError(f"there is no suggestion {name[:80]!r}")
    return found


def _risks(actions: Actions, tenants: frozenset[str] | None, reading: Reading) -> Region[tuple[RiskRow, ...]]:
    found = actions.at_risk(tenants, _SHOWN)
    if not found:
        text = "Open orders come here once a model is deployed and says that one is at risk."
        return empty("Orders at risk", "No open order is foreseen to breach", text)
    query = SuggestionQuery(orders=frozenset(one.order for one in found), tenants=tenants, limit=10 * _SHOWN)
    suggested = {(one.tenant, one.order, one.target): one for one in reversed(actions.find(query))}
    rows = (_risk(one, suggested.get((one.tenant, one.order, one.target)), reading) for one in found)
    return ready("Orders at risk", tuple(rows))


def _risk(one: Forecast, suggested: Suggestion | None, reading: Reading) -> RiskRow:
    tone, sure = _SURE[one.verdict]
    return RiskRow(
        order=_order(one.order, one.tenant),
        target=one.target.replace("_", " "),
        risk=_per_cent(one.millionths),
        tone=tone,
        sure=sure,
        reasons=tuple(reason.sentence for reason in one.reasons[:_SENTENCES]),
        suggested=None if suggested is None else Named(suggested.title, _href(suggested)),
        ends=reading.moment(one.at + one.horizon),
    )


def _suggestions(
    actions: Actions, query: SuggestionQuery, reading: Reading, show: str
) -> Region[tuple[SuggestionRow, ...]]:
    found = actions.find(query)
    if found:
        return ready("Suggestions", tuple(_row(one, reading) for one in found))
    if show == "open":
        text = "What gains most by the organisation's own figures is suggested here."
        return empty("Suggestions", "Nothing is suggested", text)
    return filtered(
        "Suggestions", "There is no suggestion of this kind", (Way("Show what is open", "/forecast"),)
    )


def _effects(actions: Actions) -> Region[tuple[EffectRow, ...]]:
    found = actions.effects()
    if not found:
        return empty(
            "What it did", "No outcome is known yet", "What became of orders is learned when horizons end."
        )
    rows = (EffectRow(one.action, one.target.replace("_", " "), one.sentence) for one in found)
    return ready("What it did", tuple(rows))


def _row(one: Suggestion, reading: Reading) -> SuggestionRow:
    return SuggestionRow(
        href=_href(one),
        title=one.title,
        order=_order(one.order, one.tenant),
        target=one.target.replace("_", " "),
        risk=_per_cent(one.before),
        after=_per_cent(one.after),
        gain=_worth(one, one.gain, reading),
        state=one.state.value,
        tone=_TONES[one.state],
        ends=reading.moment(one.ends),
    )


def _step(step: Transition, reading: Reading) -> LifeRow:
    return LifeRow(
        reading.moment(step.at),
        step.by or "the engine",
        f"{step.deed} ({step.suggestion.state})",
        step.reason or "",
    )


def _worth(one: Suggestion, amount: int, reading: Reading) -> str:
    return reading.worth(Money(amount, one.currency))


def _per_cent(millionths: int) -> str:
    return f"{millionths / 10_000:.0f} %"


def _href(one: Suggestion) -> str:
    return f"/forecast/{quote(one.id, safe='')}"


def _order(name: str, tenant: str | None) -> Named:
    of = f"?{urlencode({'tenant': tenant})}" if tenant else ""
    return Named(name, f"/orders/{quote(name, safe='')}{of}")
