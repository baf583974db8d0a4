"""``ordertrail keys``: list a log's keys, and put a new one in force."""

import getpass
from typing import Annotated

import typer

from ordertrail.cli.options import STREAM, TRAIL, JsonOption, StreamOption, TrailOption, opened
from ordertrail.cli.output import say, say_json
from ordertrail.record.event import Actor

app = typer.Typer(help="The log's signing keys.", no_args_is_help=True)


@app.command("list")
def list_keys(
    trail: TrailOption = TRAIL,
    stream: StreamOption = STREAM,
    plain: Annotated[bool, typer.Option("--plain", help="Only the keys, one a line.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the log's verifier keys, oldest first, and from which size each is in force."""
    with opened(trail) as open_trail:
        periods = open_trail.keys(stream)
    if as_json:
        say_json({"stream": stream, "keys": [{"first": one.first, "key": one.vkey} for one in periods]})
        return
    for period in periods:
        say(period.vkey if plain else f"from size {period.first:>10,}  {period.vkey}")


@app.command("rotate")
def rotate(trail: TrailOption = TRAIL, stream: StreamOption = STREAM, as_json: JsonOption = False) -> None:
    """Put a new signing key in force, by an entry that the old key and the new one sign."""
    with opened(trail) as open_trail:
        period = open_trail.rotate(Actor(getpass.getuser(), "person"), stream=stream)
    if as_json:
        say_json({"stream": stream, "first": period.first, "key": period.vkey})
    else:
        say(f"In force from size {period.first:,}:\n  {period.vkey}")
