"""What an auditor comes for, from the overview on, in a real browser."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from ordertrail.access.roles import Role
from ordertrail.evidence.bundling import Request
from ordertrail.evidence.choosing import Selection
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.ids import new_id
from ordertrail.record.event import Actor, Change, Context, Event, Subject
from ordertrail.testing.tamper.rows import flip_entry_cell
from web.pages.conftest import Open, picture, settled
from web.pages.serving import Served, served
from web.pages.test_access import violations

MOST_STEPS = 5
"""Clicks or presses of a key from the overview to the answer; a word that is typed is one."""


class Steps:
    """Counts what a person does."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.taken = 0

    def click(self, selector: str) -> None:
        """Click once."""
        self.page.locator(selector).first.click()
        self._took()

    def write(self, selector: str, text: str) -> None:
        """Write a word and send it."""
        self.page.fill(selector, text)
        self.page.press(selector, "Enter")
        self._took()

    def _took(self) -> None:
        self.taken += 1
        assert self.taken <= MOST_STEPS, "it takes too many steps"


def test_who_lowered_the_price_of_an_order_and_its_proof(opened: Open) -> None:
    """Promise: type the order, open the price change, run the steps; who it was is said, and that it is proven."""
    steps = Steps(opened())
    steps.write("#find", "SO-5003")
    expect(steps.page.get_by_role("heading", name="Order SO-5003")).to_be_visible()
    change = steps.page.locator("li.sensitive", has_text="changed the price of")
    expect(change).to_contain_text("t.varga")
    expect(change).to_contain_text("\N{MINUS SIGN}40.0 %")
    expect(change).to_contain_text("after approval")
    picture(steps.page, "order")
    steps.click("li.sensitive:has-text('changed the price') [data-peek]")
    steps.click("[data-prove]")
    expect(steps.page.locator("[id^=steps-] .steps li")).to_have_count(6)
    expect(steps.page.locator("[id^=steps-]")).to_contain_text("This event is proven")
    picture(steps.page, "event-proven")


def test_which_orders_changed_after_approval_and_by_how_much(opened: Open) -> None:
    """Promise: one click on the overview's figure, one on a month: orders, sums by currency, euro first."""
    steps = Steps(settled(opened()))
    steps.click("a.stat:has-text('Changed after approval')")
    steps.click("a:text-is('Any time')")
    expect(steps.page.locator("#late .stat").first).to_contain_text("EUR")
    rows = steps.page.locator("#late tbody tr")
    expect(rows.first).to_contain_text("t.varga")
    picture(steps.page, "after-approval")


def test_an_order_as_it_stood(opened: Open) -> None:
    """Promise: open the order, name a day: its fields are as they were then, and what came later is set back."""
    steps = Steps(opened())
    steps.write("#find", "SO-5003")
    status = steps.page.locator("#as-of tr", has_text="status").last
    last = status.inner_text()
    steps.write("#at", "2026-11-20T11:40")
    expect(status).not_to_have_text(last, use_inner_text=True)
    expect(steps.page.locator("li.after-asof").first).to_be_visible()
    expect(steps.page.locator("#as-of")).to_contain_text("created")
    moment = steps.page.locator("#asof-told").inner_text()
    steps.click("#as-of a[aria-label='One event earlier'], #as-of .asof a")
    expect(steps.page.locator("#asof-told")).not_to_have_text(moment, use_inner_text=True)
    picture(steps.page, "order-as-of")


def test_a_full_check_is_run_and_says_its_verdict(opened: Open) -> None:
    """Promise: a check is one click away, is followed by itself, and ends in a sentence and six steps."""
    steps = Steps(opened())
    steps.click(".rail a:has-text('Integrity')")
    steps.click("button:has-text('Check now')")
    expect(steps.page.locator("#check")).to_contain_text("are intact", timeout=30_000)
    expect(steps.page.locator("#check .steps li")).to_have_count(6)
    picture(steps.page, "integrity")


def test_the_drawer_opens_over_the_list_and_closes_to_it(opened: Open) -> None:
    """Promise: an open drawer is in the address; closing it gives the focus back; the address opens it again."""
    page = settled(opened("/explore?q=lowered%3Aunit_price"))
    page.locator("[data-peek]").first.click()
    expect(page.locator("#drawer article")).to_be_visible()
    assert "open=" in page.url
    picture(page, "explore-drawer")
    address = page.url
    page.keyboard.press("Escape")
    expect(page.locator("#drawer")).to_be_hidden()
    assert "open=" not in page.url
    assert page.evaluate("document.activeElement.hasAttribute('data-peek')")
    page.goto(address)
    expect(page.locator("#drawer article")).to_be_visible()


def test_a_bar_is_its_events_and_a_stretch_can_be_drawn(opened: Open) -> None:
    """Promise: every bar opens what it counts; what is drawn with a pointer becomes the filter's time."""
    page = settled(opened("/explore"))
    box = page.locator("ot-brush svg").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 20, steps=6)
    page.mouse.up()
    page.wait_for_url(re.compile("when"))
    expect(page.locator("#sentence")).to_contain_text("from ")


def test_signing_in_leads_where_one_wanted_to_go(opened: Open, running: Served) -> None:
    """Promise: whoever is not signed in is asked to, and is then where they wanted to be."""
    page = opened("/orders/SO-5003", who=None)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    picture(page, "sign-in")
    page.fill("#field-name", "viewer")
    page.fill("#field-password", "nineteen copper kettles sing")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Order SO-5003")).to_be_visible()
    assert page.url.startswith(running.url + "/orders/SO-5003")


def test_a_proof_is_verified_in_the_browser_with_nothing_sent(opened: Open, tmp_path: Path) -> None:
    """Promise: a bundle is checked where it is dropped, without a network; one changed byte is named by its step."""
    page = opened("/orders/SO-5003")
    with page.expect_download() as coming:
        page.get_by_role("link", name="All proofs").click()
    bundle = tmp_path / "proofs.zip"
    coming.value.save_as(bundle)
    stranger = opened("/verify", who=None)
    stranger.context.set_offline(True)
    stranger.set_input_files("#file", bundle)
    expect(stranger.locator("#verdict")).to_contain_text("are in the log, as it was signed")
    expect(stranger.locator("[data-step='4']")).to_contain_text(
        re.compile(r"(\d) of \1 orders are here unbroken")
    )
    picture(stranger, "verify")
    stranger.set_input_files("#file", tampered(bundle, tmp_path))
    expect(stranger.locator("#verdict")).to_contain_text("BROKEN at step 2")


def tampered(bundle: Path, folder: Path) -> Path:
    """Return the bundle with one letter of one entry changed."""
    import zipfile

    changed = folder / "changed.zip"
    with zipfile.ZipFile(bundle) as old, zipfile.ZipFile(changed, "w") as new:
        names = old.namelist()
        victim = next(name for name in names if name.endswith(".json"))
        for name in names:
            body = old.read(name)
            new.writestr(name, body.replace(b"success", b"denied!") if name == victim else body)
    return changed


@pytest.mark.parametrize("role", ["viewer", "auditor", "administrator", "intake-operator", "alert-triager"])
def test_each_role_sees_its_pages_and_no_others(opened: Open, role: str) -> None:
    """Promise: the rail of each role leads only to pages that open for it."""
    page = opened("/", role)
    links = page.locator(".rail li a").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    assert links
    for path in links:
        answer = page.goto(page.url.split("/", 3)[0] + "//" + page.url.split("/", 3)[2] + path)
        assert answer is not None
        assert answer.status == 200, path


def test_a_page_that_a_role_does_not_open_names_the_role_that_does(opened: Open) -> None:
    """Promise: a refusal is a page: what it takes, and that nothing was shown."""
    page = opened("/people", "viewer")
    expect(page.get_by_role("alert")).to_contain_text("auditor")
    expect(page.get_by_role("alert")).to_contain_text("Nothing was shown")
    picture(page, "denied")


def test_a_tampering_is_caught_and_said_on_every_page(opened: Open, tmp_path: Path) -> None:
    """Promise: one changed byte: the verdict names it, what is still provable, and a banner says so everywhere."""
    with served(tmp_path / "trail", orders=2) as own:
        flip_entry_cell("entry")(own.house.root, 1)
        page = opened("/integrity", on=own)
        page.get_by_role("button", name="Check now").click()
        expect(page.locator("#check")).to_contain_text("BROKEN", timeout=30_000)
        expect(page.locator("#check")).to_contain_text("still provable")
        expect(page.locator("#check tbody tr").first).to_be_visible()
        picture(page, "broken")
        page.goto(own.url + "/help")
        expect(page.locator(".trouble")).to_contain_text("BROKEN")
        expect(page.locator(".seal-chip")).to_contain_text("BROKEN")


def test_a_permanent_link_keeps_what_was_seen(opened: Open, running: Served) -> None:
    """Promise: a link fixes the time; what comes late is said, and nothing is shown as if it had been there."""
    page = settled(opened("/explore?q=actor%3Alinked when%3A2026"))
    linked = event_of("linked", "2026-11-21T10:00:00.000000Z")
    running.house.services.trail.record([linked])
    running.house.feed()
    page.reload()
    page.get_by_role("button", name="Permanent link").click()
    link = page.locator("a.mono").inner_text()
    page.goto(link)
    expect(page.locator("#event-table tbody tr")).to_have_count(1)
    assert "when%3A2026-" in page.url
    running.house.services.trail.record([event_of("linked", "2026-11-21T11:00:00.000000Z")])
    running.house.feed()
    page.goto(link)
    expect(page.get_by_role("heading")).to_contain_text("There is more now")


def event_of(actor: str, time: str) -> Event:
    """Return an event."""
    return Event(
        id=new_id(),
        time=time,
        action="order.read",
        actor=Actor(actor, "person"),
        subject=Subject("order", "SO-LINK", "SO-LINK", "main"),
    )


def test_a_view_is_saved_opened_and_forgotten(opened: Open) -> None:
    """Promise: a question under a name is one click away, and only its owner forgets it."""
    page = settled(opened("/explore?q=outcome%3Adenied"))
    page.get_by_role("link", name="Save view").click()
    page.fill("#name", "What was denied")
    page.check("input[name=team]")
    page.get_by_role("button", name="Save", exact=True).click()
    other = opened("/views", "viewer")
    expect(other.get_by_role("link", name="What was denied")).to_be_visible()
    assert other.get_by_role("button", name="Remove").count() == 0
    page.get_by_role("link", name="What was denied").click()
    expect(page.locator("#sentence")).to_contain_text("denied")
    page.goto(page.url.split("/explore")[0] + "/views")
    page.get_by_role("button", name="Remove").click()
    assert page.get_by_role("link", name="What was denied").count() == 0


def test_zone_and_colours_are_the_reader_s(opened: Open) -> None:
    """Promise: chosen once, they stay: times are of the zone, the page is dark."""
    page = settled(opened("/orders/SO-5003"))
    page.locator("details.menu summary").click()
    page.select_option("#zone", "Asia/Tokyo")
    expect(page.locator(".timeline time").first).to_contain_text("JST")
    page.locator("details.menu summary").click()
    page.select_option("#theme", "dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_the_seal_is_live(opened: Open, running: Served) -> None:
    """Promise: the chip says what waits, without the page being loaded again."""
    page = opened("/help")
    running.house.services.trail.record([event_of("sealing", "2026-11-21T12:00:00.000000Z")])
    expect(page.locator(".seal-chip")).to_contain_text("waiting", timeout=8_000)
    running.house.feed()
    expect(page.locator(".seal-chip")).not_to_contain_text("waiting", timeout=8_000)


def test_events_are_put_together(opened: Open) -> None:
    """Promise: by who, with money; each group opens its events; without scripts it is all there at once."""
    page = settled(opened("/explore?q=lowered%3Aunit_price%3E20%25"))
    page.get_by_label("Group the events by").get_by_role("link", name="who").click()
    groups = page.locator("#groups")
    expect(groups.locator("tbody tr")).to_have_count(1)
    expect(groups.locator("tbody tr")).to_contain_text("t.varga")
    expect(groups.locator("tbody tr td").nth(2)).to_contain_text("\u2212")
    expect(page.locator("#summary")).to_have_count(1)
    expect(page.locator("#summary")).to_have_attribute("data-state", "ready")
    expect(page.locator("#summary .value").first).to_contain_text("event")
    picture(page, "groups")
    groups.get_by_role("link", name="t.varga").click()
    page.wait_for_url("**actor%3A%3Dt.varga**")
    expect(page.locator("#sentence")).to_contain_text("t.varga")
    plain = opened("/explore?q=action%3Aorder.create&by=channel&show=all", scripts=False)
    assert plain.locator("#groups tbody tr").count() >= 3
    assert plain.locator("#summary .value").count() >= 2


def test_a_sealed_value_is_opened_for_a_reason_and_on_record(opened: Open, running: Served) -> None:
    """Promise: nobody sees it by looking; opened it is shown this once, with who and why in the trail."""
    trail, event_id = running.house.services.trail, new_id()
    event = Event(
        id=event_id,
        time=format_time(trail.clock()),
        action="order.update",
        actor=Actor("clerk-9", "person"),
        subject=Subject("order", "SO-PERSONAL", "SO-PERSONAL", "main"),
        changes=(Change("/customer/email", after="ada@example.org"),),
        context=Context(ip="203.0.113.99"),
    )
    personal = {"/changes/0/after": "person-9", "/context/ip": "person-9"}
    running.house.add("investigator", Role.AUDITOR, sees_identities=True)
    trail.record([trail.personal().seal(event, personal)])
    running.house.feed()
    page = settled(opened(f"/events/{event_id}", "investigator"))
    values = page.locator("#personal tbody tr")
    expect(values).to_have_count(2)
    assert "ada@example.org" not in page.content()
    first = values.filter(has_text="after")
    first.get_by_role("textbox").fill("complaint 2026-118")
    first.get_by_role("button", name="Open").click()
    expect(page.get_by_role("status")).to_have_text("ada@example.org")
    assert "203.0.113.99" not in page.content()
    picture(page, "revealed")
    running.house.feed()
    page.goto(f"{running.url}/explore?q=action%3Aidentity.reveal")
    expect(page.locator("#events")).to_contain_text("complaint 2026-118")
    closed = opened(f"/events/{event_id}", "viewer")
    assert closed.locator("#personal form").count() == 0
    expect(closed.locator("#personal")).to_contain_text("it takes a role")


def test_days_without_events_are_seen(opened: Open) -> None:
    """Promise: the calendar says which days have nothing; a day opens its events; others have no calendar."""
    page = settled(opened("/integrity"))
    calendar = page.locator("#coverage")
    expect(calendar).to_contain_text("without any event")
    picture(page, "coverage")
    calendar.get_by_title("2026-11-20").click()
    page.wait_for_url("**/explore?q=when*")
    expect(page.locator("#sentence")).to_contain_text(
        "Events from 2026-11-20 00:00 UTC until 2026-11-21 00:00 UTC"
    )
    assert opened("/integrity", "administrator").locator("#coverage").count() == 0


def test_an_evidence_bundle_is_verified_in_the_browser(opened: Open, running: Served, tmp_path: Path) -> None:
    """Promise: the page takes what a case hands over too: all six steps; one flipped bit is named by its step."""
    desk = running.house.services.evidence
    assert desk is not None
    exporter = Actor("ada", "person", (Role.EXPORTER,))
    data = desk.make(Request(Selection(orders=(("SO-5003", "main"),)), exporter, "a dispute")).data
    (tmp_path / "bundle.zip").write_bytes(data)
    stranger = opened("/verify", who=None)
    stranger.context.set_offline(True)
    stranger.set_input_files("#file", tmp_path / "bundle.zip")
    expect(stranger.locator("#verdict")).to_contain_text("agrees with itself")
    expect(stranger.locator("#steps li.good")).to_have_count(6)
    stranger.fill("#key", running.house.services.trail.keys()[0].vkey)
    stranger.locator("#key").press("Tab")
    expect(stranger.locator("#verdict")).to_contain_text("events are proven")
    assert stranger.locator("#results tr").count() > 5
    assert violations(stranger) == []
    at = data.index(b"success")
    (tmp_path / "flipped.zip").write_bytes(data[:at] + b"t" + data[at + 1 :])
    stranger.set_input_files("#file", tmp_path / "flipped.zip")
    expect(stranger.locator("#verdict")).to_contain_text("BROKEN at step 1")


def test_a_sample_is_drawn_into_a_case(opened: Open, running: Served) -> None:
    """Promise: from a question to a case with a sample that anybody can draw again, and to all of it."""
    running.house.feed()
    page = settled(opened("/explore?q=action%3Aorder.cancel", "auditor"))
    page.get_by_role("link", name="Into a case").click()
    expect(page.locator("main")).to_contain_text("action:order.cancel")
    page.fill("#title", "Cancellations at night")
    page.get_by_role("button", name="Open it").click()
    expect(page.locator("#criteria")).to_have_value("action:order.cancel")
    assert violations(page) == []
    page.fill("#size", "3")
    page.fill("#seed", "2291")
    page.get_by_role("button", name="Draw a sample").click()
    expect(page.locator("#basket tbody tr")).to_have_count(3)
    expect(page.locator("main")).to_contain_text("3 of 10, random, seed 2291")
    picture(page, "sampled")
    page.fill("#criteria", "action:order.cancel")
    page.get_by_role("button", name="Take all of them").click()
    expect(page.locator("#basket tbody tr")).to_have_count(10)
    page.fill("#criteria", "action:order.cancel")
    page.fill("#size", "9000")
    page.get_by_role("button", name="Draw a sample").click()
    expect(page.get_by_role("alert")).to_contain_text("1 to 500 events at a time")
