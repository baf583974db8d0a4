"""Learning from examples: which learner, how sure, and what of it may be believed. Pure: no clock, no store.

Time runs one way: a fold learns from the orders that began first, and is judged by those that began next; what the
earlier orders did after the first of the later ones began is left out. Learners stand side by side, and by how they
rank over all folds one is taken (:func:`chosen`). Its scores in the folds, of orders that it had not learned from, are
what the calibration and the conformal sets are made of; then it learns once more, from all. What ranks no better than
chance is no model.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ordertrail.kernel.errors import InputError
from ordertrail.monitor.forecast.calibration import (
    Isotonic,
    calibration_error,
    fit_isotonic,
    ranking,
    ranking_doubt,
)
from ordertrail.monitor.forecast.columns import Columns, Examples, Matrix, Vector, choose
from ordertrail.monitor.forecast.conformal import Conformal, fit_conformal
from ordertrail.monitor.forecast.ports import Learner, Scorer

ALPHA = 0.1
FOLDS = ((0.55, 0.7), (0.7, 0.85), (0.85, 1.0))
"""Of each fold, the shares of orders, by their beginning, up to which it learns and up to which it is judged."""

CHANCE = 0.5
"""The area under the ROC curve of what knows nothing."""

SURELY = 1.64
"""Standard errors by which a mean lies above chance in nineteen of twenty cases."""

LEAST_ORDERS = 30
LEAST_OF_EACH = 5
"""Orders that breached, and that did not, below which nothing is learned."""

Rows = NDArray[np.intp]
Advance = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Judged:
    """How a learner ranked in each fold: the area under the ROC curve."""

    learner: str
    folds: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean over the folds."""
        return sum(self.folds) / len(self.folds)

    @property
    def doubt(self) -> float:
        """The standard error of the mean; 0 where there is a single fold."""
        return float(np.std(self.folds, ddof=1)) / len(self.folds) ** 0.5 if len(self.folds) > 1 else 0.0

    @property
    def kind(self) -> str:
        """The learner's name without its strength."""
        return self.learner.partition(" ")[0]


@dataclass(frozen=True, slots=True)
class Learned:
    """What came of learning. ``error`` is the calibration's, of the last fold by the folds before it.

    ``held``, ``truths`` and ``held_orders`` are the scores of the folds, by when their orders began, what became of
    these orders, and their numbers.
    """

    columns: Columns
    scorer: Scorer
    calibration: Isotonic
    conformal: Conformal
    judged: tuple[Judged, ...]
    chosen: str
    error: float
    base: float
    orders: int
    examples: int
    held: Vector
    truths: NDArray[np.bool_]
    held_orders: tuple[int, ...]


def learn(  # noqa: PLR0913 - what learning depends on is said, all of it
    examples: Examples,
    learners: Sequence[Learner],
    *,
    seed: int,
    alpha: float = ALPHA,
    without: Sequence[str] = (),
    advance: Advance = lambda _: None,
) -> Learned:
    """Learn from prefixes whose orders are numbered by when they began.

    Raises InputError where there are too few orders to learn from, or nothing that is learned ranks better than chance.
    """
    _check_enough(examples)
    folds = [fold for fold in (_fold(examples, *part) for part in FOLDS) if _two_sided(examples, fold)]
    if not folds:
        raise _too_few("no stretch of time has orders that breached and orders that did not")
    scores = [_held(examples, learner, folds, seed, without, advance) for learner in learners]
    judged = tuple(
        Judged(learner.name, tuple(map(ranking, of_learner, (examples.truth[next_] for _, next_ in folds))))
        for learner, of_learner in zip(learners, scores, strict=True)
    )
    best, rows = chosen(judged), np.concatenate([next_ for _, next_ in folds])
    if not _is_proven(examples, rows, judged[best]):
        raise _too_few("no learner ranks orders that it has not seen surely better than chance")
    advance(f"{learners[best].name}, all orders")
    every = np.arange(len(examples), dtype=np.intp)
    columns = choose(examples, every, without)
    held, truths = np.concatenate(scores[best]), examples.truth[rows]
    return Learned(
        columns=columns,
        scorer=fit(examples, learners[best], columns, every, seed),
        calibration=fit_isotonic(
            held, truths, np.concatenate([order_weights(examples, next_) for _, next_ in folds])
        ),
        conformal=fit_conformal(held, truths, alpha),
        judged=judged,
        chosen=learners[best].name,
        error=_last_error(scores[best], [examples.truth[next_] for _, next_ in folds]),
        base=float(examples.truth.mean()),
        orders=len(set(examples.orders)),
        examples=len(examples),
        held=held,
        truths=truths,
        held_orders=tuple(examples.orders[row] for row in rows),
    )


def _held(  # noqa: PLR0913, PLR0917 - as learning itself
    examples: Examples,
    learner: Learner,
    folds: Sequence[tuple[Rows, Rows]],
    seed: int,
    without: Sequence[str],
    advance: Advance,
) -> list[Vector]:
    """Return a learner's scores in each fold."""
    scores = []
    for place, (past, next_) in enumerate(folds, 1):
        advance(f"{learner.name}, fold {place} of {len(folds)}")
        columns = choose(examples, past, without)
        scorer = fit(examples, learner, columns, past, seed)
        scores.append(scorer.scores(examples.matrix(columns, next_)))
    return scores


def chosen(judged: Sequence[Judged]) -> int:
    """Return the place of the learner that is taken.

    Of all kinds the one with the best mean; of its strengths, which stand from the strictest on, the first whose mean
    lies within one standard error of the best (Hastie, Tibshirani & Friedman, section 7.10): folds are few, and a
    looser one that is no surer is only looser.
    """
    best = max(range(len(judged)), key=lambda place: (judged[place].mean, -place))
    least = judged[best].mean - judged[best].doubt
    return next(
        place
        for place, one in enumerate(judged)
        if one.kind == judged[best].kind and (one.mean >= least or place == best)
    )


def fit(examples: Examples, learner: Learner, columns: Columns, rows: Rows, seed: int) -> Scorer:
    """Have a learner learn from some prefixes."""
    matrix: Matrix = examples.matrix(columns, rows)
    return learner.fit(matrix, examples.truth[rows].astype(np.float64), order_weights(examples, rows), seed)


def order_weights(examples: Examples, rows: Rows) -> Vector:
    """Return weights by which an order counts as the root of its prefixes: long ones more, but not by their length."""
    counts = Counter(examples.orders[row] for row in rows)
    weights = np.array([counts[examples.orders[row]] ** -0.5 for row in rows])
    scaled: Vector = weights / weights.mean()
    return scaled


def _fold(examples: Examples, past: float, until: float) -> tuple[Rows, Rows]:
    """Return the prefixes that a fold learns from and those that it is judged by."""
    orders = np.array(examples.orders)
    known = np.unique(orders)
    cut, end = int(past * len(known)), int(until * len(known))
    next_ = np.flatnonzero(np.isin(orders, known[cut:end]))
    times = np.array(examples.times)
    before = times < times[next_].min() if len(next_) else np.zeros(len(times), dtype=bool)
    return np.flatnonzero(np.isin(orders, known[:cut]) & before), next_


def _two_sided(examples: Examples, fold: tuple[Rows, Rows]) -> bool:
    return all(len(rows) and 0 < examples.truth[rows].mean() < 1 for rows in fold)


def _is_proven(examples: Examples, held: Rows, judged: Judged) -> bool:
    """Say whether a learner surely ranks better than chance; an order is one, however many prefixes it has."""
    truths = {examples.orders[row]: examples.truths[row] for row in held}
    breaches = sum(truths.values())
    doubt = ranking_doubt(judged.mean, breaches, len(truths) - breaches)
    return judged.mean - SURELY * doubt > CHANCE and judged.folds[-1] > CHANCE


def _last_error(scores: Sequence[Vector], truths: Sequence[NDArray[np.bool_]]) -> float:
    """Return the calibration error in the last fold, calibrated by those before it; of a single fold, by itself."""
    before = scores[:-1] or scores
    known = truths[:-1] or truths
    calibration = fit_isotonic(np.concatenate(before), np.concatenate(known))
    return calibration_error(calibration.probability(scores[-1]), truths[-1])


def _check_enough(examples: Examples) -> None:
    breached = {order for order, truth in zip(examples.orders, examples.truths, strict=True) if truth}
    every = set(examples.orders)
    if len(every) < LEAST_ORDERS or min(len(breached), len(every - breached)) < LEAST_OF_EACH:
        raise _too_few(
            f"there are {len(every)} orders, of which {len(breached)} breached; it takes {LEAST_ORDERS}, "
            f"and {LEAST_OF_EACH} of each outcome"
        )


def _too_few(why: str) -> InputError:
    return InputError(
        f"nothing can be learned: {why}",
        meaning="No model was made; forecasts rest on the target's own rule.",
        remedy="Wait for more trade, or declare the target more widely.",
    )
