"""``tools/link-source``: what stands in for an install where only ``make run`` was asked for."""

import runpy
import subprocess
import venv
from importlib.metadata import version
from pathlib import Path

TOOL = Path(__file__).parents[2] / "tools/link-source"


def test_the_command_runs_once(tmp_path: Path) -> None:
    """A process that the command starts imports its file, and that runs nothing; it knows its version."""
    venv.create(tmp_path / "venv", symlinks=True)
    python = tmp_path / "venv/bin/python"
    command = python.with_name("ordertrail")
    command.write_text("from ordertrail.cli.main import run\n\nrun()\n")
    subprocess.run([TOOL, python], check=True)
    found = runpy.run_path(str(command), run_name="__mp_main__")
    assert callable(found["run"])
    told = "from importlib.metadata import version; print(version('ordertrail'))"
    done = subprocess.run([python, "-c", told], env={}, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == version("ordertrail"), done.stderr
