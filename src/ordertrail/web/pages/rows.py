"""Events as rows of a table: found by the index, told from the log itself."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ordertrail.query.entries import as_sealed, read_entry
from ordertrail.query.ports import Hit
from ordertrail.query.service import Query
from ordertrail.record.event import Event
from ordertrail.web.pages.addresses import event_href, order_href
from ordertrail.web.pages.reading import Moment, Reading
from ordertrail.web.pages.shell import Standing
from ordertrail.web.pages.telling import Piece, channel_words, told

_NEAR: Final = 8
"""Entries between two that are wanted which are read with them, rather than the log being asked twice."""


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
    events = _read_together(query, wanted)
    return tuple(
        _row(hit, *(events.get(hit.key) or (query.read(hit).event, Standing.SEALED)), query, reading)
        for hit in wanted
    )


def _read_together(query: Query, hits: Sequence[Hit]) -> dict[int, tuple[Event, Standing]]:
    """Return the events of hits by key, and whether each is as it was sealed; near ones by one reading of the log.

    What the log has otherwise than the index says is left out: whoever reads it by itself is told why.
    """
    found: dict[int, tuple[Event, Standing]] = {}
    by_place = sorted(hits, key=lambda one: (one.event.stream, one.event.position))
    runs: list[list[Hit]] = []
    for hit in by_place:
        last = runs[-1][-1].event if runs else None
        near = (
            last is not None
            and last.stream == hit.event.stream
            and hit.event.position - last.position <= _NEAR
        )
        if near:
            runs[-1].append(hit)
        else:
            runs.append([hit])
    for run in runs:
        stream = run[0].event.stream
        keys = {one.event.position: one for one in run}
        for row in query.log.rows(stream, run[0].event.position, run[-1].event.position + 1):
            wanted = keys.get(row.index)
            if wanted is not None:
                event = read_entry(stream, row).event
                if event.id == wanted.event.id:
                    found[wanted.key] = (event, Standing.SEALED if as_sealed(row) else Standing.BROKEN)
    return found


def _row(hit: Hit, event: Event, standing: Standing, query: Query, reading: Reading) -> EventRow:
    """Return one event as a row."""
    indexed = hit.event
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
        standing=standing,
        position=f"{indexed.position:,}",
    )
