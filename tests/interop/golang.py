"""The Go checker of tlog-tiles directories, built from what Debian ships, with no network.

It knows nothing of ours: it reads a directory with golang.org/x/mod/sumdb/tlog and note, the code of the Go
checksum database.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

from shared_data import shared

PACKAGES = ("golang-go", "golang-golang-x-mod-dev")
_MODULE = Path("/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog")
_INSTALL = Path(__file__).resolve().parents[2] / "tools" / "install-debian"


@dataclass(frozen=True)
class Verdict:
    """What the Go checker says of a directory; a panic is a refusal too, for it is no acceptance."""

    accepted: bool
    message: str


@dataclass(frozen=True)
class TlogCheck:
    """The built program."""

    program: Path

    def __call__(self, log: Path) -> Verdict:
        """Check a published log."""
        done = subprocess.run([str(self.program), str(log)], capture_output=True, text=True, check=False)
        return Verdict(done.returncode == 0, done.stdout + done.stderr)


def build_tlogcheck(folder: Path) -> TlogCheck:
    """Build the checker; where Go cannot be had the tests are skipped, except in CI, where they fail."""
    if not _installed() and _INSTALL.exists():
        subprocess.run([str(_INSTALL), *PACKAGES], check=False)
    if not _installed():
        _give_up(f"Go is not installed; as root: apt-get install {' '.join(PACKAGES)}")
    shutil.copyfile(shared("crosscheck/tlogcheck.go"), folder / "main.go")
    offline = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOPROXY": "off", "CGO_ENABLED": "0"}
    # A user without a home has no cache of its own.
    cache = os.environ.get("GOCACHE") or str(
        folder / "cache" if "HOME" not in os.environ else Path.home() / ".cache/go-build"
    )
    program = folder / "tlogcheck"
    subprocess.run(
        ["go", "build", "-o", str(program), "."],
        cwd=folder,
        env=os.environ | offline | {"GOCACHE": cache},
        check=True,
    )
    return TlogCheck(program)


def _installed() -> bool:
    return shutil.which("go") is not None and _MODULE.exists()


def _give_up(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
