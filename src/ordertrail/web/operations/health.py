"""Whether a service can do its work: is the process alive, and are the parts that it needs there.

``/healthz`` says that the process answers, and asks nobody. ``/readyz`` looks at each part that an answer needs, names
those that fail, and says no more: whoever asks may be a stranger. Why a part fails stands in the log. What was seen is
good for :data:`SEEN_SECONDS`, so that asking costs little however often somebody does; a key that does not open is not
tried again, because a token counts wrong PINs.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from ordertrail.kernel.errors import ConfigurationError, OrderTrailError, UnavailableError
from ordertrail.services import Services
from ordertrail.settings.serve import ServeSettings

SEEN_SECONDS: Final = 5.0
_KEY_SECONDS: Final = 60.0
_log = logging.getLogger("ordertrail.health")


@dataclass(frozen=True, slots=True)
class Part:
    """One part that was looked at; ``problem`` is None where it is well."""

    name: str
    problem: OrderTrailError | None = None

    @property
    def well(self) -> bool:
        """Whether it is."""
        return self.problem is None


class Readiness:
    """Looks at the parts of a service. May be used by several threads; one looks, the others wait for what it saw."""

    def __init__(
        self, services: Services, settings: ServeSettings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``clock`` counts seconds."""
        self._looks: dict[str, Callable[[], None]] = {
            "database": partial(_database, services),
            "vault": partial(_vault, services),
            "index": partial(_index, services, settings.ready_lag_seconds),
        }
        if settings.seal:
            self._looks["signer"] = _Signer(services, clock)
        if services.intake is not None:
            self._looks["intake"] = partial(_intake, services)
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: tuple[float, tuple[Part, ...]] | None = None

    def parts(self) -> tuple[Part, ...]:
        """Return each part as it was seen a moment ago."""
        with self._lock:
            if self._seen is None or self._clock() - self._seen[0] >= SEEN_SECONDS:
                self._seen = (self._clock(), tuple(self._look()))
            return self._seen[1]

    def _look(self) -> Iterator[Part]:
        for name, look in self._looks.items():
            try:
                look()
            except OrderTrailError as error:
                _log.warning("a part is not well", exc_info=error, extra={"facts": {"part": name}})
                yield Part(name, error)
            else:
                yield Part(name)


def _database(services: Services) -> None:
    for name, service in services.trail.logs.items():
        service.log.store.head(name)


def _vault(services: Services) -> None:
    for name, service in services.trail.logs.items():
        if service.log.publication.checkpoint() is None:
            raise UnavailableError(f"stream {name} has no published checkpoint")


def _index(services: Services, bound: int) -> None:
    behind = services.query.lag()
    if behind.seconds > bound:
        raise UnavailableError(
            f"the index is {behind.events:,} entries and {behind.seconds:.0f} s behind the log",
            meaning="Answers would leave out what was recorded since; nothing is lost.",
            remedy="See that it is fed: 'ordertrail index status'.",
        )


def _intake(services: Services) -> None:
    if services.intake is not None:
        services.intake.health()


class _Signer:
    """Opens the key in force of each log."""

    def __init__(self, services: Services, clock: Callable[[], float]) -> None:
        self._services = services
        self._clock = clock
        self._opened: float | None = None
        self._closed_for_good: ConfigurationError | None = None

    def __call__(self) -> None:
        if self._closed_for_good is not None:
            raise self._closed_for_good
        if self._opened is not None and self._clock() - self._opened < _KEY_SECONDS:
            return
        try:
            for name, service in self._services.trail.logs.items():
                service.log.keys.signer(service.log.store.keys(name)[-1].vkey)
        except ConfigurationError as error:
            self._closed_for_good = error
            raise
        self._opened = self._clock()
