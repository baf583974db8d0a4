"""The verbs of corrective actions say what they did, to people and as JSON."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from monitor.actions.told import FILE, forecast
from ordertrail.assembly import create_trail
from ordertrail.assembly.actions import open_actions
from ordertrail.cli.actions import app
from ordertrail.kernel.clock import format_time, utc_now
from ordertrail.kernel.errors import ConfigurationError, InputError
from ordertrail.settings import Settings
from ordertrail.testing.story import order_story

RUNNER = CliRunner()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A trail with actions that are worth something, and a suggestion."""
    place = tmp_path / "trail"
    with create_trail(place, "shop.example/log", settings=Settings(immutable=False)) as trail:
        list(trail.record_lines(("story", line) for line in order_story()))
        trail.seal()
    (place / "corrective.toml").write_text(FILE)
    with open_actions(place) as actions:
        actions.consider([forecast("SO-7")])
    return place


def said(root: Path, words: Sequence[str]) -> dict[str, Any]:
    """Run a verb, and return the JSON that it prints."""
    result = RUNNER.invoke(app, [*words, "--trail", str(root), "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def shown(root: Path, words: Sequence[str]) -> str:
    """Run a verb, and return what it prints to a person."""
    result = RUNNER.invoke(app, [*words, "--trail", str(root)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def test_a_suggestion_is_decided_and_carried_out_by_verbs(root: Path) -> None:
    """Listed with its gain, accepted with a reason, tried; without a webhook it fails, and says why."""
    one = said(root, ["suggestions"])["suggestions"][0]
    assert (one["order"], one["action"], one["gain"], one["probability"]) == (
        "SO-7",
        "hold order",
        4_500,
        800_000,
    )
    assert "45.00 EUR" in shown(root, ["suggestions"])
    assert "not stated" in shown(root, ["list"])
    accepted = said(root, ["accept", one["id"], "--reason", "stock is gone", "--by", "anna"])
    assert (accepted["state"], accepted["decided_by"]) == ("accepted", "anna")
    assert said(root, ["run"]) == {"carried_out": 1, "learned": 0}
    after = said(root, ["suggestions", "--all", "--order", "SO-7"])["suggestions"][0]
    assert after["state"] == "failed"
    assert "webhook" in after["result"]
    with pytest.raises(InputError, match="failed"):
        shown(root, ["dismiss", one["id"], "--reason", "no"])
    assert said(root, ["effects"]) == {"effects": []}


def test_mandates_are_proposed_approved_and_stopped_by_verbs(root: Path) -> None:
    """Two people put one in force, and one stops them all."""
    until = format_time(_later())
    words = [
        "propose",
        "hold order",
        "--target",
        "cancelled",
        "--least",
        "60",
        "--until",
        until,
        "--reason",
        "cheap",
    ]
    mandate = said(root, [*words, "--by", "anna"])
    assert mandate["state"] == "proposed"
    with pytest.raises(InputError, match="another person"):
        said(root, ["approve", mandate["id"], "--reason", "mine", "--by", "anna"])
    assert said(root, ["approve", mandate["id"], "--reason", "agreed", "--by", "ben"])["state"] == "in force"
    assert "anna, ben" in shown(root, ["mandates"])
    assert said(root, ["stop", "--reason", "something is wrong", "--by", "ben"])["in_force"] == []
    assert said(root, ["mandates"])["mandates"][0]["state"] == "stopped"


def test_a_file_that_is_wrong_is_told_by_the_verb_that_lists(root: Path) -> None:
    """Who wrote it is told the place."""
    (root / "corrective.toml").write_text('currency = "EUR"\n["hold order"]\nprice = 7')
    with pytest.raises(ConfigurationError, match=r"hold order\.price"):
        shown(root, ["list"])


def _later() -> datetime:
    return utc_now() + timedelta(days=30)
