"""``ordertrail verify --custody``: how each object is kept, and who could delete it today."""

from pathlib import Path
from typing import Any

import typer

from ordertrail.assembly import list_custody, read_trial
from ordertrail.cli.output import EXIT_BROKEN, err, say, say_json, say_problems, say_table
from ordertrail.kernel.clock import format_time
from ordertrail.vault.inventory import KeptObject, Summary

_SHOWN = 40
"""Objects shown to a person; JSON has them all."""


def tell_custody(trail: Path, stream: str, *, as_json: bool) -> None:
    """List every object of a log and its payloads; end with status 1 where one is missing or was tampered with."""
    summary = Summary()
    objects: list[KeptObject] = []
    for one in list_custody(trail, stream):
        summary.add(one)
        if as_json or len(objects) < _SHOWN or one.problems:
            objects.append(one)
    trial = read_trial(trail)
    if as_json:
        told = (
            None
            if trial is None
            else {"time": trial.time, "verdict": trial.verdict, "findings": trial.findings}
        )
        say_json(
            {
                "summary": summary.sentence,
                "problems": summary.problems,
                "trial": told,
                "objects": [_as_dict(one) for one in objects],
            }
        )
    else:
        say_table(
            ("object", "version", "lock", "until", "could be deleted today by"), list(map(_row, objects))
        )
        if summary.objects > len(objects):
            say(f"… and {summary.objects - len(objects):,} more; --json has them all")
        say(summary.sentence)
        if trial is not None:
            say(f"The store was tried at {trial.time}: {trial.verdict}.")
        problems = [f"{one.path}: {problem}" for one in objects for problem in one.problems]
        if problems:
            err.print("Not kept as they must be:")
            say_problems(problems)
    if summary.problems:
        raise typer.Exit(EXIT_BROKEN)


def _row(one: KeptObject) -> tuple[str, str, str, str, str]:
    kept = one.kept
    if kept is None or one.deleter is None:
        return (one.path, "", "missing", "", "")
    hold = " + legal hold" if kept.legal_hold else ""
    until = "" if kept.until is None else format_time(kept.until)[:19]
    return (one.path, kept.version or "", (kept.mode or "none") + hold, until, one.deleter.value)


def _as_dict(one: KeptObject) -> dict[str, Any]:
    kept = one.kept
    return {
        "path": one.path,
        "version": kept.version if kept else None,
        "mode": kept.mode if kept else None,
        "until": format_time(kept.until) if kept and kept.until else None,
        "legal_hold": kept.legal_hold if kept else None,
        "deletable_by": one.deleter.value if one.deleter else None,
        "problems": list(one.problems),
    }
