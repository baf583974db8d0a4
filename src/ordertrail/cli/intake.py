"""``ordertrail intake``: take orders in from files, a directory, HTTP or a bus, and mend what could not enter."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import NamedTemporaryFile
from time import sleep
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ordertrail.assembly.intake import (
    collect_seldom,
    intake_password,
    intake_url,
    open_consumer,
    open_intake,
    operator_key,
)
from ordertrail.assembly.relay import open_relay
from ordertrail.assembly.stores import read_settings
from ordertrail.cli.options import TRAIL, JsonOption, TrailOption, opened
from ordertrail.cli.output import EXIT_INPUT, EXIT_UNAVAILABLE, err, progress, say, say_json, say_json_line
from ordertrail.cli.relay import on_signal
from ordertrail.intake.delivery import Source, Way
from ordertrail.intake.dropping import Dropped, Drops
from ordertrail.intake.polling import Place, Step
from ordertrail.intake.ports import Query
from ordertrail.intake.processing import Worked
from ordertrail.intake.receiving import Sent
from ordertrail.intake.service import Intake
from ordertrail.intake.states import MessageState
from ordertrail.kernel.errors import InputError, UnavailableError
from ordertrail.kernel.numbers import count


class _Takes(TyperGroup):
    """A group whose first word may also be a file: then it is to be taken in."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the verb in front of what is none."""
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["take", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(help="Take orders in, and mend what could not enter.", no_args_is_help=True, cls=_Takes)

Channel = Annotated[str, typer.Option(help="The channel of the source that it is of.")]
Account = Annotated[str, typer.Option(help="The account of the source.")]


@app.command("take")
def take(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="FILE|DIR|-", help="Files, directories of them, or - for standard input."),
    ],
    channel: Channel,
    account: Account,
    trail: TrailOption = TRAIL,
    again: Annotated[
        bool, typer.Option("--again", help="Read them although their bytes were read before.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Take files in as deliveries of a source, work until nothing is due, and relay the events to the trail."""
    received: dict[str, int] = {}
    with open_intake(trail) as intake:
        source = intake.source(channel, account)
        with _files(paths) as files, progress("taking in files", quiet=as_json) as advance:
            for number, file in enumerate(files):
                sent = Sent(source, file, Way.FILE, name=file.name, again=again)
                reception = str(intake.door.receive(sent).reception.value)
                received[reception] = received.get(reception, 0) + 1
                advance(number + 1, len(files))
        worked = _work(intake, as_json=as_json)
    relayed = _relay(trail)
    _tell(received, worked, relayed, as_json=as_json)
    if worked.states[MessageState.DEAD] or worked.states[MessageState.HELD] or worked.put_off:
        raise typer.Exit(EXIT_INPUT)


@app.command("watch")
def watch(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where files are dropped.")],
    channel: Channel,
    account: Account,
    trail: TrailOption = TRAIL,
    rest: Annotated[float, typer.Option(min=0, help="Seconds that a file's size must rest.")] = 5.0,
    once: Annotated[bool, typer.Option("--once", help="Look once for files that rest, and end.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Take in what is dropped into a directory, by SFTP or else, and move it to done/ or failed/ there."""
    stopping = on_signal()
    with open_intake(trail) as intake:
        source = intake.source(channel, account)
        drops = Drops(directory, rest)
        while not stopping():
            for file in drops.resting():
                _say_dropped(_dropped(intake, source, drops, file), as_json=as_json)
            if once:
                break
            sleep(min(rest, 1.0))
    _relay(trail)


@app.command("serve")
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port; 0 is any that is free.")] = 8_540,
    trail: TrailOption = TRAIL,
    as_json: JsonOption = False,
) -> None:
    """Take webhooks in over HTTP until stopped; 'ordertrail intake work --follow' works on them."""
    from ordertrail.assembly.serving import serve_app  # noqa: PLC0415 - an extra that no other verb needs
    from ordertrail.web.intake import intake_app  # noqa: PLC0415 - as above

    with open_intake(trail) as intake:
        application = intake_app(intake, operator_key(trail))

        def ready(address: str, bound: int) -> None:
            url = f"http://{f'[{address}]' if ':' in address else address}:{bound}/intake/"
            say_json({"url": url}) if as_json else say(f"Taking deliveries in at {url}; stop with Ctrl-C.")
            sys.stdout.flush()  # whoever started this reads where it listens

        try:
            serve_app(application, host, port, ready)
        finally:
            application.state.lander.close()


@app.command("bus")
def bus(trail: TrailOption = TRAIL, as_json: JsonOption = False) -> None:
    """Take deliveries in from the NATS JetStream of [bus], until interrupted; each is acknowledged when durable."""
    with open_intake(trail) as intake:
        consumer = open_consumer(trail, intake)
        if not as_json:
            say("Taking in what the bus has. Ctrl-C ends it cleanly.")
        consumed = consumer.run(on_signal())
    if as_json:
        say_json(asdict(consumed))
    else:
        say(f"{consumed.landed:,} landed, {consumed.duplicate:,} here before, {consumed.put_off:,} put off.")


@app.command("poll")
def poll(
    trail: TrailOption = TRAIL,
    follow: Annotated[bool, typer.Option("--follow", help="Go on asking, until interrupted.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Ask the sources that do not send by themselves ([sources.poll]) for what changed; each answer is a delivery."""
    from ordertrail.assembly.polling import open_polled  # noqa: PLC0415 - needs what no other verb does

    with open_intake(trail) as intake:
        polled, poller = open_polled(trail, intake), intake.poller()
        if follow:
            if not as_json:
                say(f"Asking {count(len(polled), 'source')}. Ctrl-C ends it cleanly.")
            poller.follow(polled, on_signal(), sleep)
            return
        steps = {str(one.source): poller.round(one) for one in polled}
        told = [_told_of_polling(name, taken, intake.places.place(name)) for name, taken in steps.items()]
        worked = _work(intake, as_json=as_json)
    relayed = _relay(trail)
    if as_json:
        say_json({"sources": told, **_told_of(worked, relayed)})
    else:
        for one in told:
            _say_polled(one)
        _tell({}, worked, relayed, as_json=False)
    if any(Step.FAILED in taken for taken in steps.values()):
        raise typer.Exit(EXIT_UNAVAILABLE)


def _told_of_polling(name: str, steps: list[Step], place: Place | None) -> dict[str, Any]:
    """Return what became of asking one source, as JSON tells it."""
    reason = place.reason if place is not None and Step.FAILED in steps else None
    return {"source": name, "answers": steps.count(Step.LANDED), "reason": reason}


def _say_polled(told: dict[str, Any]) -> None:
    if told["reason"] is None:
        say(f"{told['source']}: {count(told['answers'], 'new answer')}.")
    else:
        err.print(
            f"{told['source']} could not be asked: {told['reason']}. It is asked again; nothing is missed."
        )


@app.command("work")
def work(
    trail: TrailOption = TRAIL,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with what comes, until interrupted.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Work on what has landed: read, decide, accept, hold or put aside. Run as many as there are cores."""
    with open_intake(trail) as intake:
        collect_seldom()
        if follow:
            if not as_json:
                say("Working on what comes. Ctrl-C ends it cleanly.")
            intake.worker().follow(on_signal(), sleep)
            return
        worked = _work(intake, as_json=as_json)
    _tell({}, worked, _relay(trail), as_json=as_json)


def _work(intake: Intake, *, as_json: bool) -> Worked:
    """Work until nothing is due, and show how many messages that were."""
    worker, worked = intake.worker(), Worked()
    with progress("working on messages", quiet=as_json) as advance:
        while done := worker.round():
            worked.add(done)
            whole = sum(worked.states.values())
            advance(whole, whole)
    return worked


def _dropped(intake: Intake, source: Source, drops: Drops, file: Path) -> Dropped:
    """Take in one dropped file. *If we stop here* before it is moved, it is taken in again, and is a duplicate."""
    try:
        received = intake.door.receive(Sent(source, file, Way.FILE, name=file.name))
        intake.worker().run()
    except UnavailableError as error:
        return Dropped(file, None, error.message)
    failed = received.id is None or bool(intake.desk.letters(_of(received.id)))
    return drops.moved(file, received.id, failed=failed)


def _of(delivery: str) -> Query:
    return Query(frozenset({MessageState.DEAD}), delivery=delivery, limit=1)


def _relay(trail: Path) -> int:
    """Bring the events to the trail; return how many were new there."""
    settings = read_settings(trail)
    url, password = intake_url(trail, settings), intake_password(trail, settings)
    with opened(trail) as open_trail, open_relay(open_trail, url, password=password) as moving:
        return moving.run().recorded


@contextmanager
def _files(paths: list[str]) -> Iterator[list[Path]]:
    """Yield the files that were named: a directory's, and standard input as one of its own."""
    found: list[Path] = []
    with NamedTemporaryFile(prefix="stdin-") as stdin:
        for name in paths:
            path = Path(stdin.name if name == "-" else name)
            if name == "-":
                while piece := sys.stdin.buffer.read(1 << 20):
                    stdin.write(piece)
                stdin.flush()
                found.append(path)
            elif path.is_dir():
                found += sorted(
                    one for one in path.rglob("*") if one.is_file() and not one.name.startswith(".")
                )
            elif path.is_file():
                found.append(path)
            else:
                raise InputError(f"{name} is not there; nothing was taken in")
        yield found


def _told_of(worked: Worked, relayed: int) -> dict[str, Any]:
    """Return what was worked on, as JSON tells it."""
    states = {str(state): worked.states[state] for state in MessageState if worked.states[state]}
    told = {"deliveries": worked.deliveries, "put_off": worked.put_off}
    return {**told, "messages": states, "events_relayed": relayed}


def _tell(received: dict[str, int], worked: Worked, relayed: int, *, as_json: bool) -> None:
    if as_json:
        say_json({"received": received, **_told_of(worked, relayed)})
        return
    states = {str(state): worked.states[state] for state in MessageState if worked.states[state]}
    if received:
        say(
            ", ".join(f"{number:,} {name}" for name, number in sorted(received.items()))
            + " of what was handed over."
        )
    messages = ", ".join(f"{number:,} {name}" for name, number in states.items()) or "none"
    say(f"Read {count(worked.deliveries, 'delivery', 'deliveries')}; messages: {messages}.")
    say(f"Relayed {count(relayed, 'event')} to the trail.")
    if worked.states[MessageState.DEAD] or worked.states[MessageState.HELD]:
        err.print("What could not enter is kept: 'ordertrail intake list' shows it, the most harmful first.")


def _say_dropped(dropped: Dropped, *, as_json: bool) -> None:
    if as_json:
        say_json_line({"file": dropped.file.name, "delivery": dropped.delivery, "outcome": dropped.outcome})
    else:
        say(f"{dropped.file.name}: {dropped.outcome}")
