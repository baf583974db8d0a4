"""A hardware security module for tests: SoftHSM2, with its tokens in a directory of the test's own.

SoftHSM reads ``SOFTHSM2_CONF`` when it is initialized, so there is one such directory at a time in a process; a
test that wants a token of its own makes one under a label of its own. Where SoftHSM is not installed a test is
skipped with the reason, except in continuous integration (``CI=true``), where it fails.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which

import pytest

from ordertrail.adapters.pkcs11.module import open_module

MODULES = (
    Path("/usr/lib/softhsm/libsofthsm2.so"),
    Path("/usr/lib64/pkcs11/libsofthsm2.so"),
    Path("/opt/homebrew/lib/softhsm/libsofthsm2.so"),
)

PIN = b"pin-of-73519"
SO_PIN = b"so-pin-of-99173"


@dataclass(frozen=True, slots=True)
class Token:
    """A token, which can be taken out and put back."""

    label: str
    module: Path
    _place: Path
    _drawer: Path

    def remove(self) -> None:
        """Take it out."""
        self._drawer.mkdir(exist_ok=True)
        self._place.rename(self._drawer / self._place.name)

    def insert(self) -> None:
        """Put it back."""
        (self._drawer / self._place.name).rename(self._place)


@dataclass(frozen=True, slots=True)
class Hsm:
    """SoftHSM over one directory."""

    module: Path
    folder: Path

    def token(self, label: str, pin: bytes = PIN) -> Token:
        """Make an empty token."""
        before = set((self.folder / "tokens").iterdir())
        subprocess.run(
            [
                "softhsm2-util", "--init-token", "--free", "--label", label,
                "--pin", pin.decode(), "--so-pin", SO_PIN.decode(),
            ],
            check=True,
            capture_output=True,
        )  # fmt: skip
        (place,) = set((self.folder / "tokens").iterdir()) - before
        return Token(label, self.module, place, self.folder / "drawer")


@contextmanager
def soft_hsm(folder: Path) -> Iterator[Hsm]:
    """Run SoftHSM over an empty directory, in this process and those that it starts."""
    module = next((path for path in MODULES if path.exists()), None)
    if module is None or which("softhsm2-util") is None:
        reason = "SoftHSM2 is not installed (Debian: softhsm2)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    (folder / "tokens").mkdir()
    configuration = folder / "softhsm2.conf"
    configuration.write_text(
        f"directories.tokendir = {folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(configuration))
        with open_module(module) as opened:
            opened.restart()
        yield Hsm(module, folder)
    with open_module(module) as opened:
        opened.restart()
