"""What intake does: orders a second from JSON batches on disk to accepted orders with their events, on both databases.

    python bench/intake.py [--orders 20000] [--workers 2] [--http 15] [--large 256] [--phases 5000]

Batches of 500 orders of two lines each, as lists of JSON, are handed to the door as files' bytes, landed durably, read
by the shipped channel ``json`` with the shipped mapping ``plain_orders``, held against the shipped rules, and worked on
by worker processes at the same time; the clock runs from the first byte handed over to the last order accepted.
Commits are durable: PostgreSQL with its defaults, SQLite in WAL mode with synchronous=FULL. Capture is on for every
order table.

``--phases`` orders are worked on in this process alone, on SQLite, and each step's processor time is told.

``--http`` seconds of webhooks at 300 requests/s, one order each, are answered 202 when durable, while a worker takes
them in; told is the time from sending to the answer. ``--large`` megabytes of one file show that memory stays flat.
"""

import argparse
import asyncio
import json
import multiprocessing
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).parents[1] / "tests")  # in the place of this folder, whose names are others

from intake.shop import KEY, Shop, an_order, document, durable_engine, open_shop, prepare  # noqa: E402
from ordertrail.adapters.orders.store import SqlOrders  # noqa: E402
from ordertrail.assembly.intake import collect_seldom  # noqa: E402
from ordertrail.intake.channel import Channel, open_channel  # noqa: E402
from ordertrail.intake.delivery import Source, Way  # noqa: E402
from ordertrail.intake.reading import Reader  # noqa: E402
from ordertrail.intake.receiving import Sent  # noqa: E402
from ordertrail.intake.rules.rulebook import shipped  # noqa: E402
from ordertrail.intake.rules.validator import RulesValidator  # noqa: E402
from ordertrail.kernel.clock import utc_now  # noqa: E402
from ordertrail.orders.model import Order  # noqa: E402

BATCH = 500
LEAST = 2_000
"""Orders a second that are wanted."""
RATE = 300
"""Requests a second."""
ERP = Source("json", "erp", options={"mapping": "plain_orders"})
"""What the batches come from."""
TABLE = """\
[table]
key = "Order"

[order]
id = "Order"
placed = "Date"

[order.lines]
name = "Item"
ordered = "Quantity"
unit_price = "Price"
"""


@contextmanager
def databases(names: list[str]) -> Iterator[Iterator[tuple[str, str, Path]]]:
    """Yield name, address and folder of each database."""
    from servers.postgresql import running  # noqa: PLC0415 - the tests' folder is on the path only now

    with tempfile.TemporaryDirectory(prefix="ordertrail-bench-") as folder:

        def each() -> Iterator[tuple[str, str, Path]]:
            for name in names:
                place = Path(folder) / name
                place.mkdir()
                if name == "sqlite":
                    yield name, f"sqlite:///{place}/orders.db", place
                else:
                    with running() as server:
                        yield name, server.url(), place

        yield each()


def work(url: str, folder: Path, ready: Any, total: int, used: Any) -> None:
    """Work until so many messages are accepted, in a process of its own; add up the seconds of processor time."""
    shop = open_erp(url, folder)
    collect_seldom()
    worker = shop.worker(deliveries=1 if total < sys.maxsize else 100, messages=BATCH)
    ready.wait()
    begin = time.process_time()
    if total == sys.maxsize:
        worker.follow(lambda: False, time.sleep)
    while True:
        if not worker.round():
            if total < sys.maxsize and _accepted(shop) >= total:
                break
            time.sleep(0.01)
    with used.get_lock():
        used.value += time.process_time() - begin


def _accepted(shop: Shop) -> int:
    with shop.engine.connect() as connection:
        counted = connection.exec_driver_sql(
            "SELECT count(*) FROM intake_messages WHERE state = 'accepted'"
        ).scalar()
        return int(counted or 0)


def open_erp(url: str, folder: Path) -> Shop:
    """Open the flow as the assembly wires it: the channels that are shipped, and the shipped rules.

    The tests' own small channel is still there, for the requests of ``--http``.
    """
    engine = durable_engine(url)
    shop = open_shop(engine, folder / "bodies", utc_now)
    small = shop.flow.reader
    sources, rulebook = {**small.sources, str(ERP): ERP}, shipped()

    def channel(name: str) -> Channel:
        return small.channel(name) if name == "shop" else open_channel(name)

    validator = RulesValidator(lambda: rulebook, SqlOrders(engine))
    shop.flow = replace(shop.flow, reader=Reader(sources, small.bodies, channel), validator=validator)
    shop.door = replace(shop.door, channel=channel)
    return shop


def batches(orders: int) -> list[bytes]:
    """Return the bodies."""
    return [
        json.dumps([plain_order(first + number) for number in range(BATCH)]).encode()
        for first in range(0, orders, BATCH)
    ]


def plain_order(number: int) -> dict[str, Any]:
    """Return an order of two lines as ``plain_orders`` reads it; its totals add up."""
    lines = [
        {
            "id": str(place),
            "sku": f"CUP-{place}",
            "name": "Cup",
            "quantity": 1,
            "price": "12.00",
            "amount": "12.00",
        }
        for place in (1, 2)
    ]
    return {
        "id": str(number),
        "number": f"R-{number}",
        "status": "received",
        "currency": "EUR",
        "version": 1,
        "placed": "2026-11-22T14:00:00Z",
        "updated": "2026-11-22T14:05:00Z",
        "customer": {"id": f"c-{number % 997}", "name": "A. Buyer", "email": f"buyer{number}@example.com"},
        "ship_to": {
            "name": "A. Buyer",
            "street": ["Weg 1"],
            "city": "Ulm",
            "postal_code": "89073",
            "country": "DE",
        },
        "lines": lines,
        "shipping": "4.90",
        "tax": "4.61",
        "total": "28.90",
        "tax_included": True,
    }


def measure_batches(url: str, folder: Path, orders: int, workers: int) -> tuple[float, float]:
    """Return orders a second from end to end, and microseconds of all processes of ours for one."""
    engine = durable_engine(url)
    prepare(engine)
    shop = open_erp(url, folder)
    bodies = batches(orders)
    shop.take(an_order(10**9))
    total = orders + 1
    context = multiprocessing.get_context("spawn")
    ready, used = context.Barrier(workers + 1), context.Value("d", 0.0)
    processes = [context.Process(target=work, args=(url, folder, ready, total, used)) for _ in range(workers)]
    for process in processes:
        process.start()
    ready.wait()
    begin, own = time.perf_counter(), time.process_time()
    for number, body in enumerate(bodies):
        shop.door.receive(Sent(ERP, body, Way.FILE, name=f"batch-{number}.json"))
    while _accepted(shop) < total:
        time.sleep(0.02)
    seconds = time.perf_counter() - begin
    for process in processes:
        process.join()
    engine.dispose()
    return orders / seconds, (used.value + time.process_time() - own) / orders * 1e6


def measure_phases(url: str, folder: Path, orders: int) -> dict[str, float]:
    """Return the microseconds of this process for an order in each step of the flow."""
    engine = durable_engine(url)
    prepare(engine)
    shop = open_erp(url, folder)
    sent = [
        Sent(ERP, body, Way.FILE, name=f"phase-{place}.json") for place, body in enumerate(batches(orders))
    ]
    channel, validator = shop.door.channel(ERP.channel), shop.flow.validator
    times, told = [time.process_time()], []
    for one in sent:
        shop.door.receive(one)
    times.append(time.process_time())
    for one in sent:
        told += [message.content for message in channel.read(shop.door.delivery(one))]
    times.append(time.process_time())
    for content in told:
        if not isinstance(content, Order) or validator.validate(content, None).holds:
            raise SystemExit("an order of the benchmark is not one that enters")
    times.append(time.process_time())
    told.clear()
    shop.worker().run()
    times.append(time.process_time())
    engine.dispose()
    landing, reading, rules, whole = ((end - begin) / orders * 1e6 for begin, end in pairwise(times))
    return {"land": landing, "read": reading, "rules": rules, "decide and settle": whole - reading - rules}


def serve(url: str, folder: Path, port: int) -> None:
    """Serve the door, in a process of its own."""
    from intake.test_web import served  # noqa: PLC0415 - as above
    from ordertrail.assembly.serving import serve_app  # noqa: PLC0415 - only this process serves
    from ordertrail.web.intake import intake_app  # noqa: PLC0415 - as above

    shop = open_shop(durable_engine(url), folder / "bodies", utc_now)
    serve_app(intake_app(served(shop, 10**9)), "127.0.0.1", port, lambda _host, _port: None)


async def _ask(port: int, seconds: float) -> list[float]:
    """Send requests at an even rate, whatever the answers take; return how long each took, in milliseconds.

    Requests are made beforehand and go over plain connections: what is measured is the door and not its visitor.
    """
    requests = [_request(number) for number in range(int(RATE * seconds))]
    taken: list[float] = []
    free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def one(request: bytes) -> None:
        begin = time.perf_counter()
        reader, writer = free.pop() if free else await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        await reader.readexactly(length)
        if b" 202 " not in head[:16]:
            raise SystemExit(f"answered {head[:40]!r}")
        free.append((reader, writer))
        taken.append(1_000 * (time.perf_counter() - begin))

    for attempt in range(100):
        try:
            await asyncio.gather(*(one(_request(-1 - attempt - place)) for place in range(0, 2_000, 100)))
            break
        except ConnectionError:
            await asyncio.sleep(0.2)
    taken.clear()
    begin, tasks = time.perf_counter(), []
    for number, request in enumerate(requests):
        await asyncio.sleep(max(0.0, begin + number / RATE - time.perf_counter()))
        tasks.append(asyncio.create_task(one(request)))
    await asyncio.gather(*tasks)
    for _, writer in free:
        writer.close()
    return taken


def _request(number: int) -> bytes:
    body = document(an_order(10**8 + number))
    head = f"POST /intake/shop/main HTTP/1.1\r\nHost: here\r\nX-API-Key: {KEY}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def measure_http(url: str, folder: Path, seconds: float) -> tuple[float, float]:
    """Return the median and the 99th percentile of the milliseconds to an answer, with a worker beside."""
    engine = durable_engine(url)
    prepare(engine)
    engine.dispose()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    ready, used = context.Barrier(2), context.Value("d", 0.0)
    processes = [
        context.Process(target=serve, args=(url, folder, port)),
        context.Process(target=work, args=(url, folder, ready, sys.maxsize, used)),
    ]
    for process in processes:
        process.start()
    try:
        ready.wait()
        taken = sorted(asyncio.run(_ask(port, seconds)))
    finally:
        for process in processes:
            process.terminate()
            process.join()
    return taken[len(taken) // 2], taken[int(0.99 * len(taken))]


def measure_large(url: str, folder: Path, megabytes: int) -> tuple[int, int]:
    """Return by how many megabytes memory grew while one large file was taken in, and how many orders it told."""
    from ordertrail.intake.channels.csv import Table  # noqa: PLC0415 - only this reads tables

    engine = durable_engine(url)
    prepare(engine)
    shop = open_shop(engine, folder / "bodies", utc_now)
    source = Source("csv", "main", currency="EUR", options={"mapping": TABLE})
    shop.flow = replace(
        shop.flow, reader=Reader({"csv/main": source}, shop.flow.reader.bodies, lambda _name: Table())
    )
    file, number = folder / "large.csv", 0
    with file.open("w") as rows:
        rows.write("Order,Date,Item,Note,Quantity,Price\n")
        while rows.tell() < megabytes << 20:
            number += 1
            for line in range(100):
                rows.write(f"{number},2026-11-22,Cup {line},{'x' * 400},1,12.00\n")
    shop.door = replace(shop.door, channel=lambda _name: Table())
    before = _anonymous()
    shop.door.receive(Sent(source, file, Way.FILE, name=file.name))
    worker, most = shop.worker(messages=50), before
    claim = shop.inbox.settle

    def watched(*arguments: Any) -> Any:
        nonlocal most
        most = max(most, _anonymous())
        return claim(*arguments)

    shop.inbox.settle = watched  # type: ignore[method-assign, assignment]
    worker.run()
    engine.dispose()
    return most - before, _accepted(shop)


def _anonymous() -> int:
    """Return the megabytes of memory that are ours alone: pages of a mapped file are the system's to take back."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["RssAnon"].split()[0]) >> 10


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--http", type=float, default=15.0)
    parser.add_argument("--large", type=int, default=256)
    parser.add_argument("--phases", type=int, default=5_000)
    parser.add_argument("--databases", nargs="+", default=["postgresql", "sqlite"])
    options = parser.parse_args()
    with databases(options.databases) as each:
        for name, url, folder in each:
            if options.orders:
                rate, used = measure_batches(url, folder, options.orders, options.workers)
                told = f"{rate:,.0f} orders/s from JSON batches (at least {LEAST:,} are wanted)"
                print(f"{name}: {told}, {used:,.0f} us of our processes for one")
            if options.phases and name == "sqlite":
                place = folder / "phases"
                place.mkdir()
                # A database of its own, for that of the batches has the same orders.
                phases = measure_phases(f"sqlite:///{place}/orders.db", place, options.phases)
                print(
                    "sqlite, by step:", ", ".join(f"{step} {told:,.0f} us" for step, told in phases.items())
                )
            if options.http:
                half, most = measure_http(url, folder, options.http)
                print(
                    f"{name}: {RATE} requests/s, half within {half:.1f} ms, 99 % within {most:.1f} ms (100 are wanted)"
                )
            if options.large:
                grown, orders = measure_large(url, folder, options.large)
                print(
                    f"{name}: a file of {options.large} MB, {orders:,} orders here then, memory grew by {grown} MB"
                )


if __name__ == "__main__":
    main()
