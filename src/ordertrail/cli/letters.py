"""``ordertrail intake list``, ``show``, ``replay``, ``release``, ``reject``, ``health``, ``declare``."""

from datetime import UTC, datetime
from pathlib import Path
from time import sleep
from typing import Annotated, Any

import typer

from ordertrail.assembly.intake import open_intake
from ordertrail.cli.intake import app as app  # noqa: PLC0414 - the verbs of both modules are one group
from ordertrail.cli.options import TRAIL, JsonOption, TrailOption
from ordertrail.cli.output import EXIT_INPUT, say, say_json, say_table
from ordertrail.cli.relay import on_signal
from ordertrail.intake.events import message_id
from ordertrail.intake.faults import Fault
from ordertrail.intake.health import Standing, missing, told_of_health
from ordertrail.intake.impact import Impact
from ordertrail.intake.ports import Declared, Letter, Query
from ordertrail.intake.repair import Bulk, Fix
from ordertrail.intake.states import OPEN, MessageState
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import InputError
from ordertrail.kernel.money import Money, format_money, parse_money
from ordertrail.kernel.numbers import count
from ordertrail.record.event import Actor

Name = Annotated[str, typer.Argument(metavar="MESSAGE", help="A message, as 'list' names it.")]
By = Annotated[str, typer.Option("--by", help="Who does this: an opaque id, recorded with it.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; recorded with it.")]
SourceOption = Annotated[
    str | None, typer.Option("--source", metavar="CHANNEL/ACCOUNT", help="Of one source only.")
]
CauseOption = Annotated[str | None, typer.Option("--cause", help="Of one cause only, as 'list' names it.")]


@app.command("list")
def list_letters(
    trail: TrailOption = TRAIL,
    source: SourceOption = None,
    cause: CauseOption = None,
    parked: Annotated[
        bool, typer.Option("--parked", help="Also what waits for something before it.")
    ] = False,
    by_cause: Annotated[bool, typer.Option("--by-cause", help="Count them by source and cause.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many, at most.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """Show what has not entered, the most harmful first, or its causes, the most frequent first."""
    states = OPEN if parked else OPEN - {MessageState.PARKED}
    query = Query(states, source, cause, limit=limit)
    with open_intake(trail) as intake:
        if by_cause:
            _say_causes(intake.desk.causes(query), as_json=as_json)
            return
        ranked = intake.ranked(query)
    if as_json:
        say_json({"letters": [_impact_as_dict(one) for one in ranked]})
        return
    rows = [
        (
            _name(one.letter),
            str(one.letter.state),
            one.letter.source,
            str(one.score),
            one.letter.cause,
            _why(one),
        )
        for one in ranked
    ]
    say_table(("message", "state", "source", "impact", "cause", "why it matters"), rows)
    say(f"{count(len(ranked), 'letter')}.")


@app.command("show")
def show_letter(name: Name, trail: TrailOption = TRAIL, as_json: JsonOption = False) -> None:
    """Show one message: what is wrong with it and where, every attempt, and the bytes as they came."""
    with open_intake(trail) as intake:
        letter = intake.letter(name)
        original = intake.repair.original(letter)
    if as_json:
        told = _as_dict(letter) | {"attempts": [_attempt_as_dict(one) for one in letter.attempts]}
        say_json({**told, "original": original[:_SHOWN].decode(errors="replace")})
        return
    say(f"{_name(letter)}: {letter.state}, of {letter.source}, received {letter.received}")
    say(f"order {letter.order or 'unknown'}; {letter.size:,} bytes, SHA-256 {letter.sha256}")
    for fault in letter.faults:
        say(f"  {fault.code}: {fault}")
    for attempt in letter.attempts:
        say(f"attempt {attempt.number} at {attempt.time}: {attempt.state}")
    say(original[:_SHOWN].decode(errors="replace"))


@app.command("replay")
def replay(
    by: By,
    reason: Reason,
    name: Annotated[
        str | None, typer.Argument(metavar="MESSAGE", help="A message; without one, all of a cause.")
    ] = None,
    trail: TrailOption = TRAIL,
    source: SourceOption = None,
    cause: CauseOption = None,
    body: Annotated[Path | None, typer.Option("--body", help="A file of the mended bytes.")] = None,
    old: Annotated[str, typer.Option("--old", help="Text to be replaced wherever it stands.")] = "",
    new: Annotated[str, typer.Option("--new", help="Text to stand in its place.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Change nothing; say what would be done.")
    ] = False,
    rate: Annotated[float, typer.Option(min=0.01, help="So many a second, at most.")] = 100.0,
    as_json: JsonOption = False,
) -> None:
    """Give messages back to be taken in, mended or as they came. The original stays; the fix is recorded."""
    fix = _fix(body, old, new)
    actor = Actor(by, "person")
    with open_intake(trail) as intake:
        if name is not None:
            letter = intake.letter(name)
            done = not dry_run and intake.repair.replay(letter, actor, reason, fix)
            bulk = Bulk(fitting=1, done=int(done), passed_by=int(not done and not dry_run))
        elif cause is None:
            raise InputError("name a message, or the cause of those to be given back; nothing was done")
        else:
            stopping = on_signal()

            def pause() -> bool:
                sleep(1.0 / rate)
                return not stopping()

            query = Query(OPEN - {MessageState.PARKED}, source, cause)
            bulk = intake.repair.replay_all(query, actor, reason, fix=fix, dry_run=dry_run, pause=pause)
    _say_bulk(bulk, dry_run=dry_run, as_json=as_json)


@app.command("release")
def release(
    by: By, reason: Reason, name: Name, trail: TrailOption = TRAIL, as_json: JsonOption = False
) -> None:
    """Let a held message through: what it was held for is approved, all else still counts."""
    with open_intake(trail) as intake:
        done = intake.repair.release(intake.letter(name), Actor(by, "person"), reason)
    _say_bulk(Bulk(1, int(done), int(not done)), dry_run=False, as_json=as_json)


@app.command("reject")
def reject(
    by: By, reason: Reason, name: Name, trail: TrailOption = TRAIL, as_json: JsonOption = False
) -> None:
    """Decide that a message shall not enter. It is kept, and so is why."""
    with open_intake(trail) as intake:
        done = intake.repair.discard(intake.letter(name), Actor(by, "person"), reason)
    if as_json:
        say_json({"discarded": int(done)})
    else:
        say(
            "Discarded; it is kept, with the reason."
            if done
            else "Somebody else was faster; nothing was done."
        )


@app.command("health")
def health(trail: TrailOption = TRAIL, as_json: JsonOption = False) -> None:
    """Say of each source whether it is live, quiet or failing, and why. Exit status 2 where one is failing."""
    with open_intake(trail) as intake:
        found = intake.health()
    if as_json:
        say_json({"sources": [told_of_health(one) for one in found]})
    else:
        rows = [(one.source, str(one.standing), str(one.figures.backlog), one.reason) for one in found]
        say_table(("source", "standing", "waiting", "why"), rows)
    if any(one.standing is Standing.FAILING for one in found):
        raise typer.Exit(EXIT_INPUT)


@app.command("declare")
def declare(
    channel: Annotated[str, typer.Option(help="The channel of the source.")],
    account: Annotated[str, typer.Option(help="The account of the source.")],
    begin: Annotated[str, typer.Option(help="From when on, in UTC: 2026-11-22 or 2026-11-22T14:00:00Z.")],
    end: Annotated[str, typer.Option(help="Until when, but not including.")],
    orders: Annotated[int, typer.Option(min=0, help="How many orders placed in that time it sent.")],
    total: Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="What they come to: '1204.50 EUR'.")
    ] = None,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Keep what a source says that it sent, and say what of it is missing here; exit status 2 where something is."""
    declared = Declared(_moment("--begin", begin), _moment("--end", end), orders, _total(total))
    if declared.end <= declared.begin:
        raise InputError("--end is to be after --begin; nothing was kept")
    with open_intake(trail) as intake:
        source = str(intake.source(channel, account))
        intake.records.declare(source, declared)
        figures = intake.records.figures(source, intake.flow.clock())
    found = next((one for one in figures.declared if one.declared == declared), None)
    difference = None if found is None else missing(found)
    if as_json:
        here = None if found is None else found.orders
        say_json({"source": source, "declared": orders, "here": here, "missing": difference})
    else:
        say(difference or "Kept.")
    if difference is not None:
        raise typer.Exit(EXIT_INPUT)


def _moment(option: str, text: str) -> str:
    """Return a day or a moment in UTC as times are kept."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"{option} is to be a date or a time of ISO 8601, not {text!r}") from None
    return format_time(moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC))


def _total(text: str | None) -> Money | None:
    if text is None:
        return None
    amount, _, currency = text.strip().partition(" ")
    try:
        return parse_money(amount, currency.strip())
    except ValueError as error:
        raise InputError(
            f"--total is to be an amount and a currency such as '1204.50 EUR': {error}"
        ) from None


_SHOWN = 4_000
"""Characters of the delivered bytes that are shown."""


def _fix(body: Path | None, old: str, new: str) -> Fix | None:
    if body is not None:
        try:
            return Fix(body=body.read_bytes())
        except OSError as error:
            raise InputError(f"{body} cannot be read: {error.strerror}") from None
    return Fix(old=old.encode(), new=new.encode()) if old else None


def _say_bulk(bulk: Bulk, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        say_json(
            {
                "fitting": bulk.fitting,
                "given_back": bulk.done,
                "passed_by": bulk.passed_by,
                "unmended": bulk.unmended,
                "cancelled": bulk.cancelled,
                "dry_run": dry_run,
            }
        )
    elif dry_run:
        say(f"{count(bulk.fitting, 'message')} would be given back; nothing was done.")
    else:
        say(f"Gave back {count(bulk.done, 'message')}; 'ordertrail intake work' takes them in.")
        if bulk.passed_by or bulk.unmended:
            say(f"{bulk.passed_by} somebody else had dealt with, {bulk.unmended} the fix changes nothing of.")


def _say_causes(causes: list[tuple[str, str, int]], *, as_json: bool) -> None:
    if as_json:
        say_json(
            {
                "causes": [
                    {"source": source, "cause": cause, "letters": number} for source, cause, number in causes
                ]
            }
        )
    else:
        say_table(
            ("letters", "source", "cause"), [(str(number), source, cause) for source, cause, number in causes]
        )


def _name(letter: Letter) -> str:
    return message_id(letter.delivery, letter.number)


def _why(impact: Impact) -> str:
    return "; ".join(impact.reasons[:2])


def _impact_as_dict(impact: Impact) -> dict[str, Any]:
    return _as_dict(impact.letter) | {"impact": impact.score, "reasons": list(impact.reasons)}


def _as_dict(letter: Letter) -> dict[str, Any]:
    value = letter.harm.value
    return {
        "message": _name(letter),
        "state": str(letter.state),
        "source": letter.source,
        "received": letter.received,
        "order": letter.order,
        "pointer": letter.pointer,
        "cause": letter.cause,
        "faults": list(map(_fault_as_dict, letter.faults)),
        "value": None if value is None else format_money(value),
        "promised": letter.harm.promised,
        "sha256": letter.sha256,
        "bytes": letter.size,
        "fix": letter.fix,
    }


def _attempt_as_dict(attempt: Any) -> dict[str, Any]:
    faults = list(map(_fault_as_dict, attempt.faults))
    return {"number": attempt.number, "time": attempt.time, "state": str(attempt.state), "faults": faults}


def _fault_as_dict(fault: Fault) -> dict[str, str]:
    return {"code": str(fault.code), "path": fault.path, "message": fault.message, "rule": fault.rule}
