"""The full check as a job: on 1, 2 and 4 processes of this machine, and on as many actors of a Ray cluster.

Usage: ``bench/jobs_ray.py [--entries N] [--dir DIR] [--rounds N] [--kill]``. Rounds are taken in turns, so that a busy
moment hits all alike; each is told by the clock, with what it takes to begin workers. Every report must be the same, to
the word; ``--kill`` ends one worker with SIGKILL in the middle of each, and says what that cost.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

from bench.events import event_lines
from bench.trails import BATCH, new_trail, record_and_seal
from ordertrail.assembly import open_trail
from ordertrail.assembly.distributing import On, working
from ordertrail.ledger.verify.full import Options
from ordertrail.ledger.verify.report import Report

RUNS = [(count, on) for count in (1, 2, 4) for on in (On.LOCAL, On.RAY)]


def check(root: Path, count: int, on: On, *, kill: bool) -> tuple[Report, float]:
    """Check a trail; return the report, and the seconds that it took."""
    victims: list[int] = []

    def progress(done: int, every: int) -> None:
        if kill and not victims and done * 2 > every:
            victims.extend(islice(workers_below(os.getpid()), 1))
            for one in victims:
                os.kill(one, signal.SIGKILL)

    began = time.perf_counter()
    with open_trail(root) as trail, working(count, on) as workers:
        report = trail.verify(Options(workers=workers, deep=False), progress=progress)
    if kill and not victims:
        raise RuntimeError("no worker was found to be killed")
    return replace(report, seconds=0.0), time.perf_counter() - began


def workers_below(process: int) -> Iterator[int]:
    """Yield the processes below another one that do pieces: children of a fork server, and actors of Ray."""
    for path in sorted(Path("/proc").glob("[0-9]*"), key=lambda one: -int(one.name)):
        try:
            said = (path / "cmdline").read_bytes()
            line = ancestors(int(path.name))
        except OSError:
            continue
        if process in line and (
            b"ray::_Actor" in said or (b"forkserver" in said and len(line) > 1 and line[0] != process)
        ):
            yield int(path.name)


def ancestors(process: int) -> list[int]:
    """Return the processes above one, the nearest first."""
    found = []
    while process > 1:
        process = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
        found.append(process)
    return found


def main() -> None:
    """Build a trail, or take one that is there, and check it by every kind of worker."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--dir", type=Path)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--kill", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ordertrail-bench-jobs-") as scratch:
        root = (chosen.dir or Path(scratch)) / "trail"
        if not root.exists():
            began = time.perf_counter()
            with new_trail(root) as trail:
                record_and_seal(trail, event_lines(chosen.entries), BATCH)
            print(
                f"{chosen.entries:,} entries recorded and sealed in {time.perf_counter() - began:.0f} s",
                flush=True,
            )
        best: dict[tuple[int, On], float] = {}
        reports = []
        for _ in range(chosen.rounds):
            for count, on in RUNS:
                if chosen.kill and (count, on) == (1, On.LOCAL):
                    continue
                report, seconds = check(root, count, on, kill=chosen.kill)
                best[count, on] = min(seconds, best.get((count, on), seconds))
                reports.append(report)
        same = all(asdict(one) == asdict(reports[0]) for one in reports)
        size = reports[0].size
        print(
            f"full check of {size:,} entries, best of {chosen.rounds}{', a worker killed in each' * chosen.kill}"
        )
        for (count, on), seconds in best.items():
            print(f"  {on:5} {count} {seconds:7.1f} s {size / seconds:12,.0f} entries/s")
        print(f"  intact: {reports[0].intact}; all reports the same: {same}", flush=True)
        if not (same and reports[0].intact):
            raise SystemExit(1)


if __name__ == "__main__":
    main()
