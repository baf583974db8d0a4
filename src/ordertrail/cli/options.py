"""Options that every verb shares, and opening the trail they name."""

from pathlib import Path
from typing import Annotated

import typer

from ordertrail.assembly import open_trail
from ordertrail.services import DEFAULT_STREAM, Trail

TrailOption = Annotated[
    Path, typer.Option("--trail", envvar="ORDERTRAIL_TRAIL", help="The trail's directory.", show_default=True)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
StreamOption = Annotated[str, typer.Option("--stream", help="The log within the trail.")]

TRAIL = Path("trail")
STREAM = DEFAULT_STREAM


def opened(root: Path) -> Trail:
    """Open the trail that an option named."""
    return open_trail(root)
