"""``ordertrail record``: take events from JSON lines."""

from typing import Annotated

import typer

from ordertrail.assembly import read_lines
from ordertrail.cli.options import STREAM, TRAIL, JsonOption, StreamOption, TrailOption, opened
from ordertrail.cli.output import progress
from ordertrail.cli.recording import Recording


def record(
    source: Annotated[
        str, typer.Argument(metavar="FILE|-", help="JSON lines, plain, gzip or zstd; - is stdin.")
    ],
    trail: TrailOption = TRAIL,
    stream: StreamOption = STREAM,
    all_or_nothing: Annotated[
        bool, typer.Option("--all-or-nothing", help="Refuse the whole input if any line of it is refused.")
    ] = False,
    seal: Annotated[bool, typer.Option(help="Seal and anchor what was recorded.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Record events, one JSON object a line, then seal and anchor them.

    Good lines are kept and bad ones named with every problem, or the whole input is refused, as asked.
    """
    with opened(trail) as open_trail, progress("recording bytes", quiet=as_json) as advance:
        recording = Recording(open_trail, stream, all_or_nothing, seal)
        outcome = recording.run(read_lines(source, advance))
    outcome.tell(as_json=as_json)
