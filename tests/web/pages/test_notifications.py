"""Who is told of what, on its page: routes are tried, what was given up is tried again, and each act is on record."""

import base64
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from ordertrail.access.roles import Role
from ordertrail.assembly.notify import open_notify
from ordertrail.kernel.backoff import Backoff
from ordertrail.settings import Settings
from ordertrail.settings.notify import RouteSettings
from web.house import SERVE, shop_house
from web.pages.conftest import Open, picture, settled
from web.pages.serving import Served, serving
from web.pages.test_access import violations


@pytest.fixture(scope="module")
def telling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A house with a route to the pages and one to an address where nobody answers, which gave up already."""
    folder = tmp_path_factory.mktemp("notify")
    secret = folder / "secret"
    secret.write_text(f"whsec_{base64.b64encode(bytes(range(32))).decode()}\n")
    routes = [
        RouteSettings(name="desk", to="app", least="high", actions=["order.*"]),
        RouteSettings(
            name="hook", to="webhook", url="http://127.0.0.1:9/", secret_files=[str(secret)], private=True
        ),
    ]
    settings = Settings(immutable=False, serve=SERVE, routes=routes)
    with shop_house(folder / "trail", orders=3, settings=settings) as house:
        once = Backoff(timedelta(seconds=1), timedelta(seconds=1), attempts=1)
        with open_notify(house.root, routes, settings.notify, backoff=once) as notify:
            notify.run()  # the first run begins with what is sealed from then on
            house.add("somebody", Role.VIEWER)
            house.feed()
            notify.run()
        with serving(house) as running:
            yield running


def test_routes_are_seen_tried_and_mended(opened: Open, telling: Served) -> None:
    """Promise: where nobody answers it says so; a test goes out or says why not; what was given up is tried again."""
    page = settled(opened("/notifications", "administrator", on=telling))
    assert violations(page) == []
    hook = page.locator("#routes tr", has_text="hook")
    expect(hook).to_contain_text("cannot be reached")
    expect(hook).to_contain_text("given up")
    page.get_by_role("button", name="Send a test by desk").click()
    expect(page.get_by_role("status")).to_contain_text("desk took the test message")
    page.get_by_role("button", name="Send a test by hook").click()
    expect(page.get_by_role("status")).to_contain_text("hook did not take the test message")
    picture(page, "notifications")
    page.get_by_role("button", name=re.compile("^Try all")).click()
    expect(page.locator("#routes")).not_to_contain_text("given up")
    telling.house.feed()
    query = telling.house.services.query
    for action, times in (("notify.test", 2), ("notify.retry", 1)):
        assert query.searches.count(query.parse(f"action:{action}"), 10) == times


def test_what_messages_say_is_for_who_may_read_evidence(opened: Open, telling: Served) -> None:
    """Promise: an administrator, who reads no evidence, sees that something went and not what; others may not mend."""
    blind = opened("/notifications", "administrator", on=telling)
    expect(blind.locator("#deliveries")).to_contain_text("message")
    assert "account" not in blind.locator("#deliveries").inner_text()
    auditor = opened("/notifications", "auditor", on=telling)
    expect(auditor.locator("#deliveries")).to_contain_text("account")
    assert auditor.get_by_role("button", name="Send a test").count() == 0


def test_without_a_route_it_says_so(opened: Open, running: Served) -> None:
    """Promise: nobody is told of anything, and the page says how to begin."""
    assert running.house.services.notify is None
    expect(opened("/notifications", "administrator").locator("main")).to_contain_text(
        "Nobody is told of anything"
    )


def test_secrets_of_routes_are_not_shown(opened: Open, telling: Served) -> None:
    """Promise: neither the address of a webhook nor its secret stands on the page."""
    content = opened("/notifications", "administrator", on=telling).content()
    assert "whsec_" not in content
    assert "127.0.0.1:9/" not in content
