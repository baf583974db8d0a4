"""Section ``verify``: the full check, and beside it, in turns over the same entries, bare hashing passes."""

from collections.abc import Iterator
from typing import Any

from bench.figures import Figure, Result, at_least
from bench.workshop import Built, Workshop
from ordertrail.ledger.verify.full import DEEP_UP_TO

_RUNS: dict[str, tuple[str, dict[str, Any]]] = {
    "bare": ("bare", {"in_memory": False}),
    "one": ("verify", {"processes": 1, "deep": False}),
    "memory": ("bare", {"in_memory": True}),
    "two": ("verify", {"processes": 2, "deep": False}),
    "deep": ("verify", {"processes": 1, "deep": True}),
}


def measure(shop: Workshop) -> Iterator[Result]:
    """Check a large log in full; with ``--full`` the huge one once too."""
    built = shop.log(shop.sizes.log)
    best = _interleaved(shop, built)
    rate = {name: built.entries / seconds for name, seconds in best.items()}
    of = f"{built.entries:,} entries, best of {shop.sizes.rounds}"
    yield Figure(
        "verify.one_process", "full check, one process (a core)", rate["one"], "entries/s", at_least(150_000),
        f"{of}; rows, tiles, batches, order chains, signatures, terms; without SQLite's own check of its "
        f"indexes, which is part of it by default up to {DEEP_UP_TO:,} entries",
    )  # fmt: skip
    yield Figure(
        "verify.deep", "full check, one process, --deep", rate["deep"], "entries/s", at_least(150_000),
        f"{of}; with SQLite's own check of its indexes",
    )  # fmt: skip
    yield Figure("verify.two_processes", "full check, two processes", rate["two"], "entries/s",
                 note=f"{of}; as with one; starting the processes included")  # fmt: skip
    yield Figure("verify.bare", "bare RFC 9162 2.1.2 pass over the published bundles", rate["bare"], "entries/s",
                 note=f"{of}; plain Python and hashlib: read, split, hash with the stack; nothing else")  # fmt: skip
    yield Figure("verify.bare_in_memory", "bare pass over entries in memory", rate["memory"], "entries/s",
                 note=f"{of}; leaf hashes, then level by level; no reading, no splitting")  # fmt: skip
    yield Figure(
        "verify.ratio", "full check ÷ bare pass over the bundles", rate["one"] / rate["bare"], "",
        at_least(0.5), "one process each, measured in turns",
    )  # fmt: skip
    yield Figure(
        "verify.ratio_in_memory", "full check ÷ bare pass in memory", rate["one"] / rate["memory"], ""
    )
    if shop.sizes.huge:
        yield _huge(shop)


def _interleaved(shop: Workshop, built: Built) -> dict[str, float]:
    """Return the best seconds of each run, all taken in turns so that a busy moment hits them alike."""
    best: dict[str, float] = {}
    for number in range(shop.sizes.rounds):
        shop.say(f"full check beside a bare pass, round {number + 1} of {shop.sizes.rounds}")
        for name, (job, arguments) in _RUNS.items():
            seconds = shop.run(job, root=str(built.root), **arguments)["seconds"]
            best[name] = min(seconds, best.get(name, seconds))
    return best


def _huge(shop: Workshop) -> Figure:
    built = shop.log(shop.sizes.huge)
    shop.say(f"full check of {built.entries:,} entries")
    told = shop.run("verify", root=str(built.root), processes=2, deep=False)
    rate, note = built.entries / told["seconds"], f"{built.entries:,} entries, once, two processes"
    return Figure("verify.huge", "full check of the huge log", rate, "entries/s", note=note)
