"""From findings to alerts: the same finding twice is one alert, and findings of one key and stretch of time are one.

What an alert becomes is a function of the findings, in whatever sequence and however often they come: evidence is a
set, kept by time; the measure is the largest. Only what people did to it in between makes a difference: what comes to a
closed alert brings it back.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import timedelta

import msgspec

from ordertrail.kernel.clock import format_time, parse_time
from ordertrail.monitor.alerts.alert import MOST_EVIDENCE, MOST_NAMED, Alert, Deed, Status, Transition
from ordertrail.monitor.alerts.severity import DUE_SECONDS, severity
from ordertrail.monitor.rules.rule import Level, Rule
from ordertrail.monitor.rules.words import asked
from ordertrail.monitor.stream.seen import Finding, Seen


def alert_id(finding: Finding) -> str:
    """Return the id of the alert that a finding belongs to: ``A-`` and 16 letters and digits."""
    told = "\0".join((finding.rule, str(finding.bucket), *(f"{len(one)}:{one}" for one in finding.key)))
    return f"A-{hashlib.sha256(told.encode()).hexdigest()[:16]}"


def take_in(
    alert: Alert | None, findings: Iterable[Finding], rule: Rule, now: str, large: Mapping[str, int]
) -> tuple[Alert, Transition | None]:
    """Return an alert with findings in it, and the transition where there was one. ``findings`` are of this alert."""
    told = list(findings)
    if alert is None:
        return _raised(told, rule, now, large)
    known = {seen.id for seen in alert.evidence}
    new = {seen.id: seen for one in told for seen in one.seen if seen.id not in known}
    last = alert.evidence[-1].moment
    if alert.more:  # it names the earliest; what is later than these is known to be there
        new = {name: seen for name, seen in new.items() if seen.moment < last}
    measure = max(alert.measure, *(one.measure for one in told))
    doers = _doers(told, alert.doers)
    if not new and measure == alert.measure and doers == alert.doers:
        return alert, None
    evidence, more = _earliest((*alert.evidence, *new.values()))
    grown = msgspec.structs.replace(
        alert,
        version=alert.version + 1,
        evidence=evidence,
        more=alert.more or more,
        measure=measure,
        doers=doers,
    )
    risen = max(alert.severity, severity(grown.level, grown.control, grown.money, large))
    grown = msgspec.structs.replace(grown, severity=risen, due=min(grown.due, due(grown.raised, risen)))
    if new and alert.status is Status.CLOSED:
        return _back(grown, alert, now)
    if new and alert.status is Status.SNOOZED and risen > alert.severity:
        woken = msgspec.structs.replace(grown, status=Status.IN_REVIEW, snoozed_until=None)
        return woken, Transition(alert=woken, deed=Deed.WAKE, at=now, before=alert.status)
    if risen > alert.severity:
        return grown, Transition(alert=grown, deed=Deed.RISE, at=now, before=alert.status)
    return grown, None


def due(raised: str, level: Level) -> str:
    """Return when somebody should have decided."""
    return format_time(parse_time(raised) + timedelta(seconds=DUE_SECONDS[level]))


def _raised(
    findings: list[Finding], rule: Rule, now: str, large: Mapping[str, int]
) -> tuple[Alert, Transition]:
    first, about = findings[0], rule.about
    seen = {one.id: one for finding in findings for one in (*finding.seen, finding.at)}
    evidence, more = _earliest(seen.values())
    alert = Alert(
        id=alert_id(first),
        version=1,
        rule=about.id,
        name=about.name,
        title=about.title,
        asked=asked(rule),
        key=first.key,
        bucket=first.bucket,
        status=Status.NEW,
        level=about.level,
        control=about.control,
        severity=about.level,
        raised=now,
        due=now,
        evidence=evidence,
        measure=max(one.measure for one in findings),
        doers=_doers(findings, ()),
        more=more,
        tenant=evidence[0].tenant,
    )
    grave = severity(about.level, about.control, alert.money, large)
    alert = msgspec.structs.replace(alert, severity=grave, due=due(now, grave))
    return alert, Transition(alert=alert, deed=Deed.RAISE, at=now)


def _back(grown: Alert, before: Alert, now: str) -> tuple[Alert, Transition]:
    back = msgspec.structs.replace(
        grown,
        status=Status.REGRESSED,
        disposition=None,
        reason=None,
        closed_by=(),
        due=due(now, grown.severity),
    )
    return back, Transition(alert=back, deed=Deed.REGRESS, at=now, before=before.status)


def _doers(findings: Iterable[Finding], before: tuple[str, ...]) -> tuple[str, ...]:
    told = {doer for one in findings for doer in one.doers}
    return tuple(sorted({*before, *told})[:MOST_NAMED])


def _earliest(seen: Iterable[Seen]) -> tuple[tuple[Seen, ...], bool]:
    told = sorted(seen, key=lambda one: one.moment)
    return tuple(told[:MOST_EVIDENCE]), len(told) > MOST_EVIDENCE
