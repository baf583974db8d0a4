"""L1 logistic regression by scikit-learn (liblinear, one thread)."""

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

from ordertrail.monitor.forecast.columns import Matrix, Vector
from ordertrail.monitor.forecast.logistic import FARTHEST, LEARNER, Logistic, logistic

_TURNS = 200


@dataclass(frozen=True, slots=True)
class L1Logistic:
    """Implements :class:`~ordertrail.monitor.forecast.ports.Learner`; ``strength`` is scikit-learn's C."""

    strength: float

    @property
    def name(self) -> str:
        """See the protocol."""
        return f"{LEARNER} C={self.strength:g}"

    def fit(self, rows: Matrix, truths: Vector, weights: Vector, seed: int) -> Logistic:
        """See the protocol. What does not converge within its turns is taken as it is then."""
        centres, scales = rows.mean(axis=0), rows.std(axis=0)
        scales[scales == 0] = 1.0
        scaled = np.clip((rows - centres) / scales, -FARTHEST, FARTHEST)
        model = LogisticRegression(
            l1_ratio=1.0, C=self.strength, solver="liblinear", max_iter=_TURNS, tol=1e-3, random_state=seed
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(scaled, truths, sample_weight=weights)
        return logistic(rows, model.coef_[0].astype(np.float64), float(model.intercept_[0]), centres, scales)
