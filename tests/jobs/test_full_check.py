"""The full check on workers of every kind: the same report, however many there are and whatever becomes of them."""

import os
import signal
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from ordertrail.assembly import create_trail, open_trail
from ordertrail.assembly.distributing import On, working
from ordertrail.ledger.verify import full
from ordertrail.ledger.verify.full import Options
from ordertrail.ledger.verify.report import Report
from ordertrail.ledger.verify.segment import segments
from ordertrail.settings import Settings
from ordertrail.testing.story import order_story

CREWS = [pytest.param(2, On.LOCAL, id="local"), pytest.param(2, On.RAY, id="ray")]


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trail of the story, sealed in many batches."""
    root = tmp_path_factory.mktemp("jobs") / "trail"
    lines = list(order_story())
    with create_trail(root, "shop.example/log", settings=Settings(immutable=False)) as trail:
        for at in range(0, len(lines), 40):
            list(trail.record_lines(("story", line) for line in lines[at : at + 40]))
            trail.seal()
    return root


@pytest.fixture(autouse=True)
def _short_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stretches of a batch each, and workers from the first entry on."""
    monkeypatch.setattr(full, "_PARALLEL_FROM", 0)
    monkeypatch.setattr(full, "segments", partial(segments, entries=1))


def check(root: Path, count: int = 1, on: On = On.LOCAL) -> Report:
    """Check a trail; how long it took is left out."""
    with working(count, on) as workers, open_trail(root) as trail:
        return replace(trail.verify(Options(workers=workers, deep=False)), seconds=0.0)


@pytest.mark.parametrize(("count", "on"), CREWS)
def test_the_report_is_the_same_on_all_workers(sealed: Path, count: int, on: On) -> None:
    """One process, two, or actors of a cluster: not a word of the report differs."""
    assert check(sealed, count, on) == check(sealed)
    assert check(sealed).intact
    assert check(sealed).counts.batches > 8


@pytest.mark.parametrize(("count", "on"), CREWS)
def test_a_check_outlives_a_killed_worker(sealed: Path, count: int, on: On) -> None:
    """While it checks, one of its workers gets SIGKILL: the report is the same."""
    wanted = check(sealed)
    killed: list[int] = []

    def progress(done: int, _all: int) -> None:
        if not killed and done:
            killed.extend(_kill_one())

    with working(count, on) as workers, open_trail(sealed) as trail:
        report = trail.verify(Options(workers=workers, deep=False), progress=progress)
    assert killed
    assert replace(report, seconds=0.0) == wanted


def _kill_one() -> list[int]:
    """Kill a process that does pieces, wherever below this one it is; return its id."""
    for process in sorted(_descendants(os.getpid()), reverse=True):
        said = Path(f"/proc/{process}/cmdline").read_bytes()
        if b"ray::" in said or (b"forkserver" in said and _parent(process) != os.getpid()):
            os.kill(process, signal.SIGKILL)
            return [process]
    return []


def _parent(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


def _descendants(process: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if _parent(int(path.name)) == process:
                found += [int(path.name), *_descendants(int(path.name))]
        except OSError:
            continue
    return found
