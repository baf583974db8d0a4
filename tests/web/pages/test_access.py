"""Pages for everybody: WCAG 2.2 AA by axe in light and dark, by keyboard, without scripts, on paper, on a phone."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from web.pages.conftest import Open, picture, settled

AXE = Path(__file__).parent / "vendor/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PAGES = {
    "overview": "/",
    "explore": "/explore",
    "explore-empty": "/explore?q=nobody-ever-said-this",
    "explore-wrong": "/explore?q=when%3Asometime",
    "orders": "/orders",
    "orders-late": "/orders?view=after-approval&when=any",
    "order": "/orders/SO-5003",
    "people": "/people",
    "person": "/people/t.varga",
    "duties": "/duties?person=a.delgado&approver=a.delgado",
    "integrity": "/integrity",
    "intake": "/intake",
    "alerts": "/alerts",
    "rules": "/rules",
    "cases": "/cases",
    "retention": "/retention",
    "persons": "/retention/persons?person=customer-7",
    "settings": "/settings",
    "views": "/views?address=%2Fexplore",
    "help": "/help",
    "patterns": "/-/patterns",
    "verify": "/verify",
    "missing": "/orders/none-of-this-number",
}


def violations(page: Page) -> list[str]:
    """Return what axe finds wrong with a page: the rule, and where."""
    page.evaluate(AXE.read_text())
    found: dict[str, Any] = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
    return [f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in found["violations"]]


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(opened: Open, name: str) -> None:
    """Promise: no page breaks a rule of WCAG 2.2 AA that a machine can check, in light and in dark."""
    page = opened(PAGES[name])
    if name != "patterns":
        settled(page)
    picture(page, f"{name}-light")
    found = violations(page)
    page.emulate_media(color_scheme="dark")
    picture(page, f"{name}-dark")
    assert found + violations(page) == []


def test_axe_finds_nothing_where_events_are_taken_out(opened: Open) -> None:
    """Promise: nor do an export's preview and an exporter's own exports."""
    page = settled(opened("/exports?q=", "evidence-exporter"))
    found = violations(page)
    page.emulate_media(color_scheme="dark")
    assert found + violations(page) == []


@pytest.mark.parametrize("name", ["accounts", "notifications"])
def test_axe_finds_nothing_where_only_an_administrator_is(opened: Open, name: str) -> None:
    """Promise: nor do the pages that an auditor does not see."""
    page = settled(opened(f"/{name}", "administrator"))
    for one in page.locator("details.twin > summary").all():
        one.click()
    found = violations(page)
    page.emulate_media(color_scheme="dark")
    assert found + violations(page) == []


def test_axe_finds_nothing_on_the_way_in(opened: Open) -> None:
    """Promise: nor does the page to sign in."""
    assert violations(opened("/", who=None)) == []


def test_axe_finds_nothing_in_an_open_drawer(opened: Open) -> None:
    """Promise: nor does a drawer with a proof that was run."""
    page = settled(opened("/explore?q=lowered%3Aunit_price"))
    page.locator("[data-peek]").first.click()
    page.locator("[data-prove]").click()
    expect(page.locator("#drawer .steps li")).to_have_count(6)
    page.wait_for_timeout(250)
    assert violations(settled(page)) == []


def test_the_keyboard_alone_leads_to_a_proof(opened: Open) -> None:
    """Promise: g e, j, Enter, v: no pointer is needed from the overview to a proven event."""
    page = settled(opened())
    page.keyboard.press("g")
    page.keyboard.press("e")
    page.wait_for_url("**/explore")
    settled(page)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("#drawer article")).to_be_visible()
    page.keyboard.press("v")
    expect(page.locator("#drawer .steps li")).to_have_count(6)
    page.keyboard.press("Escape")
    expect(page.locator("#drawer")).to_be_hidden()


def test_keys_do_nothing_where_they_are_switched_off_or_somebody_writes(opened: Open) -> None:
    """Promise: a letter that is written is a letter; and single keys can be switched off (WCAG 2.1.4)."""
    page = opened("/help")
    page.keyboard.press("/")
    page.keyboard.type("g e")
    assert page.input_value("#find") == "g e"
    page.uncheck("#keys-switch")
    page.locator("main").click(position={"x": 2, "y": 2})
    page.keyboard.press("g")
    page.keyboard.press("o")
    page.wait_for_timeout(200)
    assert page.url.endswith("/help")


def test_the_first_tab_skips_to_the_content(opened: Open) -> None:
    """Promise: nobody tabs through the rail on every page."""
    page = opened("/explore")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()


def test_everything_is_read_without_scripts(opened: Open) -> None:
    """Promise: rows, drawers, orders, proofs and totals are there for a browser that runs no script."""
    page = opened("/explore?q=lowered%3Aunit_price", scripts=False)
    expect(page.locator("#event-table tbody tr").first).to_contain_text("changed the price of")
    page.locator("#facets noscript a, #facets a").first.click()
    expect(page.locator("#facets")).to_contain_text("t.varga")
    page.goto(page.url.split("/explore")[0] + "/explore?q=lowered%3Aunit_price")
    page.locator("[data-peek]").first.click()
    expect(page.locator("#drawer article")).to_contain_text("What changed")
    page.locator("[data-prove]").click()
    expect(page.locator("main .steps li")).to_have_count(6)
    page.goto(page.url.split("/events")[0] + "/orders/SO-5003")
    expect(page.locator(".timeline")).to_contain_text("t.varga")
    expect(page.locator("button[data-print]")).to_be_visible()


def test_paper_is_a_medium(opened: Open) -> None:
    """Promise: a printed order is a dossier: no controls, every event with its hash."""
    page = settled(opened("/orders/SO-5003"))
    page.emulate_media(media="print")
    expect(page.locator(".rail")).to_be_hidden()
    expect(page.locator(".asof").first).to_be_hidden()
    expect(page.locator(".timeline code").first).to_be_visible()
    picture(page, "order-paper")


@pytest.mark.parametrize("path", ["/", "/explore", "/orders/SO-5003", "/integrity"])
def test_nothing_runs_over_the_edge_of_a_phone(opened: Open, path: str) -> None:
    """Promise: at 390 pixels a page scrolls down, and not sideways."""
    page = opened(path)
    page.set_viewport_size({"width": 390, "height": 844})
    settled(page)
    page.reload()
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    picture(page, f"phone-{path.strip('/').replace('/', '-') or 'overview'}")


def test_the_odd_and_the_long_stay_in_their_place(opened: Open) -> None:
    """Promise: long names, right-to-left text, emoji and negative amounts do not widen a page."""
    page = opened("/-/patterns")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_nothing_moves_while_regions_load(opened: Open) -> None:
    """Promise: what loads later has its place kept: the layout's shift stays below what Google calls good (0.1)."""
    page = opened("/help")
    page.evaluate("window.name = ''")
    page.add_init_script(
        "window.shift = 0; new PerformanceObserver(list => { for (const one of list.getEntries())"
        " if (!one.hadRecentInput) window.shift += one.value; }).observe({type: 'layout-shift', buffered: true});"
    )
    page.goto(page.url.replace("/help", "/explore"))
    settled(page)
    page.wait_for_timeout(300)
    assert page.evaluate("window.shift") < 0.1
