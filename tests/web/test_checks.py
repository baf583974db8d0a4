"""Full checks that somebody asks for: what was found broken stands on every page until that log is found intact."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ordertrail.access.roles import Role
from ordertrail.assembly import add_log
from ordertrail.assembly.house import open_services
from ordertrail.kernel.clock import format_time, utc_now
from ordertrail.kernel.errors import UnavailableError
from ordertrail.ledger.rotation import LogIdentity
from ordertrail.services import Trail
from ordertrail.testing.tamper.rows import flip_entry_cell
from ordertrail.web.checks import Checks, Phase, checks_of
from web.house import House, shop_house
from web.pages.serving import Served, serving

_PATIENCE = 60.0


@pytest.fixture
def two_logs(tmp_path: Path) -> Iterator[Served]:
    """A house of two logs; of the first, one stored byte is not what was sealed."""
    root = tmp_path / "trail"
    with shop_house(root, orders=2) as made:
        pass
    add_log(root, LogIdentity("second", "shop.example/second", 30, format_time(utc_now())))
    flip_entry_cell("entry")(root, 1)
    with open_services(root) as services, serving(House(root, services, made.people)) as running:
        yield running


@pytest.fixture
def client(two_logs: Served) -> Iterator[httpx.Client]:
    """Whoever asks."""
    with httpx.Client(base_url=two_logs.url, timeout=30.0) as asking:
        yield asking


def check(client: httpx.Client, house: House, stream: str) -> str:
    """Ask for a check over the interface and wait for its end; return its state."""
    asking = house.bearer(Role.AUDITOR)
    begun = client.post("/api/v1/checks", headers=asking, json={"stream": stream})
    assert begun.status_code == 202, begun.text
    deadline = time.monotonic() + _PATIENCE
    while (told := client.get(begun.headers["Location"], headers=asking).json())["state"] == "running":
        assert time.monotonic() < deadline, told
        time.sleep(0.01)
    state: str = told["state"]
    return state


def banner(client: httpx.Client, house: House) -> str:
    """Return the page of words, where every page's banner would stand too."""
    answer = client.get("/help", headers={"Accept": "text/html", **house.bearer(Role.AUDITOR)})
    assert answer.status_code == 200
    return answer.text


def test_what_is_broken_is_said_until_that_log_is_intact(
    two_logs: Served, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check over the interface raises the banner of the pages; another log's, and one that fails, leave it."""
    house = two_logs.house
    assert "is BROKEN" not in banner(client, house)
    assert check(client, house, "default") == "broken"
    assert "The trail shop.example/trail is BROKEN" in banner(client, house)
    assert check(client, house, "second") == "intact"
    assert "The trail shop.example/trail is BROKEN" in banner(client, house)

    def unreachable(*_given: object, **_options: object) -> None:
        raise UnavailableError("the vault cannot be reached")

    with monkeypatch.context() as broken:
        broken.setattr(Trail, "verify", unreachable)
        assert check(client, house, "default") == "failed"
    failed = checks_of(two_logs.app).newest("default")
    assert failed is not None
    assert (failed.phase, failed.why) == (Phase.FAILED, "the vault cannot be reached")
    assert "The trail shop.example/trail is BROKEN" in banner(client, house)


def test_one_check_of_a_log_at_a_time() -> None:
    """Whoever asks for one that runs is given that one; the oldest that ended give way, those that run do not."""
    checks = Checks()
    first, new = checks.begin("default", utc_now)
    assert new
    assert checks.begin("default", utc_now) == (first, False)
    for number in range(100):
        one, _ = checks.begin(f"log-{number}", utc_now)
        checks.end(one, utc_now, "told")
    assert checks.get(first.id) is first
    assert checks.newest("log-99") is not None
    assert checks.newest("log-0") is None
