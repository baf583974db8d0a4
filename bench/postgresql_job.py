"""What section ``postgresql`` measures in processes of their own."""

import sys
import time
from pathlib import Path
from typing import Any

from bench.events import event_lines
from bench.start import ready
from bench.trails import arriving, record_and_seal
from ordertrail.services import DEFAULT_STREAM, Trail

_TESTS = Path(__file__).resolve().parents[1] / "tests"
_IDLE = 1.0
"""Seconds that a sealing loop which found nothing waits to be woken."""

_PATIENCE = 120
"""Seconds without an event after which a sealing loop gives up: its partner must have failed."""


def on_postgresql(root: str, url: str, events: int, batch: int, role: str) -> dict[str, Any]:
    """Do one process's part of a round: ``record``, ``seal``, or both by ``turns``; say how long it took."""
    sys.path.append(str(_TESTS))
    from servers.trails import open_on_postgresql  # noqa: PLC0415 - of the tests, and needed here alone

    lines = list(event_lines(events)) if role != "seal" else []
    with open_on_postgresql(Path(root), url) as trail:
        if role == "turns":
            ready()
            spent = record_and_seal(trail, lines, batch)
            return {"seconds": spent.record + spent.seal}
        if role == "seal":
            return {"seconds": _seal(trail, events, batch)}
        began = ready()
        for _ in trail.log().recorder.record_each(arriving(lines), batch):
            pass
        return {"seconds": time.monotonic() - began}


def _seal(trail: Trail, events: int, batch: int) -> float:
    with trail.sequencing() as sequencer:
        began = last = ready()
        while sequencer.head.size < events:
            if sequencer.seal_batch(batch):
                last = time.monotonic()
            elif time.monotonic() - last > _PATIENCE:
                raise RuntimeError(f"nothing came after {sequencer.head.size} of {events} events")
            else:
                trail.log().log.journal.wait(DEFAULT_STREAM, _IDLE)
        return time.monotonic() - began
