"""Answers about single events and fields: neighbours, causes, changes; and what may be asked for at all."""

from pydantic import ConfigDict, Field

from ordertrail.web.api.models.counts import LAG
from ordertrail.web.api.models.document import EVENT_ID, Document, Lag
from ordertrail.web.api.models.found import CURSOR, FOUND, Found, Place


class NeighboursDocument(Document):
    """What else happened beside an event, each group by time."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "lag": LAG,
                    "request": [],
                    "trace": [],
                    "session": [],
                    "before": [FOUND],
                    "after": [],
                    "more": [],
                }
            ]
        }
    )

    lag: Lag
    request: tuple[Found, ...]
    trace: tuple[Found, ...]
    session: tuple[Found, ...]
    before: tuple[Found, ...]
    after: tuple[Found, ...]
    more: tuple[str, ...] = Field(description="Groups that are cut off.")


class EffectDocument(Document):
    """An event that followed, how many steps from the one asked about, and the cause that it names."""

    depth: int = Field(ge=1)
    cause: str
    found: Found


class CausesDocument(Document):
    """What led to an event and what it led to."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "lag": LAG,
                    "causes": [FOUND],
                    "origin": "msg-81",
                    "effects": [{"depth": 1, "cause": EVENT_ID, "found": FOUND}],
                    "whole": True,
                }
            ]
        }
    )

    lag: Lag
    causes: tuple[Found, ...] = Field(description="The events that led here, the nearest first.")
    origin: str | None = Field(description="The cause that is no event of the trail: a message or a job.")
    effects: tuple[EffectDocument, ...]
    whole: bool = Field(description="False where they were too many, or too far.")


class FieldChangeDocument(Document):
    """A change of a field, as people write its values, and the event that made it."""

    path: str
    before: str | None
    after: str | None
    found: Found


class FieldHistoryDocument(Document):
    """Every change of a field by the events that are meant, the oldest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "field": "unit_price",
                    "sentence": "Events on order SO-1042",
                    "lag": LAG,
                    "changes": [
                        {
                            "path": "/lines/2/unit_price",
                            "before": "120.00 EUR",
                            "after": "72.00 EUR",
                            "found": FOUND,
                        }
                    ],
                    "newer": CURSOR,
                }
            ]
        }
    )

    field: str
    sentence: str
    lag: Lag
    changes: tuple[FieldChangeDocument, ...]
    newer: Place = Field(description="Where later changes go on; null where these are all.")


class TermDocument(Document):
    """A term of a filter: as it is written, and in English."""

    text: str
    words: str


class FilterDocument(Document):
    """A filter, read: in English, as it is written best, and with times that mean the same tomorrow."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "sentence": "Events by clerk-17",
                    "filter": "actor:clerk-17",
                    "fixed": "actor:clerk-17",
                    "terms": [{"text": "actor:clerk-17", "words": "by clerk-17"}],
                }
            ]
        }
    )

    sentence: str
    filter: str
    fixed: str
    terms: tuple[TermDocument, ...]


class WordDocument(Document):
    """A word that filters and events know: a field's name, or an action."""

    name: str
    about: str
    sensitive: bool = False


class VocabularyDocument(Document):
    """What may be asked for by name, and the actions that this trail knows."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "fields": [{"name": "actor", "about": "Who did it.", "sensitive": False}],
                    "actions": [
                        {"name": "order.price.change", "about": "changed the price of", "sensitive": True}
                    ],
                }
            ]
        }
    )

    fields: tuple[WordDocument, ...]
    actions: tuple[WordDocument, ...]
