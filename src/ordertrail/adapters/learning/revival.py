"""Reading scorers back from model files, by the name of their learner."""

from collections.abc import Sequence
from typing import Any

import lightgbm

from ordertrail.adapters.learning import trees
from ordertrail.kernel.errors import EvidenceError
from ordertrail.monitor.forecast import logistic
from ordertrail.monitor.forecast.ports import Scorer


def revive(learner: str, told: Any, columns: Sequence[str]) -> Scorer:
    """See :class:`~ordertrail.monitor.forecast.ports.Revival`."""
    try:
        scorer = _read(learner, told)
        width = len(scorer.importance())
    except (KeyError, TypeError, ValueError, lightgbm.basic.LightGBMError) as error:
        raise EvidenceError(
            f"what was learned cannot be read: {error}",
            meaning="No forecast is made by this model.",
            remedy="Fetch the model file again by its id, or train anew.",
        ) from None
    if width != len(columns):
        raise EvidenceError(f"what was learned has {width} columns, and {len(columns)} are declared")
    return scorer


def _read(learner: str, told: Any) -> Scorer:
    match learner:
        case logistic.LEARNER:
            return logistic.read_logistic(told)
        case trees.LEARNER:
            return trees.BoostedTrees(tuple(str(text) for text in told))
        case _:
            raise ValueError(f"there is no learner {learner[:40]!r}")
