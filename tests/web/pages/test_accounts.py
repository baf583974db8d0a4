"""People and keys on their page, in real Chromium: let in, changed, withdrawn; and what is secret is shown once."""

import httpx
from playwright.sync_api import Page, expect

from web.pages.conftest import Open, picture, settled
from web.pages.serving import Served
from web.pages.test_access import violations


def card(page: Page, name: str) -> Page:
    """Open what can be changed of an account; return the page."""
    page.locator(f"#{name} summary").click()
    return page


def test_a_person_is_let_in_by_invitation_and_withdrawn(opened: Open, running: Served) -> None:
    """Promise: the invitation is shown once; with it they choose a password; withdrawn, they come in no more."""
    page = settled(opened("/accounts", "administrator"))
    assert violations(page) == []
    page.fill("#new-name", "gil")
    page.fill("#new-title", "Gil Ferro")
    page.locator("#add").get_by_label("viewer").check()
    page.get_by_role("button", name="Let them in").last.click()
    shown = page.locator("#secret")
    expect(shown).to_contain_text("invitation of gil")
    token = page.locator("#secret-text").inner_text()
    assert violations(page) == []
    picture(page, "accounts")
    page.goto(f"{running.url}/accounts")
    assert token not in page.content()
    expect(page.locator("#gil")).to_contain_text("looks at everywhere")

    stranger = opened("/sign-in/invitation", None)
    stranger.fill("input[name=invitation]", token)
    stranger.fill("input[name=password]", "seven purple lanterns hum")
    stranger.get_by_role("button").last.click()
    stranger.goto(f"{running.url}/sign-in")
    stranger.fill("input[name=name]", "gil")
    stranger.fill("input[name=password]", "seven purple lanterns hum")
    stranger.keyboard.press("Enter")
    stranger.wait_for_url(f"{running.url}/")

    card(page, "gil").locator("#gil").get_by_label("Why").fill("left the company")
    page.locator("#gil").get_by_role("button", name="Withdraw").click()
    expect(page.locator("#gil")).to_contain_text("withdrawn")
    stranger.goto(f"{running.url}/")
    expect(stranger.locator("input[name=password]")).to_be_visible()
    running.house.feed()
    query = running.house.services.query
    assert query.searches.count(query.parse("action:access.account.change left"), 10) == 1


def test_rights_are_changed_and_what_must_not_meet_is_refused(opened: Open, running: Served) -> None:
    """Promise: roles and scope are set as ticked; roles that must not meet are refused in words; oneself not at all."""
    running.house.add("hana")
    page = settled(opened("/accounts", "administrator"))
    card(page, "hana")
    hana = page.locator("#hana")
    hana.get_by_label("intake operator").check()
    hana.get_by_label("Channels").fill("web edi")
    hana.get_by_role("button", name="Set these rights").click()
    expect(page.locator("#hana")).to_contain_text("intake operator")
    expect(page.locator("#hana")).to_contain_text("channels edi, web")
    card(page, "hana")
    hana.get_by_label("administrator").check()
    hana.get_by_label("auditor").check()
    hana.get_by_role("button", name="Set these rights").click()
    expect(page.get_by_role("alert")).to_contain_text("who gives rights must not read evidence")
    page.goto(f"{running.url}/accounts")
    expect(page.locator("#hana")).to_contain_text("intake operator")
    expect(page.locator("#administrator")).to_contain_text("Nobody changes what they may do themselves")
    assert page.locator("#administrator details").count() == 0


def test_a_program_has_a_key_that_opens_until_it_is_withdrawn(opened: Open, running: Served) -> None:
    """Promise: the key is shown once and works; withdrawn with a reason, it opens nothing."""
    page = settled(opened("/accounts", "administrator"))
    page.fill("#new-name", "exporter-bot")
    page.select_option("#new-kind", "service")
    page.locator("#add").get_by_label("viewer").check()
    page.get_by_role("button", name="Let them in").last.click()
    expect(page.locator("#secret")).to_contain_text("key of exporter-bot")
    bearer = {"Authorization": f"Bearer {page.locator('#secret-text').inner_text()}"}
    assert httpx.get(f"{running.url}/api/v1/status", headers=bearer).status_code == 200
    row = page.locator("#exporter-bot tbody tr")
    row.get_by_role("textbox").fill("rotated")
    row.get_by_role("button", name="Withdraw").click()
    expect(page.locator("#exporter-bot tbody tr")).to_have_count(0)
    assert httpx.get(f"{running.url}/api/v1/status", headers=bearer).status_code == 401
    assert opened("/accounts", "auditor").get_by_role("alert").count() == 1
