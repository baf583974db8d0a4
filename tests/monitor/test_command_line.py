"""The verbs of watching say what they did, to people and as JSON."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from ordertrail.assembly import create_trail
from ordertrail.assembly.index import open_query
from ordertrail.cli import alerts, approval
from ordertrail.kernel.errors import InputError
from ordertrail.settings import Settings
from ordertrail.testing.story import order_story

RUNNER = CliRunner()
APP = typer.Typer()
APP.add_typer(approval.app, name="watch")
APP.add_typer(alerts.app, name="alerts")
RULE = """title: Order read
name: read_by_brandt
logsource: {product: ordertrail}
detection:
  read: {action: order.status.revert, actor: l.brandt}
  condition: read
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trail with the story, watched."""
    place = tmp_path_factory.mktemp("home") / "trail"
    with create_trail(place, "shop.example/log", settings=Settings(immutable=False)) as trail:
        list(trail.record_lines(("story", line) for line in order_story()))
        trail.seal()
    result = RUNNER.invoke(APP, ["watch", "--trail", str(place), "--once"])
    assert result.exit_code == 0, result.output
    assert "raised: Many orders cancelled by one person" in result.output
    return place


def said(root: Path, *words: str) -> dict[str, Any]:
    """Run a verb, and return the JSON that it prints."""
    result = RUNNER.invoke(APP, [*words, "--trail", str(root), "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def shown(root: Path, *words: str) -> str:
    """Run a verb, and return what it prints to a person."""
    result = RUNNER.invoke(APP, [*words, "--trail", str(root)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_alerts_are_listed_and_shown(root: Path) -> None:
    """The gravest first, with how far the watch is behind; one by one with its events and what to do."""
    told = said(root, "alerts", "list", "--severity", "high")
    assert {one["severity"] for one in told["alerts"]} <= {"high", "critical"}
    (bulk,) = [one for one in told["alerts"] if one["rule"] == "bulk_cancellations"]
    assert bulk["doers"] == ["p.novak"]
    whole = said(root, "alerts", "show", bulk["id"])
    assert whole["playbook"]
    assert "It found" in shown(root, "alerts", "show", bulk["id"])
    assert said(root, "alerts", "list", "--person", "p.novak")["alerts"]
    assert not said(root, "alerts", "list", "--order", "SO-none")["alerts"]
    incidents = said(root, "alerts", "incidents")["incidents"]
    assert any(bulk["id"] in one["alerts"] and len(one["alerts"]) > 1 for one in incidents)
    assert "incident" in shown(root, "alerts", "incidents")


def test_an_alert_is_decided_on(root: Path) -> None:
    """Taken, set aside, brought back, handed on, closed by two, taken up again."""
    (alert, *_) = [
        one for one in said(root, "alerts", "list")["alerts"] if one["rule"] == "price_changed_after_approval"
    ]
    name = alert["id"]
    assert said(root, "alerts", "take", name, "--by", "x")["status"] == "in review"
    later = "2099-01-01T00:00:00Z"
    snoozed = said(root, "alerts", "snooze", name, "--by", "x", "--until", later, "--reason", "waits")
    assert snoozed["status"] == "snoozed"
    assert said(root, "alerts", "wake", name, "--by", "x")["status"] == "in review"
    handed = said(root, "alerts", "escalate", name, "--by", "x", "--to", "y", "--reason", "beyond me")
    assert (handed["status"], handed["owner"]) == ("escalated", "y")
    text = shown(root, "alerts", "close", name, "--by", "x", "--as", "confirmed", "--reason", "it was")
    assert "somebody else must agree" in text
    closed = said(root, "alerts", "close", name, "--by", "y", "--as", "confirmed", "--reason", "agreed")
    assert (closed["status"], closed["closed_by"]) == ("closed", ["x", "y"])
    assert name not in {one["id"] for one in said(root, "alerts", "list")["alerts"]}
    assert name in {one["id"] for one in said(root, "alerts", "list", "--all")["alerts"]}
    assert said(root, "alerts", "reopen", name, "--by", "x", "--reason", "more")["status"] == "in review"
    life = said(root, "alerts", "show", name)["life"]
    assert [step["by"] for step in life] == [None, "x", "x", "x", "x", "x", "y", "x"]


def test_rules_are_listed_checked_saved_and_run_over_the_past(root: Path, tmp_path: Path) -> None:
    """A rule is refused with its line, or checked, tried and put in force."""
    assert len(said(root, "watch", "rules")["rules"]) >= 30
    assert "title: Price below cost" in shown(root, "watch", "rules", "price_below_cost")
    file = tmp_path / "mine.yml"
    file.write_text(RULE.replace("actor:", "acter:"))
    with pytest.raises(InputError, match=r"no field 'acter'.*line 5"):
        shown(root, "watch", "check", str(file))
    file.write_text(RULE)
    assert "looks for an event of which" in shown(root, "watch", "check", str(file))
    with open_query(root) as query:
        query.feed()
    span = ("--since", "2026-11-01T00:00:00Z", "--until", "2026-12-01T00:00:00Z")
    told = said(root, "watch", "backtest", str(file), *span)
    assert told["alerts"] == len(told["first"]) > 0
    assert sum(told["days"].values()) == told["alerts"]
    assert "would have raised" in shown(root, "watch", "backtest", "bulk_cancellations", *span)
    assert said(root, "watch", "save", str(file), "--by", "x", "--reason", "asked for")["rules"] == [
        "read_by_brandt"
    ]
    assert "read_by_brandt" in {one["name"] for one in said(root, "watch", "rules")["rules"]}


def test_what_is_not_there_or_no_time_is_refused(root: Path) -> None:
    """Each wrong word is named."""
    with pytest.raises(InputError, match="there is no rule"):
        shown(root, "watch", "rules", "nothing")
    with pytest.raises(InputError, match="there is no alert"):
        shown(root, "alerts", "show", "A-nothing")
    with pytest.raises(InputError, match="RFC 3339"):
        shown(root, "watch", "backtest", "mass_reads", "--since", "yesterday")
    result = RUNNER.invoke(APP, ["alerts", "list", "--severity", "odd", "--trail", str(root)])
    assert result.exit_code == 2


def test_from_now_on_leaves_out_what_is_there(tmp_path: Path) -> None:
    """A trail with a long past can be watched from today."""
    place = tmp_path / "trail"
    with create_trail(place, "shop.example/log", settings=Settings(immutable=False)) as trail:
        list(trail.record_lines(("story", line) for line in order_story(8)))
        trail.seal()
    result = RUNNER.invoke(APP, ["watch", "--trail", str(place), "--once", "--from-now", "--json"])
    assert json.loads(result.stdout) == {"looked_at": 0, "raised": 0, "not_told": 0}
    assert said(place, "alerts", "list") == {"alerts": [], "not_looked_at": 0}


@pytest.mark.parametrize("sha256", ["", "0", "0123456789a"])
def test_what_is_approved_is_named_by_what_was_read(root: Path, sha256: str) -> None:
    """A few digits of a hash, or none, name no text: nothing is approved by them."""
    words = ["watch", "approve", "own", "--sha256", sha256, "--reason", "fine", "--trail", str(root)]
    with pytest.raises(InputError, match="12 digits of its hash"):
        RUNNER.invoke(APP, words, catch_exceptions=False)
