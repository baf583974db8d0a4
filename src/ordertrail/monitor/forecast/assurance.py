"""How far a model may be believed now: what came true corrects what is said next.

Scores alone say how common breaches are now (``prevalence``). Each forecast waits until the truth of its order is
known, and then moves three things: the offset that keeps probabilities level with what happens (in log-odds, drawn to 0
by ``PULL`` imaginary forecasts), the levels of the conformal sets, and the watches for drift. An order counts as one,
however many forecasts were made of it. Where drift is grave, forecasts rest on the target's own rule, and abstain,
until the watches are quiet again.

What is corrected never changes a model's ranking at a moment, nor the model file.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log

import numpy as np

from ordertrail.monitor.forecast.calibration import Isotonic
from ordertrail.monitor.forecast.conformal import Adaptive, Conformal
from ordertrail.monitor.forecast.drift import (
    SHIFTED,
    WINDOW,
    Adwin,
    Drifted,
    Ranking,
    Signal,
    edges,
    shares,
    stability,
)
from ordertrail.monitor.forecast.forecast import Corrections, Outcome
from ordertrail.monitor.forecast.prevalence import PULL, Prevalence

PACE = 0.1
"""By how much an order moves the level of its outcome, of a step from alpha to a miss."""

LATEST = 500
"""Forecasts of known truth that the offset is worked out from."""

FAR = 0.15
"""Mean residual beyond which probabilities are no longer used."""

_ENOUGH = 200
_TURNS = 20


@dataclass(frozen=True, slots=True)
class Scored:
    """A score, as it was told: the model's log-odds, the probability after all corrections, and the set."""

    score: float
    probability: float
    outcomes: frozenset[Outcome]
    corrections: Corrections


def corrected(
    calibration: Isotonic, conformal: Conformal, scores: Sequence[float], corrections: Corrections
) -> list[Scored]:
    """Return what is told of scores under some corrections: a function of these alone."""
    levels = {Outcome.BREACH: corrections.breach, Outcome.CLEAR: corrections.clear}
    calibrated = calibration.probability(np.array(scores, dtype=np.float64)).tolist()
    return [
        Scored(
            score,
            _sigmoid(_logit(probability) + corrections.offset),
            conformal.outcomes(score, levels),
            corrections,
        )
        for score, probability in zip(scores, calibrated, strict=True)
    ]


class Assurance:
    """What stands between a model's scores and what people are told. Used by one thread."""

    def __init__(
        self,
        calibration: Isotonic,
        conformal: Conformal,
        training: Sequence[float] = (),
        *,
        pace: float = PACE,
    ) -> None:
        self._calibration, self._conformal = calibration, conformal
        self._levels = Adaptive(conformal.alpha, pace)
        self._known: deque[tuple[float, bool]] = deque(maxlen=LATEST)
        self._offset = 0.0
        self._residuals, self._ranking = Adwin(), Ranking()
        self._moved = False
        self._given: deque[float] = deque(maxlen=WINDOW)
        told = np.array(training, dtype=np.float64)
        self._edges = edges(told) if len(told) else ()
        self._expected = shares(told, self._edges) if len(told) else ()
        self._prevalence = Prevalence(float(calibration.probability(told).mean())) if len(told) else None

    def see(self, scores: Sequence[float]) -> None:
        """Take note of scores of orders that the model has not learned from, each once."""
        self._given.extend(scores)
        if self._prevalence is not None:
            self._prevalence.see(self._odds(scores))

    def tell(self, scores: Sequence[float]) -> list[Scored]:
        """Return what is said of scores now."""
        return corrected(self._calibration, self._conformal, scores, self.corrections)

    def probabilities(self, scores: Sequence[float]) -> list[float]:
        """Return the probabilities of scores that nobody is told of."""
        return [one.probability for one in self.tell(scores)]

    @property
    def corrections(self) -> Corrections:
        """What is corrected now."""
        levels = self._levels.levels
        return Corrections(self._offset + self._shift, levels[Outcome.BREACH], levels[Outcome.CLEAR])

    def learn(self, forecasts: Sequence[Scored], *, truth: bool) -> None:
        """Take note of what became of an order, of which these forecasts were made."""
        if not forecasts:
            return
        outcome = Outcome.BREACH if truth else Outcome.CLEAR
        for one in forecasts:
            self._levels.learn(outcome, covered=outcome in one.outcomes, share=1.0 / len(forecasts))
        self._known.extend((odds, truth) for odds in self._odds([one.score for one in forecasts]))
        self._offset = _offset(self._known, self._shift)
        residual = float(truth) - sum(one.probability for one in forecasts) / len(forecasts)
        self._moved = self._residuals.add(residual) or self._moved
        self._ranking.add(sum(one.score for one in forecasts) / len(forecasts), truth=truth)

    @property
    def _shift(self) -> float:
        return 0.0 if self._prevalence is None else self._prevalence.shift

    def _odds(self, scores: Sequence[float]) -> list[float]:
        """Return the calibrated log-odds of scores."""
        return [
            _logit(one) for one in self._calibration.probability(np.array(scores, dtype=np.float64)).tolist()
        ]

    def signals(self) -> tuple[Signal, ...]:
        """Return what has drifted."""
        found = [self._inputs(), self._drifted_residuals(), self._ranking.signal()]
        return tuple(one for one in found if one is not None)

    @property
    def trusted(self) -> bool:
        """Whether forecasts may rest on the model now."""
        return not any(one.grave for one in self.signals())

    def _inputs(self) -> Signal | None:
        if len(self._given) < _ENOUGH or not self._expected:
            return None
        index = stability(self._expected, shares(np.array(self._given), self._edges))
        if index <= SHIFTED:
            return None
        sentence = (
            f"Scores are spread otherwise than in training: the population stability index is {index:.2f}."
        )
        return Signal(Drifted.INPUTS, index, sentence, grave=False)

    def _drifted_residuals(self) -> Signal | None:
        mean = self._residuals.mean
        if not self._moved or abs(mean) <= FAR:
            return None
        way = "more" if mean > 0 else "fewer"
        sentence = f"Of every hundred orders some {abs(mean) * 100:.0f} {way} breach than was said."
        return Signal(Drifted.RESIDUALS, mean, sentence, grave=True)


def _offset(known: Sequence[tuple[float, bool]], shift: float) -> float:
    """Return what is added to shifted log-odds so that as many breach as is said: Newton's method, drawn to 0."""
    odds = np.array([one for one, _truth in known]) + shift
    truths = float(sum(truth for _odds, truth in known))
    offset = 0.0
    for _ in range(_TURNS):
        said = 1.0 / (1.0 + np.exp(-(odds + offset)))
        slope = float((said * (1.0 - said)).sum()) + PULL
        offset += (truths - float(said.sum()) - PULL * offset) / slope
    return offset


def _logit(probability: float) -> float:
    return log(probability / (1.0 - probability))


def _sigmoid(odds: float) -> float:
    return 1.0 / (1.0 + exp(-odds)) if odds >= 0 else exp(odds) / (1.0 + exp(odds))
