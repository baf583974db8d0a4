from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression  # type: ignore[import-untyped]
from sklearn.metrics import average_precision_score, roc_auc_score  # type: ignore[import-untyped]

from ordertrail.monitor.forecast.assurance import Assurance, Scored
from ordertrail.monitor.forecast.calibration import (
    average_precision,
    calibration_error,
    fit_isotonic,
    ranking,
)
from ordertrail.monitor.forecast.conformal import fit_conformal
from ordertrail.monitor.forecast.drift import Adwin, Drifted, Ranking, edges, shares, stability
from ordertrail.monitor.forecast.forecast import Outcome

PAIRS = st.lists(st.tuples(st.integers(-8, 8), st.booleans()), min_size=2, max_size=60).filter(
    lambda told: 0 < sum(truth for _score, truth in told) < len(told)
)


def _arrays(told: list[tuple[int, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([float(score) for score, _truth in told]), np.array([truth for _score, truth in told])


@given(PAIRS)
def test_measures_are_those_of_others(told: list[tuple[int, bool]]) -> None:
    """The area under the ROC curve and average precision, ties included, are scikit-learn's."""
    scores, truths = _arrays(told)
    assert ranking(scores, truths) == pytest.approx(roc_auc_score(truths, scores))
    assert average_precision(scores, truths) == pytest.approx(average_precision_score(truths, scores))


@given(PAIRS)
def test_calibration_never_falls_and_is_never_sure(told: list[tuple[int, bool]]) -> None:
    """A higher score never means less, and no probability is 0 or 1."""
    scores, truths = _arrays(told)
    found = fit_isotonic(scores, truths).probability(np.linspace(-10, 10, 101))
    assert (np.diff(found) >= 0).all()
    assert 0 < found.min() <= found.max() < 1


def test_blocks_are_those_of_pool_adjacent_violators() -> None:
    """At its own scores the calibration is as close to the truth as scikit-learn's isotonic regression."""
    rng = np.random.default_rng(3)
    scores = rng.normal(size=3_000)
    truths = rng.random(3_000) < 1 / (1 + np.exp(-2 * scores))
    ours = fit_isotonic(scores, truths).probability(scores)
    theirs = IsotonicRegression(y_min=0, y_max=1).fit(scores, truths).predict(scores)
    assert np.abs(ours - theirs).mean() < 0.01
    assert calibration_error(ours, truths) < 0.02


def test_sets_cover_what_they_promise() -> None:
    """Of fresh orders of either outcome, 90 % have it in their set, within three standard errors."""
    rng = np.random.default_rng(5)

    def drawn(count: int) -> tuple[np.ndarray, np.ndarray]:
        truths = rng.random(count) < 0.2
        return rng.normal(size=count) + 1.5 * truths, truths

    conformal = fit_conformal(*drawn(4_000), alpha=0.1)
    scores, truths = drawn(4_000)
    for outcome, chosen in ((Outcome.BREACH, truths), (Outcome.CLEAR, ~truths)):
        covered = [outcome in conformal.outcomes(float(score)) for score in scores[chosen]]
        assert abs(np.mean(covered) - 0.9) < 3 * sqrt(0.09 / len(covered)) + 0.01


def test_a_score_like_no_other_has_no_outcome() -> None:
    """What lies between two outcomes that lie apart is like neither: the forecast abstains."""
    scores = np.concatenate([np.linspace(-9, -8, 50), np.linspace(8, 9, 50)])
    conformal = fit_conformal(scores, scores > 0, alpha=0.1)
    assert conformal.outcomes(0.0) == frozenset()
    assert conformal.outcomes(8.5) == {Outcome.BREACH}


def _assurance(rng: np.random.Generator) -> Assurance:
    truths = rng.random(2_000) < 0.3
    scores = rng.normal(size=2_000) + 2 * truths
    return Assurance(fit_isotonic(scores, truths), fit_conformal(scores, truths, 0.1), scores.tolist())


def _told(assurance: Assurance, score: float) -> Scored:
    assurance.see([score])
    return assurance.tell([score])[0]


def test_coverage_comes_back_after_the_world_has_moved() -> None:
    """Where breaches look otherwise than in training, what came true widens the sets until they cover again."""
    rng = np.random.default_rng(1)
    assurance, covered = _assurance(rng), []
    for _ in range(3_000):
        truth = bool(rng.random() < 0.3)
        told = _told(assurance, float(rng.normal() + (0.8 if truth else 0.0)))
        covered.append((Outcome.BREACH if truth else Outcome.CLEAR) in told.outcomes)
        assurance.learn([told], truth=truth)
    assert np.mean(covered[1_000:]) == pytest.approx(0.9, abs=0.02)


def test_probabilities_come_level_with_what_happens() -> None:
    """Where twice as many breach as in training, the offset corrects what is said."""
    rng = np.random.default_rng(2)
    assurance, said, came = _assurance(rng), [], []
    for _ in range(2_000):
        truth = bool(rng.random() < 0.6)
        told = _told(assurance, float(rng.normal() + 2 * truth))
        said.append(told.probability)
        came.append(truth)
        assurance.learn([told], truth=truth)
    assert calibration_error(np.array(said[1_000:]), np.array(came[1_000:])) < 0.05


def test_probabilities_follow_how_common_breaches_are_before_any_truth_is_known() -> None:
    """Where a third as many breach, scores alone bring what is said nearer to it; the same trade moves it little."""
    rng = np.random.default_rng(3)
    errors, shifts = {}, {}
    for share in (0.1, 0.3):
        assurance = _assurance(rng)
        uncorrected = _assurance(rng)
        truths = rng.random(1_500) < share
        scores = (rng.normal(size=1_500) + 2 * truths).tolist()
        said = [_told(assurance, score).probability for score in scores][500:]
        before = [one.probability for one in uncorrected.tell(scores)][500:]
        errors[share] = [calibration_error(np.array(told), truths[500:]) for told in (before, said)]
        shifts[share] = assurance.corrections.offset
    assert errors[0.1][1] < errors[0.1][0] / 2
    assert shifts[0.1] < -0.8
    assert abs(shifts[0.3]) < 0.3


def test_what_ranks_below_chance_is_not_trusted() -> None:
    """A model whose scores run the wrong way is put aside, and says why."""
    rng = np.random.default_rng(4)
    assurance = _assurance(rng)
    for _ in range(200):
        truth = bool(rng.random() < 0.3)
        assurance.learn([_told(assurance, float(rng.normal() - 2 * truth))], truth=truth)
    assert not assurance.trusted
    assert Drifted.RANKING in {one.drifted for one in assurance.signals()}


def test_what_stays_as_it_was_is_trusted() -> None:
    """No watch cries wolf over two thousand orders of the same kind."""
    rng = np.random.default_rng(6)
    assurance = _assurance(rng)
    for _ in range(2_000):
        truth = bool(rng.random() < 0.3)
        assurance.learn([_told(assurance, float(rng.normal() + 2 * truth))], truth=truth)
        assert assurance.trusted
    assert assurance.signals() == ()


def test_adwin_forgets_what_was_before_a_change_and_nothing_else() -> None:
    """A window grows while the mean stays, and drops its older part when it moves."""
    rng = np.random.default_rng(8)
    window = Adwin()
    assert not any(window.add(float(one)) for one in rng.normal(0, 0.3, 350))
    assert any(window.add(float(one)) for one in rng.normal(1, 0.3, 100))
    assert window.mean > 0.8


def test_stability_is_nothing_where_nothing_moved() -> None:
    """The population stability index is near 0 for the same spread, and large for another."""
    rng = np.random.default_rng(9)
    scores = rng.normal(size=5_000)
    inner = edges(scores)
    expected = shares(scores, inner)
    assert stability(expected, shares(rng.normal(size=5_000), inner)) < 0.02
    assert stability(expected, shares(rng.normal(1.5, 1, size=5_000), inner)) > 0.25


def test_a_ranking_of_too_few_is_not_judged() -> None:
    """Two breaches say nothing about a ranking; of three that come last it is said."""
    judged = Ranking()
    for number in range(2):
        judged.add(-float(number), truth=True)
    for number in range(20):
        judged.add(float(number + 1), truth=False)
    assert judged.area() is None
    assert judged.signal() is None
    judged.add(-3.0, truth=True)
    signal = judged.signal()
    assert signal is not None
    assert (signal.grave, signal.measure) == (True, 0.0)
