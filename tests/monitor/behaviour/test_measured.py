"""What the reports claim of labelled data is so: processes with injected anomalies, and volumes of the NAB."""

import os
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from ordertrail.monitor.behaviour.cases import Case, Step
from ordertrail.monitor.behaviour.process import fit
from ordertrail.monitor.behaviour.rates import RateDetector
from shared_data import shared

ROOT = Path(__file__).parents[3]
SOAK = os.environ.get("ORDERTRAIL_SOAK") == "1"
QUICK = ("Receipt-0.10", "medium-0.10-1")
REST = (
    "BPIC20_DomesticDeclarations-0.10", "BPIC20_RequestForPayment-0.10", "p2p-0.10-1", "p2p-0.10-2", "paper-0.10-1",
    "paper-0.10-2", "small-0.10-1",
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def bench() -> Iterator[None]:
    """The benchmark's own readers and scorers are found."""
    sys.path.insert(0, str(ROOT))
    yield
    sys.path.remove(str(ROOT))


def part(name: str) -> ModuleType:
    """Return a module of the benchmark."""
    return import_module(f"bench.{name}")


@pytest.mark.parametrize("log", QUICK + (REST if SOAK else ()))
def test_the_best_published_precision_is_reached(log: str) -> None:
    """On each log, without labels and with the same constants for all."""
    labelled = part("labelled")
    told = labelled.read_labelled(shared(f"datasets/labelled-processes/{log}.json.gz"))
    model = fit(told.cases, told.fields)
    scores = [model.judge(case, seen=True).score for case in told.cases]
    assert labelled.average_precision(told.labels, scores) >= told.published


def test_labels_are_not_learned_from() -> None:
    """A case is steps and values: nothing of it says whether it was tampered with, and no id is a field."""
    told = part("labelled").read_labelled(shared("datasets/labelled-processes/Receipt-0.10.json.gz"))
    assert told.fields == ("org:group", "org:resource")
    assert {type(one) for case in told.cases for one in case.steps} == {Step}
    assert isinstance(told.cases[0], Case)
    assert 0 < sum(told.labels) < len(told.labels)


def test_volumes_reach_the_published_score() -> None:
    """The NAB's standard profile, one threshold for all series: at least 58."""
    nab = part("nab")
    series = nab.read_series(shared("datasets/nab"))
    alarms = []
    for one in series:
        detector = RateDetector(one.probation)
        alarms.append([detector.take(at, to).alarm for at, to in zip(one.times, one.values, strict=True)])
    assert nab.score(series, alarms).score >= 58


def test_the_scorer_knows_all_and_nothing() -> None:
    """To alarm at the first reading of each window is 100; to say nothing 0; to alarm always is less than nothing."""
    nab = part("nab")
    series = nab.read_series(shared("datasets/nab"))
    perfect = []
    for one in series:
        told = [0.0] * len(one.values)
        for begin, _end in one.windows:
            told[max(begin, one.probation)] = 1.0
        perfect.append(told)
    assert nab.score(series, perfect).score == pytest.approx(100)
    assert nab.score(series, [[0.0] * len(one.values) for one in series]).score == 0
    assert nab.score(series, [[1.0] * len(one.values) for one in series]).score == 0


def test_precision_and_areas_are_those_of_textbooks() -> None:
    """On a ranking of five with two anomalies, by hand; cases of one score are taken together."""
    labelled = part("labelled")
    labels, scores = [True, False, True, False, False], [5.0, 4.0, 3.0, 2.0, 1.0]
    assert labelled.average_precision(labels, scores) == pytest.approx((1 + 2 / 3) / 2)
    assert labelled.roc_auc(labels, scores) == pytest.approx(5 / 6)
    assert labelled.precision_at(labels, scores, 2) == 0.5
    assert labelled.best_f1(labels, scores) == pytest.approx(0.8)
    assert labelled.average_precision(labels, [1.0] * 5) == pytest.approx(0.4)
    assert labelled.roc_auc(labels, [1.0] * 5) == 0.5
