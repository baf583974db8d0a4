"""Boosted trees by LightGBM: some boosters of different seeds, whose log-odds are averaged.

Splits are drawn at random (extremely randomised trees) over a fifth of the columns, leaves are large: event logs have
few orders and many columns, and what one tree finds by chance the others do not. One thread, and deterministic.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import fsum
from typing import Any

import lightgbm
import numpy as np

from ordertrail.monitor.forecast.columns import Matrix, Vector

LEARNER = "lightgbm"
_TREES = 300
_COMMITTEE = 4
_SETTINGS: Mapping[str, Any] = {
    "objective": "binary",
    "num_leaves": 15,
    "learning_rate": 0.02,
    "min_data_in_leaf": 50,
    "feature_fraction": 0.2,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "extra_trees": True,
    "lambda_l2": 1.0,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}


class BoostedTrees:
    """Implements :class:`~ordertrail.monitor.forecast.ports.Scorer` by LightGBM's own text models."""

    learner = LEARNER

    def __init__(self, texts: tuple[str, ...]) -> None:
        self.texts = texts

    def scores(self, rows: Matrix) -> Vector:
        """See the protocol."""
        told = [self._predicted(booster, rows) for booster in self._boosters]
        return np.array([fsum(one) / len(told) for one in np.transpose(told).tolist()])

    def weights(self, row: Vector) -> Vector:
        """See the protocol: Shapley values of trees, as LightGBM computes them."""
        told = [
            np.asarray(booster.predict(row.reshape(1, -1), pred_contrib=True, num_threads=1))[0, :-1]
            for booster in self._boosters
        ]
        return np.asarray(np.mean(told, axis=0), dtype=np.float64)

    def importance(self) -> Vector:
        """See the protocol: by what splits gained."""
        gains = np.sum([one.feature_importance("gain") for one in self._boosters], axis=0).astype(np.float64)
        total = float(gains.sum())
        shares: Vector = gains / total if total else gains
        return shares

    def as_json(self) -> list[str]:
        """See the protocol."""
        return list(self.texts)

    @cached_property
    def _boosters(self) -> list[lightgbm.Booster]:
        return [lightgbm.Booster(model_str=text) for text in self.texts]

    @staticmethod
    def _predicted(booster: lightgbm.Booster, rows: Matrix) -> Vector:
        return np.asarray(booster.predict(rows, raw_score=True, num_threads=1), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class LightGbm:
    """Implements :class:`~ordertrail.monitor.forecast.ports.Learner`."""

    name: str = LEARNER

    def fit(self, rows: Matrix, truths: Vector, weights: Vector, seed: int) -> BoostedTrees:
        """See the protocol."""
        texts = []
        for member in range(_COMMITTEE):
            data = lightgbm.Dataset(rows, truths, weight=weights, params={"verbosity": -1})
            booster = lightgbm.train({**_SETTINGS, "seed": seed + member}, data, _TREES)
            texts.append(_without_settings(booster.model_to_string()))
        return BoostedTrees(tuple(texts))


def _without_settings(text: str) -> str:
    """Return a text model without the list of settings at its end, which no score depends on."""
    return re.sub(r"\nparameters:.*?end of parameters\n", "\n", text, flags=re.DOTALL)
