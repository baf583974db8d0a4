"""The relay: each event exactly once, in the order in which an order's transactions committed, whatever happens."""

import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, text, update
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from capture.matrix import LINES, ORDERS, seed
from capture.shop import ACTOR, Order, events_of
from ordertrail.assembly import create_trail
from ordertrail.capture import acting
from ordertrail.capture.outbox.relay import Backlog, Relay, Relayed, Step
from ordertrail.cli.main import app
from ordertrail.record.entry import read_entry
from ordertrail.record.event import Event
from ordertrail.services import Trail
from ordertrail.settings import Settings


class StoppedError(Exception):
    """The machine stopped here."""


@pytest.fixture
def trail(tmp_path: Path) -> Iterator[Trail]:
    """An empty trail."""
    with create_trail(tmp_path / "trail", "shop.example/orders", settings=Settings(immutable=False)) as trail:
        yield trail


@pytest.fixture
def shop(engine: Engine) -> Engine:
    """The shop with its orders; seeding is counted under one rule, and not recorded."""
    with Session(engine) as session, session.begin():
        seed(session)
    return engine


def every_event(trail: Trail) -> list[Event]:
    """Seal what waits and return all events of the trail, in order."""
    trail.seal()
    log = trail.log().log
    rows = log.reader.rows("default", 0, log.store.head("default").size)
    return [read_entry(row.entry).event for row in rows]


def sealed(trail: Trail) -> list[Event]:
    """Return the events that the application made, in order."""
    return [event for event in every_event(trail) if event.subject.order is not None]


def change(shop: Engine, order: int, note: str) -> None:
    """Change an order."""
    with acting(ACTOR), shop.begin() as connection:
        connection.execute(update(ORDERS).where(ORDERS.c.id == order).values(note=note))


def test_what_waits_is_moved_and_nothing_waits_any_more(shop: Engine, trail: Trail) -> None:
    """Rows become events of the trail, their bodies are gone from the application, and a second run adds nothing."""
    for number in range(5):
        change(shop, 1, f"note {number}")
    relay = Relay(shop, trail.log().recorder)
    assert relay.backlog().events == 5
    assert relay.run().recorded == 5
    assert relay.backlog() == Backlog(0, 0, 0.0, 0)
    assert relay.run() == Relayed()
    assert [event.changes[0].after for event in sealed(trail)] == [f"note {number}" for number in range(5)]


@pytest.mark.parametrize("step", Step)
def test_a_relay_that_is_stopped_after_any_step_goes_on(shop: Engine, trail: Trail, step: Step) -> None:
    """Whatever step was the last, the next relay brings each event once, and reports what was left out once."""

    def stop(reached: Step) -> None:
        if reached is step:
            raise StoppedError

    change(shop, 1, "before")
    with Session(shop) as session, session.begin():
        session.execute(update(Order).values(note="by nobody"))
    with pytest.raises(StoppedError):
        Relay(shop, trail.log().recorder, on_step=stop).run()
    change(shop, 1, "after")
    with Session(shop) as session, session.begin():
        session.execute(update(Order).values(note="by nobody again"))
    Relay(shop, trail.log().recorder).run()
    Relay(shop, trail.log().recorder).run()
    notes = [event.changes[0].after for event in sealed(trail)]
    assert notes == ["before", "after"]
    counted = [
        (change.before, change.after)
        for event in every_event(trail)
        if event.action == "capture.filtered" and event.subject.id == "orders"
        for change in event.changes
    ]
    assert counted[0][0] == 0
    assert [after for _, after in counted[:-1]] == [before for before, _ in counted[1:]]
    assert counted[-1][1] == 3 + 1 + 3 + 3


def test_a_slow_transaction_is_not_passed_over(shop: Engine, trail: Trail) -> None:
    """What commits late comes late, and comes; what committed meanwhile did not wait for it."""
    if shop.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    relay = Relay(shop, trail.log().recorder)
    with acting(ACTOR), shop.connect() as slow:
        slow.execute(update(ORDERS).where(ORDERS.c.id == 1).values(note="slow"))
        change(shop, 2, "quick")
        assert relay.run().recorded == 1
        slow.commit()
    assert relay.run().recorded == 1
    assert [event.changes[0].after for event in sealed(trail)] == ["quick", "slow"]


def test_events_of_one_order_lie_as_they_committed(shop: Engine, trail: Trail) -> None:
    """Two transactions about two rows of one order: who commits first stands first, whoever began first."""
    if shop.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    order: list[int] = []
    lock = threading.Lock()

    def work(line: int) -> None:
        for number in range(25):
            with acting(ACTOR), shop.connect() as connection:
                connection.execute(
                    update(LINES).where(LINES.c.id == line).values(quantity=1_000 * line + number)
                )
                time.sleep(0.001 * (line - 1))
                connection.commit()
                with lock:
                    order.append(1_000 * line + number)

    threads = [threading.Thread(target=work, args=(line,)) for line in (1, 2)]
    for thread in threads:
        thread.start()
    relay = Relay(shop, trail.log().recorder, rows=3)
    while any(thread.is_alive() for thread in threads):
        relay.run()
    for thread in threads:
        thread.join()
    relay.run()
    events = [event for event in sealed(trail) if event.changes]
    assert len(events) == 50
    for line in ("1", "2"):
        values: list[Any] = [event.changes[0].after for event in events if event.subject.id == line]
        assert values == sorted(values)
    origins = [(event.origin.client, event.origin.counter) for event in events if event.origin]
    assert len(set(origins)) == len(origins)


def test_a_row_deleted_before_it_was_relayed_is_reported(
    shop: Engine, observer: Engine, trail: Trail
) -> None:
    """A hole in the middle, and one at the end, each once, with the counters that are missing."""
    for number in range(6):
        change(shop, 1, f"note {number}")
    with observer.begin() as connection:
        positions = connection.scalars(text("SELECT position FROM ordertrail_outbox ORDER BY position")).all()
        for position in (positions[2], positions[5]):
            connection.execute(text(f"DELETE FROM ordertrail_outbox WHERE position = {position}"))
    relay = Relay(shop, trail.log().recorder, rows=2)
    assert relay.run().recorded == 4
    assert relay.run() == Relayed()
    losses = [event for event in every_event(trail) if event.action == "capture.loss"]
    assert sorted(tuple(change.after for change in event.changes) for event in losses) == [(2, 2), (5, 5)]


def test_a_client_s_row_that_was_set_back_is_reported(shop: Engine, observer: Engine, trail: Trail) -> None:
    """Whoever deletes events and sets the client's row back is told on by the client itself."""
    for number in range(3):
        change(shop, 1, f"note {number}")
    with observer.begin() as connection:
        connection.execute(text("DELETE FROM ordertrail_outbox"))
        connection.execute(text("UPDATE ordertrail_client SET counter = 0"))
    change(shop, 1, "later")
    relay = Relay(shop, trail.log().recorder)
    relay.run()
    relay.run()
    losses = [event for event in every_event(trail) if event.action == "capture.loss"]
    assert [(event.changes[0].after, event.changes[1].after) for event in losses] == [(0, 2)]
    assert [event.changes[0].after for event in sealed(trail)] == ["later"]


def test_what_the_trail_refuses_stays_and_is_told(shop: Engine, observer: Engine, trail: Trail) -> None:
    """A refused row does not hold up the others; it stays with its reason, and can be taken up again."""
    change(shop, 1, "bad")
    change(shop, 2, "good")
    with observer.begin() as connection:
        connection.execute(
            text(
                "UPDATE ordertrail_outbox SET body = replace(body, 'order.update', 'order.gift.wrap') WHERE counter = 0"
            )
        )
    relay = Relay(shop, trail.log().recorder)
    done = relay.run()
    assert (done.recorded, done.refused) == (1, 1)
    assert relay.backlog().refused == 1
    with observer.connect() as connection:
        assert "gift.wrap" in connection.execute(text("SELECT problem FROM ordertrail_outbox")).scalar_one()
    with observer.begin() as connection:
        connection.execute(
            text("UPDATE ordertrail_outbox SET body = replace(body, 'order.gift.wrap', 'order.update')")
        )
    assert relay.take_up_refused() == 1
    assert relay.run().recorded == 1
    assert relay.run() == Relayed()
    assert len(sealed(trail)) == 2


def test_a_rolled_back_transaction_leaves_no_hole(shop: Engine, trail: Trail) -> None:
    """Numbers of transactions that came to nothing are given out again."""
    for number in range(9):
        with acting(ACTOR), shop.connect() as connection:
            connection.execute(update(ORDERS).where(ORDERS.c.id == 1).values(note=f"note {number}"))
            connection.rollback() if number % 3 == 1 else connection.commit()
    assert Relay(shop, trail.log().recorder).run().holes == 0
    assert [event.origin.counter for event in sealed(trail) if event.origin] == list(range(6))


def test_a_thread_goes_on_relaying(shop: Engine, trail: Trail) -> None:
    """The relay runs beside an application, in a thread of it."""
    relay = Relay(shop, trail.log().recorder)
    relay.start(pause=0.01)
    try:
        change(shop, 1, "one")
        end = time.monotonic() + 20
        while relay.backlog().events and time.monotonic() < end:
            time.sleep(0.01)
    finally:
        relay.stop()
    assert [event.changes[0].after for event in sealed(trail)] == ["one"]


def test_the_verb_relays_and_says_what_waits(shop: Engine, database_url: str, tmp_path: Path) -> None:
    """``ordertrail relay`` moves what waits; its exit status says whether anything is missing."""
    create_trail(tmp_path / "trail", "shop.example/orders", settings=Settings(immutable=False)).close()
    change(shop, 1, "by hand")
    url = database_url.replace("postgresql+psycopg://", "postgresql://")
    command = ["relay", "--trail", str(tmp_path / "trail"), "--database", url]
    done = CliRunner().invoke(app, command)
    assert (done.exit_code, done.output.split("\n")[0]) == (0, "Relayed 1 event of 1 row of the outbox.")
    change(shop, 1, "gone")
    with shop.begin() as connection:
        connection.execute(text("DELETE FROM ordertrail_outbox"))
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 2
    assert "1 hole found" in done.output


def test_a_large_order_keeps_its_own_order(shop: Engine, trail: Trail) -> None:
    """A transaction about more orders than are locked one by one commits beside small ones, and none is lost."""
    with acting(ACTOR), shop.begin() as connection:
        connection.execute(
            insert(ORDERS),
            [{"id": 1_000 + n, "number": f"L-{n}", "status": "new", "paid": False} for n in range(100)],
        )

    def work(update_of: Callable[[], Any]) -> None:
        for _ in range(5):
            with acting(ACTOR), shop.begin() as connection:
                connection.execute(update_of())

    statements: list[Callable[[], Any]] = [
        lambda: (
            update(ORDERS).where(ORDERS.c.id >= 1_000).values(total=Decimal(str(time.time_ns() % 10_000)))
        ),
        lambda: update(LINES).where(LINES.c.id == 1).values(quantity=time.time_ns() % 1_000_000),
    ]
    threads = [threading.Thread(target=work, args=(one,)) for one in statements]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = Relay(shop, trail.log().recorder).run()
    assert (done.recorded >= 605, done.holes) == (True, 0)
    with shop.connect() as connection:
        assert events_of(connection) == []
