"""Behaviour, as programs are handed it: learn, score, explain, and raise alerts.

What was learned is a model of the registry: it is used once another person approved it and it was deployed. Volumes
need no model: their detector learns as it goes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from math import sqrt

from ordertrail.kernel.clock import format_time, parse_time
from ordertrail.kernel.errors import ConfigurationError, InputError
from ordertrail.monitor.alerts.alert import Status
from ordertrail.monitor.alerts.telling import WATCH
from ordertrail.monitor.behaviour.alerting import Subject, Unusual, alert_of, raised
from ordertrail.monitor.behaviour.cards import order_card, people_card
from ordertrail.monitor.behaviour.feedback import STEP, Feedback, feedback
from ordertrail.monitor.behaviour.model_file import format_model, read_model
from ordertrail.monitor.behaviour.observing import ACTOR, ObservedOrder, Orders, evidence_of
from ordertrail.monitor.behaviour.people import (
    Days,
    PeopleModel,
    PersonDay,
    fit_people,
    format_people,
    people_sentences,
    read_people,
)
from ordertrail.monitor.behaviour.process import Judgement, ProcessModel, fit
from ordertrail.monitor.behaviour.volumes import UnusualHour, Volumes, volume_sentences
from ordertrail.monitor.behaviour.words import sentences, signature
from ordertrail.monitor.forecast.reading import sealed_events
from ordertrail.monitor.models.card import Card
from ordertrail.monitor.models.provenance import code_hash, lock_hash
from ordertrail.monitor.models.record import DataRange, Deed, Metric, ModelRecord, Training
from ordertrail.monitor.models.registry import Models
from ordertrail.monitor.ports import AlertQuery
from ordertrail.monitor.watch import Surroundings, announce
from ordertrail.record.event import Actor

KIND = "behaviour"
"""The kind of these models in the registry."""

ORDERS = "orders"
PEOPLE = "people"

LEAST_ORDERS = 30
"""Orders that are over, below which nothing is learned."""

_MODULES = ("cases", "deviations", "observing", "paths", "people", "process", "repairs", "values")
_CODE = (*(f"ordertrail.monitor.behaviour.{one}" for one in _MODULES), "ordertrail.monitor.forecast.trail")
"""What makes scores of events: a model is asked by the same code that it was learned with, or not at all."""

_DAY = 86_400_000_000
_EVERY = 100_000
_FAR = 4.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """How unusual something must be to be told, and after how many microseconds of quiet an order is over."""

    order: float = -2.0
    person: float = 10.0
    channel: float = 9.5
    quiet: int = 14 * _DAY


@dataclass(frozen=True, slots=True)
class Scored:
    """What scoring found: what is unusual, the most unusual of each subject first, and what was looked at.

    ``without`` are the purposes that no model is in use for: nothing was scored for them. ``fresh`` is how many orders
    the model has not learned from, and ``strange`` how many of these were unusual, whatever people decided on before.
    """

    unusual: tuple[Unusual, ...]
    orders: int
    fresh: int
    strange: int
    days: int
    hours: int
    without: tuple[str, ...]


@dataclass(slots=True)
class _Seen:
    """What one walk over the logs gathers."""

    orders: Orders
    volumes: Volumes = field(default_factory=Volumes)
    days: Days = field(default_factory=Days)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Behaviour of a trail, by its parts. ``basis`` allows the scoring of people; None where they are not scored.

    ::

        behaviour.fit(by=analyst, reason="the month's fit")       # into the registry, not in use
        behaviour.score().unusual                                 # by the models in use
        behaviour.raise_alerts(scored.unusual)
    """

    around: Surroundings
    registry: Models
    ranges: Callable[[], tuple[DataRange, ...]]
    streams: Sequence[str]
    bounds: Bounds
    basis: str | None = None

    @property
    def purposes(self) -> tuple[str, ...]:
        """What models are learned for."""
        return (ORDERS,) if self.basis is None else (ORDERS, PEOPLE)

    def is_due(self, every: timedelta) -> bool:
        """Say whether the last models were learned longer ago than this."""
        now = self.around.clock()
        for purpose in self.purposes:
            mine = [one for one in self.registry.records() if one.serves(KIND, purpose)]
            steps = [step for one in mine if (step := one.last(Deed.TRAIN)) is not None]
            if not any(parse_time(step.at) > now - every for step in steps):
                return True
        return False

    def fit(self, by: Actor, reason: str) -> list[ModelRecord]:
        """Learn from all that is published; the models are put in the registry, and not in use.

        Raises InputError where fewer than :data:`LEAST_ORDERS` orders are over.
        """
        ranges = self.ranges()
        seen = self._walk({one.stream: one.size for one in ranges})
        cases = [one.case() for one in seen.orders.settled(self.bounds.quiet)]
        if len(cases) < LEAST_ORDERS:
            raise InputError(
                f"nothing can be learned: {len(cases)} orders are over, and it takes {LEAST_ORDERS}",
                meaning="No model was made.",
                remedy="Wait for more trade, or lower behaviour.quiet_days.",
            )
        model = fit(cases, seen.orders.fields)
        told = sum(model.judge(case, seen=True).score >= self.bounds.order for case in cases)
        courses = len(model.paths.counts)
        metrics = {"orders": len(cases), "courses": courses, "unusual": told}
        card = order_card(len(cases), courses, seen.orders.fields, people=ACTOR in seen.orders.fields)
        training = self._training(ORDERS, ranges, metrics, card)
        found = [self.registry.train(training, format_model(model), by, reason)]
        if self.basis is not None:
            found.append(self._fit_people(seen.days, ranges, self.basis, by, reason))
        return found

    def score(self) -> Scored:
        """Score what is sealed by the models in use. Raises EvidenceError for a model that was altered."""
        seen, known = self._walk(self._ends()), self._feedback()
        orders, days, without = list(seen.orders.settled(self.bounds.quiet)), [], []
        unusual: list[Unusual] = []
        judged: list[tuple[Judgement, bool]] = []
        found = self._orders_model()
        if found is None:
            without.append(ORDERS)
        else:
            model, sizes = found
            judged = [(_judge(order, model, sizes), _learned(order.places, sizes)) for order in orders]
            pairs = zip(orders, judged, strict=True)
            unusual += [told for order, (one, _) in pairs if (told := self._order(order, one, model, known))]
        if self.basis is not None:
            days, people = list(seen.days.known.values()), self._people_model()
            if people is None:
                without.append(PEOPLE)
            else:
                unusual += [told for day in days if (told := self._day(day, *people, known))]
        hours = [_hour(hour, known) for hour in seen.volumes.unusual(self.bounds.channel)]
        unusual += [hour for hour in hours if hour.score >= self.bounds.channel]
        unusual.sort(key=lambda one: (one.subject.rule, -one.score, one.name))
        fresh = [one for one, learned in judged if not learned]
        return Scored(
            tuple(unusual),
            len(orders),
            len(fresh),
            sum(one.score >= self.bounds.order for one in fresh),
            len(days),
            sum(len(counts) for counts in seen.volumes.counts.values()),
            tuple(without),
        )

    def note_drift(self, scored: Scored) -> ModelRecord | None:
        """Put on record that the model of orders drifts, where far more new orders are unusual than it was made with.

        Far more is beyond four standard deviations of a Poisson count, of at least :data:`LEAST_ORDERS` orders. Once
        for each deployment; None where there is nothing to note.
        """
        model = self.registry.deployed(KIND, ORDERS)
        if model is None or model.drift is not None or scored.fresh < LEAST_ORDERS:
            return None
        figures = {one.name: int(one.value) for one in model.training.metrics}
        expected = scored.fresh * figures["unusual"] / figures["orders"]
        if scored.strange <= expected + _FAR * sqrt(expected + 1):
            return None
        reason = (
            f"{scored.strange:,} of {scored.fresh:,} new orders are unusual; of those that it has learned from, "
            f"{figures['unusual']:,} of {figures['orders']:,} were"
        )
        metrics = (Metric("fresh", Decimal(scored.fresh)), Metric("unusual", Decimal(scored.strange)))
        return self.registry.note_drift(model.version, metrics, WATCH, reason)

    def explain(self, order: str, tenant: str = "") -> Unusual:
        """Say how unusual an order is, whether or not it is over. Raises InputError where it cannot be said."""
        found = self._orders_model()
        if found is None:
            raise InputError(
                "no model of orders is in use",
                meaning="Nothing was scored.",
                remedy="Learn one with 'ordertrail behaviour fit', and have it approved and deployed.",
            )
        known = self._walk(self._ends()).orders.known.get((tenant, order))
        if known is None:
            raise InputError(f"there is no order {order[:80]!r} that behaviour sees")
        model, ranges = found
        return _unusual_order(known, _judge(known, model, ranges), model, 0)

    def raise_alerts(self, unusual: Sequence[Unusual]) -> int:
        """Raise alerts, and return how many there are that were not there before. Again raises nothing twice."""
        alerts, now = self.around.alerts, format_time(self.around.clock())
        told = {
            (one.rule, one.key[:-1], one.bucket): one.last
            for subject in Subject
            for one in alerts.find(AlertQuery(rule=subject.rule, limit=_EVERY))
        }
        count = 0
        for one in unusual:
            first, last = one.evidence[0].time, one.evidence[-1].time
            if told.get((one.subject.rule, one.key[:-1], first - first % _DAY), -1) >= last:
                continue
            name = alert_of(one)
            transition = raised(one, alerts.get([name]), now, self.around.large)
            if transition is not None and alerts.change(transition):
                announce(self.around, [transition])
                count += 1
        return count

    def _order(
        self, order: ObservedOrder, judged: Judgement, model: ProcessModel, known: Feedback
    ) -> Unusual | None:
        if judged.score < self.bounds.order:
            return None
        lowered = known.lowered(Subject.ORDER.rule, signature(judged, model))
        if judged.score - lowered * STEP < self.bounds.order:
            return None
        return _unusual_order(order, judged, model, lowered)

    def _day(
        self, day: PersonDay, model: PeopleModel, ranges: Mapping[str, int], known: Feedback
    ) -> Unusual | None:
        judged = model.judge(day, seen=_learned(day.places, ranges))
        if not judged.aspects or judged.score < self.bounds.person:
            return None
        mark = f"{judged.aspects[0].name}@{day.person}"
        lowered = known.lowered(Subject.PERSON.rule, mark)
        score = judged.score - lowered
        if score < self.bounds.person:
            return None
        evidence = tuple(sorted(day.evidence, key=lambda seen: seen.moment))
        told = _with_feedback(people_sentences(judged, model), lowered)
        return Unusual(
            Subject.PERSON, day.person, day.tenant, score, mark, told, evidence, (day.person,), lowered
        )

    def _fit_people(
        self, days: Days, ranges: tuple[DataRange, ...], basis: str, by: Actor, reason: str
    ) -> ModelRecord:
        model = fit_people(days.known.values())
        metrics = {"days": len(days.known), "people": len(model.people)}
        card = people_card(len(days.known), len(model.people), basis)
        return self.registry.train(
            self._training(PEOPLE, ranges, metrics, card), format_people(model), by, reason
        )

    def _walk(self, ends: Mapping[str, int]) -> _Seen:
        seen = _Seen(Orders(people=self.basis is not None))
        for event in sealed_events(self.around.log, {}, ends, self.around.actions):
            seen.orders.take(event)
            seen.volumes.take(event)
            if self.basis is not None:
                seen.days.take(event)
        return seen

    def _ends(self) -> dict[str, int]:
        return {stream: self.around.log.size(stream) for stream in self.streams}

    def _feedback(self) -> Feedback:
        alerts, closed = self.around.alerts, frozenset({Status.CLOSED})
        return feedback(
            one
            for subject in Subject
            for one in alerts.find(AlertQuery(statuses=closed, rule=subject.rule, limit=_EVERY))
        )

    def _orders_model(self) -> tuple[ProcessModel, Mapping[str, int]] | None:
        found = self._deployed(ORDERS)
        if found is None:
            return None
        model = read_model(found[0])
        if (ACTOR in model.fields) != (self.basis is not None):
            raise ConfigurationError(
                "the model of orders that is in use was learned with another behaviour.people",
                meaning="Nothing is scored, so that nobody is scored whom the settings leave out.",
                remedy="Learn anew with 'ordertrail behaviour fit', and have the new model approved.",
            )
        return model, found[1]

    def _people_model(self) -> tuple[PeopleModel, Mapping[str, int]] | None:
        found = self._deployed(PEOPLE)
        return None if found is None else (read_people(found[0]), found[1])

    def _deployed(self, purpose: str) -> tuple[bytes, Mapping[str, int]] | None:
        """Return the file of the model in use, and up to where in each log it has learned."""
        record = self.registry.deployed(KIND, purpose)
        if record is None:
            return None
        sizes = {one.stream: one.size for one in record.training.data}
        return self.registry.load(record.version, code=code_hash(*_CODE)), sizes

    def _training(
        self, purpose: str, ranges: tuple[DataRange, ...], figures: Mapping[str, int], card: Card
    ) -> Training:
        metrics = tuple(Metric(name, Decimal(value)) for name, value in figures.items())
        return Training(KIND, purpose, 0, ranges, code_hash(*_CODE), lock_hash(), metrics, card)


def _judge(order: ObservedOrder, model: ProcessModel, ranges: Mapping[str, int]) -> Judgement:
    return model.judge(order.case(), seen=_learned(order.places, ranges))


def _learned(places: Mapping[str, int], sizes: Mapping[str, int]) -> bool:
    """Say whether a model has learned from all events up to these places."""
    return all(place < sizes.get(stream, 0) for stream, place in places.items())


def _unusual_order(order: ObservedOrder, judged: Judgement, model: ProcessModel, lowered: int) -> Unusual:
    evidence = evidence_of(order)
    mark = signature(judged, model)
    deviating = judged.deviating() if ACTOR in model.fields else frozenset()
    doers = {seen.actor for seen in evidence if seen.person and seen.id in deviating}
    told = _with_feedback(sentences(judged, model), lowered)
    tenant, name = order.key
    score = judged.score - lowered * STEP
    return Unusual(Subject.ORDER, name, tenant, score, mark, told, evidence, tuple(sorted(doers)), lowered)


def _hour(hour: UnusualHour, known: Feedback) -> Unusual:
    lowered = known.lowered(Subject.CHANNEL.rule, hour.channel)
    score = hour.reading.alarm - lowered
    told = _with_feedback(volume_sentences(hour), lowered)
    return Unusual(
        Subject.CHANNEL, hour.channel, hour.tenant, score, hour.channel, told, hour.evidence, lowered=lowered
    )


def _with_feedback(told: tuple[str, ...], lowered: int) -> tuple[str, ...]:
    if not lowered:
        return told
    return (
        *told,
        f"Like it was dismissed {lowered} times more than confirmed, and its odds are lowered for it.",
    )
