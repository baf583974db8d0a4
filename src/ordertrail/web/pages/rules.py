"""Rules: what is looked for, in English, and those that one person saved and another decides on."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from ordertrail.access.principal import Principal
from ordertrail.access.telling import actor_of
from ordertrail.access.verbs import Verb
from ordertrail.kernel.errors import InputError
from ordertrail.monitor.rules.approval import WaitingRules
from ordertrail.monitor.service import Monitor
from ordertrail.web.auth.admission import admit
from ordertrail.web.pages.alerts import RuleText, monitor_of, rule_text
from ordertrail.web.pages.forms import Posted, posted
from ordertrail.web.pages.problem import PageRoute
from ordertrail.web.pages.reading import Moment, Reading
from ordertrail.web.pages.regions import Region, ask, empty, ready
from ordertrail.web.pages.rendering import View, render
from ordertrail.web.pages.shell import reading_for

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """A file of rules that waits, whole, and what the reader may do with it."""

    name: str
    href: str
    by: str
    at: Moment
    reason: str
    sha256: str
    text: str
    may_approve: bool
    may_reject: bool
    may_withdraw: bool


@dataclass(frozen=True, slots=True)
class RulesPage:
    """What the catalogue of rules shows. ``strays`` are files in the folder that nobody approved."""

    waiting: tuple[WaitingRow, ...]
    strays: tuple[str, ...]
    rules: Region[tuple[RuleText, ...]]


@router.get("/rules", include_in_schema=False)
def rules_page(request: Request, who: Annotated[Principal, Depends(admit(Verb.RULES_READ))]) -> Response:
    """Show the rules that watch the trail, in English, and what waits for approval."""
    monitor, reading = monitor_of(request), reading_for(request)

    def rules() -> Region[tuple[RuleText, ...]]:
        loud = sorted(monitor.rules().loud, key=lambda one: (-one.about.level, one.about.title))
        told = tuple(rule_text(one.about) for one in loud)
        return ready("Rules", told) if told else empty("Rules", "No rule is in force")

    page = RulesPage(
        waiting=tuple(_waiting(one, who, reading) for one in monitor.waiting()),
        strays=tuple(monitor.strays()),
        rules=ask("Rules", rules, "/rules"),
    )
    return render(request, who, View("rules.html", "Rules"), page)


@router.post("/rules/{name}/approve", include_in_schema=False)
async def approve_rules(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.RULES_APPROVE))],
    name: str,
    form: Annotated[Posted, Depends(posted)],
) -> Response:
    """Put in force what another person saved, if it is the very text that the page showed."""
    sha256, reason = form.get("sha256"), form.get("reason")
    await run_in_threadpool(monitor_of(request).approve, name, sha256, actor_of(who), reason)
    return RedirectResponse("/rules", 303)


@router.post("/rules/{name}/reject", include_in_schema=False)
async def reject_rules(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.RULES_APPROVE))],
    name: str,
    form: Annotated[Posted, Depends(posted)],
) -> Response:
    """Turn down what another person saved."""
    await run_in_threadpool(monitor_of(request).reject, name, actor_of(who), form.get("reason"))
    return RedirectResponse("/rules", 303)


@router.post("/rules/{name}/withdraw", include_in_schema=False)
async def withdraw_rules(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.RULES_WRITE))],
    name: str,
    form: Annotated[Posted, Depends(posted)],
) -> Response:
    """Take back what one saved oneself."""
    await run_in_threadpool(_withdraw, monitor_of(request), who, name, form.get("reason"))
    return RedirectResponse("/rules", 303)


def _withdraw(monitor: Monitor, who: Principal, name: str, reason: str) -> None:
    if not any(one.name == name and one.by == who.id for one in monitor.waiting()):
        raise InputError(f"no rules of yours wait under the name {name[:80]!r}")
    monitor.reject(name, actor_of(who), reason)


def _waiting(one: WaitingRules, who: Principal, reading: Reading) -> WaitingRow:
    return WaitingRow(
        name=one.name,
        href=f"/rules/{quote(one.name, safe='')}",
        by=one.by,
        at=reading.moment(one.at),
        reason=one.reason,
        sha256=one.sha256,
        text=one.text,
        may_approve=who.may(Verb.RULES_APPROVE) and one.by != who.id,
        may_reject=who.may(Verb.RULES_APPROVE) and one.by != who.id,
        may_withdraw=who.may(Verb.RULES_WRITE) and one.by == who.id,
    )
