"""What forecasting needs of the outside world. Guarantees stand in each port's docstring."""

from collections.abc import Sequence
from typing import Any, Protocol

from ordertrail.monitor.forecast.columns import Matrix, Vector


class Scorer(Protocol):
    """What was learned: rows to log-odds of a breach.

    Pure and exact: a row's score is the same bits whatever other rows are scored with it, in whatever sequence, and
    after the scorer was written and read again on the same libraries. May be used by several threads.
    """

    @property
    def learner(self) -> str:
        """The name of the learner that reads :meth:`as_json` back."""

    def scores(self, rows: Matrix) -> Vector:
        """Return the log-odds of each row."""

    def weights(self, row: Vector) -> Vector:
        """Return what each column of a row adds to its log-odds, against an ordinary order."""

    def importance(self) -> Vector:
        """Return how much each column weighs over all rows that were learned from; they sum to 1, or all are 0."""

    def as_json(self) -> Any:
        """Return it as a model file holds it: numbers, texts, lists and objects."""


class Learner(Protocol):
    """Learns a scorer. The same rows in the same sequence and the same seed make the same scorer, on one thread."""

    @property
    def name(self) -> str:
        """Its name in model files: small letters and signs, with its strength where it has one."""

    def fit(self, rows: Matrix, truths: Vector, weights: Vector, seed: int) -> Scorer:
        """Learn from rows, whether each came to a breach (1.0 or 0.0), and how much each counts."""


class Revival(Protocol):
    """Reads scorers back that were written into model files."""

    def __call__(self, learner: str, told: Any, columns: Sequence[str], /) -> Scorer:
        """Return a scorer. Raises EvidenceError where what was told is none of the learner's."""
