"""Integrity: the verdict in a sentence first, a full check on request, and what proves it: checkpoints and keys."""

from dataclasses import dataclass, replace
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from ordertrail.access.principal import Principal
from ordertrail.access.verbs import Verb
from ordertrail.kernel.numbers import count
from ordertrail.ledger.verify.report import Finding, Report, Step
from ordertrail.services import DEFAULT_STREAM, LogService, Trail
from ordertrail.status import StreamStatus
from ordertrail.web.auth.admission import admit
from ordertrail.web.auth.scoping import asked, sees_everything, sees_whole_tenants
from ordertrail.web.checks import Check, Phase, begin_check, checks_of
from ordertrail.web.pages.addresses import Address, order_href
from ordertrail.web.pages.coverage import Coverage, coverage_of
from ordertrail.web.pages.problem import PageRoute
from ordertrail.web.pages.reading import Moment, Reading
from ordertrail.web.pages.regions import Region, ask, loading, ready
from ordertrail.web.pages.rendering import View, render
from ordertrail.web.pages.shell import Standing, reading_for, services_of

NONE: Final = "\N{EN DASH}"
"""What stands where there is nothing to count."""
_BATCHES: Final = 20
_FINDINGS: Final = 100

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class StepRow:
    """A numbered step of the full check and what it came to."""

    number: int
    label: str
    promise: str
    tone: str
    word: str


@dataclass(frozen=True, slots=True)
class FindingRow:
    """One thing that is wrong."""

    step: str
    where: str
    message: str
    order: str
    order_href: str


@dataclass(frozen=True, slots=True)
class CheckShown:
    """The newest check: running, or what it found. ``share`` is in whole per cent."""

    running: bool
    standing: Standing
    verdict: str
    begun: Moment
    ended: Moment | None
    done: str
    share: int
    looked: str
    steps: tuple[StepRow, ...]
    findings: tuple[FindingRow, ...]
    more: str
    notes: tuple[str, ...]
    href: str


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of the chain of custody: how many events have come so far."""

    name: str
    value: str
    note: str


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A sealed batch: what a checkpoint was signed over."""

    size: str
    events: str
    at: Moment
    root: str


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key and from which entry on it signs."""

    first: str
    vkey: str
    current: bool


@dataclass(frozen=True, slots=True)
class AttestedRow:
    """Who else has seen the log."""

    kind: str
    name: str
    size: str
    time: str


@dataclass(frozen=True, slots=True)
class LogShown:
    """A log: its custody, its checkpoints and its keys."""

    stream: str
    origin: str
    custody: tuple[Stage, ...]
    root: str
    batches: tuple[BatchRow, ...]
    keys: tuple[KeyRow, ...]
    attested: tuple[AttestedRow, ...]


@dataclass(frozen=True, slots=True)
class IntegrityPage:
    """What the page shows."""

    streams: tuple[str, ...]
    stream: str
    standing: Standing
    verdict: str
    check: CheckShown | None
    log: Region[LogShown]
    coverage: Region[Coverage] | None
    may_check: bool
    here: str


@router.get("/integrity", include_in_schema=False)
def integrity(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.STATUS_READ))],
    stream: str = DEFAULT_STREAM,
) -> Response:
    """Show whether a log is whole."""
    trail, reading = services_of(request).trail, reading_for(request)
    service = trail.log(stream)
    check = checks_of(request.app).newest(stream)
    here = str(Address("/integrity").with_(stream=stream if stream != DEFAULT_STREAM else None))
    shown = None if check is None else _check(check, reading, here)
    if shown is not None and not sees_everything(who.scope):
        shown = _without_places(shown)
    head = service.log.store.head(service.log.stream)
    page = IntegrityPage(
        streams=tuple(trail.logs),
        stream=stream,
        standing=shown.standing if shown and not shown.running else Standing.UNCHECKED,
        verdict=shown.verdict
        if shown
        else f"{count(head.size, 'event')} are sealed; no full check has run since the start.",
        check=shown,
        log=ask("The log", lambda: ready("The log", _log(trail, service, reading)), here),
        coverage=_coverage(request, who),
        may_check=who.may(Verb.INTEGRITY_CHECK),
        here=here,
    )
    return render(request, who, View("integrity.html", "Integrity"), page)


def _coverage(request: Request, who: Principal) -> Region[Coverage] | None:
    """Return the calendar, later where the page is asked for; None for who may not see all events of a tenant."""
    if not (who.may(Verb.EVENTS_SEARCH) and sees_whole_tenants(who.scope)):
        return None
    name, href = "Coverage", "/integrity?region=coverage"
    if request.query_params.get("region") != "coverage" and "show" not in request.query_params:
        return loading(name, href)
    query, now = asked(request, who), services_of(request).trail.clock()
    return ask(name, lambda: ready(name, coverage_of(query, now), query.lag()), href)


@router.post("/integrity/check", include_in_schema=False)
def check_now(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.INTEGRITY_CHECK))],
    stream: str = DEFAULT_STREAM,
) -> Response:
    """Begin a full check; the page follows it."""
    begin_check(request, who, services_of(request).trail, stream)
    target = Address("/integrity").with_(stream=stream if stream != DEFAULT_STREAM else None)
    return RedirectResponse(f"{target}#check", 303)


def _check(check: Check, reading: Reading, here: str) -> CheckShown:
    report = check.report
    running = check.phase is Phase.RUNNING
    standing = Standing.PENDING if running else Standing.UNCHECKED
    verdict = f"A check is running: {check.done:,} of {check.total:,} entries." if running else check.why
    if report is not None and not running:
        standing = Standing.PROVEN if report.intact else Standing.BROKEN
        verdict = _verdict(report, reading)
    elif not running:
        verdict = (
            f"The check could not be carried through: {check.why}. Nothing is known of the evidence by it."
        )
    findings = [] if report is None or running else sorted(report.findings, key=lambda one: one.rank)
    more = len(findings) - _FINDINGS + (report.more_findings if report else 0)
    return CheckShown(
        running=running,
        standing=standing,
        verdict=verdict,
        begun=reading.moment(check.begun),
        ended=reading.moment(check.ended) if check.ended else None,
        done=f"{check.done:,} of {check.total:,}",
        share=check.done * 100 // check.total if check.total else 0,
        looked=_looked(report) if report is not None else "",
        steps=_steps(report, findings) if report is not None and not running else (),
        findings=tuple(_finding(one) for one in findings[:_FINDINGS]),
        more=f"{more:,} more" if more > 0 else "",
        notes=tuple(report.notes) if report is not None else (),
        href=str(Address(here.partition("?")[0]).with_(stream=check.stream, region="check")),
    )


def _without_places(shown: CheckShown) -> CheckShown:
    """Return a check as it is told to who may see a part of the trail: whether it is whole, and not what is where."""
    broken = shown.standing is Standing.BROKEN
    told = "The trail is BROKEN; whoever sees all of it can see where." if broken else shown.verdict
    return replace(shown, verdict=told, findings=(), more="", notes=())


def _verdict(report: Report, reading: Reading) -> str:
    """Return the report's verdict, its times as the reader sees them."""
    if not report.intact or report.first_recorded is None or report.last_recorded is None or report.size < 2:
        return report.verdict
    first, last = reading.moment(report.first_recorded), reading.moment(report.last_recorded)
    return f"All {report.size:,} events from {first.whole} to {last.whole} are intact."


def _looked(report: Report) -> str:
    counts = report.counts
    return (
        f"{count(counts.entries, 'entry', 'entries')}, {count(counts.batches, 'batch', 'batches')}, "
        f"{count(counts.tiles, 'tile')}, {count(counts.checkpoints, 'checkpoint')} and "
        f"{count(counts.blobs, 'document')} were looked at in {report.seconds:.1f} s."
    )


def _steps(report: Report, findings: list[Finding]) -> tuple[StepRow, ...]:
    wrong: dict[Step, int] = {}
    for one in findings:
        wrong[one.step] = wrong.get(one.step, 0) + 1
    rows = []
    for step in Step:
        number = wrong.get(step, 0)
        quiet = step is Step.TIME and not (report.attestations.stamps or report.attestations.cosignatures)
        word = f"{number:,} found wrong" if number else "holds; nobody attested it" if quiet else "holds"
        rows.append(StepRow(step.number, step.label, step.promise, "bad" if number else "good", word))
    return tuple(rows)


def _finding(one: Finding) -> FindingRow:
    return FindingRow(
        f"{one.step.number} {one.step.label}",
        one.where,
        one.message,
        one.order or "",
        order_href(one.order) if one.order else "",
    )


def _log(trail: Trail, service: LogService, reading: Reading) -> LogShown:
    status = next(one for one in trail.status() if one.stream == service.log.stream)
    store, reader = service.log.store, service.log.reader
    head = store.head(service.log.stream)
    batches = list(reader.batches(service.log.stream, max(0, head.size - _looked_back(head.size))))[
        -_BATCHES:
    ]
    keys = store.keys(service.log.stream)
    return LogShown(
        stream=status.stream,
        origin=status.origin,
        custody=_custody(status),
        root=status.root,
        batches=tuple(
            BatchRow(
                f"{one.end:,}",
                f"{one.end - one.start:,}",
                reading.moment(one.sealed),
                one.tree_root.hex(),
            )
            for one in reversed(batches)
        ),
        keys=tuple(KeyRow(f"{one.first:,}", one.vkey, one is keys[-1]) for one in reversed(keys)),
        attested=tuple(_attested(status)),
    )


def _looked_back(size: int) -> int:
    """Return how many entries back the newest batches are looked for."""
    return min(size, 50_000)


def _custody(status: StreamStatus) -> tuple[Stage, ...]:
    waiting = "waiting to be sealed" if status.waiting else "nothing waits"
    kept = f"kept {status.keep_days:,} days{', locked' if status.immutable else ''}"
    seen = [one for one in (*status.timestamps, *status.witnesses) if one.size is not None]
    attested = max((one.size or 0 for one in seen), default=0)
    nobody = not (status.timestamps or status.witnesses)
    return (
        Stage("Recorded, waiting", f"{status.waiting:,}", waiting),
        Stage("Sealed in the log", f"{status.size:,}", f"signed by {status.key.partition('+')[0]}"),
        Stage("Published to the vault", f"{status.published:,}", kept),
        Stage(
            "Attested by others",
            f"{attested:,}" if seen else NONE,
            "nobody is set up"
            if nobody
            else f"{len(seen)} of {len(status.timestamps) + len(status.witnesses)} did",
        ),
    )


def _attested(status: StreamStatus) -> list[AttestedRow]:
    named = [("Time-stamp authority", one) for one in status.timestamps]
    named += [("Witness", one) for one in status.witnesses]
    return [
        AttestedRow(kind, one.name, f"{one.size:,}" if one.size is not None else "not yet", one.time or "")
        for kind, one in named
    ]
