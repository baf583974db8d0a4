"""Why a channel stopped, and what an operator does about it, in a real browser, on a real intake."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from playwright.sync_api import expect

from intake.shop import SHOP, Shop, an_order, document, durable_engine, open_shop, prepare
from ordertrail.intake.repair import Repair
from ordertrail.intake.service import Intake
from web.house import shop_house
from web.pages.conftest import Open, picture, settled
from web.pages.serving import Served, serving
from web.pages.test_access import violations

LETTERS = 6


@dataclass(frozen=True, slots=True)
class Stopped:
    """A house whose channel sends what cannot be read, and the channel."""

    served: Served
    shop: Shop
    sound: str


@pytest.fixture
def stopped(tmp_path: Path) -> Iterator[Stopped]:
    """A channel that stopped: six documents are cut off."""
    engine = durable_engine(f"sqlite:///{tmp_path / 'orders.db'}")
    prepare(engine)
    (tmp_path / "bodies").mkdir()
    shop = open_shop(engine, tmp_path / "bodies")
    for number in range(LETTERS):
        shop.send(document(an_order(number), delivery=f"d{number}")[:-3])
    shop.work()
    repair = Repair(shop.desk, shop.flow.reader.bodies, shop.clock)
    intake = Intake(
        {str(SHOP): SHOP}, shop.door, shop.flow, shop.desk, repair, shop.sources, shop.places, 1_000
    )
    with shop_house(tmp_path / "trail", orders=1) as house:
        house.services = replace(house.services, intake=intake)
        with serving(house) as running:
            yield Stopped(running, shop, document(an_order(0), delivery="d0").decode())
    engine.dispose()


def test_why_a_channel_stopped_repaired_and_replayed(opened: Open, stopped: Stopped) -> None:
    """Promise: overview → message → mended text and why → given back; the order is in, and what came is kept."""
    page = settled(opened("/", "intake-operator", on=stopped.served))
    page.locator("a", has_text="Open").first.click()  # 1
    expect(page.locator("#causes")).to_contain_text("unreadable")
    expect(page.locator("#sources")).to_contain_text("could not enter")
    picture(page, "intake")
    assert violations(page) == []
    page.locator("#messages tbody a").last.click()  # 2
    expect(page.get_by_role("heading", name="A message that could not enter")).to_be_visible()
    picture(page, "letter")
    assert violations(page) == []
    number = int(page.input_value("#body").split('"delivery":')[1].strip(' "')[1:2])
    page.fill("#body", document(an_order(number), delivery=f"d{number}").decode())  # 3
    page.fill("#reason", "cut off on the way")  # 4
    page.get_by_role("button", name="Mend and give back").click()  # 5
    expect(page.get_by_role("status")).to_contain_text("Mended and given back")
    assert stopped.shop.work() == {"accepted": 1}
    assert stopped.shop.order(number) is not None
    assert any("cut off on the way" in str(one.context) for one in stopped.shop.events())


def test_a_cause_is_given_back_after_a_dry_run(opened: Open, stopped: Stopped) -> None:
    """Promise: a dry run says how many and changes nothing; a fix that mends none of them says so."""
    page = settled(opened("/intake", "intake-operator", on=stopped.served))
    page.locator("#causes tbody a").first.click()
    page.fill("#reason", "the channel was mended")
    page.get_by_role("button", name="Dry run").click()
    expect(page.get_by_role("status")).to_contain_text(f"{LETTERS} messages would be given back")
    page.fill("#old", "never there")
    page.fill("#new", "at all")
    page.fill("#reason", "the channel was mended")
    page.get_by_role("button", name="Give them back").click()
    expect(page.get_by_role("status")).to_contain_text(f"{LETTERS} the fix changed nothing of")


def test_an_act_without_a_reason_is_refused_in_words(opened: Open, stopped: Stopped) -> None:
    """Promise: what was typed stays, and why nothing was done is said."""
    page = settled(opened("/intake", "intake-operator", on=stopped.served))
    page.locator("#messages tbody a").first.click()
    page.fill("#reason", " ")
    page.get_by_role("button", name="It shall not enter").click()
    expect(page.get_by_role("alert")).to_contain_text("there is no reason")


def test_a_reader_sees_and_does_not_repair(opened: Open, stopped: Stopped) -> None:
    """Promise: whoever may only look has no button, and a form of theirs is refused."""
    page = settled(opened("/intake", "auditor", on=stopped.served))
    page.locator("#messages tbody a").first.click()
    expect(page.get_by_role("heading", name="What is wrong")).to_be_visible()
    assert page.locator("button[name=act]").count() == 0
