"""From a sealed trail to a forecast of an order that moved, by the service and by its verbs."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from monitor.forecast.small import LEARNERS
from ordertrail.assembly import create_trail, open_trail
from ordertrail.assembly.background import Deaf, Stopping
from ordertrail.assembly.forecast import TRAINING, declared_targets, open_forecast, run_training
from ordertrail.assembly.stores import read_settings
from ordertrail.cli import forecast
from ordertrail.kernel.errors import ConfigurationError, EvidenceError, InputError
from ordertrail.monitor.forecast.forecast import Basis
from ordertrail.monitor.forecast.service import KIND, Forecasting
from ordertrail.monitor.forecast.targets import shipped_targets
from ordertrail.monitor.models.record import Metric, Stage
from ordertrail.record.event import Actor, Event
from ordertrail.settings import Settings
from ordertrail.settings.file import format_settings
from ordertrail.testing.year import TARGETS, Trouble, Year

RUNNER = CliRunner()
APP = typer.Typer()
APP.add_typer(forecast.app, name="forecast")
ANNA, BEN = Actor("anna", "person"), Actor("ben", "person")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trail with the first three fifths of a year, and its own targets."""
    place = tmp_path_factory.mktemp("home") / "trail"
    with create_trail(place, "shop.example/log", settings=Settings(immutable=False)) as trail:
        told = list(Year(700, 1).events())
        trail.record(told[: len(told) * 3 // 5])
        trail.seal()
    (place / "targets.toml").write_text(TARGETS)
    return place


@pytest.fixture
def forecasting(root: Path) -> Iterator[Forecasting]:
    """Forecasts of that trail, by two learners."""
    with open_forecast(root) as opened:
        yield replace(opened, learners=LEARNERS)


@pytest.fixture(scope="module")
def model(root: Path) -> str:
    """The version of a model of cancellations that was trained, approved by another, and deployed."""
    with open_forecast(root) as opened:
        forecasting = replace(opened, learners=LEARNERS)
        trained = forecasting.train("cancelled", by=ANNA, reason="first fit")
        assert forecasting.deployed() == {}
        figures = [
            Metric("auc", next(one.value for one in trained.record.training.metrics if one.name == "auc"))
        ]
        forecasting.registry.validate(trained.model.id, figures, by=ANNA, reason="forward folds")
        forecasting.registry.approve(trained.model.id, by=BEN, reason="good enough")
        forecasting.registry.deploy(trained.model.id, by=ANNA, reason="from now on")
        return trained.model.id


def test_a_trained_model_says_what_it_was_made_of(forecasting: Forecasting, model: str) -> None:
    """The registry has its data by checkpoint root, its seed, figures, code, packages and card."""
    record = forecasting.registry.record(model)
    assert (record.training.kind, record.training.purpose, record.stage) == (
        KIND,
        "cancelled",
        Stage.DEPLOYED,
    )
    assert record.training.data == forecasting.ranges()
    assert {one.name for one in record.training.metrics} >= {"auc", "calibration_error", "base_rate"}
    assert "cancelled" in record.training.card.intended
    assert forecasting.deployed().keys() == {"cancelled"}
    assert forecasting.model(model[:12]).id == model


def test_training_again_makes_the_same_bytes(forecasting: Forecasting, model: str) -> None:
    """The same logs, seed and code make the same model, and the registry has it once."""
    assert forecasting.train("cancelled", by=ANNA, reason="once more").model.id == model


def test_a_forecast_appears_within_seconds_of_the_event_that_moved_it(root: Path, model: str) -> None:
    """An order that is recorded, sealed and looked at is forecast within five seconds, with reasons."""
    with open_forecast(root) as forecasting, open_trail(root) as trail:
        watch = forecasting.watch()
        watch.catch_up()
        assert watch.step() == []
        year = Year(900, 11)
        life: dict[str, list[Event]] = {}
        for event in year.events():
            life.setdefault(event.subject.order or "", []).append(event)
        name = next(
            order
            for order, trouble in year.troubles.items()
            if trouble is Trouble.PAYMENT and order > "Y-0000700"  # the trail has those before
        )
        begun = [event for event in life[name] if event.action in {"order.create", "payment.authorize"}]
        began = time.monotonic()
        trail.record(begun)
        trail.seal()
        found = [one for one in watch.step() if one.target == "cancelled"]
        assert time.monotonic() - began < 5
        (one,) = found
        assert (one.order, one.last, one.model, one.basis) == (name, begun[-1].id, model, Basis.MODEL)
        assert one.probability > forecasting.deployed()["cancelled"].training.base
        assert {event.order for event in watch.scoring.standing("cancelled")} >= {name}
        others = {target.name for target in forecasting.targets} - {"cancelled"}
        assert "changed_after_approval" in others


def test_a_model_file_altered_by_a_byte_is_refused(root: Path, model: str) -> None:
    """No watch scores with a file that is not what was approved."""
    (path,) = [one for one in root.rglob(f"*{model}*") if one.is_file()] or list(_files_of(root, model))
    data, mode = path.read_bytes(), path.stat().st_mode
    path.chmod(0o600)
    try:
        path.write_bytes(data[:-10] + bytes([data[-10] ^ 1]) + data[-9:])
        with open_forecast(root) as forecasting, pytest.raises(EvidenceError, match="altered"):
            forecasting.watch()
    finally:
        path.write_bytes(data)
        path.chmod(mode)


def _files_of(root: Path, model: str) -> Iterator[Path]:
    """Yield the file of a model, wherever it is kept: payloads are named by parts of their hash."""
    return (one for one in root.rglob("*") if one.is_file() and str(one).replace("/", "").endswith(model))


def test_what_cannot_be_trained_is_said(forecasting: Forecasting) -> None:
    """No such target, no reason, too few breaches: each is input that is refused."""
    with pytest.raises(InputError, match="no target"):
        forecasting.train("nonsense", by=ANNA, reason="why not")
    with pytest.raises(InputError, match="nothing can be learned"):
        forecasting.train("disputed", by=ANNA, reason="why not")


def test_a_file_of_targets_that_will_not_do_stops_with_its_path(root: Path) -> None:
    """A wrong declaration is a configuration that cannot work, named by file and path."""
    path = root / "targets.toml"
    try:
        path.write_text(TARGETS.replace('"30d"', '"soon"', 1))
        with pytest.raises(ConfigurationError, match=r"targets.toml: target.0.horizon"):
            declared_targets(root)
    finally:
        path.write_text(TARGETS)
    names = [one.name for one in declared_targets(root)]
    assert len(names) == len(set(names))
    assert names[-2:] == ["cancelled", "changed_after_approval"]


def test_what_is_due_is_trained_in_the_background(root: Path, model: str) -> None:
    """A target whose newest model is old is trained by the service, in another process; one that is new is not."""
    with open_forecast(root) as forecasting:
        assert "cancelled" not in forecasting.due(timedelta(days=1))
        assert "changed_after_approval" in forecasting.due(timedelta(days=1))
    settings = read_settings(root)
    chosen = settings.forecast.model_copy(
        update={"train_every": 1, "without": [one.name for one in shipped_targets()], "seed": 9}
    )
    text = (root / "trail.toml").read_text()
    (root / "trail.toml").write_text(format_settings(settings.model_copy(update={"forecast": chosen})))
    stopping, counted = Stopping(), Counted()
    try:
        thread = Thread(target=run_training, args=(root, stopping, counted))
        thread.start()
        deadline = time.monotonic() + 300
        while not counted.trained and time.monotonic() < deadline:
            time.sleep(0.2)
        stopping.ask()
        thread.join()
    finally:
        (root / "trail.toml").write_text(text)
    assert counted.trained == 1
    with open_forecast(root) as forecasting:
        purposes = [one.training.purpose for one in forecasting.registry.records()]
        newest = forecasting.registry.records()[0]
    assert purposes.count("cancelled") >= 1
    assert (newest.training.purpose, newest.stage, newest.life[0].is_person) == (
        "changed_after_approval",
        Stage.TRAINED,
        False,
    )
    assert newest.version != model


class Counted(Deaf):
    """Counts what was trained."""

    trained = 0

    def done(self, job: str, count: int) -> None:
        """See the protocol."""
        assert job == TRAINING
        self.trained += count


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
    return " ".join(result.output.split())


def test_verbs_say_what_is_foreseen_and_why(root: Path, model: str) -> None:
    """Targets with their models, open orders by risk, what weighs in a model; to people and as JSON."""
    told = {one["name"]: one["model"] for one in said(root, "forecast", "targets")["targets"]}
    assert told["cancelled"] == model
    assert told["changed_after_approval"] is None
    assert model[:12] in shown(root, "forecast", "targets")
    found = said(root, "forecast", "show", "cancelled", "--limit", "5")["forecasts"]
    chances = [one["probability_millionths"] for one in found]
    assert chances == sorted(chances, reverse=True)
    assert found[0]["reasons"][0]["sentence"] in shown(root, "forecast", "show", "cancelled", "--limit", "1")
    shares = [one["share_millionths"] for one in said(root, "forecast", "weighs", model[:12])["weighs"]]
    assert shares == sorted(shares, reverse=True)
    assert "share" in shown(root, "forecast", "weighs", model[:12])
    assert "events" in shown(root, "forecast", "follow", "--once")


def test_training_by_verb_says_what_was_found(root: Path) -> None:
    """Which learner was taken and why, and that the model is not in use yet."""
    words = ["forecast", "train", "cancelled", "--by", "anna", "--reason", "by hand", "--seed", "8"]
    told = said(root, *words)
    assert {one["learner"] for one in told["judged"]} >= {told["chosen"], "lightgbm"}
    assert told["suspects"] == []
    assert "approved by another person" in shown(root, *words)
