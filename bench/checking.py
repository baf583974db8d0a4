"""Section ``verify``: the full check, and beside it, in turns over the same entries, bare hashing passes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bench.figures import Figure, Grid, Result, Skipped, at_least, format_value
from bench.hash_job import RECORD
from bench.workshop import Built, Workshop
from ordertrail.ledger.native import native
from ordertrail.ledger.verify.full import DEEP_UP_TO

_WITHOUT = {"ORDERTRAIL_NATIVE": "off"}

_RUNS: dict[str, tuple[str, Mapping[str, str], dict[str, Any]]] = {
    "bare": ("bare", {}, {"in_memory": False}),
    "one": ("verify", {}, {"processes": 1, "deep": False}),
    "plain": ("verify", _WITHOUT, {"processes": 1, "deep": False}),
    "memory": ("bare", {}, {"in_memory": True}),
    "two": ("verify", {}, {"processes": 2, "deep": False}),
    "deep": ("verify", {}, {"processes": 1, "deep": True}),
    "hashing": ("hashing", {}, {}),
    "plain hashing": ("hashing", _WITHOUT, {}),
}


@dataclass(slots=True)
class _Best:
    """The best that a run did: seconds by the clock, and seconds on a processor."""

    seconds: float = float("inf")
    cpu: float = float("inf")


def measure(shop: Workshop) -> Iterator[Result]:
    """Check a large log in full; with ``--full`` the huge one once too."""
    if native is None:
        yield Skipped("verify.native", "ordertrail_native is not installed; what follows is without it")
    built = shop.log(shop.sizes.log)
    best = _interleaved(shop, built)
    yield from _rates(built, best, f"{built.entries:,} entries, best of {shop.sizes.rounds}")
    yield from _ratios(best)
    yield _implementations(shop)
    if shop.sizes.huge:
        yield _huge(shop)


def _rates(built: Built, best: Mapping[str, _Best], of: str) -> Iterator[Figure]:
    rate = {name: built.entries / run.seconds for name, run in best.items()}
    yield Figure(
        "verify.one_process", "full check, one process (a core)", rate["one"], "entries/s", at_least(150_000),
        f"{of}; rows, tiles, batches, order chains, signatures, terms; without SQLite's own check of its "
        f"indexes, which is part of it by default up to {DEEP_UP_TO:,} entries",
    )  # fmt: skip
    yield Figure("verify.one_process_hashlib", "the same without the native extension", rate["plain"],
                 "entries/s", note=f"{of}; ORDERTRAIL_NATIVE=off")  # fmt: skip
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


def _ratios(best: Mapping[str, _Best]) -> Iterator[Figure]:
    """Tell ratios of time on a processor, which what else the machine does changes least."""
    note = "one process each, measured in turns; time on a processor"
    bare, memory = best["bare"].cpu, best["memory"].cpu
    yield Figure("verify.ratio", "full check ÷ bare pass over the bundles", bare / best["one"].cpu, "",
                 at_least(0.5), note)  # fmt: skip
    yield Figure("verify.ratio_hashlib", "the same without the native extension", bare / best["plain"].cpu, "",
                 note=note)  # fmt: skip
    yield Figure(
        "verify.ratio_in_memory", "full check ÷ bare pass in memory", memory / best["one"].cpu, "", note=note
    )
    for name, label, check, hashing in (
        ("verify.hashing", "share of hashing in the full check", "one", "hashing"),
        ("verify.hashing_hashlib", "the same without the native extension", "plain", "plain hashing"),
    ):
        share = best[hashing].cpu / best[check].cpu
        yield Figure(name, label, share, "", note="the same leaves and nodes hashed alone, from memory")


def _interleaved(shop: Workshop, built: Built) -> dict[str, _Best]:
    """Return the best of each run, all taken in turns so that a busy moment hits them alike."""
    best = {name: _Best() for name in _RUNS}
    for number in range(shop.sizes.rounds):
        shop.say(f"full check beside a bare pass, round {number + 1} of {shop.sizes.rounds}")
        for name, (job, environment, arguments) in _RUNS.items():
            told = shop.run(job, environment, root=str(built.root), **arguments)
            best[name].seconds = min(told.get("seconds", best[name].seconds), best[name].seconds)
            best[name].cpu = min(told["cpu"], best[name].cpu)
    return best


def _implementations(shop: Workshop) -> Grid:
    """Tell how fast each implementation of SHA-256 is by itself."""
    shop.say("hashing with each implementation")
    rates = {**shop.run("hash_rates")["rates"], **shop.run("hash_rates", _WITHOUT)["rates"]}
    return Grid(
        "verify.implementations",
        f"leaf hashes of records of {RECORD} bytes, one core, from memory",
        ("", "records/s", ""),
        tuple((name, format_value(rate, ""), "") for name, rate in rates.items()),
    )


def _huge(shop: Workshop) -> Figure:
    built = shop.log(shop.sizes.huge)
    shop.say(f"full check of {built.entries:,} entries")
    told = shop.run("verify", root=str(built.root), processes=2, deep=False)
    rate, note = built.entries / told["seconds"], f"{built.entries:,} entries, once, two processes"
    return Figure("verify.huge", "full check of the huge log", rate, "entries/s", note=note)
