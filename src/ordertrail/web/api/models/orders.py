"""An order: its history, its state as of a moment, and what differs between two."""

from typing import Any, Literal

from pydantic import ConfigDict, Field

from ordertrail.web.api.models.document import EVENT_ID, TIME, Count, Document, Time
from ordertrail.web.api.models.found import FOUND, Found


class ChainDocument(Document):
    """What was proven of an order's history: each event, and that nothing is missing between them."""

    proven: Count
    problems: tuple[str, ...]


class HistoryDocument(Document):
    """All that happened to an order, as the trail came to know it. It is read from the log: there is no lag."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "order": "SO-1042",
                    "tenant": "main",
                    "events": [FOUND],
                    "more": False,
                    "withheld": 0,
                    "chain": {"proven": 1, "problems": []},
                }
            ]
        }
    )

    order: str
    tenant: str | None
    events: tuple[Found, ...]
    more: bool = Field(description="Whether there are more from ``first + limit`` on.")
    withheld: Count = Field(description="Events of the order that you may not see.")
    chain: ChainDocument | None = Field(description="Null unless ``prove`` asked for it.")


class PlaceDocument(Document):
    """A field of a thing of the order."""

    kind: str
    id: str
    path: str


class KnownDocument(Document):
    """What a field was, how that is known, and the event that says so."""

    place: PlaceDocument
    value: Any = Field(description="A JSON value; money in minor units; what is sealed stays sealed.")
    how: Literal["told", "inferred", "hidden"]
    event: str


class ContradictionDocument(Document):
    """An event says that a field was something else before it than what the event before had made it."""

    place: PlaceDocument
    left: Any
    found: Any
    event: str


KNOWN: dict[str, Any] = {
    "place": {"kind": "order", "id": "SO-1042", "path": "/status"},
    "value": "paid",
    "how": "told",
    "event": EVENT_ID,
}
"""For examples."""


class StateDocument(Document):
    """An order as it was just after a moment."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "order": "SO-1042",
                    "tenant": "main",
                    "moment": TIME,
                    "basis": "happened",
                    "events": 7,
                    "withheld": 0,
                    "fields": [KNOWN],
                    "contradictions": [],
                }
            ]
        }
    )

    order: str
    tenant: str | None
    moment: Time
    basis: Literal["happened", "recorded"]
    events: Count = Field(description="Successes up to then.")
    withheld: Count = Field(
        description="Events of the order that you may not see: the state is put together without."
    )
    fields: tuple[KnownDocument, ...]
    contradictions: tuple[ContradictionDocument, ...]


class DiffersDocument(Document):
    """A field that was one thing at a moment and another at a later one; null where it was not there."""

    place: PlaceDocument
    before: KnownDocument | None
    after: KnownDocument | None


class DifferenceDocument(Document):
    """What differs between an order's states at two moments."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "order": "SO-1042",
                    "tenant": "main",
                    "start": "2026-11-20T00:00:00.000000Z",
                    "end": TIME,
                    "basis": "happened",
                    "withheld": 0,
                    "differs": [
                        {
                            "place": {"kind": "order", "id": "SO-1042", "path": "/status"},
                            "before": None,
                            "after": KNOWN,
                        }
                    ],
                }
            ]
        }
    )

    order: str
    tenant: str | None
    start: Time
    end: Time
    basis: Literal["happened", "recorded"]
    withheld: Count
    differs: tuple[DiffersDocument, ...]
