"""``ordertrail outside``: take in what payment gateways and carriers say, and decide whose it is."""

import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from time import sleep
from typing import Annotated

import typer

from ordertrail.assembly.correlate import correlate_settings, open_correlate, relay_outside
from ordertrail.assembly.index import open_query
from ordertrail.cli.options import TRAIL, JsonOption, TrailOption, opened
from ordertrail.cli.output import (
    EXIT_INPUT,
    EXIT_UNAVAILABLE,
    err,
    progress,
    say,
    say_json,
    say_json_line,
)
from ordertrail.cli.relay import on_signal
from ordertrail.correlate.facts import Thing, parse_thing
from ordertrail.correlate.matching.links import Link, LinkState
from ordertrail.intake.delivery import Way
from ordertrail.intake.polling import Step
from ordertrail.intake.processing import Worked
from ordertrail.intake.receiving import Sent
from ordertrail.intake.states import MessageState
from ordertrail.kernel.numbers import count
from ordertrail.query.entries import read_entry
from ordertrail.query.service import Query
from ordertrail.record.event import Actor, Event

app = typer.Typer(
    help="Take in what payment gateways and carriers say, and decide whose it is.", no_args_is_help=True
)

Provider = Annotated[str, typer.Option(help="The gateway or carrier that it is of.")]
Account = Annotated[str, typer.Option(help="The account there.")]
Who = Annotated[str, typer.Option("--by", help="Who decides: a person's id.")]
Why = Annotated[str, typer.Option("--reason", help="Why; it is recorded with the decision.")]
Of = Annotated[
    str, typer.Argument(metavar="THING", help="provider/account/payment/ID or provider/account/parcel/ID.")
]
OrderId = Annotated[str, typer.Argument(metavar="ORDER", help="The order's id.")]


@app.command("take")
def take(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Webhooks or logs, one document each.")],
    provider: Provider,
    account: Account,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Take files in as deliveries of an account, read them, link what they tell, and relay the events."""
    received: dict[str, int] = {}
    with open_correlate(trail) as correlate:
        source = correlate.intake.source(provider, account)
        for file in files:
            sent = Sent(source, file, Way.FILE, name=file.name)
            reception = str(correlate.intake.door.receive(sent).reception.value)
            received[reception] = received.get(reception, 0) + 1
        worked = correlate.observer.drain()
    _tell(received, worked, relay_outside(trail), as_json=as_json)
    if worked.states[MessageState.DEAD] or worked.put_off:
        raise typer.Exit(EXIT_INPUT)


@app.command("work")
def work(
    trail: TrailOption = TRAIL,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until interrupted.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Read what webhooks brought, link it, and relay the events to the trail."""
    stopping = on_signal()
    with open_correlate(trail) as correlate:
        while True:
            worked = correlate.observer.drain()
            if worked or not follow:
                _tell({}, worked, relay_outside(trail), as_json=as_json)
            if not follow or stopping():
                return
            sleep(0.5)


@app.command("poll")
def poll(
    trail: TrailOption = TRAIL,
    follow: Annotated[bool, typer.Option("--follow", help="Go on asking until interrupted.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Ask the gateways and carriers of [correlate.providers.poll] what happened there; webhooks and this count once."""
    from ordertrail.assembly.polling import open_outside  # noqa: PLC0415 - needs what no other verb does

    with open_correlate(trail) as correlate:
        polled = open_outside(trail, correlate, correlate_settings(trail).providers)
        poller = correlate.intake.poller()
        if follow:
            if not as_json:
                say(f"Asking {count(len(polled), 'account')}. Ctrl-C ends it cleanly.")
            poller.follow(polled, on_signal(), sleep)
            return
        steps = {str(one.source): poller.round(one) for one in polled}
        places = {name: correlate.intake.places.place(name) for name in steps}
        worked = correlate.observer.drain()
    failed = {
        name: place.reason or "" for name, place in places.items() if place is not None and place.failures
    }
    relayed = relay_outside(trail)
    if as_json:
        asked = [
            {"account": name, "answers": taken.count(Step.LANDED), "reason": failed.get(name)}
            for name, taken in steps.items()
        ]
        say_json({"asked": asked, **_told(worked, relayed)})
    else:
        for name, taken in steps.items():
            say(f"{name}: {count(taken.count(Step.LANDED), 'answer')}.")
        for name, reason in failed.items():
            err.print(f"{name} could not be asked: {reason}. It is asked again; nothing is missed.")
        _tell({}, worked, relayed, as_json=False)
    if failed:
        raise typer.Exit(EXIT_UNAVAILABLE)


@app.command("serve")
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port; 0 is any that is free.")] = 8_541,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Take webhooks of gateways and carriers in over HTTP until stopped; 'outside work --follow' reads them."""
    from ordertrail.assembly.serving import serve_app  # noqa: PLC0415 - an extra that no other verb needs
    from ordertrail.web.intake import intake_app  # noqa: PLC0415 - as above

    with open_correlate(trail) as correlate:
        application = intake_app(correlate.intake, None)

        def ready(address: str, bound: int) -> None:
            url = f"http://{f'[{address}]' if ':' in address else address}:{bound}/intake/"
            say_json({"url": url}) if as_json else say(f"Taking webhooks in at {url}; stop with Ctrl-C.")
            sys.stdout.flush()  # whoever started this reads where it listens

        try:
            serve_app(application, host, port, ready)
        finally:
            application.state.lander.close()


@app.command("refresh")
def refresh(trail: TrailOption = TRAIL, as_json: JsonOption = False) -> None:
    """Look at all orders as they are now, so that what waited for one of them is linked."""
    with open_correlate(trail) as correlate, progress("looking at orders", quiet=as_json) as advance:
        seen = correlate.refresh(lambda done: advance(done, done))
    relay_outside(trail)
    say_json({"orders": seen}) if as_json else say(f"{count(seen, 'order')} looked at.")


@app.command("rebuild")
def rebuild(trail: TrailOption = TRAIL, as_json: JsonOption = False) -> None:
    """Make facts, links and discrepancies again from the trail's own events; what waits is sealed first."""
    relay_outside(trail)
    with opened(trail) as open_trail:
        open_trail.seal()
    with open_correlate(trail) as correlate, open_query(trail) as query:
        done = correlate.rebuild(events_of(query))
    told = ", ".join(
        (count(done.facts, "fact"), count(done.links, "link"), count(done.exceptions, "discrepancy turn"))
    )
    say_json(asdict(done)) if as_json else say(f"Made again of the trail: {told}.")


@app.command("links")
def links(
    order: Annotated[
        str | None, typer.Option(help="The links of this order, whatever became of them.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many at most.")] = 50,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """List the links that wait for a person, the likeliest first; or all of one order."""
    with open_correlate(trail) as correlate:
        known = correlate.linker.matcher.links
        found = (
            known.standing(LinkState.PROPOSED, limit)
            if order is None
            else known.of_orders([order]).get(order, ())
        )
    for link in found[:limit]:
        if as_json:
            say_json_line(_plain(link))
        else:
            why = "; ".join(link.reasons) or link.basis
            say(f"{link.state:9} {link.confidence / 100:6.2f} %  {link.thing} is of {link.order}: {why}")
    if not found and not as_json:
        say("No link waits." if order is None else f"Nothing is linked to {order}.")


@app.command("confirm")
def confirm(
    thing: Of,
    order: OrderId,
    actor: Who,
    reason: Why,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Say that a payment or a parcel is of an order, whether it was proposed or not."""
    with open_correlate(trail) as correlate:
        made = correlate.linker.link(parse_thing(thing), order, None, Actor(actor, "person"), reason)
    _decided(trail, made, as_json=as_json)


@app.command("reject")
def reject(
    thing: Of,
    order: OrderId,
    actor: Who,
    reason: Why,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Say that a payment or a parcel that was proposed is not of an order."""
    _decide(trail, parse_thing(thing), order, LinkState.REJECTED, actor, reason, as_json=as_json)


@app.command("undo")
def undo(
    thing: Of,
    order: OrderId,
    actor: Who,
    reason: Why,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Take back a link that was wrong; that it was made, and by whom, stays on record."""
    _decide(trail, parse_thing(thing), order, LinkState.UNDONE, actor, reason, as_json=as_json)


def _decide(
    trail: Path, thing: Thing, order: str, state: LinkState, actor: str, reason: str, *, as_json: bool
) -> None:
    with open_correlate(trail) as correlate:
        after = correlate.linker.decide(thing, order, state, Actor(actor, "person"), reason)
    _decided(trail, after, as_json=as_json)


def _decided(trail: Path, link: Link, *, as_json: bool) -> None:
    relay_outside(trail)
    say_json(_plain(link)) if as_json else say(f"{link.thing} and {link.order}: {link.state}.")


def _plain(link: Link) -> dict[str, object]:
    return {
        "thing": str(link.thing),
        "order": link.order,
        "state": link.state,
        "basis": link.basis,
        "confidence": link.confidence,
        "reasons": list(link.reasons),
        "by": link.by,
    }


def events_of(query: Query) -> Iterator[Event]:
    """Yield all sealed events of a trail, log by log."""
    for stream in query.streams:
        for row in query.log.rows(stream, 0, query.log.size(stream)):
            yield read_entry(stream, row).event


def _tell(received: dict[str, int], worked: Worked, relayed: int, *, as_json: bool) -> None:
    if as_json:
        say_json({"received": received, **_told(worked, relayed)})
        return
    states = _states(worked)
    parts = ", ".join(f"{number:,} {state}" for state, number in states.items()) or "nothing"
    say(
        f"{count(worked.deliveries, 'delivery', 'deliveries')} read: {parts}. {count(relayed, 'event')} recorded."
    )


def _told(worked: Worked, relayed: int) -> dict[str, object]:
    """Return what was read, as JSON tells it."""
    told = {"deliveries": worked.deliveries, "parts": _states(worked), "events": relayed}
    return {**told, "put_off": worked.put_off}


def _states(worked: Worked) -> dict[str, int]:
    return {str(state): number for state, number in sorted(worked.states.items())}
