"""Figures for a monitoring system, in the Prometheus text format (and OpenMetrics for who asks for it).

Two kinds. What *happened* is counted where it happens, by each process of a service, in files of
``prometheus_client``'s own that outlive the process: a worker that is killed takes no count with it. What *is* (how
long the log is, what waits, how far the index is behind) is looked up when somebody asks, the same by any worker.

Labels are names of streams, sources, jobs and templates of routes: a closed set, and nothing of an event.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from ordertrail.intake.service import Intake
from ordertrail.kernel.clock import format_time
from ordertrail.kernel.errors import OrderTrailError
from ordertrail.kernel.ids import format_id
from ordertrail.ledger.checkpoint import read_checkpoint
from ordertrail.ledger.entry import view_entry
from ordertrail.query.service import Query
from ordertrail.services import LogService, Services
from ordertrail.web.metrics import metrics_of
from ordertrail.web.operations.requests import Answered

SHARED: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Names the folder in which the processes of one service count together; read by ``prometheus_client``."""

_FAST: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.5, 1.0, 2.5, 10.0)
"""Seconds: the bounds that are promised (20, 150 and 200 ms) are among them."""

_HOUR: Final = timedelta(hours=1)
_VERSION_7: Final = 7
_Port = TypeVar("_Port")

disable_created_metrics()  # type: ignore[no-untyped-call]  # when each began to be counted doubles what is sent


@contextmanager
def shared_figures(folder: Path) -> Iterator[None]:
    """Have the processes that are started within count together, in files of a folder; before any of them counts."""
    before = os.environ.get(SHARED)
    os.environ[SHARED] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ[SHARED]
        else:
            os.environ[SHARED] = before


def forget_process(process: int) -> None:
    """Forget how things were in a process that has ended; what it counted stays."""
    mark_process_dead(process)  # type: ignore[no-untyped-call]


class Figures:
    """What a process counts. Several of one service count together where :data:`SHARED` is set."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        """Make the counters; a registry of its own for each test."""
        self.registry = registry or CollectorRegistry()
        labels = ["method", "route", "status"]
        self.http = Histogram(
            "ordertrail_http_seconds",
            "Time until an answer ended.",
            labels,
            registry=self.registry,
            buckets=_FAST,
        )
        self.query = Histogram(
            "ordertrail_query_seconds",
            "Time that the index took for a question.",
            ["question"],
            registry=self.registry,
            buckets=_FAST,
        )
        self.integrity = Counter(
            "ordertrail_integrity_failures",
            "Checks of evidence that failed.",
            ["where"],
            registry=self.registry,
        )
        self.done = Counter(
            "ordertrail_background_done",
            "Entries sealed and indexed, events relayed and exported, deliveries worked on.",
            ["job"],
            registry=self.registry,
        )
        self.failures = Counter(
            "ordertrail_background_failures",
            "Times that work in the background was interrupted and tried again.",
            ["job"],
            registry=self.registry,
        )
        self.running = self._gauge("ordertrail_background_running", "Whether work in the background goes on.")
        self.lag = self._gauge(
            "ordertrail_background_lag_seconds",
            "Age of the oldest that a job has not done: capture, exports.",
        )
        self.backlog = self._gauge("ordertrail_background_backlog", "What a job has not done.")

    def _gauge(self, name: str, told: str) -> Gauge:
        """Return a gauge by job. Of processes that have ended none is told."""
        return Gauge(name, told, ["job"], registry=self.registry, multiprocess_mode="livemostrecent")

    def answered(self, answered: Answered) -> None:
        """Count an answer."""
        kind = f"{answered.status // 100}xx" if answered.status else "none"
        self.http.labels(answered.method, answered.route, kind).observe(answered.seconds)

    def timed(self, query: Query) -> Query:
        """Return a query whose every question to the index is timed."""
        return replace(
            query, searches=_timed(query.searches, self._took), counts=_timed(query.counts, self._took)
        )

    def _took(self, question: str, seconds: float) -> None:
        self.query.labels(question).observe(seconds)


def _timed(port: _Port, took: Callable[[str, float], None]) -> _Port:
    """Return a port whose calls are timed, whatever calls it has."""
    return cast("_Port", _Timed(port, took))


class _Timed:
    """Passes every call on, and tells how long it took."""

    def __init__(self, port: object, took: Callable[[str, float], None]) -> None:
        self._port = port
        self._took = took

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not callable(found):
            return found

        def call(*positional: object, **named: object) -> object:
            begun = time.perf_counter()
            try:
                return found(*positional, **named)
            finally:
                self._took(name, time.perf_counter() - begun)

        return call


@dataclass(frozen=True, slots=True)
class Exposition:
    """Writes all figures of a service when it is asked for them."""

    services: Services
    figures: Figures

    def write(self, accept: str) -> tuple[bytes, str]:
        """Return the figures and their media type, by what the ``Accept`` header would have."""
        registry = self.figures.registry
        if os.environ.get(SHARED):
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        now = CollectorRegistry()
        now.register(_State(self.services))
        encode, media_type = choose_encoder(accept)
        told = encode(registry)
        state = encode(now)
        if media_type.startswith("application/openmetrics-text"):
            # That format ends once, and has its own rules for names; what intake writes is of the older one.
            return told.removesuffix(b"# EOF\n") + state, media_type
        return told + state + _intake(self.services.intake), media_type


def _intake(intake: Intake | None) -> bytes:
    if intake is None:
        return b""
    try:
        return metrics_of(intake.health()).encode()
    except OrderTrailError:
        return b""  # the readiness of intake says so


class _State(Collector):
    """How things are now, looked up at each collection."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterable[Metric]:
        """Yield the figures; those of a part that cannot be asked are left out, and ``ordertrail_up`` is 0 for it."""
        up = GaugeMetricFamily("ordertrail_up", "Whether a part could be asked.", labels=["part"])
        for part, look in (("log", self._log), ("index", self._index)):
            try:
                found = list(look())
            except OrderTrailError:
                up.add_metric([part], 0)
            else:
                up.add_metric([part], 1)
                yield from found
        yield up

    def _log(self) -> Iterator[Metric]:
        families = {
            name: GaugeMetricFamily(f"ordertrail_{name}", told, labels=["stream"])
            for name, told in (
                ("log_published_entries", "Entries under the published checkpoint."),
                ("log_entries_last_hour", "Entries that were sealed in the last hour."),
                ("waiting_events", "Events that wait to be sealed."),
                ("seal_lag_seconds", "Age of the oldest of them, since it was captured."),
            )
        }
        entries = CounterMetricFamily("ordertrail_log_entries", "Entries that are sealed.", labels=["stream"])
        for stream, service in self._services.trail.logs.items():
            size = service.log.store.head(stream).size
            entries.add_metric([stream], size)
            for name, value in self._of_log(stream, service, size):
                families[name].add_metric([stream], value)
        yield entries
        yield from families.values()

    def _of_log(self, stream: str, service: LogService, size: int) -> Iterator[tuple[str, float]]:
        log, now = service.log, self._services.trail.clock()
        note = log.publication.checkpoint()
        oldest = log.journal.read(stream, 1)
        hour = format_time(now - _HOUR)
        yield "log_published_entries", 0 if note is None else read_checkpoint(note).size
        yield "log_entries_last_hour", size - _first_since(service, stream, size, hour)
        yield "waiting_events", log.journal.waiting(stream) if oldest else 0
        made = _made(oldest[0].id) if oldest else None
        yield "seal_lag_seconds", 0.0 if made is None else max(0.0, now.timestamp() - made)

    def _index(self) -> Iterator[Metric]:
        behind = self._services.query.lag()
        yield GaugeMetricFamily(
            "ordertrail_index_lag_events", "Sealed entries that the index has not.", value=behind.events
        )
        yield GaugeMetricFamily(
            "ordertrail_index_lag_seconds", "Age of the oldest of them.", value=behind.seconds
        )


def _first_since(service: LogService, stream: str, size: int, time_: str) -> int:
    """Return the first entry that was recorded from a time on: recorded times never run backwards."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        row = next(service.log.reader.rows(stream, middle, middle + 1), None)
        if row is None or view_entry(row.entry).ledger.recorded < time_:
            low = middle + 1
        else:
            high = middle
    return low


def _made(event: bytes) -> float | None:
    """Return when an id was made, in seconds since 1970; None for an id that does not say (RFC 9562 section 5.7)."""
    if format_id(event)[14] != str(_VERSION_7):
        return None
    return int.from_bytes(event[:6]) / 1_000
