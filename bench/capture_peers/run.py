"""The command: see the package's docstring."""

import argparse
import signal
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

if __name__ == "__main__":
    sys.path[:1] = [str(Path(__file__).resolve().parents[2])]

from bench.capture_peers import __doc__ as about
from bench.capture_peers.catalogue import CONTESTANTS
from bench.capture_peers.environment import ROOT, NoLibrariesError, ensure_libraries
from bench.capture_peers.matrix import run_matrix
from bench.capture_peers.overhead import QUICK, Amount, Bench
from bench.capture_peers.processes import hear
from bench.capture_peers.report import Run, completeness_page, overhead_page
from bench.machine import describe, waited_seconds

_REPORTS = ROOT / "docs/reports"
_TOLD = ("ordertrail", "sqlalchemy", "django", "psycopg")
"""Packages whose versions are told beside the libraries'."""


def main() -> int:
    """Run what is asked for, and write or show its pages; 2 where the libraries cannot be had."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("capture_peers: stopped"))
    sys.path.append(str(ROOT / "tests"))
    try:
        python = ensure_libraries()
    except NoLibrariesError as error:
        print(f"capture_peers: {error}", file=sys.stderr)
        return 2
    contestants = [one for one in CONTESTANTS if not options.only or one.module in options.only]
    packages = dict.fromkeys((*_TOLD, *(one.package for one in contestants)))
    versions = hear([str(python), "-m", "bench.capture_peers.versions", *packages])[0]
    for what in options.what or ("matrix", "overhead"):
        begun = _Clock.started()
        if what == "matrix":
            columns = run_matrix(contestants, python, progress)
            if broken := [one.broken for one in columns if one.contestant.ours and one.broken]:
                print(f"capture_peers: OrderTrail itself does not run: {broken[0]}", file=sys.stderr)
                return 2
            text = completeness_page(columns, _run(what, options, begun, versions))
            _publish("completeness-peers.md", text, show=options.show)
        else:
            amount = QUICK if options.quick else Amount()
            measured = list(Bench(python, amount, progress).run(contestants))
            text = overhead_page(measured, _run(what, options, begun, versions))
            _publish("capture-overhead.md", text, show=options.show)
    return 0


@dataclass(frozen=True, slots=True)
class _Clock:
    """When something began, and how long processes of this machine had waited for a core by then."""

    begun: float
    waited: float | None

    @classmethod
    def started(cls) -> Self:
        """Return one that begins now."""
        return cls(time.monotonic(), waited_seconds())

    def told(self) -> tuple[float, float | None]:
        """Return the seconds since, and in what share of them a process waited."""
        seconds, waited = time.monotonic() - self.begun, waited_seconds()
        return seconds, None if waited is None or self.waited is None else (waited - self.waited) / seconds


def progress(text: str) -> None:
    """Tell what is under way, where somebody looks on."""
    print(f"… {text}", file=sys.stderr, flush=True)


def _run(what: str, options: argparse.Namespace, begun: "_Clock", versions: dict[str, str]) -> Run:
    seconds, waited = begun.told()
    machine = describe(ROOT)
    words = [
        what,
        *(["--quick"] if options.quick else []),
        *([f"--only {','.join(options.only)}"] if options.only else []),
    ]
    return Run(
        date=datetime.now(UTC).date().isoformat(),
        revision=str(machine["revision"]),
        machine=f"{machine['cores']} cores of {machine['cpu']}, Python {machine['python']}",
        command=f".venv/bin/python bench/capture_peers/run.py {' '.join(words)}",
        seconds=seconds,
        waited=waited,
        versions=versions,
    )


def _publish(name: str, text: str, *, show: bool) -> None:
    if show:
        print(text)
    else:
        (_REPORTS / name).write_text(text)
        print(f"written: docs/reports/{name}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", help="matrix, overhead; without either, both")
    parser.add_argument("--quick", action="store_true", help="overhead: fewer transactions")
    parser.add_argument("--only", type=lambda text: text.split(","), default=[], help="modules of libraries")
    parser.add_argument("--show", action="store_true", help="print the pages; write nothing")
    options = parser.parse_args()
    if unknown := set(options.what) - {"matrix", "overhead"}:
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are matrix and overhead")
    if unknown := set(options.only) - {one.module for one in CONTESTANTS}:
        known = ", ".join(one.module for one in CONTESTANTS)
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {known}")
    return options


if __name__ == "__main__":
    sys.exit(main())
