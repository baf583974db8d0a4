"""Alerts: the queue, and one alert with why it was raised, what it names, and what can be done."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Annotated, Final
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from ordertrail.access.principal import Principal
from ordertrail.access.verbs import Verb
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import ConfigurationError, InputError
from ordertrail.kernel.money import Money
from ordertrail.monitor.alerts.alert import Alert, Disposition, Status
from ordertrail.monitor.alerts.lifecycle import OPEN
from ordertrail.monitor.alerts.why import why
from ordertrail.monitor.ports import AlertQuery
from ordertrail.monitor.rules.rule import About, Level
from ordertrail.monitor.service import Monitor
from ordertrail.web.auth.admission import admit
from ordertrail.web.auth.observing import observe
from ordertrail.web.pages.forms import Posted, posted
from ordertrail.web.pages.problem import PageRoute
from ordertrail.web.pages.reading import Moment, Reading, read_time
from ordertrail.web.pages.regions import Region, Way, ask, empty, filtered, ready
from ordertrail.web.pages.rendering import View, render
from ordertrail.web.pages.shell import reading_for, services_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_SHOWN: Final = 200
_QUEUES: Final = (
    ("open", "Open", OPEN),
    ("mine", "Mine", OPEN),
    ("closed", "Closed", frozenset({Status.CLOSED})),
    ("all", "All", frozenset(Status)),
)
_TONES: Final = {
    Level.INFORMATIONAL: "mute",
    Level.LOW: "mute",
    Level.MEDIUM: "wait",
    Level.HIGH: "bad",
    Level.CRITICAL: "bad",
}
_EVIDENCE: Final = 100


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue of alerts: which, and whether it is the one that is shown."""

    label: str
    href: str
    current: bool


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody or something that an alert names, and where it leads."""

    text: str
    href: str


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An alert in the queue."""

    id: str
    href: str
    title: str
    severity: str
    tone: str
    status: str
    disposition: str
    owner: str
    due: Moment
    overdue: bool
    happened: Moment
    people: tuple[Named, ...]
    orders: tuple[Named, ...]
    money: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AlertsPage:
    """What the queue shows."""

    queues: tuple[Queue, ...]
    alerts: Region[tuple[AlertRow, ...]]
    lag: str


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """An event that an alert names."""

    href: str
    happened: Moment
    phrase: str
    actor: Named
    order: Named | None


@dataclass(frozen=True, slots=True)
class RuleText:
    """A rule as its reader needs it."""

    name: str
    title: str
    description: str
    level: str
    tone: str
    control: str
    rationale: str
    false_positives: tuple[str, ...]
    playbook: tuple[str, ...]
    mapping: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class AlertPage:
    """What the page of one alert shows. ``proposal`` is how somebody would close it, where two must."""

    row: AlertRow
    why: str
    reason: str
    closed_by: tuple[str, ...]
    snoozed_until: Moment | None
    proposal: str
    evidence: tuple[EvidenceRow, ...]
    more: str
    rule: RuleText | None
    dispositions: tuple[str, ...]
    may_triage: bool
    may_case: bool
    is_open: bool


def monitor_of(request: Request) -> Monitor:
    """Return the application's watch. Raises ConfigurationError where it has none."""
    found = services_of(request).monitor
    if found is None:
        raise ConfigurationError("this application watches nothing")
    return found


@router.get("/alerts", include_in_schema=False)
def alerts_page(
    request: Request, who: Annotated[Principal, Depends(admit(Verb.ALERTS_READ))], show: str = "open"
) -> Response:
    """Show the queue, the gravest first."""
    monitor, reading = monitor_of(request), reading_for(request)
    statuses = next((found for name, _, found in _QUEUES if name == show), OPEN)
    query = AlertQuery(
        statuses=statuses,
        owner=who.id if show == "mine" else None,
        tenants=who.scope.tenants,
        limit=_SHOWN,
    )
    page = AlertsPage(
        queues=tuple(
            Queue(label, "/alerts" if name == "open" else f"/alerts?show={name}", name == show)
            for name, label, _ in _QUEUES
        ),
        alerts=ask("Alerts", lambda: _queue(monitor, query, reading, show), "/alerts"),
        lag=f"{monitor.lag():,}",
    )
    observe(request, who, "evidence.read", "alerts", show)
    return render(request, who, View("alerts.html", "Alerts"), page)


@router.get("/alerts/{alert}", include_in_schema=False)
def alert_page(
    request: Request, who: Annotated[Principal, Depends(admit(Verb.ALERTS_READ))], alert: str
) -> Response:
    """Show one alert."""
    monitor, reading = monitor_of(request), reading_for(request)
    found = _seen(monitor, who, alert)
    about = {rule.about.name: rule.about for rule in monitor.rules().rules}.get(found.name)
    proposal = found.proposal
    page = AlertPage(
        row=_row(found, reading),
        why=why(found),
        reason=found.reason or "",
        closed_by=found.closed_by,
        snoozed_until=reading.moment(found.snoozed_until) if found.snoozed_until else None,
        proposal=f"{proposal.by} would close it as {proposal.disposition}: {proposal.reason}"
        if proposal
        else "",
        evidence=tuple(_evidence(monitor, found, reading)),
        more=_more(found),
        rule=None if about is None else rule_text(about),
        dispositions=tuple(one.value for one in Disposition),
        may_triage=who.may(Verb.ALERTS_TRIAGE),
        may_case=who.may(Verb.CASES_WRITE) and services_of(request).evidence is not None,
        is_open=found.is_open,
    )
    observe(request, who, "evidence.read", "alert", found.id)
    return render(request, who, View("alert.html", found.title), page)


@router.post("/alerts/{alert}/{deed}", include_in_schema=False)
async def act_on_alert(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.ALERTS_TRIAGE))],
    alert: str,
    deed: str,
    form: Annotated[Posted, Depends(posted)],
) -> Response:
    """Take, snooze, wake, escalate, close or reopen an alert."""
    monitor = monitor_of(request)
    await run_in_threadpool(_act, monitor, who, _seen(monitor, who, alert).id, deed, form)
    return RedirectResponse(f"/alerts/{quote(alert, safe='')}", 303)


def _act(monitor: Monitor, who: Principal, name: str, deed: str, form: Posted) -> None:
    reason = form.get("reason").strip()
    match deed:
        case "take":
            monitor.take(name, who.id)
        case "snooze":
            monitor.snooze(name, who.id, _until(monitor, form.get("days")), reason)
        case "wake":
            monitor.wake(name, who.id)
        case "escalate":
            monitor.escalate(name, who.id, reason, form.get("to").strip() or None)
        case "close":
            monitor.close(name, who.id, _disposition(form.get("disposition")), reason)
        case "reopen":
            monitor.reopen(name, who.id, reason)
        case _:
            raise InputError(f"an alert cannot be made to {deed[:40]!r}")


def _seen(monitor: Monitor, who: Principal, name: str) -> Alert:
    """Return an alert that a reader may see; another tenant's is not there."""
    found = monitor.alert(name)
    if who.scope.tenants is not None and (found.tenant or "") not in who.scope.tenants:
        raise InputError(f"there is no alert {name[:80]!r}")
    return found


def _queue(monitor: Monitor, query: AlertQuery, reading: Reading, show: str) -> Region[tuple[AlertRow, ...]]:
    found = monitor.alerts(query)
    if found:
        return ready("Alerts", tuple(_row(one, reading) for one in found))
    if show == "open":
        return empty(
            "Alerts", "Nothing needs you", "Rules watch what is sealed, and tell here what they find."
        )
    return filtered("Alerts", f"There is no alert that is {show}", (Way("Show the open ones", "/alerts"),))


def _row(alert: Alert, reading: Reading) -> AlertRow:
    due = reading.moment(alert.due)
    return AlertRow(
        id=alert.id,
        href=f"/alerts/{quote(alert.id, safe='')}",
        title=alert.title,
        severity=alert.severity.name.lower(),
        tone=_TONES[alert.severity],
        status=alert.status.value,
        disposition=alert.disposition.value if alert.disposition else "",
        owner=alert.owner or "",
        due=due,
        overdue=alert.is_open and alert.due < format_time(reading.now),
        happened=reading.moment(read_time(alert.first)),
        people=tuple(_person(one) for one in alert.doers or alert.people),
        orders=tuple(_order(one, alert.tenant) for one in alert.orders),
        money=tuple(reading.worth(Money(amount, currency)) for currency, amount in alert.money),
    )


def _evidence(monitor: Monitor, alert: Alert, reading: Reading) -> list[EvidenceRow]:
    actions = monitor.around.actions
    return [
        EvidenceRow(
            href=f"/events/{one.id}",
            happened=reading.moment(read_time(one.time)),
            phrase=actions[one.action].phrase if one.action in actions else one.action,
            actor=_person(one.actor),
            order=_order(one.order, one.tenant) if one.order is not None else None,
        )
        for one in alert.evidence[:_EVIDENCE]
    ]


def _more(alert: Alert) -> str:
    if alert.more or len(alert.evidence) > _EVIDENCE:
        return f"The first {min(_EVIDENCE, len(alert.evidence)):,} are shown; there are more."
    return ""


def rule_text(about: About) -> RuleText:
    """Return a rule as its reader needs it."""
    return RuleText(
        name=about.name,
        title=about.title,
        description=about.description,
        level=about.level.name.lower(),
        tone=_TONES[about.level],
        control=about.control.value if about.control else "",
        rationale=about.rationale,
        false_positives=about.false_positives,
        playbook=about.playbook,
        mapping=about.mapping,
        text=about.text,
    )


def _person(name: str) -> Named:
    return Named(name, f"/people/{quote(name, safe='')}")


def _order(name: str, tenant: str | None) -> Named:
    of = f"?{urlencode({'tenant': tenant})}" if tenant else ""
    return Named(name, f"/orders/{quote(name, safe='')}{of}")


def _until(monitor: Monitor, days: str) -> str:
    """Return the time until which an alert is set aside: the end of a day that is so many days from now."""
    if not days.isdecimal() or not 1 <= int(days) <= 90:
        raise InputError("an alert is set aside for 1 to 90 days")
    now = monitor.around.clock()
    day = (now + timedelta(days=int(days))).date()
    return format_time(datetime.combine(day, time(6), now.tzinfo))


def _disposition(text: str) -> Disposition:
    try:
        return Disposition(text)
    except ValueError:
        raise InputError(f"say what it turned out to be: {', '.join(Disposition)}") from None
