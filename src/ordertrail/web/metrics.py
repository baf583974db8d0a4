"""Health of sources as metrics: the Prometheus text format, version 0.0.4. Pure.

https://prometheus.io/docs/instrumenting/exposition_formats/ - gauges only, all labelled by source. What is one of a few
states is a gauge for each, of which one is 1.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from ordertrail.intake.breaker import Circuit
from ordertrail.intake.health import Health, Standing

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_GAUGES: Final[tuple[tuple[str, str, Callable[[Health], float]], ...]] = (
    ("backlog", "Deliveries that are landed and not done.", lambda one: one.figures.backlog),
    ("oldest_seconds", "Age of the oldest of them.", lambda one: one.lag_seconds),
    ("received_last_hour", "Deliveries received in the last hour.", lambda one: one.figures.hour),
    ("usual_per_hour", "Deliveries of an hour as a rule, over the week before.", lambda one: one.usual),
    (
        "duplicates_last_hour",
        "Copies of deliveries that were here already.",
        lambda one: one.figures.duplicates,
    ),
    ("refused_last_hour", "Deliveries turned away as not proven.", lambda one: one.figures.refused),
    ("error_ratio", "Share of the last hour's messages that could not enter.", lambda one: one.error_rate),
    (
        "open_letters",
        "Held and dead messages that nobody has dealt with.",
        lambda one: one.figures.open_letters,
    ),
    ("parked", "Messages that wait for something before them.", lambda one: one.figures.parked),
)


def metrics_of(sources: Sequence[Health]) -> str:
    """Return all metrics of the sources, each family with its help and type."""
    lines: list[str] = []
    for name, told, value in _GAUGES:
        lines += _family(name, told, ((f'source="{_label(one.source)}"', value(one)) for one in sources))
    lines += _family(
        "breaker",
        "Whether the source's breaker is in this state.",
        (_state(one, "circuit", state, one.figures.breaker.circuit) for one in sources for state in Circuit),
    )
    lines += _family(
        "standing",
        "Whether the source is so.",
        (_state(one, "standing", state, one.standing) for one in sources for state in Standing),
    )
    return "\n".join(lines) + "\n"


def _family(name: str, told: str, samples: Iterable[tuple[str, float]]) -> Iterator[str]:
    whole = f"ordertrail_intake_{name}"
    yield f"# HELP {whole} {told}"
    yield f"# TYPE {whole} gauge"
    for labels, value in samples:
        yield f"{whole}{{{labels}}} {value:.10g}"


def _state(one: Health, label: str, state: str, now: str) -> tuple[str, float]:
    return f'source="{_label(one.source)}",{label}="{state}"', float(state == now)


def _label(text: str) -> str:
    """Return a label's value with the escapes of the format."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
