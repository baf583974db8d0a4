"""Hashing alone, as the full check does it: jobs of :mod:`bench.jobs`."""

import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from bench.bare import read_entries
from ordertrail.assembly import log_root, open_trail
from ordertrail.ledger.hashing import leaf_hashes
from ordertrail.ledger.merkle import RangeNodes
from ordertrail.ledger.native import native
from ordertrail.ledger.verify.segment import GROUP, SEGMENT
from ordertrail.services import DEFAULT_STREAM

RECORD = 300
"""Bytes of a record whose hashing is timed."""

_RECORDS = 1_000
_TRIES = 200


def hashing(root: str) -> dict[str, Any]:
    """Hash a trail's published entries, in memory, in the pieces in which the full check does, and their nodes."""
    with open_trail(Path(root)) as trail:
        size = trail.log().log.store.head(DEFAULT_STREAM).size
    entries = read_entries(log_root(Path(root), DEFAULT_STREAM), size)
    began = time.process_time()
    for start in range(0, size, SEGMENT):
        leaves: list[bytes] = []
        for group in range(start, min(start + SEGMENT, size), GROUP):
            leaves += leaf_hashes(entries[group : group + GROUP])
        RangeNodes(start, leaves)
    return {"cpu": time.process_time() - began, "entries": size}


def hash_rates() -> dict[str, Any]:
    """Hash records of 300 bytes with each implementation that there is; say how many a second."""
    random = Random(1)  # noqa: S311 - any bytes will do
    records = [random.randbytes(RECORD) for _ in range(_RECORDS)]
    rates: dict[str, float] = {}
    for name in native.implementations() if native is not None else ("hashlib",):
        if native is not None:
            native.use(name)
        rates[name] = _RECORDS / _best(lambda: leaf_hashes(records))
    return {"rates": rates}


def _best(work: Callable[[], object]) -> float:
    """Return the seconds of a processor that the fastest of many tries took."""
    best = float("inf")
    for _ in range(_TRIES):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best
