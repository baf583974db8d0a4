"""Logs to be read by others, written through the public API."""

import os
import shutil
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from ordertrail.assembly import create_trail
from ordertrail.services import Trail
from ordertrail.settings import Settings

ORIGIN = "orders.example.com/interop"


def create(root: Path, *, post_quantum: bool = False) -> Trail:
    """Create a trail whose files can be thrown away."""
    return create_trail(root, ORIGIN, settings=Settings(immutable=False, post_quantum=post_quantum))


def grow(trail: Trail, start: int, end: int) -> None:
    """Record, seal and anchor small events up to a size."""
    lines = (
        (
            f"line {n}",
            b'{"time":"2026-11-22T14:02:10.120000Z","action":"order.read","actor":{"id":"a","kind":"person"},'
            b'"subject":{"kind":"order","id":"SO-%d","order":"SO-%d"}}' % (n % 97, n % 97),
        )
        for n in range(start, end)
    )
    assert sum(outcome.recorded for outcome in trail.record_lines(lines)) == end - start
    assert trail.seal(limit=10_000) == end - start


def snapshots(root: Path, sizes: Sequence[int], folder: Path) -> dict[int, Path]:
    """Grow one log through these sizes; return what was published at each, as folders.

    Beside each newest ``checkpoint`` lie those of the sizes before as ``checkpoint.<size>``. The copies are
    links: what is published is never written again, only replaced.
    """
    published = {}
    with create(root) as trail:
        for before, size in pairwise((0, *sizes)):
            if size:
                grow(trail, before, size)
            published[size] = folder / str(size)
            shutil.copytree(root / "log", published[size], copy_function=os.link)
            for older, log in published.items():
                if older < size:
                    os.link(log / "checkpoint", published[size] / f"checkpoint.{older}")
    return published
