"""``ordertrail init``: create a trail."""

import secrets
import socket
from pathlib import Path
from typing import Annotated

import typer

from ordertrail.assembly import KEEP_DAYS, create_trail
from ordertrail.cli.options import TRAIL, JsonOption, TrailOption
from ordertrail.cli.output import say, say_json
from ordertrail.settings import Settings


def init(
    trail: TrailOption = TRAIL,
    origin: Annotated[
        str | None, typer.Option(help="The log's name in its checkpoints, such as orders.example.com/trail.")
    ] = None,
    keep_days: Annotated[
        int, typer.Option(min=0, help="Days that published objects are kept at least.")
    ] = KEEP_DAYS,
    immutable: Annotated[
        bool, typer.Option(help="Set the immutable flag on kept objects where the system allows it.")
    ] = True,
    post_quantum: Annotated[bool, typer.Option(help="Add ML-DSA-44 signatures to checkpoints.")] = False,
    settings_file: Annotated[
        Path | None,
        typer.Option(
            "--settings",
            metavar="FILE",
            help="A settings file to begin with, instead of the two options above.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Create a trail in a new directory, with its first signing key."""
    name = origin or f"{socket.gethostname()}/{trail.resolve().name}-{secrets.token_hex(4)}".replace(" ", "-")
    settings = None if settings_file else Settings(immutable=immutable, post_quantum=post_quantum)
    with create_trail(
        trail, name, settings=settings, settings_file=settings_file, keep_days=keep_days
    ) as created:
        vkey = created.keys()[-1].vkey
        encrypted = created.log().key_encrypted(vkey)
    if as_json:
        say_json(
            {
                "trail": str(trail),
                "origin": name,
                "key": vkey,
                "keep_days": keep_days,
                "key_encrypted": encrypted,
            }
        )
        return
    say(f"Created the trail {trail} of log {name}; its objects are kept for {keep_days:,} days.")
    say(f"Verifier key, to hand to whoever checks your proofs:\n  {vkey}")
    if not encrypted:
        say(
            "The signing key is not encrypted: set ORDERTRAIL_PASSPHRASE_FILE before 'init' to have it so, or keep "
            f"{trail}/keys where only this service reads it."
        )
