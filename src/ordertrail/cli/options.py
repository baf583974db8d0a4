"""Options that every verb shares, and opening the trail they name."""

import getpass
from pathlib import Path
from typing import Annotated

import typer

from ordertrail.assembly import open_trail
from ordertrail.record.event import Actor
from ordertrail.services import DEFAULT_STREAM, Trail

TrailOption = Annotated[
    Path, typer.Option("--trail", envvar="ORDERTRAIL_TRAIL", help="The trail's directory.", show_default=True)
]
ByOption = Annotated[str | None, typer.Option("--by", help="Who decides; else the user who runs this.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, for whoever reads it later.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
StreamOption = Annotated[str, typer.Option("--stream", help="The log within the trail.")]

TRAIL = Path("trail")
STREAM = DEFAULT_STREAM


def opened(root: Path) -> Trail:
    """Open the trail that an option named."""
    return open_trail(root)


def deciding(by: str | None) -> Actor:
    """Return who decides: the person named, else the user who runs the command."""
    return Actor(getpass.getuser() if by is None else by, "person")
