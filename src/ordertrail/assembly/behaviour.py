"""Behaviour scores of the trail in a directory: its settings, the registry of models, alerts, and the logs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from ordertrail.assembly.models import data_ranges, open_models
from ordertrail.assembly.monitor import open_monitor
from ordertrail.assembly.stores import read_settings
from ordertrail.kernel.clock import Clock, utc_now
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.monitor.behaviour.cards import LAW
from ordertrail.monitor.behaviour.service import Behaviour, Bounds
from ordertrail.monitor.governance import GOVERNANCE
from ordertrail.monitor.ports import Told
from ordertrail.retention.register import DELETIONS
from ordertrail.settings.behaviour import BehaviourSettings

_DAY = 86_400_000_000


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
            streams=[one for one in monitor.around.streams if one not in {DELETIONS, GOVERNANCE}],
            bounds=Bounds(said.order, said.person, said.channel, said.quiet_days * _DAY),
            basis=basis,
        )


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
