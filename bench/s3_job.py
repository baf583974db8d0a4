"""What is measured on S3, each in a process of its own: publishing a trail there, and writing locked objects."""

import os
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from bench.start import ready
from ordertrail.adapters.s3.bucket import Bucket
from ordertrail.adapters.s3.place import S3Place
from ordertrail.adapters.s3.publication import S3Publication
from ordertrail.adapters.s3.vault import S3Vault
from ordertrail.assembly import KEEP_DAYS, open_trail
from ordertrail.kernel.clock import utc_now
from ordertrail.ledger.sequencer import Step, sequencing
from ordertrail.vault.keeping import KeptTiles

_IDLE = 0.002
"""Seconds that a sealing loop which found nothing waits before it looks again."""

_PATIENCE = 120
"""Seconds without an event after which it gives up: its partner must have failed."""


def open_bucket(endpoint: str, bucket: str) -> Bucket:
    """Open a bucket; the credentials are in the environment."""
    return Bucket(S3Place(bucket, endpoint=endpoint))


def s3_publish(root: str, events: int, batch: int, endpoint: str, bucket: str) -> dict[str, Any]:
    """Seal in a loop, the table on SQLite and the vault on S3, and anchor after every round.

    Say when each batch was committed and when each checkpoint was published, with the sizes.
    """
    commits: list[tuple[float, int]] = []
    published: list[tuple[float, int]] = []

    def on_step(step: Step) -> None:
        if step is Step.PUBLISH:  # it begins as soon as rows, batch and signed checkpoint are committed
            commits.append((time.monotonic(), sequencer.head.size))

    place = open_bucket(endpoint, bucket)
    with open_trail(Path(root)) as trail:
        tiles = KeptTiles(S3Vault(place, "log"), KEEP_DAYS, readers=place.place.connections)
        log = replace(trail.log().log, tiles=tiles, publication=S3Publication(place, "log"))
        with sequencing(log, utc_now, on_step) as sequencer:
            ready()
            last = time.monotonic()
            while sequencer.head.size < events:
                if sequencer.seal_batch(batch):
                    sequencer.anchor()
                    last = time.monotonic()
                    published.append((last, sequencer.head.size))
                elif time.monotonic() - last > _PATIENCE:
                    raise RuntimeError(f"nothing came after {sequencer.head.size} of {events} events")
                else:
                    time.sleep(_IDLE)
    place.close()
    return {"commits": commits, "published": published}


def s3_objects(endpoint: str, bucket: str, length: int, objects: int) -> dict[str, Any]:
    """Keep so many objects of so many random bytes each, locked, in one call; then read them."""
    place = open_bucket(endpoint, bucket)
    vault = S3Vault(place, f"objects-{uuid4()}")
    written = [(f"{number:05d}", os.urandom(length)) for number in range(objects)]
    began = time.perf_counter()
    vault.put(written, utc_now() + timedelta(days=KEEP_DAYS))
    put = time.perf_counter() - began
    began = time.perf_counter()
    read = place.side_by_side(vault.get, [path for path, _ in written])
    got = time.perf_counter() - began
    if read != [data for _, data in written]:
        raise RuntimeError("what was kept does not read back")
    place.close()
    return {"put": put, "get": got}
