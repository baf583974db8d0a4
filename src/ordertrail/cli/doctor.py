"""``ordertrail doctor``: find out why something does not work."""

from typing import Annotated

import typer

from ordertrail.assembly import open_trail, probes
from ordertrail.cli.options import TRAIL, JsonOption, TrailOption
from ordertrail.cli.output import EXIT_INPUT, out, say, say_json
from ordertrail.diagnosis import diagnose

_MARKS = {"ok": "[green]✓[/green]", "warning": "[yellow]![/yellow]", "failed": "[red]✗[/red]"}


def doctor(
    trail: TrailOption = TRAIL,
    prove: Annotated[
        bool,
        typer.Option(
            "--prove", help="Try to break a lock in the vault's bucket; leaves a tiny locked object."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Look at the machine, the trail and each part that it names; say what is wrong and what to do."""
    found = list(diagnose(trail, open_trail, probes(trail, prove=prove)))
    failed = any(one.level == "failed" for one in found)
    if as_json:
        checks = [{"name": one.name, "level": one.level, "message": one.message} for one in found]
        say_json({"healthy": not failed, "checks": checks})
    else:
        for one in found:
            out.print(f"{_MARKS[one.level]} ", end="")
            say(f"{one.name}: {one.message}")
    if failed:
        raise typer.Exit(EXIT_INPUT)
