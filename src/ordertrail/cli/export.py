"""``ordertrail export-to``: send sealed events to the destinations of ``[[exporters]]``, from where each stopped."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from ordertrail.assembly.exporting import open_export
from ordertrail.assembly.stores import read_settings
from ordertrail.cli.options import TRAIL, JsonOption, TrailOption
from ordertrail.cli.output import err, say, say_json, say_json_line, say_table
from ordertrail.cli.relay import on_signal
from ordertrail.kernel.errors import ConfigurationError, UnavailableError
from ordertrail.kernel.numbers import count
from ordertrail.settings.export import ExporterSettings


def export_to(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The exporter's name in the settings.")] = "",
    trail: TrailOption = TRAIL,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with what is sealed, until interrupted.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Send sealed events that were not sent yet, each at least once; without a name, say how far each exporter is."""
    exporters = {one.name: one for one in read_settings(trail).exporters}
    if not name:
        _tell_places(trail, list(exporters.values()), as_json=as_json)
        return
    if name not in exporters:
        raise ConfigurationError(
            f"there is no exporter {name!r}; the settings have {', '.join(exporters) or 'none'}",
            meaning="Nothing was sent.",
            remedy="Name it in [[exporters]] of trail.toml.",
        )
    if follow:
        _follow(trail, exporters[name], on_signal(), as_json=as_json)
        return
    with open_export(trail, exporters[name]) as export:
        sent = export.run()
    say_json({"sent": sent}) if as_json else say(f"Sent {count(sent, 'event')} to {name}.")


def _follow(trail: Path, said: ExporterSettings, stopping: Callable[[], bool], *, as_json: bool) -> None:
    """Send what comes; what is unavailable is tried again, for as long as it takes."""

    def tell(sent: int | UnavailableError) -> None:
        if isinstance(sent, UnavailableError):
            say_json_line({"unavailable": sent.message}) if as_json else err.print(sent.message)
        elif sent:
            say_json_line({"sent": sent}) if as_json else say(f"Sent {count(sent, 'event')}.")

    with open_export(trail, said) as export:
        export.follow(stopping, lambda seconds: _rest(seconds, stopping), tell)


def _tell_places(trail: Path, exporters: list[ExporterSettings], *, as_json: bool) -> None:
    rows = []
    for said in exporters:
        with open_export(trail, said, alone=False) as export:
            behind = export.behind()
        rows.append((said, behind))
    if as_json:
        told = [
            {"name": said.name, "format": said.format, "lag": {"events": lag.events, "seconds": lag.seconds}}
            for said, lag in rows
        ]
        say_json({"exporters": told})
        return
    say_table(
        ("exporter", "format", "not sent", "since"),
        [(said.name, said.format, f"{lag.events:,}", f"{lag.seconds:.0f} s") for said, lag in rows],
    )


def _rest(seconds: float, stopping: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and not stopping():
        time.sleep(0.1)
