"""Deliveries from a real JetStream: acknowledged when durable, delivered again when not, each order once."""

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import nats
import pytest

from intake.shop import SHOP, Shop, an_order, document
from ordertrail.adapters.nats.consumer import Consumer, Subscription
from ordertrail.intake.ports import Arrival, Landed
from ordertrail.kernel.backoff import Backoff
from ordertrail.kernel.errors import UnavailableError
from servers.bus import Bus, running_bus


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[Bus]:
    """A bus with the stream of orders."""
    with running_bus(tmp_path) as server:
        publish(server)
        yield server


def publish(bus: Bus, *bodies: bytes, subject: str = "orders.shop.main", name: str = "") -> None:
    """Put messages into the stream, which is made where it is missing."""

    async def put() -> None:
        client = await nats.connect(bus.url)
        stream = client.jetstream()
        await stream.add_stream(name="orders", subjects=["orders.>"], duplicate_window=0.1)
        for number, body in enumerate(bodies):
            headers = {"Nats-Msg-Id": f"{name}-{number}"} if name else None
            await stream.publish(subject, body, headers=headers)
        await client.close()

    asyncio.run(put())


def waiting(bus: Bus) -> int:
    """Return how many messages the bus has that we have not acknowledged."""

    async def look() -> int:
        client = await nats.connect(bus.url)
        told = await client.jetstream().consumer_info("orders", "ordertrail")
        await client.close()
        return int(told.num_pending or 0) + int(told.num_ack_pending or 0)

    return asyncio.run(look())


def consumer(shop: Shop, bus: Bus) -> Consumer:
    """Return a consumer that is told again soon."""
    soon = Backoff(attempts=1)
    return Consumer(
        Subscription(bus.url, "orders", "orders", ack_wait=1.0, backoff=soon), shop.door, {str(SHOP): SHOP}
    )


def consume(consuming: Consumer, enough: Callable[[], bool]) -> None:
    """Consume until it is enough."""
    end = time.monotonic() + 60
    consuming.run(lambda: enough() or time.monotonic() > end)
    assert enough()


def test_messages_become_orders(shop: Shop, bus: Bus) -> None:
    """Each is landed, acknowledged, and accepted; one sent again under its id is a duplicate."""
    bodies = [document(an_order(number)) for number in range(10)]
    publish(bus, *bodies, name="first")
    time.sleep(0.2)  # the bus itself knows a message again for a tenth of a second
    publish(bus, *bodies, name="first")
    consuming = consumer(shop, bus)
    consume(consuming, lambda: consuming.consumed.landed + consuming.consumed.duplicate >= 20)
    assert (consuming.consumed.landed, consuming.consumed.duplicate) == (10, 10)
    assert shop.work() == {"accepted": 10}
    assert waiting(bus) == 0


def test_what_cannot_be_made_durable_is_delivered_again(
    shop: Shop, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused with a delay, and taken in when the database is back."""
    publish(bus, *(document(an_order(number)) for number in range(3)))
    land, away = shop.inbox.land, [True]

    def sometimes(arrivals: list[Arrival]) -> list[Landed]:
        if away.pop() if away else False:
            raise UnavailableError("it is away")
        return land(arrivals)

    monkeypatch.setattr(shop.inbox, "land", sometimes)
    consuming = consumer(shop, bus)
    consume(consuming, lambda: consuming.consumed.landed >= 3)
    assert consuming.consumed.put_off >= 1
    assert shop.work() == {"accepted": 3}


def test_a_bus_that_is_killed_loses_nothing(shop: Shop, bus: Bus) -> None:
    """We connect again by ourselves, and what it delivers twice is one order."""
    publish(bus, *(document(an_order(number)) for number in range(5)))
    consuming = consumer(shop, bus)
    thread = Thread(target=consume, args=(consuming, lambda: consuming.consumed.landed >= 10))
    thread.start()
    while consuming.consumed.landed < 5:
        time.sleep(0.02)
    bus.end(signal.SIGKILL)
    bus.start()
    publish(bus, *(document(an_order(number)) for number in range(5, 10)))
    thread.join()
    assert shop.work() == {"accepted": 10}


def test_a_subject_without_a_source_is_ended(shop: Shop, bus: Bus) -> None:
    """It is logged and not sent again: that would not help."""
    publish(bus, b"{}", subject="orders.shop.other")
    consuming = consumer(shop, bus)
    consume(consuming, lambda: consuming.consumed.ended >= 1)
    assert waiting(bus) == 0
    assert shop.work() == {}
