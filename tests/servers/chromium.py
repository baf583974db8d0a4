"""A real Chromium: Debian's, driven by Playwright."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

_INSTALL = Path(__file__).resolve().parents[2] / "tools" / "install-debian"


@contextmanager
def chromium_browser() -> Iterator[Browser]:
    """Start Chromium. Without one the test is passed over, and fails in CI.

    Playwright runs an event loop in the thread of its caller until it is left: a fixture that starts it is of a module
    at most, or the tests of other modules can run no loop of their own.
    """
    if shutil.which("chromium") is None and _INSTALL.exists():
        subprocess.run([str(_INSTALL), "chromium"], check=False)
    program = shutil.which("chromium")
    if program is None:
        reason = "Chromium is not installed: tools/install-debian chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()
