"""Labelled event logs, and how well scores find what is labelled.

The logs are those of ``../shared/datasets/labelled-processes``: real and generated processes with anomalies that were
*injected* into a tenth of the cases. A detector is handed the cases without labels, and scores the log that it learned
from. Of each event it sees the activity and those attributes that every event has and that are no ids (no more
different values than a tenth of the events); times are not told, because what was moved kept its time.
"""

import gzip
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ordertrail.monitor.behaviour.cases import Case, Step

PUBLISHED = {
    "paper": 0.994,
    "p2p": 0.994,
    "small": 0.997,
    "medium": 0.951,
    "large": 0.979,
    "huge": 0.980,
    "gigantic": 0.905,
    "wide": 0.982,
    "BPIC20_DomesticDeclarations": 0.904,
    "BPIC20_InternationalDeclarations": 0.867,
    "BPIC20_PermitLog": 0.735,
    "BPIC20_PrepaidTravelCost": 0.747,
    "BPIC20_RequestForPayment": 0.916,
    "Receipt": 0.682,
}
"""The best published average precision by log, at a tenth of anomalies, without labels."""

_MOST_VALUES = 10


@dataclass(frozen=True, slots=True)
class Labelled:
    """A log. ``labels`` say by case whether it was tampered with, ``kinds`` how; ``cells`` by step and column.

    Columns of cells are the activity, then the fields. ``hours`` are by case how long it took, 0 where nobody knows.
    """

    name: str
    fields: tuple[str, ...]
    cases: tuple[Case, ...]
    labels: tuple[bool, ...]
    kinds: tuple[str, ...]
    cells: tuple[tuple[tuple[bool, ...], ...], ...]
    hours: tuple[float, ...]

    @property
    def published(self) -> float | None:
        """The best published average precision, where there is one."""
        return PUBLISHED.get(self.name.split("-")[0])


def read_labelled(file: Path) -> Labelled:
    """Read a log."""
    with gzip.open(file) as stream:
        told = json.load(stream)["cases"]
    events = [event for case in told for event in case["events"]]
    fields = _fields(events)
    cases = tuple(
        Case(str(number), tuple(_step(event, fields) for event in case["events"]))
        for number, case in enumerate(told)
    )
    labels = [case["attributes"]["label"] for case in told]
    return Labelled(
        file.name.removesuffix(".json.gz"),
        fields,
        cases,
        tuple(label != "normal" for label in labels),
        tuple(label if isinstance(label, str) else label["anomaly"] for label in labels),
        tuple(_cells(case, label, fields) for case, label in zip(cases, labels, strict=True)),
        tuple(_hours(case["events"]) for case in told),
    )


def average_precision(labels: Sequence[bool], scores: Sequence[float]) -> float:
    """Return the area under precision over recall, as steps; cases of one score are taken together."""
    found = taken = 0
    area = 0.0
    for score, positives, cases in _levels(labels, scores):
        del score
        found, taken = found + positives, taken + cases
        area += positives * found / taken
    return area / found


def roc_auc(labels: Sequence[bool], scores: Sequence[float]) -> float:
    """Return the chance that an anomaly scores higher than what is none; half of it where they are equal."""
    anomalies = sum(labels)
    above = pairs = 0.0
    for _score, positives, cases in _levels(labels, scores):
        negatives = cases - positives
        pairs += negatives * (above + positives / 2)
        above += positives
    return pairs / (anomalies * (len(labels) - anomalies))


def precision_at(labels: Sequence[bool], scores: Sequence[float], many: int) -> float:
    """Return the share of anomalies among those that score highest."""
    highest = sorted(range(len(scores)), key=lambda place: -scores[place])[:many]
    return sum(labels[place] for place in highest) / many


def best_f1(labels: Sequence[bool], scores: Sequence[float]) -> float:
    """Return the harmonic mean of precision and recall where it is best."""
    found = taken = 0
    best, anomalies = 0.0, sum(labels)
    for _score, positives, cases in _levels(labels, scores):
        found, taken = found + positives, taken + cases
        best = max(best, 2 * found / (taken + anomalies))
    return best


def _levels(labels: Sequence[bool], scores: Sequence[float]) -> list[tuple[float, int, int]]:
    """Return the scores from the highest on, each with its anomalies and its cases."""
    cases = Counter(scores)
    anomalies = Counter(score for score, label in zip(scores, labels, strict=True) if label)
    return [(score, anomalies[score], cases[score]) for score in sorted(cases, reverse=True)]


def _fields(events: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    times = Counter(name for event in events for name in event["attributes"])
    return tuple(
        name
        for name in sorted(times)
        if times[name] == len(events)
        and len({str(event["attributes"][name]) for event in events}) <= len(events) / _MOST_VALUES
    )


def _step(event: dict[str, Any], fields: Sequence[str]) -> Step:
    return Step(event["name"], tuple(str(event["attributes"][name]) for name in fields))


def _cells(case: Case, label: Any, fields: Sequence[str]) -> tuple[tuple[bool, ...], ...]:
    """Return which cells a label means: of a skipped step, what was done next."""
    cells = [[False] * (len(fields) + 1) for _step in case.steps]
    if label == "normal":
        return tuple(map(tuple, cells))
    told, last = label["attr"], len(cells) - 1
    match label["anomaly"]:
        case "Insert":
            for place in told["indices"]:
                cells[place] = [True] * (len(fields) + 1)
        case "Attribute":
            for place, name in zip(told["index"], told["attribute"], strict=True):
                cells[place][1 + fields.index(name)] = True
        case "SkipSequence":
            cells[min(told["start"], last)][0] = True
        case _:
            start = told["start"] if "start" in told else told["shift_to"]
            for place in range(start, min(last + 1, start + told["size"])):
                cells[place][0] = True
    return tuple(map(tuple, cells))


def _hours(events: Sequence[dict[str, Any]]) -> float:
    from datetime import datetime  # noqa: PLC0415 - only real logs have times

    times = [datetime.fromisoformat(event["timestamp"]) for event in events if event.get("timestamp")]
    return (max(times) - min(times)).total_seconds() / 3_600 if times else 0.0
