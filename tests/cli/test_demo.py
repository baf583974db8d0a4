"""``ordertrail demo``: a shop that somebody opens, and everything that it promises to show."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from servers.chromium import chromium_browser
from web.pages.conftest import PICTURES
from web.pages.test_access import violations

COMMAND = [str(Path(sys.executable).with_name("ordertrail")), "demo"]
_PATIENCE = 60.0


@contextmanager
def opened(folder: Path, *arguments: str) -> Iterator[dict[str, Any]]:
    """Open a shop; yield what the command says, and end it as Ctrl-C does."""
    command = [*COMMAND, str(folder), "--port", "0", "--json", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            told = ""
            for line in process.stdout:
                told += line
                if line.startswith("}"):
                    break
            yield json.loads(told)
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(_PATIENCE) == 0


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A shop that is open."""
    with opened(tmp_path_factory.mktemp("demo") / "shop") as told:
        yield told


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A real Chromium."""
    with chromium_browser() as browser:
        yield browser


def signed_in(browser: Browser, shop: dict[str, Any], name: str) -> Page:
    """Sign in as somebody of the shop, as they would."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.goto(f"{shop['url']}/sign-in")
    page.fill("input[name=name]", name)
    page.fill("input[name=password]", shop["password"])
    page.keyboard.press("Enter")
    page.wait_for_url(f"{shop['url']}/")
    return page


def test_everything_that_is_promised_is_there(shop: dict[str, Any], chromium: Browser) -> None:
    """Each sight opens for who is named with it; the channel stopped, alerts wait, the evidence is in the basket."""
    shown = {}
    for name in dict.fromkeys(one["name"] for one in shop["sights"]):
        page = signed_in(chromium, shop, name)
        for sight in (one for one in shop["sights"] if one["name"] == name):
            answer = page.goto(sight["url"])
            assert answer is not None
            assert answer.status == 200, sight
            page.wait_for_function("() => !document.querySelector('[aria-busy=true]')")
            shown[sight["url"].removeprefix(shop["url"]).split("/")[1]] = page.locator("main").inner_text()
        page.context.close()
    assert "after approval" in shown["orders"]
    assert "cancelled" in shown["people"]
    assert "Many orders cancelled by one person" in shown["alerts"]
    assert "changed the price" in shown["cases"]
    assert "shopify/outlet" in shown["intake"]
    assert "failing" in shown["intake"]


def test_the_tour_leads_through_pages_that_are_whole(shop: dict[str, Any], chromium: Browser) -> None:
    """Each stop says what to see on its own page, names where one is, and harms neither the page nor its reading."""
    page = signed_in(chromium, shop, "ada")
    page.goto(f"{shop['url']}/?tour=1")
    stops = 0
    while True:
        stops += 1
        card = page.locator(".tour")
        expect(card).to_contain_text(f"Tour · {stops} of 7")
        assert violations(page) == []
        if card.get_by_role("link", name="Next").count() == 0:
            break
        card.get_by_role("link", name="Next").click()
        page.wait_for_url(f"**tour={stops + 1}")
    assert stops == 7
    page.goto(f"{shop['url']}/orders?tour=1")
    expect(page.locator(".tour")).to_have_count(0)
    page.context.close()


def test_the_tampering_is_caught_and_the_pages_stay_whole(shop: dict[str, Any], chromium: Browser) -> None:
    """What was edited is marked where it is listed, the check names it, and a banner stands above every page."""
    page = signed_in(chromium, shop, "ada")
    page.goto(f"{shop['url']}/explore?q=lowered%3Aunit_price%3E20%25")
    broken = page.locator("tr", has=page.locator(".chip.bad", has_text="BROKEN"))
    expect(broken).to_have_count(1)
    expect(broken).to_contain_text("t.varga")
    page.goto(f"{shop['url']}/integrity")
    page.get_by_role("button", name="Check now").click()
    expect(page.locator("#check")).to_contain_text(
        "the entry does not hash to the row's hash", timeout=30_000
    )
    page.goto(f"{shop['url']}/orders")
    banner, main, rail = (page.locator(one).bounding_box() for one in (".trouble", "main", ".rail"))
    assert banner is not None
    assert main is not None
    assert rail is not None
    assert main["x"] >= rail["x"] + rail["width"]
    assert main["y"] >= banner["y"] + banner["height"]
    assert main["width"] > 4 * rail["width"]
    assert banner["height"] < main["height"]
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / "banner.png")
    page.context.close()


def test_the_day_goes_on(shop: dict[str, Any], chromium: Browser) -> None:
    """Events keep coming, are sealed, and are found."""
    page = signed_in(chromium, shop, "ada")
    deadline = time.monotonic() + _PATIENCE
    seen: set[str] = set()
    while len(seen) < 3:
        assert time.monotonic() < deadline, seen
        page.goto(f"{shop['url']}/explore?q=-actor_kind%3Asystem+-action%3Aevidence.read+when%3Alast-hour")
        page.wait_for_function("() => !document.querySelector('[aria-busy=true]')")
        seen.add(page.locator("#summary .value").first.inner_text())
        page.wait_for_timeout(500)
    page.context.close()


def test_an_empty_trail_has_first_steps(tmp_path: Path) -> None:
    """Nothing happened yet, and the Overview says how to begin; made again, the shop is a new one."""
    passwords = set()
    for _ in range(2):
        with opened(tmp_path / "shop", "--empty") as told, httpx.Client(base_url=told["url"]) as client:
            passwords.add(told["password"])
            assert told["events"] == 0
            assert client.get("/verify").status_code == 200
            assert client.get("/orders", headers={"Accept": "text/html"}).status_code in {303, 401}
    assert len(passwords) == 2


def test_a_folder_of_somebody_else_s_is_not_touched(tmp_path: Path) -> None:
    """What is no shop of this command is refused, and stays."""
    (tmp_path / "mine.txt").write_text("precious")
    done = subprocess.run([*COMMAND, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "nothing there was touched" in done.stderr
    assert (tmp_path / "mine.txt").read_text() == "precious"
