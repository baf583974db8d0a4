"""Nothing moves under a reader's eyes, and what travels is light."""

import gzip
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from web.pages.serving import Served

STATIC = Path(__file__).parents[3] / "src/ordertrail/web/static"
_WATCH = """
window.shifted = [];
new PerformanceObserver(list => {
  for (const one of list.getEntries())
    if (!one.hadRecentInput) window.shifted.push([one.value, one.sources.map(source => source.node?.id ?? '')]);
}).observe({type: 'layout-shift', buffered: true});
"""


@pytest.mark.parametrize(
    "path", ["/", "/explore", "/explore?q=lowered%3Aunit_price&by=actor", "/orders/SO-5003", "/integrity"]
)
def test_nothing_moves(chromium: Browser, running: Served, path: str) -> None:
    """Promise: while parts of a page come in, what is shown already stays where it is."""
    token = running.house.session("auditor")
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    context.add_cookies([{"name": "ordertrail", "value": token, "domain": "127.0.0.1", "path": "/"}])
    context.add_init_script(_WATCH)
    page = context.new_page()
    for _ in range(2):  # the first time, fonts and styles are not there yet
        page.goto(running.url + path)
        page.wait_for_function("() => !document.querySelector('[aria-busy=true]')")
        page.wait_for_timeout(100)
    assert page.evaluate("() => window.shifted") == []
    context.close()


def test_scripts_and_styles_are_light() -> None:
    """Promise: all of them together are 75 KB as they travel, or less."""
    files = [one for kind in ("*.js", "*.css") for one in STATIC.rglob(kind)]
    assert len(files) >= 4
    assert sum(len(gzip.compress(one.read_bytes())) for one in files) <= 75_000
