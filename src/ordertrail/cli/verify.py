"""``ordertrail verify``: the full check."""

import os
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from ordertrail.assembly.distributing import On, working
from ordertrail.cli.custody import tell_custody
from ordertrail.cli.options import STREAM, TRAIL, JsonOption, StreamOption, TrailOption, opened
from ordertrail.cli.output import EXIT_BROKEN, err, out, progress, say, say_json, say_problems
from ordertrail.cli.shared import tell_shared
from ordertrail.kernel.errors import InputError
from ordertrail.kernel.numbers import count
from ordertrail.ledger.verify.full import Options
from ordertrail.ledger.verify.report import Report, Step

LAST = "last"


def verify(
    trail: TrailOption = TRAIL,
    stream: StreamOption = STREAM,
    anchor: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="A checkpoint kept elsewhere that the trail must extend; repeatable."
        ),
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="FILE|last", help="Check only what follows this checkpoint.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where an interrupted check stopped.")
    ] = False,
    workers: Annotated[
        int,
        typer.Option("--workers", "--processes", min=1, help="Processes, or actors of a cluster, to use."),
    ] = os.cpu_count() or 1,
    on: Annotated[
        On, typer.Option(help="Where they run: this machine, or the Ray cluster that RAY_ADDRESS names.")
    ] = On.LOCAL,
    deep: Annotated[
        bool | None,
        typer.Option("--deep/--no-deep", help="Compare the database's indexes too (default: up to 250,000)."),
    ] = None,
    custody: Annotated[
        bool,
        typer.Option("--custody", help="Only list how each object is kept, and who could delete it today."),
    ] = False,
    segments: Annotated[
        bool,
        typer.Option("--segments", help="Only hold the segments that are shared as tables against the log."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Re-hash every entry and compare every copy; name the first wrong thing and what is still provable.

    Exit status 1 if anything is wrong.
    """
    if custody:
        tell_custody(trail, stream, as_json=as_json)
        return
    if segments:
        tell_shared(trail, deep=bool(deep), as_json=as_json)
        return
    good = trail / f"verified-{stream}"
    start = LAST if resume and good.exists() else since
    if start == LAST and not good.exists():
        raise InputError("no check of this log has succeeded here yet", remedy="Check once without --since.")
    options = Options(
        since=read_checkpoint(good if start == LAST else Path(start)) if start else None,
        elsewhere=[(str(path), read_checkpoint(path)) for path in anchor or ()],
        deep=deep,
        on_good=lambda checkpoint: _remember(good, checkpoint),
    )
    with (
        opened(trail) as open_trail,
        working(workers, on) as hired,
        progress("checking entries", quiet=as_json) as advance,
    ):
        report = open_trail.verify(replace(options, workers=hired), stream=stream, progress=advance)
    if as_json:
        say_json(_as_dict(report))
    else:
        _tell(report)
    if not report.intact:
        raise typer.Exit(EXIT_BROKEN)


def read_checkpoint(path: Path) -> bytes:
    """Read a checkpoint that an option named."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"the checkpoint {path} cannot be read: {error.strerror}") from None


def _remember(path: Path, checkpoint: bytes) -> None:
    """Keep the newest good checkpoint. It is a convenience, never evidence: it is checked when it is used."""
    part = path.with_name(path.name + ".part")
    with suppress(OSError):  # on read-only storage there is nothing to go on from next time
        part.write_bytes(checkpoint)
        part.replace(path)


def _tell(report: Report) -> None:
    colour = "green" if report.intact else "bold red"
    out.print(f"[{colour}]{'✓' if report.intact else '✗'}[/{colour}] ", end="")
    say(report.verdict)
    counts = report.counts
    say(
        f"  {count(counts.entries, 'entry', 'entries')}, {count(counts.batches, 'batch', 'batches')}, "
        f"{count(counts.tiles, 'tile')}, {count(counts.checkpoints, 'checkpoint')}, "
        f"{count(counts.blobs, 'blob')} in {report.seconds:.1f} s"
        + (f" ({counts.entries / report.seconds:,.0f} entries/s)" if counts.entries else "")
    )
    for step in Step:
        found = [finding for finding in report.findings if finding.step is step]
        mark = "[red]✗[/red]" if found else "[green]✓[/green]"
        out.print(f"  {mark} {step.number} {step.label}: {step.promise}")
    if report.findings:
        ordered = sorted(report.findings, key=lambda finding: finding.rank)
        say_problems([str(finding) for finding in ordered])
        if report.more_findings:
            err.print(f"  … and {report.more_findings:,} more that are not listed")
    for note in report.notes:
        say(f"  note: {note}")


def _as_dict(report: Report) -> dict[str, Any]:
    first = report.first
    ordered = sorted(report.findings, key=lambda finding: finding.rank)
    findings = [
        {
            "step": finding.step.number,
            "name": finding.step.label,
            "where": finding.where,
            "message": finding.message,
            "index": finding.index,
            "order": finding.order,
        }
        for finding in ordered
    ]
    return {
        "intact": report.intact,
        "verdict": report.verdict,
        "stream": report.stream,
        "origin": report.origin,
        "size": report.size,
        "published": report.published,
        "since": report.since,
        "first_recorded": report.first_recorded,
        "last_recorded": report.last_recorded,
        "counts": asdict(report.counts),
        "first": findings[0] if first else None,
        "findings": findings,
        "more_findings": report.more_findings,
        "provable": asdict(report.provable) if report.provable else None,
        "notes": report.notes,
        "seconds": round(report.seconds, 3),
    }
