"""The command line of the benchmark: which sections, how much of each, where, and how it is told."""

import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from bench import (
    beside,
    capture_sections,
    checking,
    latency,
    machine,
    memory,
    postgresql,
    proofs,
    s3,
    sealing,
)
from bench.figures import Figure, Result, Skipped, format_json, format_result
from bench.workshop import DEFAULT, FULL, QUICK, JobError, Sizes, Workshop, scaled

SECTIONS: dict[str, tuple[str, Callable[[Workshop], Iterator[Result]]]] = {
    "seal": ("Recording and sealing", sealing.measure),
    "postgresql": ("Recording and sealing on PostgreSQL", postgresql.measure),
    "latency": ("Latency under a steady load", latency.measure),
    "proof": ("Proofs", proofs.measure),
    "verify": ("The full check", checking.measure),
    "memory": ("Memory", memory.measure),
    "s3": ("Publishing on S3", s3.measure),
    "peers": ("Beside the best peers", beside.measure),
    **capture_sections.SECTIONS,
}

_SLOW = tuple(capture_sections.SECTIONS)
"""Sections that a quick run has only where they are asked for."""

_PLACE = Path("/var/tmp")  # noqa: S108 - mkdtemp makes a private folder in it

_BYTES_AN_ENTRY = 3_000
"""Of database, tiles and write-ahead log, generously."""


def main() -> int:
    """Measure what was asked for; return 0, or 2 where nothing can be measured here."""
    options = _options()
    signal.signal(signal.SIGTERM, _leave)
    sizes = FULL if options.full else QUICK if options.quick else DEFAULT
    if options.scale is not None:
        sizes = scaled(sizes, options.scale)
    try:
        machine.require_disk(options.dir)
        _require_room(options.dir, sizes)
    except (machine.NotADiskError, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    folder = Path(tempfile.mkdtemp(prefix="ordertrail-bench-", dir=options.dir))
    try:
        return _run(options, folder, sizes)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(options: argparse.Namespace, folder: Path, sizes: Sizes) -> int:
    began, waited, source = time.monotonic(), machine.waited_seconds(), machine.source_digest()
    tell: Callable[[str], None] = (lambda _: None) if options.json else print
    host = machine.describe(folder)
    tell("Machine\n" + machine.format_machine(host))
    tell("  everything durable: SQLite WAL with synchronous=FULL, every tile and its folder fsynced")
    shop = Workshop(folder, sizes, _progress)
    results: list[Result] = []
    for name in options.only:
        title, measure = SECTIONS[name]
        tell(f"\n{title}")
        for result in _measured(name, measure, shop):
            results.append(result)
            tell(format_result(result))
    seconds = time.monotonic() - began
    pressure = None if waited is None else round(((machine.waited_seconds() or 0) - waited) / seconds, 3)
    changed = machine.source_digest() != source
    if options.json:
        how = _how(options) | {"seconds": round(seconds, 1), "cpu_pressure": pressure, "changed": changed}
        print(format_json(host, how, results))
    missed = [one.key for one in results if isinstance(one, Figure) and one.met is False]
    tell(f"\n{seconds:.0f} s; targets missed: {', '.join(missed) or 'none'}")
    if pressure is not None:
        tell(f"in {pressure:.0%} of that time a process, of ours or of others, waited for a core")
    if changed:
        tell("THE SOURCE CHANGED DURING THE RUN: these figures are of a mixture; run it again")
    return 0


def _how(options: argparse.Namespace) -> dict[str, object]:
    mode = "full" if options.full else "quick" if options.quick else "default"
    return {"mode": mode, "scale": options.scale, "sections": list(options.only)}


def _measured(name: str, measure: Callable[[Workshop], Iterator[Result]], shop: Workshop) -> Iterator[Result]:
    """Yield a section's results; a section that fails says so, and the others still run."""
    try:
        yield from measure(shop)
    except JobError as error:
        yield Skipped(name, str(error))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench/run.py", description="Measure every figure OrderTrail claims."
    )
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--quick", action="store_true", help="under a minute, on small logs")
    amount.add_argument("--full", action="store_true", help="also 10 million entries (30 GB of disk)")
    parser.add_argument("--only", type=_sections, default=[], help=f"some of {','.join(SECTIONS)}")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    parser.add_argument("--dir", type=Path, default=_PLACE, help="where to work: a folder on a disk")
    parser.add_argument("--scale", type=float, help="a share of all sizes; the figures then mean nothing")
    options = parser.parse_args()
    options.only = options.only or [name for name in SECTIONS if not (options.quick and name in _SLOW)]
    return options


def _sections(text: str) -> Sequence[str]:
    names = text.split(",")
    for name in names:
        if name not in SECTIONS:
            raise argparse.ArgumentTypeError(f"{name!r} is not a section; there are {', '.join(SECTIONS)}")
    return names


def _require_room(folder: Path, sizes: Sizes) -> None:
    """Refuse to begin what would fill the disk. Raises OSError."""
    needed = _BYTES_AN_ENTRY * (sum(sizes.in_memory) + 8 * sizes.sealed + 8 * sizes.peers)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise OSError(f"{folder} has {free / 1e9:.1f} GB free and {needed / 1e9:.1f} GB are needed")


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K… {text}\r", end="", file=sys.stderr, flush=True)


def _leave(_signal: int, _frame: object) -> NoReturn:
    sys.exit("bench: stopped")
