"""The benchmark still runs and says what it promises; how fast anything was is nobody's business here."""

import json
import math
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
FIGURES = {
    "seal.both_1000", "seal.record_1000", "seal.seal_1000", "seal.two_processes_1000",
    "seal.both_10", "seal.record_10", "seal.seal_10", "seal.two_processes_10",
    "proof.build_warm_p50", "proof.build_warm_p99", "proof.build_cold_p50", "proof.build_cold_p99",
    "proof.check_p50", "proof.check_p99",
}  # fmt: skip


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the benchmark as ``make bench`` does."""
    command = [sys.executable, "bench/run.py", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder on a disk, even where pytest's own folders are in memory."""
    folder = Path(tempfile.mkdtemp(prefix="ordertrail-test-", dir="/var/tmp"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def told(place: Path) -> dict[str, Any]:
    """What a tiny run says."""
    done = bench("--quick", "--only", "seal,proof", "--json", "--scale", "0.01", "--dir", str(place))
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def test_each_figure_of_a_section_is_told_once(told: dict[str, Any]) -> None:
    """Every figure is there with a finite value, its unit, and whether it met its target if it has one."""
    keys = [figure["key"] for figure in told["figures"]]
    assert sorted(keys) == sorted(FIGURES)
    assert told["skipped"] == []
    for figure in told["figures"]:
        assert math.isfinite(figure["value"])
        assert figure["value"] > 0
        assert figure["unit"]
        target = figure["target"]
        if target is None:
            assert figure["met"] is None
        elif target["kind"] == "min":
            assert figure["met"] is (figure["value"] >= target["value"])
        else:
            assert figure["met"] is (figure["value"] <= target["value"])


def test_the_claims_have_their_targets(told: dict[str, Any]) -> None:
    """The targets that the project has set itself are the ones it is held to."""
    targets = {figure["key"]: figure["target"] for figure in told["figures"] if figure["target"]}
    assert targets["seal.both_1000"] == {"kind": "min", "value": 25_000}
    assert targets["seal.both_10"] == {"kind": "min", "value": 1_000}
    assert targets["proof.build_warm_p50"] == {"kind": "max", "value": 1}
    assert targets["proof.check_p50"] == {"kind": "max", "value": 100}


def test_the_machine_is_stated(told: dict[str, Any]) -> None:
    """No figure goes without the machine it was measured on."""
    machine = told["machine"]
    assert {
        "cpu",
        "cores",
        "ram_gib",
        "file_system",
        "fsync_ms",
        "python",
        "sqlite",
        "revision",
    } <= machine.keys()
    assert machine["fsync_ms"]["p50"] > 0
    assert told["run"]["mode"] == "quick"
    assert told["run"]["changed"] in {True, False}


def test_nothing_is_left_behind(told: dict[str, Any], place: Path) -> None:
    """A run removes what it made."""
    assert told["figures"]
    assert not list(place.iterdir())


def test_a_peak_is_the_process_s_own(place: Path) -> None:
    """Linux hands ru_maxrss on through exec: a job's peak must not be that of whoever started it."""
    held = bytearray(b"x") * (256 << 20)
    arguments = {"root": str(place / "peak"), "events": 600, "batch": 100, "ready_made": False}
    command = [sys.executable, "-m", "bench.jobs", "build", json.dumps(arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    shutil.rmtree(place / "peak")
    assert len(held) > 0
    assert 10 < json.loads(done.stdout)["peak_mib"] < 256


def test_memory_is_no_disk() -> None:
    """Where nothing would be durable, nothing is measured."""
    memory = Path("/dev/shm")  # noqa: S108 - only to be refused
    if not memory.is_dir():
        pytest.skip("there is no /dev/shm to be refused")
    refused = bench("--quick", "--only", "proof", "--scale", "0.01", "--dir", str(memory))
    assert refused.returncode == 2
    assert "choose one with --dir" in refused.stderr
    assert not list(memory.glob("ordertrail-bench-*"))
