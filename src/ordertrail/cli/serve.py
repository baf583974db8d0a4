"""``ordertrail serve``: the whole trail as one service: pages, interface, intake, and what works in the background."""

import sys
from typing import Annotated

import typer

from ordertrail.cli.options import TRAIL, JsonOption, TrailOption
from ordertrail.cli.output import say, say_json
from ordertrail.kernel.errors import ConfigurationError


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on, over that of the settings.")] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65_535, help="Port, over that of the settings; 0 is any that is free."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=256, help="Processes that answer, over those of the settings.")
    ] = None,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Serve pages and interface, seal what comes, feed the index, relay, take in and send on, until stopped."""
    try:
        from ordertrail.web.running.service import run_service  # noqa: PLC0415 - an extra, and slow to import
        from ordertrail.web.running.worker import Overrides  # noqa: PLC0415 - as above
    except ImportError as error:
        raise ConfigurationError(
            f"serving needs a package that is not installed: {error.name}",
            meaning="Nothing is served.",
            remedy="Install it with: pip install 'ordertrail[serve]'",
        ) from None

    def ready(url: str, answering: int) -> None:
        if as_json:
            say_json({"url": url, "workers": answering})
        else:
            say(f"Serving {trail} at {url}; stop with Ctrl-C.")
        sys.stdout.flush()  # whoever started this reads where it listens

    status = run_service(trail, Overrides(host, port, workers), ready)
    if status:
        raise typer.Exit(status)
