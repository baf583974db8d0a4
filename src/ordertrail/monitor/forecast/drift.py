"""Whether the present is still like what was learned from: three watches, each of something else.

* **Inputs**: the population stability index of the scores that are given now against those of training. More than 0.25
  is a large shift (Siddiqi 2006). It is noted; nothing is known yet of whether forecasts are wrong.
* **Residuals**: ADWIN (Bifet & Gavaldà 2007) over truth minus probability, of orders whose truth came to be known.
* **Ranking**: the area under the ROC curve over the latest of these orders lies below a half, by more than the standard
  error that chance has there (Mann & Whitney 1947): who breaches is ranked last. What ranks worse than chance must not
  be shown, and it takes few breaches to tell; a good model that is put aside for a while costs less.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import log, sqrt

import numpy as np

from ordertrail.monitor.forecast.calibration import ranking
from ordertrail.monitor.forecast.columns import Vector

SHIFTED = 0.25
WINDOW = 400
LEAST = 3
"""Orders of each outcome that a ranking is judged by."""

_BINS = 10
_FLOOR = 1e-4
_CUTS = 8


class Drifted(StrEnum):
    """What is not as it was."""

    INPUTS = "inputs"
    RESIDUALS = "residuals"
    RANKING = "ranking"


@dataclass(frozen=True, slots=True)
class Signal:
    """Something drifted: its measure, and a sentence for people. ``grave`` means that forecasts are not to be used."""

    drifted: Drifted
    measure: float
    sentence: str
    grave: bool


def edges(scores: Vector) -> tuple[float, ...]:
    """Return the inner edges of bins that hold as many training scores each."""
    inner = np.quantile(scores, np.linspace(0.0, 1.0, _BINS + 1)[1:-1])
    return tuple(float(one) for one in np.unique(inner))


def shares(scores: Vector, inner: Sequence[float]) -> tuple[float, ...]:
    """Return the share of scores in each bin."""
    counts = np.bincount(np.searchsorted(np.array(inner), scores, side="right"), minlength=len(inner) + 1)
    return tuple(float(one) for one in counts / max(1, len(scores)))


def stability(expected: Sequence[float], found: Sequence[float]) -> float:
    """Return the population stability index of two distributions over the same bins."""
    one, other = np.maximum(expected, _FLOOR), np.maximum(found, _FLOOR)
    return float(np.sum((other - one) * np.log(other / one)))


class Adwin:
    """A window that forgets what the present is no longer like; ``delta`` is how often it may be wrong in doing so."""

    def __init__(self, delta: float = 0.002, longest: int = WINDOW) -> None:
        self._delta = delta
        self._values: deque[float] = deque(maxlen=longest)

    def __len__(self) -> int:
        return len(self._values)

    @property
    def mean(self) -> float:
        """The mean of the window; 0 where it is empty."""
        return sum(self._values) / len(self._values) if self._values else 0.0

    def add(self, value: float) -> bool:
        """Take a value; say whether the older part of the window was dropped because the mean moved."""
        self._values.append(value)
        dropped = False
        while (cut := self._cut()) is not None:
            for _ in range(cut):
                self._values.popleft()
            dropped = True
        return dropped

    def _cut(self) -> int | None:
        """Return the first place where the window falls into parts of different means (their equation 3.1)."""
        count = len(self._values)
        if count < 2 * _CUTS:
            return None
        values = np.array(self._values)
        older = np.arange(_CUTS, count - _CUTS + 1)
        sums = np.cumsum(values)
        apart = np.abs(sums[older - 1] / older - (sums[-1] - sums[older - 1]) / (count - older))
        harmonic = 1.0 / (1.0 / older + 1.0 / (count - older))
        doubt = log(2.0 * log(count) / self._delta)
        bound = np.sqrt(2.0 / harmonic * float(values.var()) * doubt) + 2.0 / (3.0 * harmonic) * doubt
        places = np.flatnonzero(apart > bound)
        return int(older[places[0]]) if len(places) else None


class Ranking:
    """How orders whose truth is known were ranked, over the latest of them."""

    def __init__(self, longest: int = WINDOW) -> None:
        self._seen: deque[tuple[float, bool]] = deque(maxlen=longest)

    def add(self, score: float, *, truth: bool) -> None:
        """Take an order: its mean score, and what became of it."""
        self._seen.append((score, truth))

    def area(self) -> tuple[float, float] | None:
        """Return the area under the ROC curve, and the standard error of chance; None for too few of an outcome."""
        truths = np.array([truth for _score, truth in self._seen], dtype=bool)
        breaches = int(truths.sum())
        clear = len(truths) - breaches
        if min(breaches, clear) < LEAST:
            return None
        area = ranking(np.array([score for score, _truth in self._seen]), truths)
        return area, sqrt((breaches + clear + 1) / (12 * breaches * clear))

    def signal(self) -> Signal | None:
        """Return what is wrong with the ranking, if anything is."""
        told = self.area()
        if told is None or told[0] + told[1] >= 0.5:
            return None
        sentence = (
            f"Orders that breached were ranked below others: the area under the ROC curve is {told[0]:.2f} over the "
            f"latest {len(self._seen)} orders, where chance has 0.50."
        )
        return Signal(Drifted.RANKING, told[0], sentence, grave=True)
