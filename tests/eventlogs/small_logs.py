"""Small logs and mappings that the tests of the event log readers share."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ordertrail.adapters.eventlogs import (
    Mapping,
    SourceProblem,
    SourceRecord,
    open_event_log,
    parse_mapping,
)
from ordertrail.adapters.eventlogs.source import DEFAULT_LIMITS, Limits

CSV_MAPPING = """
version = 1
log = "shop"
format = "csv"
currency = "EUR"

[time]
field = "when"

[case]
field = "order"

[activity]
field = "what"

[subject]
kind = "order"
id = { field = "order" }

[actor]
id = { field = "who", default = "unknown" }
kind = "person"

[actions]
"Placed" = "order.create"

[actions."Priced"]
action = "order.price.change"
changes = [{ path = "/price", after = { field = "price", as = "money" } }]
"""

XES_MAPPING = """
version = 1
log = "tiny"
format = "xes"

[time]
field = "time:timestamp"

[case]
case = "concept:name"

[activity]
field = "concept:name"

[subject]
kind = "order"
id = { case = "concept:name" }

[actor]
id = { field = "org:resource", default = "unknown" }
kind = "person"

[actions]
"Placed" = "order.create"
"Paid" = "payment.capture"
"""

OCEL_MAPPING = """
version = 1
log = "objects"
format = "ocel"
currency = "EUR"

[time]

[ocel]
subjects = ["parcel", "item", "order"]
orders = ["order"]
members = ["item", "parcel"]
kinds = { order = "order", item = "order_line", parcel = "shipment" }

[actor]
id = { object = "clerk", default = "unknown" }
kind = "person"

[actions]
"pick" = "item.pick"
"ship" = "shipment.dispatch"

[actions."place"]
action = "order.create"
subject = "order"

[[actions."place".changes]]
path = "/price"
before = { object = "order", attribute = "price", at = "before", as = "money" }
after = { object = "order", attribute = "price", as = "money" }
"""


def mapping_of(text: str, *replacements: tuple[str, str]) -> Mapping:
    """Read a mapping after replacing parts of its text."""
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new)
    return parse_mapping(text.encode())


class Translated:
    """What became of a log: its records as JSON, and its problems."""

    def __init__(self, found: Iterator[SourceRecord | SourceProblem]) -> None:
        self.found = list(found)
        self.records = [one for one in self.found if isinstance(one, SourceRecord)]
        self.problems = [one for one in self.found if isinstance(one, SourceProblem)]

    @property
    def events(self) -> list[dict[str, Any]]:
        """The records' lines, read."""
        return [json.loads(record.line) for record in self.records]

    @property
    def sentences(self) -> list[str]:
        """The problems as a person sees them."""
        return [str(problem) for problem in self.problems]


def translate(
    content: bytes, mapping: Mapping, folder: Path, *, limits: Limits = DEFAULT_LIMITS
) -> Translated:
    """Write content to a file whose name says nothing, and translate it."""
    path = folder / "log"
    path.write_bytes(content)
    return Translated(open_event_log(path, mapping, limits=limits))


def xes(*traces: str) -> bytes:
    """Wrap traces into a log."""
    return ("<?xml version='1.0'?>\n<log>\n" + "\n".join(traces) + "\n</log>\n").encode()


def trace(name: str, *events: str) -> str:
    """Wrap events into a trace."""
    return f'<trace><string key="concept:name" value="{name}"/>\n' + "\n".join(events) + "\n</trace>"


def event(what: str | None = "Placed", when: str | None = "2026-11-22T14:02:10Z", more: str = "") -> str:
    """Write an event; None leaves a part out."""
    activity = "" if what is None else f'<string key="concept:name" value="{what}"/>'
    time = "" if when is None else f'<date key="time:timestamp" value="{when}"/>'
    return f"<event>{activity}{time}{more}</event>"
