"""A real Chromium that has no network: Debian's, driven by Playwright."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest

_INSTALL = Path(__file__).resolve().parents[2] / "tools" / "install-debian"


@contextmanager
def offline_browser() -> Iterator[Any]:
    """Start the browser; a context made of it refuses every connection."""
    program = _chromium()
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _give_up("Playwright is not installed: pip install playwright")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        context = browser.new_context(offline=True)
        try:
            yield context
        finally:
            browser.close()


def _chromium() -> str:
    if shutil.which("chromium") is None and _INSTALL.exists():
        subprocess.run([str(_INSTALL), "chromium"], check=False)
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    return found or _give_up("Chromium is not installed; as root: apt-get install chromium")


def _give_up(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
