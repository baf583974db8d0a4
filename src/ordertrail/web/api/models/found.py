"""Events that were found, and pages of them."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from ordertrail.web.api.models.document import TIME, Count, Digest, Document, Lag, Time
from ordertrail.web.api.models.event import EVENT, EventDocument

CURSOR = "1795356130120000.41"
Place = Annotated[
    str | None, Field(description="A place between pages, for ``beyond``; opaque.", examples=[CURSOR])
]
Hash = Annotated[str, Field(description="SHA-256, in hexadecimal.", pattern="^[0-9a-f]{64}$")]


class Found(Document):
    """An event, where it stands in the log, and what it says in a sentence."""

    stream: str = Field(description="The log that it is in.")
    index: Count = Field(description="Its place in its log.")
    recorded: Time
    number: int | None = Field(description="Its place in its order's chain; null where it is of no order.")
    sensitive: bool = Field(description="Whether people are told of its kind at once.")
    sentence: str
    intact: bool = Field(
        description="Whether its bytes are those of the hash that was sealed with it; a proof says more."
    )
    cursor: str = Field(description="Its place between pages.", examples=[CURSOR])
    event: EventDocument


FOUND: dict[str, Any] = {
    "stream": "default",
    "index": 41,
    "recorded": TIME,
    "number": 7,
    "sensitive": True,
    "sentence": "clerk-17 changed the price of order line SO-1042/2 of SO-1042: unit_price 120.00 EUR → 72.00 EUR.",
    "intact": True,
    "cursor": CURSOR,
    "event": EVENT,
}
"""For examples."""


class EventPage(Document):
    """A page of events, the newest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "sentence": "Events by clerk-17",
                    "filter": "actor:clerk-17",
                    "lag": {"events": 0, "milliseconds": 0},
                    "events": [FOUND],
                    "older": CURSOR,
                    "newer": None,
                    "newest": CURSOR,
                }
            ]
        }
    )

    sentence: str = Field(description="What was asked for, in English.")
    filter: str = Field(description="The filter as it is written best.")
    lag: Lag
    events: tuple[Found, ...]
    older: Place = Field(description="Where older events go on; null where there are none.")
    newer: Place = Field(description="Where newer ones go on; null where there are none now.")
    newest: Place = Field(description="The newest event's place: what comes later is beyond it.")


class SealState(StrEnum):
    """How far an event has come."""

    SEALED = "sealed"
    """It is in a signed batch; the next anchor publishes it."""
    PUBLISHED = "published"
    """A published checkpoint commits to it: it can be proven."""


class OrderLinkDocument(Document):
    """An entry's place in its order's chain, and the hash of the entry before it there."""

    number: Count
    previous: Hash


class LedgerDocument(Document):
    """What the sequencer added to an event."""

    index: Count
    previous: Hash
    recorded: Time
    order: OrderLinkDocument | None


class SealedDocument(Document):
    """An event with all that the log says of it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "stream": "default",
                    "state": "published",
                    "sensitive": True,
                    "sentence": FOUND["sentence"],
                    "hash": "5b" * 32,
                    "ledger": {
                        "index": 41,
                        "previous": "a7" * 32,
                        "recorded": TIME,
                        "order": {"number": 7, "previous": "0c" * 32},
                    },
                    "event": EVENT,
                }
            ]
        }
    )

    stream: str
    state: SealState
    sensitive: bool
    sentence: str
    hash: Digest = Field(description="The entry's leaf hash (RFC 6962 section 2.1).")
    ledger: LedgerDocument
    event: EventDocument


class ExportEnd(Document):
    """The last record of an export: how many events came before it, and where to go on if they were not all."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"events": 1000, "whole": False, "beyond": CURSOR}]}
    )

    events: Count
    whole: bool = Field(description="Whether these are all that the filter means.")
    beyond: Place
