"""``ordertrail index``: the index that searches are answered from; it is made of the log and can be made again."""

from typing import Annotated

import typer

from ordertrail.assembly.index import open_query
from ordertrail.cli.options import TRAIL, JsonOption, TrailOption
from ordertrail.cli.output import progress, say, say_json, say_table
from ordertrail.cli.search import lag_as_dict, say_lag
from ordertrail.kernel.numbers import count

app = typer.Typer(help="Build the index that searches are answered from.", no_args_is_help=True)


@app.command()
def build(
    trail: TrailOption = TRAIL,
    anew: Annotated[bool, typer.Option("--anew", help="Drop what is there first.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Bring the index up to where the log is. It goes on where it stopped, however it was stopped."""
    with open_query(trail) as query:
        ahead = sum(query.log.size(stream) for stream in query.streams) if anew else query.lag().events
        done = 0
        with progress("indexing", quiet=as_json) as advance:

            def tell(batch: int) -> None:
                nonlocal done
                done += batch
                advance(done, ahead)

            fed = query.rebuild(tell) if anew else query.feed(tell)
        behind = query.lag()
    if as_json:
        say_json({"indexed": fed, "lag": lag_as_dict(behind)})
    else:
        say(f"Indexed {count(fed, 'entry', 'entries')}.")
        say_lag(behind)


@app.command()
def status(trail: TrailOption = TRAIL, as_json: JsonOption = False) -> None:
    """Say how far the index is behind each log."""
    with open_query(trail) as query:
        places = query.index.places()
        logs = [(stream, places.get(stream, 0), query.log.size(stream)) for stream in query.streams]
        behind = query.lag()
    if as_json:
        told = [{"stream": stream, "indexed": place, "sealed": size} for stream, place, size in logs]
        say_json({"streams": told, "lag": lag_as_dict(behind)})
        return
    say_table(
        ("stream", "indexed", "sealed"), [(stream, f"{place:,}", f"{size:,}") for stream, place, size in logs]
    )
    say_lag(behind)
