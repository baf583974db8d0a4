"""The section on PostgreSQL still runs and says both its figures; how fast anything was is nobody's business here."""

import json
import math
import subprocess
import sys
from pathlib import Path

from servers.postgresql import postgresql_server

__all__ = ["postgresql_server"]

ROOT = Path(__file__).resolve().parents[2]


def test_both_figures_are_told(postgresql_server: object) -> None:
    """With their target and how they were measured, or with the reason why not."""
    del postgresql_server  # where there is none, this is skipped, and in CI fails
    command = [sys.executable, "bench/run.py", "--quick", "--only", "postgresql", "--json", "--scale", "0.01"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["skipped"] == []
    assert {one["key"] for one in said["figures"]} == {
        "postgresql.both_1000",
        "postgresql.two_processes_1000",
    }
    for figure in said["figures"]:
        assert figure["target"] == {"kind": "min", "value": 10_000}
        assert math.isfinite(figure["value"])
        assert figure["note"]
