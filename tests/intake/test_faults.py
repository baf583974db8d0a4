"""Whatever goes wrong: each order is accepted once, each failure is visible, and the trail's events tell it all."""

import os
import random
import signal
import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Thread

import msgspec
import pytest
from sqlalchemy import text

from intake.shop import Clock, Shop, a_change, an_order, document, durable_engine, open_shop, prepare
from ordertrail.intake.breaker import Circuit
from ordertrail.intake.ports import Query, Verdict
from ordertrail.kernel.backoff import Backoff
from ordertrail.kernel.clock import utc_now
from ordertrail.kernel.errors import UnavailableError
from ordertrail.orders.model import Order, SourceVersion
from servers.postgresql import own_server

SOAK = bool(os.environ.get("ORDERTRAIL_SOAK"))


def created(shop: Shop) -> Counter[str | None]:
    """Return how often each order was created, by the events."""
    return Counter(one.subject.order for one in shop.events() if one.action == "order.create")


def test_a_storm_of_duplicates_is_each_order_once(shop: Shop) -> None:
    """Each delivery five times, shuffled, with changes before their orders and states out of order; two workers."""
    seed = random.Random(7)
    bodies = []
    for number in range(30):
        bodies += [
            document(an_order(number, 1, cents=100), delivery=f"{number}-1"),
            document(an_order(number, 3, cents=300), delivery=f"{number}-3"),
            document(a_change(number, 4, follows=3, tags=("last",)), delivery=f"{number}-4"),
        ]
    storm = bodies * 5
    seed.shuffle(storm)
    threads = []
    for part in range(2):
        worker = shop.worker(messages=seed.choice([1, 5, 20]))
        for body in storm[part::2]:
            shop.send(body)
        threads.append(Thread(target=worker.run))
        threads[-1].start()
    for thread in threads:
        thread.join()
    shop.clock.pass_by(hours=2)
    shop.work()
    assert set(created(shop).values()) == {1}
    assert len(created(shop)) == 30
    for number in range(30):
        kept = shop.order(number)
        assert kept is not None
        assert (kept.tags, kept.source_version and kept.source_version.number) == (("last",), 4)


def test_a_message_that_ends_its_worker_keeps_no_other_out(shop: Shop) -> None:
    """What is before it is settled, and what is left of its delivery is a dead letter after so many tries."""
    shop.flow = replace(shop.flow, backoff=Backoff(attempts=3))
    shop.send(document(an_order(1), an_order(2), an_order(666), an_order(4)))
    shop.send(document(an_order(5)))
    judge = shop.rules.validate

    def poisonous(order: Order, before: Order | None) -> Verdict:
        if order.number == "666":
            raise KeyboardInterrupt
        return judge(order, before)

    shop.rules.validate = poisonous  # type: ignore[method-assign, assignment]
    for _ in range(8):
        try:
            shop.work()
        except KeyboardInterrupt:
            shop.clock.pass_by(minutes=2)
    assert shop.work() == {}
    assert set(created(shop)) == {"shop:main:1", "shop:main:2", "shop:main:5"}
    assert shop.told().count("intake.dead_letter") == 1
    (letter,) = shop.desk.letters(Query())
    assert (letter.number, letter.whole, letter.cause) == (2, True, "failed")


def test_rules_that_cannot_be_asked_open_the_breaker(shop: Shop) -> None:
    """Deliveries are put off and not lost; the source rests, goes on when it can, and both are told."""
    judge = shop.rules.validate

    def away(_order: Order, _before: Order | None) -> Verdict:
        raise UnavailableError("the rules' store is away")

    shop.rules.validate = away  # type: ignore[method-assign, assignment]
    for number in range(6):
        shop.send(document(an_order(number)))
    shop.work()
    for _ in range(6):
        shop.clock.pass_by(seconds=2)
        shop.work()
    assert shop.sources.load("shop/main").breaker.seen(shop.clock()).circuit is Circuit.OPEN
    shop.rules.validate = judge  # type: ignore[method-assign]
    assert shop.work() == {}
    shop.clock.pass_by(hours=1)
    assert shop.work() == {"accepted": 6}
    assert shop.sources.load("shop/main").breaker.circuit is Circuit.CLOSED
    assert [one for one in shop.told() if one in {"intake.suspend", "intake.resume"}] == [
        "intake.suspend",
        "intake.resume",
    ]


def test_clocks_that_are_wrong_cost_work_and_no_order(shop: Shop) -> None:
    """A worker whose clock is an hour ahead takes a delivery from one that has it; the order is accepted once."""
    body = document(*(an_order(number) for number in range(6)))
    shop.send(body)
    ahead = Clock()
    ahead.pass_by(hours=1)
    hasty = open_shop(shop.engine, Path(shop.flow.reader.bodies._folder), ahead)  # type: ignore[attr-defined]
    judge, taken = shop.rules.validate, list[dict[str, int]]()

    def slow(order: Order, before: Order | None) -> Verdict:
        if order.number == "3" and not taken:
            taken.append(hasty.work())
        return judge(order, before)

    shop.rules.validate = slow  # type: ignore[method-assign, assignment]
    shop.worker(messages=2).run()
    assert taken == [{"accepted": 4}]
    assert set(created(shop).values()) == {1}
    assert len(created(shop)) == 6


def test_a_source_whose_clock_is_ahead_is_held(shop: Shop) -> None:
    """A state from the year 2099 would make all later ones late; a person decides."""
    version = SourceVersion(time="2099-01-01T00:00:00.000000Z")
    future = msgspec.structs.replace(an_order(1), source_version=version)
    assert shop.take(future) == {"held": 1}


def test_a_database_that_goes_away_loses_nothing(tmp_path: Path) -> None:
    """What was acknowledged is accepted when it is back; what was not is sent again."""
    with own_server() as server:
        url = server.url()
        engine = durable_engine(url)
        prepare(engine)
        shop = open_shop(engine, tmp_path / "bodies", utc_now)
        acknowledged = []
        for number in range(20):
            if number == 10:
                server.kill()
            try:
                shop.send(document(an_order(number)))
                acknowledged.append(number)
            except UnavailableError:
                assert number >= 10
        with pytest.raises(UnavailableError):
            shop.work()
        server.start()
        for number in range(20):
            if number not in acknowledged:
                shop.send(document(an_order(number)))
        assert shop.work() == {"accepted": 20}
        assert set(created(shop).values()) == {1}
        engine.dispose()


@pytest.mark.parametrize("seed", range(40 if SOAK else 1))
def test_killed_anywhere_each_order_is_accepted_once(shop_url: str, tmp_path: Path, seed: int) -> None:
    """Real workers, ended by SIGKILL again and again: each order once, each delivery read to its end, no hole."""
    draw = random.Random(seed)
    engine = durable_engine(shop_url)
    prepare(engine)
    shop = open_shop(engine, tmp_path / "bodies", utc_now)
    orders = 400
    for first in range(0, orders, 40):
        for _ in range(2):
            shop.send(
                document(*(an_order(number) for number in range(first, first + 40)), delivery=str(first))
            )
    kills = 0
    while _open(shop):
        engine.dispose()  # a fork has no connection of ours
        child = os.fork()
        if not child:
            _work_and_end(shop_url, tmp_path / "bodies", draw.randint(1, 30))
        time.sleep(draw.uniform(0.0, 0.3))
        if kills < 8:
            os.kill(child, signal.SIGKILL)
            kills += 1
        os.waitpid(child, 0)
        with engine.begin() as connection:  # as if the lease of who was killed had ended
            connection.execute(
                text("UPDATE intake_deliveries SET again_at = received WHERE state = 'reading'")
            )
    assert kills >= 1
    assert set(created(shop).values()) == {1}
    assert len(created(shop)) == orders
    received = [one for one in shop.events() if one.action == "intake.receive"]
    counts = [change.after for one in received for change in one.changes if change.path == "/accepted"]
    assert counts == [40] * (orders // 40)
    engine.dispose()


def _work_and_end(url: str, bodies: Path, messages: int) -> None:
    """Work in a process of its own, until nothing is due."""
    try:
        open_shop(durable_engine(url), bodies, utc_now).worker(messages=messages).run()
    finally:
        os._exit(0)


def _open(shop: Shop) -> int:
    with shop.engine.connect() as connection:
        return int(
            connection.scalar(text("SELECT count(*) FROM intake_deliveries WHERE state <> 'done'")) or 0
        )


def test_backoff_is_drawn_evenly_up_to_the_cap() -> None:
    """Full jitter: from nothing to twice as much each time, and never over the longest."""
    backoff = Backoff(timedelta(seconds=1), timedelta(seconds=10))
    assert [backoff.ceiling(attempt).total_seconds() for attempt in (1, 2, 3, 4, 5, 99)] == [
        1,
        2,
        4,
        8,
        10,
        10,
    ]
    assert backoff.wait(3, lambda low, high: (low + high) / 2) == timedelta(seconds=2)
