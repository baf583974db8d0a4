"""Bundles: how long one of so many events takes to make and to check, and how large it is.

Usage: ``bench/evidence.py [--events N]``, 1,000 without a number. Times are the best of three, in seconds; making
includes gathering, printing, sealing, building the page, and a check of the result by our own verifier.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from ordertrail.assembly import create_trail
from ordertrail.assembly.evidence import open_workshop
from ordertrail.evidence.bundling import Bundling, Request
from ordertrail.evidence.checking import check_bundle
from ordertrail.evidence.choosing import Selection
from ordertrail.evidence.verifier.page import program
from ordertrail.ledger.vkey import parse_vkey
from ordertrail.record.event import Actor
from ordertrail.services import DEFAULT_STREAM, Trail
from ordertrail.settings import Settings
from ordertrail.testing.story import order_story

if TYPE_CHECKING:
    from ordertrail.evidence.making import Bundle

EVENTS = 1_000
TARGET_SECONDS = 2.0
_RUNS = 3
_EVENTS_OF_AN_ORDER = 8


def measure(folder: Path, events: int) -> dict[str, float]:
    """Make bundles of ``events`` events in a new trail in ``folder``; return seconds and bytes by what they are of."""
    with create_trail(
        folder / "trail", "bench.example/evidence", settings=Settings(immutable=False)
    ) as trail:
        ids = _fill(trail, events)
        bundling = Bundling(open_workshop(folder / "trail", trail), DEFAULT_STREAM, trail.clock)
        made: list[Bundle] = []
        request = Request(Selection(events=ids), Actor("bench", "person"), "to measure")
        making = _best(lambda: made.append(bundling.make(request)))
        key = trail.keys()[-1].vkey
    data = made[-1].data
    (folder / "bundle.zip").write_bytes(data)
    (folder / "verify.py").write_bytes(program())
    command = [sys.executable, str(folder / "verify.py"), str(folder / "bundle.zip"), "--key", key]
    return {
        "events": events,
        "make_seconds": making,
        "check_seconds": _best(lambda: check_bundle(data, [parse_vkey(key)])),
        "verify_py_seconds": _best(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL)),
        "bytes": len(data),
    }


def _fill(trail: Trail, events: int) -> tuple[str, ...]:
    lines = list(islice(order_story(orders=max(1, events // _EVENTS_OF_AN_ORDER + 5)), events))
    recorded = sum(
        one.recorded for one in trail.record_lines((f"line {n}", line) for n, line in enumerate(lines))
    )
    if recorded != events:
        raise SystemExit(f"the story has {recorded} events, not {events}")
    trail.seal()
    return tuple(json.loads(line)["id"] for line in lines)


def _best(work: Callable[[], object]) -> float:
    times = []
    for _ in range(_RUNS):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return min(times)


def main() -> int:
    """Measure and tell; 1 where a bundle of 1,000 events takes longer than it may."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--events", type=int, default=EVENTS, help="events of the bundle")
    events: int = parser.parse_args().events
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), events)
    print(json.dumps({name: round(value, 3) for name, value in found.items()}, indent=2))
    return int(events == EVENTS and found["make_seconds"] > TARGET_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
