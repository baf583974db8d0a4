"""``ordertrail migrate``: bring the database's schema up to date with this release."""

from enum import StrEnum
from typing import Annotated

import typer

from ordertrail.assembly import migrate_trail
from ordertrail.cli.options import TRAIL, JsonOption, TrailOption
from ordertrail.cli.output import say, say_json


class PhaseName(StrEnum):
    """When a step is taken: before this release replaces the last one, or once nobody runs that any more."""

    PRE = "pre"
    POST = "post"


def migrate(
    trail: TrailOption = TRAIL,
    phase: Annotated[
        PhaseName,
        typer.Option(help="pre: before this release replaces the last one; post: once none of that is left."),
    ] = PhaseName.PRE,
    as_json: JsonOption = False,
) -> None:
    """Take the steps that the schema lacks; what has them already is left as it is."""
    taken = migrate_trail(trail, "pre" if phase is PhaseName.PRE else "post")
    if as_json:
        say_json({"trail": str(trail), "phase": phase.value, "taken": taken})
    elif taken:
        say(f"Taken: {', '.join(taken)}.")
    else:
        say(f"Nothing to do: the schema has every {phase.value} step of this release.")
