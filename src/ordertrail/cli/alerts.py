"""``ordertrail alerts``: see alerts and what belongs together, and decide on them."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from ordertrail.assembly.monitor import open_monitor
from ordertrail.cli.options import TRAIL, ByOption, JsonOption, ReasonOption, TrailOption, deciding
from ordertrail.cli.output import say, say_json, say_table
from ordertrail.kernel.money import EXPONENTS
from ordertrail.kernel.numbers import count
from ordertrail.monitor.alerts.alert import Alert, Disposition, Status, Transition
from ordertrail.monitor.alerts.incidents import Incident
from ordertrail.monitor.alerts.why import happened, why
from ordertrail.monitor.ports import AlertQuery
from ordertrail.monitor.rules.rule import Level
from ordertrail.monitor.service import Monitor

app = typer.Typer(help="See alerts, and decide on them.", no_args_is_help=True)

_LEVELS = {level.name.lower(): level for level in Level}

AlertArgument = Annotated[str, typer.Argument(metavar="ALERT", help="Its id: A-0f3c….")]
LimitOption = Annotated[int, typer.Option(min=1, max=5_000, help="How many at most.")]
LeastOption = Annotated[
    str, typer.Option("--severity", help=f"This or graver: {', '.join(_LEVELS)}.", metavar="SEVERITY")
]


@app.command("list")
def list_alerts(
    trail: TrailOption = TRAIL,
    every: Annotated[bool, typer.Option("--all", help="Closed ones, too.")] = False,
    least: LeastOption = "informational",
    rule: Annotated[str | None, typer.Option(help="Of this rule.")] = None,
    person: Annotated[str | None, typer.Option(help="About what this person did.")] = None,
    order: Annotated[str | None, typer.Option(help="About this order.")] = None,
    limit: LimitOption = 50,
    as_json: JsonOption = False,
) -> None:
    """List alerts, the gravest first, and of these the newest first."""
    query = AlertQuery(_statuses(every=every), _level(least), rule, person, order, limit=limit)
    with open_monitor(trail) as monitor:
        found, lag = monitor.alerts(query), monitor.lag()
    if as_json:
        say_json({"alerts": [alert_as_dict(one) for one in found], "not_looked_at": lag})
        return
    if found:
        say_table(("alert", "severity", "status", "what", "who", "owner"), [_row(one) for one in found])
    say(f"{count(len(found), 'alert')}." + (f" {count(lag, 'event')} not looked at yet." if lag else ""))


@app.command()
def incidents(
    trail: TrailOption = TRAIL,
    every: Annotated[bool, typer.Option("--all", help="Closed ones, too.")] = False,
    least: LeastOption = "informational",
    limit: LimitOption = 1_000,
    as_json: JsonOption = False,
) -> None:
    """Group alerts that one person, one order or one cause has part in."""
    query = AlertQuery(_statuses(every=every), _level(least), limit=limit)
    with open_monitor(trail) as monitor:
        found = monitor.incidents(query)
    if as_json:
        say_json({"incidents": [_incident_as_dict(one) for one in found]})
        return
    rows = [
        (
            one.id,
            one.severity.name.lower(),
            f"{len(one.alerts):,}",
            ", ".join(one.people[:3]),
            ", ".join(dict.fromkeys(alert.title for alert in one.alerts)),
        )
        for one in found
    ]
    say_table(("incident", "severity", "alerts", "who", "what"), rows)


@app.command()
def show(name: AlertArgument, trail: TrailOption = TRAIL, as_json: JsonOption = False) -> None:
    """Show an alert: why it was raised, by which events, and what to do."""
    with open_monitor(trail) as monitor:
        alert, life = monitor.alert(name), monitor.life(name)
        rule = next((one for one in monitor.rules() if one.about.id == alert.rule), None)
    playbook = () if rule is None else rule.about.playbook
    if as_json:
        say_json(
            alert_as_dict(alert) | {"playbook": list(playbook), "life": [_step_as_dict(one) for one in life]}
        )
        return
    say(f"{alert.id}  {alert.title}  ({alert.severity.name.lower()}, {alert.status})")
    say(why(alert))
    owner = "nobody's" if alert.owner is None else f"{alert.owner}'s"
    say(f"Raised {alert.raised[:19]}, due {alert.due[:19]}; it is {owner}.")
    if alert.proposal is not None:
        one = alert.proposal
        say(f"{one.by} would close it as {one.disposition}: {one.reason}. Somebody else must agree.")
    if alert.disposition is not None:
        say(f"Closed as {alert.disposition} by {' and '.join(alert.closed_by)}: {alert.reason}")
    rows = [
        (seen.id, happened(seen.time)[:19], seen.actor, seen.action, seen.order or "")
        for seen in alert.evidence
    ]
    say_table(("event", "happened", "who", "what", "order"), rows[:50])
    for number, step in enumerate(playbook, 1):
        say(f"{number}. {step}")
    steps = [(one.at[:19], one.by or "the watch", one.deed.value, one.reason or "") for one in life]
    say_table(("when", "who", "what", "why"), steps)


@app.command()
def take(
    name: AlertArgument, trail: TrailOption = TRAIL, by: ByOption = None, as_json: JsonOption = False
) -> None:
    """Make an alert one's own, to look into it."""
    _decide(trail, as_json, lambda monitor: monitor.take(name, deciding(by).id))


@app.command()
def snooze(
    name: AlertArgument,
    until: Annotated[str, typer.Option("--until", help="When it comes back (RFC 3339).")],
    reason: ReasonOption,
    trail: TrailOption = TRAIL,
    by: ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set an alert aside until a time."""
    _decide(trail, as_json, lambda monitor: monitor.snooze(name, deciding(by).id, until, reason))


@app.command()
def wake(
    name: AlertArgument, trail: TrailOption = TRAIL, by: ByOption = None, as_json: JsonOption = False
) -> None:
    """Bring an alert back that was set aside."""
    _decide(trail, as_json, lambda monitor: monitor.wake(name, deciding(by).id))


@app.command()
def escalate(
    name: AlertArgument,
    reason: ReasonOption,
    to: Annotated[str | None, typer.Option("--to", help="Whose it is from now on.")] = None,
    trail: TrailOption = TRAIL,
    by: ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hand an alert on to whoever decides more."""
    _decide(trail, as_json, lambda monitor: monitor.escalate(name, deciding(by).id, reason, to))


@app.command()
def close(
    name: AlertArgument,
    disposition: Annotated[Disposition, typer.Option("--as", help="What it turned out to be.")],
    reason: ReasonOption,
    trail: TrailOption = TRAIL,
    by: ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Close an alert. One of high severity is closed by two: the first to say so proposes it."""
    _decide(trail, as_json, lambda monitor: monitor.close(name, deciding(by).id, disposition, reason))


@app.command()
def reopen(
    name: AlertArgument,
    reason: ReasonOption,
    trail: TrailOption = TRAIL,
    by: ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a closed alert up again."""
    _decide(trail, as_json, lambda monitor: monitor.reopen(name, deciding(by).id, reason))


def alert_as_dict(alert: Alert) -> dict[str, Any]:
    """Return an alert as JSON tells it. Amounts are minor units."""
    return {
        "id": alert.id,
        "version": alert.version,
        "rule": alert.name,
        "rule_id": alert.rule,
        "title": alert.title,
        "why": why(alert),
        "status": alert.status.value,
        "severity": alert.severity.name.lower(),
        "control": None if alert.control is None else alert.control.value,
        "raised": alert.raised,
        "due": alert.due,
        "owner": alert.owner,
        "snoozed_until": alert.snoozed_until,
        "proposed_by": None if alert.proposal is None else alert.proposal.by,
        "disposition": None if alert.disposition is None else alert.disposition.value,
        "reason": alert.reason,
        "closed_by": list(alert.closed_by),
        "tenant": alert.tenant,
        "doers": list(alert.doers),
        "people": list(alert.people),
        "orders": list(alert.orders),
        "first": happened(alert.first),
        "last": happened(alert.last),
        "measure": alert.measure,
        "money": [
            {"amount": amount, "currency": currency, "exponent": EXPONENTS[currency]}
            for currency, amount in alert.money
        ],
        "events": [
            {"id": seen.id, "stream": seen.stream, "index": seen.position, "time": happened(seen.time)}
            for seen in alert.evidence
        ],
        "more_events": alert.more,
    }


def _step_as_dict(one: Transition) -> dict[str, Any]:
    return {
        "at": one.at,
        "by": one.by,
        "deed": one.deed.value,
        "status": one.alert.status.value,
        "reason": one.reason,
    }


def _incident_as_dict(one: Incident) -> dict[str, Any]:
    return {
        "id": one.id,
        "severity": one.severity.name.lower(),
        "open": one.is_open,
        "people": list(one.people),
        "orders": list(one.orders),
        "shared": list(one.shared),
        "alerts": [alert.id for alert in one.alerts],
    }


def _decide(trail: Path, as_json: bool, deed: Callable[[Monitor], Alert]) -> None:  # noqa: FBT001 - as told
    with open_monitor(trail) as monitor:
        alert = deed(monitor)
    if as_json:
        say_json(alert_as_dict(alert))
    elif alert.proposal is not None and alert.is_open:
        one = alert.proposal
        say(
            f"{alert.id} is {alert.status}; {one.by} would close it as {one.disposition}: somebody else must agree."
        )
    else:
        say(f"{alert.id} is {alert.status}.")


def _row(alert: Alert) -> tuple[str, ...]:
    who = ", ".join((alert.doers or alert.people)[:2])
    severity = alert.severity.name.lower()
    return alert.id, severity, alert.status.value, alert.title, who, alert.owner or ""


def _statuses(*, every: bool) -> frozenset[Status]:
    return frozenset() if every else frozenset(Status) - {Status.CLOSED}


def _level(name: str) -> Level:
    try:
        return _LEVELS[name]
    except KeyError:
        raise typer.BadParameter(f"is one of {', '.join(_LEVELS)}", param_hint="--severity") from None
