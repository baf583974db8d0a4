"""The last release still runs on this release's schema: an upgrade needs no pause.

``tests/releases`` holds its wheel, built from the commit of the release.
"""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from migrations.test_migrations import LAST_RELEASE, PHASES, shape
from ordertrail.adapters.sql.dialects.sqlite import create_database
from ordertrail.adapters.sql.opening import migrate
from ordertrail.assembly import open_trail
from ordertrail.testing.story import order_story

_OLD = """
import json, sys
from pathlib import Path
from itertools import islice
import ordertrail
from ordertrail.assembly import create_trail, open_trail
from ordertrail.settings import Settings
from ordertrail.testing.story import order_story

root, create, first = Path(sys.argv[1]), sys.argv[2] == "create", int(sys.argv[3])
assert ordertrail.__file__.startswith(sys.argv[4]), ordertrail.__file__
if create:
    create_trail(root, "old.example/log", settings=Settings(immutable=False)).close()
lines = [(str(n), line) for n, line in enumerate(islice(order_story(orders=80), first, first + 100))]
with open_trail(root) as trail:
    recorded = sum(outcome.recorded for outcome in trail.record_lines(lines))
    sealed = trail.seal()
    report = trail.verify()
    print(json.dumps([recorded, sealed, report.intact, report.size, [str(one) for one in report.findings]]))
"""


@pytest.fixture(scope="module")
def old_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The last release, unpacked."""
    folder = tmp_path_factory.mktemp("release")
    with zipfile.ZipFile(LAST_RELEASE) as wheel:
        wheel.extractall(folder)
    return folder


def run_old(release: Path, root: Path, first: int, *, create: bool = False) -> list[object]:
    """Let the last release record a hundred events from ``first`` on, seal and verify; return what it says."""
    verb = "create" if create else "open"
    done = subprocess.run(
        [sys.executable, "-c", _OLD, str(root), verb, str(first), str(release)],
        check=False, capture_output=True, text=True, cwd=release, env={"PYTHONPATH": str(release)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told: list[object] = json.loads(done.stdout)
    return told


def test_the_last_release_runs_on_this_release_s_schema(old_release: Path, tmp_path: Path) -> None:
    """On its own trail with the schema of today, it records, seals and verifies, and so does this release."""
    root = tmp_path / "trail"
    assert run_old(old_release, root, 0, create=True) == [100, 100, True, 100, []]
    for phase in PHASES:
        assert migrate(root / "ordertrail.db", phase)
        first = 200 if phase == "post" else 100
        assert run_old(old_release, root, first) == [100, 100, True, first + 100, []]
    create_database(tmp_path / "today.db")
    assert shape(root / "ordertrail.db") == shape(tmp_path / "today.db")
    with open_trail(root) as trail:
        assert trail.verify().intact


def test_both_releases_take_turns(old_release: Path, tmp_path: Path) -> None:
    """What one recorded and sealed the other goes on from, before the migration, between its phases, and after it.

    Whole is what the newer one says is whole: the older may not know what the newer one publishes beside.
    """
    root, size = tmp_path / "trail", 100
    run_old(old_release, root, 0, create=True)
    for phase in (None, *PHASES):
        if phase is not None:
            migrate(root / "ordertrail.db", phase)
        with open_trail(root) as trail:
            lines = [(str(n), line) for n, line in enumerate(order_story(orders=3, seed=size))]
            recorded = sum(outcome.recorded for outcome in trail.record_lines(lines))
            assert trail.seal() == recorded
        told = run_old(old_release, root, size)
        assert told[:2] == [100, 100]
        size += recorded + 100
        with open_trail(root) as trail:
            report = trail.verify()
        assert (report.intact, report.size) == (True, size), report.findings
