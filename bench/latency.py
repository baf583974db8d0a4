"""Section ``latency``: from an event's scheduled time to the signed checkpoint that commits to it.

The load is open-loop: event n is due n milliseconds after the start, whatever became of those before it, and
its latency counts from then. A stall therefore shows in every event that came due during it (no coordinated
omission).
"""

from collections.abc import Iterator, Sequence
from typing import Any

from bench.figures import Figure, Result, at_most, percentile
from bench.trails import BATCH, new_trail
from bench.workshop import Workshop

RATE = 1_000
"""Events a second."""


def measure(shop: Workshop) -> Iterator[Result]:
    """Record at a steady rate in one process, seal in a loop in another."""
    events = int(RATE * shop.sizes.latency_seconds)
    shop.say(f"recording {RATE:,} events/s for {shop.sizes.latency_seconds:g} s, sealing in another process")
    root = shop.place("latency")
    new_trail(root).close()
    feeder, sealer = shop.run_beside(
        [
            ("feed", {"root": str(root), "events": events, "rate": RATE}),
            ("seal", {"root": str(root), "events": events, "batch": BATCH}),
        ]
    )
    sealed = latencies(feeder["began"], sealer["commits"])
    durable = latencies(feeder["began"], feeder["durable"])
    transactions, batches = len(feeder["durable"]), len(sealer["commits"])
    note = (
        f"{events:,} events on an open-loop schedule, {events / transactions:.1f} a transaction, sealed in "
        f"{batches:,} batches of {events / batches:.1f}; counted from the scheduled time, none left out"
    )
    yield Figure(
        "latency.sealed_p99", "capture → signed checkpoint committed, p99", percentile(sealed, 0.99), "ms",
        at_most(250), note,
    )  # fmt: skip
    yield Figure("latency.sealed_p50", "  p50", percentile(sealed, 0.5), "ms")
    yield Figure("latency.sealed_max", "  max", max(sealed), "ms")
    yield Figure(
        "latency.durable_p50", "capture → durable in the journal, p50", percentile(durable, 0.5), "ms"
    )
    yield Figure("latency.durable_p99", "  p99", percentile(durable, 0.99), "ms")
    yield Figure("latency.durable_max", "  max", max(durable), "ms")


def latencies(began: float, marks: Sequence[Any]) -> list[float]:
    """Return each event's milliseconds from its scheduled time to the first mark (instant, size) beyond it."""
    taken: list[float] = []
    for instant, size in marks:
        taken += [(instant - began - number / RATE) * 1e3 for number in range(len(taken), size)]
    return taken
