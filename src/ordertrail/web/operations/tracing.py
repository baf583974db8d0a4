"""Traces by OpenTelemetry, where the settings name a collector and the extra ``telemetry`` is installed.

A request's span is the child of the caller's ``traceparent``, and has the method, the template of the route and the
status; what was asked, by whom and from where is in none. Questions to the index, and the ledger's commits and
publications, are spans too. A collector that is away costs nothing but the spans.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from importlib.metadata import version
from typing import Any, Final, TypeVar, cast

from ordertrail.kernel.errors import ConfigurationError
from ordertrail.query.service import Query
from ordertrail.services import Trail
from ordertrail.web.operations.requests import Answered, OpenSpan, Span, no_span

_Port = TypeVar("_Port")
_COMMITTING: Final = frozenset({"commit", "publish"})


class Traces:
    """What makes spans in this process; without a collector, none."""

    def __init__(self, collector: str | None, part: str, exporter: Any = None) -> None:
        """``collector`` is an OTLP/HTTP address, ``part`` the process's; ``exporter`` stands in for the collector.

        Raises ConfigurationError where the extra is not installed.
        """
        self._provider = (
            None if collector is None and exporter is None else _provider(collector, part, exporter)
        )
        self._tracer = (
            None if self._provider is None else self._provider.get_tracer("ordertrail", version("ordertrail"))
        )

    def close(self) -> None:
        """Send what is not sent yet."""
        if self._provider is not None:
            self._provider.shutdown()

    @property
    def requests(self) -> OpenSpan:
        """What begins the span of a request."""
        return no_span if self._tracer is None else self._request

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        """Trace a stretch of time."""
        if self._tracer is None:
            yield
            return
        with self._tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False):
            yield

    def of_query(self, query: Query) -> Query:
        """Return a query whose questions to the index are spans."""
        if self._tracer is None:
            return query
        searches, counts = self._traced(query.searches, "index"), self._traced(query.counts, "index")
        return replace(query, searches=searches, counts=counts)

    def of_trail(self, trail: Trail) -> Trail:
        """Return a trail whose commits and publications are spans."""
        if self._tracer is None:
            return trail
        logs = {}
        for stream, service in trail.logs.items():
            store = self._traced(service.log.store, "ledger", _COMMITTING)
            publication = self._traced(service.log.publication, "ledger", _COMMITTING)
            logs[stream] = replace(service, log=replace(service.log, store=store, publication=publication))
        return replace(trail, logs=logs)

    def _traced(self, port: _Port, room: str, only: frozenset[str] | None = None) -> _Port:
        return cast("_Port", _Traced(port, room, only, self.span))

    @contextmanager
    def _request(self, method: str, trace: str | None) -> Iterator[Span]:
        from opentelemetry.trace import SpanKind  # noqa: PLC0415 - an extra
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415 - as above
            TraceContextTextMapPropagator,
        )

        parent = None
        if trace is not None:
            parent = TraceContextTextMapPropagator().extract({"traceparent": trace})
        with cast("Any", self._tracer).start_as_current_span(
            method, parent, SpanKind.SERVER, record_exception=False, set_status_on_exception=False
        ) as span:
            yield _RequestSpan(span)


class _RequestSpan:
    """The span of a request; attributes by the semantic conventions for HTTP."""

    def __init__(self, span: Any) -> None:
        self._span = span

    def told(self, answered: Answered) -> None:
        """See :class:`Span`."""
        self._span.update_name(f"{answered.method} {answered.route}")
        self._span.set_attributes(
            {
                "http.request.method": answered.method,
                "http.route": answered.route,
                "http.response.status_code": answered.status,
                "http.response.body.size": answered.sent,
            }
        )


class _Traced:
    """Passes every call on, within a span."""

    def __init__(
        self,
        port: object,
        room: str,
        only: frozenset[str] | None,
        span: Callable[[str], AbstractContextManager[None]],
    ) -> None:
        self._port = port
        self._room = room
        self._only = only
        self._span = span

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not callable(found) or (self._only is not None and name not in self._only):
            return found

        def call(*positional: object, **named: object) -> object:
            with self._span(f"{self._room}.{name}"):
                return found(*positional, **named)

        return call


def _provider(collector: str | None, part: str, exporter: Any) -> Any:
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - an extra
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - as above
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - as above
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - as above
    except ImportError as error:
        raise ConfigurationError(
            f"traces of [serve] needs a package that is not installed: {error.name}",
            meaning="Nothing is served.",
            remedy="Install it with: pip install 'ordertrail[telemetry]'",
        ) from None
    told = {"service.name": "ordertrail", "service.version": version("ordertrail"), "ordertrail.part": part}
    provider = TracerProvider(resource=Resource.create(told))
    provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter(endpoint=collector)))
    return provider
