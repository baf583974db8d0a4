"""``ordertrail import``: take events from event logs of other kinds."""

from pathlib import Path
from typing import Annotated

import typer

from ordertrail.assembly import read_event_log
from ordertrail.cli.options import STREAM, TRAIL, JsonOption, StreamOption, TrailOption, opened
from ordertrail.cli.output import progress
from ordertrail.cli.recording import Recording


def import_log(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="XES, OCEL 2.0, CSV, or an audit history: SQLite, CSV or a directory of it."
        ),
    ],
    trail: TrailOption = TRAIL,
    mapping: Annotated[
        str | None,
        typer.Option(help="A mapping file, or the name of one that ships; found by content if left out."),
    ] = None,
    stream: StreamOption = STREAM,
    all_or_nothing: Annotated[
        bool, typer.Option("--all-or-nothing", help="Refuse the whole log if any event of it is refused.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Record the events of an event log, then seal and anchor them. A second import adds nothing."""
    with opened(trail) as open_trail, progress("importing bytes", quiet=as_json) as advance:
        recording = Recording(open_trail, stream, all_or_nothing, seal=True)
        outcome = recording.run(read_event_log(source, mapping, open_trail.actions, advance))
    outcome.tell(as_json=as_json)
