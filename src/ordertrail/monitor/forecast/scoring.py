"""Scoring as events come: each order that moved is forecast anew, by every target that is asked of it then.

::

    scoring = Scoring(targets, {"cancelled": model}, rules)
    scoring.take(event)                 # as often as there are events
    scoring.forecasts()                 # of the orders that moved since; scored together
    scoring.explained(forecast)         # the same, with reasons and remedies
    scoring.standing("cancelled")       # all open orders, forecast anew

Where a target has no model, or its model has drifted, the base rule speaks and the forecast abstains. What comes true
is learned from as it comes true (:mod:`~ordertrail.monitor.forecast.assurance`); the model itself never changes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ordertrail.monitor.forecast.assurance import Assurance, Scored, corrected
from ordertrail.monitor.forecast.drift import Signal
from ordertrail.monitor.forecast.fates import Settled, courses
from ordertrail.monitor.forecast.following import Followed, Following, Key
from ordertrail.monitor.forecast.forecast import Basis, Corrections, Forecast, Outcome, Risk, rounded
from ordertrail.monitor.forecast.model import CURVE, Model, check_declared
from ordertrail.monitor.forecast.reasons import reasons, remedies
from ordertrail.monitor.forecast.targets import Target
from ordertrail.monitor.rules.rulebook import Rulebook
from ordertrail.query.projection import Indexed

BATCH = 4_096
"""Orders that are scored together."""

RISKY, QUIET = 0.5, 0.0
"""What a base rule says, where it holds and where it does not: no probability, and so its forecasts abstain."""

_EITHER = frozenset(Outcome)


@dataclass(slots=True)
class _Waiting:
    """A forecast whose truth is not known yet; empty until it was scored."""

    scored: Scored | None = None


@dataclass(slots=True)
class _Seat:
    """A target's model at work."""

    model: Model
    assurance: Assurance


@dataclass(frozen=True, slots=True)
class _Asked:
    place: int
    order: Followed[_Waiting]
    waiting: _Waiting | None


class Scoring:
    """Forecasts of open orders. Used by one thread."""

    def __init__(
        self, targets: Sequence[Target], models: Mapping[str, Model], rules: Rulebook | None = None
    ) -> None:
        self._courses = courses(targets)
        self._seats: dict[int, _Seat] = {}
        for place, target in enumerate(targets):
            model = models.get(target.name)
            if model is not None:
                check_declared(model, target)
                assurance = Assurance(model.calibration, model.conformal, model.given)
                self._seats[place] = _Seat(model, assurance)
        self._asked: dict[tuple[int, Key], _Asked] = {}
        self.following: Following[_Waiting] = Following(self._courses, self, rules)

    def take(self, event: Indexed) -> None:
        """Take the next event."""
        self.following.take(event)

    def settle(self, now: int) -> None:
        """Settle what the passing of time settles."""
        self.following.settle(now)

    def forecasts(self) -> list[Forecast]:
        """Return the forecasts that were asked since the last call, the newest of each order, without reasons."""
        asked, self._asked = list(self._asked.values()), {}
        return [
            forecast
            for start in range(0, len(asked), BATCH)
            for forecast in self._score(asked[start : start + BATCH])
        ]

    def standing(self, target: str) -> list[Forecast]:
        """Return a forecast of every order that may still breach, as of its newest event, without reasons."""
        place = next(number for number, course in enumerate(self._courses) if course.target.name == target)
        asked = [_Asked(place, order, None) for order in self.following.open(place)]
        return [
            forecast
            for start in range(0, len(asked), BATCH)
            for forecast in self._score(asked[start : start + BATCH])
        ]

    def explained(self, forecast: Forecast) -> Forecast:
        """Return a forecast with its reasons and remedies; as it is where the order moved on, or no model made it."""
        order = self.following.order((forecast.tenant or "", forecast.order))
        seat = next((one for one in self._seats.values() if one.model.id == forecast.model), None)
        if (
            order is None
            or seat is None
            or order.prefix.last != forecast.last
            or forecast.basis is Basis.BASELINE
        ):
            return forecast
        target = next(one.target for one in self._courses if one.target.name == forecast.target)
        row = seat.model.columns.rows([order.prefix.values])[0]
        return replace(
            forecast,
            reasons=reasons(seat.model, order.prefix, row),
            remedies=remedies(seat.model, target, row, seat.assurance, forecast.probability),
        )

    def signals(self) -> dict[str, tuple[Signal, ...]]:
        """Return by target what has drifted."""
        return {
            self._courses[place].target.name: seat.assurance.signals() for place, seat in self._seats.items()
        }

    def asked(self, place: int, order: Followed[_Waiting]) -> None:
        """See :class:`~ordertrail.monitor.forecast.following.Listener`."""
        waiting = _Waiting()
        kept = order.fates[place].ask(waiting, order.prefix.time)
        self._asked[place, order.key] = _Asked(place, order, waiting if kept else None)

    def settled(
        self,
        place: int,
        order: Followed[_Waiting],  # noqa: ARG002 - a protocol's
        settled: Sequence[Settled[_Waiting]],
    ) -> None:
        """See the protocol. Of orders that the model has learned from it learns nothing: it knew them."""
        seat = self._seats.get(place)
        if seat is None:
            return
        fresh = [one for one in settled if one.asked > seat.model.training.last]
        for truth in (True, False):
            known = [one.item.scored for one in fresh if one.truth is truth and one.item.scored is not None]
            seat.assurance.learn(known, truth=truth)

    def _score(self, asked: Sequence[_Asked]) -> list[Forecast]:
        """Return forecasts, those of one target scored together."""
        found = []
        for place, course in enumerate(self._courses):
            here = [one for one in asked if one.place == place]
            seat = self._seats.get(place)
            if not here:
                continue
            if seat is None:
                found += [_baseline(course.target, one.order, place) for one in here]
                continue
            scores = score(seat.model, [one.order.prefix.values for one in here])
            seat.assurance.see(
                [said for one, said in zip(here, scores, strict=True) if _is_news(one, seat.model)]
            )
            scored = seat.assurance.tell(scores)
            trusted = seat.assurance.trusted
            for one, told in zip(here, scored, strict=True):
                if one.waiting is not None:
                    one.waiting.scored = told
                found.append(
                    _forecast(course.target, seat.model, one.order, told)
                    if trusted
                    else _baseline(course.target, one.order, place)
                )
        return found


def _is_news(asked: _Asked, model: Model) -> bool:
    """Say whether an event asked for a score, one that came after those that the model has learned from."""
    return asked.waiting is not None and asked.order.prefix.time > model.training.last


def score(model: Model, prefixes: Iterable[Mapping[str, float]]) -> list[float]:
    """Return a model's log-odds of prefixes: the same bits for the same prefix and model file, always."""
    return [float(one) for one in model.scorer.scores(model.columns.rows(list(prefixes)))]


def replayed(model: Model, values: Mapping[str, float], corrections: Corrections) -> Scored:
    """Return what a model told of a prefix, under the corrections of then: bit for bit what it was."""
    return corrected(model.calibration, model.conformal, score(model, [values]), corrections)[0]


def _forecast(target: Target, model: Model, order: Followed[_Waiting], told: Scored) -> Forecast:
    probability = rounded(told.probability)
    return Forecast(
        order=order.key[1],
        tenant=order.key[0] or None,
        target=target.name,
        model=model.id,
        basis=Basis.MODEL,
        at=order.prefix.time,
        horizon=target.horizon,
        probability=probability,
        curve=tuple(
            Risk(round(share * target.horizon), rounded(probability * part))
            for share, part in zip(CURVE, model.curve, strict=True)
        ),
        outcomes=told.outcomes,
        last=order.prefix.last,
        score=told.score,
        corrections=told.corrections,
    )


def _baseline(target: Target, order: Followed[_Waiting], place: int) -> Forecast:
    probability = RISKY if order.fates[place].risky else QUIET
    return Forecast(
        order=order.key[1],
        tenant=order.key[0] or None,
        target=target.name,
        model="",
        basis=Basis.BASELINE,
        at=order.prefix.time,
        horizon=target.horizon,
        probability=probability,
        curve=(Risk(target.horizon, probability),),
        outcomes=_EITHER,
        last=order.prefix.last,
    )
