import numpy as np
import pytest

from monitor.forecast.small import LEARNERS, drawn, gathered, indexed, target
from ordertrail.adapters.learning.regression import L1Logistic
from ordertrail.adapters.learning.trees import LightGbm
from ordertrail.kernel.errors import InputError
from ordertrail.monitor.forecast.calibration import ranking
from ordertrail.monitor.forecast.columns import BASELINE, Examples, choose
from ordertrail.monitor.forecast.gathering import Gathering
from ordertrail.monitor.forecast.leakage import Leak, suspects
from ordertrail.monitor.forecast.training import Judged, chosen, learn
from ordertrail.testing.year import Year


def test_a_signal_is_found_and_noise_is_not() -> None:
    """What depends on one value is learned from it, and the L1 penalty gives the others little or nothing."""
    learned = learn(drawn(np.random.default_rng(1), 300), LEARNERS, seed=7)
    weights = dict(zip(learned.columns.names, learned.scorer.importance(), strict=True))
    assert weights["number signal last"] > 0.8
    assert all(one.mean > 0.85 for one in learned.judged)


def test_learning_twice_gives_the_same_bytes() -> None:
    """The same examples, learners and seed make the same model, to the last bit."""
    rows = drawn(np.random.default_rng(2), 120)
    for learner in (L1Logistic(0.1), LightGbm()):
        one, other = (learn(rows, (learner,), seed=3) for _ in range(2))
        assert one.scorer.as_json() == other.scorer.as_json()
        assert (one.held == other.held).all()


def test_nothing_is_learned_from_what_comes_later() -> None:
    """A fold is judged by orders that began after all that it learned from: what only time tells is worth nothing.

    The truth alternates by quarters of the time. Were folds drawn at random, a tree would know the quarter by its time.
    """
    rng, examples = np.random.default_rng(3), Examples()
    for order in range(400):
        truth = bool(rng.random() < (0.9 if order // 40 % 2 else 0.1))
        examples.add(
            examples.packed({"clock": float(order)}), order=order, time=order, truth=truth, known=order
        )
    with pytest.raises(InputError, match="better than chance"):
        learn(examples, (LightGbm(),), seed=7)


def test_what_cannot_be_foreseen_is_not_foreseen() -> None:
    """Where values tell nothing of the truth there is no model, and so no forecast that claims to know."""
    rng, examples = np.random.default_rng(11), Examples()
    for order in range(300):
        truth = bool(rng.random() < 0.3)
        values = {"noise": float(rng.normal()), "more noise": float(rng.normal())}
        examples.add(examples.packed(values), order=order, time=order, truth=truth, known=order)
    with pytest.raises(InputError, match="better than chance"):
        learn(examples, LEARNERS, seed=7)


def test_too_little_to_learn_from_is_said() -> None:
    """Few orders, or hardly any breach, is no ground for a model."""
    with pytest.raises(InputError, match="29 orders"):
        learn(drawn(np.random.default_rng(4), 29), LEARNERS, seed=7)
    clear = Examples()
    for order in range(100):
        clear.add(clear.packed({"x": 1.0}), order=order, time=order, truth=order < 4, known=order)
    with pytest.raises(InputError, match="of which 4 breached"):
        learn(clear, LEARNERS, seed=7)


@pytest.mark.parametrize(
    ("year", "leak", "feature"),
    [
        (Year(900, 5, label_leak=True), Leak.LABEL, "count tag=lost"),
        (Year(900, 5, time_leak=True), Leak.TIME, "count action=payment.void"),
    ],
)
def test_planted_leaks_are_named(year: Year, leak: Leak, feature: str) -> None:
    """A tag that knows the end, and an event that the breach writes itself, are named; nothing else is."""
    examples = gathered(indexed(year), target())
    found = suspects(examples, choose(examples, range(len(examples))))
    assert (leak, feature) in {(one.leak, one.feature) for one in found}
    assert {one.feature.partition(" ")[2] for one in found} == {feature.partition(" ")[2]}


def test_nothing_is_named_where_nothing_leaks() -> None:
    """An honest year has no value that knows the answer."""
    examples = gathered(indexed(Year(900, 5)), target())
    assert suspects(examples, choose(examples, range(len(examples)))) == ()


def test_what_is_left_out_by_name_is_in_no_column() -> None:
    """Left out is left out, and the base rule's word never is a column."""
    examples = gathered(indexed(Year(300, 6)), target())
    columns = choose(examples, range(len(examples)), without=("count action=item.", "number"))
    assert not [name for name in columns.names if name.startswith(("count action=item.", "number", BASELINE))]
    assert any(BASELINE in examples.values(row) for row in range(len(examples)))


def test_a_sample_is_of_whole_orders_and_no_larger_than_allowed() -> None:
    """Of too many examples, whole orders are let go; those that stay have all of their prefixes."""
    events, whole = indexed(Year(400, 8)), Gathering((target(),))
    few = Gathering((target(),), most=500)
    for event in events:
        whole.take(event)
        few.take(event)
    whole.settle(1 << 62)
    few.settle(1 << 62)
    every, some = whole.examples["cancelled"], few.examples["cancelled"]
    assert 0 < len(some) <= 500 < len(every)
    assert 0 < few.share("cancelled") < 1
    for order in set(some.orders):
        assert some.orders.count(order) == every.orders.count(order)
    row = every.orders.index(some.orders[0])
    assert every.values(row) == some.values(0)


def test_columns_are_those_of_the_packed_prefixes() -> None:
    """A row is the prefix's values under their names, and 0 for what it lacks."""
    examples = gathered(indexed(Year(60, 9)), target())
    columns = choose(examples, range(len(examples)))
    matrix = examples.matrix(columns, range(len(examples)))
    for row in range(0, len(examples), 37):
        values = examples.values(row)
        assert matrix[row].tolist() == [values.get(name, 0.0) for name in columns.names]
    assert (matrix == columns.rows([examples.values(row) for row in range(len(examples))])).all()


def test_scores_of_a_row_do_not_depend_on_its_company() -> None:
    """Alone, in a batch or backwards: the same bits."""
    examples = drawn(np.random.default_rng(7), 150)
    learned = learn(examples, LEARNERS, seed=7)
    for learner in LEARNERS:
        scorer = learn(examples, (learner,), seed=7).scorer
        rows = examples.matrix(learned.columns, range(len(examples)))
        together, backwards = scorer.scores(rows), scorer.scores(rows[::-1].copy())[::-1]
        alone = [float(scorer.scores(row.reshape(1, -1))[0]) for row in rows[:50]]
        assert together.tobytes() == backwards.tobytes()
        assert together[:50].tolist() == alone


def test_weights_of_trees_add_up_to_the_score() -> None:
    """What each column adds, with what all trees begin from, is the score."""
    examples = drawn(np.random.default_rng(8), 150)
    scorer = learn(examples, (LightGbm(),), seed=7).scorer
    rows = examples.matrix(choose(examples, range(len(examples))), range(40))
    begun = [
        float(score - scorer.weights(row).sum()) for score, row in zip(scorer.scores(rows), rows, strict=True)
    ]
    assert begun == pytest.approx([begun[0]] * len(begun), abs=1e-6)


def test_ranking_of_held_scores_is_what_was_judged() -> None:
    """The figures of the folds can be had again from what was held."""
    learned = learn(drawn(np.random.default_rng(9), 200), (L1Logistic(0.1),), seed=7)
    assert len(learned.held) == len(learned.truths) == len(learned.held_orders)
    assert ranking(learned.held, learned.truths) == pytest.approx(learned.judged[0].mean, abs=0.05)


def test_the_strictest_that_is_not_surely_worse_is_taken() -> None:
    """Strengths within a standard error of the best are as good as it; another kind has to rank best outright."""
    strict, loose = Judged("l1 C=1", (0.70, 0.80, 0.75)), Judged("l1 C=2", (0.70, 0.82, 0.78))
    assert chosen([strict, loose]) == 0
    assert chosen([Judged("l1 C=1", (0.5, 0.6, 0.5)), loose]) == 1
    assert chosen([strict, loose, Judged("trees", (0.77, 0.77, 0.77))]) == 2
    assert chosen([strict, loose, Judged("trees", (0.76, 0.76, 0.76))]) == 0
