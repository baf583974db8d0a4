"""Trails to measure: made, filled and sealed as users do it, and always durable.

SQLite runs in WAL mode with ``synchronous=FULL``, every tile and its folder are fsynced: nothing is switched
off for a figure. Only the immutable flag is, or the trail could not be cleaned up.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ordertrail.assembly import create_trail
from ordertrail.record.recorder import Arriving
from ordertrail.services import Trail
from ordertrail.settings import Settings

ORIGIN = "bench.example/orders"
BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds that recording and sealing took."""

    record: float
    seal: float


def new_trail(root: Path) -> Trail:
    """Create a trail without the immutable flag."""
    return create_trail(root, ORIGIN, settings=Settings(immutable=False))


def arriving(lines: Iterable[bytes]) -> Iterator[Arriving]:
    """Give each line its place, as reading them from a file does."""
    for number, line in enumerate(lines, 1):
        yield f"line {number}", line


def record_and_seal(trail: Trail, lines: Iterable[bytes], batch: int) -> Spent:
    """Record and seal in turns, a batch at a time, as ``ordertrail record`` and a sealing loop would."""
    record = seal = 0.0
    with trail.sequencing() as sequencer:
        outcomes = trail.log().recorder.record_each(arriving(lines), batch)
        while True:
            began = time.perf_counter()
            outcome = next(outcomes, None)
            recorded = time.perf_counter()
            record += recorded - began
            if outcome is None:
                return Spent(record, seal)
            sealed = sequencer.seal_batch(batch)
            seal += time.perf_counter() - recorded
            if outcome.refused or sealed != outcome.recorded:
                raise RuntimeError(f"{outcome.recorded} events were recorded and {sealed} sealed")
