"""From a score to a probability that keeps its word: isotonic regression (pool adjacent violators), by break points.

Learned from scores of orders that the model had not learned from. Between two break points the probability runs
straight; beyond the outermost it stays. No probability is 0 or 1, because no number of orders proves that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ordertrail.monitor.forecast.columns import Vector

BINS = 10


@dataclass(frozen=True, slots=True)
class Isotonic:
    """Break points: scores that rise strictly, and the probability at each, which never falls."""

    scores: tuple[float, ...]
    probabilities: tuple[float, ...]

    def probability(self, scores: Vector) -> Vector:
        """Return the probability of each score."""
        return np.asarray(np.interp(scores, self.scores, self.probabilities), dtype=np.float64)

    def as_json(self) -> dict[str, Any]:
        """Return it as it stands in a model file."""
        return {"scores": list(self.scores), "probabilities": list(self.probabilities)}


def fit_isotonic(scores: Vector, truths: NDArray[np.bool_], weights: Vector | None = None) -> Isotonic:
    """Return the isotonic regression of truths on scores, each block at its mean score. ValueError without any."""
    if not len(scores):
        raise ValueError("a calibration needs scores")
    weight = np.ones(len(scores)) if weights is None else weights
    order = np.argsort(scores, kind="stable")
    blocks: list[tuple[float, float, float]] = []  # weight, weighted breaches, weighted scores
    for score, truth, heft in zip(scores[order], truths[order], weight[order], strict=True):
        block = (float(heft), float(heft) * bool(truth), float(heft) * float(score))
        while blocks and blocks[-1][1] * block[0] >= block[1] * blocks[-1][0]:
            last = blocks.pop()
            block = (last[0] + block[0], last[1] + block[1], last[2] + block[2])
        blocks.append(block)
    return _smoothed(blocks, float(weight.sum()))


def _smoothed(blocks: Sequence[tuple[float, float, float]], total: float) -> Isotonic:
    """Return break points, with half a breach and half a clear order added to the outermost blocks."""
    points: dict[float, float] = {}
    for heft, breaches, scores in blocks:
        probability = breaches / heft
        least = 0.5 / (total + 1.0) if probability in {0.0, 1.0} and heft == total else 0.5 / (heft + 1.0)
        points[scores / heft] = min(1.0 - least, max(least, probability))
    rising = np.maximum.accumulate([points[score] for score in sorted(points)])
    return Isotonic(tuple(sorted(points)), tuple(float(one) for one in rising))


def read_isotonic(told: dict[str, Any]) -> Isotonic:
    """Read break points back. Raises KeyError, TypeError or ValueError where they are none."""
    scores = tuple(float(one) for one in told["scores"])
    probabilities = tuple(float(one) for one in told["probabilities"])
    if not scores or len(scores) != len(probabilities):
        raise ValueError("a calibration has one probability for each score")
    if any(one >= other for one, other in pairwise(scores)):
        raise ValueError("the scores of a calibration rise")
    if any(one > other for one, other in pairwise(probabilities)):
        raise ValueError("the probabilities of a calibration do not fall")
    return Isotonic(scores, probabilities)


def calibration_error(probabilities: Vector, truths: NDArray[np.bool_], bins: int = BINS) -> float:
    """Return the expected calibration error: over bins of equal width, how far probability and truth are apart.

    Source: Guo et al., On Calibration of Modern Neural Networks (2017), section 2.
    """
    place = np.minimum((probabilities * bins).astype(int), bins - 1)
    error = 0.0
    for number in range(bins):
        here = place == number
        if here.any():
            apart = abs(float(probabilities[here].mean()) - float(truths[here].mean()))
            error += apart * float(here.mean())
    return error


def ranking(scores: Vector, truths: NDArray[np.bool_]) -> float:
    """Return the area under the ROC curve; ties count half, and 0.5 where there is only one truth."""
    breaches = int(truths.sum())
    clear = len(truths) - breaches
    if not breaches or not clear:
        return 0.5
    _unique, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks = (ends - (counts - 1) / 2.0)[place]
    return float((ranks[truths].sum() - breaches * (breaches + 1) / 2.0) / (breaches * clear))


def ranking_doubt(area: float, breaches: int, clear: int) -> float:
    """Return the standard error of an area under the ROC curve of so many orders (Hanley & McNeil 1982)."""
    one, two = area / (2.0 - area), 2.0 * area * area / (1.0 + area)
    spread = area * (1.0 - area) + (breaches - 1) * (one - area**2) + (clear - 1) * (two - area**2)
    return float(np.sqrt(max(0.0, spread) / (breaches * clear)))


def average_precision(scores: Vector, truths: NDArray[np.bool_]) -> float:
    """Return the area under the precision-recall curve, by steps; the share of breaches where scores say nothing."""
    breaches = int(truths.sum())
    if not breaches:
        return 0.0
    order = np.argsort(-scores, kind="stable")
    ordered, hits = scores[order], np.cumsum(truths[order])
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    precision, recall = hits[ends] / (ends + 1.0), hits[ends] / breaches
    return float(np.sum(precision * np.diff(recall, prepend=0.0)))
