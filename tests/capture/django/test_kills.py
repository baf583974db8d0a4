"""A Django process killed under load, again and again: what is recorded is what the database committed."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

from capture.django.conftest import Database
from capture.django.oracle import changed_rows, columns_of, install_oracle, observing, recorded_rows
from capture.django.settings import TABLES
from ordertrail.capture.django import pending

TESTS = Path(__file__).parents[2]
SOAK = bool(os.environ.get("ORDERTRAIL_SOAK"))
KILLS = 100 if SOAK else 5


def test_events_equal_committed_changes_whenever_the_process_dies(shop: Database) -> None:
    """At whatever moment it is killed, it leaves neither a change without its event nor an event without its change."""
    chance = random.Random(7)
    environment = {**os.environ, "SHOP_DATABASE": json.dumps(shop), "PYTHONPATH": str(TESTS)}
    with observing(shop) as observer:
        install_oracle(observer, columns_of(TABLES))
        for seed in range(KILLS):
            program = [sys.executable, str(Path(__file__).with_name("load.py")), str(seed)]
            with subprocess.Popen(program, env=environment, stdout=subprocess.PIPE) as process:
                assert process.stdout is not None
                process.stdout.readline()
                time.sleep(chance.random())
                process.kill()
        if shop["ENGINE"].endswith("postgresql"):
            _wait_for_the_dead(observer)
        seen = changed_rows(
            observer.execute("SELECT tbl, op, old, new FROM oracle ORDER BY n").fetchall(), "clerk-17"
        )
    events = pending()
    assert recorded_rows([event for event in events if event.outcome == "success"], TABLES) == seen
    assert sum(seen.values()) > KILLS
    counters: dict[str, list[int]] = {}
    for event in events:
        assert event.origin is not None
        counters.setdefault(event.origin.client, []).append(event.origin.counter)
    assert all(told == list(range(len(told))) for told in counters.values())


def _wait_for_the_dead(observer: object) -> None:
    """Wait until PostgreSQL has noticed whose connections are gone."""
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    query += " AND state <> 'idle'"
    end = time.monotonic() + 30
    while observer.execute(query).fetchone()[0] and time.monotonic() < end:
        time.sleep(0.05)
