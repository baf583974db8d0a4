"""django-oscar, an application that nobody here wrote: every row of its order tables that changes is recorded."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from capture.django.conftest import Database
from servers.databases import empty_database

TESTS = Path(__file__).parents[2]


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database."""
    if request.param == "sqlite":
        yield {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "oscar.db")}
        return
    server = request.getfixturevalue("postgresql_server")
    with empty_database(server) as name:
        yield {
            "ENGINE": "django.db.backends.postgresql", "NAME": name, "USER": "postgres", "HOST": str(server.folder),
        }  # fmt: skip


def test_every_row_of_oscars_orders_is_recorded(empty: Database) -> None:
    """Guests and customers check out, staff process, an own program pays and deletes: all of it, with who did it."""
    environment = {**os.environ, "SHOP_DATABASE": json.dumps(empty), "PYTHONPATH": str(TESTS)}
    program = [sys.executable, str(Path(__file__).parent / "oscar_shop/journey.py")]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    told = json.loads(done.stdout)
    assert told["missed"] == []
    assert told["invented"] == []
    assert told["changed"] > 40
    assert set(told["actors"]) == {"anonymous", "ada", "clerk-17", "reconciliation"}
