"""Sections ``capture``, ``capture-django``, ``capture-guard``, ``capture-peers``: what it costs to record changes.

The first three run the scripts of their names, which measure with and without capture in turns, and read what they
print. The last measures other libraries beside us, in one run: :mod:`bench.capture_peers`.
"""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial

from bench.capture_peers.catalogue import CONTESTANTS, VENDORS
from bench.capture_peers.environment import NoLibrariesError, ensure_libraries
from bench.capture_peers.overhead import QUICK, Amount, Bench, Measured
from bench.capture_peers.report import FRAMEWORKS, costs_table
from bench.figures import Figure, Grid, Result, Skipped, at_most
from bench.workshop import ROOT, JobError, Workshop

_TOO_LONG = 900
_LINE = re.compile(
    r"^(?P<name>.*?\S)\s+(?P<plain>[\d.]+) ?(?P<plain_unit>ms|us)\s+(?P<with>[\d.]+) ?(?P<with_unit>ms|us)"
    r"\D+(?P<ratio>\d+\.\d+)(?:\D+(?P<limit>\d+\.\d+))?"
)
"""A line of a script: a work and its database, the time without and with, their ratio, the limit if it has one."""

_FEWER = {
    "capture": ("--transactions", "140", "--rounds", "3"),
    "capture_django": ("--transactions", "60", "--rounds", "2"),
    "capture_guard": ("--transactions", "90"),
}
"""What a script measures in a quick run."""


def _script(script: str, shop: Workshop) -> Iterator[Result]:
    """Run a script, and tell each ratio that it prints."""
    shop.say(f"bench/{script}.py")
    fewer = _FEWER[script] if _quick(shop) else ()
    try:
        done = subprocess.run(
            [sys.executable, f"bench/{script}.py", *fewer],
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=_TOO_LONG,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise JobError(f"bench/{script}.py did not end in {error.timeout:g} s") from None
    found = [_figure(script, line) for line in map(_LINE.match, done.stdout.splitlines()) if line]
    if not found:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no word"]
        raise JobError(f"bench/{script}.py ended with status {done.returncode}: {last[0]}")
    yield from found


def _figure(script: str, line: re.Match[str]) -> Figure:
    vendor = next(one for one in VENDORS if one in line["name"])
    work = " ".join(line["name"].replace(vendor, " ").split())
    return Figure(
        f"{script}.{vendor}.{re.sub(r'[^a-z0-9]+', '_', work.lower())}",
        f"{work}, {VENDORS[vendor]}",
        float(line["ratio"]),
        "times",
        at_most(float(line["limit"])) if line["limit"] else None,
        f"{line['plain']} {line['plain_unit']} without, {line['with']} {line['with_unit']} with; medians",
    )


def _peers(shop: Workshop) -> Iterator[Result]:
    """Measure all libraries in turns; tell a grid for each framework and database, and our own ratios."""
    try:
        python = ensure_libraries()
    except NoLibrariesError as error:
        yield Skipped("capture-peers", str(error))
        return
    sys.path.append(str(ROOT / "tests"))
    measured = list(Bench(python, QUICK if _quick(shop) else Amount(), shop.say).run(CONTESTANTS))
    for framework, name in FRAMEWORKS.items():
        for vendor, database in VENDORS.items():
            some = [one for one in measured if (one.framework, one.vendor) == (framework, vendor)]
            head, *rows = costs_table(some)
            yield Grid(
                f"capture-peers.{framework}.{vendor}",
                f"{name} on {database}: times the unaudited application",
                (*head, ""),
                tuple((*row, "") for row in rows),
            )
    yield from _ours(measured)


def _ours(measured: list[Measured]) -> Iterator[Figure]:
    for one in measured:
        for contestant, cost in one.costs:
            ratio = cost.times(one.baseline)
            if contestant.ours and ratio is not None:
                work = re.sub(r"[^a-z0-9]+", "_", one.work.name.lower()).strip("_")
                yield Figure(
                    f"capture-peers.{one.framework}.{one.vendor}.{work}",
                    f"OrderTrail, {one.work.name}, {one.framework}, {one.vendor}",
                    ratio,
                    "times",
                )


def _quick(shop: Workshop) -> bool:
    return shop.sizes.rounds == 1


SECTIONS: dict[str, tuple[str, Callable[[Workshop], Iterator[Result]]]] = {
    "capture": ("What capture costs over SQLAlchemy", partial(_script, "capture")),
    "capture-django": ("What capture costs over Django", partial(_script, "capture_django")),
    "capture-guard": ("What the guard costs beside capture", partial(_script, "capture_guard")),
    "capture-peers": ("What capture costs beside other libraries", _peers),
}
