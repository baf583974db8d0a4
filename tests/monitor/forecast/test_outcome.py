"""Labelled logs of others, by the protocol beside them. The labels are real; no setting is of a log."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared_data import shared

ROOT = Path(__file__).resolve().parents[3]
SOAK = os.environ.get("ORDERTRAIL_SOAK") == "1"


@pytest.mark.skipif(not SOAK, reason="some minutes: make soak")
def test_labelled_logs_are_forecast_as_well_as_anybody_published() -> None:
    """On two of three logs at least the area is at or above the best published, and sets cover what they promise."""
    folder = shared("datasets/outcome")
    command = [sys.executable, "bench/forecast.py", "outcome", "--json", "--datasets", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["outcome"]
    assert len(found) == 3
    assert sum(one["auc"] >= one["published"] for one in found) >= 2
    assert all(abs(one["coverage"] - 0.9) <= 0.02 for one in found)
    assert sum(one["calibration_error"] <= 0.05 for one in found) >= 2
