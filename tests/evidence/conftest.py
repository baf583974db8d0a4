"""One rich bundle for all tests of a session, and a browser to open it in."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evidence.browser import offline_browser
from evidence.richly import Rich, make_rich
from ordertrail.evidence.verifier.page import program
from servers.authority import time_stamp_authority


@pytest.fixture(scope="session")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Rich:
    """A bundle with everything in it."""
    folder = tmp_path_factory.mktemp("rich")
    with time_stamp_authority(tmp_path_factory.mktemp("authority")) as authority:
        return make_rich(folder / "trail", authority)


@pytest.fixture(scope="session")
def verify_py(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The single-file verifier, as it stands in bundles."""
    path = tmp_path_factory.mktemp("program") / "verify.py"
    path.write_bytes(program())
    return path


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A real Chromium without a network."""
    with offline_browser() as browser:
        yield browser
