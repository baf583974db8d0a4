"""A logistic regression, as it is written down and scored: no library is needed to have a score again.

Values are centred, scaled, and held within ten spreads; each weighs its coefficient. The sum is exact before it is
rounded once (``math.fsum``), so that no batch, processor or sequence changes a bit of it.
"""

from dataclasses import dataclass
from math import fsum
from typing import Any

import numpy as np

from ordertrail.monitor.forecast.columns import Matrix, Vector

LEARNER = "l1-logistic"
FARTHEST = 10.0
"""Spreads from the centre, beyond which a value counts no further."""


@dataclass(frozen=True, slots=True)
class Logistic:
    """Implements :class:`~ordertrail.monitor.forecast.ports.Scorer`.

    ``places`` are the columns whose coefficients are not 0; ``centres``, ``scales`` and ``coefficients`` are theirs.
    ``shares`` is how much each weighs over the training rows.
    """

    width: int
    intercept: float
    places: tuple[int, ...]
    centres: tuple[float, ...]
    scales: tuple[float, ...]
    coefficients: tuple[float, ...]
    shares: tuple[float, ...]
    learner: str = LEARNER

    def scores(self, rows: Matrix) -> Vector:
        """See the protocol."""
        told = self._weighed(rows)
        return np.array([fsum((self.intercept, *row)) for row in told.tolist()])

    def weights(self, row: Vector) -> Vector:
        """See the protocol."""
        found = np.zeros(self.width)
        found[list(self.places)] = self._weighed(row.reshape(1, -1))[0]
        return found

    def importance(self) -> Vector:
        """See the protocol."""
        found = np.zeros(self.width)
        found[list(self.places)] = self.shares
        return found

    def as_json(self) -> dict[str, Any]:
        """See the protocol."""
        return {
            "width": self.width,
            "intercept": self.intercept,
            "places": list(self.places),
            "centres": list(self.centres),
            "scales": list(self.scales),
            "coefficients": list(self.coefficients),
            "shares": list(self.shares),
        }

    def _weighed(self, rows: Matrix) -> Matrix:
        chosen = rows[:, list(self.places)] - np.array(self.centres)
        within: Matrix = np.clip(chosen / np.array(self.scales), -FARTHEST, FARTHEST)
        weighed: Matrix = within * np.array(self.coefficients)
        return weighed


def read_logistic(told: dict[str, Any]) -> Logistic:
    """Read one back. Raises KeyError, TypeError or ValueError where it is none."""
    width, places = int(told["width"]), tuple(int(one) for one in told["places"])
    if any(not 0 <= place < width for place in places):
        raise ValueError("a coefficient is of no column")
    lists = [
        tuple(float(one) for one in told[name]) for name in ("centres", "scales", "coefficients", "shares")
    ]
    if any(len(one) != len(places) for one in lists):
        raise ValueError("there is not one number for each coefficient")
    centres, scales, coefficients, shares = lists
    return Logistic(width, float(told["intercept"]), places, centres, scales, coefficients, shares)


def logistic(
    rows: Matrix, coefficients: Vector, intercept: float, centres: Vector, scales: Vector
) -> Logistic:
    """Return a regression of scaled rows, with what each column weighs over ``rows``."""
    places = np.flatnonzero(coefficients)
    spread = np.abs(coefficients[places]) * np.minimum(1.0, np.std(rows[:, places], axis=0) / scales[places])
    total = float(spread.sum())
    shares = spread / total if total else spread
    return Logistic(
        len(coefficients),
        float(intercept),
        tuple(int(one) for one in places),
        tuple(float(one) for one in centres[places]),
        tuple(float(one) for one in scales[places]),
        tuple(float(one) for one in coefficients[places]),
        tuple(float(one) for one in shares),
    )
