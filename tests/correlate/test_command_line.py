"""The verbs ``outside`` and ``reconcile``: from a gateway's log to a link, a discrepancy, and an export."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from correlate.incidents import INCIDENTS
from correlate.test_providers import STRIPE_CHARGE
from correlate.test_running import SAID, an_order_comes, root  # noqa: F401 - the fixture
from ordertrail.assembly import create_trail
from ordertrail.assembly.index import open_query
from ordertrail.cli import outside, reconcile
from ordertrail.cli.why import why
from ordertrail.kernel.errors import InputError
from ordertrail.settings import Settings

RUNNER = CliRunner()
APP = typer.Typer()
APP.command("why")(why)
APP.add_typer(outside.app, name="outside")
APP.add_typer(reconcile.app, name="reconcile")


@pytest.fixture
def trail(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: F811 - the fixture above
    """A trail whose settings name an account of Stripe."""
    monkeypatch.setattr("ordertrail.assembly.correlate.correlate_settings", lambda _root: SAID)
    return root


def run(*words: str, code: int = 0) -> str:
    """Run a verb; return what it printed."""
    done = RUNNER.invoke(APP, list(words), catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.output


def test_from_a_log_to_a_settled_discrepancy(trail: Path, tmp_path: Path) -> None:
    """A log is taken in and linked to its order; what does not agree is listed, and settled with a reason."""
    place = ["--trail", str(trail)]
    assert "No link waits" in run("outside", "links", *place)
    assert "Everything agrees" in run("reconcile", "list", *place)
    log = tmp_path / "charges.json"
    charge = {**STRIPE_CHARGE, "amount": 100, "amount_captured": 100}
    log.write_text(json.dumps({"object": "list", "data": [charge]}))
    told = json.loads(
        run("outside", "take", str(log), "--provider", "stripe", "--account", "main", "--json", *place)
    )
    assert (told["parts"], told["received"]) == ({"accepted": 1}, {"landed": 1})
    an_order_comes(trail)
    assert "1 order looked at" in run("outside", "refresh", *place)
    found: dict[str, Any] = json.loads(run("reconcile", "run", "--json", *place, code=2))
    assert found["orders"] == 1
    (total,) = found["totals"]
    assert (total["system"], total["linked"]["captured"], total["unlinked"]["captured"]) == ("stripe", 100, 0)
    listed = [json.loads(line) for line in run("reconcile", "list", "--json", *place).splitlines()]
    assert listed
    for one in listed:
        who = ["--by", "ada", "--reason", "goodwill"]
        assert "is settled" in run("reconcile", "settle", one["order"], one["kind"], *who, *place)
    assert "Everything agrees" in run("reconcile", "list", *place)
    again = json.loads(run("outside", "rebuild", "--json", *place))
    assert again["facts"] == 1
    assert again["links"] >= 1
    assert "Everything agrees" in run("reconcile", "list", *place)
    assert "linked" in run("outside", "links", "--order", listed[0]["order"], *place)


def test_a_link_is_confirmed_and_undone_by_hand(trail: Path, tmp_path: Path) -> None:
    """What nobody linked can be linked by hand, with a reason, and taken back; what is no thing is refused."""
    place = ["--trail", str(trail), "--by", "ada", "--reason", "the buyer said so"]
    log = tmp_path / "charge.json"
    log.write_text(json.dumps(STRIPE_CHARGE))
    run("outside", "take", str(log), "--provider", "stripe", "--account", "main", "--trail", str(trail))
    thing = "stripe/main/payment/pi_1"
    assert "linked" in run("outside", "confirm", thing, "web:north:7", *place)
    assert "undone" in run("outside", "undo", thing, "web:north:7", *place)
    shown = run("outside", "links", "--order", "web:north:7", "--trail", str(trail))
    assert "undone" in shown
    with pytest.raises(InputError, match="names no payment"):
        run("outside", "reject", "pi_1", "web:north:7", *place)


def test_why_tells_what_led_to_an_event(tmp_path: Path) -> None:
    """Asked for an event, an order or a time, the story and the likeliest roots are told; else nothing is asked."""
    incident = INCIDENTS[2](11)
    place = tmp_path / "trail"
    with create_trail(place, "shop.example/log", settings=Settings(immutable=False)) as made:
        made.record(incident.events)
        made.seal()
    with open_query(place) as query:
        query.feed()
    told = json.loads(run("why", incident.asked, "--json", "--trail", str(place)))
    assert told["candidates"][0]["event"] == incident.root
    shown = run("why", incident.asked, "--trail", str(place))
    assert "is to be explained" in shown
    assert "1. " in shown
    number = next(event.subject.order for event in incident.events if event.id == incident.asked)
    assert json.loads(run("why", "--order", str(number), "--json", "--trail", str(place)))["asked"]
    assert json.loads(run("why", "--time", "2026-11-20T15:00:00Z", "--json", "--trail", str(place)))["asked"]
    for words in (["why"], ["why", "x", "--order", "y"], ["why", "--time", "noon"]):
        with pytest.raises(InputError):
            run(*words, "--trail", str(place))


@pytest.mark.parametrize("form", ["ocel", "ocel-sqlite", "xes"])
def test_the_trail_is_exported(trail: Path, tmp_path: Path, form: str) -> None:
    """Each format is written to a new file, with all that the trail has."""
    with open_query(trail) as query:
        query.feed()
        size = query.log.size("default")
    out = tmp_path / "log"
    told = json.loads(
        run("reconcile", "export", "--format", form, "--out", str(out), "--json", "--trail", str(trail))
    )
    assert told["events"] == size
    assert out.stat().st_size > 0
    with pytest.raises(InputError, match="there already"):
        run("reconcile", "export", "--format", form, "--out", str(out), "--trail", str(trail))
