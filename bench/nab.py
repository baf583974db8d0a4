"""The Numenta Anomaly Benchmark's scoring (Lavin and Ahmad, "Evaluating Real-Time Anomaly Detection Algorithms", 2015).

Of each window of labels, the earliest alarm counts, and the more the earlier it is; each alarm outside counts against,
the more the farther it is behind the window before it. The first 15 % of a series (of at most 5,000 readings) are for
learning. One threshold holds for all series: the one under which the sum is best. 0 is to say nothing, 100 all at once.
Weights are those of the standard profile.
"""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import exp
from pathlib import Path

FALSE_ALARM = 0.11
_PROBATION = 0.15
_LONGEST_PROBATION = 750


@dataclass(frozen=True, slots=True)
class Series:
    """A series: times in seconds, values, and windows as the places of their first and last readings."""

    name: str
    times: tuple[int, ...]
    values: tuple[float, ...]
    windows: tuple[tuple[int, int], ...]

    @property
    def probation(self) -> int:
        """How many readings are for learning."""
        return min(int(len(self.values) * _PROBATION), _LONGEST_PROBATION)


@dataclass(frozen=True, slots=True)
class Result:
    """What a detector reaches: the score from 0 to 100, at a threshold; windows found, of how many; false alarms."""

    score: float
    threshold: float
    found: int
    windows: int
    false_alarms: int


def read_series(folder: Path) -> list[Series]:
    """Read the series that are there, of those that have labels."""
    labels = json.loads((folder / "labels__combined_windows.json").read_text())
    found = []
    for name, windows in labels.items():
        file = folder / name.replace("/", "__")
        if file.exists():
            found.append(_series(name, file, windows))
    return found


def score(series: Sequence[Series], alarms: Sequence[Sequence[float]]) -> Result:
    """Score the alarms of a detector: by reading, how sure it is; 0 is no alarm."""
    points = []
    windows = 0
    for number, (one, told) in enumerate(zip(series, alarms, strict=True)):
        weights = _weights(one)
        windows += len({window for window, _weight in weights[one.probation :] if window is not None})
        points += [
            (told[place], number, *weights[place])
            for place in range(one.probation, len(told))
            if told[place] > 0
        ]
    points.sort(key=lambda point: -point[0])
    best = Result(0.0, float("inf"), 0, windows, 0)
    parts: dict[tuple[int, int], float] = {}
    total, false_alarms = -float(windows), 0
    for place, (sure, number, window, weight) in enumerate(points):
        if window is None:
            total, false_alarms = total + weight, false_alarms + 1
        else:
            before = parts.get((number, window), -1.0)
            parts[number, window] = max(before, weight)
            total += max(before, weight) - before
        if place + 1 < len(points) and points[place + 1][0] == sure:
            continue
        reached = 100 * (total + windows) / (2 * windows)
        if reached > best.score:
            best = Result(reached, sure, len(parts), windows, false_alarms)
    return best


def _series(name: str, file: Path, windows: Sequence[Sequence[str]]) -> Series:
    with file.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    places: dict[str, int] = {}
    for place, row in enumerate(rows):
        places.setdefault(row["timestamp"], place)
    return Series(
        name,
        tuple(int(datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC).timestamp()) for row in rows),
        tuple(float(row["value"]) for row in rows),
        tuple((places[begin[:19]], places[end[:19]]) for begin, end in windows),
    )


def _weights(series: Series) -> list[tuple[int | None, float]]:
    """Return by reading the window that it is in, and what an alarm there counts."""
    weights: list[tuple[int | None, float]] = []
    waiting = list(enumerate(series.windows))
    before: tuple[int, int] | None = None
    for place in range(len(series.values)):
        if waiting and place > waiting[0][1][1]:
            before = waiting.pop(0)[1]
        if waiting and place >= waiting[0][1][0]:
            number, (begin, end) = waiting[0]
            weights.append((number, _sigmoid(-(end - place + 1) / (end - begin + 1)) / _sigmoid(-1.0)))
        elif before is None:
            weights.append((None, -FALSE_ALARM))
        else:
            begin, end = before
            weights.append((None, FALSE_ALARM * _sigmoid((place - end) / (end - begin))))
    return weights


def _sigmoid(place: float) -> float:
    return -1.0 if place > 3 else 2 / (1 + exp(5 * place)) - 1
