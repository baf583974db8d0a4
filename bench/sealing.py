"""Section ``seal``: how many events a second become durable, and how many become sealed."""

from collections.abc import Iterator
from statistics import median

from bench.figures import Figure, Result, at_least
from bench.trails import BATCH, new_trail
from bench.workshop import Workshop

SMALL_BATCH = 10

_TARGETS = {BATCH: at_least(25_000), SMALL_BATCH: at_least(1_000)}
_SEALED = "SQL row, order chain, tile, signed checkpoint, journal row discarded"


def measure(shop: Workshop) -> Iterator[Result]:
    """Record and seal at both batch sizes, in one process by turns and in two at once."""
    for batch, events in ((BATCH, shop.sizes.sealed), (SMALL_BATCH, shop.sizes.sealed_small)):
        yield from _by_turns(shop, batch, events)
        yield _in_two(shop, batch, events)


def _by_turns(shop: Workshop, batch: int, events: int) -> Iterator[Result]:
    spent = []
    for _ in range(shop.sizes.rounds):
        shop.say(f"recording and sealing {events:,} events at batches of {batch:,}")
        root = shop.place("sealing")
        told = shop.run("build", root=str(root), events=events, batch=batch, ready_made=True)
        spent.append((told["record"], told["seal"]))
    note = f"{events:,} events; median of {len(spent)}"
    yield Figure(
        f"seal.both_{batch}",
        f"record and seal, batches of {batch:,}, one process",
        median(events / (record + seal) for record, seal in spent),
        "events/s",
        _TARGETS[batch],
        f"{note}; JSON lines in; out: {_SEALED}",
    )
    yield Figure(
        f"seal.record_{batch}",
        "  of which recording alone",
        median(events / record for record, _ in spent),
        "events/s",
        note=f"{note}; strict parse, canonical bytes, durable in the journal",
    )
    yield Figure(
        f"seal.seal_{batch}",
        "  of which sealing alone",
        median(events / seal for _, seal in spent),
        "events/s",
        note=f"{note}; {_SEALED}",
    )


def _in_two(shop: Workshop, batch: int, events: int) -> Result:
    rates = []
    for _ in range(shop.sizes.rounds):
        shop.say(f"recording {events:,} events in one process, sealing them in another, batches of {batch:,}")
        root = shop.place("sealing")
        new_trail(root).close()
        arguments = {"root": str(root), "events": events, "batch": batch}
        _, sealer = shop.run_beside([("record", arguments), ("seal", arguments)])
        rates.append(events / sealer["seconds"])
    return Figure(
        f"seal.two_processes_{batch}",
        f"record and seal, batches of {batch:,}, two processes",
        median(rates),
        "events/s",
        _TARGETS[batch],
        f"{events:,} events; median of {len(rates)}; from the first event in to the last one sealed",
    )
