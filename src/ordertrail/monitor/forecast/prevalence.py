"""How common breaches are now, worked out from scores alone, before any truth is known.

Where breaches become rarer, low scores become more frequent. How probable a breach is before anything is seen of an
order, is what makes the mean of the probabilities of the present its own: expectation maximisation (Saerens, Latinne &
Decaestecker, Adjusting the Outputs of a Classifier to New a Priori Probabilities, 2002), a step for each telling, drawn
to training by imaginary forecasts. It supposes that breaches look as they did, and are only more or fewer; where that
is wrong, the truth corrects it once it is known.
"""

from collections import deque
from collections.abc import Sequence
from math import log

import numpy as np

from ordertrail.monitor.forecast.drift import WINDOW

PULL = 20.0
"""Imaginary forecasts as in training."""


class Prevalence:
    """The shift of log-odds from how common breaches were in training to how common they are now."""

    def __init__(self, base: float) -> None:
        """``base`` is the share of breaches in training, above 0 and below 1."""
        self._base = self._now = base
        self._odds: deque[float] = deque(maxlen=WINDOW)

    @property
    def shift(self) -> float:
        """What is added to log-odds now."""
        return _logit(self._now) - _logit(self._base)

    def see(self, odds: Sequence[float]) -> None:
        """Take note of calibrated log-odds that are told now."""
        self._odds.extend(odds)
        expected = float((1.0 / (1.0 + np.exp(-(np.array(self._odds) + self.shift)))).sum())
        self._now = (expected + PULL * self._base) / (len(self._odds) + PULL)


def _logit(probability: float) -> float:
    return log(probability / (1.0 - probability))
