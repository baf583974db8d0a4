"""Section ``proof``: how long it takes to prove an entry through the published tiles, and to check that."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from statistics import median
from typing import ParamSpec

from bench.figures import Figure, Result, at_most, percentile
from bench.workshop import Workshop
from ordertrail.assembly import log_root, open_trail
from ordertrail.ledger.hashing import leaf_hash
from ordertrail.ledger.ports import Head
from ordertrail.ledger.proofs import check_inclusion, prove_inclusion
from ordertrail.ledger.sequencer import Log
from ordertrail.ledger.tiles import TileReader
from ordertrail.services import DEFAULT_STREAM

Arguments = ParamSpec("Arguments")

_SEED = 20_261_120


def measure(shop: Workshop) -> Iterator[Result]:
    """Prove and check random entries of a large log."""
    built = shop.log(shop.sizes.log)
    shop.say(f"proving and checking {shop.sizes.proofs:,} random entries")
    indexes = Random(_SEED).choices(range(built.entries), k=shop.sizes.proofs)  # noqa: S311 - reproducible
    folder = log_root(built.root, DEFAULT_STREAM)
    with open_trail(built.root) as trail:
        log = trail.log().log
        warm, cold = _warm(log, indexes), _cold(log, folder, indexes)
        check = _checks(log, indexes)
    of = f"{len(indexes):,} random entries of {built.entries:,}"
    yield from _figures(
        "build_warm", "build a proof, warm", warm, f"{of}; one reader, its upper tiles cached"
    )
    yield from _figures(
        "build_cold",
        "build a proof, cold",
        cold,
        f"{of}; a new reader each time, its tiles dropped from the page cache before",
    )
    yield Figure("proof.check_p50", "check an entry and its proof, p50", median(check) * 1e6, "µs",
                 at_most(100), f"{of}; leaf hash and root, no input trusted")  # fmt: skip
    yield Figure("proof.check_p99", "  p99", percentile(check, 0.99) * 1e6, "µs")


def _figures(key: str, label: str, taken: list[float], note: str) -> Iterator[Result]:
    yield Figure(f"proof.{key}_p50", f"{label}, p50", median(taken) * 1e3, "ms", at_most(1), note)
    yield Figure(f"proof.{key}_p99", "  p99", percentile(taken, 0.99) * 1e3, "ms")


def _warm(log: Log, indexes: list[int]) -> list[float]:
    size = log.store.head(log.stream).size
    reader = TileReader(log.tiles.get, size)
    prove_inclusion(indexes[-1], size, reader)
    return [_time(prove_inclusion, index, size, reader) for index in indexes]


def _cold(log: Log, folder: Path, indexes: list[int]) -> list[float]:
    size = log.store.head(log.stream).size
    taken = []
    for index in indexes:
        paths: list[str] = []

        def noting(path: str, paths: list[str] = paths) -> bytes | None:
            paths.append(path)
            return log.tiles.get(path)

        prove_inclusion(index, size, TileReader(noting, size))
        for path in paths:
            _forget(folder / path)
        taken.append(_time(_prove_anew, log, index, size))
    return taken


def _forget(path: Path) -> None:
    """Drop a file from the page cache, so that reading it goes to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def _checks(log: Log, indexes: list[int]) -> list[float]:
    head = log.store.head(log.stream)
    reader = TileReader(log.tiles.get, head.size)
    taken = []
    for index in indexes:
        proof = prove_inclusion(index, head.size, reader)
        entry = next(iter(log.reader.rows(log.stream, index, index + 1))).entry
        taken.append(_time(_check, (index, entry), head, proof))
    return taken


def _prove_anew(log: Log, index: int, size: int) -> None:
    prove_inclusion(index, size, TileReader(log.tiles.get, size))


def _check(claimed: tuple[int, bytes], head: Head, proof: tuple[bytes, ...]) -> None:
    index, entry = claimed
    check_inclusion(index, head.size, leaf_hash(entry), proof, head.root)


def _time(
    action: Callable[Arguments, object], *arguments: Arguments.args, **named: Arguments.kwargs
) -> float:
    began = time.perf_counter()
    action(*arguments, **named)
    return time.perf_counter() - began
