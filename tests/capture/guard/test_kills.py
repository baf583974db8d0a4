"""Programs and the server are killed at random; what is recorded stays what was committed, through the guard or not."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from capture.guard.shop import guarded, recorded, seen_rows, told
from capture.matrix import seed
from capture.shop import Base
from ordertrail.capture.outbox import create_outbox
from servers.databases import empty_database
from servers.postgresql import own_server

_ROUNDS = int(os.environ.get("ORDERTRAIL_SOAK") == "1") * 40 or 4
_SEED = 20261123


def prepared(engine: Engine) -> None:
    """The shop, seeded and guarded."""
    Base.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        seed(session)
    create_outbox(engine)
    guarded(engine)


@contextmanager
def writing(url: str, number: int) -> Iterator[subprocess.Popen[bytes]]:
    """A writer that has begun; it is killed in the end."""
    command = [sys.executable, str(Path(__file__).parent / "writer.py"), url, str(number)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"writing\n"
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()


def assert_events_are_what_was_committed(observer: Engine) -> int:
    """Each order's events are a chain from the value that it had to the one that it has; return how many bypasses.

    On PostgreSQL they lie in the outbox as they were committed. SQLite's guard is settled when the relay comes, so
    that a bypass may lie behind what capture recorded after it.
    """
    events = recorded(observer)
    with observer.connect() as connection:
        rows = connection.execute(text("SELECT id, note FROM orders")).all()
        now = {row.id: row.note for row in rows}
    was: dict[str, object] = {"1": None, "2": None, "3": "ship on Monday"}
    steps: dict[str, dict[object, object]] = {number: {} for number in was}
    for _, number, changes in told(events):
        before, after = changes["note"]
        assert before not in steps[number]
        steps[number][before] = after
        if observer.dialect.name == "postgresql":
            assert was[number] == before
            was[number] = after
    for number, chain in steps.items():
        while was[number] in chain:
            was[number] = chain.pop(was[number])
        assert observer.dialect.name == "postgresql" or chain == {}
    assert was == {str(number): note for number, note in now.items()}
    assert seen_rows(observer) == 0
    for client in {event.origin.client for event in events if event.origin}:
        counters = [
            event.origin.counter for event in events if event.origin and event.origin.client == client
        ]
        assert counters == list(range(len(counters)))
    return sum(event.action == "capture.bypass" for event in events)


def test_killed_writers_leave_whole_transactions(open_engine: object, database_url: str) -> None:
    """SIGKILL of programs that write through capture, past it, and both at once."""
    assert open_engine is not None
    chosen = random.Random(_SEED)
    engine = create_engine(database_url, poolclass=NullPool)
    prepared(engine)
    for number in range(_ROUNDS):
        with writing(database_url, number):
            time.sleep(chosen.uniform(0.05, 0.5))
    assert assert_events_are_what_was_committed(engine) > 0


def test_a_killed_server_keeps_what_it_acknowledged() -> None:
    """SIGKILL of PostgreSQL: what the guard had noted of unfinished transactions is gone with them, nothing else."""
    chosen = random.Random(_SEED)
    with own_server() as server, empty_database(server) as name:
        url = server.url(name).replace("postgresql://", "postgresql+psycopg://")
        engine = create_engine(url, poolclass=NullPool)
        prepared(engine)
        for number in range(_ROUNDS):
            with writing(url, number):
                time.sleep(chosen.uniform(0.05, 0.5))
                server.kill()
            server.start()
        assert assert_events_are_what_was_committed(engine) > 0
