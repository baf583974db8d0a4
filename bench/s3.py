"""Section ``s3``: how long until a checkpoint is published on S3, and what small locked objects cost there.

The store is a Ceph gateway on this machine, started for the run, or the one that ``ORDERTRAIL_TEST_S3_URL``
names, with the credentials of the AWS chain; what is locked there stays for seven years.
"""

import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

from bench.figures import Figure, Grid, Result, Skipped, format_value, percentile
from bench.latency import RATE
from bench.s3_job import open_bucket
from bench.trails import BATCH, new_trail
from bench.workshop import ROOT, Workshop

_ANYWHERE = "ORDERTRAIL_TEST_S3_URL"
_PATIENCE = 60
"""Seconds that the gateway may take to end."""

_SIZES = ((8 << 10, 200), (256 << 10, 100), (8 << 20, 16))
"""Lengths in bytes, and how many objects of each: a tile, a bundle of 256 entries, and what stores like best."""


def measure(shop: Workshop) -> Iterator[Result]:
    """Publish a trail on S3 at a steady rate, and write locked objects of several sizes."""
    with ExitStack() as stack:
        endpoint = os.environ.get(_ANYWHERE) or _own_store(shop, stack)
        if endpoint is None:
            yield Skipped("s3", f"there is no Ceph here, and {_ANYWHERE} names no other store")
            return
        bucket = f"bench-{uuid4()}"
        place = open_bucket(endpoint, bucket)
        place.ask("create_bucket", "creating", ObjectLockEnabledForBucket=True)
        place.close()
        yield from _lag(shop, endpoint, bucket)
        yield _objects(shop, endpoint, bucket)


def _own_store(shop: Workshop, stack: ExitStack) -> str | None:
    """Start a Ceph gateway as the tests do; None where that cannot be."""
    sys.path.append(str(ROOT / "tests"))
    from servers.ceph import ACCESS, PROGRAMS, SECRET, using  # noqa: PLC0415 - found only now

    script = Path(os.environ.get("ORDERTRAIL_SHARED") or ROOT.parent / "shared") / "servers" / "ceph-rgw.sh"
    if os.geteuid() != 0 or not script.exists() or not all(map(shutil.which, PROGRAMS)):
        return None
    shop.say("starting a Ceph gateway")
    place = shop.place("ceph")
    stack.callback(_await_end, place)
    os.environ |= {"AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET}
    return stack.enter_context(using(place, script))


def _await_end(place: Path) -> None:
    """Wait until the gateway is gone: its folder is the last that is removed."""
    deadline = time.monotonic() + _PATIENCE
    while place.exists() and time.monotonic() < deadline:
        time.sleep(0.1)


def _lag(shop: Workshop, endpoint: str, bucket: str) -> Iterator[Result]:
    events = int(RATE * shop.sizes.latency_seconds)
    shop.say(f"recording {RATE:,} events/s for {shop.sizes.latency_seconds:g} s, publishing on S3")
    root = shop.place("s3")
    new_trail(root).close()
    there = {"endpoint": endpoint, "bucket": bucket}
    _, sealer = shop.run_beside(
        [
            ("feed", {"root": str(root), "events": events, "rate": RATE}),
            ("s3_publish", {"root": str(root), "events": events, "batch": BATCH, **there}),
        ]
    )
    lags = publication_lags(sealer["commits"], sealer["published"])
    note = (
        f"{events:,} events at {RATE:,} a second, sealed on SQLite in {len(sealer['commits']):,} batches, an anchor "
        f"after each; every object locked, its lock and its bytes read back; store: {_named(endpoint)}"
    )
    yield Figure(
        "s3.lag_p99", "commit → checkpoint published on S3, p99", percentile(lags, 0.99), "ms", note=note
    )
    yield Figure("s3.lag_p50", "  p50", percentile(lags, 0.5), "ms")
    yield Figure("s3.lag_max", "  max", max(lags), "ms")


def publication_lags(commits: Sequence[Any], published: Sequence[Any]) -> list[float]:
    """Return each event's milliseconds from its batch's commit to the first checkpoint that covers it.

    Both are marks (instant, size), in order.
    """
    lags: list[float] = []
    marks = iter(published)
    instant, covered = next(marks)
    for committed, size in commits:
        while covered < size:
            instant, covered = next(marks)
        lags += [(instant - committed) * 1e3] * (size - len(lags))
    return lags


def _objects(shop: Workshop, endpoint: str, bucket: str) -> Result:
    rows = []
    for length, objects in _SIZES:
        shop.say(f"keeping {objects} locked objects of {length:,} bytes on S3")
        told = shop.run("s3_objects", endpoint=endpoint, bucket=bucket, length=length, objects=objects)
        rows.append(
            (
                f"{length // 1024:,} KiB",
                format_value(objects / told["put"], "objects/s"),
                format_value(objects * length / told["put"] / 1e6, "MB/s"),
                format_value(objects * length / told["get"] / 1e6, "MB/s"),
                f"{objects} objects in one call, 16 at once; each looked for, written, listed, its lock read",
            )
        )
    title = f"Locked objects by their size, COMPLIANCE; store: {_named(endpoint)}"
    return Grid("s3.objects", title, ("size", "kept", "kept", "read", "how"), tuple(rows))


def _named(endpoint: str) -> str:
    return endpoint if os.environ.get(_ANYWHERE) else "one Ceph gateway with one disk, on these same cores"
