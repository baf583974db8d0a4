"""Overview: whether the trail is whole, and what needs its reader."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from ordertrail.access.principal import Principal
from ordertrail.access.verbs import Verb
from ordertrail.intake.health import Standing as Health
from ordertrail.kernel.numbers import count
from ordertrail.monitor.alerts.lifecycle import OPEN
from ordertrail.monitor.ports import AlertQuery
from ordertrail.monitor.rules.rule import Level
from ordertrail.monitor.service import Monitor
from ordertrail.query.filters.grammar import Filter
from ordertrail.query.filters.spelling import quoted
from ordertrail.query.filters.terms import Attempt, Is, Not, Sensitive
from ordertrail.query.ports import Way as Direction
from ordertrail.query.questions.facts import money_by_actor
from ordertrail.query.questions.histogram import histogram
from ordertrail.services import DEFAULT_STREAM, Services
from ordertrail.web.auth.admission import admit
from ordertrail.web.auth.observing import observe
from ordertrail.web.auth.scoping import asked, sees_whole_tenants
from ordertrail.web.checks import Phase, checks_of
from ordertrail.web.pages.addresses import explore_href, person_href
from ordertrail.web.pages.approvals import CHANGING
from ordertrail.web.pages.charts import Chart, draw, step_for
from ordertrail.web.pages.explore import COUNTED, span_of
from ordertrail.web.pages.integrity import NONE
from ordertrail.web.pages.problem import PageRoute
from ordertrail.web.pages.reading import Reading
from ordertrail.web.pages.regions import Content, Region, Way, ask, empty, loading, ready
from ordertrail.web.pages.rendering import View, render
from ordertrail.web.pages.rows import EventRow, rows_of_hits
from ordertrail.web.pages.shell import Standing, reading_for, seal_of, services_of
from ordertrail.web.pages.unusual import Movers, OffHours, movers_shown, off_hours_shown

_LATEST: Final = 8
_ALERTS: Final = 500
"""Open alerts that are counted, the gravest; of more, it is said that there are more."""
_MATTERS: Final = Filter((Sensitive(), Not(Is("action", ("alert.*", "intake.dead_letter")))))
"""What matters at once; alerts and letters wait in queues of their own."""
_MOVERS: Final = 6
_MOVED: Final = 1_000

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Stat:
    """A figure that opens what it counts."""

    name: str
    value: str
    note: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the trail is whole: a sentence, and what it rests on."""

    standing: Standing
    sentence: str
    note: str


@dataclass(frozen=True, slots=True)
class Task:
    """Something that waits for the reader."""

    name: str
    text: str
    href: str
    tone: str
    icon: str


@dataclass(frozen=True, slots=True)
class FirstStep:
    """A step of the first run."""

    name: str
    text: str
    href: str
    done: bool


@dataclass(frozen=True, slots=True)
class Mover:
    """Whose changes moved money."""

    actor: str
    href: str
    raised: str
    lowered: str
    events: str
    events_href: str


@dataclass(frozen=True, slots=True)
class OverviewPage:
    """What the page shows."""

    verdict: Verdict
    strip: tuple[Stat, ...]
    first_run: tuple[FirstStep, ...]
    tasks: tuple[Task, ...]
    chart: Region[Chart]
    figures: Region[tuple[Stat, ...]]
    unusual: Region[Movers]
    off_hours: Region[OffHours]
    movers: Region[tuple[Mover, ...]]
    latest: Region[tuple[EventRow, ...]]
    may_search: bool


@router.get("/", include_in_schema=False)
def overview(request: Request, who: Annotated[Principal, Depends(admit(Verb.STATUS_READ))]) -> Response:
    """Show whether the trail is whole, and what needs the reader."""
    services, reading = services_of(request), reading_for(request)
    may_search = who.may(Verb.EVENTS_SEARCH)
    region = request.query_params.get("region")
    everything = "show" in request.query_params
    told = _Told(request, services, who, reading)

    def lazy(name: str, key: str, question: Callable[[str], Region[Content]]) -> Region[Content]:
        href = f"/?region={key}"
        wanted = may_search and (everything or region == key)
        return ask(name, lambda: question(name), href) if wanted else loading(name, href)

    page = OverviewPage(
        verdict=told.verdict(),
        strip=told.strip(),
        first_run=told.first_run() if region is None else (),
        tasks=told.tasks() if region is None else (),
        chart=lazy("Events", "chart", told.chart),
        figures=lazy("What to look at", "figures", told.figures),
        unusual=lazy("Outside their usual range", "unusual", told.unusual),
        off_hours=lazy("Outside business hours", "offhours", told.off_hours),
        movers=lazy("Whose changes moved money", "movers", told.movers),
        latest=lazy("Latest that matter", "latest", told.latest),
        may_search=may_search,
    )
    if page.latest.content is not None:
        observe(
            request,
            who,
            "evidence.read",
            "overview",
            "latest",
            details=[("events", len(page.latest.content))],
        )
    return render(request, who, View("overview.html", "Overview"), page)


class _Told:
    """The overview's questions, for one reader."""

    def __init__(self, request: Request, services: Services, who: Principal, reading: Reading) -> None:
        self._request = request
        self._services = services
        self._query = asked(request, who)
        self._who = who
        self._reading = reading

    def verdict(self) -> Verdict:
        """Say whether the trail is whole, as far as it was looked at."""
        check = checks_of(self._request.app).newest(DEFAULT_STREAM)
        seal = seal_of(self._services.trail, self._reading)
        if check is not None and check.phase is Phase.DONE and check.report is not None:
            ended = self._reading.moment(check.ended or check.begun)
            standing = Standing.PROVEN if check.report.intact else Standing.BROKEN
            whole = f"All {count(check.report.size, 'event')} up to {ended.whole} are intact."
            sentence = whole if check.report.intact else check.report.verdict
            return Verdict(standing, sentence, f"Full check {ended.ago}. {seal.text}.")
        logs = self._services.trail.logs.values()
        sealed = sum(service.log.store.head(service.log.stream).size for service in logs)
        waiting = f"; {seal.waiting:,} more wait to be" if seal.waiting else ""
        until = f", up to {seal.until.whole}" if seal.until is not None else ""
        told = f"{count(sealed, 'event')} are sealed{until}{waiting}." if sealed else f"{seal.text}."
        return Verdict(seal.standing, told, "No full check has run since this service started.")

    def strip(self) -> tuple[Stat, ...]:
        """Return the figures of integrity."""
        logs = self._services.trail.status()
        status = logs[0]
        sealed, waiting, published = (
            sum(getattr(one, name) for one in logs) for name in ("size", "waiting", "published")
        )
        lag = self._query.lag()
        attested = [one for one in (*status.timestamps, *status.witnesses) if one.size is not None]
        nobody = not (status.timestamps or status.witnesses)
        return (
            Stat("Sealed events", f"{sealed:,}", f"{waiting:,} waiting", "/explore"),
            Stat("In the vault", f"{published:,}", f"kept {status.keep_days:,} days", "/integrity"),
            Stat(
                "Write-once",
                "Locked" if status.immutable else "Kept",
                status.kept_by or "by the vault",
                "/integrity",
            ),
            Stat(
                "Attested by",
                NONE if nobody else str(len(attested)),
                "nobody is set up" if nobody else "others",
                "/integrity",
            ),
            Stat(
                "Index",
                "Up to date" if not lag.events else f"{lag.events:,} behind",
                f"{lag.seconds:,.0f} s",
                "",
            ),
        )

    def first_run(self) -> tuple[FirstStep, ...]:
        """Return the four first steps, until all of them are taken."""
        trail = self._services.trail
        size = sum(service.log.store.head(service.log.stream).size for service in trail.logs.values())
        checked = checks_of(self._request.app).newest(DEFAULT_STREAM) is not None
        attested = any(trail.attestors.timestampers) or trail.attestors.policy is not None
        steps = (
            FirstStep(
                "Record something", "Connect an application or a sales channel.", "/help#begin", size > 0
            ),
            FirstStep(
                "Find it",
                "Who lowered a price? One filter says it.",
                "/explore?q=lowered%3Aunit_price",
                size > 0,
            ),
            FirstStep("Check the trail", "Every byte, every hash, every signature.", "/integrity", checked),
            FirstStep(
                "Have others attest it", "A time-stamp authority or a witness.", "/help#attest", attested
            ),
        )
        return () if all(one.done for one in steps) else steps

    def tasks(self) -> tuple[Task, ...]:
        """Return what waits for the reader: what rooms beside say, as far as the reader may see them."""
        tasks: list[Task] = []
        intake = self._services.intake
        if intake is not None and self._who.may(Verb.INTAKE_READ):
            bad = [one for one in intake.health() if one.standing is Health.FAILING]
            letters = sum(one.figures.open_letters for one in intake.health())
            tasks += [
                Task(
                    f"{one.source} is failing",
                    one.reason,
                    f"/intake?source={quote(one.source)}",
                    "bad",
                    "unplug",
                )
                for one in bad[:3]
            ]
            if letters:
                tasks.append(
                    Task(
                        count(letters, "dead letter"),
                        "could not enter and wait for you",
                        "/intake",
                        "wait",
                        "mail-x",
                    )
                )
        if self._who.may(Verb.ALERTS_READ) and self._services.monitor is not None:
            tasks += self._alerts(self._services.monitor)
        return tuple(tasks)

    def _alerts(self, monitor: Monitor) -> Iterator[Task]:
        """Yield how many alerts are open, the worst of them first."""
        query = AlertQuery(statuses=OPEN, tenants=self._who.scope.tenants, limit=_ALERTS)
        found = Counter(one.severity for one in monitor.alerts(query))
        for level in sorted(found, reverse=True):
            tone = "bad" if level >= Level.HIGH else "wait"
            name = count(found[level], f"{level.name.lower()} alert")
            if found.total() == _ALERTS and level == min(found):
                name += " or more"
            yield Task(name, "wait for somebody to decide", "/alerts", tone, "siren")

    def chart(self, name: str) -> Region[Chart]:
        """Return the events of the last thirty days that have any."""
        meant = Filter()
        span = span_of(self._query, meant, self._reading)
        if span is None:
            return empty(name, "Nothing has been recorded yet", "", (Way("How to begin", "/help#begin"),))
        step = step_for(span)
        bars = histogram(self._query.counts, meant, span, step)

        def link(term: str) -> str:
            return explore_href(term)

        return ready(
            name,
            draw(bars, span, step, self._reading, link),
            self._query.lag(),
            "/?region=chart",
        )

    def figures(self, name: str) -> Region[tuple[Stat, ...]]:
        """Return what an auditor looks at first."""
        month = self._query.parse("when:last-30-days", str(self._reading.zone))
        approved = Filter((Is("action", ("order.approve",), exact=True),))
        late = self._query.analytics.moved_after(approved, month.with_(Is("action", CHANGING)), _MOVED)
        changes = sum(one.changes for one in late)
        named = (
            ("Sensitive events", "prices, quantities, money out", month.with_(Sensitive()), "is:sensitive"),
            ("Attempts", "denied, failed or rolled back", month.with_(Attempt()), "is:attempt"),
        )
        stats = [
            Stat(
                "Changed after approval",
                count(changes, "change"),
                f"of money, by {count(len({one.actor for one in late}), 'person or service', 'people or services')}",
                "/orders?view=after-approval&when=last-30-days",
            )
        ]
        for title, note, meant, text in named:
            events = self._query.searches.count(meant, COUNTED + 1)
            shown = f"{COUNTED:,}+" if events > COUNTED else f"{events:,}"
            stats.append(Stat(title, shown, note, explore_href(f"{text} when:last-30-days")))
        return ready(name, tuple(stats))

    def unusual(self, name: str) -> Region[Movers]:
        """Return whose, what and which channel's events are more or fewer than usual."""
        return self._of_whole_tenants(name) or movers_shown(self._query, self._reading, name)

    def off_hours(self, name: str) -> Region[OffHours]:
        """Return what people did while nobody was to be at work."""
        return self._of_whole_tenants(name) or off_hours_shown(
            self._query, self._services.monitor, self._reading, name
        )

    def _of_whole_tenants(self, name: str) -> Region[Content] | None:
        """Return what is said instead to whoever may see a part of a tenant only: rollups know no parts."""
        if sees_whole_tenants(self._who.scope):
            return None
        return empty(name, "You may see a part of a tenant only", "This is counted over whole tenants.")

    def movers(self, name: str) -> Region[tuple[Mover, ...]]:
        """Return whose changes moved the most money in the last thirty days."""
        part: Region[tuple[Mover, ...]] | None = self._of_whole_tenants(name)
        if part is not None:
            return part
        found = money_by_actor(self._query.counts, Filter())
        rows = []
        for one in sorted(found, key=lambda mover: -(mover.raised + abs(mover.lowered)))[:_MOVERS]:
            said = f"actor:={quoted(one.actor)}"
            rows.append(
                Mover(
                    one.actor,
                    person_href(one.actor),
                    self._reading.change(one.raised, one.currency) if one.raised else "",
                    self._reading.change(-abs(one.lowered), one.currency) if one.lowered else "",
                    f"{one.events:,}",
                    explore_href(f"{said} is:sensitive"),
                )
            )
        return ready(name, tuple(rows)) if rows else empty(name, "No change has moved money yet")

    def latest(self, name: str) -> Region[tuple[EventRow, ...]]:
        """Return the newest sensitive events and attempts."""
        answer = self._query.answer(
            lambda: self._query.searches.page(_MATTERS, _LATEST, None, Direction.OLDER)
        )
        if not answer.value:
            return empty(name, "Nothing sensitive has happened yet")
        return ready(
            name, rows_of_hits(self._query, answer.value, self._reading), answer.lag, "/?region=latest"
        )
