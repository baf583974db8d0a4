"""The libraries' own virtual environment, made once: ``bench/capture_peers/.venv``.

It holds what ``requirements.txt`` locks, and after it, for our cases and our judge, everything in our own environment.
"""

import hashlib
import os
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_FOLDER = Path(__file__).parent / ".venv"
_LOCKED = Path(__file__).with_name("requirements.txt")
_STAMP = _FOLDER / "peers.stamp"
_PIP = ("-m", "pip", "install", "-q", "--disable-pip-version-check", "--retries", "1", "--timeout", "10")
_TOO_LONG = 240


class NoLibrariesError(Exception):
    """The libraries cannot be had here; the message is the reason."""


def ensure_libraries() -> Path:
    """Install the locked libraries, and return the Python that has them. Raises NoLibrariesError."""
    python = _FOLDER / "bin/python"
    ours = sysconfig.get_path("purelib")
    wanted = hashlib.sha256(_LOCKED.read_bytes() + ours.encode()).hexdigest()
    if _STAMP.exists() and _STAMP.read_text() == wanted:
        return python
    _run([sys.executable, "-m", "venv", "--clear", str(_FOLDER)], "making the libraries' environment")
    _run([str(python), *_PIP, "--require-hashes", "-r", str(_LOCKED)], "installing the libraries from PyPI")
    theirs = _FOLDER / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    (theirs / "ours.pth").write_text(f"{ours}\n")
    _STAMP.write_text(wanted)
    return python


def environment() -> dict[str, str]:
    """Return the environment of a library's process: our source, the tests' cases and the benchmark are found."""
    path = os.pathsep.join(str(ROOT / folder) for folder in ("", "tests", "src"))
    return {**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": "ignore"}


def _run(command: Sequence[str], what: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_TOO_LONG)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoLibrariesError(f"{what}: {error}") from None
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no word"]
        raise NoLibrariesError(f"{what}: {last[0]}")
