"""A generated quarter of trade: the shipped rules find every scripted fraud, and next to nothing else."""

import os
from itertools import islice

import pytest

from ordertrail.monitor.rules.rulebook import Rulebook, shipped_rules
from ordertrail.monitor.stream.engine import Engine
from ordertrail.query.projection import Place, project
from ordertrail.testing.fraud.quarter import Quarter
from ordertrail.testing.fraud.scripts import FRAUDS

SOAK = os.environ.get("ORDERTRAIL_SOAK") == "1"
BATCH = 4_096
ENDED = 10**17


@pytest.mark.parametrize(
    ("events", "seed"), [(1_050_000, 71), (1_050_000, 72)] if SOAK else [(50_000, 51), (12_000, 52)]
)
def test_every_scripted_fraud_is_found_and_little_else(events: int, seed: int) -> None:
    """At most one alert in ten thousand events has no fraud in it, and no fraud is without its alert."""
    quarter = Quarter(events, seed)
    book = Rulebook.of(shipped_rules())
    names = {rule.about.id: rule.about.name for rule in book}
    engine, told, looked = Engine(book), quarter.events(), 0
    alerts: dict[tuple[object, ...], set[str]] = {}
    while batch := list(islice(told, BATCH)):
        for place, event in enumerate(batch, looked):
            engine.take(project(event, Place("default", place, event.time)))
        looked += len(batch)
        _gather(engine, alerts)
    engine.settle(ENDED)
    _gather(engine, alerts)
    for scripted in quarter.scripted:
        found = [
            key
            for key, ids in alerts.items()
            if names[str(key[0])] == scripted.fraud.rule and ids & scripted.events
        ]
        assert found, scripted.fraud.name
    of_frauds = set[str]().union(*(scripted.events for scripted in quarter.scripted))
    wrong = [key for key, ids in alerts.items() if not ids & of_frauds]
    assert len(wrong) * 10_000 <= max(looked, 20_000), [names[str(key[0])] for key in wrong]
    assert len(quarter.scripted) == 2 * len(FRAUDS)


def _gather(engine: Engine, alerts: dict[tuple[object, ...], set[str]]) -> None:
    for one in engine.taken().findings:
        alerts.setdefault((one.rule, one.key, one.bucket), set()).update(seen.id for seen in one.seen)


def test_the_patterns_are_many_and_each_has_a_rule() -> None:
    """Two dozen patterns, each found by a rule of its own that is shipped."""
    assert len(FRAUDS) >= 12
    loud = {rule.about.name for rule in Rulebook.of(shipped_rules()).loud}
    assert {fraud.rule for fraud in FRAUDS} <= loud
    assert len({fraud.rule for fraud in FRAUDS}) == len(FRAUDS)


def test_the_same_seed_tells_the_same_quarter() -> None:
    """A quarter is reproducible, ids included."""
    one, other = (list(islice(Quarter(5_000, seed=3).events(), 500)) for _ in range(2))
    assert one == other
