"""What is measured in a process of its own: ``python -m bench.jobs <job> '<arguments as JSON>'``.

A job says its outcome as one JSON object on standard output, the peak of its memory in it.
Jobs that run beside each other say ``ready`` first and begin at the instant that they are then told, in
seconds of the system's one monotonic clock.
"""

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.bare import read_entries, root_of_bundles, root_of_entries
from bench.events import event_line, event_lines
from bench.hash_job import hash_rates, hashing
from bench.postgresql_job import on_postgresql
from bench.s3_job import s3_objects, s3_publish
from bench.start import ready
from bench.trails import arriving, new_trail, record_and_seal
from ordertrail.assembly import log_root, open_trail
from ordertrail.kernel.clock import format_time
from ordertrail.ledger.native import native
from ordertrail.ledger.sequencer import Step
from ordertrail.ledger.verify.full import Options
from ordertrail.services import DEFAULT_STREAM

_IDLE = 0.002
"""Seconds that a sealing loop which found nothing waits before it looks again."""

_PATIENCE = 120
"""Seconds without an event after which a sealing loop gives up: its partner must have failed."""


def build(root: str, events: int, batch: int, *, ready_made: bool) -> dict[str, Any]:
    """Create a trail, record and seal events in turns; ``ready_made`` events are made before time counts."""
    lines = event_lines(events)
    with new_trail(Path(root)) as trail:
        spent = record_and_seal(trail, list(lines) if ready_made else lines, batch)
    return {"record": spent.record, "seal": spent.seal}


def record(root: str, events: int, batch: int) -> dict[str, Any]:
    """Record events, and nothing else."""
    lines = list(event_lines(events))
    with open_trail(Path(root)) as trail:
        began = ready()
        for _ in trail.log().recorder.record_each(arriving(lines), batch):
            pass
        return {"seconds": time.monotonic() - began}


def seal(root: str, events: int, batch: int) -> dict[str, Any]:
    """Seal in a loop until so many events are sealed; say when each batch was committed, and its end."""
    commits: list[tuple[float, int]] = []

    def on_step(step: Step) -> None:
        if step is Step.PUBLISH:  # it begins as soon as rows, batch and signed checkpoint are committed
            commits.append((time.monotonic(), sequencer.head.size))

    with open_trail(Path(root)) as trail, trail.sequencing(on_step=on_step) as sequencer:
        began = last = ready()
        while sequencer.head.size < events:
            if sequencer.seal_batch(batch):
                last = time.monotonic()
            elif time.monotonic() - last > _PATIENCE:
                raise RuntimeError(f"nothing came after {sequencer.head.size} of {events} events")
            else:
                time.sleep(_IDLE)
        seconds = time.monotonic() - began
    return {"seconds": seconds, "commits": commits}


def feed(root: str, events: int, rate: int) -> dict[str, Any]:
    """Record events on a schedule that does not wait for anybody: event n is due n / rate seconds after the start.

    What has come due while the last transaction was under way is recorded in one; say when each was durable.
    """
    durable: list[tuple[float, int]] = []
    with open_trail(Path(root)) as trail:
        recorder = trail.log().recorder
        began = ready()
        number = 0
        while number < events:
            due = min(events, int((time.monotonic() - began) * rate) + 1)
            if due <= number:
                time.sleep(max(0.0, began + number / rate - time.monotonic()))
                continue
            now = format_time(datetime.now(UTC)).encode()
            recorder.record_all(arriving([event_line(one, now) for one in range(number, due)]))
            number = due
            durable.append((time.monotonic(), number))
    return {"began": began, "durable": durable}


def verify(root: str, processes: int, *, deep: bool | None) -> dict[str, Any]:
    """Check a trail in full; ``deep`` as of the command line. ``cpu`` is this process's time on a processor."""
    with open_trail(Path(root)) as trail:
        began, began_cpu = time.perf_counter(), time.process_time()
        report = trail.verify(Options(processes=processes, deep=deep))
        seconds, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    if not report.intact or report.published != report.size:
        raise RuntimeError(report.verdict)
    return {"seconds": seconds, "cpu": cpu, "entries": report.counts.entries, "native": native is not None}


def bare(root: str, *, in_memory: bool) -> dict[str, Any]:
    """Make a bare pass over a trail's published entries, and hold its root against the published one."""
    folder = log_root(Path(root), DEFAULT_STREAM)
    with open_trail(Path(root)) as trail:
        head = trail.log().log.store.head(DEFAULT_STREAM)
    entries = read_entries(folder, head.size) if in_memory else []
    began, began_cpu = time.perf_counter(), time.process_time()
    found = root_of_entries(entries) if in_memory else root_of_bundles(folder, head.size)
    seconds, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    if found != head.root:
        raise RuntimeError("the bare pass came to another root")
    return {"seconds": seconds, "cpu": cpu, "entries": head.size}


JOBS: dict[str, Callable[..., dict[str, Any]]] = {
    job.__name__: job
    for job in (
        build,
        record,
        seal,
        feed,
        verify,
        bare,
        hashing,
        hash_rates,
        on_postgresql,
        s3_publish,
        s3_objects,
    )
}


def _peak_mib() -> float:
    """Return this process's own peak resident memory.

    Not getrusage's ru_maxrss: Linux hands that on through exec, so that a fresh process begins with the peak
    of whoever started it.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("/proc/self/status has no VmHWM")


def main() -> int:
    """Run the job that the command line names."""
    outcome = JOBS[sys.argv[1]](**json.loads(sys.argv[2]))
    outcome["peak_mib"] = _peak_mib()
    sys.stdout.write(json.dumps(outcome) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
