"""Events as rows of a table: found by the index, told from the log itself."""

from collections.abc import Iterable
from dataclasses import dataclass

from ordertrail.query.entries import SealedEvent
from ordertrail.query.ports import Hit
from ordertrail.query.service import Query
from ordertrail.web.pages.addresses import event_href, order_href
from ordertrail.web.pages.reading import Moment, Reading
from ordertrail.web.pages.shell import Standing
from ordertrail.web.pages.telling import Piece, channel_words, told


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event as a row. ``order`` is empty where it belongs to none."""

    id: str
    href: str
    at: Moment
    pieces: tuple[Piece, ...]
    order: str
    order_href: str
    channel: str
    source: str
    sensitive: bool
    attempt: bool
    standing: Standing
    position: str


@dataclass(frozen=True, slots=True)
class Links:
    """Where a page of results goes on; empty where it does not."""

    newer: str
    older: str
    note: str


def rows_of_hits(query: Query, hits: Iterable[Hit], reading: Reading) -> tuple[EventRow, ...]:
    """Return found events as rows. Raises UnavailableError where the index is not of this log."""
    wanted = tuple(hits)
    whole = query.read_all(wanted)
    return tuple(_row(hit, whole[hit.key], query, reading) for hit in wanted)


def _row(hit: Hit, sealed: SealedEvent, query: Query, reading: Reading) -> EventRow:
    """Return one event as a row."""
    indexed, event = hit.event, sealed.event
    return EventRow(
        id=event.id,
        href=event_href(event.id),
        at=reading.moment(event.time),
        pieces=told(event, query.actions, reading),
        order=indexed.order or "",
        order_href=order_href(indexed.order, indexed.tenant) if indexed.order else "",
        channel=channel_words(indexed.channel) if indexed.channel else "",
        source=indexed.source or "",
        sensitive=indexed.sensitive,
        attempt=indexed.outcome != "success",
        standing=Standing.SEALED if sealed.intact else Standing.BROKEN,
        position=f"{indexed.position:,}",
    )
