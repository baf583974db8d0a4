"""Several sequencers over one PostgreSQL: each stream sealed by one, taken over when it dies, and never forked."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ordertrail.assembly import create_trail, open_trail
from ordertrail.assembly.filing import filing_door
from ordertrail.cli.streams import app
from ordertrail.settings import DatabaseSettings, Settings
from servers.databases import TrailDatabase, trail_on_postgresql
from servers.postgresql import postgresql_server
from streams.test_sharing import an_event

__all__ = ["postgresql_server", "trail_on_postgresql"]

LEASE = 3


@pytest.fixture
def root(tmp_path: Path, trail_on_postgresql: TrailDatabase) -> Path:
    """A trail on PostgreSQL, its orders over four streams."""
    settings = Settings(
        immutable=False,
        database=DatabaseSettings(url=trail_on_postgresql.url(), lease_seconds=LEASE),
    )
    root = tmp_path / "trail"
    with create_trail(root, "shop.example/orders", settings=settings):
        pass
    for number, orders in enumerate(("4000-7fff", "8000-bfff", "c000-ffff"), 2):
        told = streams(root, "add", f"default-{number}", "--orders", orders, "--reason", "it grows")
        assert told["stream"] == f"default-{number}"
    return root


def streams(root: Path, *words: str) -> Any:
    """Run the verb; return what it says as JSON."""
    done = CliRunner().invoke(app, [*words, "--trail", str(root), "--json"], catch_exceptions=False)
    assert done.exit_code == 0
    return json.loads(done.stdout)


@contextmanager
def sequencers(root: Path, *names: str) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Run sequencers, each in a process of its own."""
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name in names:
            running[name] = start(root, name)
        yield running
    finally:
        for one in running.values():
            if one.poll() is None:
                one.send_signal(signal.SIGCONT)
                one.terminate()
        for one in running.values():
            one.wait(timeout=60)


def start(root: Path, name: str) -> subprocess.Popen[bytes]:
    """Start a sequencer."""
    here = Path(__file__).with_name("sequencer.py")
    return subprocess.Popen(
        [sys.executable, str(here), str(root), name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def until(enough: Callable[[], bool], seconds: float = 45) -> float:
    """Wait until it is enough; return how long that took."""
    begun = time.monotonic()
    while not enough():
        assert time.monotonic() - begun < seconds
        time.sleep(0.1)
    return time.monotonic() - begun


def shares(root: Path) -> dict[str, int]:
    """Return how many streams each sequencer holds."""
    held = [one["sequencer"] for one in streams(root, "list")["streams"] if one["held"]]
    return {name: held.count(name) for name in set(held)}


def sealed_by(root: Path, name: str) -> set[str]:
    """Return the streams that a sequencer holds."""
    return {one["stream"] for one in streams(root, "list")["streams"] if one["sequencer"] == name}


def record(root: Path, first: int, count: int) -> None:
    """Record events of orders, each into its stream."""
    with open_trail(root) as trail:
        filing_door(trail).record([an_event(f"SO-{number % 50}") for number in range(first, first + count)])


def require_sound(root: Path, events: int) -> None:
    """Every stream's full check is clean, all events are there once, and each order is in one stream."""
    with open_trail(root) as trail:
        sizes = {name: trail.log(name).log.store.head(name).size for name in trail.logs}
        assert all(trail.verify(stream=name).intact for name, size in sizes.items() if size)
        assert sum(size for name, size in sizes.items() if name.startswith("default")) == events
        assert sum(size > 0 for name, size in sizes.items() if name.startswith("default")) == 4
        for number in range(50):
            assert len({one.stream for one in trail.history(f"SO-{number}")}) <= 1


def test_sequencers_share_streams_and_take_over(root: Path) -> None:
    """Two share fairly; one that joins takes its share; one that is killed is taken over from within a lease."""
    total = 5  # four of orders, and the placement's own
    with sequencers(root, "one", "two") as running:
        until(lambda: sorted(shares(root).values()) == [2, 3])
        record(root, 0, 200)
        running["three"] = start(root, "three")
        until(lambda: sorted(shares(root).values()) == [1, 2, 2])
        record(root, 200, 200)
        running["two"].kill()
        assert until(lambda: "two" not in shares(root) and sum(shares(root).values()) == total) < 3 * LEASE
        record(root, 400, 200)
        until(lambda: all(one["waiting"] == 0 for one in streams(root, "list")["streams"]))
    require_sound(root, 600)


def test_a_sequencer_that_was_paused_does_no_harm(root: Path) -> None:
    """Stopped past its lease and woken, it finds its streams another's: nothing forks, and shares are fair again."""
    with sequencers(root, "one", "two") as running:
        until(lambda: sorted(shares(root).values()) == [2, 3])
        running["one"].send_signal(signal.SIGSTOP)
        record(root, 0, 200)
        until(lambda: shares(root) == {"two": 5})
        running["one"].send_signal(signal.SIGCONT)
        record(root, 200, 200)
        until(lambda: sorted(shares(root).values()) == [2, 3])
        until(lambda: all(one["waiting"] == 0 for one in streams(root, "list")["streams"]))
    require_sound(root, 400)


def test_streams_and_orders_are_moved_by_hand(root: Path) -> None:
    """A stream goes to who is named; orders of moved positions begin elsewhere, and those that began stay."""
    record(root, 0, 100)
    with sequencers(root, "one", "two"):
        until(lambda: sorted(shares(root).values()) == [2, 3])
        for stream in ("default", "default-2"):
            streams(root, "move", stream, "--to", "two")
        until(lambda: {"default", "default-2"} <= sealed_by(root, "two"))
        streams(root, "move", "default-2", "--orders", "0000-ffff")
        record(root, 100, 100)  # the same orders: they stay
        with open_trail(root) as trail:
            filing_door(trail).record([an_event(f"NEW-{number}") for number in range(20)])
        until(lambda: all(one["waiting"] == 0 for one in streams(root, "list")["streams"]))
    with open_trail(root) as trail:
        assert {one.stream for number in range(20) for one in trail.history(f"NEW-{number}")} == {"default-2"}
    require_sound(root, 220)
