"""Forecasts of the trail in a directory: targets, learners, the registry of models, and the logs to learn from."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from time import monotonic

from ordertrail.adapters.learning.regression import L1Logistic
from ordertrail.adapters.learning.revival import revive
from ordertrail.adapters.learning.trees import LightGbm
from ordertrail.assembly.apart import run_apart
from ordertrail.assembly.background import Listener, Stopping
from ordertrail.assembly.filing import OWN
from ordertrail.assembly.index import open_query
from ordertrail.assembly.models import data_ranges, open_models
from ordertrail.assembly.monitor import open_monitor
from ordertrail.assembly.stores import read_settings
from ordertrail.kernel.clock import Clock, utc_now
from ordertrail.kernel.errors import ConfigurationError, InputError
from ordertrail.monitor.forecast.following import known_targets
from ordertrail.monitor.forecast.ports import Learner
from ordertrail.monitor.forecast.service import Forecasting
from ordertrail.monitor.forecast.targets import Target, read_targets, shipped_targets
from ordertrail.record.event import Actor

LEARNERS: tuple[Learner, ...] = (*(L1Logistic(strength) for strength in (0.01, 0.03, 0.1)), LightGbm())
"""What stands side by side; the one that ranks best is taken, and of two alike the first."""

LARGEST = 1 << 20
"""Bytes of the largest file of targets."""

TRAINING = "training"
"""The name of the job that trains on a schedule."""

_log = logging.getLogger("ordertrail.forecast")
_LOOK = 600.0
"""Seconds between two looks at what is due."""


@contextmanager
def open_forecast(root: Path, *, clock: Clock = utc_now) -> Iterator[Forecasting]:
    """Open forecasts of the trail in a directory.

    Raises ConfigurationError where there is no trail or its file of targets will not do, UnavailableError where a
    database cannot be reached.
    """
    with (
        open_monitor(root, clock=clock) as monitor,
        open_query(root, clock=clock) as query,
        open_models(root, clock=clock) as registry,
    ):
        rules, said = monitor.rules(), read_settings(root).forecast
        yield Forecasting(
            targets=known_targets(declared_targets(root), rules),
            rules=rules,
            learners=LEARNERS,
            revive=revive,
            registry=registry,
            ranges=partial(data_ranges, root, clock=clock),
            log=query.log,
            streams=[stream for stream in query.streams if stream not in OWN],
            actions=query.actions,
            clock=clock,
            seed=said.seed,
            alpha=said.alpha,
        )


def run_training(root: Path, stopping: Stopping, listener: Listener) -> None:
    """Train targets that are due, one after the other, until asked to end.

    Each in a process of its own. *If we stop here*, it is ended, and nothing of it is in the registry; the target is
    due still. One that cannot be trained, for want of orders say, is tried again when it would be due again.
    """
    tried: dict[str, float] = {}
    while not stopping():
        every = timedelta(days=read_settings(root).forecast.train_every)
        listener.running(TRAINING, well=True)
        for target in _due(root, every, tried) if every else ():
            tried[target] = monotonic()
            if run_apart(train_now, root, target, stopping=stopping):
                listener.done(TRAINING, 1)
        stopping.rest(_LOOK)


def train_now(root: Path, target: str) -> None:
    """Train a target as the service does, and tell the log how far it is. What it lacks is told, too."""
    try:
        with open_forecast(root) as forecasting:
            trained = forecasting.train(
                target,
                by=Actor("ordertrail", "system"),
                reason="the schedule",
                advance=lambda what: _told(target, what),
            )
    except InputError as error:
        _log.warning("%s was not trained: %s", target, error)
        return
    _log.info("%s was trained: model %s", target, trained.model.id)


def _due(root: Path, every: timedelta, tried: Mapping[str, float]) -> list[str]:
    """Return the targets that are due, but those that were tried in the same time."""
    with open_forecast(root) as forecasting:
        due = forecasting.due(every)
    return [one for one in due if one not in tried or monotonic() - tried[one] >= every.total_seconds()]


def _told(target: str, what: str) -> None:
    _log.info("%s: %s", target, what)


def declared_targets(root: Path) -> tuple[Target, ...]:
    """Return the targets of the trail in a directory: its own, and the shipped ones that it does not leave out.

    A target of its own takes the place of a shipped one of the same name. Raises ConfigurationError naming everything
    that is wrong with the file.
    """
    said = read_settings(root).forecast
    own = _own(root / said.targets)
    shipped = shipped_targets()
    unknown = set(said.without) - {one.name for one in shipped}
    if unknown:
        raise ConfigurationError(
            f"forecast.without names targets that are not shipped: {', '.join(sorted(unknown))}"
        )
    left_out = {*said.without, *(one.name for one in own)}
    return (*(one for one in shipped if one.name not in left_out), *own)


def _own(path: Path) -> tuple[Target, ...]:
    try:
        if path.stat().st_size > LARGEST:
            raise ConfigurationError(f"{path} has more than {LARGEST:,} bytes")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"the targets in {path} cannot be read: {error}") from None
    try:
        return read_targets(text)
    except InputError as error:
        raise ConfigurationError(
            f"{path.name}: {error.message}",
            meaning="Nothing is forecast.",
            remedy="Correct what is named; 'ordertrail forecast targets' shows what is read.",
        ) from None
