"""Forecasting, as programs are handed it: training into the registry of models, and the watch that is deployed from it.

What is trained is not in use: it is validated, approved by another person and deployed in the registry, and only then
does a watch score with it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from ordertrail.kernel.clock import Clock, format_time
from ordertrail.kernel.errors import InputError
from ordertrail.monitor.forecast.columns import Examples
from ordertrail.monitor.forecast.forecast import Forecast, Verdict
from ordertrail.monitor.forecast.gathering import MOST_EXAMPLES, Gathering
from ordertrail.monitor.forecast.leakage import Suspect, suspects
from ordertrail.monitor.forecast.model import (
    Model,
    Training,
    feature_code,
    format_model,
    of_learned,
    read_model,
)
from ordertrail.monitor.forecast.ports import Learner, Revival
from ordertrail.monitor.forecast.reading import sealed_events
from ordertrail.monitor.forecast.reasons import overview
from ordertrail.monitor.forecast.scoring import Scoring
from ordertrail.monitor.forecast.targets import Target
from ordertrail.monitor.forecast.training import ALPHA, learn
from ordertrail.monitor.models.card import Card
from ordertrail.monitor.models.provenance import lock_hash
from ordertrail.monitor.models.record import DataRange, Metric, ModelRecord
from ordertrail.monitor.models.record import Training as Provenance
from ordertrail.monitor.models.registry import Models
from ordertrail.monitor.rules.rulebook import Rulebook
from ordertrail.query.ports import LogReader
from ordertrail.query.projection import Indexed, moment_microseconds
from ordertrail.record.actions import Action
from ordertrail.record.event import Actor

KIND = "forecast"
"""The kind of these models in the registry."""

BATCH = 1_024
"""Events of one step of a watch."""

_TELLING = 20_000

Advance = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Trained:
    """What came of training: the model, its record, and which values may know the answer."""

    model: Model
    record: ModelRecord
    suspects: tuple[Suspect, ...]


@dataclass(frozen=True, slots=True)
class Forecasting:
    """Forecasts of a trail, by their parts.

    ::

        forecasting.train("cancelled", by=analyst, reason="the quarter's fit", seed=7)
        forecasting.registry.approve(…); forecasting.registry.deploy(…)
        watch = forecasting.watch(); watch.catch_up(); watch.step()
    """

    targets: tuple[Target, ...]
    rules: Rulebook
    learners: Sequence[Learner]
    revive: Revival
    registry: Models
    ranges: Callable[[], tuple[DataRange, ...]]
    log: LogReader
    streams: Sequence[str]
    actions: Mapping[str, Action]
    clock: Clock
    seed: int = 7
    alpha: float = ALPHA

    def target(self, name: str) -> Target:
        """Return a target. Raises InputError where none is declared by this name."""
        found = next((one for one in self.targets if one.name == name), None)
        if found is None:
            known = ", ".join(one.name for one in self.targets)
            raise InputError(f"there is no target {name[:80]!r}; there are {known}")
        return found

    def train(
        self,
        name: str,
        *,
        by: Actor,
        reason: str,
        seed: int | None = None,
        advance: Advance = lambda _: None,
    ) -> Trained:
        """Learn a target from all that is published, and put the model into the registry, as trained.

        Raises InputError where there is too little to learn from, or a reason is missing.
        """
        target, ranges = self.target(name), self.ranges()
        examples = self._gathered(target, ranges, advance)
        chosen = self.seed if seed is None else seed
        learned = learn(
            examples, self.learners, seed=chosen, alpha=self.alpha, without=target.without, advance=advance
        )
        found = suspects(examples, learned.columns)
        times = examples.times
        training = Training(
            chosen,
            learned.orders,
            learned.examples,
            learned.base,
            learned.error,
            min(times),
            max(times),
            learned.judged,
            tuple(one.feature for one in found),
        )
        model = of_learned(target, learned, examples.delays, training)
        record = self.registry.train(_provenance(target, model, ranges), format_model(model), by, reason)
        return Trained(model, record, found)

    def due(self, every: timedelta) -> list[str]:
        """Return the targets of which no model was trained for so long."""
        newest: dict[str, str] = {}
        for record in self.registry.records():
            if record.training.kind == KIND:
                newest[record.training.purpose] = max(
                    newest.get(record.training.purpose, ""), record.life[0].at
                )
        before = format_time(self.clock() - every)
        return [one.name for one in self.targets if newest.get(one.name, "") < before]

    def deployed(self) -> dict[str, Model]:
        """Return the models that are in use, by target. Raises EvidenceError for a file that was altered."""
        found = {}
        for target in self.targets:
            record = self.registry.deployed(KIND, target.name)
            if record is not None:
                data = self.registry.load(record.version, code=feature_code())
                found[target.name] = read_model(data, record.version, self.revive)
        return found

    def model(self, version: str) -> Model:
        """Return any model of the registry by its version, or the first digits of it."""
        record = self.registry.record(version)
        return read_model(self.registry.file(record), record.version, self.revive)

    def watch(self) -> "ForecastWatch":
        """Return a watch with the models that are in use."""
        scoring = Scoring(self.targets, self.deployed(), self.rules)
        return ForecastWatch(scoring, self.log, self.streams, self.actions)

    def _gathered(self, target: Target, ranges: Sequence[DataRange], advance: Advance) -> Examples:
        gathering = Gathering((target,), self.rules, MOST_EXAMPLES)
        ends = {one.stream: one.size for one in ranges}
        for number, event in enumerate(sealed_events(self.log, {}, ends, self.actions), 1):
            gathering.take(event)
            if number % _TELLING == 0:
                advance(f"{number:,} of {sum(ends.values()):,} events")
        gathering.settle(moment_microseconds(self.clock()))
        return gathering.examples[target.name]


class ForecastWatch:
    """Follows the logs, and forecasts the orders that move. Used by one thread; what it knows is made from the logs."""

    def __init__(
        self, scoring: Scoring, log: LogReader, streams: Sequence[str], actions: Mapping[str, Action]
    ) -> None:
        self.scoring = scoring
        self._log, self._streams, self._actions = log, streams, actions
        self._places: dict[str, int] = {}

    def catch_up(self, advance: Advance = lambda _: None) -> int:
        """Take all that is sealed, and learn what came true of what would have been said; return how many events."""
        total = 0
        while batch := self._next():
            self._take(batch)
            self.scoring.forecasts()
            total += len(batch)
            advance(f"{total:,} events")
        return total

    def step(self) -> list[Forecast]:
        """Return forecasts of the orders that moved since, those that foresee a breach with reasons and remedies."""
        self._take(self._next())
        forecasts = self.scoring.forecasts()
        return [self.scoring.explained(one) if one.verdict is Verdict.BREACH else one for one in forecasts]

    def _take(self, batch: Sequence[Indexed]) -> None:
        for event in batch:
            self.scoring.take(event)

    def _next(self) -> list[Indexed]:
        ends = {}
        for stream in self._streams:
            start = self._places.get(stream, 0)
            ends[stream] = min(start + BATCH, self._log.size(stream))
        batch = list(sealed_events(self._log, self._places, ends, self._actions))
        self._places = ends
        return batch


def standings(watch: ForecastWatch, target: str) -> Iterator[Forecast]:
    """Yield the forecasts of all open orders by a target, the most probable breach first."""
    found = watch.scoring.standing(target)
    return iter(sorted(found, key=lambda one: (-one.probability, one.order)))


def _provenance(target: Target, model: Model, ranges: tuple[DataRange, ...]) -> Provenance:
    training = model.training
    best = next(one for one in training.judged if one.learner == model.chosen)
    metrics = (
        Metric("auc", _decimal(best.mean)),
        Metric("calibration_error", _decimal(training.error)),
        Metric("base_rate", _decimal(training.base)),
        Metric("orders", Decimal(training.orders)),
        Metric("examples", Decimal(training.examples)),
    )
    return Provenance(
        KIND, target.name, training.seed, ranges, feature_code(), lock_hash(), metrics, _card(target, model)
    )


def _card(target: Target, model: Model) -> Card:
    training = model.training
    judged = "; ".join(f"{one.learner} {one.mean:.3f}" for one in training.judged)
    weighs = ", ".join(f"{name} ({share:.0%})" for name, share in overview(model, 8))
    suspected = (
        f" These values may know the answer, and were looked at: {', '.join(training.suspects[:10])}."
        if training.suspects
        else " No value was found to know the answer."
    )
    days = target.horizon // 86_400_000_000
    return Card(
        title=f"{target.title}, within {days} days",
        intended=f"Forecasts of open orders by the target {target.name}, for people who decide what is done about "
        "them. Not for judging people.",
        data=f"{training.examples:,} prefixes of {training.orders:,} orders; {training.base:.2%} came to a breach. "
        "Left out: who people are, addresses, free text, sealed values, readings.",
        method=f"{model.chosen}, chosen by temporal validation among {len(training.judged)}; isotonic calibration; "
        f"conformal sets at {1 - model.conformal.alpha:.0%}. Heaviest: {weighs}.",
        evaluation=f"Areas under the ROC curve, means of forward folds: {judged}. Calibration error in the last fold: "
        f"{training.error:.3f}.{suspected}",
        limits="What past orders did not show, it does not foresee. A remedy's effect is an association, not proof. It "
        "abstains where outcomes cannot be told apart, and where it has drifted.",
    )


def _decimal(value: float) -> Decimal:
    return Decimal(f"{value:.6f}")
