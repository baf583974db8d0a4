"""Setting up the peers: Python ones in a virtual environment of their own, Go's verifier from its source."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.workshop import ROOT

PYTHON = ROOT / "bench/.venv/bin/python"

_STAMP = ROOT / "bench/.venv/bench.stamp"
_LOCKED = ROOT / "requirements/bench.txt"
_OURS = ROOT / "requirements/run.txt"
_SIGNING = ("cffi", "cryptography", "pycparser")
_PIP = ("-m", "pip", "install", "-q", "--disable-pip-version-check", "--retries", "1", "--timeout", "10")
_TOO_LONG = 240


class NoPeerError(Exception):
    """A peer cannot be measured here; the message is the reason."""


def ensure_python_peers() -> None:
    """Install the locked peers, and for auditchain's signatures the cryptography that we lock for ourselves.

    Raises NoPeerError where they cannot be fetched.
    """
    locked = _LOCKED.read_text()
    if not re.search(r"^cryptography==", locked, re.MULTILINE):
        locked += "\n".join(_requirement(name) for name in _SIGNING) + "\n"
    wanted = hashlib.sha256(locked.encode()).hexdigest()
    if _STAMP.exists() and _STAMP.read_text() == wanted:
        return
    _run([sys.executable, "-m", "venv", "--clear", str(_STAMP.parent)], "making bench/.venv")
    together = _STAMP.with_name("locked.txt")
    together.write_text(locked)
    _run([str(PYTHON), *_PIP, "--require-hashes", "-r", str(together)], "installing the peers from PyPI")
    _STAMP.write_text(wanted)


def build_tlogcheck(folder: Path) -> Path:
    """Build Go's verifier as its source's header says. Raises NoPeerError where that is impossible."""
    shared = Path(os.environ.get("ORDERTRAIL_SHARED") or ROOT.parent / "shared")
    source = shared / "crosscheck/tlogcheck.go"
    if shutil.which("go") is None:
        raise NoPeerError("Go is not installed (Debian: golang-go, golang-golang-x-mod-dev)")
    if not source.exists():
        raise NoPeerError(f"{source} is missing; set ORDERTRAIL_SHARED to where it is kept")
    folder.mkdir()
    (folder / "main.go").write_bytes(source.read_bytes())
    environment = {
        **os.environ, "GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOPROXY": "off", "GOFLAGS": "",
    }  # fmt: skip
    _run(["go", "build", "-o", "tlogcheck", "."], "building Go's verifier", folder, environment)
    return folder / "tlogcheck"


def run_peer(command: Sequence[str], what: str) -> str:
    """Run a peer and return what it says. Raises NoPeerError if it fails."""
    return _run(command, what)


def _requirement(name: str) -> str:
    """Return our own locked requirement of a package, hashes and all."""
    found = re.search(rf"^{name}==.*?(?=^\S|\Z)", _OURS.read_text(), re.MULTILINE | re.DOTALL)
    if found is None:
        raise NoPeerError(f"{name} is not locked in {_OURS.name}")
    return found[0].rstrip()


def _run(
    command: Sequence[str], what: str, cwd: Path | None = None, environment: dict[str, str] | None = None
) -> str:
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=_TOO_LONG,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoPeerError(f"{what}: {error}") from None
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no word"]
        raise NoPeerError(f"{what}: {last[0]}")
    return done.stdout
