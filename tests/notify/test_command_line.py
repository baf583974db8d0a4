"""The verbs of notifying say what they did, to people and as JSON."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from notify.receivers import SECRET
from ordertrail.assembly import create_trail, open_trail
from ordertrail.cli import notify
from ordertrail.kernel.errors import ConfigurationError, InputError
from ordertrail.settings import Settings
from ordertrail.testing.story import order_story

RUNNER = CliRunner()
APP = typer.Typer()
APP.add_typer(notify.app, name="notify")
ROUTES = """
[[routes]]
name = "desk"
to = "console"
actions = ["payment.*"]
most_per_minute = 2

[[routes]]
name = "down"
to = "webhook"
url = "http://127.0.0.1:9/"
secret_files = ["hook.secret"]
timeout_seconds = 1
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A trail whose settings have routes, with a story sealed after notifying began."""
    place = tmp_path / "trail"
    create_trail(place, "shop.example/log", settings=Settings(immutable=False)).close()
    with (place / "trail.toml").open("a") as settings:
        settings.write(ROUTES)
    (place / "hook.secret").write_text(SECRET)
    said(place, "notify", "run")
    with open_trail(place) as trail:
        list(trail.record_lines(("story", line) for line in order_story()))
        trail.seal()
    return place


def said(root: Path, *words: str, code: int = 0) -> dict[str, Any]:
    """Run a verb, and return the last JSON that it prints."""
    result = RUNNER.invoke(APP, [*words, "--trail", str(root), "--json"], catch_exceptions=False)
    assert result.exit_code == code, result.output
    told: dict[str, Any] = json.loads(
        result.stdout[result.stdout.rindex("\n{") if "\n{" in result.stdout else 0 :]
    )
    return told


def shown(root: Path, *words: str, code: int = 0) -> str:
    """Run a verb, and return what it prints to a person."""
    result = RUNNER.invoke(APP, [*words, "--trail", str(root)], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


def test_what_is_sealed_is_sent_and_what_fails_is_said(root: Path) -> None:
    """One route takes it, of the other the attempt failed: the exit status says that something is unavailable."""
    told = shown(root, "notify", "run", code=3)
    assert "payment.refund" in told
    assert "Sent 1 message; 1 attempt failed, and will be made again." in told
    listed = said(root, "notify", "list")
    by_route = {one["route"]: one for one in listed["deliveries"]}
    assert (by_route["desk"]["state"], by_route["down"]["state"]) == ("sent", "ready")
    assert by_route["down"]["error"] == "127.0.0.1 cannot be reached: ConnectError"
    assert {one["route"]: one["ready"] for one in listed["backlog"]} == {"down": 1}
    text = shown(root, "notify", "list", "--route", "down", "--state", "ready")
    assert "down: 0 waiting, 1 under way, 0 given up." in text
    assert "1 delivery." in text


def test_a_route_is_tried(root: Path) -> None:
    """At once; one that is not there is named with those that are."""
    assert "desk took the test message." in shown(root, "notify", "test", "desk")
    with pytest.raises(ConfigurationError, match="the settings have desk, down"):
        shown(root, "notify", "test", "other")


def test_nothing_dead_is_nothing_to_retry(root: Path) -> None:
    """The number is said."""
    assert said(root, "notify", "retry") == {"retried": 0}
    assert "0 deliveries" in shown(root, "notify", "retry", "no-such")


def test_a_state_that_is_none_is_refused(root: Path) -> None:
    """With the states that there are."""
    with pytest.raises(InputError, match="ready, sent, dead"):
        shown(root, "notify", "list", "--state", "odd")
