"""Models are known by their bytes, judged by two people, and handed out unaltered; the log says where they are."""

import hashlib
import stat
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordertrail.adapters.memory.governance import MemoryGovernance
from ordertrail.assembly import create_trail, open_trail
from ordertrail.assembly.governance import open_governance
from ordertrail.assembly.models import data_ranges, open_models
from ordertrail.kernel.clock import utc_now
from ordertrail.kernel.errors import EvidenceError, InputError
from ordertrail.ledger.sequencer import Cadence
from ordertrail.monitor.governance import GOVERNANCE, GovernanceRefusedError
from ordertrail.monitor.models.card import Card
from ordertrail.monitor.models.provenance import code_hash, lock_hash
from ordertrail.monitor.models.record import LEADS, DataRange, Deed, ModelRecord, Stage, Training
from ordertrail.monitor.models.register import fold, measured
from ordertrail.monitor.models.registry import Models
from ordertrail.record.event import Actor, Event, Subject
from ordertrail.settings import Settings
from ordertrail.testing.story import order_story

SYSTEM = Actor("ordertrail", "system")
ANNA = Actor("anna", "person")
BEN = Actor("ben", "person")
CARD = Card(
    title="Cancellations foreseen",
    intended="To look at orders before they are cancelled.",
    data="Every sealed event of two years.",
    method="Logistic regression over event prefixes.",
    evaluation="The last fifth, by time.",
    limits="Never measured on other shops.",
)
CODE = code_hash("ordertrail.monitor.models")
LOCK = lock_hash()


def training(purpose: str = "cancellation", seed: int = 7, code: str = CODE) -> Training:
    """Return how a model was made."""
    return Training(
        kind="forecast",
        purpose=purpose,
        seed=seed,
        data=(DataRange("default", 0, 42, "ab" * 32),),
        code=code,
        lock=LOCK,
        metrics=measured({"auc": 0.8125, "events": 42}),
        card=CARD,
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A trail that holds a story, sealed."""
    place = tmp_path / "trail"
    with create_trail(place, "shop.example/log", settings=Settings(immutable=False)) as trail:
        list(trail.record_lines(("story", line) for line in order_story()))
        trail.seal()
    return place


@pytest.fixture
def models(root: Path) -> Iterator[Models]:
    """The registry of a trail."""
    with open_models(root) as opened:
        yield opened


def approved(models: Models, data: bytes = b"model 1") -> str:
    """Return the version of a model that anna validated and ben approved."""
    version = models.train(training(), data, SYSTEM, "weekly fit").version
    models.validate(version, measured({"auc": 0.8}), ANNA, "on June")
    return models.approve(version, BEN, "as good as the last").version


def test_a_model_goes_through_its_life_and_another_process_reads_the_same(root: Path, models: Models) -> None:
    """Trained, validated, approved by another, deployed, drifted, retired: each is an event, and all that is known."""
    version = approved(models)
    models.deploy(version, ANNA, "from Monday on")
    models.note_drift(version, measured({"psi": 0.31}), SYSTEM, "orders are other than they were")
    with open_models(root) as others:
        known = others.deployed("forecast", "cancellation")
        assert known == models.record(version)
        assert known is not None
        assert known.training == training()
        assert known.drift is not None
        assert others.load(version, code=CODE) == b"model 1"
    retired = models.retire(version, BEN, "drifted")
    assert [step.deed for step in retired.life] == [
        Deed.TRAIN, Deed.VALIDATE, Deed.APPROVE, Deed.DEPLOY, Deed.DRIFT, Deed.RETIRE,
    ]  # fmt: skip
    assert models.deployed("forecast", "cancellation") is None
    with open_trail(root) as trail:
        assert trail.verify(stream=GOVERNANCE).findings == []
        assert trail.log(GOVERNANCE).log.store.head(GOVERNANCE).size == 6


@pytest.mark.parametrize("by", [ANNA, SYSTEM, Actor("robot", "service")])
def test_nobody_approves_what_they_made_and_no_program_approves(models: Models, by: Actor) -> None:
    """Who trained or validated a model cannot approve it, nor can a system: refused, and the attempt is on record."""
    version = models.train(training(), b"model", SYSTEM, "weekly fit").version
    models.validate(version, measured({"auc": 0.8}), ANNA, "on June")
    with pytest.raises(GovernanceRefusedError, match="another person"):
        models.approve(version, by, "fine")
    denied = [event for event in models.log.events() if event.outcome == "denied"]
    assert [(event.action, event.actor.id, event.subject.id) for event in denied] == [
        ("model.approve", by.id, version)
    ]
    assert models.record(version).stage is Stage.VALIDATED


def test_an_approval_that_was_recorded_past_the_registry_counts_for_nothing(
    root: Path, models: Models
) -> None:
    """The law is in the folding: an event that the registry would have refused changes no model's stage."""
    version = models.train(training(), b"model", ANNA, "fit").version
    models.validate(version, measured({"auc": 0.8}), ANNA, "on June")
    real = next(event for event in models.log.events() if event.action == "model.validate")
    forged = Event(
        id="01935f6e-9c1a-7cc2-b0a5-3f1d2e4b5a69",
        time=real.time,
        action="model.approve",
        actor=ANNA,
        subject=real.subject,
    )
    broken = Event(
        id="01935f6e-9c1a-7cc2-b0a5-3f1d2e4b5a70",
        time=real.time,
        action="model.train",
        actor=ANNA,
        subject=Subject("model", "f" * 64),
    )
    with open_governance(root, utc_now) as log:
        log.write([forged, broken])
    assert [(one.version, one.stage) for one in models.records()] == [(version, Stage.VALIDATED)]


def test_a_file_that_was_altered_by_one_byte_is_refused(root: Path, models: Models) -> None:
    """A model file that is not what was trained is neither deployed nor loaded; one that is gone is not, either."""
    version = approved(models, b"coefficients: 1, 2, 3")
    place = root / "blobs" / version[:2] / version
    place.chmod(stat.S_IRUSR | stat.S_IWUSR)
    place.write_bytes(b"coefficients: 1, 2, 4")
    for refused in (lambda: models.load(version), lambda: models.deploy(version, ANNA, "now")):
        with pytest.raises(EvidenceError, match="was altered"):
            refused()
    place.unlink()
    with pytest.raises(EvidenceError, match="is gone"):
        models.load(version)
    assert models.record(version).stage is Stage.APPROVED


def test_other_feature_code_than_it_was_trained_with_is_refused(models: Models) -> None:
    """A model is asked by the code that it was validated with, or not at all."""
    version = approved(models)
    with pytest.raises(EvidenceError, match="is installed"):
        models.load(version, code="0" * 64)
    assert models.load(version, code=CODE) == b"model 1"


def test_deploying_another_steps_back_and_going_back_is_deploying_again(models: Models) -> None:
    """One model of a purpose is in use; the one before is approved as it was, and can be deployed again."""
    first, second = approved(models, b"model 1"), approved(models, b"model 2")
    models.deploy(first, ANNA, "first")
    models.deploy(second, ANNA, "second")
    assert [one.stage for one in models.records()] == [Stage.DEPLOYED, Stage.APPROVED]
    models.deploy(first, ANNA, "back")
    in_use = models.deployed("forecast", "cancellation")
    assert in_use is not None
    assert in_use.version == first


def test_the_same_bytes_are_the_same_model(models: Models) -> None:
    """Training that gives the same file adds nothing; a replay can only be told from it by its bytes."""
    once = models.train(training(), b"same", SYSTEM, "fit")
    assert models.train(training(seed=8), b"same", ANNA, "fit again") == once
    assert once.version == hashlib.sha256(b"same").hexdigest()
    assert len(list(models.log.events())) == 1


@given(deeds=st.lists(st.sampled_from([deed for deed in Deed if deed is not Deed.TRAIN]), max_size=8))
def test_stages_follow_the_table_and_nothing_else(deeds: list[Deed]) -> None:
    """Whatever is asked in whatever sequence, a model is where the table leads; what it forbids changes nothing."""
    log = MemoryGovernance()
    models = Models(log, log, utc_now)
    version = models.train(training(), b"model", SYSTEM, "fit").version
    stage = Stage.TRAINED
    for deed in deeds:
        before, after = LEADS[deed]
        asked: dict[Deed, Callable[[], ModelRecord]] = {
            Deed.VALIDATE: lambda: models.validate(version, measured({"auc": 0.8}), ANNA, "again"),
            Deed.APPROVE: lambda: models.approve(version, BEN, "fine"),
            Deed.DEPLOY: lambda: models.deploy(version, ANNA, "now"),
            Deed.RETIRE: lambda: models.retire(version, ANNA, "enough"),
            Deed.DRIFT: lambda: models.note_drift(version, measured({"psi": 1}), SYSTEM, "moved"),
        }
        if stage in before:
            stage = after or stage
            assert asked[deed]().stage is stage
        else:
            with pytest.raises(InputError):
                asked[deed]()
    assert models.record(version).stage is stage
    assert fold(log.events())[version].stage is stage


def test_what_is_trained_must_say_how(models: Models) -> None:
    """A model without data, code, a card or a finite figure is refused, with every problem named."""
    bad = Training("Forecast!", "x", 1, (DataRange("default", 5, 5, "zz"),), "c", "l", (), CARD)
    with pytest.raises(InputError) as refused:
        models.train(bad, b"", SYSTEM, "fit")
    named = {problem.path for problem in refused.value.problems}
    assert {"kind", "code", "lock", "data.0", "data.0.root", "file"} <= named
    with pytest.raises(InputError, match="no finite number"):
        measured({"auc": float("nan")})
    with pytest.raises(InputError, match=r"card\.limits"):
        Card("a", "b", "c", "d", "e", " ")
    assert models.records() == []


def test_the_data_of_a_model_is_named_by_a_published_checkpoint(root: Path) -> None:
    """What is trained on is a range up to a size whose root is published: no stream of governance is in it."""
    approved_once = data_ranges(root)
    with open_models(root) as models:
        approved(models)
    with open_trail(root) as trail:
        size = trail.log().log.store.head("default").size
    assert [(one.stream, one.start, one.size) for one in approved_once] == [("default", 0, size)]
    assert data_ranges(root) == approved_once


def test_what_is_decided_counts_while_another_process_seals(root: Path, models: Models) -> None:
    """A service that seals publishes once in a while; a decision waits for its seal and not for that."""
    approved(models)
    stop = threading.Event()
    with open_trail(root) as opened:
        trail = replace(opened, cadence=Cadence(3_600, 1_000_000))
        sealing = threading.Thread(target=lambda: trail.follow(stop.is_set, stream=GOVERNANCE))
        sealing.start()
        try:
            for number in range(3):
                approved(models, b"another %d" % number)
        finally:
            stop.set()
            sealing.join()
    assert [one.stage for one in models.records()] == [Stage.APPROVED] * 4


def test_code_is_known_by_every_byte_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One byte in one file of a package makes another hash; caches of the interpreter make none."""
    package = tmp_path / "some_features"
    package.mkdir()
    (package / "__init__.py").write_text("A = 1\n")
    (package / "inner.py").write_text("B = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    before = code_hash("some_features")
    (package / "__pycache__").mkdir(exist_ok=True)
    (package / "__pycache__" / "inner.pyc").write_bytes(b"x")
    assert code_hash("some_features") == before
    (package / "inner.py").write_text("B = 2\n")
    assert code_hash("some_features") != before
    assert code_hash("some_features.inner") != code_hash("some_features")
