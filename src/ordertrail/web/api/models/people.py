"""People: what somebody does, who saw what, and what stands out."""

from pydantic import ConfigDict, Field

from ordertrail.web.api.models.counts import LAG, CountedDocument
from ordertrail.web.api.models.document import TIME, Count, Document, Lag, Time


class BurstDocument(Document):
    """What an actor did in bulk: in how many intervals, how many events in all of these, and in the largest."""

    actor: str
    bursts: Count
    events: Count
    largest: Count


class BurstsDocument(Document):
    """Who did much of something at once, the most events first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "sentence": "Events of the kind order.cancel",
                    "lag": LAG,
                    "least": 5,
                    "minutes": 60,
                    "actors": [{"actor": "p.novak", "bursts": 1, "events": 9, "largest": 9}],
                }
            ]
        }
    )

    sentence: str
    lag: Lag
    least: int
    minutes: int
    actors: tuple[BurstDocument, ...]


class MovedAfterDocument(Document):
    """What an actor changed money by after an occasion, by changes of orders; in minor units of a currency."""

    actor: str
    currency: str
    changes: Count
    orders: Count
    raised: Count
    lowered: Count


class AfterwardsDocument(Document):
    """Who moved money of orders after their first success of something."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "sentence": "All events",
                    "first": "Events of the kind order.approve",
                    "lag": LAG,
                    "moved": [
                        {
                            "actor": "t.varga",
                            "currency": "EUR",
                            "changes": 2,
                            "orders": 2,
                            "raised": 0,
                            "lowered": 9600,
                        }
                    ],
                }
            ]
        }
    )

    sentence: str
    first: str = Field(description="The occasion, in English.")
    lag: Lag
    moved: tuple[MovedAfterDocument, ...]


class MoneyDayDocument(Document):
    """What an actor changed money by on a day of UTC, by action and currency."""

    day: Time
    action: str
    currency: str
    events: Count
    raised: Count
    lowered: Count


class ProfileDocument(Document):
    """What an actor does, when, with how much money, from where, and with whom."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "actor": "p.novak",
                    "start": "2026-11-20T00:00:00.000000Z",
                    "end": "2026-11-22T00:00:00.000000Z",
                    "zone": "UTC",
                    "lag": LAG,
                    "events": 12,
                    "attempts": 0,
                    "actions": [{"value": "order.cancel", "events": 9}],
                    "hours": [[0] * 24] * 7,
                    "money": [],
                    "sessions": [],
                    "addresses": [{"value": "198.51.100.77", "events": 9}],
                    "orders": [{"value": "SO-1042", "events": 2}],
                    "peers": [{"value": "m.okafor", "events": 4}],
                }
            ]
        }
    )

    actor: str
    start: Time
    end: Time
    zone: str
    lag: Lag
    events: Count
    attempts: Count = Field(description="How many of them were denied, failed or undone.")
    actions: tuple[CountedDocument, ...]
    hours: tuple[tuple[Count, ...], ...] = Field(
        description="Seven rows, Monday first, of 24 counts by the zone's clock."
    )
    money: tuple[MoneyDayDocument, ...]
    sessions: tuple[CountedDocument, ...]
    addresses: tuple[CountedDocument, ...]
    orders: tuple[CountedDocument, ...]
    peers: tuple[CountedDocument, ...] = Field(description="Who else worked on those orders.")


class ReaderDocument(Document):
    """Somebody who read, or tried to: how often, when, and of which orders."""

    actor: str
    reads: Count
    denied: Count
    first: Time
    last: Time
    orders: tuple[str, ...]


class ReadersDocument(Document):
    """Who saw what, the most recent first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "sentence": "Events on order SO-1042",
                    "lag": LAG,
                    "readers": [
                        {
                            "actor": "l.brandt",
                            "reads": 2,
                            "denied": 0,
                            "first": TIME,
                            "last": TIME,
                            "orders": ["SO-1042"],
                        }
                    ],
                    "whole": True,
                }
            ]
        }
    )

    sentence: str
    lag: Lag
    readers: tuple[ReaderDocument, ...]
    whole: bool = Field(description="False where there were too many readings to put together.")
