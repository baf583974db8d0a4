"""``ordertrail notify``: tell people of what is sealed, at once; try routes; see deliveries, and mend them."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from ordertrail.assembly.notify import open_notify, said_routes
from ordertrail.cli.options import TRAIL, JsonOption, TrailOption
from ordertrail.cli.output import EXIT_UNAVAILABLE, err, say, say_json, say_json_line, say_table
from ordertrail.cli.relay import on_signal
from ordertrail.kernel.errors import InputError, UnavailableError
from ordertrail.kernel.numbers import count
from ordertrail.notify.courier import Stepped, Went
from ordertrail.notify.parcel import Delivery, State
from ordertrail.notify.ports import DeliveryQuery

_PAUSE = 5.0
"""Seconds until what could not be opened is tried again."""

app = typer.Typer(help="Tell people of what is sealed; try routes; see deliveries.", no_args_is_help=True)


@app.command()
def run(
    trail: TrailOption = TRAIL,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with what is sealed, until interrupted.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Send what was sealed since the last time; the first time begins with what is sealed from then on."""
    if follow:
        _follow(trail, as_json=as_json)
        return
    with open_notify(trail, *said_routes(trail)) as notify:
        ran = notify.run()
    if as_json:
        say_json({"sent": ran.sent, "failed": ran.failed, "dead": ran.dead})
    else:
        tail = f"; {count(ran.failed, 'attempt')} failed, and will be made again" if ran.failed else ""
        tail += f"; {count(ran.dead, 'delivery', 'deliveries')} given up" if ran.dead else ""
        say(f"Sent {count(ran.sent, 'message')}{tail}.")
    if ran.failed or ran.dead:
        raise typer.Exit(EXIT_UNAVAILABLE)


def _follow(trail: Path, *, as_json: bool) -> None:
    stopping = on_signal()

    def heard(route: str, stepped: Stepped) -> None:
        if as_json:
            say_json_line({"route": route, "went": stepped.went.value, "error": stepped.error})
        elif stepped.went is not Went.SENT:
            words = "cannot be reached" if stepped.went is Went.FAILED else "gave a message up"
            err.print(f"{route} {words}: {stepped.error}", markup=False)

    while not stopping():
        try:
            with open_notify(trail, *said_routes(trail)) as notify:
                if not as_json:
                    err.print(f"Telling on {count(len(notify.couriers), 'route')}. Ctrl-C ends it cleanly.")
                notify.follow(stopping, heard)
        except UnavailableError as error:
            err.print(f"{error.message}; again in {_PAUSE:g} s.", markup=False)
            until = time.monotonic() + _PAUSE
            while time.monotonic() < until and not stopping():
                time.sleep(0.1)


@app.command("test")
def try_route(
    route: Annotated[str, typer.Argument(metavar="ROUTE", help="The route's name in the settings.")],
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Send a message that says that it is a test, at once and past hours and digests."""
    with open_notify(trail, *said_routes(trail), alone=False) as notify:
        parcel = notify.test(route)
    say_json({"route": route, "sent": parcel.id}) if as_json else say(f"{route} took the test message.")


@app.command("list")
def list_deliveries(
    trail: TrailOption = TRAIL,
    route: Annotated[str | None, typer.Option("--route", help="Of this route.")] = None,
    state: Annotated[
        str | None, typer.Option("--state", help=f"In this state: {', '.join(State)}.", metavar="STATE")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=5_000, help="How many at most.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List deliveries, newest first, and say how much waits on each route."""
    with open_notify(trail, *said_routes(trail), alone=False) as notify:
        found = notify.find(DeliveryQuery(route, _state(state), limit))
        backlog = notify.backlog()
    if as_json:
        told = [
            {"route": one.route, "waiting": one.waiting, "ready": one.ready, "dead": one.dead}
            for one in backlog
        ]
        say_json({"deliveries": [_as_dict(one) for one in found], "backlog": told})
        return
    if found:
        say_table(("delivery", "made", "route", "state", "tries", "what"), [_row(one) for one in found])
    for one in backlog:
        say(f"{one.route}: {one.waiting:,} waiting, {one.ready:,} under way, {one.dead:,} given up.")
    say(f"{count(len(found), 'delivery', 'deliveries')}.")


@app.command()
def retry(
    deliveries: Annotated[
        list[str] | None,
        typer.Argument(metavar="DELIVERY", help="Their ids; without any, all that were given up."),
    ] = None,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Have deliveries tried again that were given up; a running 'notify run' does so within seconds."""
    with open_notify(trail, *said_routes(trail), alone=False) as notify:
        number = notify.retry(deliveries or None)
    say_json({"retried": number}) if as_json else say(
        f"{count(number, 'delivery', 'deliveries')} to be tried again."
    )


def _state(word: str | None) -> State | None:
    if word is None:
        return None
    try:
        return State(word)
    except ValueError:
        raise InputError(
            f"{word[:40]!r} is no state of a delivery; they are {', '.join(State)}",
            meaning="Nothing was changed.",
        ) from None


def _row(one: Delivery) -> tuple[str, ...]:
    parcel = one.parcel
    what = parcel.title if one.error is None else f"{parcel.title} ({one.error})"
    return parcel.id, parcel.made[:19], parcel.route, one.state.value, str(one.attempts), what


def _as_dict(one: Delivery) -> dict[str, Any]:
    parcel = one.parcel
    return {
        "id": parcel.id,
        "route": parcel.route,
        "made": parcel.made,
        "severity": parcel.severity.word,
        "messages": parcel.count,
        "title": parcel.title,
        "state": one.state.value,
        "attempts": one.attempts,
        "due": one.due,
        "settled": one.settled,
        "error": one.error,
    }
