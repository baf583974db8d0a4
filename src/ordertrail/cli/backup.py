"""``ordertrail backup``, ``restore`` and ``reindex``: copies of a trail, and trails of copies."""

import getpass
from pathlib import Path
from typing import Annotated, Any

import typer

from ordertrail.assembly import back_up, open_trail
from ordertrail.assembly import reindex as rebuild_database
from ordertrail.assembly import restore as restore_backup
from ordertrail.assembly.restore import Request, Restored
from ordertrail.cli.options import TRAIL, JsonOption, TrailOption
from ordertrail.cli.output import EXIT_BROKEN, progress, say, say_json
from ordertrail.cli.verify import read_checkpoint
from ordertrail.kernel.numbers import count
from ordertrail.ledger.verify.full import Options
from ordertrail.ledger.verify.report import Report
from ordertrail.record.event import Actor

ReasonOption = Annotated[str, typer.Option(help="Why; it is put on record with your name.")]


def backup(
    target: Annotated[Path, typer.Argument(help="The backup's directory; a new one, or an older backup's.")],
    trail: TrailOption = TRAIL,
    with_keys: Annotated[
        bool,
        typer.Option("--with-keys", help="Copy signing and personal keys too; guard the backup like them."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Bring a backup up to date: the published tree, blobs, settings and what waits."""
    made = back_up(trail, target, with_keys=with_keys)
    if as_json:
        say_json(
            {
                "backup": str(target),
                "made": made.made,
                "copied": made.copied,
                "known": made.known,
                "keys": made.keys,
                "streams": [
                    {"stream": one.name, "size": one.size, "root": one.root, "waiting": one.waiting}
                    for one in made.logs
                ],
            }
        )
        return
    for one in made.logs:
        waiting = f", {one.waiting:,} waiting" if one.waiting else ""
        say(f"{one.origin}: {count(one.size, 'event')}{waiting}, root {one.root[:16]}…")
    say(f"Backed up to {target}: {count(made.copied, 'object')} copied, {made.known:,} there already.")
    if not made.keys:
        say(
            "The keys are not in it. Keep them elsewhere, encrypted; without them nothing more can be sealed."
        )


def restore(
    source: Annotated[Path, typer.Argument(help="The directory that 'ordertrail backup' wrote.")],
    trail: TrailOption = TRAIL,
    anchor: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="A checkpoint kept elsewhere that the backup must extend; repeatable."
        ),
    ] = None,
    reason: ReasonOption = "restored from a backup",
    force: Annotated[
        bool,
        typer.Option("--force", help="Restore what is older than a checkpoint; recorded as an incident."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Restore a trail from a backup into a new directory, and check all of it."""
    elsewhere = [(str(path), read_checkpoint(path)) for path in anchor or ()]
    request = Request(Actor(getpass.getuser(), "person"), reason, elsewhere, force)
    with progress("rebuilding", quiet=as_json) as advance:
        restored = restore_backup(source, trail, request, advance)
    _tell("Restored", trail, restored, as_json=as_json)


def reindex(
    trail: TrailOption = TRAIL,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put a database that is there aside and take its place.")
    ] = False,
    reason: ReasonOption = "rebuilt from the published tree",
    as_json: JsonOption = False,
) -> None:
    """Rebuild the database from the published tree alone, and check all of it."""
    request = Request(Actor(getpass.getuser(), "person"), reason)
    with progress("rebuilding", quiet=as_json) as advance:
        rebuilt = rebuild_database(trail, request, advance, replace_existing=replace)
    _tell("Rebuilt", trail, rebuilt, as_json=as_json)


def _tell(verb: str, trail: Path, logs: list[Restored], *, as_json: bool) -> None:
    """Check what was made and say both; end with status 1 where it is not whole."""
    with open_trail(trail) as opened, progress("checking", quiet=as_json) as advance:
        reports = [opened.verify(Options(), stream=one.name, progress=advance) for one in logs]
    if as_json:
        say_json(
            {
                "trail": str(trail),
                "streams": [_as_dict(one, report) for one, report in zip(logs, reports, strict=True)],
            }
        )
    else:
        for one, report in zip(logs, reports, strict=True):
            events = count(one.checkpoint.size, "event")
            say(f"{verb} {one.checkpoint.origin}: {events}, {one.waiting:,} waiting.")
            say(f"{'✓' if report.intact else '✗'} {report.verdict}")
    if not all(report.intact for report in reports):
        raise typer.Exit(EXIT_BROKEN)


def _as_dict(one: Restored, report: Report) -> dict[str, Any]:
    return {
        "stream": one.name,
        "origin": one.checkpoint.origin,
        "size": one.checkpoint.size,
        "root": one.checkpoint.root.hex(),
        "waiting": one.waiting,
        "intact": report.intact,
        "verdict": report.verdict,
    }
