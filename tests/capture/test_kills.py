"""SIGKILL, at any moment, of the application, the relay and the sequencer: events are the committed changes, always."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from capture.shop import changed_rows, events_of, install_oracle, recorded_rows
from ordertrail.assembly import create_trail, open_trail
from ordertrail.capture.outbox import create_outbox
from ordertrail.capture.outbox.relay import Relay
from ordertrail.record.entry import read_entry
from ordertrail.record.event import Event
from ordertrail.settings import Settings

SOAK = os.environ.get("ORDERTRAIL_SOAK") == "1"
KILLS = 150 if SOAK else 9
"""In sum, over all who are killed."""

APPLICATION = Path(__file__).with_name("application.py")
ORDERTRAIL = Path(sys.executable).with_name("ordertrail")


@pytest.mark.parametrize("seed", range(4 if SOAK else 1))
def test_events_are_the_committed_changes(
    bare_engine: Engine, observer: Engine, database_url: str, tmp_path: Path, seed: int
) -> None:
    """Each change that committed is one event, once; none that did not; no number of a client is missing."""
    create_outbox(bare_engine)
    with observer.begin() as connection:
        install_oracle(connection)
    trail = tmp_path / "trail"
    create_trail(trail, "shop.example/orders", settings=Settings(immutable=False)).close()
    url = database_url.replace("postgresql+psycopg://", "postgresql://")
    chance = random.Random(seed)
    starts: list[Callable[[], list[str]]] = [
        lambda: [sys.executable, str(APPLICATION), database_url, str(chance.randrange(1 << 30))],
        lambda: [sys.executable, str(APPLICATION), database_url, str(chance.randrange(1 << 30))],
        lambda: [str(ORDERTRAIL), "relay", "--trail", str(trail), "--database", url, "--follow"],
        lambda: [str(ORDERTRAIL), "seal", "--trail", str(trail), "--follow"],
    ]
    processes = [start(one) for one in starts]
    try:
        wait_for_clients(observer, 2)
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.2, 1.5))
            victim = chance.randrange(len(processes))
            kill(processes[victim])
            processes[victim] = start(starts[victim])
        time.sleep(1)
    finally:
        for process in processes:
            kill(process)
    with open_trail(trail) as ledger:
        done = Relay(observer, ledger.log().recorder).run()
        ledger.seal()
        rows = ledger.log().log.reader.rows("default", 0, ledger.log().log.store.head("default").size)
        events = [read_entry(row.entry).event for row in rows]
        assert ledger.verify().intact
    assert done.holes == done.refused == 0
    with observer.connect() as connection:
        seen = Counter(changed_rows(connection))
        assert events_of(connection) == []
    changes = [
        event for event in events if event.outcome == "success" and not event.action.startswith("capture.")
    ]
    assert len(changes) > 20
    assert Counter(recorded_rows(changes)) == seen
    assert len({event.id for event in events}) == len(events)
    assert not [event for event in events if event.action == "capture.loss"]
    whole(events)


def wait_for_clients(observer: Engine, count: int) -> None:
    """Wait until so many clients have captured something: both applications work, however busy the machine is."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with suppress(OperationalError), observer.connect() as connection:
            if (connection.scalar(text("SELECT count(*) FROM ordertrail_client")) or 0) >= count:
                return
        time.sleep(0.1)
    raise TimeoutError("the applications have captured nothing in a minute")


def whole(events: list[Event]) -> None:
    """Check that each client's counters are all there, once."""
    counters: dict[str, list[int]] = {}
    for event in events:
        if event.origin is not None:
            counters.setdefault(event.origin.client, []).append(event.origin.counter)
    assert len(counters) > 1
    for found in counters.values():
        assert sorted(found) == list(range(len(found)))


def start(command: Callable[[], list[str]]) -> "subprocess.Popen[bytes]":
    """Start one of those who work."""
    return subprocess.Popen(command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def kill(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process of ours, as a power failure of it alone would."""
    process.send_signal(signal.SIGKILL)
    process.wait()
