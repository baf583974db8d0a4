"""Rules over past traffic, as a user meets them: records, suggestions, and a backtest before a change goes live."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ordertrail.assembly import create_trail
from ordertrail.cli.rules import app
from ordertrail.settings import IntakeSettings, Settings, SourceSettings

MAPPING = """\
[table]
key = "Order"

[order]
id = "Order"
placed = "Date"
currency = { value = "EUR" }

[order.totals]
grand_total = "Total"

[order.lines]
name = "Item"
ordered = "Quantity"
amount = "Total"
"""
RULES = """\
version = 2

[[rules]]
id = "worth"
severity = "hold"
path = "/totals/grand_total"
measure = "order.totals.grand_total.amount"
limit = 2000
require = "order.totals.grand_total.amount <= limit"
message = "the order comes to more than orders here do"
"""
ROWS = "Order,Date,Item,Quantity,Total\n1,2026-11-22,Cup,1,12.00\n2,2026-11-22,Cup,2,24.00\n3,2026-11-22,Cup,9,99.00\n"


def run(*words: str, expect: int = 0) -> dict[str, Any]:
    """Run a verb; what it said as JSON."""
    done = CliRunner().invoke(app, [*words, "--json"])
    assert done.exit_code == expect, (done.output, done.exception)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture
def _dealt_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trail in which a rule stopped two orders: one was released as it came, the other was rejected."""
    monkeypatch.chdir(tmp_path)
    source = SourceSettings(channel="csv", account="main", options={"mapping_file": "mapping.toml"})
    settings = Settings(immutable=False, sources=[source], intake=IntakeSettings(rules="rules.toml"))
    create_trail(tmp_path / "trail", "shop.example/orders", settings=settings).close()
    (tmp_path / "trail" / "mapping.toml").write_text(MAPPING)
    (tmp_path / "trail" / "rules.toml").write_text(RULES)
    (tmp_path / "orders.csv").write_text(ROWS)
    run("orders.csv", "--channel", "csv", "--account", "main", expect=2)
    held = {one["order"]: one["message"] for one in run("list")["letters"]}
    run("release", held["csv:main:2"], "--by", "ops-3", "--reason", "the customer confirmed")
    run("work")
    run("reject", held["csv:main:3"], "--by", "ops-3", "--reason", "a typing mistake")


@pytest.mark.usefixtures("_dealt_with")
def test_what_became_of_stopped_orders_is_told_and_a_narrower_rule_suggested() -> None:
    """The rule was wrong about one of two, and a limit between them would have been right about both."""
    told = run("rules", "--suggest")
    (record,) = told["rules"]
    assert (record["rule"], record["stopped"], record["unchanged"], record["discarded"]) == ("worth", 2, 1, 1)
    assert record["wrong_per_cent"] == 50
    (suggestion,) = told["suggestions"]
    assert suggestion["toml"] == '[[rules]]\nid = "worth"\nlimit = 2400\n'
    assert run("rules", "--source", "csv/other")["rules"] == []


@pytest.mark.usefixtures("_dealt_with")
def test_a_changed_rulebook_is_tried_on_what_came() -> None:
    """The suggested limit spares what was all right; one that is too high lets in what was not."""
    Path("narrower.toml").write_text(RULES.replace("2000", "2400"))
    tried = run("backtest", "narrower.toml")
    assert (tried["judged"], tried["false_rejects"], tried["misses"]) == (3, -1, 0)
    Path("loose.toml").write_text(RULES.replace("2000", "99999"))
    loose = run("backtest", "loose.toml")
    assert (loose["false_rejects"], loose["misses"]) == (-1, 1)
    assert loose["spared"]["discarded"]["orders"] == ["csv:main:3"]


@pytest.mark.usefixtures("_dealt_with")
def test_the_most_harmful_letter_is_shown_however_few_are_asked_for() -> None:
    """Letters are ranked before they are cut off: the dear order comes last in its file, and first in a list of one."""
    Path("more.csv").write_text(
        "Order,Date,Item,Quantity,Total\n8,2026-11-22,Cup,2,25.00\n9,2026-11-22,Cup,9,9900.00\n"
    )
    run("more.csv", "--channel", "csv", "--account", "main", expect=2)
    (worst,) = run("list", "--limit", "1")["letters"]
    assert worst["order"] == "csv:main:9"
