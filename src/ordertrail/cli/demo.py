"""``ordertrail demo``: a lively shop's trail, made and served, to be looked at in a browser."""

import shutil
import sys
import threading
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from ordertrail.cli.options import JsonOption
from ordertrail.cli.output import say, say_json
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.kernel.numbers import count
from ordertrail.testing.shop import PEOPLE, Shop, go_on, open_shop
from ordertrail.web.running.service import run_service
from ordertrail.web.running.worker import Overrides

_MARK = "demo"
"""A file beside the trail: this folder was made by this verb, and may be made anew by it."""


def demo(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where the shop is made; one made before is made anew.")
    ] = Path("shop"),
    empty: Annotated[
        bool, typer.Option("--empty", help="Nothing has happened yet: people, and four first steps.")
    ] = False,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port; 0 is any that is free.")] = 8_530,
    as_json: JsonOption = False,
) -> None:
    """Make a shop's trail with orders, people, a fraud, a channel that stopped and a tampering, and serve it."""
    _make_room(folder)
    if not as_json:
        say("Putting a shop together …")
    shop = open_shop(folder / "trail", empty=empty)
    stopping = threading.Event()
    living = threading.Thread(
        target=go_on, args=(folder / "trail", stopping.wait), name="the shop", daemon=True
    )

    def ready(url: str, _answering: int) -> None:
        _tell(shop, url, as_json=as_json)
        if not empty:
            living.start()

    status = run_service(folder / "trail", Overrides(port=port), ready)
    stopping.set()
    if living.ident is not None:
        living.join()
    if status:
        raise typer.Exit(status)


def _make_room(folder: Path) -> None:
    """Remove a shop that was made here before; refuse a folder that is anything else."""
    if (folder / _MARK).is_file():
        shutil.rmtree(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        strange = any(folder.iterdir())
        if not strange:
            (folder / _MARK).write_text(
                "Made by 'ordertrail demo'; it may be deleted, and is when it is made anew.\n"
            )
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be made: {error.strerror}") from None
    if strange:
        raise ConfigurationError(
            f"{folder} holds something that is no shop of this command",
            meaning="Nothing was made, and nothing there was touched.",
            remedy="Name another folder.",
        )


def _tell(shop: Shop, url: str, *, as_json: bool) -> None:
    """Say where the shop is, who may come in, and what there is to see."""
    if as_json:
        people = [
            {"name": one.name, "title": one.title, "roles": [str(role) for role in one.roles]}
            for one in PEOPLE
        ]
        sights = [{"text": one.text, "name": one.name, "url": url + one.path} for one in shop.sights]
        say_json(
            {"url": url, "password": shop.password, "events": shop.events, "people": people, "sights": sights}
        )
    else:
        say(f"\n{count(shop.events, 'event')} sealed. Open {url}/?tour=1 and sign in as one of:\n")
        for one in PEOPLE:
            say(f"  {one.name:6}{one.title}, {', '.join(role.replace('_', ' ') for role in one.roles)}")
        say(f"\nEverybody's password is {shop.password}\n\nWorth a look:")
        for sight in shop.sights:
            say(f"  {sight.text} ({sight.name})\n    {url}{quote(sight.path)}")
        say("\nStop with Ctrl-C.")
    sys.stdout.flush()  # whoever started this reads where it listens
