"""Questions, one function each: pure values of an address and the document that answers it.

::

    client.ask(questions.facets("order:SO-1042"))
    await async_client.ask(questions.state("SO-1042", "2026-11-22T00:00:00Z"))
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar
from urllib.parse import quote

from ordertrail.web.api.models.counts import (
    DaysDocument,
    FacetsDocument,
    HistogramDocument,
    MoneyDocument,
    RankingDocument,
)
from ordertrail.web.api.models.document import Document
from ordertrail.web.api.models.forecasts import ForecastsDocument
from ordertrail.web.api.models.found import EventPage, SealedDocument
from ordertrail.web.api.models.log import (
    CheckDocument,
    CheckpointPage,
    ConsistencyDocument,
    KeysDocument,
    ProofDocument,
    StatusDocument,
)
from ordertrail.web.api.models.orders import DifferenceDocument, HistoryDocument, StateDocument
from ordertrail.web.api.models.people import (
    AfterwardsDocument,
    BurstsDocument,
    ProfileDocument,
    ReadersDocument,
)
from ordertrail.web.api.models.questions import (
    CausesDocument,
    FieldHistoryDocument,
    FilterDocument,
    NeighboursDocument,
    VocabularyDocument,
)

Answered = TypeVar("Answered", bound=Document)
Basis = Literal["happened", "recorded"]
Width = Literal["minute", "quarter", "hour", "day", "week", "month"]
Parameters = Mapping[str, str | int | bool | None]


@dataclass(frozen=True, slots=True)
class Question(Generic[Answered]):
    """An address below ``/api/v1``, its parameters (None are left out), and the document that answers it."""

    path: str
    answered: type[Answered]
    parameters: Parameters = field(default_factory=dict)

    def query(self) -> dict[str, str]:
        """Return the parameters as they are sent."""
        return {
            name: str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in self.parameters.items()
            if value is not None
        }


def page(
    q: str = "",
    *,
    zone: str = "UTC",
    limit: int = 100,
    beyond: str | None = None,
    way: Literal["older", "newer"] = "older",
) -> Question[EventPage]:
    """Ask for a page of the events that a filter means, the newest first."""
    return Question("events", EventPage, {"q": q, "zone": zone, "limit": limit, "beyond": beyond, "way": way})


def event(event_id: str) -> Question[SealedDocument]:
    """Ask for an event as the log has it."""
    return Question(f"events/{_part(event_id)}", SealedDocument)


def proof(event_id: str) -> Question[ProofDocument]:
    """Ask for what proves an event."""
    return Question(f"events/{_part(event_id)}/proof", ProofDocument)


def neighbours(
    event_id: str, q: str = "", *, zone: str = "UTC", limit: int = 20
) -> Question[NeighboursDocument]:
    """Ask what else happened beside an event."""
    return Question(
        f"events/{_part(event_id)}/neighbours", NeighboursDocument, {"q": q, "zone": zone, "limit": limit}
    )


def causes(event_id: str) -> Question[CausesDocument]:
    """Ask what led to an event, and what it led to."""
    return Question(f"events/{_part(event_id)}/causes", CausesDocument)


def facets(q: str = "", *, zone: str = "UTC") -> Question[FacetsDocument]:
    """Ask for the values of eight fields among the events that a filter means."""
    return Question("facets", FacetsDocument, {"q": q, "zone": zone})


def histogram(
    start: str, end: str, q: str = "", *, step: Width = "day", zone: str = "UTC"
) -> Question[HistogramDocument]:
    """Ask how many events a filter means by intervals of a zone's clock."""
    return Question(
        "histogram", HistogramDocument, {"start": start, "end": end, "q": q, "step": step, "zone": zone}
    )


def ranking(
    q: str = "", *, by: str = "actor", limit: int = 20, zone: str = "UTC"
) -> Question[RankingDocument]:
    """Ask who, or what, has the most events over the whole trail."""
    return Question("facts/ranking", RankingDocument, {"q": q, "by": by, "limit": limit, "zone": zone})


def days(q: str = "", *, by: str = "outcome", zone: str = "UTC") -> Question[DaysDocument]:
    """Ask for counts by day of UTC over the whole trail."""
    return Question("facts/days", DaysDocument, {"q": q, "by": by, "zone": zone})


def money(q: str = "", *, zone: str = "UTC") -> Question[MoneyDocument]:
    """Ask whose changes moved how much money."""
    return Question("facts/money", MoneyDocument, {"q": q, "zone": zone})


def bursts(
    q: str = "", *, least: int = 20, minutes: int = 60, limit: int = 50, zone: str = "UTC"
) -> Question[BurstsDocument]:
    """Ask who did much of something at once."""
    return Question(
        "patterns/bursts",
        BurstsDocument,
        {"q": q, "least": least, "minutes": minutes, "limit": limit, "zone": zone},
    )


def moved_after(
    first: str, q: str = "", *, limit: int = 200, zone: str = "UTC"
) -> Question[AfterwardsDocument]:
    """Ask who moved money of orders after an occasion."""
    return Question(
        "patterns/moved-after", AfterwardsDocument, {"first": first, "q": q, "limit": limit, "zone": zone}
    )


def actor(actor_id: str, start: str, end: str, *, zone: str = "UTC") -> Question[ProfileDocument]:
    """Ask what somebody does in a time."""
    return Question(f"actors/{_part(actor_id)}", ProfileDocument, {"start": start, "end": end, "zone": zone})


def reads(q: str = "", *, zone: str = "UTC") -> Question[ReadersDocument]:
    """Ask who saw what a filter means."""
    return Question("reads", ReadersDocument, {"q": q, "zone": zone})


def forecasts(target: str = "", *, limit: int = 200) -> Question[ForecastsDocument]:
    """Ask which open orders are at risk."""
    return Question("forecasts", ForecastsDocument, {"target": target, "limit": limit})


def fields(
    name: str, q: str = "", *, zone: str = "UTC", limit: int = 200, beyond: str | None = None
) -> Question[FieldHistoryDocument]:
    """Ask for every change of a field."""
    return Question(
        "fields",
        FieldHistoryDocument,
        {"field": name, "q": q, "zone": zone, "limit": limit, "beyond": beyond},
    )


def order(
    number: str, *, tenant: str | None = None, first: int = 0, limit: int = 200, prove: bool = False
) -> Question[HistoryDocument]:
    """Ask for an order's history, and with ``prove`` that nothing of it is missing."""
    return Question(
        f"orders/{_part(number)}",
        HistoryDocument,
        {"tenant": tenant, "first": first, "limit": limit, "prove": prove},
    )


def state(
    number: str, time: str, *, tenant: str | None = None, basis: Basis = "happened"
) -> Question[StateDocument]:
    """Ask what an order was just after a moment."""
    return Question(
        f"orders/{_part(number)}/at", StateDocument, {"time": time, "tenant": tenant, "basis": basis}
    )


def difference(
    number: str, start: str, end: str, *, tenant: str | None = None, basis: Basis = "happened"
) -> Question[DifferenceDocument]:
    """Ask what differs between an order's states at two moments."""
    return Question(
        f"orders/{_part(number)}/between",
        DifferenceDocument,
        {"start": start, "end": end, "tenant": tenant, "basis": basis},
    )


def read_filter(q: str, *, zone: str = "UTC") -> Question[FilterDocument]:
    """Ask what a filter means."""
    return Question("filter", FilterDocument, {"q": q, "zone": zone})


def vocabulary() -> Question[VocabularyDocument]:
    """Ask what may be asked for by name."""
    return Question("vocabulary", VocabularyDocument)


def status() -> Question[StatusDocument]:
    """Ask where the trail stands."""
    return Question("status", StatusDocument)


def keys(stream: str = "default") -> Question[KeysDocument]:
    """Ask for a log's keys. Believe them only where you have them from elsewhere too."""
    return Question("keys", KeysDocument, {"stream": stream})


def checkpoints(
    stream: str = "default", *, limit: int = 50, before: int | None = None
) -> Question[CheckpointPage]:
    """Ask for the checkpoints that were ever published, the newest first."""
    return Question("checkpoints", CheckpointPage, {"stream": stream, "limit": limit, "before": before})


def consistency(old: int, new: int, stream: str = "default") -> Question[ConsistencyDocument]:
    """Ask for the proof that a log only grew between two sizes."""
    return Question("consistency", ConsistencyDocument, {"old": old, "new": new, "stream": stream})


def check(check_id: str) -> Question[CheckDocument]:
    """Ask how far a full check is."""
    return Question(f"checks/{_part(check_id)}", CheckDocument)


def _part(text: str) -> str:
    """Return a text as one part of an address."""
    return quote(text, safe="")
