"""The verbs of the registry and of approving rules say what they did, to people and as JSON."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from monitor.models.test_registry import training
from ordertrail.assembly import create_trail
from ordertrail.assembly.models import open_models
from ordertrail.cli import approval, models
from ordertrail.kernel.errors import InputError
from ordertrail.record.event import Actor
from ordertrail.settings import Settings
from ordertrail.settings.actions import GovernanceSettings

RUNNER = CliRunner()
APP = typer.Typer()
APP.add_typer(approval.app, name="watch")
APP.add_typer(models.app, name="models")

RULE = """title: Order read
name: read_by_brandt
logsource: {product: ordertrail}
detection:
  read: {action: order.status.revert, actor: l.brandt}
  condition: read
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A trail whose rules take two people."""
    place = tmp_path / "trail"
    settings = Settings(immutable=False, governance=GovernanceSettings(rules="required"))
    create_trail(place, "shop.example/log", settings=settings).close()
    return place


def said(root: Path, words: Sequence[str]) -> dict[str, Any]:
    """Run a verb, and return the JSON that it prints."""
    result = RUNNER.invoke(APP, [*words, "--trail", str(root), "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def shown(root: Path, words: Sequence[str]) -> str:
    """Run a verb, and return what it prints to a person."""
    result = RUNNER.invoke(APP, [*words, "--trail", str(root)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def test_a_model_is_judged_and_deployed_by_verbs(root: Path) -> None:
    """Validated with figures, approved by another, deployed, checked, retired; each verb says where it stands."""
    with open_models(root) as registry:
        version = registry.train(training(), b"model", Actor("ordertrail", "system"), "fit").version
    short = version[:10]
    validated = said(
        root, ["models", "validate", short, "--metric", "auc=0.81", "--by", "anna", "--reason", "June"]
    )
    assert (validated["stage"], validated["validation"]) == ("validated", {"auc": "0.81"})
    with pytest.raises(InputError, match="another person"):
        said(root, ["models", "approve", short, "--by", "anna", "--reason", "mine"])
    assert said(root, ["models", "approve", short, "--by", "ben", "--reason", "fine"])["stage"] == "approved"
    assert "is deployed" in shown(root, ["models", "deploy", short, "--by", "anna", "--reason", "Monday"])
    assert said(root, ["models", "check", short]) == {"version": version, "bytes": 5, "unaltered": True}
    page = shown(root, ["models", "show", short])
    assert "Never measured on other shops." in page
    assert "ben" in page
    assert "deployed" in shown(root, ["models", "list"])
    assert said(root, ["models", "retire", short, "--by", "ben", "--reason", "old"])["stage"] == "retired"
    assert [one["deed"] for one in said(root, ["models", "show", short])["life"]] == [
        "train", "validate", "approve", "deploy", "retire",
    ]  # fmt: skip


def test_a_rule_is_read_and_approved_by_verbs(root: Path, tmp_path: Path) -> None:
    """Saved, it waits; another person reads it and approves that very text; a third file is turned down."""
    file = tmp_path / "own.yml"
    file.write_text(RULE)
    assert said(root, ["watch", "save", str(file), "--by", "anna", "--reason", "audit"])["waits"] is True
    assert "read_by_brandt" not in shown(root, ["watch", "rules"])
    one = said(root, ["watch", "waiting"])["waiting"][0]
    assert (one["name"], one["by"], one["text"]) == ("own", "anna", RULE)
    assert one["sha256"] in shown(root, ["watch", "waiting", "own"])
    with pytest.raises(InputError, match="what waits"):
        said(root, ["watch", "approve", "own", "--sha256", "0" * 64, "--by", "ben", "--reason", "read"])
    words = ["watch", "approve", "own", "--sha256", one["sha256"][:12], "--by", "ben", "--reason", "read it"]
    assert said(root, words)["rules"] == ["read_by_brandt"]
    assert "read_by_brandt" in shown(root, ["watch", "rules"])
    file.write_text(RULE.replace("Order read", "Order looked at"))
    assert "waiting for another person" in shown(
        root, ["watch", "save", str(file), "--by", "ben", "--reason", "words"]
    )
    assert said(root, ["watch", "reject", "own", "--by", "anna", "--reason", "no"]) == {"rejected": "own"}
    assert said(root, ["watch", "waiting"]) == {"waiting": [], "not_in_force": []}
