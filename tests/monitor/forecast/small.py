"""Small worlds for forecasts: orders of a few events, made up from what they say."""

from collections.abc import Sequence
from functools import cache

import numpy as np

from ordertrail.adapters.learning.regression import L1Logistic
from ordertrail.adapters.learning.trees import LightGbm
from ordertrail.monitor.forecast.columns import Examples
from ordertrail.monitor.forecast.gathering import Gathering
from ordertrail.monitor.forecast.model import Model, Training, of_learned
from ordertrail.monitor.forecast.targets import Target, read_targets
from ordertrail.monitor.forecast.training import Learned, learn
from ordertrail.query.projection import MICRO, Indexed, Place, project
from ordertrail.record.event import Actor, Change, Event, Subject
from ordertrail.testing.year import TARGETS, Year

LEARNERS = (L1Logistic(0.1), LightGbm())
HOUR = 3_600 * MICRO
DAY = 24 * HOUR
NOON = "2026-03-02T12:00:00.000000Z"


def happened(
    action: str, *, hours: float = 0.0, order: str = "SO-1", changes: Sequence[Change] = ()
) -> Indexed:
    """Return an event of an order, so many hours after noon."""
    number = hash((action, hours, order)) % (1 << 40)
    event = Event(
        id=f"01935f6e-9c1a-7cc2-b0a5-{number:012x}",
        time=NOON,
        action=action,
        actor=Actor("shop", "service"),
        subject=Subject("order", order, order),
        changes=tuple(changes),
    )
    told = project(event, Place("default", number, NOON))
    moved = told.time + round(hours * HOUR)
    return Indexed(
        **{name: getattr(told, name) for name in told.__slots__} | {"time": moved, "recorded": moved}
    )


def target(name: str = "cancelled") -> Target:
    """Return a target of the generated year."""
    return next(one for one in read_targets(TARGETS) if one.name == name)


def indexed(year: Year) -> list[Indexed]:
    """Return the events of a year as the index has them."""
    return [project(event, Place("default", place, event.time)) for place, event in enumerate(year.events())]


def gathered(events: Sequence[Indexed], target_: Target) -> Examples:
    """Return the examples of a target."""
    gathering = Gathering((target_,))
    for event in events:
        gathering.take(event)
    gathering.settle(1 << 62)
    return gathering.examples[target_.name]


def modelled(learned: Learned, examples: Examples, target_: Target) -> Model:
    """Return what was learned as a model."""
    first, last = min(examples.times), max(examples.times)
    training = Training(
        7, learned.orders, learned.examples, learned.base, learned.error, first, last, learned.judged
    )
    return of_learned(target_, learned, examples.delays, training)


@cache
def year_model(orders: int = 1_200, seed: int = 1) -> Model:
    """Return a model of cancellations, learned from a small year; made once for all tests of a file."""
    examples = gathered(indexed(Year(orders, seed)), target())
    return modelled(learn(examples, LEARNERS, seed=7), examples, target())


def drawn(rng: np.random.Generator, orders: int, length: int = 4) -> Examples:
    """Return examples whose truth depends on one of two values, with noise."""
    examples = Examples()
    for order in range(orders):
        signal = rng.normal()
        truth = bool(signal + 0.5 * rng.normal() > 0.3)
        for step in range(length):
            values = {
                "number signal last": signal,
                "number noise last": float(rng.normal()),
                "steps": step + 1.0,
            }
            time = (order * 10 + step) * HOUR
            examples.add(examples.packed(values), order=order, time=time, truth=truth, known=time + HOUR)
    return examples
