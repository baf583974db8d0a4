"""``ordertrail retention``, as its users meet it: what is due, holds, two people, a certificate."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ordertrail.cli.retention import app
from ordertrail.retention.service import RetentionRefusedError
from retention.house import House

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A trail whose events are all long past their term."""
    house = House(tmp_path / "trail").begin()
    house.pass_months(6)
    return house


@pytest.fixture
def run(house: House) -> Run:
    """Run a verb; what it said as JSON."""

    def run_it(*words: str) -> dict[str, Any]:
        done = CliRunner().invoke(app, [*words, "--trail", str(house.root), "--json"])
        if done.exception is not None:
            raise done.exception
        found: dict[str, Any] = json.loads(done.output)
        return found

    return run_it


def test_from_what_is_due_to_a_certificate(house: House, run: Run) -> None:
    """Due, held, asked, approved by another, destroyed, certified; every step on record."""
    assert run("due")["default"]["entries"] == 512
    run(
        "hold",
        "M-7",
        "--scope",
        "actor:clerk-2",
        "--by",
        "anna",
        "--reason",
        "a dispute",
        "--review",
        "2021-01-01",
    )
    (hold,) = run("holds")["holds"]
    assert (hold["scope"], hold["review_is_overdue"]) == ("actor:clerk-2", True)
    asked = run("request", "--by", "anna", "--reason", "term over")
    assert run("certificates")["waiting"][0]["id"] == asked["id"]
    with pytest.raises(RetentionRefusedError):
        run("approve", asked["id"], "--by", "anna", "--reason", "mine")
    run("approve", asked["id"], "--by", "ben", "--reason", "agreed")
    certificate = run("purge", asked["id"], "--by", "anna")
    assert (certificate["minimum"], certificate["freed"]["rows"]) == (512, 512)
    assert run("certificates")["certificates"][0]["approver"] == "ben"
    assert run("release", "M-7", "--by", "anna", "--reason", "settled")["let_go"] == certificate["held"] > 0
    assert house.problems() == []


def test_a_policy_is_told_and_changed(house: House, run: Run, tmp_path: Path) -> None:
    """A longer term is one person's to give; a shorter one needs two, and never goes below the log's own."""
    (known,) = run("policy")["classes"]
    assert known["term"] == "365 days"

    def change(term: str, *also: str) -> dict[str, Any]:
        (tmp_path / "policy.toml").write_text(
            f'version = 1\n[[classes]]\nname = "default"\nbasis = "the books"\n{term}\n'
        )
        return run("policy", str(tmp_path / "policy.toml"), "--by", "anna", "--reason", "law", *also)

    assert change("term_years = 10")["classes"][0]["term"] == "10 years"
    assert run("due")["default"]["entries"] == 0 or house.now.year < 2026
    with pytest.raises(RetentionRefusedError, match="four eyes"):
        change("term_years = 8")
    with pytest.raises(RetentionRefusedError):
        change("term_years = 8", "--approved-by", "anna")
    assert change("term_years = 8", "--approved-by", "ben")["classes"][0]["term"] == "8 years"
    with pytest.raises(RetentionRefusedError, match="never shortened"):
        change("term_days = 30", "--approved-by", "ben")
