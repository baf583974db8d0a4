"""What works beside the answering processes of a service: take in, relay, seal, feed the index, send on.

::

    stage      job              what it does                                        does it again after
    intake     intake           works on what sources sent                          200 ms
    relay      relay:<name>     brings an outbox to the journal                     500 ms
    relay      bus:<name>       takes what an application sent over the bus         it comes
    seal       seal:<stream>    seals what waits, anchors, has anchors attested     the journal says so
    seal       seal:new         the same for logs that were begun since             500 ms
    feed       feed             brings the index up to the log                      a batch was sealed, or 1 s
    watch      watch            leads what is sealed past the rules                 a batch was sealed, or 1 s
    watch      forecast         foresees what orders that moved may run into        a batch was sealed, or 1 s
    watch      training         learns targets anew that are due                    10 min
    watch      actions          carries out what was accepted about forecasts       500 ms
    export     export:<name>    sends sealed events on                              a batch was sealed, or 1 s

One process does it for a trail's directory: whoever holds the lock ``serving.lock`` there. Another one waits for it,
and takes over when it ends, however it ends. Where machines share a database, each log's own lease says who seals it,
the index takes each range once, and an outbox may be relayed by many.

Each job has a thread and stores of its own, and fails alone: what is unavailable is tried again for as long as it
takes, what is broken is told and tried again seldom. Sealing never waits for the index, or for anybody that events are
sent to.

At the end the stages end one after the other, each but the exports with a last round, so that what came in before the
end is sealed and found. *If we stop anywhere*, each job's own story holds: nothing is lost, and nothing is done twice.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Final, Protocol

from ordertrail.adapters.files.lock import FileLock
from ordertrail.kernel.errors import BusyError, EvidenceError, OrderTrailError

_log = logging.getLogger("ordertrail.background")

LOCK: Final = "serving.lock"

_PAUSES: Final = (0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds to wait after each failure in a row; the last one again and again."""
_BROKEN: Final = 60.0
"""Seconds to wait where evidence is broken: somebody must look, and until then it is told again."""
_LOCKED: Final = 1.0


class Stage(IntEnum):
    """What ends before what."""

    INTAKE = 1
    RELAY = 2
    SEAL = 3
    FEED = 4
    WATCH = 5
    EXPORT = 6


class Listener(Protocol):
    """Is told of each job by its name; called from the jobs' threads."""

    def running(self, job: str, *, well: bool) -> None:
        """It goes on, or does not."""

    def done(self, job: str, count: int) -> None:
        """So many entries, events or deliveries are done."""

    def behind(self, job: str, seconds: float, items: int) -> None:
        """So much is not done yet, the oldest of it since so long."""

    def failed(self, job: str, error: Exception) -> None:
        """It was interrupted, and is tried again."""


class Deaf:
    """Listens to nothing."""

    def running(self, job: str, *, well: bool) -> None:
        """See :class:`Listener`."""

    def done(self, job: str, count: int) -> None:
        """See :class:`Listener`."""

    def behind(self, job: str, seconds: float, items: int) -> None:
        """See :class:`Listener`."""

    def failed(self, job: str, error: Exception) -> None:
        """See :class:`Listener`."""


class Stopping:
    """Whether a job is asked to end; and how it waits, so that it hears of it."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def __call__(self) -> bool:
        """Say whether it is asked to end."""
        return self._asked.is_set()

    def ask(self) -> None:
        """Ask it to end."""
        self._asked.set()

    def rest(self, seconds: float) -> None:
        """Wait so long, or until asked to end."""
        self._asked.wait(seconds)


@dataclass(frozen=True, slots=True)
class Job:
    """One thing that is done for as long as the service runs.

    ``run`` opens what it needs and returns once it is asked to end; what it raises is told, and it is called again.
    """

    name: str
    stage: Stage
    run: Callable[[Stopping, Listener], None]


class Background:
    """Runs jobs in threads."""

    def __init__(self, jobs: Sequence[Job], listener: Listener | None = None) -> None:
        self._listener = listener or Deaf()
        self._running = [(job, Stopping()) for job in jobs]
        self._threads: dict[str, threading.Thread] = {}

    def start(self) -> None:
        """Start every job."""
        for job, stopping in self._running:
            thread = threading.Thread(
                target=self._keep, args=(job, stopping), name=f"ordertrail-{job.name}", daemon=True
            )
            self._threads[job.name] = thread
            thread.start()

    def end(self) -> None:
        """End the stages one after the other; return when all have ended."""
        for stage in Stage:
            ending = [(job, stopping) for job, stopping in self._running if job.stage is stage]
            for _, stopping in ending:
                stopping.ask()
            for job, _ in ending:
                if job.name in self._threads:
                    self._threads[job.name].join()

    def _keep(self, job: Job, stopping: Stopping) -> None:
        """Keep a job going until it is asked to end."""
        failures = 0
        while True:
            begun = time.monotonic()
            try:
                job.run(stopping, self._listener)
            except Exception as error:  # noqa: BLE001 - one job must not end the others; what it was is told
                lasted = time.monotonic() - begun > _BROKEN
                failures = 1 if lasted else failures + 1
                self._tell(job, error, failures)
                pause = (
                    _BROKEN if isinstance(error, EvidenceError) else _PAUSES[min(failures, len(_PAUSES)) - 1]
                )
            else:
                failures, pause = 0, _PAUSES[0]
            self._listener.running(job.name, well=False)
            stopping.rest(pause)
            if stopping():
                return

    def _tell(self, job: Job, error: Exception, failures: int) -> None:
        self._listener.failed(job.name, error)
        facts = {"facts": {"job": job.name, "failures": failures}}
        if isinstance(error, BusyError):
            if failures == 1:
                _log.info("another process does it; it is tried again until that ends", extra=facts)
        elif isinstance(error, EvidenceError) or not isinstance(error, OrderTrailError):
            _log.error("work in the background failed", exc_info=error, extra=facts)
        else:
            _log.warning("work in the background is interrupted", exc_info=error, extra=facts)


@contextmanager
def leading(root: Path, stop: Callable[[], bool], rest: Callable[[float], None]) -> Iterator[bool]:
    """Hold the lock of who works in the background for a trail; yield False if asked to end before it was free."""
    lock, told = FileLock(root / LOCK), False
    held = False
    while not stop() and not held:
        try:
            lock.acquire()
            held = True
        except BusyError:
            if not told:
                _log.info("another service works for this trail; this one takes over when it ends")
                told = True
            rest(_LOCKED)
    try:
        yield held
    finally:
        lock.release()
