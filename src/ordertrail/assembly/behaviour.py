"""Behaviour scores of the trail in a directory: its settings, the registry of models, alerts, and the logs."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from time import monotonic

from ordertrail.assembly.apart import run_apart
from ordertrail.assembly.background import Listener, Stopping
from ordertrail.assembly.filing import OWN
from ordertrail.assembly.models import data_ranges, open_models
from ordertrail.assembly.monitor import open_monitor
from ordertrail.assembly.stores import read_settings
from ordertrail.kernel.clock import Clock, utc_now
from ordertrail.kernel.errors import ConfigurationError, InputError
from ordertrail.monitor.behaviour.cards import LAW
from ordertrail.monitor.behaviour.service import Behaviour, Bounds
from ordertrail.monitor.ports import Told
from ordertrail.record.event import Actor
from ordertrail.settings.behaviour import BehaviourSettings

BEHAVIOUR = "behaviour"
"""The name of the job that scores on a schedule."""

_log = logging.getLogger("ordertrail.behaviour")
_DAY = 86_400_000_000
_HOUR = 3_600.0
_LOOK = 60.0
"""Seconds between two looks at whether it is time."""


@contextmanager
def open_behaviour(root: Path, *, clock: Clock = utc_now, told: Sequence[Told] = ()) -> Iterator[Behaviour]:
    """Open behaviour scores of the trail in a directory. ``told`` are told of alerts at once.

    Raises ConfigurationError where there is no trail, or people are to be scored and the settings do not say what
    allows it; UnavailableError where a database cannot be reached.
    """
    said = read_settings(root).behaviour
    basis = _basis(said)
    with (
        open_monitor(root, clock=clock, told=told) as monitor,
        open_models(root, clock=clock) as registry,
    ):
        yield Behaviour(
            around=monitor.around,
            registry=registry,
            ranges=partial(data_ranges, root, clock=clock),
            streams=[one for one in monitor.around.streams if one not in OWN],
            bounds=Bounds(said.order, said.person, said.channel, said.quiet_days * _DAY),
            basis=basis,
        )


def run_behaviour(root: Path, stopping: Stopping, listener: Listener) -> None:
    """Score what is sealed, at the start and every so many hours, until asked to end; learn anew when that is due.

    In a process of its own. *If we stop here*, it is ended: what it had not raised is found again by the next.
    """
    scored: float | None = None
    while not stopping():
        every = read_settings(root).behaviour.score_every * _HOUR
        listener.running(BEHAVIOUR, well=True)
        if every and (scored is None or monotonic() - scored >= every):
            scored = monotonic()
            if run_apart(score_now, root, stopping=stopping):
                listener.done(BEHAVIOUR, 1)
        stopping.rest(_LOOK)


def score_now(root: Path) -> None:
    """Learn where that is due, score, raise alerts and note drift, as the service does; the log tells what it found."""
    refit = timedelta(days=read_settings(root).behaviour.refit_days)
    with open_behaviour(root) as behaviour:
        if behaviour.is_due(refit):
            try:
                made = behaviour.fit(Actor("ordertrail", "system"), "the schedule")
            except InputError as error:
                _log.warning("behaviour was not learned: %s", error)
            else:
                _log.info("behaviour was learned: %s", ", ".join(one.name for one in made))
        scored = behaviour.score()
        new = behaviour.raise_alerts(scored.unusual)
        drift = behaviour.note_drift(scored)
    _log.info("behaviour was scored: %d findings, %d new alerts", len(scored.unusual), new)
    if drift is not None and drift.drift is not None:
        _log.warning("the model drifts: %s", drift.drift.reason)


def _basis(said: BehaviourSettings) -> str | None:
    if not said.people:
        return None
    basis = (said.basis or "").strip()
    if not basis:
        raise ConfigurationError(
            "behaviour.people is set, and behaviour.basis does not say what allows it",
            meaning=f"Nothing was scored. {LAW}",
            remedy="Name the agreement or assessment in behaviour.basis, or leave people out.",
        )
    return basis
