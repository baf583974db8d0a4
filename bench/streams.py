"""What more sequencers and more streams cost and give; and asking over many streams.

Usage: ``bench/streams.py [--events N] [--sequencers 1,2,4] [--streams 4,8,16] [--asked 1,10,100] [--json FILE]``.

A trail on a PostgreSQL of its own, its vault in a directory. Events wait in the journal, spread over the streams by
the hashes of their orders; sequencers, each in a process of its own, are started and seal them all. The time runs from
when the first of them holds a lease until nothing waits. The cost of a stream is what one sequencer needs more for
the same events in more streams. Questions are pages of fifty of the newest events, over an index that is fed.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

if __name__ == "__main__":
    sys.path[:0] = [
        str(Path(__file__).resolve().parents[1]),
        str(Path(__file__).resolve().parents[1] / "tests"),
    ]

from bench.figures import percentile
from bench.generated_trail import event_of
from ordertrail.assembly import create_trail, open_trail
from ordertrail.assembly.filing import filing_door
from ordertrail.assembly.index import open_query
from ordertrail.assembly.spreading import add_stream_of, open_members
from ordertrail.assembly.trail import add_log
from ordertrail.ledger.rotation import LogIdentity
from ordertrail.query.questions.search import search
from ordertrail.record.event import Actor
from ordertrail.record.placement import POSITIONS, Place
from ordertrail.settings import DatabaseSettings, Settings
from servers.databases import trail_database
from servers.postgresql import Server, running

_SEQUENCER = Path(__file__).resolve().parents[1] / "tests" / "streams" / "sequencer.py"
_ACTOR = Actor("bench", "system")
_BATCH = 5_000
_TIMES = 50


def seal_with(server: Server, folder: Path, events: int, sequencers: int, streams: int) -> float:
    """Return how many events a second so many sequencers seal, spread over so many streams."""
    with trail_database(server) as database:
        settings = Settings(immutable=False, database=DatabaseSettings(url=database.url()))
        with create_trail(folder, "bench.example/log", settings=settings):
            pass
        width = POSITIONS // streams
        for number in range(1, streams):
            place = Place("default", f"default-{number + 1}", number * width, (number + 1) * width)
            add_stream_of(folder, place, _ACTOR, "measured")
        with open_trail(folder) as trail:
            door = filing_door(trail)
            for start in range(0, events, _BATCH):
                door.record(map(event_of, range(start, min(start + _BATCH, events))))
        began, ended = _seal(folder, sequencers)
    return events / (ended - began)


def _seal(folder: Path, sequencers: int) -> tuple[float, float]:
    """Run sequencers until nothing waits; return when the first held a lease, and when they were done."""
    processes = [
        subprocess.Popen(
            [sys.executable, str(_SEQUENCER), str(folder), f"s{number}"], stdout=subprocess.DEVNULL
        )
        for number in range(sequencers)
    ]
    try:
        with open_members(folder) as members, open_trail(folder) as trail:
            while not any(one.held for one in members.leases()):
                time.sleep(0.01)
            began = time.monotonic()
            while any(trail.log(name).log.journal.waiting(name) for name in trail.logs):
                time.sleep(0.05)
            return began, time.monotonic()
    finally:
        for one in processes:
            one.terminate()
        for one in processes:
            one.wait()


def ask(folder: Path, events: int, streams: int) -> dict[str, Any]:
    """Return the milliseconds of a page over so many streams."""
    with create_trail(folder, "bench.example/log", settings=Settings(immutable=False)):
        pass
    names = ["default", *(f"default-{number}" for number in range(2, streams + 1))]
    for name in names[1:]:
        add_log(folder, LogIdentity(name, f"bench.example/log/{name}", 30, "2026-01-01T00:00:00.000000Z"))
    with open_trail(folder) as trail:
        for number, name in enumerate(names):
            own = [one for one in map(event_of, range(events)) if UUID(one.id).int % streams == number]
            for start in range(0, len(own), _BATCH):
                trail.record(own[start : start + _BATCH], stream=name)
            trail.seal(stream=name)
    spent = []
    with open_query(folder) as query:
        query.feed()
        for _ in range(_TIMES):
            begun = time.perf_counter()
            page = search(query.searches, query.parse(""), limit=50)
            search(query.searches, query.parse(""), limit=50, beyond=page.older)
            spent.append((time.perf_counter() - begun) * 500)
    return {
        "streams": streams,
        "p50_ms": round(percentile(spent, 0.5), 2),
        "p99_ms": round(percentile(spent, 0.99), 2),
    }


def measure(
    events: int, sequencers: Sequence[int], streams: Sequence[int], asked: Sequence[int]
) -> dict[str, Any]:
    """Measure all; return the figures."""
    with tempfile.TemporaryDirectory(prefix="ordertrail-streams-") as place, running() as server:
        numbers = iter(range(1_000))

        def folder() -> Path:
            return Path(place) / f"trail-{next(numbers)}"

        most = max(4, *sequencers)
        sealed = {count: seal_with(server, folder(), events, count, most) for count in sequencers}
        alone = {count: seal_with(server, folder(), events, 1, count) for count in streams}
        first, last = min(streams), max(streams)
        cost = (events / alone[last] - events / alone[first]) / max(1, last - first)
        return {
            "events": events,
            "sealed_by_sequencers": {str(count): round(rate) for count, rate in sealed.items()},
            "sealed_in_streams": {str(count): round(rate) for count, rate in alone.items()},
            "seconds_for_each_stream": round(cost, 4),
            "asked": [ask(folder(), events, count) for count in asked],
        }


def _numbers(text: str) -> list[int]:
    return [int(one) for one in text.split(",")]


def main() -> int:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--sequencers", type=_numbers, default=[1, 2, 4])
    parser.add_argument("--streams", type=_numbers, default=[4, 8, 16])
    parser.add_argument("--asked", type=_numbers, default=[1, 10, 100])
    parser.add_argument("--json", type=Path)
    said = parser.parse_args()
    text = json.dumps(measure(said.events, said.sequencers, said.streams, said.asked), indent=2)
    if said.json is not None:
        said.json.write_text(text + "\n")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
