"""``ordertrail watch waiting``, ``approve`` and ``reject``: rules that one person saved, decided on by another."""

from typing import Annotated

import typer

from ordertrail.assembly.monitor import open_monitor
from ordertrail.cli.options import TRAIL, ByOption, JsonOption, ReasonOption, TrailOption, deciding
from ordertrail.cli.output import say, say_json, say_table
from ordertrail.cli.watch import app as app  # noqa: PLC0414 - the verbs of both modules are one group
from ordertrail.kernel.errors import InputError
from ordertrail.kernel.numbers import count

_DIGITS = 12
"""Digits of a hash that 'waiting' shows."""

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The file of rules that waits.")]


@app.command()
def waiting(
    name: Annotated[str | None, typer.Argument(help="One of them, to read it whole.")] = None,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Show rules that wait for another person's approval, and files in the folder that are not in force."""
    with open_monitor(trail) as monitor:
        found, strays = monitor.waiting(), monitor.strays()
    if name is not None:
        found = [one for one in found if one.name == name]
    if as_json:
        told = [
            {
                "name": one.name,
                "by": one.by,
                "at": one.at,
                "reason": one.reason,
                "sha256": one.sha256,
                "text": one.text,
            }
            for one in found
        ]
        say_json({"waiting": told, "not_in_force": strays})
        return
    if name is not None and found:
        say(found[0].text)
        say(f"sha256 {found[0].sha256}")
        return
    rows = [(one.name, one.sha256[:_DIGITS], one.by, one.at[:19], one.reason) for one in found]
    if rows:
        say_table(("rules", "sha256", "saved by", "at", "why"), rows)
    say(
        f"{count(len(found), 'file')} of rules waiting."
        + (f" Not in force: {', '.join(strays)}." if strays else "")
    )


@app.command()
def approve(
    name: NameArgument,
    sha256: Annotated[
        str, typer.Option("--sha256", help="Of the text that was read, as 'waiting' shows it.")
    ],
    reason: ReasonOption,
    by: ByOption = None,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Put in force what another person saved."""
    who = deciding(by)
    if len(sha256) < _DIGITS:
        raise InputError(
            f"a text is named by {_DIGITS} digits of its hash or more",
            meaning="Nothing was approved.",
            remedy="Read it with 'ordertrail watch waiting NAME', which ends with its hash.",
        )
    with open_monitor(trail) as monitor:
        read = next(
            (one for one in monitor.waiting() if one.name == name and one.sha256.startswith(sha256)), None
        )
        found = monitor.approve(name, sha256 if read is None else read.sha256, who, reason)
    if as_json:
        say_json({"approved": name, "rules": [rule.about.name for rule in found]})
    else:
        say(f"{count(len(found), 'rule')} of {name} in force: a running watch has them within a moment.")


@app.command()
def reject(
    name: NameArgument,
    reason: ReasonOption,
    by: ByOption = None,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Turn down rules that somebody saved, or take back one's own."""
    who = deciding(by)
    with open_monitor(trail) as monitor:
        monitor.reject(name, who, reason)
    if as_json:
        say_json({"rejected": name})
    else:
        say(f"{name} waits no more; what was in force is.")
