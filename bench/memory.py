"""Section ``memory``: peak resident memory of sealing and of checking, which must not grow with the log."""

from collections.abc import Iterator

from bench.figures import Figure, Result, at_most
from bench.workshop import Workshop

_FLAT = 1.25
"""Peak over peak that still counts as flat: ten times the entries, at most a quarter more memory."""

_SETTLED = 100_000
"""Entries from which on SQLite's page cache (64 MiB a connection) and the largest segment are full."""


def measure(shop: Workshop) -> Iterator[Result]:
    """Compare the peaks of fresh processes on logs of different sizes."""
    sealing, checking = {}, {}
    for entries in shop.sizes.in_memory:
        built = shop.log(entries)
        shop.say(f"peak memory of checking {entries:,} entries")
        sealing[entries] = built.peak_mib
        checking[entries] = shop.run("verify", root=str(built.root), processes=1, deep=None)["peak_mib"]
    yield from _figures("seal", "recording and sealing", sealing)
    yield from _figures("verify", "the full check, one process", checking)


def _figures(key: str, what: str, peaks: dict[int, float]) -> Iterator[Result]:
    smallest, judged = peaks[min(peaks)], min(peaks) >= _SETTLED
    for entries, peak in peaks.items():
        yield Figure(f"memory.{key}_{entries}", f"peak of {what}, {entries:,} entries", peak, "MiB",
                     note="VmHWM of a fresh process")  # fmt: skip
    yield Figure(
        f"memory.{key}_growth", f"growth of {what}", peaks[max(peaks)] / smallest, "times",
        at_most(_FLAT) if judged else None,
        f"{max(peaks):,} entries over {min(peaks):,}"
        + ("" if judged else "; not judged: the caches of so small a log are not full yet"),
    )  # fmt: skip
