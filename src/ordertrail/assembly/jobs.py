"""The jobs that a service does in the background, each over stores of its own; see :mod:`.background`."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from ordertrail.assembly.background import Background, Job, Listener, Stage, Stopping
from ordertrail.assembly.exporting import open_export
from ordertrail.assembly.index import INDEX, open_query
from ordertrail.assembly.relay import open_relay
from ordertrail.assembly.stores import read_settings
from ordertrail.assembly.trail import open_trail
from ordertrail.kernel.errors import EvidenceError, UnavailableError
from ordertrail.ledger.attestation import Attested
from ordertrail.monitor.watch import follow
from ordertrail.notify.courier import Stepped, Went
from ordertrail.services import Trail
from ordertrail.settings import Settings, secret
from ordertrail.settings.export import ExporterSettings
from ordertrail.settings.serve import RelaySettings

_log = logging.getLogger("ordertrail.background")
_PAUSE: Final = 0.5
_NAP: Final = 1.0
_HOLD: Final = 3_600.0
"""Seconds between two times that all orders are held against what others say of them."""
_LOOK: Final = 5.0
"""Seconds between two looks at how much a job has not done."""


class Bell:
    """Rings when a batch was sealed, for whoever goes on from there; each listener has an ear of its own."""

    def __init__(self) -> None:
        self._ears: list[threading.Event] = []

    def ear(self) -> threading.Event:
        """Return an event that is set at each ring."""
        self._ears.append(threading.Event())
        return self._ears[-1]

    def ring(self) -> None:
        """Wake everybody."""
        for one in self._ears:
            one.set()


OpenTrail = Callable[[Path], AbstractContextManager[Trail]]


@dataclass(frozen=True, slots=True)
class Work:
    """What a trail's settings say is to be done in the background."""

    root: Path
    settings: Settings
    open_trail: OpenTrail = open_trail
    bell: Bell = field(default_factory=Bell)

    def jobs(self) -> list[Job]:
        """Return every job that is switched on. Raises ConfigurationError where there is no trail."""
        return list(self._jobs())

    def _jobs(self) -> Iterator[Job]:
        serve = self.settings.serve
        if serve.intake and self.settings.sources:
            yield Job("intake", Stage.INTAKE, self._intake)
            if any(one.poll is not None for one in self.settings.sources):
                from ordertrail.assembly.polling import POLLING, run_polling  # noqa: PLC0415 - an extra

                yield Job(POLLING, Stage.INTAKE, partial(run_polling, self.root))
        if serve.relay:
            if self.settings.sources:
                yield Job("relay:intake", Stage.RELAY, self._relay_intake)
            for one in self.settings.relays:
                yield Job(f"relay:{one.name}", Stage.RELAY, partial(self._relay, one))
            for application in self.settings.transport.applications:
                yield Job(f"bus:{application}", Stage.RELAY, partial(self._take_from_bus, application))
        if serve.seal:
            with self.open_trail(self.root) as trail:
                streams = list(trail.logs)
            for stream in streams:
                yield Job(f"seal:{stream}", Stage.SEAL, partial(self._seal, stream))
            yield Job("seal:new", Stage.SEAL, partial(self._seal_new, frozenset(streams)))
        if serve.feed:
            yield self.feeding()
        if serve.outside and self.settings.correlate.providers:
            yield Job("outside", Stage.INTAKE, self._outside)
            if any(one.poll is not None for one in self.settings.correlate.providers):
                from ordertrail.assembly.polling import OUTSIDE_POLLING, run_outside_polling  # noqa: PLC0415

                yield Job(OUTSIDE_POLLING, Stage.INTAKE, partial(run_outside_polling, self.root))
        yield from self._telling()

    def _telling(self) -> Iterator[Job]:
        """Return the jobs that go on from what is sealed, and tell people and other systems."""
        serve = self.settings.serve
        if serve.watch and find_spec("sigma") is not None:
            yield Job("watch", Stage.WATCH, partial(self._watch, self.bell.ear()))
            if self.settings.behaviour.score_every:
                from ordertrail.assembly.behaviour import BEHAVIOUR, run_behaviour  # noqa: PLC0415 - an extra

                yield Job(BEHAVIOUR, Stage.WATCH, partial(run_behaviour, self.root))
            yield from self._foreseeing()
        if serve.notify and self.settings.routes:
            yield Job("notify", Stage.EXPORT, self._notify)
        if serve.exports:
            for exporter in self.settings.exporters:
                run = partial(self._export, exporter, self.bell.ear())
                yield Job(f"export:{exporter.name}", Stage.EXPORT, run)

    def _foreseeing(self) -> Iterator[Job]:
        """Return the jobs of forecasts, where a model may be deployed, and of what is done about them."""
        from ordertrail.assembly import foresight  # noqa: PLC0415 - an extra

        if foresight.can_forecast():
            ear = self.bell.ear()
            yield Job(
                foresight.FORECAST,
                Stage.WATCH,
                lambda stopping, listener: foresight.run_forecast(
                    self.root, lambda: _hear(ear, stopping, _NAP), stopping, listener
                ),
            )
        if self.settings.forecast.train_every and foresight.can_forecast():
            from ordertrail.assembly.forecast import TRAINING, run_training  # noqa: PLC0415 - an extra

            yield Job(TRAINING, Stage.WATCH, partial(run_training, self.root))
        if (self.root / self.settings.corrective.file).exists():
            yield Job(foresight.ACTIONS, Stage.WATCH, partial(foresight.run_actions, self.root))

    def feeding(self) -> Job:
        """Return the job that brings the index up to the log."""
        return Job("feed", Stage.FEED, partial(self._feed, self.bell.ear()))

    def _intake(self, stopping: Stopping, listener: Listener) -> None:
        """Work on what sources sent. A delivery that is under way at the end is finished."""
        from ordertrail.assembly.intake import open_intake  # noqa: PLC0415 - an extra

        with open_intake(self.root) as intake:
            listener.running("intake", well=True)
            worker = intake.worker()
            while not stopping():
                done = worker.round()
                if done:
                    listener.done("intake", done.deliveries)
                stopping.rest(_PAUSE / 10 if done else _PAUSE / 2)

    def _relay_intake(self, stopping: Stopping, listener: Listener) -> None:
        from ordertrail.assembly.intake import intake_password, intake_url  # noqa: PLC0415 - an extra

        url, password = intake_url(self.root, self.settings), intake_password(self.root, self.settings)
        self._relay_from("relay:intake", url, password, "default", stopping, listener)

    def _relay(self, said: RelaySettings, stopping: Stopping, listener: Listener) -> None:
        found = None
        if said.password_file is not None:
            found = secret("", str(self.root / said.password_file), f"relays.{said.name}.password_file")
        password = None if found is None else found.decode()
        self._relay_from(f"relay:{said.name}", said.url, password, said.stream, stopping, listener)

    def _relay_from(  # noqa: PLR0913, PLR0917 - what a relay needs, and what a job has
        self, job: str, url: str, password: str | None, stream: str, stopping: Stopping, listener: Listener
    ) -> None:
        """Bring an outbox to the journal, and after the end was asked for once more."""
        with (
            self.open_trail(self.root) as trail,
            open_relay(trail, url, stream=stream, password=password) as moving,
        ):
            looked = 0.0
            while True:
                ending = stopping()
                done = moving.run()
                listener.running(job, well=True)
                if done.recorded:
                    listener.done(job, done.recorded)
                if time.monotonic() - looked >= _LOOK:
                    looked, waiting = time.monotonic(), moving.backlog()
                    listener.behind(job, waiting.lag, waiting.events)
                if ending:
                    return
                stopping.rest(_PAUSE)

    def _take_from_bus(self, application: str, stopping: Stopping, listener: Listener) -> None:
        """Bring what an application's relay sent over the bus to the journal."""
        from ordertrail.assembly.bus import open_taker  # noqa: PLC0415 - an extra

        job = f"bus:{application}"
        with open_taker(self.root, application) as taker:
            listener.running(job, well=True)
            taker.run(stopping, lambda taken: listener.done(job, taken.recorded))

    def _seal(self, stream: str, stopping: Stopping, listener: Listener) -> None:
        job = f"seal:{stream}"

        def tell(sealed: int, attested: Attested | None) -> None:
            listener.running(job, well=True)
            if sealed:
                listener.done(job, sealed)
                self.bell.ring()
            for incident in attested.incidents if attested is not None else ():
                listener.failed(job, EvidenceError(str(incident)))

        with self.open_trail(self.root) as trail:
            listener.running(job, well=True)
            trail.follow(stopping, tell, stream=stream)
            # What was relayed while the last anchor was attested.
            if trail.log(stream).log.journal.waiting(stream) and (sealed := trail.seal(stream=stream)):
                tell(sealed, None)

    def _seal_new(self, known: frozenset[str], stopping: Stopping, listener: Listener) -> None:
        """Seal the logs that were begun after the service: by a policy that names a new class, for one."""
        job = "seal:new"
        with self.open_trail(self.root) as trail:
            while True:
                ending = stopping()
                new = {name: one.log for name, one in trail.logs.items() if name not in known}
                for stream in (name for name, log in new.items() if log.journal.waiting(name)):
                    listener.done(job, trail.seal(stream=stream))
                    attested = trail.attest(stream=stream)
                    self.bell.ring()
                    for incident in attested.incidents if attested is not None else ():
                        listener.failed(job, EvidenceError(str(incident)))
                listener.running(job, well=True)
                if ending:
                    return
                stopping.rest(_PAUSE)

    def _outside(self, stopping: Stopping, listener: Listener) -> None:
        """Bring what gateways and carriers sent to the journal, and hold all orders against it, hourly."""
        from ordertrail.assembly.correlate import open_correlate, relay_outside  # noqa: PLC0415 - an extra

        with open_correlate(self.root) as correlate:
            listener.running("outside", well=True)
            held: float | None = None
            while not stopping():
                worked = correlate.observer.drain()
                if worked:
                    relay_outside(self.root)
                    listener.done("outside", worked.deliveries)
                if held is None or time.monotonic() - held >= _HOLD:
                    held = time.monotonic()
                    correlate.refresh()
                    correlate.reconcile()
                    relay_outside(self.root)
                stopping.rest(_PAUSE)

    def _watch(self, ear: threading.Event, stopping: Stopping, listener: Listener) -> None:
        """Look at what is sealed with the rules, and raise alerts."""
        from ordertrail.assembly.monitor import open_monitor  # noqa: PLC0415 - an extra

        with open_monitor(self.root) as monitor:
            watching, looked_at = monitor.watch(), 0.0
            for looked in follow(
                watching, stopping, lambda: _hear(ear, stopping, _NAP), monitor.changed_rules()
            ):
                listener.running("watch", well=True)
                if looked:
                    listener.done("watch", looked)
                if looked or time.monotonic() - looked_at >= _LOOK:
                    looked_at = time.monotonic()
                    listener.behind("watch", 0.0, monitor.lag())

    def _feed(self, ear: threading.Event, stopping: Stopping, listener: Listener) -> None:
        with open_query(self.root) as query:
            looked = 0.0
            for _ in _rounds(ear, stopping):
                fed = query.feed(lambda batch: listener.done("feed", batch))
                listener.running("feed", well=True)
                if fed or time.monotonic() - looked >= _LOOK:
                    looked, behind = time.monotonic(), query.lag()
                    listener.behind("feed", behind.seconds, behind.events)

    def _notify(self, stopping: Stopping, listener: Listener) -> None:
        """Tell people of what is sealed. What is being handed over at the end is finished."""
        from ordertrail.assembly.notify import open_notify  # noqa: PLC0415 - one of its parts is an extra

        def heard(route: str, stepped: Stepped) -> None:
            if stepped.went is Went.SENT:
                listener.done("notify", 1)
            else:
                error = UnavailableError(f"route {route} was not told: {stepped.error}")
                listener.failed("notify", error)

        with open_notify(self.root, self.settings.routes, self.settings.notify) as notify:
            listener.running("notify", well=True)
            notify.follow(stopping, heard)

    def _export(
        self, said: ExporterSettings, ear: threading.Event, stopping: Stopping, listener: Listener
    ) -> None:
        job = f"export:{said.name}"
        looked = 0.0

        def tell(sent: int | UnavailableError) -> None:
            nonlocal looked
            if isinstance(sent, UnavailableError):
                listener.failed(job, sent)
                _log.warning(
                    "a destination does not take events", exc_info=sent, extra={"facts": {"job": job}}
                )
            elif sent:
                listener.done(job, sent)
            listener.running(job, well=not isinstance(sent, UnavailableError))
            if sent or time.monotonic() - looked >= _LOOK:
                looked, behind = time.monotonic(), export.behind()
                listener.behind(job, behind.seconds, behind.events)

        def wait(seconds: float) -> None:
            _hear(ear, stopping, seconds)

        with open_export(self.root, said) as export:
            export.follow(stopping, wait, tell)


@contextmanager
def fed_meanwhile(root: Path) -> Iterator[Callable[[], None]]:
    """Feed the index of a trail while something else seals, where there is one; call what is yielded after a batch.

    What goes wrong with the index is told in the log and tried again; whoever seals never hears of it.
    """
    settings = read_settings(root)
    if settings.index.url is None and not (root / INDEX).exists():
        yield lambda: None
        return
    feeding = Work(root, settings)
    background = Background([feeding.feeding()])
    background.start()
    try:
        yield feeding.bell.ring
    finally:
        background.end()


def _rounds(ear: threading.Event, stopping: Stopping) -> Iterator[None]:
    """Yield at each ring, after a nap without one, and once more after the end was asked for."""
    while True:
        ending = stopping()
        yield
        if ending:
            return
        _hear(ear, stopping, _NAP)


def _hear(ear: threading.Event, stopping: Stopping, seconds: float) -> None:
    """Wait for a ring, for the end to be asked for, or so long."""
    until = time.monotonic() + seconds
    # An event cannot be waited for together with another: the end is heard of within a tenth of a second.
    while not stopping() and time.monotonic() < until and not ear.wait(0.1):
        pass
    ear.clear()
