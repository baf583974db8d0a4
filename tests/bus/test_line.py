"""From an outbox over a real bus of three servers to the ledger: each event once, in order, whatever the bus loses."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from nats.aio.client import Client
from sqlalchemy import Engine, text, update
from typer.testing import CliRunner

from bus.conftest import waiting
from capture.matrix import ORDERS
from capture.shop import ACTOR
from ordertrail.adapters.nats.connecting import BusAddress
from ordertrail.adapters.nats.line import AFTER, stream_config
from ordertrail.adapters.nats.publishing import Line, PublishingDoor
from ordertrail.adapters.nats.taking import Taken
from ordertrail.assembly import open_trail
from ordertrail.assembly.bus import open_taker
from ordertrail.capture import acting
from ordertrail.capture.guard.settling import settle
from ordertrail.capture.outbox.relay import Relay, Relayed, Step
from ordertrail.cli.main import app
from ordertrail.kernel.errors import ConfigurationError, InputError, UnavailableError
from ordertrail.kernel.ids import new_id
from ordertrail.record.entry import read_entry
from ordertrail.record.event import Actor, Event, Subject
from servers.nats_cluster import Cluster


def change(shop: Engine, order: int, *notes: str) -> None:
    """Change an order, a transaction each time."""
    for note in notes:
        with acting(ACTOR), shop.begin() as connection:
            connection.execute(update(ORDERS).where(ORDERS.c.id == order).values(note=note))


@contextmanager
def taking(root: Path) -> Iterator[list[Taken]]:
    """Take from the bus meanwhile; yields what was taken so far."""
    done: list[Taken] = []
    stop = threading.Event()
    with open_taker(root, "shop") as taker:
        thread = threading.Thread(target=taker.run, args=(stop.is_set, done.append))
        thread.start()
        try:
            yield done
        finally:
            stop.set()
            thread.join()


def notes(root: Path) -> list[Any]:
    """Seal what waits; return the notes that orders got, as the ledger has them, in order."""
    with open_trail(root) as trail:
        trail.seal()
        assert trail.verify().intact
        log = trail.log().log
        events = [
            read_entry(row.entry).event
            for row in log.reader.rows("default", 0, log.store.head("default").size)
        ]
    return [one.after for event in events for one in event.changes if one.path == "/note"]


def relayed(
    shop: Engine, line: Line, on_step: Callable[[Step], None] | None = None, rows: int = 500
) -> Relayed:
    """Relay what waits over the bus."""
    with PublishingDoor(line) as door:
        return Relay(shop, door, rows=rows, on_step=on_step, gather=settle).run()


def an_event(number: int = 1, **more: Any) -> Event:
    """An event of an order."""
    said: dict[str, Any] = {
        "id": new_id(), "time": "2026-11-22T14:02:10.120000Z", "action": "order.update",
        "actor": Actor("clerk-17", "person"), "subject": Subject("order", f"SO-{number}", order=f"SO-{number}"),
    }  # fmt: skip
    return Event(**(said | more))


def test_what_waits_in_the_outbox_is_in_the_ledger(
    shop: Engine, line: Line, root: Path, bus: Cluster
) -> None:
    """The relay returns when the ledger has it; then the outbox and the bus are empty, and once more adds nothing."""
    wanted = [f"note {number}" for number in range(50)]
    change(shop, 1, *wanted)
    with taking(root):
        assert relayed(shop, line).recorded == 50
        assert relayed(shop, line) == Relayed()
    assert waiting(shop) == 0
    assert notes(root) == wanted
    assert bus.state("shop")["messages"] == 0


def test_the_outbox_keeps_what_the_ledger_does_not_have(shop: Engine, line: Line, root: Path) -> None:
    """Acknowledged by three servers is not recorded: where nobody takes from the bus, no row is let go of."""
    change(shop, 1, "first", "second")
    with pytest.raises(UnavailableError, match="tells nothing"):
        relayed(shop, line)
    assert waiting(shop) == 2
    with taking(root):
        assert relayed(shop, line).recorded == 2
    assert (waiting(shop), notes(root)) == (0, ["first", "second"])


def test_what_an_operator_destroys_is_sent_again(shop: Engine, line: Line, root: Path, bus: Cluster) -> None:
    """Messages purged in the stream, some of them or all, are in the ledger all the same, in order."""
    wanted = [f"note {number}" for number in range(20)]
    change(shop, 1, *wanted)
    with pytest.raises(UnavailableError):
        relayed(shop, Line(line.address, "shop", patience=2.0))
    destroying = stream_config("shop", 3) | {"deny_purge": False}
    # Who may update a stream may lift its protection only by making it anew: so is its content lost.
    assert "error" in bus.ask("STREAM.UPDATE.ordertrail-shop", destroying)
    bus.ask("STREAM.DELETE.ordertrail-shop")
    bus.add_line("shop")
    with taking(root):
        assert relayed(shop, line).recorded == 20
    assert (waiting(shop), notes(root)) == (0, wanted)


def test_messages_that_vanish_while_they_are_waited_for(
    shop: Engine, line: Line, root: Path, bus: Cluster
) -> None:
    """The stream drops what it holds while the relay waits: the relay finds out and sends it again, by itself."""
    wanted = [f"note {number}" for number in range(20)]
    change(shop, 1, *wanted)
    done: list[Relayed] = []
    patient = Line(line.address, "shop", patience=30.0)
    thread = threading.Thread(target=lambda: done.append(relayed(shop, patient)))
    thread.start()
    while bus.state("shop")["messages"] < 20:
        pass
    dropped = stream_config("shop", 3) | {"max_msgs": 5, "discard": "old"}
    assert "error" not in bus.ask("STREAM.UPDATE.ordertrail-shop", dropped)
    assert "error" not in bus.ask("STREAM.UPDATE.ordertrail-shop", stream_config("shop", 3))
    assert bus.state("shop")["messages"] == 5
    with taking(root) as taken:
        thread.join()
    assert done[0].recorded == 20
    assert sum(one.again for one in taken) > 0
    assert (waiting(shop), notes(root)) == (0, wanted)


@pytest.mark.parametrize("step", [Step.RECORD, Step.MAKE])
def test_a_relay_that_dies_leaves_its_work_to_the_next(
    shop: Engine, line: Line, root: Path, step: Step
) -> None:
    """Stopped at a step, with the events on their way or not: the next relay ends it, and nothing is doubled."""

    class DiedError(Exception):
        """The relay is dead."""

    def die(at: Step) -> None:
        if at is step:
            raise DiedError

    change(shop, 1, "one", "two", "three")
    with taking(root):
        with pytest.raises(DiedError):
            relayed(shop, line, die)
        change(shop, 1, "four")
        assert relayed(shop, line).recorded == 4
    assert notes(root) == ["one", "two", "three", "four"]


def test_a_stale_relay_is_fenced(shop: Engine, line: Line, root: Path) -> None:
    """A relay that another overtook is refused by the bus, looks anew, and adds nothing of its own."""
    with taking(root), PublishingDoor(line) as stale:
        change(shop, 1, "one")
        first = Relay(shop, stale)
        assert first.run().recorded == 1
        change(shop, 1, "two")
        assert relayed(shop, line).recorded == 1
        change(shop, 1, "three")
        with pytest.raises(UnavailableError, match="another relay"):
            first.run()
        assert first.run().recorded == 1
    assert notes(root) == ["one", "two", "three"]


def test_what_the_trail_refuses_stays_in_the_outbox(line: Line, root: Path) -> None:
    """The reasons come back over the bus, and an id that came with other content is a conflict."""
    with taking(root), PublishingDoor(line) as door:
        event = an_event()
        assert door.record([event]).recorded == 1
        assert door.record([event]).recorded == 1
        with pytest.raises(InputError, match="recorded already"):
            door.record([msgspec.structs.replace(event, outcome="failed")])
        with pytest.raises(InputError, match="unheard"):
            door.record([an_event(action="order.unheard")])


def test_an_event_without_what_goes_before_it_is_not_recorded(line: Line, root: Path, bus: Cluster) -> None:
    """A message whose forerunner nobody saw is asked for again, and never gets in front of it."""
    event = an_event()

    async def send(client: Client) -> None:
        headers = {"Nats-Msg-Id": event.id, AFTER: new_id()}
        await client.jetstream().publish("ordertrail.shop", msgspec.json.encode(event), headers=headers)

    bus.with_client(send)
    with taking(root) as taken:
        while not any(one.again for one in taken):
            pass
        assert not any(one.recorded for one in taken)
        with PublishingDoor(line) as door:
            assert door.record([event]).recorded == 1


ALTERED = {
    "max_age": 3_600_000_000_000,
    "discard": "old",
    "num_replicas": 1,
    "allow_rollup_hdrs": True,
    "retention": "limits",
    "max_msgs_per_subject": 1,
}


@pytest.mark.parametrize(("setting", "value"), ALTERED.items())
def test_a_stream_that_was_altered_is_refused(
    line: Line, root: Path, bus: Cluster, setting: str, value: object
) -> None:
    """Both sides look at the start, name what was changed, and neither send nor take."""
    altered = stream_config("shop", 3) | {setting: value}
    if setting == "allow_rollup_hdrs":
        altered["deny_purge"] = False
    bus.ask("STREAM.DELETE.ordertrail-shop")
    assert "error" not in bus.ask("STREAM.CREATE.ordertrail-shop", altered)
    with PublishingDoor(line) as door, pytest.raises(ConfigurationError, match=setting):
        door.record([an_event()])
    with open_taker(root, "shop") as taker, pytest.raises(ConfigurationError, match=setting):
        taker.run(lambda: True)


@pytest.mark.parametrize("user", ["shop", "ledger"])
def test_applications_may_publish_and_nothing_else(bus: Cluster, user: str) -> None:
    """The server refuses an application, and the ledger's side, to change, purge, delete or read a stream."""
    name = "ordertrail-shop"
    forbidden = {
        f"STREAM.UPDATE.{name}", f"STREAM.PURGE.{name}", f"STREAM.DELETE.{name}", f"STREAM.MSG.DELETE.{name}",
        f"STREAM.MSG.GET.{name}", f"CONSUMER.DELETE.{name}.ledger", f"CONSUMER.CREATE.{name}.other", "STREAM.CREATE.x",
    }  # fmt: skip
    if user == "shop":
        forbidden.add(f"CONSUMER.MSG.NEXT.{name}.ledger")
    refused = bus.refusals(user, [f"$JS.API.{what}" for what in sorted(forbidden)])
    assert refused == {f"$JS.API.{what}" for what in forbidden}
    assert bus.refusals(user, ["ordertrail.shop"]) == ({"ordertrail.shop"} if user == "ledger" else set())
    assert "error" in bus.ask(f"STREAM.PURGE.{name}")  # nor may the operator, while deny_purge stands


def test_a_bus_that_is_not_there(shop: Engine, tmp_path: Path) -> None:
    """It is told as something that passes, and nothing is lost."""
    assert tmp_path.exists()
    change(shop, 1, "one")
    with pytest.raises(UnavailableError, match="cannot be reached"):
        relayed(shop, Line(BusAddress(("nats://127.0.0.1:1",)), "shop"))
    assert waiting(shop) == 1
    with shop.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM ordertrail_relayed WHERE relayed > 0")) == 0


def test_the_relay_of_a_machine_without_a_trail(shop: Engine, root: Path, bus: Cluster) -> None:
    """The command sends an outbox over the bus, and says what it did; without the application's name it refuses."""
    address = bus.address("shop")
    change(shop, 1, "one", "two")
    words = ["relay", "--database", str(shop.url), "--bus-user", "shop", "--json"]
    words += [word for url in address.urls for word in ("--bus", url)]
    environment = {"ORDERTRAIL_TRANSPORT_PASSWORD": address.password}
    assert CliRunner().invoke(app, words, env=environment).exit_code != 0
    with taking(root):
        done = CliRunner().invoke(app, [*words, "--application", "shop"], env=environment)
    assert (done.exit_code, msgspec.json.decode(done.stdout)["recorded"]) == (0, 2)
    assert notes(root) == ["one", "two"]
