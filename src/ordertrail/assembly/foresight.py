"""Forecasting and acting in the background of a service: what moved is foreseen, what was accepted is done.

Two jobs, each over stores of its own. *Forecast* follows the logs with the models that are deployed; it looks now and
then whether others are, and then begins anew. What it knows is made from the logs, so a restart loses nothing: after
catching up it considers every order that is open, and those that were considered before change nothing. *Actions*
carries out what was accepted, undoes what was revoked, and learns what became of orders.
"""

import time
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ordertrail.assembly.actions import open_actions
from ordertrail.assembly.background import Listener, Stopping
from ordertrail.assembly.models import open_models
from ordertrail.kernel.errors import ConfigurationError
from ordertrail.monitor.actions.suggestion import Suggestion
from ordertrail.monitor.actions.telling import ENGINE
from ordertrail.monitor.forecast.forecast import Verdict
from ordertrail.monitor.governance import LONGEST_REASON
from ordertrail.monitor.models.record import Stage
from ordertrail.monitor.models.register import measured

if TYPE_CHECKING:  # an extra
    from ordertrail.monitor.actions.service import Actions
    from ordertrail.monitor.forecast.forecast import Forecast
    from ordertrail.monitor.forecast.service import Forecasting, ForecastWatch

FORECAST: Final = "forecast"
ACTIONS: Final = "actions"

_AT_ONCE: Final = 1_000
"""Forecasts that are considered together."""
_LOOK: Final = 10.0
"""Seconds between two looks at which models are deployed."""
_LEARN: Final = 60.0
"""Seconds between two looks at what became of orders."""
_REST: Final = 0.5


def can_forecast() -> bool:
    """Say whether the packages that models need are installed."""
    return all(find_spec(name) is not None for name in ("lightgbm", "numpy", "sklearn"))


def run_forecast(root: Path, wait: Callable[[], None], stopping: Stopping, listener: Listener) -> None:
    """Foresee what orders that move may run into, until asked to end. ``wait`` passes a moment, or less."""
    if not _is_wanted(root, stopping, listener):
        return
    from ordertrail.assembly.forecast import open_forecast  # noqa: PLC0415 - an extra

    with open_forecast(root) as forecasting, open_actions(root) as actions:
        watch: ForecastWatch | None = None
        deployed: frozenset[str] | None = None
        looked = 0.0
        while not stopping():
            if watch is None or time.monotonic() - looked >= _LOOK:
                looked, now = time.monotonic(), _deployed(forecasting)
                if now != deployed:
                    deployed = now
                    watch = _begun(forecasting, actions)[0] if now else None
                if watch is not None:
                    _note_drift(forecasting, watch)
            listener.running(FORECAST, well=True)
            found = watch.step() if watch is not None else []
            if found:
                actions.consider(found)
                listener.done(FORECAST, len(found))
            else:
                wait()


def run_actions(root: Path, stopping: Stopping, listener: Listener) -> None:
    """Carry out what was accepted, and learn what became of orders, until asked to end."""
    with open_actions(root) as actions:
        looked = 0.0
        while not stopping():
            done = actions.run()
            if time.monotonic() - looked >= _LEARN:
                looked = time.monotonic()
                done += actions.learn()
            listener.running(ACTIONS, well=True)
            if done:
                listener.done(ACTIONS, done)
            else:
                stopping.rest(_REST)


def _is_wanted(root: Path, stopping: Stopping, listener: Listener) -> bool:
    """Wait until a model is deployed, before anything that takes memory is loaded; False where the end comes first."""
    with open_models(root) as registry:
        while not stopping():
            if any(one.stage is Stage.DEPLOYED for one in registry.records()):
                return True
            listener.running(FORECAST, well=True)
            stopping.rest(_LOOK)
    return False


def _deployed(forecasting: "Forecasting") -> frozenset[str]:
    """Return the versions of the models that are in use."""
    return frozenset(one.version for one in forecasting.registry.records() if one.stage is Stage.DEPLOYED)


def consider_open(root: Path) -> list[Suggestion]:
    """Consider every order that is open, once, with the models that are deployed; return what is suggested anew.

    Raises ConfigurationError where the packages that models need are not installed.
    """
    if not can_forecast():
        raise ConfigurationError(
            "forecasts need packages that are not installed",
            meaning="Nothing was suggested.",
            remedy="Install them with: pip install 'ordertrail[forecast]'",
        )
    from ordertrail.assembly.forecast import open_forecast  # noqa: PLC0415 - an extra

    with open_forecast(root) as forecasting, open_actions(root) as actions:
        return _begun(forecasting, actions)[1]


def _begun(forecasting: "Forecasting", actions: "Actions") -> "tuple[ForecastWatch, list[Suggestion]]":
    """Return a watch that knows all that is sealed, and what was suggested when every open order was considered."""
    watch, made = forecasting.watch(), list[Suggestion]()
    watch.catch_up()
    for target in forecasting.targets:
        standing = [
            watch.scoring.explained(one) if one.verdict is Verdict.BREACH else one
            for one in watch.scoring.standing(target.name)
        ]
        for some in _pieces(standing):
            made += actions.consider(some)
    return watch, made


def _note_drift(forecasting: "Forecasting", watch: "ForecastWatch") -> None:
    """Put on record that a deployed model was found wanting: once, until it is deployed again."""
    for target, signals in watch.scoring.signals().items():
        model = forecasting.registry.deployed(FORECAST, target) if signals else None
        if model is None or model.drift is not None:
            continue
        figures = measured({str(one.drifted): one.measure for one in signals})
        why = "; ".join(one.sentence for one in signals)
        forecasting.registry.note_drift(model.version, figures, ENGINE, why[:LONGEST_REASON])


def _pieces(forecasts: "list[Forecast]") -> "Iterable[list[Forecast]]":
    for first in range(0, len(forecasts), _AT_ONCE):
        yield forecasts[first : first + _AT_ONCE]
