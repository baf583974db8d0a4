"""Spark and DuckDB, by their own readers of Iceberg, find in shared tables what the trail's segments hold.

They are large, and DuckDB's is of another version than ours, so they have an environment of their own: it is made in
``build/iceberg-readers`` from ``readers/requirements.txt``, once, and Spark needs Java 17. One command runs this::

    ORDERTRAIL_SOAK=1 .venv/bin/python -m pytest -n 0 tests/iceberg/test_engines.py
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from iceberg.lakes import STORY, grow, new_trail, settings_of, share
from iceberg.readers.sums import SUMS, columns
from ordertrail.assembly.sharing import open_sharing

READERS = Path(__file__).parent / "readers"
HOME = Path(__file__).parents[2] / "build/iceberg-readers"

pytestmark = pytest.mark.skipif(
    os.environ.get("ORDERTRAIL_SOAK") != "1", reason="a long proof, of 500 MB of engines: ORDERTRAIL_SOAK=1"
)


@pytest.fixture(scope="module")
def python() -> Path:
    """The Python of the engines' environment; ``ORDERTRAIL_ICEBERG_READERS`` names one that is there."""
    home = Path(os.environ.get("ORDERTRAIL_ICEBERG_READERS", HOME))
    if not (home / "made").exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        requirements = str(READERS / "requirements.txt")
        subprocess.run([str(home / "bin/pip"), "install", "--quiet", "-r", requirements], check=True)
        (home / "made").touch()
    return home / "bin/python"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Where each table's metadata is, and what the trail's own segments have; parts were joined in between."""
    home = tmp_path_factory.mktemp("home")
    trail = new_trail(home / "trail", settings_of("../lake"), STORY[:200])
    share(trail)
    grow(trail, STORY[200:])
    share(trail)
    with open_sharing(trail) as sharing:
        places = dict(sharing.locations()["default"])
    own: dict[str, list[str]] = {}
    with duckdb.connect() as connection:
        for table in SUMS:
            files = [
                str(trail / "segments/default" / name / f"{table}.parquet")
                for name in sorted(path.name for path in (trail / "segments/default").iterdir())
                if name not in {"000000000000-000000000064", "000000000064-000000000128", "000000000128-000000000192",
                                "000000000192-000000000256"}
            ]  # fmt: skip
            row = connection.execute(f"SELECT {columns(table)} FROM read_parquet($1)", [files]).fetchone()
            own[table] = list(row or ())
    return places, own


def read(python: Path, *arguments: str) -> dict[str, list[str]]:
    """Run a reader and return what it printed."""
    done = subprocess.run([str(python), *arguments], cwd=READERS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def test_duckdb_reads_the_tables_by_its_own_extension(
    python: Path, shared: tuple[dict[str, str], dict[str, list[str]]]
) -> None:
    """``iceberg_scan`` of each table's metadata: equal counts, equal sums."""
    places, own = shared
    assert read(python, "duckdb_reader.py", json.dumps(places)) == own


def test_pyspark_reads_the_tables_by_iceberg_s_own_runtime(
    python: Path, shared: tuple[dict[str, str], dict[str, list[str]]], tmp_path: Path
) -> None:
    """Spark's ``iceberg`` source, of each table's metadata: equal counts, equal sums."""
    assert shutil.which("java"), "Spark needs Java (Debian's package default-jre-headless)"
    places, own = shared
    assert read(python, "spark_reader.py", str(tmp_path), json.dumps(places)) == own
