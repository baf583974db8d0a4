"""``ordertrail watch``: follow the log with the rules; see, check, save and backtest rules."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from time import sleep
from typing import Annotated, Any

import typer

from ordertrail.assembly.monitor import open_monitor
from ordertrail.cli.options import TRAIL, JsonOption, TrailOption
from ordertrail.cli.output import err, progress, say, say_json, say_json_line, say_table
from ordertrail.cli.relay import on_signal
from ordertrail.kernel.clock import parse_time, utc_now
from ordertrail.kernel.errors import InputError, UnavailableError
from ordertrail.kernel.numbers import count
from ordertrail.monitor.alerts.alert import Transition
from ordertrail.monitor.alerts.why import happened, why
from ordertrail.monitor.rules.rule import Rule
from ordertrail.monitor.rules.rulebook import Rulebook
from ordertrail.monitor.rules.words import asked
from ordertrail.monitor.service import Monitor
from ordertrail.monitor.stream.backtest import Backtest, PastAlert
from ordertrail.monitor.watch import Watch, follow
from ordertrail.record.event import Actor

_POLL = 0.25
"""Seconds between two looks at the log, where nothing came."""

_PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds to wait after each failure in a row; the last one again and again."""

_DAYS = 90

app = typer.Typer(
    help="Follow the log with the rules; see, check, save and backtest rules.", invoke_without_command=True
)

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="A file of Sigma rules.", dir_okay=False)]


@app.callback()
def watch(
    context: typer.Context,
    trail: TrailOption = TRAIL,
    once: Annotated[bool, typer.Option("--once", help="End when the end of the log is reached.")] = False,
    from_now: Annotated[
        bool, typer.Option("--from-now", help="Leave out what is sealed already, for good.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Look at what is sealed, as it is sealed, and raise alerts, until interrupted."""
    if context.invoked_subcommand is not None:
        return
    stopping = on_signal()

    def tell(transitions: Sequence[Transition]) -> None:
        for one in sorted(transitions, key=lambda one: (one.at, -one.alert.severity, one.alert.first)):
            if as_json:
                say_json_line(_transition_as_dict(one))
            else:
                alert = one.alert
                say(f"{one.at}  {alert.id}  {alert.severity.name.lower():8}  {one.deed.value}: {alert.title}")

    skip, failures, watching = from_now, 0, None
    while watching is None or not (once or stopping()):
        try:
            with open_monitor(trail, told=[tell]) as monitor:
                watching = monitor.watch()
                if skip:
                    watching.skip()
                skip = False
                _say_start(monitor, as_json=as_json)
                for looked in follow(watching, stopping, _pause, monitor.changed_rules(_say_refused)):
                    failures = 0
                    if once and not looked:
                        break
        except UnavailableError as error:
            if once or stopping():
                raise
            wait = _PAUSES[min(failures, len(_PAUSES) - 1)]
            failures += 1
            _say_unavailable(error, wait)
            sleep(wait)
    _say_end(watching, as_json=as_json)


def _pause() -> None:
    sleep(_POLL)


@app.command()
def rules(
    name: Annotated[str | None, typer.Argument(help="A rule's name or id; without one, all.")] = None,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Show the rules in force, or one of them whole."""
    with open_monitor(trail) as monitor:
        book = monitor.rules()
    if name is not None:
        rule = book.find(name)
        say_json(_rule_as_dict(rule)) if as_json else say(rule.about.text)
        return
    if as_json:
        say_json({"rules": [_rule_as_dict(rule) for rule in book.loud]})
        return
    rows = [(rule.about.name, rule.about.level.name.lower(), rule.about.title) for rule in book.loud]
    say_table(("rule", "level", "what it finds"), sorted(rows))


@app.command()
def check(file: FileArgument, trail: TrailOption = TRAIL, as_json: JsonOption = False) -> None:
    """Say whether a file of rules can be put in force, and if not, in which line and why."""
    with open_monitor(trail) as monitor:
        found = monitor.check(file.stem, _read(file))
    if as_json:
        say_json({"rules": [_rule_as_dict(rule) for rule in found]})
        return
    for rule in found:
        say(f"{rule.about.name}: looks for {asked(rule)}.")


@app.command()
def save(
    file: FileArgument,
    by: Annotated[str, typer.Option("--by", help="Who puts it in force.")],
    reason: Annotated[str, typer.Option("--reason", help="Why.")],
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Put a file of rules in force, or have it wait for another person. It is checked, and on record, before."""
    with open_monitor(trail) as monitor:
        found = monitor.save(file.stem, _read(file), Actor(by, "person"), reason)
        waits = any(one.name == file.stem for one in monitor.waiting())
    if as_json:
        say_json({"saved": file.stem, "rules": [rule.about.name for rule in found], "waits": waits})
    elif waits:
        say(
            f"{count(len(found), 'rule')} of {file.stem} waiting for another person: 'ordertrail watch approve'."
        )
    else:
        say(f"{count(len(found), 'rule')} of {file.stem} in force: a running watch has them within a moment.")


@app.command()
def backtest(
    rule: Annotated[str, typer.Argument(help="A rule's name or id, or a file of rules.")],
    trail: TrailOption = TRAIL,
    since: Annotated[str | None, typer.Option(help="From this time on (RFC 3339); else 90 days ago.")] = None,
    until: Annotated[str | None, typer.Option(help="Before this time; else now.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Say how often a rule would have raised an alert in the past, and on what."""
    end = utc_now() if until is None else _time(until)
    start = end - timedelta(days=_DAYS) if since is None else _time(since)
    with open_monitor(trail) as monitor, progress("looking", quiet=as_json) as _advance:
        book, name = monitor.rules(), rule
        if rule.endswith((".yml", ".yaml")):
            file = Path(rule)
            found = monitor.check(file.stem, _read(file))
            loud = {one.about.name for one in found}
            book = Rulebook.of([*(one for one in book if one.about.name not in loud), *found])
            name = next(one.about.name for one in book.loud if one.about.name in loud)
        told = monitor.backtest(book, name, start, end)
    _say_backtest(name, told, as_json=as_json)


def _say_backtest(name: str, told: Backtest, *, as_json: bool) -> None:
    if as_json:
        days = {happened(day)[:10]: alerts for day, alerts in told.days.items()}
        shown = [_past_as_dict(one) for one in told.shown]
        say_json(
            {
                "rule": name,
                "looked_at": told.looked,
                "whole": told.whole,
                "alerts": told.alerts,
                "days": days,
                "first": shown,
            }
        )
        return
    say(
        f"{name} would have raised {count(told.alerts, 'alert')} on {count(len(told.days), 'day')}; "
        f"{count(told.looked, 'event')} looked at{'' if told.whole else ', and there are more'}."
    )
    rows = [
        (happened(one.first.time)[:19], ", ".join(part for part in one.key if part), f"{len(one.events):,}")
        for one in told.shown
    ]
    if rows:
        say_table(("happened", "about", "events"), rows)


def _say_start(monitor: Monitor, *, as_json: bool) -> None:
    if not as_json:
        rules, behind = count(len(monitor.rules().loud), "rule"), count(monitor.lag(), "event")
        err.print(f"Watching with {rules}; {behind} to look at. Ctrl-C ends it cleanly.")


def _say_refused(error: InputError) -> None:
    err.print(f"rules were changed and cannot be in force; those before are: {error.message}", markup=False)


def _say_unavailable(error: UnavailableError, wait: float) -> None:
    err.print(
        f"{error.message}; again in {wait:g} s. What is sealed meanwhile waits, and is looked at then.",
        markup=False,
    )


def _say_end(watching: Watch, *, as_json: bool) -> None:
    done = watching.progress
    if as_json:
        say_json_line({"looked_at": done.events, "raised": done.raised, "not_told": done.untold})
    else:
        err.print(f"Looked at {count(done.events, 'event')}; raised {count(done.raised, 'alert')}.")


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file} cannot be read: {error}", meaning="No rule was changed.") from None


def _time(text: str) -> datetime:
    try:
        return parse_time(text)
    except ValueError as error:
        raise InputError(f"{text!r} {error}") from None


def _transition_as_dict(one: Transition) -> dict[str, Any]:
    alert = one.alert
    return {
        "at": one.at,
        "alert": alert.id,
        "version": alert.version,
        "deed": one.deed.value,
        "status": alert.status.value,
        "severity": alert.severity.name.lower(),
        "rule": alert.name,
        "title": alert.title,
        "why": why(alert),
    }


def _rule_as_dict(rule: Rule) -> dict[str, Any]:
    about = rule.about
    return {
        "name": about.name,
        "id": about.id,
        "title": about.title,
        "level": about.level.name.lower(),
        "status": about.status,
        "description": about.description,
        "asks": asked(rule),
        "control": None if about.control is None else about.control.value,
        "rationale": about.rationale,
        "false_positives": list(about.false_positives),
        "playbook": list(about.playbook),
        "mapping": list(about.mapping),
        "text": about.text,
    }


def _past_as_dict(one: PastAlert) -> dict[str, Any]:
    return {
        "happened": happened(one.first.time),
        "about": list(one.key),
        "measure": one.measure,
        "events": [seen.id for seen in one.events],
    }
