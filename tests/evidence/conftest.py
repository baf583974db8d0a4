"""One rich bundle for all tests of a session, and a browser to open it in."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext

from evidence.richly import Rich, make_rich
from ordertrail.evidence.verifier.page import program
from servers.authority import time_stamp_authority
from servers.chromium import chromium_browser


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


@pytest.fixture(scope="module")
def chromium() -> Iterator[BrowserContext]:
    """A real Chromium that refuses every connection."""
    with chromium_browser() as browser:
        yield browser.new_context(offline=True)
