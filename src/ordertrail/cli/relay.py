"""``ordertrail relay``: bring what applications captured from their outbox to the ledger, once or as it comes."""

import signal
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict
from typing import Annotated, Any

import typer

from ordertrail.assembly.relay import open_relay
from ordertrail.capture.outbox.relay import Relay, Relayed
from ordertrail.cli.options import STREAM, TRAIL, JsonOption, StreamOption, TrailOption, opened
from ordertrail.cli.output import EXIT_INPUT, err, say, say_json, say_json_line
from ordertrail.kernel.errors import InputError, OrderTrailError, Problem
from ordertrail.kernel.numbers import count
from ordertrail.settings import secret


def relay(
    database: Annotated[
        str,
        typer.Option(
            "--database", metavar="URL", help="The application's database, as postgresql:// or sqlite:///."
        ),
    ],
    trail: TrailOption = TRAIL,
    stream: StreamOption = STREAM,
    password_file: Annotated[
        str | None, typer.Option("--password-file", help="A file that holds the database's password.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on relaying what comes, until interrupted.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="First take up again the rows that the trail refused.")
    ] = False,
    bus: Annotated[
        list[str] | None,
        typer.Option(
            "--bus", metavar="URL", help="Send over this bus, and need no trail here; once for each server."
        ),
    ] = None,
    application: Annotated[
        str | None, typer.Option("--application", help="The application's name on the bus.")
    ] = None,
    bus_user: Annotated[str | None, typer.Option("--bus-user", help="As whom to come to the bus.")] = None,
    bus_password_file: Annotated[
        str | None, typer.Option("--bus-password-file", help="A file that holds that user's password.")
    ] = None,
    bus_credentials: Annotated[
        str | None,
        typer.Option("--bus-credentials", help="A file of NATS credentials, where the bus wants those."),
    ] = None,
    replicas: Annotated[
        int,
        typer.Option(
            "--replicas", min=1, max=5, help="Servers of the bus that must keep each event, at least."
        ),
    ] = 3,
    as_json: JsonOption = False,
) -> None:
    """Move captured events from an application's outbox to the trail, each exactly once; then say what waits.

    What the outbox should hold and does not is put on record, and told. Sealing is another verb's business.
    """
    password = _password(password_file, "--password-file")
    with ExitStack() as stack:
        if bus:
            said = {
                "urls": bus, "user": bus_user, "password_file": bus_password_file,
                "credentials_file": bus_credentials, "replicas": replicas,
            }  # fmt: skip
            moving = stack.enter_context(_over_bus(database, password, application, said))
        else:
            moving = stack.enter_context(
                open_relay(stack.enter_context(opened(trail)), database, stream=stream, password=password)
            )
        if again:
            moving.take_up_refused()
        if follow:
            _follow(moving, as_json=as_json)
            return
        done = moving.run()
        waiting = moving.backlog()
    if as_json:
        say_json({**asdict(done), "backlog": asdict(waiting)})
    else:
        say(_told(done))
        if waiting.refused:
            err.print(
                f"{count(waiting.refused, 'row')} of the outbox the trail refused; they stay there, with the reason "
                "in their column problem, and '--again' takes them up again."
            )
    if done.holes or done.refused or waiting.refused:
        raise typer.Exit(EXIT_INPUT)


def _over_bus(
    database: str, password: str | None, application: str | None, said: dict[str, Any]
) -> AbstractContextManager[Relay]:
    """Open a relay that sends over the bus that the options name."""
    from ordertrail.assembly.bus import bus_line, open_bus_relay  # noqa: PLC0415 - an extra

    if application is None:
        raise InputError(Problem("--application", "is missing: the bus knows each application by its name"))
    return open_bus_relay(database, bus_line(said, application), password=password)


def _password(file: str | None, option: str) -> str | None:
    found = secret("", file, option) if file else None
    return found.decode() if found is not None else None


def _follow(moving: Relay, *, as_json: bool) -> None:
    stopping = on_signal()

    def tell(done: Relayed | OrderTrailError) -> None:
        if isinstance(done, OrderTrailError):
            say_json_line({"unavailable": done.message}) if as_json else err.print(done.message)
            return
        told: dict[str, Any] = {**asdict(done), "backlog": asdict(moving.backlog())}
        say_json_line(told) if as_json else say(_told(done))

    if not as_json:
        say("Relaying what comes. Ctrl-C ends it cleanly.")
    moving.follow(stopping, tell)


def on_signal() -> Callable[[], bool]:
    """Return what says whether the process was asked to end; asked twice, it ends at once."""
    asked = False

    def ask(_signal: int, _frame: object) -> None:
        nonlocal asked
        if asked:
            sys.exit(130)
        asked = True

    signal.signal(signal.SIGINT, ask)
    signal.signal(signal.SIGTERM, ask)
    return lambda: asked


def _told(done: Relayed) -> str:
    text = f"Relayed {count(done.recorded, 'event')} of {count(done.rows, 'row')} of the outbox"
    if done.repeated:
        text += f", knew {done.repeated:,} already"
    if done.refused:
        text += f"; {count(done.refused, 'row')} refused"
    if done.bypasses:
        text += f"; {count(done.bypasses, 'change')} went past the application"
    if done.holes:
        text += f"; {count(done.holes, 'hole')} found: events were lost before they were relayed, and that is on record"
    return text + "."
