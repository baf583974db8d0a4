"""How well behaviour scores find injected anomalies of processes, and alarms of volume; beside others in the same run.

Usage: ``bench/behaviour.py [--data DIR] [--only processes|volume] [--seeds N] [--json]``.

Processes: each log of ``labelled-processes``, learned from and scored without labels (their anomalies are injected).
Beside it: isolation forest and LOF (scikit-learn), ECOD and HBOS (PyOD), on counts of activities, of pairs of them,
the length and the time that a case took; and a likelihood of the next activity. What draws at random is run with so
many seeds. Volume: the series of the Numenta Anomaly Benchmark that are there, by its standard profile.
"""

import argparse
import json
import statistics
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from itertools import pairwise
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

import numpy as np
from numpy.typing import NDArray

from bench.labelled import Labelled, average_precision, best_f1, precision_at, read_labelled, roc_auc
from bench.nab import Result, read_series, score
from ordertrail.monitor.behaviour.paths import Paths
from ordertrail.monitor.behaviour.process import fit
from ordertrail.monitor.behaviour.rates import RateDetector

DATA = Path(__file__).resolve().parents[2] / "shared" / "datasets"
MOST_FEATURES = 300
PUBLISHED_NAB = {
    "HTM": 70.1,
    "CAD OSE": 69.9,
    "KNN-CAD": 58.0,
    "relative entropy": 54.6,
    "windowed Gaussian": 39.6,
}
"""Published for all 58 series, ten of which are not here."""


@dataclass(frozen=True, slots=True)
class Figures:
    """How one detector does on one log: means over seeds, and the deviation of the average precision."""

    log: str
    detector: str
    precision: float
    deviation: float
    auc: float
    at_anomalies: float
    f1: float
    seconds: float
    published: float | None
    cells: float | None = None


def behaviour(log: Labelled) -> Figures:
    """Measure the behaviour score."""
    began = time.perf_counter()
    model = fit(log.cases, log.fields)
    judged = [model.judge(case, seen=True) for case in log.cases]
    took = time.perf_counter() - began
    cells = [cell for one in judged for row in one.cells() for cell in row]
    truths = [cell for rows in log.cells for row in rows for cell in row]
    told = _figures(log, "behaviour", [[one.score for one in judged]], took)
    return Figures(**{**asdict(told), "cells": average_precision(truths, cells)})


def beside(log: Labelled, seeds: int) -> list[Figures]:
    """Measure the others."""
    features, found = _features(log), []
    for name, detector, runs in _detectors(seeds):
        began = time.perf_counter()
        scores = [detector(features, seed) for seed in range(runs)]
        found.append(_figures(log, name, scores, (time.perf_counter() - began) / runs))
    began = time.perf_counter()
    paths = Paths(Counter(case.path for case in log.cases))
    likely = [[-min(paths.log_shares(case.path, seen=True)) for case in log.cases]]
    found.append(_figures(log, "next activity", likely, time.perf_counter() - began))
    return found


def volume(folder: Path) -> tuple[Result, int, float]:
    """Measure the rate detector; return its result, how many readings there were, and how many a second."""
    series = read_series(folder)
    began = time.perf_counter()
    alarms = []
    for one in series:
        detector = RateDetector(one.probation)
        pairs = zip(one.times, one.values, strict=True)
        alarms.append([detector.take(at, value).alarm for at, value in pairs])
    took = time.perf_counter() - began
    readings = sum(len(one.values) for one in series)
    return score(series, alarms), readings, readings / took


def _figures(log: Labelled, name: str, runs: Sequence[Sequence[float]], seconds: float) -> Figures:
    labels, many = log.labels, sum(log.labels)
    precisions = [average_precision(labels, one) for one in runs]
    return Figures(
        log.name,
        name,
        statistics.mean(precisions),
        statistics.pstdev(precisions),
        statistics.mean(roc_auc(labels, one) for one in runs),
        statistics.mean(precision_at(labels, one, many) for one in runs),
        statistics.mean(best_f1(labels, one) for one in runs),
        seconds,
        log.published,
    )


def _features(log: Labelled) -> NDArray[np.float64]:
    """Return by case how often each activity, pair of activities and value came, its length, and its hours."""
    words = []
    for case in log.cases:
        path = ("", *case.path, "")
        pairs = pairwise(path)
        values = (
            (step.activity, number, value) for step in case.steps for number, value in enumerate(step.values)
        )
        words.append(Counter([*path, *pairs, *values]))
    often = Counter(word for one in words for word in one)
    columns = {word: place for place, (word, _times) in enumerate(often.most_common(MOST_FEATURES))}
    found = np.zeros((len(words), len(columns) + 2))
    for row, (one, hours) in enumerate(zip(words, log.hours, strict=True)):
        for word, times in one.items():
            if word in columns:
                found[row, columns[word]] = times
        found[row, -2:] = len(log.cases[row].steps), np.log1p(hours)
    return found


Detector = Callable[[NDArray[np.float64], int], list[float]]


def _detectors(seeds: int) -> list[tuple[str, Detector, int]]:
    """Return the others; they are imported here, because only this needs them, and mypy knows no types of them."""
    ecods, hboss = import_module("pyod.models.ecod"), import_module("pyod.models.hbos")
    ensemble, neighbors = import_module("sklearn.ensemble"), import_module("sklearn.neighbors")

    def forest(features: NDArray[np.float64], seed: int) -> list[float]:
        return [
            -one for one in ensemble.IsolationForest(random_state=seed).fit(features).score_samples(features)
        ]

    def factor(features: NDArray[np.float64], seed: int) -> list[float]:
        noise = np.random.default_rng(seed).normal(scale=1e-6, size=features.shape)
        found = neighbors.LocalOutlierFactor(n_neighbors=20).fit(features + noise)
        return [-one for one in found.negative_outlier_factor_]

    def ecod(features: NDArray[np.float64], seed: int) -> list[float]:
        del seed
        return [float(one) for one in ecods.ECOD().fit(features).decision_scores_]

    def hbos(features: NDArray[np.float64], seed: int) -> list[float]:
        del seed
        return [float(one) for one in hboss.HBOS().fit(features).decision_scores_]

    return [
        ("isolation forest", forest, seeds),
        ("LOF", factor, seeds),
        ("ECOD", ecod, 1),
        ("HBOS", hbos, 1),
    ]


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--only", choices=("processes", "volume"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # others' warnings of others' data
    found: list[Figures] = []
    if given.only != "volume":
        for file in sorted((given.data / "labelled-processes").glob("*.json.gz")):
            log = read_labelled(file)
            told = [behaviour(log), *beside(log, given.seeds)]
            found += told
            if not given.json:
                _print_log(told)
        if not given.json:
            _print_means(found)
    result = None if given.only == "processes" else volume(given.data / "nab")
    if given.json:
        told_volume = None if result is None else {**asdict(result[0]), "readings_a_second": round(result[2])}
        print(json.dumps({"processes": [asdict(one) for one in found], "volume": told_volume}))
    elif result is not None:
        _print_volume(*result)


def _print_log(told: Sequence[Figures]) -> None:
    published = told[0].published
    print(f"{told[0].log}" + ("" if published is None else f"   best published AP {published:.3f}"))
    print(f"  {'':18}{'AP':>7}{'+-':>7}{'AUC':>7}{'P@k':>7}{'F1':>7}{'cells':>7}{'s':>8}")
    for one in told:
        cells = "" if one.cells is None else f"{one.cells:.3f}"
        print(
            f"  {one.detector:18}{one.precision:7.3f}{one.deviation:7.3f}{one.auc:7.3f}{one.at_anomalies:7.3f}"
            f"{one.f1:7.3f}{cells:>7}{one.seconds:8.1f}",
            flush=True,
        )


def _print_means(found: Sequence[Figures]) -> None:
    print("mean over all logs")
    for name in dict.fromkeys(one.detector for one in found):
        mine = [one for one in found if one.detector == name]
        mean, auc = statistics.mean(one.precision for one in mine), statistics.mean(one.auc for one in mine)
        print(f"  {name:18}{mean:7.3f}{'':7}{auc:7.3f}")


def _print_volume(result: Result, readings: int, rate: float) -> None:
    print(
        f"volume: NAB standard profile {result.score:.1f}, one threshold ({result.threshold:.2f}) for all series"
    )
    print(f"  {result.found} of {result.windows} windows found, {result.false_alarms} false alarms")
    print(f"  {readings:,} readings at {rate:,.0f} a second")
    print("  published, over all 58: " + ", ".join(f"{name} {one}" for name, one in PUBLISHED_NAB.items()))


if __name__ == "__main__":
    main()
