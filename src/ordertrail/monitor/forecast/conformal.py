"""How sure a forecast is: the set of outcomes that cannot be ruled out at the level asked for.

Split conformal prediction, for each outcome on its own (Vovk, Lindsay & Lim 2012, Mondrian): of all breaches at least
``1 - alpha`` have *breach* in their set, and of all clear orders as many have *clear*. Where the past is not like the
present, :class:`Adaptive` moves the levels by what came true (Gibbs & Candès 2021), so that coverage comes back.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ordertrail.monitor.forecast.columns import Vector
from ordertrail.monitor.forecast.forecast import Outcome

MOST = 2_000
"""Scores that are kept of each outcome: quantiles of all."""


@dataclass(frozen=True, slots=True)
class Conformal:
    """Scores of orders that were not learned from, of those that breached and of those that did not, ascending."""

    breaches: tuple[float, ...]
    clears: tuple[float, ...]
    alpha: float

    def plausibility(self, score: float) -> dict[Outcome, float]:
        """Return for each outcome how large a share of the orders that came to it look no more like it (a p-value)."""
        lower = bisect_right(self.breaches, score)
        higher = len(self.clears) - bisect_left(self.clears, score)
        return {
            Outcome.BREACH: (lower + 1) / (len(self.breaches) + 1),
            Outcome.CLEAR: (higher + 1) / (len(self.clears) + 1),
        }

    def outcomes(self, score: float, levels: Mapping[Outcome, float] | None = None) -> frozenset[Outcome]:
        """Return the outcomes that cannot be ruled out, at ``levels`` other than ``alpha`` if such are given."""
        told = self.plausibility(score)
        return frozenset(
            outcome
            for outcome, plausible in told.items()
            if plausible > (self.alpha if levels is None else levels[outcome])
        )

    def as_json(self) -> dict[str, Any]:
        """Return it as it stands in a model file."""
        return {"breaches": list(self.breaches), "clears": list(self.clears), "alpha": self.alpha}


def fit_conformal(scores: Vector, truths: NDArray[np.bool_], alpha: float) -> Conformal:
    """Return what tells outcomes apart at a level, from scores of orders that were not learned from."""
    return Conformal(_kept(scores[truths]), _kept(scores[~truths]), alpha)


def read_conformal(told: dict[str, Any]) -> Conformal:
    """Read one back. Raises KeyError, TypeError or ValueError where it is none."""
    breaches = tuple(float(one) for one in told["breaches"])
    clears = tuple(float(one) for one in told["clears"])
    alpha = float(told["alpha"])
    if not 0.0 < alpha < 1.0 or list(breaches) != sorted(breaches) or list(clears) != sorted(clears):
        raise ValueError("conformal scores ascend, and alpha is between 0 and 1")
    return Conformal(breaches, clears, alpha)


class Adaptive:
    """The level of each outcome, moved by what came true: after a miss fewer outcomes are ruled out, then more again.

    ``pace`` is by how much; 0 never moves. At a level of 0 or less nothing is ruled out, at 1 everything: it goes back
    by itself, and what it owes is not forgotten, so that in the long run the share of misses is alpha, whatever comes.
    """

    def __init__(self, alpha: float, pace: float) -> None:
        self._alpha, self._pace = alpha, pace
        self.levels = dict.fromkeys(Outcome, alpha)

    def learn(self, outcome: Outcome, *, covered: bool, share: float = 1.0) -> None:
        """Take note that an order came to an outcome, and whether its forecast had not ruled that out.

        ``share`` is how much of an order the forecast is, where several were made of it.
        """
        self.levels[outcome] += self._pace * share * (self._alpha - (not covered))


def _kept(scores: Vector) -> tuple[float, ...]:
    ascending = np.sort(scores)
    if len(ascending) > MOST:
        ascending = np.quantile(ascending, np.linspace(0.0, 1.0, MOST), method="inverted_cdf")
    return tuple(float(one) for one in ascending)
