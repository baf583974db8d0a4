"""Counts: of values, over time, by day, and of the money that was moved."""

from typing import Any

from pydantic import ConfigDict, Field

from ordertrail.web.api.models.document import Count, Document, Lag, Time

LAG: dict[str, Any] = {"events": 0, "milliseconds": 0}
"""For examples."""


class CountedDocument(Document):
    """A value and the number of events with it; null for those that have none."""

    value: str | None
    events: Count


class FacetDocument(Document):
    """A field's values among the events that are meant."""

    field: str
    values: tuple[CountedDocument, ...]
    events: Count = Field(description="How many events were counted.")
    whole: bool = Field(description="False where only the newest of them were.")
    chosen: tuple[str, ...] = Field(description="Values that the filter has chosen.")


class FacetsDocument(Document):
    """The values of eight fields, to narrow a search by."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "sentence": "All events",
                    "lag": LAG,
                    "facets": [
                        {
                            "field": "actor",
                            "values": [{"value": "clerk-17", "events": 12}],
                            "events": 12,
                            "whole": True,
                            "chosen": [],
                        }
                    ],
                }
            ]
        }
    )

    sentence: str
    lag: Lag
    facets: tuple[FacetDocument, ...]


class BarDocument(Document):
    """An interval, its end not in it, and the events in it."""

    start: Time
    end: Time
    events: Count


class HistogramDocument(Document):
    """How many events when, by intervals of a zone's clock."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "sentence": "All events",
                    "lag": LAG,
                    "zone": "Europe/Berlin",
                    "step": "day",
                    "bars": [
                        {
                            "start": "2026-11-19T23:00:00.000000Z",
                            "end": "2026-11-20T23:00:00.000000Z",
                            "events": 311,
                        }
                    ],
                }
            ]
        }
    )

    sentence: str
    lag: Lag
    zone: str
    step: str
    bars: tuple[BarDocument, ...]


class RankedDocument(Document):
    """Values of what was asked for, their events, and on how many days of UTC there were any."""

    key: tuple[str, ...]
    events: Count
    days: Count


class RankingDocument(Document):
    """Who, or what, has the most events."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "sentence": "Events of the kind order.cancel",
                    "lag": LAG,
                    "by": ["actor"],
                    "ranked": [{"key": ["p.novak"], "events": 9, "days": 1}],
                }
            ]
        }
    )

    sentence: str
    lag: Lag
    by: tuple[str, ...]
    ranked: tuple[RankedDocument, ...]


class DayDocument(Document):
    """Events of a day of UTC, by what was asked for."""

    day: Time
    key: tuple[str, ...]
    events: Count


class DaysDocument(Document):
    """Counts by day of UTC."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "sentence": "All events",
                    "lag": LAG,
                    "by": ["outcome"],
                    "whole": True,
                    "days": [{"day": "2026-11-20T00:00:00.000000Z", "key": ["success"], "events": 311}],
                }
            ]
        }
    )

    sentence: str
    lag: Lag
    by: tuple[str, ...]
    whole: bool = Field(description="False where there are more than are told: ask for a shorter time.")
    days: tuple[DayDocument, ...]


class MovedDocument(Document):
    """What an actor's successes changed money by, up and down, in minor units of a currency."""

    actor: str
    currency: str
    events: Count
    raised: Count
    lowered: Count


class MoneyDocument(Document):
    """Whose changes moved how much money; the most first in each currency."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "sentence": "All events",
                    "lag": LAG,
                    "moved": [
                        {"actor": "t.varga", "currency": "EUR", "events": 2, "raised": 0, "lowered": 9600}
                    ],
                }
            ]
        }
    )

    sentence: str
    lag: Lag
    moved: tuple[MovedDocument, ...]
