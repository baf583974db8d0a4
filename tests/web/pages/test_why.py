"""What led to an event, by page: told, told apart, and kept in a case."""

import re

import pytest
from playwright.sync_api import expect

from ordertrail.query.ports import Way
from ordertrail.query.reconstruction.asking import reconstruct
from ordertrail.record.event import Actor
from web.house import House
from web.pages.conftest import Open, picture
from web.pages.test_access import violations


def asked(house: House) -> str:
    """Return the id of an event that others led to."""
    query = house.services.query
    for hit in query.searches.page(query.parse("order:SO-5003"), 50, None, Way.OLDER):
        if len(reconstruct(query.searches, query.read, hit).story) > 1:
            return hit.event.id
    raise AssertionError("the story has no event that others led to")


def test_from_an_order_to_what_led_there(opened: Open) -> None:
    """Promise: from an order one click leads to what most wants an explanation of it, and to what led there."""
    page = opened("/orders/SO-5003")
    page.get_by_role("link", name="What led to this").click()
    expect(page.get_by_role("heading", name="What led to this")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/events/[0-9a-f-]{36}/why$"))


@pytest.mark.parametrize("scripts", [True, False])
def test_what_led_there_is_kept_in_a_case(opened: Open, house: House, *, scripts: bool) -> None:
    """Promise: two clicks and a title keep the story with all its events; with scripts or without."""
    event = asked(house)
    page = opened(f"/events/{event}", scripts=scripts)
    page.get_by_role("link", name="What led to this").click()
    steps = page.get_by_role("group", name="The story").locator("tbody tr")
    expect(steps.first).to_be_visible()
    assert {chip.strip() for chip in steps.locator(".chip").all_inner_texts()} <= {"certain", "inferred"}
    expect(page.get_by_role("group", name="Likely roots").locator("tbody tr").first).to_contain_text("%")
    if scripts:
        picture(page, "why")
    before = len(house.services.evidence.list_cases()) if house.services.evidence is not None else 0
    page.get_by_label("Title of a new case").fill(f"what led to it, scripts {scripts}")
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_role("heading", name=f"what led to it, scripts {scripts}")).to_be_visible()
    assert house.services.evidence is not None
    cases = house.services.evidence.list_cases()
    assert len(cases) == before + 1
    (kept,) = cases[0].accounts
    assert kept.account.asked.event == event
    assert {item.event for item in cases[0].basket} == set(kept.account.events)
    expect(page.get_by_role("link", name="As it was told")).to_have_attribute("href", f"/events/{kept.event}")
    expect(page.get_by_text(kept.account.sentence)).to_be_visible()
    for one in kept.account.events[:3]:
        expect(page.locator(f"#basket a[href='/events/{one}']")).to_have_count(1)


def test_into_a_case_that_is_open(opened: Open, house: House) -> None:
    """Promise: a case that is open can be chosen; without a case and a title nothing is kept, and it is said."""
    desk = house.services.evidence
    assert desk is not None
    case = desk.open_case("chosen", Actor("ada", "person")).id
    page = opened(f"/events/{asked(house)}/why")
    page.get_by_role("button", name="Keep it").click()
    expect(page.locator("body")).to_contain_text("none is named")
    page = opened(f"/events/{asked(house)}/why")
    page.get_by_label("Case", exact=True).select_option(case)
    page.get_by_role("button", name="Keep it").click()
    expect(page).to_have_url(re.compile(f"/cases/{case}$"))
    assert len(desk.case(case).accounts) == 1


def test_who_may_not_write_cases_reads_only(opened: Open, house: House) -> None:
    """Promise: a reader without the right sees the story, and no form."""
    page = opened(f"/events/{asked(house)}/why", "viewer")
    expect(page.get_by_role("heading", name="What led to this")).to_be_visible()
    expect(page.get_by_role("button", name="Keep it")).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_for_everybody(opened: Open, house: House, theme: str) -> None:
    """Promise: no violation that axe knows of, in both themes."""
    page = opened(f"/events/{asked(house)}/why", theme=theme)
    expect(page.get_by_role("group", name="The story")).to_be_visible()
    assert violations(page) == []
