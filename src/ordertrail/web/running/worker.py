"""The processes of a service: what one that answers does, and the one that works in the background.

Both read the trail's settings anew when they begin, so that exchanging them (SIGHUP) puts new settings in force.
"""

import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ordertrail.assembly.background import Background, leading
from ordertrail.assembly.house import open_services
from ordertrail.assembly.jobs import Work
from ordertrail.assembly.serving import Bounds, serve_on
from ordertrail.assembly.stores import read_settings
from ordertrail.assembly.trail import open_trail
from ordertrail.kernel.errors import EvidenceError
from ordertrail.services import Trail
from ordertrail.settings.serve import ServeSettings
from ordertrail.web.app import create_app
from ordertrail.web.operations.logs import configure_logs
from ordertrail.web.operations.metrics import Figures
from ordertrail.web.operations.tracing import Traces

_SWITCH: Final = 0.000_5
"""Seconds after which a thread that computes lets another; Python's own 0.005 is long beside an answer."""


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line says over the settings."""

    host: str | None = None
    port: int | None = None
    workers: int | None = None

    def over(self, settings: ServeSettings) -> ServeSettings:
        """Return settings with these in their place. Raises ValueError where they do not fit together."""
        said = {name: getattr(self, name) for name in ("host", "port", "workers")}
        chosen = settings.model_dump() | {name: value for name, value in said.items() if value is not None}
        return ServeSettings.model_validate(chosen)


def answer(root: Path, overrides: Overrides, listening: socket.socket, ready: Callable[[], None]) -> None:
    """Answer requests until asked to end (SIGTERM): then no new ones are taken, and those that were begun finish."""
    settings = overrides.over(read_settings(root).serve)
    configure_logs(settings.log_level, settings.log_format)
    # A thread that answers must not wait for Python's lock behind one that computes.
    sys.setswitchinterval(_SWITCH)
    traces = Traces(settings.traces, "answer")
    try:
        with open_services(root) as services:
            traced = replace(
                services, trail=traces.of_trail(services.trail), query=traces.of_query(services.query)
            )
            app = create_app(traced, settings, figures=Figures(), span=traces.requests)
            serve_on(app, listening, _bounds(root, settings), ready)
    finally:
        traces.close()


def work(root: Path, ready: Callable[[], None]) -> None:
    """Do what is to be done in the background until asked to end (SIGTERM)."""
    settings = read_settings(root)
    configure_logs(settings.serve.log_level, settings.serve.log_format)
    asked = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: asked.set())
    traces, figures = Traces(settings.serve.traces, "background"), Figures()

    @contextmanager
    def opened(place: Path) -> Iterator[Trail]:
        with open_trail(place) as trail:
            yield traces.of_trail(trail)

    def rest(seconds: float) -> None:
        asked.wait(seconds)

    background = Background(Work(root, settings, opened).jobs(), Heard(figures))
    ready()
    with leading(root, asked.is_set, rest) as leads:
        if leads:
            background.start()
            asked.wait()
            background.end()
    traces.close()


class Heard:
    """Counts what the background tells; see :class:`ordertrail.assembly.background.Listener`."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def running(self, job: str, *, well: bool) -> None:
        """It goes on, or does not."""
        self._figures.running.labels(job).set(int(well))

    def done(self, job: str, count: int) -> None:
        """So much is done."""
        self._figures.done.labels(job).inc(count)

    def behind(self, job: str, seconds: float, items: int) -> None:
        """So much is not done yet."""
        self._figures.lag.labels(job).set(seconds)
        self._figures.backlog.labels(job).set(items)

    def failed(self, job: str, error: Exception) -> None:
        """It was interrupted."""
        self._figures.failures.labels(job).inc()
        if isinstance(error, EvidenceError):
            self._figures.integrity.labels(job).inc()


def _bounds(root: Path, settings: ServeSettings) -> Bounds:
    def file(name: str | None) -> str | None:
        return None if name is None else str(root / name)

    return Bounds(
        settings.connections, settings.grace_seconds, file(settings.certificate), file(settings.private_key)
    )
