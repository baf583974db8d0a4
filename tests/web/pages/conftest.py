"""One served house for all tests of pages, and a real browser that looks at it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from servers.chromium import chromium_browser
from web.house import House
from web.pages.serving import Served, served

PICTURES = Path(__file__).parents[3] / "build/pages"
"""Where pictures of the pages are left as artefacts."""

Open = Callable[..., Page]


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The story's shop, served."""
    with served(tmp_path_factory.mktemp("pages") / "trail", orders=40) as found:
        yield found


@pytest.fixture(scope="session")
def house(running: Served) -> House:
    """The house that is served."""
    return running.house


@pytest.fixture(scope="session")
def sessions() -> dict[tuple[int, str], str]:
    """Sessions that were begun, by house and name: people sign in once."""
    return {}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A real Chromium, without anybody signed in."""
    with chromium_browser() as browser:
        yield browser


@pytest.fixture
def opened(chromium: Browser, running: Served, sessions: dict[tuple[int, str], str]) -> Iterator[Open]:
    """Open pages as somebody; what a page's console complains of fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_(
        path: str = "/",
        who: str | None = "auditor",
        *,
        theme: str = "light",
        scripts: bool = True,
        on: Served = running,
    ) -> Page:
        context = chromium.new_context(
            viewport={"width": 1440, "height": 900},
            color_scheme="dark" if theme == "dark" else "light",
            java_script_enabled=scripts,
            accept_downloads=True,
        )
        contexts.append(context)
        if who is not None:
            key = (id(on), who)
            sessions[key] = sessions.get(key) or on.house.session(who)
            for name, secure in (("__Host-ordertrail", True), ("ordertrail", False)):
                context.add_cookies(
                    [
                        {
                            "name": name,
                            "value": sessions[key],
                            "domain": "127.0.0.1",
                            "path": "/",
                            "secure": secure,
                        }
                    ]
                )
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console", lambda said: complaints.append(said.text) if "Content Security" in said.text else None
        )
        page.goto(on.url + path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not complaints, complaints


def settled(page: Page) -> Page:
    """Wait until no region of a page is loading any more."""
    page.wait_for_function("() => !document.querySelector('[data-state=loading]')")
    return page


def picture(page: Page, name: str) -> None:
    """Leave a picture of a page."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png")
