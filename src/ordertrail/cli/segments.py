"""``ordertrail segments``: the sealed log as columns, for questions over years; made again from the log at any time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from ordertrail.cli.options import TRAIL, JsonOption, TrailOption
from ordertrail.cli.output import EXIT_BROKEN, progress, say, say_json, say_problems, say_table
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.kernel.numbers import count
from ordertrail.query.segments.building import build as build_segments
from ordertrail.query.segments.building import drop_all
from ordertrail.query.segments.checking import check
from ordertrail.query.segments.manifest import Manifest, digest_of
from ordertrail.query.segments.planning import current

app = typer.Typer(
    help="Keep the sealed log as Parquet files too, for questions over years.", no_args_is_help=True
)


@contextmanager
def _opened(trail: Path) -> Iterator[Any]:
    try:
        from ordertrail.assembly.columnar import open_segments  # noqa: PLC0415 - an extra that the other verbs do without
    except ImportError as error:
        raise ConfigurationError(
            f"segments need a package that is not installed: {error}",
            meaning="Nothing was made or checked; the index answers every question without segments.",
            remedy="Install it with: pip install 'ordertrail[columnar]'",
        ) from None
    with open_segments(trail) as work:
        yield work


@app.command()
def build(
    trail: TrailOption = TRAIL,
    anew: Annotated[bool, typer.Option("--anew", help="Remove what is there first.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make segments of what is sealed and published. It goes on where it stopped, however it was stopped."""
    with _opened(trail) as work:
        if anew:
            drop_all(work.shelf, work.streams)
        ahead = sum(
            work.source.tree.size(stream) - _reached(work.shelf.manifests(stream)) for stream in work.streams
        )
        made: list[Manifest] = []
        with progress("making segments", quiet=as_json) as advance:

            def tell(manifest: Manifest) -> None:
                made.append(manifest)
                advance(sum(one.block.end - one.block.start for one in made), ahead)

            read = build_segments(work.shelf, work.source, work.streams, work.heights, tell)
    if as_json:
        say_json({"read": read, "made": [_as_dict(one) for one in made]})
    else:
        say(f"Made {count(len(made), 'segment')} of {count(read, 'entry', 'entries')} of the log.")


@app.command()
def status(trail: TrailOption = TRAIL, as_json: JsonOption = False) -> None:
    """Say which segments there are, and up to where in each log they go."""
    with _opened(trail) as work:
        words = digest_of(work.source.actions)
        logs = [
            (stream, current(work.shelf.manifests(stream)), work.source.tree.size(stream))
            for stream in work.streams
        ]
    if as_json:
        say_json(
            {
                "streams": [
                    {
                        "stream": stream,
                        "published": size,
                        "reached": _reached(found),
                        "other_words": sum(one.words != words for one in found),
                        "segments": [_as_dict(one) for one in found],
                    }
                    for stream, found, size in logs
                ]
            }
        )
        return
    rows = [
        (
            stream,
            f"{len(found):,}",
            f"{_reached(found):,}",
            f"{size:,}",
            f"{sum(one.size for one in found):,}",
        )
        for stream, found, size in logs
    ]
    say_table(("stream", "segments", "reach to", "published", "bytes"), rows)
    if any(one.words != words for _, found, _ in logs for one in found):
        say("Some were made with other words for actions than the settings have now: build --anew.")


@app.command("share")
def share_segments(
    trail: TrailOption = TRAIL,
    anew: Annotated[bool, typer.Option("--anew", help="Remove what is shared first.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Share segments as Apache Iceberg tables, in the warehouse that the settings name; it goes on where it stopped."""
    with opened_sharing(trail) as sharing, progress("sharing segments", quiet=as_json) as advance:
        ahead = sum(_reached(sharing.shelf.manifests(stream)) for stream in sharing.streams)
        done = sharing.share(anew=anew, on_segment=lambda one: advance(one.block.end, ahead))
        locations = sharing.locations()
    if as_json:
        say_json(
            {
                "came": [_as_dict(one) for one in done.came],
                "left": [one.name for one in done.left],
                "removed": [one.name for one in done.removed],
                "reach": done.reach,
                "tables": locations,
            }
        )
        return
    say(
        f"Shared {count(len(done.came), 'segment')}; {len(done.left)} left, the files of {len(done.removed)} removed."
    )
    rows = [
        (stream, f"{done.reach[stream]:,}", name, place)
        for stream, tables in locations.items()
        for name, place in tables.items()
    ]
    if rows:
        say_table(("stream", "reach to", "table", "metadata"), rows)


@contextmanager
def opened_sharing(trail: Path) -> Iterator[Any]:
    """Open where a trail's segments are shared. Raises ConfigurationError where what that needs is not installed."""
    try:
        from ordertrail.assembly.sharing import open_sharing  # noqa: PLC0415 - an extra that the other verbs do without
    except ImportError as error:
        raise ConfigurationError(
            f"sharing segments needs a package that is not installed: {error}",
            meaning="Nothing was shared or checked.",
            remedy="Install it with: pip install 'ordertrail[iceberg]'",
        ) from None
    with open_sharing(trail) as sharing:
        yield sharing


@app.command()
def verify(
    trail: TrailOption = TRAIL,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read every entry again, and compare it with its row.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Hold segments against the log: files, roots under the signed checkpoint, and with --deep every row."""
    with _opened(trail) as work:
        every = [one for stream in work.streams for one in work.shelf.manifests(stream)]
        total = sum(one.block.end - one.block.start for one in every)
        done = 0
        with progress("checking segments", quiet=as_json) as advance:

            def tell(entries: int) -> None:
                nonlocal done
                done += entries
                advance(done, total)

            found = [
                finding
                for one in every
                for finding in check(one, work.inspection, work.source, deep=deep, on_entries=tell)
            ]
    if as_json:
        say_json(
            {"segments": len(every), "entries": total, "deep": deep, "findings": [str(one) for one in found]}
        )
    elif found:
        say_problems([str(one) for one in found])
        say(
            "The log is not in doubt by this: make the segments anew with 'ordertrail segments build --anew'."
        )
    else:
        say(
            f"{count(len(every), 'segment')} of {count(total, 'entry', 'entries')}: all as in the signed log."
        )
    if found:
        raise typer.Exit(EXIT_BROKEN)


def _reached(manifests: list[Manifest]) -> int:
    known = current(manifests)
    return known[-1].block.end if known else 0


def _as_dict(one: Manifest) -> dict[str, Any]:
    return {
        "stream": one.stream,
        "start": one.block.start,
        "end": one.block.end,
        "root": one.root.hex(),
        "bytes": one.size,
    }
