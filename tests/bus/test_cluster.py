"""A cluster on one machine under load, each part killed in turn: nothing acknowledged is lost, doubled or forked.

Three NATS servers, a relay, one that takes from the bus, two sequencers, PostgreSQL. What the shop has committed is
acknowledged. ``ORDERTRAIL_SOAK=1`` kills a hundred times.
"""

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import pytest
from sqlalchemy import Engine, create_engine, update
from sqlalchemy.orm import Session

from capture.matrix import ORDERS, seed
from capture.shop import ACTOR, POLICY, Base
from ordertrail.assembly import create_trail, open_trail
from ordertrail.assembly.spreading import add_stream_of
from ordertrail.capture import acting
from ordertrail.capture.outbox import create_outbox
from ordertrail.capture.sqlalchemy import capture
from ordertrail.record.entry import read_entry
from ordertrail.record.event import Actor
from ordertrail.record.placement import POSITIONS, Place
from ordertrail.settings import DatabaseSettings, Settings
from ordertrail.settings.transport import TransportSettings
from servers.databases import TrailDatabase, trail_on_postgresql
from servers.nats_cluster import PASSWORD, Cluster, running_cluster
from servers.postgresql import postgresql_server

__all__ = ["postgresql_server", "trail_on_postgresql"]

FAULTS = 100 if os.environ.get("ORDERTRAIL_SOAK") == "1" else 8
PART = Path(__file__).with_name("part.py")
_PATIENCE = 60


@dataclass(slots=True)
class Parts:
    """The processes of the cluster, by name, and how each is started."""

    words: dict[str, list[str]]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Start a part."""
        self.running[name] = subprocess.Popen(
            [sys.executable, str(PART), *self.words[name]],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "ORDERTRAIL_TRANSPORT_PASSWORD": PASSWORD},
        )  # fmt: skip

    def kill(self, name: str) -> None:
        """Kill a part."""
        self.running[name].kill()
        self.running[name].wait()

    @contextmanager
    def all_running(self) -> Iterator[None]:
        """Run all; end them in good order."""
        try:
            for name in self.words:
                self.start(name)
            yield
        finally:
            for one in self.running.values():
                one.send_signal(signal.SIGTERM)
            for one in self.running.values():
                one.wait(timeout=_PATIENCE)


class Writer(threading.Thread):
    """Changes orders of the shop, and remembers what was committed."""

    def __init__(self, shop: Engine) -> None:
        super().__init__(daemon=True)
        self._shop = shop
        self._ending = threading.Event()
        self.committed: dict[int, list[str]] = {1: [], 2: [], 3: []}

    def run(self) -> None:
        """Write until asked to end."""
        for number in itertools.count():
            if self._ending.wait(0.02):
                return
            order, note = number % 3 + 1, f"note {number}"
            with acting(ACTOR), self._shop.begin() as connection:
                connection.execute(update(ORDERS).where(ORDERS.c.id == order).values(note=note))
            self.committed[order].append(note)

    def end(self) -> None:
        """End it."""
        self._ending.set()
        self.join()

    def count(self) -> int:
        """Return how many changes are committed."""
        return sum(map(len, self.committed.values()))


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[Cluster]:
    """Three servers that this test may kill."""
    with running_cluster(tmp_path / "nodes") as cluster:
        cluster.add_line("shop")
        yield cluster


@pytest.fixture
def root(tmp_path: Path, bus: Cluster, trail_on_postgresql: TrailDatabase) -> Path:
    """A trail on PostgreSQL of three streams, whose settings name the bus."""
    address, root = bus.address("ledger"), tmp_path / "trail"
    settings = Settings(
        immutable=False,
        database=DatabaseSettings(url=trail_on_postgresql.url(), lease_seconds=3),
        transport=TransportSettings(urls=list(address.urls), applications=["shop"], user="ledger"),
    )
    with create_trail(root, "shop.example/orders", settings=settings):
        pass
    third = POSITIONS // 3
    for number in (1, 2):
        place = Place("default", f"default-{number + 1}", number * third, (number + 1) * third)
        add_stream_of(root, place, Actor("ops", "person"), "")
    return root


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Engine]:
    """A shop's database, captured."""
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.db'}", connect_args={"timeout": 30})
    Base.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        seed(session)
    create_outbox(engine)
    capture(engine, POLICY)
    yield engine
    engine.dispose()


def sealed(root: Path) -> int:
    """Return how many events are sealed in the streams of orders."""
    with open_trail(root) as trail:
        return sum(
            trail.log(name).log.store.head(name).size for name in trail.logs if name.startswith("default")
        )


def require_whole(root: Path, committed: dict[int, list[str]]) -> None:
    """What the shop committed is in the ledger, once, in its sequence, and each stream's full check is clean."""
    with open_trail(root) as trail:
        for name in trail.logs:
            if trail.log(name).log.store.head(name).size:
                assert trail.verify(stream=name).intact
        for order, notes in committed.items():
            history = trail.history(str(order))
            found = [
                change.after
                for one in history
                for change in one.entry.event.changes
                if change.path == "/note"
            ]
            assert found == notes
            assert trail.standing(history).problems == ()
        losses = [
            event.action
            for name in trail.logs
            for row in trail.log(name).log.reader.rows(name, 0, trail.log(name).log.store.head(name).size)
            if (event := read_entry(row.entry).event).action == "capture.loss"
        ]
    assert losses == []


def test_each_part_is_killed_in_turn(
    root: Path, shop: Engine, bus: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    """SIGKILL of the bus's leader, the relay, the taker and a sequencer, under load; then everything is there."""
    address = bus.address("shop")
    urls = [word for url in address.urls for word in ("--bus", url)]
    words = [
        "relay",
        "--follow",
        "--database",
        str(shop.url),
        "--application",
        "shop",
        "--bus-user",
        "shop",
        *urls,
    ]
    parts = Parts({
        "relay": words,
        "taker": ["take", str(root), "shop"],
        "sequencer one": ["streams", "follow", "--trail", str(root), "--name", "one"],
        "sequencer two": ["streams", "follow", "--trail", str(root), "--name", "two"],
    })  # fmt: skip
    choose = random.Random(7)
    recovered: dict[str, list[float]] = {"leader of the bus": [], **{name: [] for name in parts.words}}
    writer = Writer(shop)
    with parts.all_running():
        writer.start()
        wait_for(root, writer.count() + 20)
        for kind in itertools.islice(itertools.cycle(recovered), FAULTS):
            begun = time.monotonic()
            if kind in parts.words:
                parts.kill(kind)
                parts.start(kind)
            else:
                node = bus.leader("shop")
                node.end(signal.SIGKILL)
                node.start()
            wait_for(root, writer.count() + 1)
            recovered[kind].append(time.monotonic() - begun)
            time.sleep(choose.random() / 2)
        writer.end()
        wait_for(root, writer.count())
    require_whole(root, writer.committed)
    told = {
        kind: {"times": len(times), "median": round(median(times), 2), "longest": round(max(times), 2)}
        for kind, times in recovered.items()
        if times
    }
    with capsys.disabled():
        print(  # noqa: T201 - the report is what the long form is run for
            f"\n{writer.count():,} events, {FAULTS} faults; seconds until what followed was sealed: {json.dumps(told)}"
        )


def wait_for(root: Path, events: int) -> None:
    """Wait until so many events are sealed."""
    end = time.monotonic() + _PATIENCE
    while sealed(root) < events:
        assert time.monotonic() < end
        time.sleep(0.1)
