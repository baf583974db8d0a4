"""How well, how sure and how fast orders are forecast.

Usage: ``bench/forecast.py [outcome] [year] [speed] [million] [--json] [--datasets FOLDER]``; without a part, all but
the last.

* **outcome**: labelled logs of others, by the protocol beside them: cases by their start, the first 80 % to learn from,
  without what they did after the first of the others began; prefixes up to 40 events or the 90th percentile of the
  length of cases that breach; one area under the ROC curve over all prefixes of the other cases. Beside it the best
  published. No setting is of a log. Then the same prefixes in the sequence of times, each truth known once its case has
  ended: calibration error, conformal coverage, and what drift watch says.
* **year**: a generated year of trade with known breaches, learned from one seed and judged on another.
* **speed**: orders scored a second by the time of one core, with reading of events and without.
* **million**: learning from a million events, with the peak of memory.
"""

import argparse
import csv
import gzip
import json
import os
import re
import resource
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

from ordertrail.assembly.forecast import LEARNERS
from ordertrail.kernel.errors import InputError
from ordertrail.monitor.forecast.assurance import Assurance, Scored
from ordertrail.monitor.forecast.calibration import average_precision, calibration_error, ranking
from ordertrail.monitor.forecast.columns import Examples
from ordertrail.monitor.forecast.fates import Course
from ordertrail.monitor.forecast.forecast import Forecast, Outcome, Verdict
from ordertrail.monitor.forecast.gathering import Gathering
from ordertrail.monitor.forecast.model import Model, Training, of_learned
from ordertrail.monitor.forecast.prefixes import HOUR, Prefix, Step
from ordertrail.monitor.forecast.scoring import Scoring
from ordertrail.monitor.forecast.targets import Target, read_targets
from ordertrail.monitor.forecast.training import ALPHA, Learned, learn
from ordertrail.query.projection import Indexed, Place, project
from ordertrail.testing.year import NEXT, TARGETS, Year

SEED = 7
SHARED = Path(os.environ.get("ORDERTRAIL_SHARED") or Path(__file__).resolve().parents[2] / "shared")
BATCH = 64
"""Events after which a watch that is kept busy scores the orders that moved."""
EVENTS_AN_ORDER = 10
MOST_PREFIXES = 40
_TIMES = ("time:timestamp", "Complete Timestamp")
_CASE, _LABEL = "Case ID", "label"
Row = Mapping[str, str]


@dataclass(frozen=True)
class Case:
    """A case of a labelled log: its rows and their times in microseconds, in sequence."""

    name: str
    rows: tuple[tuple[int, Row], ...]

    @property
    def truth(self) -> bool:
        """Whether it is labelled as deviant."""
        return self.rows[0][1][_LABEL] == "deviant"

    @property
    def begin(self) -> int:
        """When it began."""
        return self.rows[0][0]


@dataclass(frozen=True)
class OfLog:
    """What was found on a log. ``published`` is the best published area, ``learner`` and areas by learner ours.

    ``faultless_error`` is the calibration error that so few orders show of a forecaster that is right: the mean over
    truths drawn by its own probabilities, one an order.
    """

    log: str
    chosen: str
    auc: float
    published: float
    by_learner: Mapping[str, float]
    calibration_error: float
    faultless_error: float
    held_error: float
    coverage: float
    sure: float
    trusted: float
    trusted_auc: float
    drift: tuple[str, ...]


@dataclass(frozen=True)
class Abstained:
    """A log of which nothing is forecast, and why."""

    log: str
    why: str


def read_log(path: Path) -> tuple[list[Case], str]:
    """Return the cases of a log, by their start, and the name of its column of times."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    column = next(name for name in _TIMES if name in rows[0])
    cases: dict[str, list[tuple[int, Row]]] = {}
    for row in rows:
        moment = datetime.fromisoformat(row[column]).replace(tzinfo=UTC)
        cases.setdefault(row[_CASE], []).append((int(moment.timestamp() * 1_000_000), row))
    found = [Case(name, tuple(sorted(told, key=lambda one: one[0]))) for name, told in cases.items()]
    return sorted(found, key=lambda case: case.begin), column


def split(cases: Sequence[Case]) -> tuple[list[Case], list[Case]]:
    """Return the cases to learn from, strictly before the others began, and the others."""
    cut = int(0.8 * len(cases))
    past, others = cases[:cut], list(cases[cut:])
    first = others[0].begin
    kept = [Case(case.name, tuple(row for row in case.rows if row[0] < first)) for case in past]
    return [case for case in kept if case.rows], others


class Telling:
    """Rows of a log as steps: which columns are numbers, and which are of the case, the training cases say."""

    def __init__(self, past: Sequence[Case], column: str) -> None:
        names = [name for name in past[0].rows[0][1] if name not in {_CASE, _LABEL, column}]
        values = {name: {row[name] for case in past for _time, row in case.rows} for name in names}
        self._numbers = {name for name in names if len(values[name]) > 2 and all(map(_number, values[name]))}
        self._fixed = {
            name for name in names if all(len({row[name] for _time, row in case.rows}) == 1 for case in past)
        }
        self._names = names

    def steps(self, case: Case) -> Iterator[Step]:
        """Yield the steps of a case."""
        for place, (moment, row) in enumerate(case.rows):
            told: dict[tuple[bool, bool], list[str]] = {}
            for name in self._names:
                told.setdefault((name in self._numbers, name in self._fixed), []).append(name)
            yield Step(
                f"{case.name}/{place}",
                moment,
                tuple(f"{name}={row[name]}" for name in told.get((False, False), ())),
                tuple(_numbers(row, told.get((True, False), ()))),
                tuple(f"{name}={row[name]}" for name in told.get((False, True), ())),
                tuple(_numbers(row, told.get((True, True), ()))),
            )


def _number(text: str) -> tuple[float, ...]:
    """Return a number, alone; nothing where a text is none."""
    try:
        return (float(text),)
    except ValueError:
        return ()


def _numbers(row: Row, names: Sequence[str]) -> Iterator[tuple[str, float]]:
    return ((name, value) for name in names for value in _number(row[name]))


def examples_of(cases: Sequence[Case], telling: Telling, most: int) -> Examples:
    """Return all prefixes of cases, up to so many events."""
    examples = Examples()
    for number, case in enumerate(cases):
        prefix = Prefix()
        for step in list(telling.steps(case))[:most]:
            prefix.add(step)
            packed = examples.packed(prefix.values)
            examples.add(packed, order=number, time=step.time, truth=case.truth, known=case.rows[-1][0])
    return examples


def of_log(folder: Path, name: str) -> OfLog | Abstained:
    """Learn from a log, and judge."""
    cases, column = read_log(folder / f"{name}.csv.gz")
    past, others = split(cases)
    telling = Telling(past, column)
    lengths = [len(case.rows) for case in past + others if case.truth]
    most = min(MOST_PREFIXES, int(np.ceil(np.quantile(lengths, 0.9))))
    examples, test = examples_of(past, telling, most), examples_of(others, telling, most)
    try:
        learned = learn(examples, LEARNERS, seed=SEED)
    except InputError as error:
        return Abstained(name, error.message)
    rows = test.matrix(learned.columns, np.arange(len(test)))
    scores = learned.scorer.scores(rows)
    told, trusted, assurance = live(learned, scores, test)
    outcomes = [Outcome.BREACH if truth else Outcome.CLEAR for truth in test.truths]
    return OfLog(
        name,
        learned.chosen,
        ranking(scores, test.truth),
        published(folder, name),
        {one.learner: one.mean for one in learned.judged},
        calibration_error(np.array([one.probability for one in told]), test.truth),
        faultless(np.array([one.probability for one in told]), test.orders),
        learned.error,
        float(np.mean([outcome in one.outcomes for outcome, one in zip(outcomes, told, strict=True)])),
        float(np.mean([len(one.outcomes) == 1 for one in told])),
        float(np.mean(trusted)),
        ranking(scores[trusted], test.truth[trusted]),
        tuple(one.sentence for one in assurance.signals()),
    )


def faultless(told: np.ndarray, orders: Sequence[int], draws: int = 400) -> float:
    """Return the mean calibration error of a forecaster that says of each order what its truth is drawn by."""
    _names, place = np.unique(np.array(orders), return_inverse=True)
    said = np.bincount(place, told) / np.bincount(place)
    drawn = np.random.default_rng(SEED).random((draws, len(said))) < said
    return float(np.mean([calibration_error(said[place], truths[place]) for truths in drawn]))


def live(learned: Learned, scores: np.ndarray, test: Examples) -> tuple[list[Scored], list[bool], Assurance]:
    """Tell scores in the sequence of times; the truth of a case is learned from once the case has ended."""
    assurance = Assurance(learned.calibration, learned.conformal, learned.held.tolist())
    told: dict[int, Scored] = {}
    trusted: dict[int, bool] = {}
    waiting = sorted(
        {(known, order) for known, order in zip(test.known, test.orders, strict=True)}, reverse=True
    )
    of_order: dict[int, list[int]] = {}
    for row, order in enumerate(test.orders):
        of_order.setdefault(order, []).append(row)
    for row in sorted(range(len(test)), key=lambda one: (test.times[one], one)):
        while waiting and waiting[-1][0] < test.times[row]:
            rows = of_order[waiting.pop()[1]]
            assurance.learn([told[one] for one in rows if one in told], truth=test.truths[rows[0]])
        assurance.see([float(scores[row])])
        told[row] = assurance.tell([float(scores[row])])[0]
        trusted[row] = assurance.trusted
    every = range(len(test))
    return [told[row] for row in every], [trusted[row] for row in every], assurance


def published(folder: Path, name: str) -> float:
    """Return the best published area under the ROC curve; 0 where none is."""
    name = re.sub(r"^bpic(\d\d)_", r"bpic20\1_", name.lower())
    with gzip.open(folder / "published_results.csv.gz", "rt", encoding="utf-8") as file:
        areas = [float(row["AUC"]) / 100 for row in csv.DictReader(file) if row["dataset_name"] == name]
    return max(areas, default=0.0)


@dataclass(frozen=True)
class OfYear:
    """What was found of a target in a generated year. ``earliness`` is the median of hours from the first warning on.

    ``warned`` is the share of breaches that were warned of; ``right`` of suggestions, by the generator's truth.
    """

    target: str
    forecasts: int
    base_rate: float
    average_precision: float
    of_rule: float
    auc: float
    calibration_error: float
    coverage: float
    sure: float
    warned: float
    earliness: float
    suggestions: int
    right: float


def events_of(year: Year) -> Iterator[Indexed]:
    """Yield a year's events as the index has them."""
    for place, event in enumerate(year.events()):
        yield project(event, Place("default", place, event.time))


def trained(events: Iterable[Indexed], target: Target) -> Model:
    """Learn a target from events."""
    gathering = Gathering((target,))
    for event in events:
        gathering.take(event)
    gathering.settle(1 << 62)
    examples = gathering.examples[target.name]
    learned = learn(examples, LEARNERS, seed=SEED)
    first, last = min(examples.times), max(examples.times)
    training = Training(
        SEED, learned.orders, learned.examples, learned.base, learned.error, first, last, learned.judged
    )
    return of_learned(target, learned, examples.delays, training)


def of_year(target: Target, orders: int) -> OfYear:
    """Learn from one year, and follow another half as long."""
    model = trained(events_of(Year(orders, 1)), target)
    year, course, scoring = (
        Year(orders // 2, 2, begin=NEXT),
        Course(target),
        Scoring((target,), {target.name: model}),
    )
    said: list[tuple[Forecast, bool]] = []
    risky: set[str] = set()
    breaches: dict[str, int] = {}
    approved: set[str] = set()
    for event in events_of(year):
        scoring.take(event)
        order = event.order or ""
        approved.update([order] if event.action == "order.approve" else [])
        if course.breach(event) and (target.name == "cancelled" or order in approved):
            breaches.setdefault(order, event.time)
        risky.update([order] if course.baseline(event) else [])
        for one in scoring.forecasts():
            told = scoring.explained(one) if one.verdict is Verdict.BREACH else one
            said.append((told, told.order in risky))
    return _judged(year, target, said, breaches)


def _judged(
    year: Year, target: Target, said: Sequence[tuple[Forecast, bool]], breaches: Mapping[str, int]
) -> OfYear:
    forecasts = [one for one, _risky in said]
    truths = np.array([one.order in breaches for one in forecasts])
    told = np.array([one.probability for one in forecasts])
    right = [Outcome.BREACH if truth else Outcome.CLEAR for truth in truths]
    suggested = [(one.suggested, year.troubles[one.order].remedy) for one in forecasts if one.suggested]
    first: dict[str, int] = {}
    for one in forecasts:
        if one.verdict is Verdict.BREACH and one.order in breaches:
            first.setdefault(one.order, one.at)
    return OfYear(
        target.name,
        len(forecasts),
        float(truths.mean()),
        average_precision(told, truths),
        average_precision(np.array([float(risky) for _one, risky in said]), truths),
        ranking(told, truths),
        calibration_error(told, truths),
        float(np.mean([outcome in one.outcomes for outcome, one in zip(right, forecasts, strict=True)])),
        float(np.mean([not one.abstains for one in forecasts])),
        len(first) / max(1, len(breaches)),
        float(np.median([(breaches[order] - at) / HOUR for order, at in first.items()])),
        len(suggested),
        float(np.mean([one == other for one, other in suggested])),
    )


@dataclass(frozen=True)
class Speed:
    """How fast orders are scored, by the time of one core."""

    open_orders: int
    orders_a_second: float
    events_a_second: float
    learner: str


def of_speed(orders: int = 3_000) -> Speed:
    """Follow events as they come, and score all open orders again and again."""
    target = read_targets(TARGETS)[0]
    model = trained(events_of(Year(orders, 1)), target)
    ends = {"order.cancel", "shipment.dispatch"}
    events = [one for one in events_of(Year(orders, 3, begin=NEXT)) if one.action not in ends]
    scoring = Scoring((target,), {target.name: model})
    began = time.process_time()
    for place, event in enumerate(events, 1):
        scoring.take(event)
        if place % BATCH == 0:
            scoring.forecasts()
    following = time.process_time() - began
    began, scored = time.process_time(), 0
    while time.process_time() - began < 2.0:
        scored += len(scoring.standing(target.name))
    spent = time.process_time() - began
    return Speed(len(scoring.following), scored / spent, len(events) / following, model.chosen)


@dataclass(frozen=True)
class Million:
    """What learning from many events takes: seconds of the clock, and the peak of memory."""

    events: int
    examples: int
    gathering: float
    learning: float
    peak_megabytes: float
    chosen: str


def of_million(events: int) -> Million:
    """Learn from so many events; those of the year are made, sealed and read as they come from a log."""
    target = read_targets(TARGETS)[0]
    gathering, spent = Gathering((target,)), 0.0
    for event in events_of(Year(events // EVENTS_AN_ORDER, 1)):
        began = time.perf_counter()
        gathering.take(event)
        spent += time.perf_counter() - began
    gathering.settle(1 << 62)
    examples = gathering.examples[target.name]
    began = time.perf_counter()
    learned = learn(examples, LEARNERS, seed=SEED)
    learning = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
    return Million(gathering.following.events, len(examples), spent, learning, peak, learned.chosen)


def _say_outcome(found: OfLog | Abstained) -> None:
    if isinstance(found, Abstained):
        print(f"{found.log}: abstains; {found.why}")
        return
    level = "to three digits at" if round(found.auc, 3) == round(found.published, 3) else "below"
    better = "at or above" if found.auc >= found.published else level
    print(
        f"{found.log}: area under the ROC curve {found.auc:.4f}, {better} the best published {found.published:.4f}"
    )
    folds = ", ".join(f"{name} {area:.3f}" for name, area in found.by_learner.items())
    print(f"  chosen {found.chosen} by temporal validation ({folds})")
    print(
        f"  calibration error {found.calibration_error:.3f} (of one that is right, by chance: "
        f"{found.faultless_error:.3f}); coverage {found.coverage:.3f} "
        f"where {1 - ALPHA:.2f} is asked; sure of {found.sure:.0%}; {found.trusted:.0%} rest on the model, "
        f"and rank by {found.trusted_auc:.3f}"
    )
    for sentence in found.drift:
        print(f"  drift: {sentence}")


def _say_year(one: OfYear) -> None:
    print(
        f"{one.target}: {one.forecasts:,} forecasts in a year held apart, {one.base_rate:.1%} came to a breach"
    )
    print(
        f"  average precision {one.average_precision:.3f}, of the base rule {one.of_rule:.3f} "
        f"({one.average_precision / one.of_rule:.1f} times); area under the ROC curve {one.auc:.3f}"
    )
    print(
        f"  calibration error {one.calibration_error:.3f}; coverage {one.coverage:.3f}; sure of {one.sure:.0%}; "
        f"{one.warned:.0%} of breaches warned of, half of them {one.earliness:.0f} hours before"
    )
    print(f"  {one.suggestions:,} suggestions, {one.right:.1%} right by the generator's truth")


PARTS = ("outcome", "year", "speed", "million")


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="what to measure")
    parser.add_argument("--datasets", type=Path, default=SHARED / "datasets" / "outcome")
    parser.add_argument("--orders", type=int, default=4_000, help="of the year that is learned from")
    parser.add_argument("--events", type=int, default=1_000_000, help="of the million")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found: dict[str, Any] = {}
    parts = given.parts or PARTS[:3]
    if "outcome" in parts:
        logs = sorted(path.name.removesuffix(".csv.gz") for path in given.datasets.glob("*.csv.gz"))
        found["outcome"] = [of_log(given.datasets, log) for log in logs if log != "published_results"]
    if "year" in parts:
        found["year"] = [of_year(target, given.orders) for target in read_targets(TARGETS)]
    if "speed" in parts:
        found["speed"] = [of_speed()]
    if "million" in parts:
        found["million"] = [of_million(given.events)]
    if given.json:
        print(json.dumps({part: [asdict(one) for one in told] for part, told in found.items()}))
        return
    for one in found.get("outcome", ()):
        _say_outcome(one)
    for one in found.get("year", ()):
        _say_year(one)
    for one in found.get("speed", ()):
        print(
            f"{one.orders_a_second:,.0f} open orders/s scored, {one.events_a_second:,.0f} events/s followed and scored"
        )
        print(f"  on one core, by {one.learner}, {one.open_orders:,} open orders")
    for one in found.get("million", ()):
        print(
            f"{one.events:,} events: gathered in {one.gathering:.0f} s, learned in {one.learning:.0f} s ({one.chosen})"
        )
        print(f"  {one.examples:,} examples; peak {one.peak_megabytes:,.0f} MB")


if __name__ == "__main__":
    main()
