"""``ordertrail streams``: the logs of a trail, who seals each, and moving orders and leases by hand."""

import socket
from dataclasses import asdict
from typing import Annotated, Any

import typer

from ordertrail.assembly.filing import PlacementInForce
from ordertrail.assembly.spreading import (
    Sequencing,
    StreamView,
    add_stream_of,
    give_stream,
    list_streams_of,
    move_orders,
    open_members,
)
from ordertrail.cli.options import TRAIL, ByOption, JsonOption, ReasonOption, TrailOption, deciding, opened
from ordertrail.cli.output import err, say, say_json, say_json_line, say_table
from ordertrail.cli.relay import on_signal
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import ConfigurationError, InputError, OrderTrailError
from ordertrail.kernel.numbers import count
from ordertrail.record.placement import POSITIONS, Place, parse_bounds
from ordertrail.services import DEFAULT_STREAM

app = typer.Typer(
    help="See the trail's streams, who seals each, and move orders and leases.", no_args_is_help=True
)

NameArgument = Annotated[str, typer.Argument(help="The stream.")]
HomeOption = Annotated[
    str, typer.Option("--of", help="The stream whose orders they are: that of their class.")
]
OrdersOption = Annotated[
    str | None,
    typer.Option("--orders", metavar="FROM-TO", help="Positions such as 8000-ffff; a half of 0000-ffff."),
]
TenantOption = Annotated[str | None, typer.Option("--tenant", help="Orders of this tenant alone.")]


@app.command("list")
def list_(trail: TrailOption = TRAIL, as_json: JsonOption = False) -> None:
    """Show each stream: its size, what waits and since when, and who holds its lease since when."""
    with opened(trail) as open_trail:
        try:
            with open_members(trail) as members:
                leases, alive = members.leases(), members.alive()
        except ConfigurationError:
            leases, alive = (), ()  # a file's one sequencer holds a file's lock
        views = list_streams_of(open_trail, leases, PlacementInForce(open_trail)())
    if as_json:
        say_json({"sequencers": list(alive), "streams": [_as_dict(one) for one in views]})
        return
    say_table(
        ["stream", "size", "waiting", "lag", "sealed by", "since", "orders"],
        [
            [
                one.stream,
                f"{one.size:,}",
                f"{one.waiting:,}",
                f"{one.lag:.1f} s",
                one.sequencer or one.holder or "nobody",
                format_time(one.since) if one.since else "",
                ", ".join(_words(place) for place in one.places),
            ]
            for one in views
        ],
    )


@app.command()
def add(
    stream: NameArgument,
    home: HomeOption = DEFAULT_STREAM,
    orders: OrdersOption = None,
    tenant: TenantOption = None,
    by: ByOption = None,
    reason: ReasonOption = "",
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Begin a stream beside another of the same term; orders of these positions begin in it from now on."""
    place = _place(stream, home, orders, tenant)
    add_stream_of(trail, place, deciding(by), reason)
    _tell(place, as_json=as_json)


@app.command()
def move(
    stream: NameArgument,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="SEQUENCER", help="Who is to seal it, whatever the shares say."),
    ] = None,
    anybody: Annotated[
        bool, typer.Option("--to-anybody", help="Let it fall to whoever it falls to again.")
    ] = False,
    home: HomeOption = DEFAULT_STREAM,
    orders: OrdersOption = None,
    tenant: TenantOption = None,
    by: ByOption = None,
    reason: ReasonOption = "",
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Move a stream to a sequencer, or orders to a stream. Orders that began elsewhere stay where they are."""
    if sum((to is not None, anybody, orders is not None or tenant is not None)) != 1:
        raise InputError("say one thing: --to, --to-anybody, or --orders and --tenant")
    if to is None and not anybody:
        place = _place(stream, home, orders, tenant)
        move_orders(trail, place, deciding(by), reason)
        _tell(place, as_json=as_json)
        return
    give_stream(trail, stream, to, deciding(by), reason)
    if as_json:
        say_json({"stream": stream, "given": to})
    else:
        say(f"{stream} is to be sealed by {to or 'whoever it falls to'}.")


@app.command()
def follow(
    name: Annotated[
        str | None, typer.Option("--name", help="What this sequencer is called; else the machine's name.")
    ] = None,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Seal what comes in the streams that fall to this sequencer, beside others, until interrupted."""
    called, stopping = name or socket.gethostname(), on_signal()

    def tell(stream: str, what: int | OrderTrailError) -> None:
        if isinstance(what, int):
            if as_json:
                say_json_line({"stream": stream, "sealed": what})
        elif as_json:
            say_json_line({"stream": stream, "unavailable": what.message})
        else:
            err.print(f"{stream}: {what.message}" if stream else what.message)

    with opened(trail) as open_trail, open_members(trail, called) as members:
        if as_json:
            say_json_line({"sequencer": called})
        else:
            say(f"The sequencer {called} seals what falls to it. Ctrl-C ends it cleanly.")
        Sequencing(open_trail, members, called, tell).run(stopping)


def _place(stream: str, home: str, orders: str | None, tenant: str | None) -> Place:
    first, end = (0, POSITIONS) if orders is None else parse_bounds(orders)
    return Place(home, stream, first, end, tenant)


def _tell(place: Place, *, as_json: bool) -> None:
    if as_json:
        say_json(asdict(place))
    else:
        share = count(place.end - place.first, "position")
        say(f"From now on {_words(place)} begin in {place.stream}: {share} of {POSITIONS:,}.")


def _words(place: Place) -> str:
    whose = "" if place.tenant is None else f" of {place.tenant}"
    return f"orders {place.bounds} of {place.home}{whose}"


def _as_dict(one: StreamView) -> dict[str, Any]:
    since = format_time(one.since) if one.since else None
    return {
        **asdict(one),
        "since": since,
        "lag": round(one.lag, 3),
        "places": [asdict(place) for place in one.places],
    }
