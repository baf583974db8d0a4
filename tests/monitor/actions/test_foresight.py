"""From a deployed model to a suggestion and its execution, by the jobs of a service, with nobody's hand between."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from monitor.forecast.small import LEARNERS
from ordertrail.assembly import create_trail, open_trail
from ordertrail.assembly.actions import open_actions
from ordertrail.assembly.background import Deaf, Stopping
from ordertrail.assembly.forecast import open_forecast
from ordertrail.assembly.foresight import ACTIONS, FORECAST, run_actions, run_forecast
from ordertrail.assembly.jobs import Work
from ordertrail.assembly.stores import read_settings
from ordertrail.cli.actions import app
from ordertrail.monitor.actions.ports import SuggestionQuery
from ordertrail.monitor.actions.suggestion import State
from ordertrail.monitor.models.register import measured
from ordertrail.record.event import Actor, Event
from ordertrail.settings import Settings
from ordertrail.testing.year import TARGETS, Year

RUNNER = CliRunner()
ANNA, BEN = Actor("anna", "person"), Actor("ben", "person")
FILE = """
currency = "EUR"

["open case"]
cost = 100
benefit = {cancelled = 100000}
averts = {cancelled = 50}
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trail with half a year, a model of cancellations in use, and an action that is worth it."""
    place = tmp_path_factory.mktemp("home") / "trail"
    with create_trail(place, "shop.example/log", settings=Settings(immutable=False)) as trail:
        told = list(Year(700, 1).events())
        trail.record(told[: len(told) // 2])
        trail.seal()
    (place / "targets.toml").write_text(TARGETS)
    assert names(place) == {"seal:default", "seal:new", "feed", "watch", "forecast"}
    with open_forecast(place) as opened:
        forecasting = replace(opened, learners=LEARNERS)
        version = forecasting.train("cancelled", by=ANNA, reason="first fit").model.id
        registry = forecasting.registry
        registry.validate(version, measured({"auc": 0.8}), ANNA, "forward folds")
        registry.approve(version, BEN, "good enough")
        registry.deploy(version, ANNA, "from now on")
    (place / "corrective.toml").write_text(FILE)
    return place


def names(root: Path) -> set[str]:
    """Return the jobs of a service."""
    return {one.name for one in Work(root, read_settings(root)).jobs()}


class Heard(Deaf):
    """Hears when a job is at work."""

    def __init__(self) -> None:
        self.working = threading.Event()

    def running(self, job: str, *, well: bool) -> None:
        """See :class:`ordertrail.assembly.background.Listener`."""
        assert job in {FORECAST, ACTIONS}
        if well:
            self.working.set()


def until(
    job: Callable[[Stopping, Heard], None], enough: Callable[[], bool], meanwhile: Callable[[], None]
) -> None:
    """Have a job run, do something once it is at work, and wait until it has done enough, or for too long."""
    stopping, heard = Stopping(), Heard()
    failed: list[BaseException] = []

    def run() -> None:
        try:
            job(stopping, heard)
        except BaseException as error:  # noqa: BLE001 - told below
            failed.append(error)
            heard.working.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert heard.working.wait(60)
    meanwhile()
    for _ in range(600):
        if failed or enough():
            break
        thread.join(0.1)
    stopping.ask()
    thread.join(30)
    assert not failed, failed
    assert enough()


def test_what_a_deployed_model_foresees_is_suggested_and_done(root: Path) -> None:
    """Orders that move are foreseen and considered, after a restart too; what a person accepts is carried out."""
    assert {FORECAST, ACTIONS, "seal:governance"} <= names(root)
    told = list(Year(700, 1).events())

    def record(events: list[Event]) -> None:
        with open_trail(root) as trail:
            trail.record(events)
            trail.seal()

    def foresee(stop: Stopping, heard: Heard) -> None:
        run_forecast(root, lambda: stop.rest(0.05), stop, heard)

    with open_actions(root) as actions:

        def suggestions() -> set[str]:
            return {one.id for one in actions.find(SuggestionQuery(limit=5_000))}

        until(foresee, lambda: bool(suggestions()), lambda: record(told[len(told) // 2 : len(told) * 3 // 4]))
        first = actions.find(SuggestionQuery())[0]
        assert (first.target, first.action, first.state) == ("cancelled", "open case", State.SUGGESTED)
        assert first.reasons
        before = suggestions()
        until(foresee, lambda: suggestions() > before, lambda: record(told[len(told) * 3 // 4 :]))
        actions.accept(first.id, "anna", "look into it")
        until(
            lambda stop, heard: run_actions(root, stop, heard),
            lambda: actions.suggestion(first.id).state is State.DONE,
            lambda: None,
        )
        assert "was opened" in (actions.suggestion(first.id).result or "")


def test_a_look_at_all_open_orders_is_a_verb_too(root: Path) -> None:
    """Without a service, one look suggests what it would; a second one suggests nothing more."""
    first = RUNNER.invoke(app, ["suggest", "--trail", str(root), "--json"], catch_exceptions=False)
    assert first.exit_code == 0, first.output
    assert {one["target"] for one in json.loads(first.stdout)["suggestions"]} <= {"cancelled"}
    again = RUNNER.invoke(app, ["suggest", "--trail", str(root)], catch_exceptions=False)
    assert again.output == "0 new suggestions.\n"
